package kit

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
)

// In is one input as it reached the actor.
type In struct {
	Msg  any       // a value: the actor's own messages, or Answered, Done, Ended
	From Return    // where the answer goes, if the sender asked
	Now  time.Time // when the shell took it up; machines have no other clock
}

// Effect is work for the outside, decided by a machine. The kit performs its own effects; an actor may add private ones,
// which its shell performs on the actor's turn.
type Effect interface{ IsEffect() }

type (
	// Tell sends Msg and waits for nothing. A receiver that is gone is counted and logged at debug.
	Tell struct {
		To  Addr
		Msg any
	}
	// Ask sends Msg as a question. Exactly one Answered with the same Tag comes back, at the latest when Within is over; a
	// Within of zero or less is over already.
	// Whatever must be fenced goes into Tag when the question is asked, such as the number of the attempt.
	Ask struct {
		To     Addr
		Msg    any
		Within time.Duration
		Tag    any
	}
	// Answer gives the answer to a question. Answering twice, or nobody, does nothing.
	Answer struct {
		To  Return
		Msg any
	}
	// After gives Msg to the actor itself when Delay is over. It is never cancelled: Msg carries a number by which a stale
	// one is known. Jitter lengthens the delay by a random part of it, from 0 to Jitter (0.2 is up to a fifth).
	// For is the tag of a Do whose deadline this is, one for each: when that has ended, or the actor, Msg need not come any
	// more and as a rule does not. A busy actor would otherwise hold a timer for everything that it did in the time of Delay.
	After struct {
		Delay  time.Duration
		Jitter float64
		Msg    any
		For    any
	}
	// Spawn starts a child named Name below the actor, or named As if that is set. What it is made of is decided by the
	// shell's Make from What. Ended comes when the child is gone.
	Spawn struct {
		Name string
		As   Addr
		What any
	}
	// Stop ends a child after the turn that it is on: messages that it has not handled go back to the system, and its own
	// children are stopped too. A drain is a conversation and comes before.
	Stop struct{ Child Addr }
	// Do has Job done beside the actor by the shell's Work. Exactly one Done with the same Tag comes back. Tags can be
	// compared.
	Do struct {
		Job any
		Tag any
	}
	// Note writes one line of log. Fields are pairs of key and value.
	Note struct {
		Level  zerolog.Level
		Text   string
		Fields []any
	}
	// Unknown says that the input fits nothing; it is counted and logged at debug.
	Unknown struct{ Msg any }
)

func (Tell) IsEffect()    {}
func (Ask) IsEffect()     {}
func (Answer) IsEffect()  {}
func (After) IsEffect()   {}
func (Spawn) IsEffect()   {}
func (Stop) IsEffect()    {}
func (Do) IsEffect()      {}
func (Note) IsEffect()    {}
func (Unknown) IsEffect() {}

type (
	// Answered is the one answer to an Ask. Err is ErrGone, ErrLate or nil; what the other side has to say about failure
	// is in Msg.
	Answered struct {
		Tag any
		Msg any
		Err error
	}
	// Done is the one end of a Do. A panic in the work is an Err that is ErrPanic.
	Done struct {
		Tag any
		Msg any
		Err error
	}
	// Ended says that a child is gone. Cause is empty after a Stop.
	Ended struct {
		Child Addr
		Cause string
	}
)

var (
	// ErrGone: nobody has that address any more; the question was not handled.
	ErrGone = errors.New("the actor asked is gone")
	// ErrLate: no answer came in time. It says nothing about the other side: asking again must be harmless.
	ErrLate = errors.New("no answer in time")
	// ErrFull: the mailbox has reached the bound of a TryAsk; the question was not taken.
	ErrFull = errors.New("the mailbox is full")
	// ErrPanic: work beside an actor panicked, which is a bug and not weather; the stack is in the log.
	ErrPanic = errors.New("panic")
)

// Work is what a shell does for Do. It runs beside the actor; ctx ends when the actor stops, and work that goes on after
// that is heard by nobody.
type Work func(ctx context.Context, job any) (any, error)
