// Package supervisor is the one owner of the accounts of a channel: it starts, stops, restarts and backs off their runs,
// and interprets their requests.
//
// Each account is a small machine of its own: what is wanted of it (account.go), its runs (life.go), what the journal keeps of
// it (memory.go), the calls on their way (calls.go) and its requests (intake.go, commit.go). They share nothing, and none of
// them can stop another.
//
// Invariants:
//   - At most one run of an account is current. What a new one hands in reaches the journal only when nothing more of the one
//     before it does: it is gone, fenced, or has said so.
//   - Where the network allows two runs at once, changed settings are proven by a candidate beside the current run, which it
//     then replaces. Where it allows one, the next run waits until the goroutines of the one before are gone.
//   - A lease is asked for before every start, and given back when its run is gone or fenced. A lease that comes too late is
//     given back at once.
//   - Numbers of runs only rise, also over a crash: they are reserved in the journal, synced, before they are used.
//   - Every timer and every answer carries the number of the attempt it belongs to; one that is not the current one changes
//     nothing.
//   - Requests are committed in the order of acceptance, each with what it means, and without any run being up.
//   - A panic in the step of one account makes that account Failed and changes no other.
package supervisor

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

// Places are the addresses that a supervisor knows.
type Places struct{ Self, Registry, Journal, Outbox kit.Addr }

// State of one channel. Step never changes the one it is given.
type State struct {
	Channel  string
	Revision uint64

	places  Places
	rows    rows
	born    uint64 // rows ever made
	number  uint64 // of the newest waiter
	waiters []waiter
	drains  []draining
	resting bool // consumption has ended
	closing bool // runs have ended
}

// New is a supervisor without accounts.
func New(channel string, places Places) State { return State{Channel: channel, places: places} }

// ref names one row of the state: an account that was removed and came back is another row, so that what was meant for the
// first reaches nobody.
type ref struct {
	id  channels.Account
	row uint64
}

func (r ref) owner() ref { return r }

// owned is every tag and timer of an account.
type owned interface{ owner() ref }

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	s, effects := s.route(in)
	s, done := s.checkDrains()
	return s, append(effects, done...)
}

