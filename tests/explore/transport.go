package explore

import (
	"fmt"
	"slices"
	"time"

	"holdfast/actors/kit"
)

// noon is what every machine reads: in a world no time passes.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Composition says what a world is made of.
type Composition struct {
	canon *canon
	whole bool // without reductions of timers and relays
	// Make gives the actor of a Spawn: its node, its first state, and its first message if it has one.
	Make func(as, parent kit.Addr, what any) (Node, any, any)
}

// stepping is one step of a world under way.
type stepping struct {
	*Composition
	*state
}

// step gives an input to an actor, in the way chosen, and performs what follows.
func (s stepping) step(addr kit.Addr, w Way, cause item) {
	a := *s.find(addr)
	if w.Bug != "" {
		s.broken(fmt.Sprintf("%s: %s", addr, w.Bug))
		return
	}
	a.state = w.State
	s.settle(&a)
	for _, e := range w.Effects {
		s.perform(addr, e)
	}
	if w.Silent {
		s.silence(cause.in.From)
	}
	if w.Gone {
		s.gone(addr, w.Cause)
	}
	s.sift(addr)
}

func (s stepping) broken(law string) {
	if s.bad == "" {
		s.bad = law
	}
}

// settle enters an actor that has changed.
func (s stepping) settle(a *actor) {
	a.form = s.canon.actor(a, a.state)
	s.put(a)
}

// actor is the form of an actor in some state.
func (c *canon) actor(a *actor, state any) form {
	w := writer{canon: c, form: form{slots: make([]slot, 0, len(a.form.slots)+8)}}
	w.named(a.addr.String())
	w.form.append(a.view)
	c.write(&w, state)
	return w.form
}

func (f *form) append(o form) {
	f.fixed.word(o.fixed[0])
	f.fixed.word(o.fixed[1])
	f.slots = append(f.slots, o.slots...)
}

func (s stepping) perform(from kit.Addr, e kit.Effect) {
	switch e := e.(type) {
	case kit.Tell:
		s.send(from, e.To, kit.In{Msg: e.Msg})
	case kit.Ask:
		s.ask(from, e)
	case kit.Answer:
		s.answer(e)
	case kit.After:
		s.timers = append(s.timers, timer{owner: from, msg: e.Msg, form: s.owned(from, e.Msg)})
	case kit.Do:
		s.jobs = append(s.jobs, job{owner: from, what: e.Job, tag: e.Tag, form: s.owned(from, e.Tag)})
	case kit.Spawn:
		s.spawn(from, e)
	case kit.Stop:
		s.stop(e.Child)
	case kit.Note:
	case kit.Unknown:
		s.broken(fmt.Sprintf("%s does not know %T", from, e.Msg))
	default:
		a := *s.find(from)
		shown, wrong := a.node.Show(a.shown, e)
		if wrong != "" {
			s.broken(wrong)
		}
		a.shown, a.view = shown, s.canon.of(shown)
		s.settle(&a)
	}
}

// owned is the form of what belongs to an actor.
func (s stepping) owned(by kit.Addr, msg any) form {
	w := writer{canon: s.canon}
	w.named(by.String())
	s.canon.write(&w, msg)
	return w.form
}

func (s stepping) send(from, to kit.Addr, in kit.In) {
	a := s.find(to)
	switch {
	case a == nil:
		return // nobody is there
	case a.node.Direct():
		in.Now = noon
		s.step(to, a.node.Take(View{s.state}, a.state, in)[0], item{in: in})
	default:
		w := writer{canon: s.canon}
		s.canon.write(&w, in.Msg)
		s.canon.write(&w, in.From)
		s.post(from, to, item{in: in, form: w.form})
	}
}

func (s stepping) ask(from kit.Addr, e kit.Ask) {
	a := *s.find(from)
	a.asked++
	s.put(&a)
	q := question{asker: from, seq: a.asked, to: e.To, msg: e.Msg, tag: e.Tag}
	if other := s.find(e.To); other != nil {
		q.direct = other.node.Direct()
	}
	s.enter(q)
	switch {
	case s.find(e.To) == nil:
		s.answered(kit.ReturnTo(from, a.asked), kit.Answered{Tag: e.Tag, Err: kit.ErrGone})
	case !q.direct:
		s.send(from, e.To, kit.In{Msg: e.Msg, From: kit.ReturnTo(from, a.asked)})
	}
}

// enter writes a question's form: who asked, what for, what of whom, and what has come back.
func (s stepping) enter(q question) {
	w := writer{canon: s.canon}
	w.named(q.asker.String())
	s.canon.write(&w, q.tag)
	if q.direct || q.silent {
		s.canon.write(&w, q.msg)
	}
	if q.answered {
		s.canon.write(&w, q.answer.Msg)
		s.canon.write(&w, q.answer.Err)
	}
	w.named(q.to.String())
	w.canon.write(&w, kit.ReturnTo(q.asker, q.seq))
	q.form = w.form
	if at := s.asked(kit.ReturnTo(q.asker, q.seq)); at >= 0 {
		s.questions[at] = q
	} else {
		s.questions = append(s.questions, q)
	}
}

func (s stepping) asked(r kit.Return) int {
	return slices.IndexFunc(s.questions, func(q question) bool { return kit.ReturnTo(q.asker, q.seq) == r })
}

