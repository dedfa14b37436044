package explore

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/actors/kit"
)

// class says what kind of thing happens next. The continuation without faults takes what stands first.
type class uint8

const (
	flow     class = iota // messages, answers, work that ends
	deadline              // a timer that ends somebody's patience
	pause                 // a timer after which something is tried again
	hold                  // a timer that ends a promise, such as a grace
	free                  // what somebody may do or leave, and faults
	never                 // a timer that this world lets stand
)

// move is one thing that can happen, and the state after it.
type move struct {
	class class
	next  *state
	text  func() string
}

// World is a composition with its beginning, its faults and its laws.
type World struct {
	Composition
	Name   string
	Title  string
	Begin  *state
	Faults []string // those that may happen
	Most   int      // how many of them in one history
	Laws   []Law    // hold in every state
	Still  []Law    // hold wherever nothing but timers is left
	Quiet  []Law    // hold wherever nothing is under way: no deadline is left either
	Rest   []Law    // hold where, besides, no pause is left
	Class  func(timer any) class
	// Restless worlds have somebody who is gone for good, and what is tried again for his sake is tried for ever.
	Restless bool
}

// Law is one thing that must be so. Broken says what is wrong; empty is nothing.
type Law struct {
	Name   string
	Broken func(View) string
}

// allows tells whether a fault may happen in a state.
func (w *World) allows(s *state, fault string) bool {
	return fault == "" || s.faults < w.Most && slices.Contains(w.Faults, fault)
}

// moves is everything that can happen next, in a fixed order.
func (w *World) moves(s *state) []move {
	m := moving{World: w, s: s}
	if !w.whole && m.relay() {
		return m.out
	}
	for at := range s.questions {
		m.question(at)
	}
	for at := range s.queues {
		m.delivery(at)
	}
	for at := range s.jobs {
		m.end(at)
	}
	for _, a := range s.actors {
		for _, way := range a.node.Moves(View{s}, a.state) {
			c := free
			if way.Due {
				c = flow
			}
			m.way(c, a.addr, item{}, way, func(stepping) {}, func() string { return fmt.Sprintf("%s: %s", a.addr, way.Text) })
		}
	}
	for at := range s.timers { // last: what else there is decides whether a deadline comes early
		m.timer(at)
	}
	return m.out
}

// moving collects moves.
type moving struct {
	*World
	s   *state
	out []move
}

// way adds a move: prepare takes from the copy what is used up by it.
func (m *moving) way(c class, to kit.Addr, it item, way Way, prepare func(stepping), text func() string) {
	if !m.allows(m.s, way.Fault) {
		return
	}
	next := m.s.copied()
	st := stepping{&m.Composition, next}
	prepare(st)
	if way.Fault != "" {
		next.faults++
		c = free
	}
	st.step(to, way, it)
	m.out = append(m.out, move{c, next, func() string {
		if way.Fault != "" {
			return text() + " [fault: " + way.Fault + "]"
		}
		return text()
	}})
}

// taken gives every way in which an actor may take an input.
func (m *moving) taken(c class, to kit.Addr, it item, prepare func(stepping), text func() string) {
	a := m.s.find(to)
	it.in.Now = noon
	for i, way := range a.node.Take(View{m.s}, a.state, it.in) {
		class := c
		if i > 0 && way.Fault == "" {
			class = free
		}
		m.way(class, to, it, way, prepare, func() string {
			if way.Text != "" {
				return text() + " (" + way.Text + ")"
			}
			return text()
		})
	}
}

func (m *moving) delivery(at int) {
	q := m.s.queues[at]
	first := m.s.head(q)
	text := func() string { return fmt.Sprintf("%s → %s: %s", first.from, q.to, describe(first.in.Msg)) }
	prepare := func(st stepping) { st.pop(at) }
	if a, is := q.items[0].in.Msg.(arrived); is {
		text = func() string {
			return fmt.Sprintf("%s answers %s: %s", first.from, q.to, describe(first.in.Msg.(kit.Answered).Msg))
		}
		prepare = func(st stepping) { st.dropped(st.asked(a.to)) }
	}
	m.taken(flow, q.to, first, prepare, text)
}

