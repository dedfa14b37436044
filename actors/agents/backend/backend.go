// Package backend is the contract between the gateway and what answers a message: an agent.
//
// A backend is plain blocking Go. Its kinds live in the folders beside this one (echo, openai, callout); the generated
// package all lists them. A backend keeps nothing between turns: what it needs to know comes with the turn.
//
// Invariants: Open does no I/O. Turn ends when its context does. Turn may be called for several conversations at once.
package backend

import (
	"context"
	"errors"
	"io"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

// Kind is one sort of agent.
type Kind struct {
	Name     string // as in the configuration: agents.<name>.kind
	Settings func() Settings
	Open     func(Settings, Env) Agent
	// History tells whether an agent with such settings wants to know what was said before: for one that does not, a
	// conversation's history is written and never read. Nil: it does. Pure.
	History func(Settings) bool
}

// WantsHistory tells whether the turns of an agent with such settings carry the conversation's history.
func (k Kind) WantsHistory(s Settings) bool { return k.History == nil || k.History(s) }

// Settings of one agent, decoded; the zero value that Kind.Settings returns carries the defaults.
type Settings interface {
	Validate() []config.Problem
	Shared() *Common
}

// Common is the part of an agent's settings that the core acts on. A kind embeds it.
type Common struct {
	Kind     string          `json:"kind" jsonschema:"required"`
	Parallel int             `json:"parallel,omitempty" jsonschema:"description=turns of this agent at the same time"`
	Timeout  config.Duration `json:"timeout,omitempty" jsonschema:"description=deadline of one turn"`
}

// Defaults of Common.
const (
	DefaultParallel = 8
	DefaultTimeout  = 2 * time.Minute
)

// DefaultCommon is what an agent has that says nothing.
func DefaultCommon(kind string) Common {
	return Common{Kind: kind, Parallel: DefaultParallel, Timeout: config.Duration(DefaultTimeout)}
}

// Shared makes every struct that embeds Common half of a Settings.
func (c *Common) Shared() *Common { return c }

// Validate names the faults of the shared keys.
func (c *Common) Validate() []config.Problem {
	var out []config.Problem
	if c.Parallel < 1 {
		out = append(out, config.Problem{Path: "parallel", Want: "a number of turns, at least 1"})
	}
	if c.Timeout <= 0 {
		out = append(out, config.Problem{Path: "timeout", Got: c.Timeout.String(), Want: "a positive duration such as 2m"})
	}
	return out
}

// Env is what an agent is given besides its settings.
type Env struct {
	Name string // of the agent in the configuration
	// Blob opens a stored attachment by its hash.
	Blob func(hash string) (io.ReadCloser, error)
	// Store keeps a file that is part of an answer and returns its hash, once it is safe in the state folder. Nil: the
	// gateway takes text only, and an answer with files is refused.
	Store func(content io.Reader) (hash string, err error)
}

// Agent answers.
type Agent interface {
	Turn(ctx context.Context, t Turn) (Answer, error)
}

// Turn is one message with all that is known around it.
type Turn struct {
	ID           string // the same when a turn is repeated after a crash
	Repeated     bool   // this turn may have been begun before
	Agent        string
	Account      channels.Account
	Conversation string
	Group        bool
	Sender       channels.Sender
	Text         string
	Attachments  []channels.Attachment
	Context      []string // what happened since the last turn: reactions, edits, messages that did not name the agent
	History      []Entry  // oldest first, already trimmed; empty if the kind wants none
}

// Entry is one line of a conversation's history.
type Entry struct {
	Role string    `json:"role"` // "user" or "assistant"
	Name string    `json:"name,omitempty"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// MaxText bounds the text of one answer, in bytes. A backend refuses a longer one instead of cutting it.
const MaxText = 256 << 10

// Answer is what the agent says. An empty one is an answer too: nothing is sent.
type Answer struct {
	Text        string
	Attachments []channels.Attachment
}

// Refusal is an error that trying again will not mend: the message is dead. Every other error of Turn is transient.
type Refusal struct {
	Err error
	// Message says that it lies with this message and the next one may well be answered, such as one that a content filter
	// stopped. False: with the settings or the server, and until somebody mends that every message is refused.
	Message bool
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Busy is a transient error of a server that named a pause: there is no use in trying before After has passed.
type Busy struct {
	After time.Duration
	Err   error
}

func (b *Busy) Error() string { return b.Err.Error() }
func (b *Busy) Unwrap() error { return b.Err }

// PauseOf is the pause that a transient error names; 0 leaves it to the caller.
func PauseOf(err error) time.Duration {
	var b *Busy
	if errors.As(err, &b) {
		return b.After
	}
	return 0
}

// IsRefusal tells a refusal from a transient error.
func IsRefusal(err error) bool {
	var r *Refusal
	return errors.As(err, &r)
}

// IsOfMessage tells the refusal of one message from one that every message gets.
func IsOfMessage(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Message
}
