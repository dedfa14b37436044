package outbox

import (
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

type (
	// Configure gives what the outbox needs to know of a revision. Sent by reload. Answer: Configured.
	Configure struct {
		Revision uint64
		Accounts map[channels.Account]Account
	}
	// Settle asks for the end of what is under way for accounts that are not configured any more: then nothing more is written
	// for them. Sent by reload. Answer: Settled.
	Settle struct{}
	// Settled answers Settle.
	Settled struct{}
	// Configured answers Configure.
	Configured struct{}
	// Account is what the outbox knows of one account.
	Account struct {
		Supervisor kit.Addr
		Limits     channels.Limits
		Expire     time.Duration // a reply that could not be sent for so long ends as expired
		Chunk      int           // characters in one message
		ChunkMode  string
	}
	// Post starts a message of the gateway's own: an operator's send. Key makes a repeat harmless. Sent by control.
	// Answer: Posted, when it is safe in the journal.
	Post struct {
		Account channels.Account
		Target  string // a conversation, or what the network can resolve to one
		Text    string
		Key     string // idempotency key; empty: none
	}
	// Posted answers Post.
	Posted struct {
		Seqs      []uint64 // one per part
		Duplicate bool
		Err       error
	}
	// Drain takes no new replies and lets sends in flight end by the given time. Answer: Drained.
	Drain struct{ By time.Time }
	// Drained answers Drain. Left are replies whose send did not end: their outcome is unknown and will be looked up.
	Drained struct{ Left []uint64 }
)

// Snapshot is what the actor publishes, by account.
type Snapshot struct{ Accounts []Status }

// Status of one account's way out.
type Status struct {
	Account  channels.Account `json:"account"`
	InFlight int              `json:"inFlight"`
	Held     int              `json:"held"`    // replies in memory
	Blocked  int              `json:"blocked"` // conversations that pause after a failure
	LastErr  string           `json:"lastError,omitempty"`
	LastOK   time.Time        `json:"lastOk,omitzero"`
}
