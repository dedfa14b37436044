package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// mask is all that anybody ever sees of a secret.
const mask = "***"

// Secret holds a credential and cannot print itself: every way Go knows of turning a value into text gives "***".
// Reveal is the only way to the value, so that a search for its callers finds every place where a secret leaves.
//
// The zero Secret is empty; an empty secret never equals anything.
type Secret struct {
	// A pointer, because fmt cannot call methods on an unexported field and prints its insides instead: inside another
	// struct the address is all it can reach. To a text, because it follows those to structs and arrays.
	value *string // the credential's hash and the credential: who compares hashes only the other side
}

// NewSecret wraps value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	sum := sha256.Sum256([]byte(value))
	sealed := string(sum[:]) + value
	return Secret{value: &sealed}
}

// Reveal returns the credential itself. Call it only where it goes onto the wire or into a MAC.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return (*s.value)[sha256.Size:]
}

// IsZero tells whether nothing was configured.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal compares in constant time, also for candidates of another length. An empty secret equals nothing.
func (s Secret) Equal(candidate string) bool {
	if s.value == nil {
		return false
	}
	got := sha256.Sum256([]byte(candidate))
	return subtle.ConstantTimeCompare([]byte((*s.value)[:sha256.Size]), got[:]) == 1
}

// Digest is a keyed fingerprint: it tells whether a secret changed without telling what it is.
func (s Secret) Digest(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(s.Reveal()))
	return mac.Sum(nil)
}

func (s Secret) String() string   { return mask }
func (s Secret) GoString() string { return mask }

// Format writes the mask for every verb, also for those that pass String by, such as %d.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalJSON writes the mask.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(mask) }

// MarshalText writes the mask; it also serves YAML and map keys.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalText takes the value as it stands, after references have been resolved.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// LogValue writes the mask to slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }
