// Package run is one life of one account: the only adapter between a network's plain blocking Go and messages.
//
// A run reads the cursor, has the network's Connect and Run performed beside itself, and stays until every goroutine that
// it began is gone. It is never restarted: the next life is another run with a higher number.
//
// Invariants:
//   - Every Call gets exactly one Result, at the latest at its deadline, whatever the network does with its context.
//   - A Take returns nil only after the journal's synced answer. After Drain or Fence no further Take reaches the journal, and
//     Sealed is told when none is under way. Nothing of a candidate reaches the journal before Admit.
//   - Fenced is told after the last thing that this run gave to the journal, and Over before the actor ends.
//   - The actor ends itself when no goroutine of it is left, and not before; a goroutine that hangs is shown.
//   - A panic of the network is an error of the call, or of the run, and of nothing else.
//
// A call that comes before Connect has returned is not kept: it is NotSent with a short After, so whoever asks keeps the
// reply and comes again.
package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// journalWithin is how long the journal may take to answer; it answers or the process ends, so this is for the absurd.
const journalWithin = 30 * time.Second

// Phase of a run, as the tree shows it.
type Phase string

const (
	Starting  Phase = "starting"  // the cursor is being read, or Connect has not returned
	Up        Phase = "up"        // the network's Run is under way
	Draining  Phase = "draining"  // finishes the calls and the takes that it holds
	Ending    Phase = "ending"    // the network's Run has ended or was told to; goroutines are awaited
	Abandoned Phase = "abandoned" // fenced; goroutines are awaited
)

// State of one run. Step never changes the one it is given.
type State struct {
	Start Start
	Phase Phase

	places Places
	live   bool // the goroutine of Connect and Run is there
	over   bool // Over was told
	asked  bool // the end is ours: Drain or Fence came
	gone   bool // the actor was told to stop
	opened bool // Connect has returned
	apart  bool // a candidate that is not admitted
	sealed bool // Sealed was told
	left   bool // the network was asked for what it leaves to the next run
	asking bool // and has not answered
	export []byte

	number uint64 // of the newest call, take or timer
	calls  []held
	takes  []taking
	kept   []waiting // takes of a candidate that is not admitted
	report reporting
}

// Places are the addresses that a run knows.
type Places struct{ Self, Supervisor, Journal kit.Addr }

// New is a run that has done nothing yet.
func New(start Start, places Places) State {
	return State{Start: start, Phase: Starting, places: places, apart: start.Candidate}
}

// Effects of its own, performed by the shell at once.
type (
	// Cancel ends the context of the network's Run; calls keep theirs.
	Cancel struct{}
	// Hurry ends the contexts of all calls.
	Hurry struct{}
	// Cut ends every context of the run and lets blocked Takes go.
	Cut struct{}
	// Readdress tells the network, when it asks, where the outside reaches its route.
	Readdress struct{ Webhook string }
	// Poke puts a value into the network's nudge channel, if it is empty.
	Poke struct{}
)

func (Cancel) IsEffect()    {}
func (Hurry) IsEffect()     {}
func (Cut) IsEffect()       {}
func (Readdress) IsEffect() {}
func (Poke) IsEffect()      {}

// Tags of what a run asks and has done.
type (
	cursorRead struct{}
	lived      struct{}
	called     struct{ number uint64 }
	accepted   struct{ number uint64 }
	exported   struct{}
)

// Live is the job of one life: Connect, then Run. Its error is the network's own.
type Live struct{ Cursor []byte }

// Leave is the job of asking the network what it leaves to the next run. Its value is []byte.
type Leave struct{}

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case Begin:
		return s, []kit.Effect{kit.Ask{To: s.places.Journal, Msg: journal.GetCursor{Account: s.Start.Account}, Within: journalWithin, Tag: cursorRead{}}}
	case kit.Answered:
		return s.answered(m)
	case kit.Done:
		return s.done(m)
	case Connected:
		return s.connected(in)
	case Call:
		return s.call(m, in)
	case callDue:
		return s.callDue(m)
	case Take:
		return s.take(m, in)
	case Report:
		return s.reported(m, in)
	case reportDue:
		return s.reportDue(in)
	case Admit:
		return s.admit()
	case Nudge:
		return s, []kit.Effect{Poke{}}
	case Moved:
		return s, []kit.Effect{Readdress(m)}
	case Drain:
		return s.drain(m)
	case hurry:
		return s.hurry()
	case Fence:
		return s.fence(m)
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

