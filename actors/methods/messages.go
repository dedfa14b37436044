package methods

import "holdfast/actors/registry"

type (
	// Register replaces all methods at once, from reload before it publishes: those of the core first, for of two that have
	// one name the first is kept. The table is staged at the registry. Answer:
	// Registered, after it is staged.
	Register struct{ Methods []registry.Method }
	// Registered answers Register. Refused are names that stand twice or are malformed, with the reason.
	Registered struct {
		Refused map[string]string
		Err     error
	}
)
