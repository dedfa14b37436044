package run

import (
	"errors"
	"strconv"
	"time"

	"holdfast/channels"
)

// Start is what a run is made of; the supervisor gives it with the spawn. Everything in it is immutable.
type Start struct {
	Account  channels.Account
	Number   uint64 // run.7
	Kind     channels.Kind
	Settings channels.Settings
	Webhook  string // where the outside reaches the account's route; without credentials
	// Candidate has the run live beside the current one: it connects and reports, and what it hands in waits for Admit.
	Candidate bool
	Adopt     []byte // what the run before exported; nil: nothing
}

// Name is the run's name below its supervisor: home/run.7. The supervisor spawns it under this name and no other.
func (s Start) Name() string { return s.Account.Name() + "/run." + strconv.FormatUint(s.Number, 10) }

// Calls. The supervisor hands one to the current run as a question; a run answers every call it was given exactly once,
// also when it is draining, and refuses new ones then. Answer: Result.
type (
	// Call asks the run to do Op by Deadline.
	Call struct {
		Op       Op
		Deadline time.Time
	}
	// Result answers Call. Err is nil or classified by channels.OutcomeOf; the field that belongs to the op is filled.
	Result struct {
		Receipt      channels.Receipt    // Send, Find
		Found        bool                // Find
		Arrival      channels.Arrival    // Complete
		Attachment   channels.Attachment // Fetch: with Blob, Size and Type filled
		Conversation string              // Resolve
		Err          error
	}
)

// Op is one thing a network can do.
type Op interface{ op() }

type (
	// Send delivers a reply.
	Send struct{ Reply channels.Reply }
	// Find looks a reply of unknown outcome up. Claimed are ids of our messages that belong to other replies.
	Find struct {
		Reply   channels.Reply
		Claimed []string
	}
	// Fetch stores an attachment in the state folder, not more than Max bytes of it.
	Fetch struct {
		Attachment channels.Attachment
		Max        int64
	}
	// Complete finds what an arrival lacks.
	Complete struct {
		Arrival channels.Arrival
		Try     int // from 1
	}
	// Typing shows or hides that an answer is being written.
	Typing struct {
		Conversation string
		On           bool
	}
	// MarkRead marks a conversation as read.
	MarkRead struct{ Conversation string }
	// Resolve turns an operator's target into a conversation.
	Resolve struct{ Target string }
)

func (Send) op()     {}
func (Find) op()     {}
func (Fetch) op()    {}
func (Complete) op() {}
func (Typing) op()   {}
func (MarkRead) op() {}
func (Resolve) op()  {}

// ErrNotOffered is a Result's error when the network cannot do the op at all (no such optional interface). It wraps
// a channels.Failure with outcome Rejected.
var ErrNotOffered = &channels.Failure{Outcome: channels.Rejected, Err: errors.New("this network cannot do that")}

type (
	// Admit makes a candidate the current run: what it has handed in so far goes to the journal. No answer.
	Admit struct{}
	// Moved says where the outside reaches the account's route from now on. No answer.
	Moved struct{ Webhook string }
	// Nudge says that the account may have missed something. No answer.
	Nudge struct{}
	// Drain tells the run to take no more calls and no more items, to finish the calls it holds, to end the network's Run
	// and to stop itself. Calls whose network does not come to an end are cut short a little before Within is over, so that
	// it can still say what it knows; 0 leaves them their own deadlines. No answer; kit.Ended follows.
	Drain struct {
		Cause  string
		Within time.Duration
	}
	// Fence takes the run's right away at once: its Takes get ErrGone, its answers are not waited for any more, its
	// context is cancelled. The actor stays until its goroutine is gone, and is counted. No answer; kit.Ended follows
	// when it is gone.
	Fence struct{ Cause string }
)

// What a run tells its supervisor.
type (
	// Opened says of a candidate that Connect has returned.
	Opened struct {
		Account channels.Account
		Run     uint64
	}
	// Holding says of a candidate that it has something for the journal, which waits until it is the current run: its network
	// has given it what it asked for. Told once.
	Holding struct {
		Account channels.Account
		Run     uint64
	}
	// Sealed says that nothing more of a draining run will reach the journal. Calls that it holds may go on.
	Sealed struct {
		Account channels.Account
		Run     uint64
	}
	// Reported is how the connection is, as the network last said.
	Reported struct {
		Account   channels.Account
		Run       uint64
		Condition channels.Condition
	}
	// Over says that the network's Run returned, before kit.Ended comes. Refusal waits for the operator.
	Over struct {
		Account channels.Account
		Run     uint64
		Err     string // empty: a clean end
		Refusal bool
		Do      string        // what the operator should do, if Refusal
		Bug     bool          // the network's code panicked
		Export  []byte        // what the network leaves to the next run; nil: nothing
		After   time.Duration // the pause that the network asked for; 0 leaves it to the supervisor
	}
	// Fenced answers Fence: from here on nothing of this run reaches the journal. Its goroutines may still be there.
	Fenced struct {
		Account channels.Account
		Run     uint64
	}
	// Took counts items that a connection brought and the journal has.
	Took struct {
		Account channels.Account
		Run     uint64
		Items   int
	}
)

// Begin is the first message of every run, from its own shell.
type Begin struct{}

// What the network's own goroutines ask their run. They wait for the answer, so they cannot flood it.
type (
	// Connected stands between Connect and Run. Answer: GoOn.
	Connected struct{}
	// GoOn answers Connected. Err is channels.ErrGone when the run is not wanted any more.
	GoOn struct{ Err error }
	// Take is a batch of items for the journal, with the cursor that they confirm. Answer: Taken.
	Take struct {
		Requests []channels.Request
		Cursor   []byte
	}
	// Taken answers Take. Err is nil when everything is safe on disk. Number orders the answers.
	Taken struct {
		Number uint64
		Err    error
	}
	// Report says how the connection is. Answer: Heard.
	Report struct{ Condition channels.Condition }
	// Heard answers Report.
	Heard struct{}
)

// Status is what a run publishes. It is never changed.
type Status struct {
	Account channels.Account `json:"account"`
	Run     uint64           `json:"run"`
	Phase   Phase            `json:"phase"`
	Calls   []CallStatus     `json:"calls,omitempty"`
	Stuck   int              `json:"stuck,omitempty"` // goroutines of calls that went past their deadline
	Takes   int              `json:"takes,omitempty"` // batches of items on their way to the journal
}

// CallStatus is one call whose goroutine is not gone.
type CallStatus struct {
	Op       string    `json:"op"`
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
	Stuck    bool      `json:"stuck,omitempty"` // its answer went out at the deadline
}
