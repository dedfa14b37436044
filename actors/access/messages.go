package access

import (
	"time"

	"holdfast/channels"
)

type (
	// Decide asks whether an arrival may start a turn. Sent by lanes. Answer: Decision.
	Decide struct {
		Arrival channels.Arrival
		// Mentions are the patterns (RE2, compiled by us) by which a group message names the agent.
		Mentions []string
	}
	// Decision answers Decide.
	Decision struct {
		Allow bool
		// Outcome of the arrival if it is not allowed: denied, unmentioned (kept as context), pairing.
		Outcome string
		Reason  string // for log and journal
		// Reply is to be sent (a pairing code for somebody new); empty: nothing.
		Reply string
		// Err says that nothing was decided, because the account is not known yet or the journal did not answer: ask again
		// after a pause. No other field counts then.
		Err error
	}
	// Configure gives the policies of a revision. Sent by reload. Answer: Configured.
	Configure struct {
		Revision uint64
		Accounts map[channels.Account]channels.Common
	}
	// Configured answers Configure.
	Configured struct{}
)

// Pairing, from an operator through control.
type (
	// ListPairing asks for what waits and who was approved. Answer: PairingList.
	ListPairing struct{ Account channels.Account } // "" is all
	// PairingList answers ListPairing.
	PairingList struct {
		Requests []PairingRequest
		Approved []Approved
	}
	// Approve lets a sender in by code; Deny forgets the code. Account may be empty when the code is unique. Answer:
	// Settled.
	Approve struct {
		Account channels.Account
		Code    string
	}
	// Deny forgets a request, or takes an approval back when Sender is given instead of Code. Account may be empty when
	// that is unique. Answer: Settled.
	Deny struct {
		Account channels.Account
		Code    string
		Sender  string
	}
	// Settled answers Approve and Deny, after the change is safe.
	Settled struct {
		Account channels.Account
		Sender  string
		Err     error
	}
)

// Outcomes of an arrival that is not allowed.
const (
	Denied      = "denied"      // the policy says no
	Unmentioned = "unmentioned" // said in a group and not to the agent
	Paired      = "pairing"     // from a stranger who has, or may get, a code
)

// Snapshot is what the actor publishes, by account.
type Snapshot struct{ Accounts []Status }

// Status of one account's pairing.
type Status struct {
	Account  channels.Account `json:"account"`
	Requests int              `json:"requests"` // with a code that is waiting for the operator
	Approved int              `json:"approved"`
	Loaded   bool             `json:"loaded"`          // false: what was approved is not read yet, and questions wait
	Err      string           `json:"error,omitempty"` // why it is not
}

// reload asks the journal again, by timer; a stale one is known by its number.
type reload struct {
	account channels.Account
	number  uint64
}

// PairingRequest is a stranger with a code.
type PairingRequest struct {
	Account channels.Account `json:"account"`
	Sender  string           `json:"sender"`
	Name    string           `json:"name,omitempty"`
	Code    string           `json:"code"`
	Created time.Time        `json:"created"`
	Expires time.Time        `json:"expires"`
}

// Approved is a sender who was let in by a code.
type Approved struct {
	Account channels.Account `json:"account"`
	Sender  string           `json:"sender"`
	Since   time.Time        `json:"since"`
}
