package lanes

import (
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
	"holdfast/config"
)

type (
	// Configure gives what lanes need to know of a revision; turns under way keep what they began with. Sent by reload.
	// Answer: Configured.
	Configure struct {
		Revision uint64
		Accounts map[channels.Account]Account
		Bindings []config.Binding
		Agents   map[string]Agent // by name; a binding to another one was refused at validation
		Mentions []string         // RE2
	}
	// Configured answers Configure.
	Configured struct{}
	// Account is what lanes know of one account.
	Account struct {
		Supervisor kit.Addr
		Common     channels.Common
		Limits     channels.Limits
	}
	// Agent is what lanes know of one agent.
	Agent struct {
		History bool // its turns carry the conversation's history; without it none is read
	}
	// Drain takes no new arrivals and ends the turns under way by the given time. Answer: Drained.
	Drain struct{ By time.Time }
	// Drained answers Drain. Left are conversations whose turn did not end; their arrivals stay pending.
	Drained struct{ Left []string }
)

// Snapshot is what the actor publishes.
type Snapshot struct {
	Lanes   int           `json:"lanes"` // busy conversations
	Turns   int           `json:"turns"` // under way at an agent
	Held    int           `json:"held"`  // arrivals in memory
	Oldest  time.Duration `json:"oldest"`
	Blocked []Blocked     `json:"blocked,omitempty"` // those that try again, at most 20
	// Waiting are the conversations that wait for an agent, by its name: for its answer, or between two attempts.
	Waiting map[string]int `json:"waiting,omitempty"`
	LeftOut bool           `json:"leftOut,omitempty"` // arrivals of some account did not fit and are looked for again
}

// WaitsFor tells whether something may wait for an agent. What was left out may be for any.
func (s Snapshot) WaitsFor(agent string) bool { return s.LeftOut || s.Waiting[agent] > 0 }

// Blocked is a conversation that waits for something to become well.
type Blocked struct {
	Account      channels.Account `json:"account"`
	Conversation string           `json:"conversation"`
	Cause        string           `json:"cause"`
	Since        time.Time        `json:"since"`
	Attempts     int              `json:"attempts"`
}

// Outcomes of arrivals that were done or are dead; access names those that it does not allow.
const (
	Answered  = "answered"
	Contexted = "context"   // told to the agent with its next turn
	Retracted = "retracted" // taken back before it was answered, or what took it back
	Stopped   = "stopped"   // its turn was ended by /stop
	Commanded = "command"   // /new, /status, /stop
	Empty     = "empty"     // nothing in it for an agent
	Refused   = "refused"   // the agent will never answer it
	Homeless  = "homeless"  // the network does not say which conversation it belongs to
	Late      = "late"      // not answered before expireAfter
)

// Private inputs: timers, by a number under which a stale one is known.
type (
	wake     struct{ attempt } // a lane's pause or window is over
	typeOn   struct{ typing }  // a turn goes on, and the network may have ended its display
	retake   struct{ place }   // a lane looks for what it left in the journal
	rescan   struct{ account channels.Account }
	scanOn   struct{ account channels.Account } // a take failed; try again
	drainEnd struct{}
)
