// Package channels is the contract between the gateway and a chat network.
//
// A network is plain blocking Go with a context: no actors, no goroutine that outlives the call it belongs to. Every
// folder below this one that holds a kind exports exactly one, as a function Kind() channels.Kind; the generated
// package all lists them.
//
// What decides whether a sender hears 200 is data (Route) and never the network's own code, so a network that
// restarts, hangs or is down pauses consumption and refuses nothing.
//
// Invariants: Routes, Interpret and Validate are pure. Connect cannot fail. Run returns only when all that it started
// is gone. An Inbox call returns once what it was given is safe on disk.
package channels

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/rs/zerolog"

	"holdfast/config"
)

// Kind is one chat network.
type Kind struct {
	Name      string // as in the configuration: channels.<name>
	Sample    []byte // commented settings of one account, YAML
	Settings  func() Settings
	Routes    func(Account, Settings) []Route
	Interpret func(Settings, Request) ([]Arrival, error) // an error makes the request a dead letter
	Connect   func(Settings, Env) Channel                // assigns fields
	Limits    Limits
}

// Limits of a network, as data.
type Limits struct {
	Quotes       bool          // every answer names the message it answers; else only in threads
	Text         int           // characters in one message; longer answers are split
	Attachment   int64         // bytes of one file
	RepeatWindow time.Duration // how long the platform may repeat an id; claims live that long
	Parallel     int           // sends in flight per account, at most one per conversation
	SendWithin   time.Duration // the deadline of one send
}

// Settings are one account's, decoded. The zero value that Kind.Settings returns carries the defaults.
type Settings interface {
	// Validate names every fault; paths are relative to the account.
	Validate() []config.Problem
	// Shared returns the part that the core acts on.
	Shared() *Common
}

// Hosted is implemented by Settings of networks that have a server of their own, such as one in the operator's house.
type Hosted interface {
	// Server is its address for people; without credentials.
	Server() string
}

// Overlapping is implemented by Settings of networks on which two runs of one account at once do no harm: a changed account
// gets its new run beside the old one. On all others only one run may hold the connection, and a successor waits until the
// goroutines of the one before are gone.
type Overlapping interface {
	Overlaps() bool
}

// Overlaps tells whether two runs with these settings at once do no harm.
func Overlaps(s Settings) bool {
	o, says := s.(Overlapping)
	return says && o.Overlaps()
}

// Env is what a run of an account is given besides its settings.
type Env struct {
	Account Account
	Run     uint64
	Log     zerolog.Logger
	// Blob opens a stored attachment by its hash.
	Blob func(hash string) (io.ReadCloser, error)
}

// Channel is one life of one account.
type Channel interface {
	// Run connects and receives until ctx ends or the network fails. A nil error after ctx ended is a clean end; a
	// *Refusal waits for the operator; any other error is transient and followed by a new run after a pause.
	Run(ctx context.Context, in Inbox) error
	// Send delivers one reply. It is called only while Run runs, for one conversation one at a time. Errors are told
	// apart by Outcome.
	Send(ctx context.Context, r Reply) (Receipt, error)
}

// Inbox is how a run hands in what its connection brings. Its methods may be called from several goroutines.
type Inbox interface {
	// Cursor is what the last committed Take carried; nil before the first.
	Cursor() []byte
	// Take returns nil once the items and the cursor are safe on disk, both in one batch. It returns ErrGone when the
	// run is no longer current. A nil cursor leaves the stored one as it is.
	Take(ctx context.Context, items []Raw, cursor []byte) error
	// Report says how the connection is. Only the last report counts.
	Report(Condition)
	// Webhook is where the outside reaches the account's route, as far as the gateway knows; without credentials. It changes
	// when the gateway moves: no connection is worth ending for that.
	Webhook() string
	// Nudge delivers a value when the gateway may have missed something and the network should look.
	Nudge() <-chan struct{}
}

// Raw is one thing that a connection brought.
type Raw struct {
	Form string // names the shape of Body for Interpret
	ID   string
	Body []byte
	// Claims are all that its arrivals will claim (Arrival.Claim), if the network knows. When the account has heard every
	// one of them, the item brings nothing new and is passed over, as all that follows from it would be. None: it is stored.
	Claims []string
}

// Link is the state of a connection.
type Link string

const (
	Connecting Link = "connecting"
	Connected  Link = "connected"
	Waiting    Link = "waiting" // the network does not answer; the run goes on trying
)

// Condition is what a run says about its connection. Facts are shown in status as they are, sorted by key.
type Condition struct {
	Link  Link
	Cause string            // for people: what is wrong and what to do; no secrets
	Facts map[string]string // such as privateApi=on, webhookRegistered=no
}

// ErrGone: the run that calls is no longer the account's current one.
var ErrGone = errors.New("this run is no longer current")

// Optional parts of a Channel. Each is called only while Run runs.
type (
	// Completer finds what an arrival lacks: its conversation, its attachments. It returns the arrival whole, with
	// Incomplete false once nothing more can be expected; Incomplete true asks to be called again after a pause.
	Completer interface {
		Complete(ctx context.Context, a Arrival, try int) (Arrival, error)
	}
	// Fetcher streams one attachment; the caller closes it and bounds its size.
	Fetcher interface {
		Fetch(ctx context.Context, a Attachment) (io.ReadCloser, error)
	}
	// Finder looks up whether a reply whose outcome is not known went out. claimed tells which ids of our messages
	// belong to other replies. Found false with a nil error is proof that it did not.
	Finder interface {
		Find(ctx context.Context, r Reply, claimed func(id string) bool) (receipt Receipt, found bool, err error)
	}
	// Typer shows or hides that an answer is being written. Errors are logged at debug.
	Typer interface {
		Typing(ctx context.Context, conversation string, on bool) error
	}
	// Reader marks a conversation as read. Errors are logged at debug.
	Reader interface {
		MarkRead(ctx context.Context, conversation string) error
	}
	// Exporter gives what the next run of the account needs to go on where this one stopped, such as the id of a session.
	// It is called once, after the last Send and the last Take, and before the context of Run ends.
	Exporter interface {
		Export(ctx context.Context) ([]byte, error)
	}
	// Adopter is given what the run before exported, after Connect and before Run. What it cannot use it ignores.
	Adopter interface {
		Adopt(exported []byte)
	}
	// Resolver turns what an operator types as a target into a conversation.
	Resolver interface {
		Resolve(ctx context.Context, target string) (conversation string, err error)
	}
)
