package kit

import "path"

// Addr names an actor for as long as it lives. It is a value: comparable, printable, and useless to anybody who was not
// given one, because names are never used twice and nothing guesses them. The zero Addr is nobody.
type Addr struct{ id string }

// Named makes the address of an actor of the given name. Who spawns an actor names it; tests name those that they play.
func Named(id string) Addr { return Addr{id: id} }

// Child is the address of a child: parents name their children.
func (a Addr) Child(name string) Addr { return Addr{id: path.Join(a.id, name)} }

// IsZero tells whether the address is nobody's.
func (a Addr) IsZero() bool { return a.id == "" }

func (a Addr) String() string { return a.id }

// MarshalText writes the name.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.id), nil }

// Return says where the answer to a question goes. The zero Return belongs to a message that nobody waits for; answering
// it does nothing. It may be kept and used later, once.
type Return struct {
	to   Addr
	seq  uint64 // of the question, at to or of the slot
	slot *slot
}

// ReturnTo makes a Return for tests and searches that play the asking side.
func ReturnTo(to Addr, seq uint64) Return { return Return{to: to, seq: seq} }

// IsZero tells whether nobody waits.
func (r Return) IsZero() bool { return r.to.IsZero() && r.slot == nil }

// To is the asking actor; zero for an edge that waits outside all actors.
func (r Return) To() Addr { return r.to }