// question: its answer comes, or its deadline.
func (m *moving) question(at int) {
	q := m.s.questions[at]
	drop := func(st stepping) { st.dropped(at) }
	switch {
	case q.expired:
		return
	case q.answered && m.s.mailboxes && !q.direct:
		m.late(at, drop) // its answer is delivered where it lies
	case q.answered:
		a := q.answer
		m.taken(flow, q.asker, item{in: kit.In{Msg: a}}, drop, func() string {
			if a.Err != nil {
				return fmt.Sprintf("%s hears of %s: %v", q.asker, describe(q.msg), a.Err)
			}
			return fmt.Sprintf("%s answers %s: %s", q.to, q.asker, describe(a.Msg))
		})
		m.late(at, drop)
	case q.direct && m.behind(at):
	case q.direct:
		m.direct(at, drop)
	case q.silent:
		m.expire(at, deadline, "", drop)
	default:
		m.late(at, func(st stepping) {
			late := st.questions[at]
			late.expired = true
			st.enter(late)
		})
	}
}

// late is the deadline of a question that will be answered, or has been. Whoever stands outside waits for ever.
func (m *moving) late(at int, prepare func(stepping)) {
	if !m.s.find(m.s.questions[at].asker).node.Direct() {
		m.expire(at, free, late, prepare)
	}
}

func (m *moving) expire(at int, c class, fault string, prepare func(stepping)) {
	if !m.allows(m.s, fault) {
		return
	}
	q := m.s.questions[at]
	a := m.s.find(q.asker)
	in := kit.In{Msg: kit.Answered{Tag: q.tag, Err: kit.ErrLate}, Now: noon}
	for _, way := range a.node.Take(View{m.s}, a.state, in) {
		way.Fault = fault
		m.way(c, q.asker, item{in: in}, way, prepare, func() string {
			return fmt.Sprintf("%s hears of %s: no answer in time", q.asker, describe(q.msg))
		})
	}
}

// direct: the other side answers by itself, and the answer is delivered at once.
func (m *moving) direct(at int, drop func(stepping)) {
	q := m.s.questions[at]
	other := m.s.find(q.to)
	from := kit.ReturnTo(q.asker, q.seq)
	for _, way := range other.node.Take(View{m.s}, other.state, kit.In{Msg: q.msg, From: from, Now: noon}) {
		if !m.allows(m.s, way.Fault) {
			continue
		}
		answer := kit.Answered{Tag: q.tag, Err: kit.ErrLate}
		for _, e := range way.Effects {
			if a, is := e.(kit.Answer); is && !way.Late {
				answer = kit.Answered{Tag: q.tag, Msg: a.Msg}
			}
		}
		asker := m.s.find(q.asker)
		for _, heard := range asker.node.Take(View{m.s}, asker.state, kit.In{Msg: answer, Now: noon}) {
			heard.Fault = way.Fault
			m.way(flow, q.asker, item{}, heard, func(st stepping) {
				drop(st)
				st.step(q.to, Way{State: way.State, Effects: besides(way.Effects), Bug: way.Bug}, item{})
			}, func() string {
				return strings.TrimSpace(fmt.Sprintf("%s answers %s %s: %s %s", q.to, q.asker, describe(q.msg), describe(answer.Msg), way.Text))
			})
		}
	}
}

// end: work beside an actor comes to an end.
func (m *moving) end(at int) {
	j := m.s.jobs[at]
	a := m.s.find(j.owner)
	for _, end := range a.node.Ends(View{m.s}, a.state, j.what) {
		if !m.allows(m.s, end.Fault) {
			continue
		}
		done := end.Done
		done.Tag = j.tag
		for _, way := range a.node.Take(View{m.s}, a.state, kit.In{Msg: done, Now: noon}) {
			if end.Silent {
				way = Way{State: a.state}
			}
			way.Fault = end.Fault
			m.way(flow, j.owner, item{}, way, func(st stepping) {
				st.jobs = deleted(st.jobs, at)
				for _, e := range end.Effects {
					st.perform(j.owner, e)
				}
			}, func() string {
				return fmt.Sprintf("%s ends %s: %s", j.owner, describe(j.what), end.Text)
			})
		}
	}
}

