package agents

import (
	"errors"
	"testing"
	"time"

	"holdfast/actors/agents/backend"
)

// hang has calls go past their deadline and not end.
func (w *world) hang(ids ...string) {
	for _, id := range ids {
		n := w.call(id)
		w.in(turnOver{n})
		w.in(leaveOver{n})
	}
}

func TestACallThatOutlivesItsAgentsSettings(t *testing.T) {
	changed := Configure{Agents: []Agent{agent("a", 1, "y")}}
	cases := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"costs the changed agent no slot when it comes to hang", func(t *testing.T, w *world) {
			w.in(changed)
			w.hang("1", "2")
			w.ask("a", "next")
			if got := w.status("a"); got.Stuck != 2 || got.Hung || !w.began("next") {
				t.Errorf("status %+v", got)
			}
		}},
		{"gives the changed agent no slot when it ends at last", func(t *testing.T, w *world) {
			w.in(changed)
			w.hang("1", "2")
			w.done("1", backend.Answer{}, nil)
			w.done("2", backend.Answer{}, nil)
			for _, id := range []string{"3", "4"} {
				w.ask("a", id)
				w.hang(id)
			}
			if got := w.status("a"); got.Stuck != 2 || !got.Hung {
				t.Errorf("status %+v, want the slots lost to two calls", got)
			}
		}},
		{"says nothing about the changed agent when it succeeds", func(t *testing.T, w *world) {
			w.in(changed)
			w.ask("a", "3")
			w.done("1", backend.Answer{}, nil)
			w.done("2", backend.Answer{}, nil)
			if got := w.status("a"); !got.LastOK.IsZero() {
				t.Errorf("status %+v", got)
			}
			w.now = w.now.Add(time.Second)
			w.done("3", backend.Answer{}, nil)
			if got := w.status("a"); got.LastOK != w.now {
				t.Errorf("status %+v", got)
			}
		}},
		{"says nothing about the changed agent when it fails", func(t *testing.T, w *world) {
			w.in(changed)
			w.done("1", backend.Answer{}, errors.New("no such model"))
			w.done("2", backend.Answer{}, &backend.Refusal{Err: errors.New("no such key")})
			if got := w.status("a"); got.Failures != 0 || got.Refusing || got.LastErr != "" {
				t.Errorf("status %+v", got)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.in(one(2))
			w.ask("a", "1")
			w.ask("a", "2")
			c.run(t, w)
		})
	}
}
