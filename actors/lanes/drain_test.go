package lanes

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
)

func TestReloads(t *testing.T) {
	without := func(c *Configure) { delete(c.Accounts, home) }
	play(t, []scenario{
		{"a turn under way ends although its account is removed", func(t *testing.T, w *world) {
			w.slow()
			a := w.message("c", "hi")
			b := w.message("c", "more")
			w.settle()
			w.configure(without)
			w.finish("net:home/1", agentsSay("still"))
			w.settle()
			w.wantEnds(map[uint64]string{a: "done answered", b: "pending"})
			w.idle()
			if _, there := w.state.windows.Get(home); there {
				t.Error("the account is still there")
			}
		}},
		{"an account that comes back finds what it left", func(t *testing.T, w *world) {
			w.down()
			a := w.message("c", "hi")
			w.settle()
			w.configure(without)
			w.settle()
			w.idle()
			b := w.message("d", "there?")
			w.settle()
			w.agent = func(backend.Turn) *agents.Turned { said := agentsSay("here"); return &said }
			w.configure(nil)
			w.settle()
			w.wantEnds(map[uint64]string{a: "done answered", b: "done answered"})
		}},
		{"an account that is taken away and given back during a turn loses nothing", func(t *testing.T, w *world) {
			w.slow()
			a := w.message("c", "hi")
			b := w.message("c", "more")
			w.settle()
			w.configure(without)
			w.configure(nil)
			w.settle()
			w.finish("net:home/1", agentsSay("one"))
			w.settle()
			w.finish("net:home/2", agentsSay("two"))
			w.settle()
			w.wantEnds(map[uint64]string{a: "done answered", b: "done answered"})
			w.idle()
		}},
		{"a wake-up for an account that is not configured is nobody's", func(t *testing.T, w *world) {
			for _, msg := range []any{
				journal.Woken{Queue: journal.Queue{Kind: journal.Arrivals, Account: "net:new"}},
				rescan{"net:new"},
				scanOn{"net:new"},
				retake{place{account: "net:new"}},
				wake{attempt{place{account: "net:new"}, 1}},
			} {
				w.in(msg)
				if len(w.effects) != 0 || w.state.windows.Len() != 2 {
					t.Errorf("%T: effects %v, windows %v", msg, w.effects, w.state.windows)
				}
			}
		}},
		{"an account that is removed while a lane looks is gone for good", func(t *testing.T, w *world) {
			small(w)
			w.slow()
			for i := range 8 {
				w.message("c", fmt.Sprint(i))
			}
			w.settle()
			w.finish("net:home/1", agentsSay("ok"))
			w.settle()
			w.finish("net:home/2", agentsSay("ok"))
			for w.state.windows.Of(home).takes == 0 {
				w.handle(others.Journal)
				w.deliver(0)
			}
			w.configure(without)
			w.settle()
			if w.state.windows.Len() != 1 {
				t.Errorf("windows %v", w.state.windows)
			}
			w.idle()
		}},
		{"a turn under way keeps its agent, the next one has the new binding", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.message("c", "2")
			w.settle()
			w.configure(bound("other", "c"))
			w.finish("net:home/1", agentsSay("one"))
			w.settle()
			if w.turns[0].Agent != "default" || w.turns[1].Agent != "other" {
				t.Errorf("turns %+v", w.turns)
			}
		}},
	})
}

func TestDrain(t *testing.T) {
	by := start.Add(time.Minute)
	play(t, []scenario{
		{"with nothing to do it is answered at once", func(t *testing.T, w *world) {
			w.in(Drain{By: by})
			if len(w.drained) != 1 || len(w.drained[0].Left) != 0 {
				t.Errorf("got %+v", w.drained)
			}
		}},
		{"a turn under way may end, and nothing new begins", func(t *testing.T, w *world) {
			w.slow()
			a := w.message("c", "1")
			b := w.message("c", "2")
			w.settle()
			w.in(Drain{By: by})
			c := w.message("d", "3")
			w.settle()
			if len(w.drained) != 0 {
				t.Fatal("answered before the turn ended")
			}
			w.finish("net:home/1", agentsSay("one"))
			w.settle()
			w.wantEnds(map[uint64]string{a: "done answered", b: "pending", c: "pending"})
			if len(w.drained) != 1 || len(w.drained[0].Left) != 0 || len(w.turns) != 1 {
				t.Errorf("drained %+v, %d turns", w.drained, len(w.turns))
			}
			if mark := w.store.state["net:home|c|turn"]; mark != nil {
				t.Errorf("the next turn was marked: %s", mark)
			}
		}},
		{"a turn that fails is not waited for any more", func(t *testing.T, w *world) {
			w.slow()
			a := w.message("c", "1")
			w.settle()
			w.in(Drain{By: by})
			w.finish("net:home/1", agents.Turned{Err: errors.New("no connection")})
			w.settle()
			w.wantEnds(map[uint64]string{a: "pending"})
			if len(w.drained) != 1 || len(w.drained[0].Left) != 0 {
				t.Errorf("drained %+v", w.drained)
			}
		}},
		{"a turn whose mark is on its way is not begun any more", func(t *testing.T, w *world) {
			a := w.message("c", "1")
			w.until(others.Access)
			w.handle(others.Access)
			w.deliver(0)
			w.in(Drain{By: by})
			w.settle()
			w.wantEnds(map[uint64]string{a: "pending"})
			if len(w.turns) != 0 || len(w.drained) != 1 || len(w.drained[0].Left) != 0 {
				t.Errorf("%d turns, drained %+v", len(w.turns), w.drained)
			}
		}},
		{"what pauses is let go and stays pending", func(t *testing.T, w *world) {
			w.down()
			a := w.message("c", "1")
			w.settle()
			w.in(Drain{By: by})
			w.after(time.Hour)
			w.wantEnds(map[uint64]string{a: "pending"})
			if len(w.drained) != 1 || len(w.drained[0].Left) != 0 {
				t.Errorf("got %+v", w.drained)
			}
		}},
		{"a turn that does not end in time is stopped, named and stays pending", func(t *testing.T, w *world) {
			w.slow()
			a := w.message("c", "1")
			w.settle()
			w.in(Drain{By: by})
			w.after(time.Minute)
			if len(w.drained) != 1 || len(w.drained[0].Left) != 1 || w.drained[0].Left[0] != "net:home c" {
				t.Errorf("got %+v", w.drained)
			}
			w.settle()
			w.wantEnds(map[uint64]string{a: "pending"})
			if len(w.running) != 0 {
				t.Error("the turn was not stopped")
			}
			w.idle()
		}},
	})
}
