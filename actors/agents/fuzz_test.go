package agents

import (
	"errors"
	"fmt"
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
)

// FuzzStep runs any list of inputs and checks that every question is answered at most once, and exactly once when all
// calls have ended; that no agent runs more than it may; and that Step leaves the state it was given as it was.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte("a long list of inputs that does a little of everything, \x00\x01\x02\x03 again and again"))
	f.Fuzz(func(t *testing.T, list []byte) {
		w := newWorld(t)
		w.in(one(1))
		for i, b := range list {
			before, shown := w.state, fmt.Sprint(w.state.snapshot(), w.state.calls.Len(), w.state.byID.Len())
			w.play(b>>3, b&7, i)
			if after := fmt.Sprint(before.snapshot(), before.calls.Len(), before.byID.Len()); after != shown {
				t.Fatalf("Step changed the state it was given: %s to %s", shown, after)
			}
			w.check()
		}
		for n := range w.jobs {
			w.in(kit.Done{Tag: n, Err: errors.New("the end")})
			delete(w.jobs, n)
		}
		for len(w.jobs) > 0 {
			for n := range w.jobs {
				delete(w.jobs, n)
				w.in(kit.Done{Tag: n})
			}
		}
		for q := range w.asked {
			w.only(q + 1)
		}
		if w.state.calls.Len() != 0 || w.state.byID.Len() != 0 {
			t.Fatalf("%d calls and %d IDs are left", w.state.calls.Len(), w.state.byID.Len())
		}
	})
}

// play makes one input of two small numbers.
func (w *world) play(what, which byte, i int) {
	id := fmt.Sprint(which)
	n := w.state.number - uint64(which)%max(1, w.state.number)
	switch what % 8 {
	case 0, 1:
		w.ask([]string{"a", "b", "a", "c"}[which%4], id)
	case 2:
		w.in(Stop{ID: id, Waiting: which%2 == 0})
	case 3:
		w.in(turnOver{n})
	case 4:
		w.in(leaveOver{n})
	case 5:
		if _, runs := w.jobs[n]; runs {
			delete(w.jobs, n)
			w.in(kit.Done{Tag: n, Msg: backend.Answer{Text: id}})
		}
	case 6:
		w.in(Configure{Agents: []Agent{agent("a", int(which%3)+1, fmt.Sprint(which%2)), agent("b", 1, "x")}})
	case 7:
		w.in(Configure{Agents: []Agent{agent("b", 2, fmt.Sprint(i))}})
	}
}

func (w *world) check() {
	w.t.Helper()
	for q, got := range w.answers {
		if len(got) > 1 {
			w.t.Fatalf("question %d was answered %d times", q, len(got))
		}
	}
	running, hung := 0, 0
	for _, s := range w.state.snapshot().Agents {
		running, hung = running+s.Running, hung+s.Stuck
	}
	if running+hung != len(w.jobs) {
		w.t.Fatalf("%d running and %d stuck, but %d calls are under way", running, hung, len(w.jobs))
	}
	for name, p := range w.state.pools.All() {
		if !p.removed && p.waiting.Len() > 0 && (p.running < p.capacity() || p.capacity() == 0) {
			w.t.Fatalf("agent %s: %d wait while %d of %d slots are in use", name, p.waiting.Len(), p.running, p.capacity())
		}
		if p.stuck > 2*8 {
			w.t.Fatalf("agent %s: %d stuck", name, p.stuck)
		}
	}
}