func (m *moving) timer(at int) {
	t := m.s.timers[at]
	if t.inert {
		return
	}
	c := m.Class(t.msg)
	if c == never {
		return
	}
	early := c == deadline && m.flowing()
	if early && !m.allows(m.s, slow) {
		return
	}
	before := len(m.out)
	m.taken(c, t.owner, item{in: kit.In{Msg: t.msg}}, func(st stepping) {
		st.timers = deleted(st.timers, at)
		if early {
			st.faults++
		}
		st.over = st.over || c == hold
	}, func() string { return fmt.Sprintf("timer of %s: %s", t.owner, describe(t.msg)) })
	for i := range m.out[before:] {
		if one := &m.out[before+i]; early {
			text := one.text
			one.class, one.text = free, func() string { return text() + " [fault: " + slow + "]" }
		}
	}
}

// flowing tells whether something is on its way, so that a deadline that is over now was over early.
func (m *moving) flowing() bool {
	return slices.ContainsFunc(m.out, func(one move) bool { return one.class == flow })
}

func deleted[T any](list []T, at int) []T {
	out := make([]T, 0, len(list)-1)
	return append(append(out, list[:at]...), list[at+1:]...)
}

// besides are the effects that are no answer.
func besides(effects []kit.Effect) []kit.Effect {
	return slices.DeleteFunc(slices.Clone(effects), func(e kit.Effect) bool { _, is := e.(kit.Answer); return is })
}

// behind tells whether the asker has asked another one of the same group before, and has no answer.
func (m *moving) behind(at int) bool {
	q := m.s.questions[at]
	group := m.s.find(q.to).node.Alike()
	return group != "" && slices.ContainsFunc(m.s.questions, func(o question) bool {
		return o.asker == q.asker && o.seq < q.seq && o.direct && m.s.find(o.to).node.Alike() == group
	})
}

// relay gives the next move of an actor of which nobody sees when it moves, alone: it commutes with all that others can do.
// What it takes from its queue is the only thing that it can do as long as it has no question and no timer; an answer that
// it hears must leave its state as it is.
func (m *moving) relay() bool {
	for at, q := range m.s.queues {
		if a := m.s.find(q.to); a.node.Relay(m.s.mailboxes) && !m.busy(a) {
			m.delivery(at)
			return true
		}
	}
	for at, q := range m.s.questions {
		a := m.s.find(q.asker)
		if !q.answered || !a.node.Relay(m.s.mailboxes) || m.s.mailboxes {
			continue
		}
		m.question(at)
		if after := m.out[0].next.find(a.addr); after.form.fixed == a.form.fixed && slices.Equal(after.form.slots, a.form.slots) {
			return true
		}
		m.out = nil
	}
	return false
}

// busy tells whether something else may reach the actor than what lies in the one queue.
func (m *moving) busy(a *actor) bool {
	queues := 0
	for _, q := range m.s.queues {
		if q.to == a.addr {
			queues++
		}
	}
	asks := func(q question) bool { return q.asker == a.addr && (!m.s.mailboxes || m.allows(m.s, late)) }
	return queues > 1 || slices.ContainsFunc(m.s.questions, asks) ||
		slices.ContainsFunc(m.s.timers, func(t timer) bool { return t.owner == a.addr && !t.inert })
}

// settled is where the continuation without faults comes to rest.
func (w *World) settled(s *state) *state {
	for {
		best, next := pause, (*state)(nil)
		for _, m := range w.moves(s) {
			if m.class < best {
				best, next = m.class, m.next
			}
		}
		if next == nil {
			return s
		}
		s = next
	}
}
