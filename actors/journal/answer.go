package journal

import (
	"maps"
	"slices"

	"holdfast/actors/kit"
)

// answers takes up the questions, when the turn's steps are in order, and gives all effects of the turn.
func (t *turn) answers() []kit.Effect {
	if t.stage == nil {
		return t.now
	}
	for _, n := range t.m.waiters.of(t.stage.touched) {
		w := t.m.waiters.by[n]
		if a := t.s.answer(w.ask); a.State != Pending {
			delete(t.m.waiters.by, n)
			t.say(kit.Answer{To: w.from, Msg: a})
		}
	}
	for _, in := range t.asked {
		t.question(in)
	}
	if len(t.stage.unheld) > 0 {
		t.m.syncs.ride(removeBlobs{slices.Sorted(maps.Keys(t.stage.unheld))})
	}
	if t.stage.ageing && !t.m.sweeping {
		t.m.sweeping = true
		t.say(kit.After{Delay: sweepSoonest, Msg: sweepOver{}})
	}
	return t.now
}

func (t *turn) question(in kit.In) {
	switch m := in.Msg.(type) {
	case Subscribe:
		t.say(t.m.wakes.subscribe(m, t.s.pending())...)
	case Take:
		t.m.wakes.took(m.Queue, in.From.To())
		t.answer(in, t.s.take(m))
	case GetState:
		t.answer(in, t.s.values(m))
	case GetCursor:
		t.answer(in, t.s.cursor(m))
	case Ours:
		t.answer(in, t.s.ours(m))
	case Stats:
		t.say(statsTo{in.From})
	case Answers:
		t.ask(in, m)
	case waitOver:
		if w, waits := t.m.waiters.take(m.number); waits {
			t.say(kit.Answer{To: w.from, Msg: t.s.answer(w.ask)})
		}
	case Verify, List, Show:
		t.beside(in)
	}
}

// ask answers what has ended already, and lets the rest wait.
func (t *turn) ask(in kit.In, m Answers) {
	a := t.s.answer(m)
	if a.State != Pending || m.Wait <= 0 {
		t.answer(in, a)
		return
	}
	effects, full := t.m.waiters.add(m, in.From)
	if full {
		t.answer(in, a)
		return
	}
	t.say(effects...)
}

// beside has a long question answered from a snapshot, so that nobody waits for it.
func (t *turn) beside(in kit.In) {
	if t.m.beside >= maxBeside {
		t.answer(in, refusal(in.Msg, errBusy))
		return
	}
	t.m.beside++
	t.say(kit.Do{Job: readJob{t.s.db.NewSnapshot(), in.Msg}, Tag: readTag{in.From, in.Msg}})
}

// pending are the queues that have items.
func (s *Store) pending() []Queue {
	var out []Queue
	for _, q := range s.sortedQueues() {
		if s.queues[q].Pending > 0 {
			out = append(out, q)
		}
	}
	return out
}

// close refuses everything from now on. Whoever waits for a request hears what is known.
func (t *turn) close(in kit.In) {
	t.m.phase = closing
	t.m.closers = append(t.m.closers, in.From)
	for _, n := range t.m.waiters.all() {
		w, _ := t.m.waiters.take(n)
		t.say(kit.Answer{To: w.from, Msg: t.s.answer(w.ask)})
	}
	for _, k := range t.m.keeps {
		t.say(kit.Answer{To: k.from, Msg: Committed{Err: errClosing}})
	}
	t.m.keeps = nil
}

// takeClosing: everything is refused, nothing is left without an answer.
func (t *turn) takeClosing(in kit.In) {
	switch in.Msg.(type) {
	case Close:
		if t.m.phase == closed {
			t.answer(in, Closed{})
			return
		}
		t.m.closers = append(t.m.closers, in.From)
	case Stats:
		t.say(statsTo{in.From})
	case lazyOver:
		t.m.syncs.lazy()
	default:
		if answer := refusal(in.Msg, errClosing); answer != nil {
			t.answer(in, answer)
		}
	}
}

// refusal is the answer to a question that is not answered; nil for what is no question.
func refusal(question any, err error) any {
	switch question.(type) {
	case Accept:
		return Accepted{Err: err}
	case Commit, Resend, Drop, Keep:
		return Committed{Err: err}
	case Take:
		return Taken{Err: err}
	case GetState:
		return Values{Err: err}
	case GetCursor:
		return Cursor{Err: err}
	case Ours:
		return OursAre{Err: err}
	case Answers:
		return Answer{Err: err}
	case Verify:
		return Verified{Err: err}
	case List:
		return Listed{Err: err}
	case Show:
		return Shown{Err: err}
	}
	return nil
}
