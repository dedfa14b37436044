package config

import (
	"fmt"
	"time"
)

// wantDuration is what every fault of a Duration asks for.
const wantDuration = "a duration such as 500ms, 30s or 24h"

// Duration is a time.Duration that is written as in Go: "500ms", "30s", "24h". It has its own type so that a JSON
// Schema shows text and not nanoseconds.
type Duration time.Duration

// D returns the standard library's form.
func (d Duration) D() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the Go form.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the Go form; the error says what would have been right.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("got %q, want %s", text, wantDuration)
	}
	*d = Duration(v)
	return nil
}
