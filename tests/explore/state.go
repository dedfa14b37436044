package explore

import (
	"cmp"
	"slices"
	"strings"

	"holdfast/actors/kit"
)

// state is a world at one moment. It is never changed: a step works on a copy that shares all that stays as it was.
type state struct {
	actors    []*actor   // by address
	queues    []queue    // by receiver and sender; none is empty
	questions []question // not settled
	timers    []timer
	jobs      []job
	faults    int    // used up
	bad       string // a law that the last step broke
	over      bool   // a promise with an end, such as a grace, has ended
	mailboxes bool   // one queue for each actor, whoever sends
}

// actor is one actor and its state.
type actor struct {
	addr   kit.Addr
	parent kit.Addr
	node   Node
	state  any
	shown  any    // what the node makes of its private effects
	asked  uint64 // questions so far
	view   form   // of shown
	form   form
}

// item is one message on its way.
type item struct {
	from kit.Addr
	in   kit.In
	form form
}

// arrived stands in a mailbox for the answer to a question.
type arrived struct{ to kit.Return }

// queue is what one actor told another, or asked it, in order; of a mailbox, whoever told it.
type queue struct {
	from, to kit.Addr
	items    []item
}

// head is the first message, with the answer that it stands for.
func (s *state) head(q queue) item {
	first := q.items[0]
	if a, is := first.in.Msg.(arrived); is {
		for _, one := range s.questions {
			if kit.ReturnTo(one.asker, one.seq) == a.to {
				first.in.Msg = one.answer
			}
		}
	}
	return first
}

// question is an Ask that is not settled: the asking side waits, or the other side owes an answer, or both.
type question struct {
	asker kit.Addr
	seq   uint64
	to    kit.Addr
	msg   any
	tag   any
	// direct: the other side is a process that needs no queue; the question is taken when its answer is given.
	direct   bool
	silent   bool // the other side has it and will never answer
	expired  bool // the deadline is over; the answer is owed all the same
	answered bool
	answer   kit.Answered
	form     form
}

// timer is an After that is armed.
type timer struct {
	owner kit.Addr
	msg   any
	form  form
	inert bool // it would change nothing now
}

// job is a Do under way.
type job struct {
	owner kit.Addr
	what  any
	tag   any
	form  form
}

// copied shares everything that a step does not change; slices are its own.
func (s *state) copied() *state {
	c := *s
	c.actors, c.queues, c.questions = slices.Clone(s.actors), slices.Clone(s.queues), slices.Clone(s.questions)
	c.timers, c.jobs = slices.Clone(s.timers), slices.Clone(s.jobs)
	return &c
}

func (s *state) find(addr kit.Addr) *actor {
	if at, found := s.at(addr); found {
		return s.actors[at]
	}
	return nil
}

func (s *state) at(addr kit.Addr) (int, bool) {
	return slices.BinarySearchFunc(s.actors, addr, func(a *actor, to kit.Addr) int { return compareAddr(a.addr, to) })
}

// compareAddr sorts run.9 before run.10.
func compareAddr(a, b kit.Addr) int {
	x, y := a.String(), b.String()
	if len(x) == len(y) {
		return strings.Compare(x, y)
	}
	i, j := strings.LastIndex(x, "run."), strings.LastIndex(y, "run.")
	if i >= 0 && i == j && x[:i] == y[:j] {
		return cmp.Compare(len(x), len(y))
	}
	return strings.Compare(x, y)
}

func (s *state) put(a *actor) {
	at, found := s.at(a.addr)
	if found {
		s.actors[at] = a
	} else {
		s.actors = slices.Insert(s.actors, at, a)
	}
}

// post puts a message behind what from has sent to the same receiver before.
func (s *state) post(from, to kit.Addr, it item) {
	it.from = from
	if s.mailboxes {
		from = kit.Addr{}
	}
	at, found := slices.BinarySearchFunc(s.queues, queue{from: from, to: to}, compareQueue)
	if !found {
		s.queues = slices.Insert(s.queues, at, queue{from: from, to: to, items: []item{it}})
		return
	}
	q := &s.queues[at]
	q.items = append(slices.Clip(q.items), it)
}

func compareQueue(a, b queue) int {
	return cmp.Or(compareAddr(a.to, b.to), compareAddr(a.from, b.from))
}

// pop takes the first message of a queue.
func (s *state) pop(at int) item {
	q := &s.queues[at]
	first := q.items[0]
	if q.items = q.items[1:]; len(q.items) == 0 {
		s.queues = slices.Delete(s.queues, at, at+1)
	}
	return first
}

// id is the canonical identity of the state.
func (s *state) id() digest {
	questions := slices.Clone(s.questions)
	slices.SortFunc(questions, func(a, b question) int {
		return cmp.Or(compareAddr(a.asker, b.asker), a.form.compare(b.form), cmp.Compare(a.seq, b.seq))
	})
	timers, jobs := slices.Clone(s.timers), slices.Clone(s.jobs)
	slices.SortFunc(timers, func(a, b timer) int { return cmp.Or(compareAddr(a.owner, b.owner), a.form.compare(b.form)) })
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Or(compareAddr(a.owner, b.owner), a.form.compare(b.form)) })
	var r renamer
	each := func(visit func(form)) {
		for _, q := range questions {
			visit(q.form)
		}
		for _, a := range s.actors {
			visit(a.form)
		}
		for _, q := range s.queues {
			for _, it := range q.items {
				visit(it.form)
			}
		}
		for _, t := range timers {
			visit(t.form)
		}
		for _, j := range jobs {
			visit(j.form)
		}
	}
	each(r.order)
	r.rank()
	r.sum.word(uint64(len(questions)))
	for _, q := range questions {
		r.sum.word(q.mark())
	}
	for _, q := range s.queues {
		r.sum.word(nameOf(q.from.String()) ^ nameOf(q.to.String())*3)
		r.sum.word(uint64(len(q.items)))
	}
	r.sum.word(uint64(len(s.actors)))
	r.sum.word(uint64(len(timers)))
	r.sum.word(uint64(s.faults))
	if s.over {
		r.sum.word(1)
	}
	each(r.add)
	return r.sum
}

func (q question) mark() uint64 {
	var m uint64
	for i, is := range []bool{q.direct, q.silent, q.expired, q.answered} {
		if is {
			m |= 1 << i
		}
	}
	return m
}