func (s State) answered(m kit.Answered) (State, []kit.Effect) {
	switch tag := m.Tag.(type) {
	case cursorRead:
		return s.begun(m)
	case accepted:
		return s.accepted(tag, m)
	}
	return s, []kit.Effect{kit.Unknown{Msg: m}}
}

func (s State) done(m kit.Done) (State, []kit.Effect) {
	switch tag := m.Tag.(type) {
	case lived:
		s.live = false
		return s.ended(m.Err)
	case called:
		return s.called(tag, m)
	case exported:
		return s.exported(m)
	}
	return s, []kit.Effect{kit.Unknown{Msg: m}}
}

// begun has the network's goroutine started, once the cursor is known.
func (s State) begun(m kit.Answered) (State, []kit.Effect) {
	if s.gone {
		return s, nil
	}
	cursor, fits := m.Msg.(journal.Cursor)
	err := m.Err
	if err == nil && fits {
		err = cursor.Err
	} else if err == nil {
		err = fmt.Errorf("an answer of type %T", m.Msg)
	}
	if err != nil {
		return s.ended(fmt.Errorf("reading the cursor of %s from the journal: %w", s.Start.Account, err))
	}
	s.live = true
	return s, []kit.Effect{kit.Do{Job: Live{Cursor: cursor.Value}, Tag: lived{}}}
}

func (s State) connected(in kit.In) (State, []kit.Effect) {
	if s.Phase != Starting {
		return s, []kit.Effect{kit.Answer{To: in.From, Msg: GoOn{Err: channels.ErrGone}}}
	}
	s.Phase, s.opened = Up, true
	effects := []kit.Effect{kit.Answer{To: in.From, Msg: GoOn{}}}
	if s.apart {
		effects = append(effects, kit.Tell{To: s.places.Supervisor, Msg: Opened{Account: s.Start.Account, Run: s.Start.Number}})
	}
	return s, effects
}

// ended notes that the network's Run has returned, or will never be called. Calls held go on to their deadlines.
func (s State) ended(err error) (State, []kit.Effect) {
	if s.Phase != Abandoned {
		s.Phase = Ending
	}
	s, refused := s.refuseKept()
	s, effects := s.tellOver(err)
	return s.finish(append(refused, effects...))
}

// tellOver tells the supervisor, once, how the network ended.
func (s State) tellOver(err error) (State, []kit.Effect) {
	if s.over {
		return s, nil
	}
	s.over = true
	over := Over{Account: s.Start.Account, Run: s.Start.Number, Export: s.export}
	var (
		refusal *channels.Refusal
		failure *channels.Failure
	)
	switch {
	case s.asked && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, channels.ErrGone)):
	case err == nil:
		over.Err = "the network's connection ended by itself and gave no reason"
	case errors.Is(err, kit.ErrPanic):
		over.Err, over.Bug = "the network's code: "+err.Error(), true
	case errors.As(err, &refusal):
		over.Err, over.Refusal, over.Do = refusal.Err.Error(), true, refusal.Do
	case errors.As(err, &failure):
		over.Err, over.After = err.Error(), failure.After
	default:
		over.Err = err.Error()
	}
	return s, []kit.Effect{kit.Tell{To: s.places.Supervisor, Msg: over}}
}

