package agents

import (
	"time"

	"holdfast/actors/agents/backend"
)

type (
	// Configure gives the agents of a revision; turns under way keep what they began with. Sent by reload. Answer:
	// Configured.
	Configure struct {
		Revision uint64
		Agents   []Agent
	}
	// Configured answers Configure.
	Configured struct{}
	// Agent is one configured agent; Open made it. Digest is a fingerprint of its resolved settings.
	Agent struct {
		Name     string
		Kind     string
		Digest   string
		Agent    backend.Agent
		Parallel int
		Timeout  time.Duration
	}
	// Turn asks for an answer; it waits its turn where the agent's limit is reached, first come, first served. Sent by
	// lanes. Answer: Turned, always, at the latest when the agent's time-out after its beginning is over.
	Turn struct{ Turn backend.Turn }
	// Turned answers Turn. Exactly one of Answer and Err counts.
	Turned struct {
		Answer  backend.Answer
		Err     error // nil, or what went wrong; for people
		Refused bool  // trying again will not help
		Unknown bool  // refused because there is no agent of that name in this revision
		Stopped bool  // ended by Stop
	}
	// Stop ends the turn of that ID, under way or waiting. From lanes (/stop). No answer; the Turn gets its own.
	Stop struct {
		ID string
		// Waiting leaves a turn alone that has begun: its answer comes as if nothing had been said. From lanes, when a
		// message changed while it waited.
		Waiting bool
	}
)

// Private inputs: timers, by the number of the call. A stale one finds its call gone or in another phase.
type (
	turnOver  struct{ number uint64 } // the deadline of a turn
	leaveOver struct{ number uint64 } // a cancelled call had its time to end
)

// Snapshot is what the actor publishes, by name.
type Snapshot struct{ Agents []Status }

// Status of one agent.
type Status struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Running  int    `json:"running"`
	Waiting  int    `json:"waiting"`
	Parallel int    `json:"parallel"`
	Stuck    int    `json:"stuck,omitempty"` // calls that were given up and have not ended
	Hung     bool   `json:"hung,omitempty"`  // such calls hold every slot: turns are answered at once with what is wrong
	Failures int    `json:"failures"`        // in a row: turns that got no answer, through no fault of the message
	// Refusing says that one of the failures was a refusal that every message gets: it lasts until a turn is answered or the
	// settings change, whether a message waits or not.
	Refusing bool      `json:"refusing,omitempty"`
	Refusals int       `json:"refusals,omitempty"` // in a row: messages that it will not answer and that were at fault
	LastErr  string    `json:"lastError,omitempty"`
	LastOK   time.Time `json:"lastOk,omitzero"`
}
