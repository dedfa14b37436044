package agents

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world feeds a machine and remembers what it did.
type world struct {
	t       testing.TB
	state   State
	now     time.Time
	asked   uint64
	effects []kit.Effect // of the last input
	jobs    map[uint64]job
	answers map[uint64][]Turned // by the question's number
}

func newWorld(t testing.TB) *world {
	return &world{t: t, state: NewState(), now: start, jobs: map[uint64]job{}, answers: map[uint64][]Turned{}}
}

func (w *world) in(msg any) { w.from(msg, kit.Return{}) }

func (w *world) from(msg any, from kit.Return) {
	w.t.Helper()
	w.state, w.effects = Step(w.state, kit.In{Msg: msg, From: from, Now: w.now})
	for _, e := range w.effects {
		switch e := e.(type) {
		case kit.Do:
			j := e.Job.(job)
			w.jobs[j.number] = j
		case kit.Answer:
			if turned, ok := e.Msg.(Turned); ok {
				for n := range w.asked {
					if e.To == question(n+1) {
						w.answers[n+1] = append(w.answers[n+1], turned)
					}
				}
			}
		}
	}
}

func question(n uint64) kit.Return { return kit.ReturnTo(kit.Named("lanes"), n) }

// ask asks for a turn and returns the number of the question.
func (w *world) ask(agent, id string) uint64 {
	w.asked++
	w.from(Turn{Turn: backend.Turn{ID: id, Agent: agent, Text: id}}, question(w.asked))
	return w.asked
}

// call is the number of the call that runs for a turn.
func (w *world) call(id string) uint64 {
	w.t.Helper()
	for n, j := range w.jobs {
		if j.turn.ID == id {
			return n
		}
	}
	w.t.Fatalf("turn %q has not begun", id)
	return 0
}

func (w *world) began(id string) bool {
	for _, j := range w.jobs {
		if j.turn.ID == id {
			return true
		}
	}
	return false
}

func (w *world) done(id string, answer backend.Answer, err error) {
	w.t.Helper()
	n := w.call(id)
	delete(w.jobs, n)
	w.in(kit.Done{Tag: n, Msg: answer, Err: err})
}

func (w *world) status(name string) Status {
	for _, s := range w.state.snapshot().Agents {
		if s.Name == name {
			return s
		}
	}
	return Status{}
}

func (w *world) only(question uint64) Turned {
	w.t.Helper()
	if got := w.answers[question]; len(got) != 1 {
		w.t.Fatalf("question %d was answered %d times: %v", question, len(got), got)
	}
	return w.answers[question][0]
}

func agent(name string, parallel int, digest string) Agent {
	return Agent{Name: name, Kind: "echo", Digest: digest, Parallel: parallel, Timeout: time.Minute}
}

func one(parallel int) Configure {
	return Configure{Revision: 1, Agents: []Agent{agent("a", parallel, "x")}}
}

