package journal

import (
	"errors"
	"fmt"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// maxBeside bounds the long questions that are answered at once from snapshots.
const maxBeside = 8

var errBusy = errors.New("too many long questions at once: ask again")

// phase is where the journal is in its life.
type phase uint8

const (
	taking   phase = iota
	refusing       // takes nothing new: the disk is nearly full; shown only, it follows from the water
	closing        // refuses everything, waits for what is under way
	shutting       // the store is being closed
	closed         // the store is closed
	failed         // a write or a sync failed: the process is about to end
)

func (p phase) String() string {
	return [...]string{"taking", "low on disk", "closing", "closing", "closed", "failed"}[p]
}

// Machine is all that the actor remembers beside its store: the state of its Step, which never changes the one it is given.
// (State is the name of where an item is.)
type Machine struct {
	phase    phase // never refusing
	water    water
	wakes    wakes
	waiters  waiters
	syncs    syncs
	asked    chain[kit.In] // questions of the turn
	former   former        // names that changed since the process began
	keeps    []keeping     // orders to let items of removed accounts die; the first is worked on
	closers  []kit.Return
	beside   int    // long questions under way
	sweeping bool   // the timer of the next sweep is under way
	commits  uint64 // steps done
}

type keeping struct {
	accounts map[channels.Account]bool
	from     kit.Return
}

func newMachine(w water) Machine { return Machine{water: w, waiters: noWaiters()} }

// Step decides. A turn of the actor is one batch: the inputs that waited, in order, and then sealed. An effect is performed
// when the batch is in order, unless the batch is made of it; what must be on the disk before it is told is held back here
// until a sync that covers it has ended.
func Step(m Machine, in kit.In) (Machine, []kit.Effect) {
	if m.phase == failed {
		return m, nil // nobody who waits hears anything more
	}
	switch msg := in.Msg.(type) {
	case began:
		m.sweeping = true
		return m, []kit.Effect{kit.After{Delay: pollFree, Msg: pollOver{}}, kit.After{Delay: sweepSoonest, Msg: sweepOver{}}}
	case broke:
		return m.broke(msg.err)
	case staged:
		return m.staged(msg)
	case kept:
		return m.kept(msg)
	case swept:
		return m.swept(msg)
	case looked:
		return m.looked(msg)
	case sealed:
		return m.sealed(msg)
	case gave:
		m.wakes = m.wakes.took(msg.queue, msg.by)
		return m, nil
	case found:
		next, effects := m.wakes.subscribe(msg.ask, msg.pending)
		m.wakes = next
		return m, effects
	case judged:
		return m.judged(msg)
	case kit.Done:
		return m.done(msg)
	case lazyOver:
		m.syncs = m.syncs.lazy()
		return m, nil
	}
	if m.phase >= closing {
		return m.refuse(in)
	}
	return m.take(in)
}

// take is an input of a journal that is open.
func (m Machine) take(in kit.In) (Machine, []kit.Effect) {
	switch msg := in.Msg.(type) {
	case Accept:
		in.Msg = m.renamed(msg)
		if m.water.stale() {
			return m, []kit.Effect{look{before: in}}
		}
		return m.accept(in)
	case Commit:
		if m.former.owner(msg.Account, 0) != msg.Account {
			return m, answer(in.From, Committed{Err: fmt.Errorf("%s has another name by now: %w", msg.Account, ErrEnded)})
		}
		return m, []kit.Effect{write{in}}
	case Resend, Drop, Rename:
		return m, []kit.Effect{write{in}}
	case Keep:
		return m.keep(msg, in.From)
	case keepOn:
		return m.keepOn()
	case Close:
		return m.close(in.From)
	case pollOver:
		return m, []kit.Effect{kit.Do{Job: freeJob{}, Tag: freeJob{}}}
	case sweepOver:
		return m, []kit.Effect{sweep{}}
	case Subscribe, Take, GetState, GetCursor, Ours, Answers, Stats, Verify, List, Show, waitOver:
		m.asked = m.asked.with(in)
		return m, nil
	}
	return m, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

// sealed ends the turn: the batch is put in order, the questions are answered from what is in order then, and at last there
// is a timer for what nobody waits for, or the end when all is quiet.
func (m Machine) sealed(f sealed) (Machine, []kit.Effect) {
	var (
		number uint64
		more   []kit.Effect
	)
	if f.wrote {
		m.syncs = m.syncs.wrote()
	}
	m.syncs, number = m.syncs.begin()
	m.water = m.water.wrote(uint64(f.size))
	out := append([]kit.Effect{apply{number}}, m.waiters.look(f.touched)...)
	questions := m.asked.all()
	m.asked = chain[kit.In]{}
	for _, in := range questions {
		m, more = m.question(in)
		out = append(out, more...)
	}
	if len(f.unheld) > 0 {
		m.syncs = m.syncs.ride(removeBlobs{f.unheld})
	}
	if f.ageing && !m.sweeping {
		m.sweeping = true
		out = append(out, kit.After{Delay: sweepSoonest, Msg: sweepOver{}})
	}
	m, more = m.rest()
	return m, append(out, more...)
}

func (m Machine) question(in kit.In) (Machine, []kit.Effect) {
	switch msg := in.Msg.(type) {
	case Subscribe:
		return m, []kit.Effect{find{msg}}
	case Take:
		return m, []kit.Effect{give{in.From, msg}}
	case Stats:
		return m, []kit.Effect{statsTo{in.From}}
	case Answers:
		msg.Account = m.former.owner(msg.Account, msg.Revision)
		return m, []kit.Effect{judge{ask: msg, from: in.From}}
	case waitOver:
		next, w, waits := m.waiters.without(msg.number)
		if !waits {
			return m, nil
		}
		m.waiters = next
		return m, []kit.Effect{judge{ask: w.ask, from: w.from, last: true}}
	case Verify, List, Show:
		if m.beside >= maxBeside {
			return m, answer(in.From, refusal(msg, errBusy))
		}
		m.beside++
		return m, []kit.Effect{beside{in.From, msg}}
	}
	return m, []kit.Effect{read{in.From, in.Msg}}
}

// judged answers what has ended already, and lets the rest wait.
func (m Machine) judged(f judged) (Machine, []kit.Effect) {
	pending := f.answer.State == Pending && !f.last
	if f.number == 0 {
		if !pending || f.ask.Wait <= 0 || m.waiters.full() || m.phase >= closing {
			return m, answer(f.from, f.answer)
		}
		next, effects := m.waiters.with(f.ask, f.from)
		m.waiters = next
		return m, effects
	}
	next, _, waits := m.waiters.without(f.number)
	if pending || !waits {
		return m, nil
	}
	m.waiters = next
	return m, answer(f.from, f.answer)
}

// woken turns every wakeUp into what it has come to by now.
func (m Machine) woken(effects []kit.Effect) (Machine, []kit.Effect) {
	out := make([]kit.Effect, 0, len(effects))
	for _, e := range effects {
		wake, is := e.(wakeUp)
		if !is {
			out = append(out, e)
			continue
		}
		next, tells := m.wakes.came(wake.queue)
		m.wakes = next
		out = append(out, tells...)
	}
	return m, out
}

func answer(to kit.Return, msg any) []kit.Effect { return []kit.Effect{kit.Answer{To: to, Msg: msg}} }

// phaseNow is the phase as others see it.
func (m Machine) phaseNow() phase {
	if m.phase == taking && m.water.low {
		return refusing
	}
	return m.phase
}

// why says for people why nothing is taken; empty when it is.
func (m Machine) why() string {
	switch m.phase {
	case taking:
		return m.water.why()
	case failed:
		return "the journal cannot go on; the process ends"
	default:
		return "the gateway is stopping"
	}
}

// statistics joins what the machine knows with counters, which are not changed any more.
func (m Machine) statistics(queues map[Queue]Counters) Statistics {
	why := m.why()
	return Statistics{
		Accepting: why == "", Why: why, Free: m.water.free,
		Syncs: m.syncs.begun, Commits: m.commits, Queues: queues,
	}
}
