package run

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// FuzzStep looks for a list of inputs after which a question has no answer or two, or the actor ends too early.
func FuzzStep(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, uint8(60))
	}
	f.Fuzz(func(t *testing.T, seed uint64, steps uint8) {
		w := &world{t: t, rand: rand.New(rand.NewPCG(seed, 1)), asked: map[kit.Return]int{}}
		start := testStart
		start.Candidate, start.Settings = seed%2 == 0, &common{overlaps: seed%3 == 0}
		w.state = New(start, testPlaces)
		w.give(in(Begin{}))
		for range steps {
			w.any()
		}
		w.finish()
	})
}

// world performs a run's effects as badly as the real one may: late, in any order, or with an error.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	state State

	asked   map[kit.Return]int // answers by question
	number  uint64
	open    []any // what the outside owes: answers, ends of work, timers
	stopped bool
	fenced  bool
	work    int
}

func (w *world) ask(msg any) {
	w.number++
	w.asked[asker(w.number)] = 0
	w.give(in(msg, asker(w.number)))
}

// any gives one input: something new, or one of those that are owed.
func (w *world) any() {
	if w.stopped {
		return
	}
	switch n := w.rand.IntN(14); {
	case n < 3:
		w.ask(Call{Op: Typing{}, Deadline: noon.Add(time.Duration(w.rand.IntN(3)) * time.Second)})
	case n < 5:
		w.ask(Take{Requests: make([]channels.Request, 1)})
	case n < 6:
		w.ask(Report{channels.Condition{Cause: fmt.Sprint(w.rand.IntN(3))}})
	case n < 7 && w.rand.IntN(2) == 0:
		w.give(in(Admit{}))
	case n < 7 && w.rand.IntN(3) == 0:
		w.give(in(Drain{}))
	case n < 8 && w.rand.IntN(3) == 0:
		w.fenced = true
		w.give(in(Fence{}))
	default:
		w.pay()
	}
}

// pay delivers one of the things that are owed, any one.
func (w *world) pay() {
	if len(w.open) == 0 {
		return
	}
	at := w.rand.IntN(len(w.open))
	msg := w.open[at]
	w.open = append(w.open[:at:at], w.open[at+1:]...)
	switch m := msg.(type) {
	case kit.Done:
		w.work--
		if w.rand.IntN(3) == 0 {
			m.Msg, m.Err = nil, errNetwork
		}
		msg = m
	case Connected:
		w.ask(m)
		return
	}
	w.give(in(msg))
}

func (w *world) give(i kit.In) {
	next, effects := Step(w.state, i)
	w.state = next
	for _, e := range effects {
		w.perform(e)
	}
	if w.stopped && w.work > 0 {
		w.t.Fatalf("the actor ended with %d goroutines left", w.work)
	}
}

func (w *world) perform(e kit.Effect) {
	switch e := e.(type) {
	case kit.Ask:
		if _, accepts := e.Msg.(journal.Accept); accepts && (w.state.Phase != Up || w.state.apart || w.state.sealed) {
			w.t.Fatalf("something reaches the journal while the run is %s (admitted: %v, sealed: %v)", w.state.Phase, !w.state.apart, w.state.sealed)
		}
		answer := kit.Answered{Tag: e.Tag, Msg: journal.Accepted{}}
		if _, reads := e.Msg.(journal.GetCursor); reads {
			answer.Msg = journal.Cursor{}
		}
		w.open = append(w.open, answer)
	case kit.Do:
		w.work++
		if _, lives := e.Job.(Live); lives {
			w.open = append(w.open, Connected{})
		}
		w.open = append(w.open, kit.Done{Tag: e.Tag, Msg: Result{}})
	case kit.After:
		w.open = append(w.open, e.Msg)
	case kit.Answer:
		w.asked[e.To]++
		if n := w.asked[e.To]; n != 1 {
			w.t.Fatalf("a question was answered %d times", n)
		}
	case kit.Stop:
		if w.stopped {
			w.t.Fatal("the actor was stopped twice")
		}
		w.stopped = true
	}
}

// finish ends the run and delivers all that is owed: then every question has its answer and the actor is gone.
func (w *world) finish() {
	w.give(in(Drain{}))
	for len(w.open) > 0 {
		w.pay()
	}
	if !w.stopped {
		w.t.Fatalf("the actor is %s and still there when nothing is under way", w.state.Phase)
	}
	for q, n := range w.asked {
		if n != 1 {
			w.t.Fatalf("question %v has %d answers", q, n)
		}
	}
}
