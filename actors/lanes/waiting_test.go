package lanes

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"holdfast/actors/agents"
	"holdfast/actors/journal"
)

// Whether a failure of an agent still counts hangs on whether something waits for it.
func TestWhatWaitsForAnAgent(t *testing.T) {
	want := func(w *world, leftOut bool, waiting map[string]int) {
		w.t.Helper()
		got := w.state.snapshot()
		if !maps.Equal(got.Waiting, waiting) || got.LeftOut != leftOut {
			w.t.Errorf("waiting %v, left out %t; want %v, %t", got.Waiting, got.LeftOut, waiting, leftOut)
		}
		for _, agent := range []string{"default", "other"} {
			if got.WaitsFor(agent) != (leftOut || waiting[agent] > 0) {
				w.t.Errorf("something waits for %s: %t", agent, got.WaitsFor(agent))
			}
		}
	}
	play(t, []scenario{
		{"a turn under way, and none when it has ended", func(t *testing.T, w *world) {
			want(w, false, nil)
			w.slow()
			w.message("c", "hi")
			w.message("d", "hi")
			w.settle()
			want(w, false, map[string]int{"default": 2})
			w.finish("net:home/1", agentsSay("ok"))
			w.settle()
			want(w, false, map[string]int{"default": 1})
			w.finish("net:home/2", agents.Turned{Refused: true, Err: errStopped})
			w.settle()
			want(w, false, nil)
		}},
		{"a message that is tried again, until it is stopped", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			for range 50 {
				w.after(time.Second)
				want(w, false, map[string]int{"default": 1})
			}
			w.message("c", "/stop")
			w.settle()
			want(w, false, nil)
		}},
		{"a message that is tried again, until it expires", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.after(23 * time.Hour)
			want(w, false, map[string]int{"default": 1})
			w.after(2 * time.Hour)
			want(w, false, nil)
		}},
		{"a message that is tried again, until an operator drops it", func(t *testing.T, w *world) {
			w.down()
			seq := w.message("c", "hi")
			w.settle()
			w.store.items[seq].end = &journal.End{Seq: seq, State: journal.Dead, Outcome: "dropped"}
			w.after(longestWait)
			want(w, false, nil)
		}},
		{"the agent that it is bound to now", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.settle()
			w.configure(bound("other", "c"))
			w.settle()
			if got := w.state.snapshot(); !got.WaitsFor("other") {
				t.Errorf("got %+v", got)
			}
			w.message("d", "hi") // and one that is at its beginning
			w.until(others.Access)
			if got := w.state.snapshot(); !got.WaitsFor("default") {
				t.Errorf("got %+v", got)
			}
		}},
		{"what did not fit may be for any", func(t *testing.T, w *world) {
			small(w)
			w.down()
			for i := range 5 {
				w.message(fmt.Sprint(i), "hi")
			}
			w.settle()
			want(w, true, map[string]int{"default": 4})
		}},
		{"at a removed account only what is under way", func(t *testing.T, w *world) {
			small(w)
			w.slow()
			for i := range 5 {
				w.message(fmt.Sprint(i), "hi")
			}
			w.settle()
			w.configure(func(c *Configure) { delete(c.Accounts, home) })
			want(w, false, map[string]int{"default": 4})
			for i := range 4 {
				w.finish(fmt.Sprint("net:home/", i+1), agentsSay("ok"))
			}
			w.settle()
			want(w, false, nil)
		}},
	})
}
