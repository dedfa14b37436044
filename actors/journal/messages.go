package journal

import (
	"errors"
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// Kind is a sort of item, and with an account the name of a queue.
type Kind string

const (
	Requests Kind = "request"
	Arrivals Kind = "arrival"
	Replies  Kind = "reply"
)

// Queue holds the pending items of one kind and account, in order of acceptance.
type Queue struct {
	Kind    Kind             `json:"kind"`
	Account channels.Account `json:"account"`
}

// State is where an item is. Pending is the only one that changes.
type State string

const (
	Pending State = "pending"
	Done    State = "done"
	Dead    State = "dead"
	Expired State = "expired"
)

// Intake.
type (
	// Accept makes requests pending, from the edge (one) or from a run (as many as its connection brought), and moves
	// the account's cursor in the same batch. What was let in under a name that has changed since goes to the new one,
	// without its cursor. A request all of whose claims are held is counted as a duplicate and not written. Answer:
	// Accepted, after the sync.
	Accept struct {
		Account  channels.Account
		Revision uint64             // of the routes that let them in; 0: Account is called so now
		Requests []channels.Request // without Seq and At: the journal gives both
		Cursor   []byte             // nil leaves it as it is
	}
	// Accepted answers Accept. Seqs are in the order of the requests; 0 is one that was not written. Err is ErrIntake
	// while the journal takes nothing.
	Accepted struct {
		Seqs []uint64
		Err  error
	}
)

// The hand-over: a subscriber is woken once and takes until there is no more.
type (
	// Subscribe asks for wake-ups of one kind of queue, of one channel or (empty) of all. No answer; if something is
	// pending already, Woken comes at once.
	Subscribe struct {
		Kind    Kind
		Channel string
		To      kit.Addr
	}
	// Woken says that the queue has items the subscriber has not taken. At most one is under way per subscriber and queue:
	// the next one comes only after a Take of that queue.
	Woken struct{ Queue Queue }
	// Take asks for pending items with a number above After, oldest first. Answer: Taken.
	Take struct {
		Queue        Queue
		After        uint64
		Max          int
		Conversation string   // only this one, if set
		Skip         []string // conversations to leave out (their lanes are full)
	}
	// Taken answers Take; the one list that belongs to the queue's kind is filled. Items are copies. Last is the highest
	// number looked at; More says that there is something above it.
	Taken struct {
		Queue    Queue
		Requests []channels.Request
		Arrivals []channels.Arrival
		Replies  []channels.Reply
		Last     uint64
		More     bool
		Err      error
	}
)

// Steps.
type (
	// Commit is one step of a stage: all of it becomes true in one batch, or nothing. Answer: Committed, after the sync
	// where Sync is set or an op demands it, else as soon as the batch is in order.
	Commit struct {
		Account channels.Account
		Ops     []Op
		Sync    bool
	}
	// Committed answers Commit. Added has one entry per AddArrival and AddReply, in their order: the number given, or 0 for
	// a duplicate. Err is ErrEnded when an item of the step is not pending any more, or not the account's any more because
	// it was renamed: then nothing was done.
	Committed struct {
		Added []uint64
		Err   error
	}
)

// Op is one part of a step.
type Op interface{ op() }

type (
	// End takes a pending item to its one last state. Outcome is a word for the counters (answered, duplicate, denied,
	// context, sent, …); Reason is for people and kept with a dead item.
	End struct {
		Kind    Kind
		Seq     uint64
		State   State
		Outcome string
		Reason  string
	}
	// AddArrival makes an arrival pending and claims its content for Keep. If the claim is taken, the arrival is
	// created and done at once with the outcome "duplicate".
	AddArrival struct {
		Arrival channels.Arrival
		Keep    time.Duration
	}
	// Rewrite replaces a pending arrival by what is known of it now: its conversation, its attachments. Number and claim
	// stay; what it covers by now is claimed for Keep.
	Rewrite struct {
		Arrival channels.Arrival
		Keep    time.Duration
	}
	// AddReply makes a reply pending. Claim, if set, makes it a duplicate when it was used before (idempotency keys).
	AddReply struct {
		Reply channels.Reply
		Claim string
		Keep  time.Duration
	}
	// Attempt writes down that a reply is about to be handed to the platform or, without At, that the attempt with this
	// number certainly did not go out. It forces a sync.
	Attempt struct {
		Seq     uint64
		Attempt int
		At      time.Time
		Unknown bool // an earlier attempt's outcome is still not known: FirstTry stays
	}
	// Receive keeps the platform's receipt of a reply, so that echoes and look-ups know our messages.
	Receive struct {
		Seq          uint64
		Conversation string
		Receipt      channels.Receipt
	}
	// SetState writes one value of a conversation (empty: of the account). A nil value deletes.
	SetState struct {
		Conversation string
		Name         string
		Value        []byte
	}
	// Pin counts a reference of a pending arrival to a stored attachment. It is let go Keep after the arrival has ended;
	// the file goes with the last reference.
	Pin struct {
		Seq  uint64
		Blob string
		Keep time.Duration
	}
)

func (End) op()        {}
func (AddArrival) op() {}
func (Rewrite) op()    {}
func (AddReply) op()   {}
func (Attempt) op()    {}
func (Receive) op()    {}
func (SetState) op()   {}
func (Pin) op()        {}

// Questions that change nothing.
type (
	// GetState asks for values of a conversation (empty: of the account) whose names begin with Prefix. Where there is a
	// value of the name Name, if that is set, it is the whole answer, and costs much less. Answer: Values.
	GetState struct {
		Account      channels.Account
		Conversation string
		Name         string
		Prefix       string
	}
	// Values answers GetState: copies, by name.
	Values struct {
		Values map[string][]byte
		Err    error
	}
	// GetCursor asks for what the last Accept with a cursor carried. Answer: Cursor.
	GetCursor struct{ Account channels.Account }
	// Cursor answers GetCursor; Value is nil before the first one.
	Cursor struct {
		Value []byte
		Err   error
	}
	// Ours asks which of some platform ids belong to messages that we sent. Answer: OursAre.
	Ours struct {
		Account channels.Account
		IDs     []string // nil: all ids of the conversation
		// Conversation limits a question without ids.
		Conversation string
	}
	// OursAre answers Ours: id to the number of our reply.
	OursAre struct {
		Replies map[string]uint64
		Err     error
	}
	// Answers asks for what became of a request with a ticket; it is answered when everything has ended or Wait is over.
	// Answer: Answer.
	Answers struct {
		Account  channels.Account
		Revision uint64 // of the route that was asked; 0: Account is called so now
		Request  uint64
		Wait     time.Duration
	}
	// Answer answers Answers. State is pending, or the worst end of what the request led to.
	Answer struct {
		Known   bool // false: no such request of this account, or kept no longer
		State   State
		Outcome string
		Reason  string
		Replies []channels.Reply
		Err     error
	}
	// Stats asks for the counters. Answer: Statistics.
	Stats struct{}
	// Verify counts the pending items from the keys, in one snapshot, and compares. Answer: Verified.
	Verify struct{}
	// Verified answers Verify; Faults are sentences, empty when the books balance.
	Verified struct {
		Statistics Statistics
		Faults     []string
		Err        error
	}
	// List asks for items. Account "" is all, Kind "" is all, State "" is pending. Answer: Listed.
	List struct {
		Kind    Kind
		Account channels.Account
		State   State
		After   uint64
		Max     int
	}
	// Listed answers List.
	Listed struct {
		Records []Record
		More    bool
		Err     error
	}
	// Show asks for one item with its payload. Answer: Shown.
	Show struct{ Seq uint64 }
	// Shown answers Show.
	Shown struct {
		Record  Record
		Payload []byte // JSON of the request, arrival or reply
		Err     error
	}
)

// Orders of an operator and of a reload.
type (
	// Resend makes a dead item pending again under a new number. Answer: Committed.
	Resend struct{ Seq uint64 }
	// Drop ends a pending item as dead, or forgets a dead one. Answer: Committed.
	Drop struct {
		Seq    uint64
		Reason string
	}
	// Keep names the accounts there are; pending items of others become dead (account removed). Answer: Committed.
	Keep struct{ Accounts []channels.Account }
	// Rename gives everything of an account to another name: items, pending or ended, claims, cursor, values, receipts and
	// counters. What To has of its own stays (rename.go). Nothing under From: nothing to do, and no error. Sent by reload
	// when nobody works for either any more. Answer: Committed, after the sync.
	Rename struct {
		From, To channels.Account
		Revision uint64 // the publication since which To serves
	}
	// Close refuses everything from now on, waits for what is under way and closes the store. Answer: Closed.
	Close struct{}
	// Closed answers Close.
	Closed struct{ Err error }
)

// Record is what is known of an item without its payload.
type Record struct {
	Seq          uint64           `json:"seq"`
	Kind         Kind             `json:"kind"`
	Account      channels.Account `json:"account"`
	Conversation string           `json:"conversation,omitempty"`
	State        State            `json:"state"`
	Outcome      string           `json:"outcome,omitempty"`
	Reason       string           `json:"reason,omitempty"`
	At           time.Time        `json:"at"`
	Ended        time.Time        `json:"ended,omitzero"`
	Attempts     int              `json:"attempts,omitempty"`
}

// Counters of one queue; Created = Done + Dead + Expired + Pending, always.
type Counters struct {
	Created  uint64            `json:"created"`
	Done     uint64            `json:"done"`
	Dead     uint64            `json:"dead"`
	Expired  uint64            `json:"expired"`
	Pending  uint64            `json:"pending"`
	Outcomes map[string]uint64 `json:"outcomes,omitempty"` // done, by outcome
	Oldest   time.Time         `json:"oldest,omitzero"`    // acceptance of the oldest pending item
}

// Statistics is the journal's snapshot for everybody: the actor publishes it and it answers Stats. It is never changed.
type Statistics struct {
	Accepting bool               `json:"accepting"`
	Why       string             `json:"why,omitempty"` // why it takes nothing
	Free      uint64             `json:"freeBytes"`
	Syncs     uint64             `json:"syncs"`
	Commits   uint64             `json:"commits"`
	Queues    map[Queue]Counters `json:"-"`
}

var (
	// ErrIntake: the journal takes nothing now (disk nearly full, or closing). What was accepted goes on.
	ErrIntake = errors.New("the journal takes nothing now")
	// ErrEnded: an item of the step has ended already.
	ErrEnded = errors.New("the item has ended already")
	// ErrNoItem: there is no such item.
	ErrNoItem = errors.New("there is no such item")
)
