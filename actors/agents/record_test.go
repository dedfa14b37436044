package agents

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/actors/agents/backend"
)

// The record of an agent is what health goes by: it tells the agent's faults from those of a message.
func TestTheRecordOfAnAgent(t *testing.T) {
	busy := &backend.Busy{After: time.Hour, Err: errors.New("come back later")}
	for _, c := range []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"the refusal of one message is no failure of the agent, and a good turn ends the row", func(t *testing.T, w *world) {
			for i := range 2 {
				id := fmt.Sprint(i)
				q := w.ask("a", id)
				w.done(id, backend.Answer{}, fmt.Errorf("ask: %w", &backend.Refusal{Message: true, Err: errors.New("not that")}))
				if !w.only(q).Refused {
					t.Errorf("got %+v", w.only(q))
				}
			}
			if got := w.status("a"); got.Failures != 0 || got.Refusing || got.Refusals != 2 || !strings.Contains(got.LastErr, "not that") {
				t.Errorf("status %+v", got)
			}
			w.ask("a", "good")
			w.done("good", backend.Answer{}, nil)
			if got := w.status("a"); got.Refusals != 0 || got.LastErr != "" {
				t.Errorf("status %+v", got)
			}
		}},
		{"a refusal that every message gets lasts until a turn is answered", func(t *testing.T, w *world) {
			w.ask("a", "1")
			w.done("1", backend.Answer{}, &backend.Refusal{Err: errors.New("wrong key")})
			w.ask("a", "2")
			w.done("2", backend.Answer{}, busy)
			if got := w.status("a"); got.Failures != 2 || !got.Refusing || got.Refusals != 0 {
				t.Errorf("status %+v", got)
			}
			w.ask("a", "3")
			w.done("3", backend.Answer{}, nil)
			if got := w.status("a"); got.Failures != 0 || got.Refusing {
				t.Errorf("status %+v", got)
			}
		}},
		{"a failure for now leaves no lasting mark", func(t *testing.T, w *world) {
			w.ask("a", "1")
			w.done("1", backend.Answer{}, busy)
			if got := w.status("a"); got.Failures != 1 || got.Refusing {
				t.Errorf("status %+v", got)
			}
		}},
		{"an unchanged agent keeps its record over a reload and a changed one begins anew", func(t *testing.T, w *world) {
			w.ask("a", "1")
			w.done("1", backend.Answer{}, errors.New("no"))
			w.in(one(1))
			if w.status("a").Failures != 1 {
				t.Error("the record was lost")
			}
			w.ask("a", "2")
			w.done("2", backend.Answer{}, &backend.Refusal{Message: true, Err: errors.New("no")})
			w.ask("a", "3")
			w.done("3", backend.Answer{}, &backend.Refusal{Err: errors.New("no")})
			w.in(Configure{Agents: []Agent{agent("a", 1, "y")}})
			if got := w.status("a"); got.Failures != 0 || got.Refusing || got.Refusals != 0 || got.LastErr != "" {
				t.Errorf("the record was kept: %+v", got)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.in(one(1))
			c.run(t, w)
		})
	}
}