func TestStep(t *testing.T) {
	busy := &backend.Busy{After: time.Hour, Err: errors.New("come back later")}
	cases := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"an agent that is not configured refuses and says that it is unknown", func(t *testing.T, w *world) {
			got := w.only(w.ask("b", "1"))
			if !got.Refused || !got.Unknown || !strings.Contains(got.Err.Error(), `"b"`) {
				t.Errorf("got %+v", got)
			}
		}},
		{"a turn without an ID is refused", func(t *testing.T, w *world) {
			if got := w.only(w.ask("a", "")); !got.Refused || got.Unknown {
				t.Errorf("got %+v", got)
			}
		}},
		{"the answer of the backend is the answer of the turn", func(t *testing.T, w *world) {
			q := w.ask("a", "1")
			w.done("1", backend.Answer{Text: "yes"}, nil)
			if got := w.only(q); got.Answer.Text != "yes" || got.Err != nil {
				t.Errorf("got %+v", got)
			}
			if got := w.status("a"); !got.LastOK.Equal(start) || got.Running != 0 {
				t.Errorf("status %+v", got)
			}
		}},
		{"turns above the limit wait and begin in the order of asking", func(t *testing.T, w *world) {
			w.ask("a", "1")
			w.ask("a", "2")
			w.ask("a", "3")
			if w.began("2") || w.status("a").Waiting != 2 {
				t.Fatalf("status %+v", w.status("a"))
			}
			w.done("1", backend.Answer{}, nil)
			if !w.began("2") || w.began("3") {
				t.Errorf("the second did not begin, or the third did")
			}
		}},
		{"the deadline answers for a backend that does not, and cancels it", func(t *testing.T, w *world) {
			q := w.ask("a", "1")
			n := w.call("1")
			if a := kittest.One[kit.After](t, w.effects); a.Msg != (turnOver{n}) || a.For != kittest.One[kit.Do](t, w.effects).Tag {
				t.Errorf("the deadline %+v is not that of the turn", a)
			}
			w.in(turnOver{n})
			if got := w.only(q); got.Err == nil || got.Refused || got.Stopped {
				t.Errorf("got %+v", got)
			}
			if got := kittest.One[cancel](t, w.effects); got.number != n {
				t.Errorf("cancelled %d, want %d", got.number, n)
			}
			if got := w.status("a"); got.Failures != 1 || got.LastErr == "" || got.Running != 1 {
				t.Errorf("status %+v", got)
			}
		}},
		{"a deadline of a turn that was answered is nobody's", func(t *testing.T, w *world) {
			q := w.ask("a", "1")
			n := w.call("1")
			w.done("1", backend.Answer{Text: "yes"}, nil)
			w.in(turnOver{n})
			w.in(leaveOver{n})
			if len(w.effects) != 0 || w.only(q).Err != nil {
				t.Errorf("effects %v", w.effects)
			}
		}},
		{"a cancelled call keeps its slot until it has had time to end", func(t *testing.T, w *world) {
			w.ask("a", "1")
			n := w.call("1")
			w.in(turnOver{n})
			w.ask("a", "2")
			if w.began("2") {
				t.Fatal("the second began beside the first")
			}
			w.in(leaveOver{n})
			if !w.began("2") || w.status("a").Stuck != 1 {
				t.Errorf("status %+v", w.status("a"))
			}
		}},
		{"a stuck call that ends after all gives nothing back twice", func(t *testing.T, w *world) {
			w.ask("a", "1")
			n := w.call("1")
			w.in(turnOver{n})
			w.in(leaveOver{n})
			w.done("1", backend.Answer{Text: "late"}, nil)
			if got := w.status("a"); got.Stuck != 0 || got.Running != 0 || !got.LastOK.IsZero() {
				t.Errorf("status %+v", got)
			}
		}},
		{"an agent whose slots are all lost to stuck calls says so at once", func(t *testing.T, w *world) {
			for i := range 2 {
				id := fmt.Sprint(i)
				w.ask("a", id)
				n := w.call(id)
				w.in(turnOver{n})
				w.in(leaveOver{n})
			}
			if !w.status("a").Hung {
				t.Errorf("status %+v", w.status("a"))
			}
			got := w.only(w.ask("a", "next"))
			if got.Err == nil || got.Refused || !strings.Contains(got.Err.Error(), "2 calls do not end") {
				t.Errorf("got %+v", got)
			}
			w.done("0", backend.Answer{}, nil)
			w.ask("a", "again")
			if !w.began("again") {
				t.Error("the slot did not come back")
			}
			if w.status("a").Hung {
				t.Errorf("status %+v", w.status("a"))
			}
		}},
		{"stop ends a running turn at once and cancels its call", func(t *testing.T, w *world) {
			q := w.ask("a", "1")
			w.in(Stop{ID: "1"})
			if got := w.only(q); !got.Stopped {
				t.Errorf("got %+v", got)
			}
			kittest.One[cancel](t, w.effects)
			if w.status("a").Failures != 0 {
				t.Error("a stop counts as a failure")
			}
		}},
		{"stop ends a waiting turn and its successor keeps its place", func(t *testing.T, w *world) {
			w.ask("a", "1")
			q := w.ask("a", "2")
			w.ask("a", "3")
			w.in(Stop{ID: "2"})
			if !w.only(q).Stopped {
				t.Error("not stopped")
			}
			w.done("1", backend.Answer{}, nil)
			if w.began("2") || !w.began("3") {
				t.Error("the stopped one began, or the next did not")
			}
		}},
		{"stopping a turn that nobody asked for does nothing", func(t *testing.T, w *world) {
			w.in(Stop{ID: "1"})
			if len(w.effects) != 0 {
				t.Errorf("effects %v", w.effects)
			}
		}},
		{"taking back what waits leaves a turn alone that has begun", func(t *testing.T, w *world) {
			q := w.ask("a", "1")
			w.in(Stop{ID: "1", Waiting: true})
			if len(w.effects) != 0 || len(w.answers[q]) != 0 {
				t.Errorf("effects %v", w.effects)
			}
		}},
		{"a refusal of the backend is a refusal, and the pause a busy server names comes through", func(t *testing.T, w *world) {
			q := w.ask("a", "1")
			w.done("1", backend.Answer{}, &backend.Refusal{Err: errors.New("too long")})
			if !w.only(q).Refused {
				t.Errorf("got %+v", w.only(q))
			}
			q = w.ask("a", "2")
			w.done("2", backend.Answer{}, busy)
			if got := w.only(q); got.Refused || backend.PauseOf(got.Err) != time.Hour || w.status("a").Failures != 2 {
				t.Errorf("got %+v, status %+v", got, w.status("a"))
			}
		}},
		{"a panic is one line of an error that can be tried again", func(t *testing.T, w *world) {
			q := w.ask("a", "1")
			w.done("1", backend.Answer{}, errors.New("panic: oh\ngoroutine 1"))
			if got := w.only(q); got.Refused || got.Err.Error() != `ask agent "a": panic: oh` {
				t.Errorf("got %+v", got)
			}
		}},
		{"an error that is a whole page is cut for people and keeps what it wraps", func(t *testing.T, w *world) {
			q := w.ask("a", "1")
			w.done("1", backend.Answer{}, &backend.Busy{After: time.Hour, Err: errors.New(strings.Repeat("x", 9*maxErr))})
			got := w.only(q).Err
			if len(got.Error()) > 2*maxErr || backend.PauseOf(got) != time.Hour || w.status("a").LastErr != got.Error() {
				t.Errorf("got %d bytes, pause %v", len(got.Error()), backend.PauseOf(got))
			}
		}},
		{"asking again under the same ID takes the place of the first question and starts nothing", func(t *testing.T, w *world) {
			first := w.ask("a", "1")
			second := w.ask("a", "1")
			kittest.None[kit.Do](t, w.effects)
			w.done("1", backend.Answer{Text: "yes"}, nil)
			if !w.only(first).Stopped || w.only(second).Answer.Text != "yes" {
				t.Errorf("got %+v and %+v", w.only(first), w.only(second))
			}
		}},
		{"a turn keeps the agent it began with and a waiting one gets the new one", func(t *testing.T, w *world) {
			w.ask("a", "1")
			w.ask("a", "2")
			changed := agent("a", 1, "y")
			changed.Timeout = time.Hour
			w.in(Configure{Agents: []Agent{changed}})
			if w.began("2") {
				t.Fatal("the limit was passed by a reload")
			}
			if w.jobs[w.call("1")].within != time.Minute {
				t.Error("the turn under way changed")
			}
			w.done("1", backend.Answer{}, nil)
			if w.jobs[w.call("2")].within != time.Hour {
				t.Error("the waiting turn got the old agent")
			}
		}},
		{"calls that hang on old settings cost the changed agent no slot", func(t *testing.T, w *world) {
			for i := range 2 {
				id := fmt.Sprint(i)
				w.ask("a", id)
				n := w.call(id)
				w.in(turnOver{n})
				w.in(leaveOver{n})
			}
			w.in(Configure{Agents: []Agent{agent("a", 1, "y")}})
			w.ask("a", "next")
			if !w.began("next") || w.status("a").Stuck != 2 {
				t.Errorf("status %+v", w.status("a"))
			}
		}},
		{"an agent that is removed ends its turns, refuses those that wait and is gone after that", func(t *testing.T, w *world) {
			first, second := w.ask("a", "1"), w.ask("a", "2")
			w.in(Configure{})
			if !w.only(second).Unknown {
				t.Errorf("got %+v", w.only(second))
			}
			w.done("1", backend.Answer{Text: "yes"}, nil)
			if w.only(first).Answer.Text != "yes" || len(w.state.snapshot().Agents) != 0 {
				t.Errorf("got %+v, %+v", w.only(first), w.state.snapshot())
			}
		}},
		{"an agent that names neither limit nor deadline has both all the same", func(t *testing.T, w *world) {
			w.in(Configure{Agents: []Agent{{Name: "a"}}})
			w.ask("a", "1")
			w.ask("a", "2")
			if j := w.jobs[w.call("1")]; j.within != backend.DefaultTimeout || w.began("2") {
				t.Errorf("the deadline is %v", j.within)
			}
		}},
		{"what fits nothing is said to fit nothing", func(t *testing.T, w *world) {
			w.in("what")
			kittest.One[kit.Unknown](t, w.effects)
			w.in(kit.Done{Tag: uint64(99)})
			kittest.One[kit.Unknown](t, w.effects)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.in(one(1))
			c.run(t, w)
		})
	}
}

func TestLaw9_WaitingTurnsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.in(one(1))
	w.ask("a", "runs")
	for i := range maxWaiting {
		w.from(Turn{Turn: backend.Turn{ID: fmt.Sprint(i), Agent: "a"}}, kit.Return{})
	}
	if got := w.only(w.ask("a", "one more")); got.Err == nil || got.Refused {
		t.Errorf("got %+v", got)
	}
}