// route gives an input to the account it is for; what is for the whole channel is decided here.
func (s State) route(in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case Begin:
		return s, []kit.Effect{kit.Tell{To: s.places.Journal, Msg: journal.Subscribe{Kind: journal.Requests, Channel: s.Channel, To: s.places.Self}}}
	case Apply:
		return s.apply(m, in)
	case Prepare:
		return s.prepare(m, in)
	case Hold:
		return s.hold(m, in)
	case Discard:
		return s.everybody(discard{}, in.Now)
	case Order:
		return s.order(m, in)
	case Drain:
		return s.drain(m, in)
	case waitOver:
		return s.waitOver(m)
	case drainWaitOver:
		return s.drainWaitOver(m, in)
	case Call:
		return s.forCall(m, in)
	case Missed:
		return s.named(m.Account, in)
	case journal.Woken:
		return s.named(m.Queue.Account, in)
	case run.Reported:
		return s.named(m.Account, in)
	case run.Over:
		return s.named(m.Account, in)
	case run.Fenced:
		return s.named(m.Account, in)
	case run.Opened:
		return s.named(m.Account, in)
	case run.Holding:
		return s.named(m.Account, in)
	case run.Sealed:
		return s.named(m.Account, in)
	case run.Took:
		return s, nil // the journal wakes the intake; nothing else depends on it
	case kit.Ended:
		return s.childEnded(m, in)
	case kit.Answered:
		return s.tagged(m.Tag, in)
	case kit.Done:
		return s.tagged(m.Tag, in)
	case owned:
		return s.tagged(m, in)
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

func (s State) named(id channels.Account, in kit.In) (State, []kit.Effect) {
	return s.at(s.rows.find(id), in)
}

// childEnded finds the account by the child's name, of which it is the first part: a look at every row would be slow.
func (s State) childEnded(m kit.Ended, in kit.In) (State, []kit.Effect) {
	name, _ := strings.CutPrefix(m.Child.String(), s.places.Self.String()+"/")
	name, _, _ = strings.Cut(name, "/")
	return s.named(channels.NewAccount(s.Channel, name), in)
}

// tagged routes by the row that asked. A row that is gone has no use for the answer, but a lease must not be lost.
func (s State) tagged(tag any, in kit.In) (State, []kit.Effect) {
	o, fits := tag.(owned)
	if !fits {
		return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
	}
	a := s.rows.find(o.owner().id)
	if a == nil || a.ref != o.owner() {
		return s, s.places.giveBack(in.Msg)
	}
	return s.at(a, in)
}

// at steps one account, if there is one, notes what became of it, and looks who waited for that.
func (s State) at(before *account, in kit.In) (State, []kit.Effect) {
	if before == nil {
		return s, nil
	}
	after, effects := guarded(*before, in, s.places)
	if before.phase != after.phase {
		effects = append(effects, transition(before, &after, in))
	}
	if after.spent() {
		s.rows = s.rows.without(after.id)
	} else {
		s.rows = s.rows.with(&after)
	}
	s, answers := s.tellWaiters(after.id)
	return s, append(effects, answers...)
}

// step is one account's step under way: a copy of the account, and what is to be done.
type step struct {
	account
	now     time.Time
	places  Places
	effects []kit.Effect
}

func (s *step) do(e ...kit.Effect) { s.effects = append(s.effects, e...) }

// guarded keeps a bug in the step of one account to that account.
func guarded(a account, in kit.In, places Places) (after account, effects []kit.Effect) {
	defer func() {
		if cause := recover(); cause != nil {
			if m, fits := in.Msg.(prepared); fits { // settings that are not applied change nothing else
				a.cand = candidate{want: m.Account, fault: "a bug: reading the settings: " + fmt.Sprint(cause)}
				after, effects = a, nil
				return
			}
			s := &step{account: a, now: in.Now, places: places}
			if m, fits := in.Msg.(wanted); fits {
				s.want, s.removed, s.read = m.Account, false, false
			}
			s.fail(fmt.Sprint(cause), string(debug.Stack()))
			if _, asked := in.Msg.(Call); asked {
				s.do(notSent(in.From, 0, "the account has failed: "+fmt.Sprint(cause)))
			}
			s.do(places.giveBack(in.Msg)...)
			after, effects = s.account, s.effects
		}
	}()
	s := &step{account: a, now: in.Now, places: places}
	s.take(in)
	return s.account, s.effects
}

// take gives an input to the part of the account that it is for.
func (s *step) take(in kit.In) {
	switch m := in.Msg.(type) {
	case wanted:
		s.wanted(m.Account)
	case unwanted:
		s.unwanted()
	case prepared:
		s.prepare(m.Account)
	case hold:
		s.hold()
	case discard:
		s.discard()
	case ordered:
		s.ordered(m.Do)
	case rest:
		s.rest()
	case shut:
		s.shut()
	case cut:
		s.cut()
	case Call:
		s.call(m, in)
	case Missed:
		s.missed()
	case pauseOver:
		s.pauseOver(m)
	case drainOver:
		s.drainOver(m)
	case proofOver:
		s.proofOver(m)
	case leavingDue:
		s.leavingDue(m)
	case memoryDue:
		s.memoryDue(m)
	case journal.Woken:
		s.woken()
	case budgetOver:
		s.budgetOver(m)
	case intakeDue:
		s.intakeDue(m)
	case kit.Answered:
		s.answered(m)
	case kit.Done:
		s.interpreted(m)
	default:
		s.heardOf(in.Msg)
	}
}

// heardOf takes what runs say, and that they have ended.
func (s *step) heardOf(msg any) {
	switch m := msg.(type) {
	case run.Reported:
		s.reported(m)
	case run.Over:
		s.over(m)
	case run.Fenced:
		s.fenced(m)
	case run.Opened:
		s.opened(m)
	case run.Holding:
		s.holding(m)
	case run.Sealed:
		s.sealed(m)
	case kit.Ended:
		s.ended(m)
	default:
		s.do(kit.Unknown{Msg: msg})
	}
}

func (s *step) answered(m kit.Answered) {
	switch tag := m.Tag.(type) {
	case loading:
		s.loaded(tag, m)
	case saving:
		s.saved(tag, m)
	case leasing:
		s.leased(tag, m)
	case proving:
		s.proveWith(tag, m)
	case calling:
		s.called(tag, m)
	case taking:
		s.taken(tag, m)
	case borrowing:
		s.borrowed(tag, m)
	case committing:
		s.committed(tag, m)
	default:
		s.do(kit.Unknown{Msg: m})
	}
}

// transition is the one line of log of a change of phase.
func transition(before, after *account, in kit.In) kit.Note {
	level := map[Phase]zerolog.Level{
		Off: zerolog.InfoLevel, Leasing: zerolog.DebugLevel, Running: zerolog.InfoLevel, Draining: zerolog.InfoLevel,
		Pausing: zerolog.WarnLevel, Blocked: zerolog.WarnLevel, Refused: zerolog.ErrorLevel, Failed: zerolog.ErrorLevel,
	}[after.phase]
	if after.phase == Draining && !after.end.asked {
		level = zerolog.DebugLevel // what follows says it all
	}
	fields := []any{
		"phase", string(after.phase), "from", string(before.phase), "account", string(after.id),
		"run", max(before.run.number, after.run.number), "input", nameOf(in.Msg),
	}
	if after.fails > 0 {
		fields = append(fields, "fails", after.fails)
	}
	if after.phase == Pausing {
		fields = append(fields, "pause", after.next.Sub(in.Now).String())
	}
	if after.cause != "" {
		fields = append(fields, "cause", after.cause)
	}
	return kit.Note{Level: level, Text: "account", Fields: fields}
}

// nameOf is an input's word in the log: its type, or that of the question it answers.
func nameOf(msg any) string {
	if m, answers := msg.(kit.Answered); answers {
		msg = m.Tag
	}
	name := fmt.Sprintf("%T", msg)
	return name[strings.LastIndexByte(name, '.')+1:]
}
