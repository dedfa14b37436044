package router

import (
	"time"

	"holdfast/channels"
)

// Claim registers what one account wants to be reached by. It is data from the account's settings.
type Claim struct {
	Account  channels.Account
	Formerly channels.Account // what it was called; paths that this one moved away from are held for it. Empty: nothing else
	Routes   []channels.Route
}

type (
	// Register says what is claimed from the next publication on; what is not in it is withdrawn with it. Sent by reload
	// before it publishes. A path that an account had and does not claim any more, while the account stays, is held for
	// Grace: same screen, still accepted, with the account's present credentials. The router computes the table and stages it at the registry; until Published,
	// another Register starts again from what is live. Answer: Registered, after it is staged.
	Register struct {
		Claims []Claim
		Listen string        // host:port of the listener, for routes that are LoopbackOnly
		Grace  time.Duration // how long a moved path is held; DefaultGrace if zero
	}
	// Published says that what was registered last is live. Sent by reload. No answer.
	Published struct{}
	// Registered answers Register. Refused claims are not in the table; all others are.
	Registered struct {
		Refused []Refused
		Err     error
	}
	// Refused is one claim that could not be met.
	Refused struct {
		Account channels.Account
		Path    string
		Why     string // for people: who has it, or what is wrong
	}
)

// DefaultGrace is how long a moved path is held.
const DefaultGrace = 24 * time.Hour

// graceOver ends a grace, by timer; stale ones are known by their number.
type graceOver struct{ number uint64 }

// Path is one line of the router's snapshot: what is live, sorted by path.
type Path struct {
	Path     string             `json:"path"`
	Under    bool               `json:"under,omitempty"`
	Accounts []channels.Account `json:"accounts"`
	Held     time.Time          `json:"heldUntil,omitzero"`
	Disabled bool               `json:"disabled,omitempty"`
}