// drain refuses what is new; Run ends when what is held has ended.
func (s State) drain(m Drain) (State, []kit.Effect) {
	s.asked = true
	if s.Phase != Starting && s.Phase != Up {
		return s, nil
	}
	s.Phase = Draining
	effects := []kit.Effect{kit.Note{
		Level: zerolog.DebugLevel, Text: "draining",
		Fields: []any{"cause", m.Cause, "calls", s.unanswered(), "takes", len(s.takes)},
	}}
	s, refused := s.refuseKept()
	effects = append(effects, refused...)
	if m.Within > 0 {
		effects = append(effects, kit.After{Delay: m.Within - min(hurryBefore, m.Within/2), Msg: hurry{}})
	}
	return s.wane(effects)
}

// hurryBefore is how long before it is fenced a draining run cuts the calls short that it still holds.
const hurryBefore = time.Second

// hurry is the end of a drain's patience.
type hurry struct{}

// hurry lets the network say what it knows of the calls that do not end by themselves.
func (s State) hurry() (State, []kit.Effect) {
	if s.Phase != Draining || s.unanswered() == 0 {
		return s, nil
	}
	return s, []kit.Effect{Hurry{}}
}

// wane ends the network's Run as soon as a draining run holds nothing any more.
func (s State) wane(effects []kit.Effect) (State, []kit.Effect) {
	if s.Phase != Draining || len(s.takes) > 0 {
		return s.finish(effects)
	}
	if !s.sealed {
		s.sealed = true
		effects = append(effects, kit.Tell{To: s.places.Supervisor, Msg: Sealed{Account: s.Start.Account, Run: s.Start.Number}})
	}
	switch {
	case s.unanswered() > 0:
	case s.opened && !s.over && !s.left && !s.overlaps():
		s.left, s.asking = true, true
		effects = append(effects, kit.Do{Job: Leave{}, Tag: exported{}})
	case !s.left:
		s.Phase = Ending
		effects = append(effects, Cancel{})
	}
	return s.finish(effects)
}

// overlaps tells whether the next run does without what this one leaves.
func (s State) overlaps() bool { return channels.Overlaps(s.Start.Settings) }

// exported ends the network's Run once it has given what it leaves to the next run.
func (s State) exported(m kit.Done) (State, []kit.Effect) {
	s.asking = false
	if s.Phase != Draining {
		return s.finish(nil)
	}
	s.Phase = Ending
	effects := []kit.Effect{Cancel{}}
	if s.export, _ = m.Msg.([]byte); m.Err != nil {
		effects = append(effects, kit.Note{
			Level: zerolog.WarnLevel, Text: "the network left nothing to the next run, which begins anew",
			Fields: []any{"cause", m.Err.Error()},
		})
	}
	return s.finish(effects)
}

// fence takes the run's right away: whoever waits is answered now, and nothing further reaches the journal.
func (s State) fence(m Fence) (State, []kit.Effect) {
	if s.Phase == Abandoned {
		return s, nil
	}
	s.Phase, s.asked = Abandoned, true
	effects := []kit.Effect{
		Cut{},
		kit.Tell{To: s.places.Supervisor, Msg: Fenced{Account: s.Start.Account, Run: s.Start.Number}},
		kit.Note{Level: zerolog.WarnLevel, Text: "fenced", Fields: []any{"cause", m.Cause, "live", s.live, "calls", len(s.calls)}},
	}
	for _, t := range s.takes {
		effects = append(effects, kit.Answer{To: t.from, Msg: Taken{Err: channels.ErrGone}})
	}
	s.takes = nil
	s, refused := s.refuseKept()
	effects = append(effects, refused...)
	s.calls = slices.Clone(s.calls)
	for i, c := range s.calls {
		if !c.answered {
			err := fmt.Errorf("%s: the run was fenced (%s) while it was under way; its outcome is not known", c.op, m.Cause)
			effects = append(effects, kit.Answer{To: c.from, Msg: Result{Err: err}})
			s.calls[i].answered = true
		}
	}
	return s.finish(effects)
}

// finish stops the actor of a run that ends, as soon as no goroutine of it is left.
func (s State) finish(effects []kit.Effect) (State, []kit.Effect) {
	if s.gone || s.live || s.asking || len(s.calls) > 0 {
		return s, effects
	}
	s.gone = true
	return s, append(effects, kit.Stop{Child: s.places.Self})
}