func (s stepping) answer(e kit.Answer) {
	at := s.asked(e.To)
	if e.To.IsZero() || at < 0 {
		return
	}
	s.answered(e.To, kit.Answered{Tag: s.questions[at].tag, Msg: e.Msg})
}

// answered keeps the first answer until it is delivered; nobody waits for one whose deadline is over.
func (s stepping) answered(to kit.Return, a kit.Answered) {
	at := s.asked(to)
	q := s.questions[at]
	switch {
	case q.answered:
	case q.expired:
		s.questions = deleted(s.questions, at)
	case s.find(q.asker).node.Direct():
		s.questions = deleted(s.questions, at)
		s.send(q.to, q.asker, kit.In{Msg: a})
	default:
		q.answered, q.silent, q.answer = true, false, a
		s.enter(q)
		if s.mailboxes && !q.direct {
			s.post(q.to, q.asker, item{in: kit.In{Msg: arrived{to}}, form: s.canon.of(to)})
		}
	}
}

// dropped takes a question away, and its answer where that lies in a mailbox.
func (s stepping) dropped(at int) {
	to := kit.ReturnTo(s.questions[at].asker, s.questions[at].seq)
	s.questions = deleted(s.questions, at)
	for i, q := range s.queues {
		for j, it := range q.items {
			if a, is := it.in.Msg.(arrived); is && a.to == to {
				if s.queues[i].items = deleted(q.items, j); len(q.items) == 1 {
					s.queues = deleted(s.queues, i)
				}
				return
			}
		}
	}
}

// silence notes that an answer will never come.
func (s stepping) silence(to kit.Return) {
	if at := s.asked(to); at >= 0 {
		q := s.questions[at]
		q.silent = true
		s.enter(q)
	}
}

func (s stepping) spawn(parent kit.Addr, e kit.Spawn) {
	as := e.As
	if as.IsZero() {
		as = parent.Child(e.Name)
	}
	if s.find(as) != nil {
		s.broken(fmt.Sprintf("%s spawns %s a second time", parent, as))
		return
	}
	node, first, msg := s.Make(as, parent, e.What)
	s.settle(&actor{addr: as, parent: parent, node: node, state: first})
	if msg != nil { // the kit gives it before all others
		s.step(as, node.Take(View{s.state}, first, kit.In{Msg: msg, Now: noon})[0], item{})
	}
}

// stop ends a child as the kit does: what it has not handled finds nobody.
func (s stepping) stop(child kit.Addr) {
	if s.find(child) != nil {
		s.gone(child, "")
	}
}

// gone takes an actor off: what lies before it finds nobody, what it began is over, its parent hears last.
func (s stepping) gone(addr kit.Addr, cause string) {
	a := s.find(addr)
	at, _ := s.at(addr)
	s.actors = slices.Delete(s.actors, at, at+1)
	unheard := map[kit.Return]bool{}
	for _, q := range s.queues {
		for _, it := range q.items {
			unheard[it.in.From] = unheard[it.in.From] || q.to == addr
		}
	}
	s.queues = slices.DeleteFunc(s.queues, func(q queue) bool { return q.to == addr })
	s.timers = slices.DeleteFunc(s.timers, func(t timer) bool { return t.owner == addr })
	s.jobs = slices.DeleteFunc(s.jobs, func(j job) bool { return j.owner == addr })
	s.questions = slices.DeleteFunc(s.questions, func(q question) bool { return q.asker == addr })
	for _, q := range slices.Clone(s.questions) {
		if q.to == addr && !q.answered {
			s.forsaken(q, unheard[kit.ReturnTo(q.asker, q.seq)])
		}
	}
	for _, child := range slices.Clone(s.actors) {
		if child.parent == addr {
			s.gone(child.addr, "")
		}
	}
	if s.find(a.parent) != nil {
		s.send(addr, a.parent, kit.In{Msg: kit.Ended{Child: addr, Cause: cause}})
	}
}

// forsaken is a question to somebody who has ended: the kit answers those that he has not taken. Nobody knows of the others,
// and they end with their deadline.
func (s stepping) forsaken(q question, unheard bool) {
	to := kit.ReturnTo(q.asker, q.seq)
	switch {
	case unheard:
		s.answered(to, kit.Answered{Tag: q.tag, Err: kit.ErrGone})
	case q.expired:
		s.questions = deleted(s.questions, s.asked(to))
	default:
		s.silence(to)
	}
}

// sift looks again at the timers of an actor that has changed: which would do something, and which never will.
func (s stepping) sift(addr kit.Addr) {
	a := s.find(addr)
	if a == nil {
		return
	}
	kept := s.timers[:0:0]
	for _, t := range s.timers {
		if t.owner != addr {
			kept = append(kept, t)
			continue
		}
		t.inert = !s.whole && s.inert(a, t)
		if !t.inert || !slices.ContainsFunc(t.form.slots, func(n slot) bool { return !a.form.has(n) }) {
			kept = append(kept, t)
		}
	}
	s.timers = kept
}

// inert tells whether a timer would change nothing and do nothing.
func (s stepping) inert(a *actor, t timer) bool {
	ways := a.node.Take(View{s.state}, a.state, kit.In{Msg: t.msg, Now: noon})
	w := ways[0]
	if w.Bug != "" {
		return false
	}
	for _, e := range w.Effects {
		if _, note := e.(kit.Note); !note {
			return false
		}
	}
	next := s.canon.actor(a, w.State)
	return next.fixed == a.form.fixed && slices.Equal(next.slots, a.form.slots)
}
