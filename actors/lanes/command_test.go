package lanes

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/channels"
)

func TestCommands(t *testing.T) {
	play(t, []scenario{
		{"/new forgets history and context and says so", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.message("c", "👍", kind(channels.Reaction, "m1"))
			seq := w.message("c", " /NEW ")
			w.message("c", "again")
			w.settle()
			w.wantEnds(map[uint64]string{seq: "done command"})
			w.wantSaid("re: hi", "["+newText+"]", "re: again")
			if got := w.lastTurn(); len(got.History) != 0 || len(got.Context) != 0 {
				t.Errorf("got %+v", got)
			}
		}},
		{"/status tells account, agent and what is remembered", func(t *testing.T, w *world) {
			w.configure(bound("other", "c"))
			w.message("c", "hi")
			w.message("c", "/status")
			w.settle()
			got := w.said()[1]
			for _, part := range []string{"net:home", "agent: other", "remembered: 2 entries"} {
				if !strings.Contains(got, part) {
					t.Errorf("%q is missing in %s", part, got)
				}
			}
		}},
		{"/stop without a turn says that there is nothing to stop", func(t *testing.T, w *world) {
			asked := 0
			w.decide = func(channels.Arrival) access.Decision {
				asked++
				return access.Decision{Allow: true}
			}
			w.message("c", "/status")
			w.message("c", "/stop")
			w.settle()
			if got := w.said(); len(got) != 2 || got[1] != "["+idleText+"]" || asked != 2 {
				t.Errorf("said %q, asked %d times", got, asked)
			}
		}},
		{"/stop ends the turn under way, and what follows goes on", func(t *testing.T, w *world) {
			w.slow()
			a := w.message("c", "write a novel")
			w.settle()
			w.message("c", "next")
			s := w.message("c", "/stop")
			w.settle()
			w.wantEnds(map[uint64]string{a: "done stopped", s: "pending"})
			w.finish("net:home/2", agentsSay("the next"))
			w.settle()
			w.wantSaid("the next", "["+stoppedText+"]")
			w.idle()
		}},
		{"/stop of somebody who may not is denied and stops nothing", func(t *testing.T, w *world) {
			w.slow()
			w.decide = func(a channels.Arrival) access.Decision {
				return access.Decision{Allow: a.Sender.ID != "eve", Outcome: access.Denied}
			}
			w.message("c", "write a novel")
			w.settle()
			s := w.message("c", "/stop", from("eve"))
			w.settle()
			w.finish("net:home/1", agentsSay("once upon a time"))
			w.settle()
			w.wantEnds(map[uint64]string{s: "done denied"})
			w.wantSaid("once upon a time")
		}},
		{"a stranger's /stop does not hide the owner's", func(t *testing.T, w *world) {
			w.slow()
			w.decide = func(a channels.Arrival) access.Decision {
				return access.Decision{Allow: a.Sender.ID != "eve", Outcome: access.Denied}
			}
			a := w.message("c", "write a novel")
			w.settle()
			w.message("c", "/stop", from("eve"))
			w.message("c", "/stop")
			w.settle()
			w.wantEnds(map[uint64]string{a: "done stopped"})
			w.wantSaid("[" + stoppedText + "]")
		}},
		{"/stop ends a message that pauses between attempts", func(t *testing.T, w *world) {
			w.down()
			a := w.message("c", "hi")
			w.after(10 * time.Second)
			w.message("c", "/stop")
			w.settle()
			w.wantEnds(map[uint64]string{a: "done stopped"})
			w.wantSaid("[" + stoppedText + "]")
			w.idle()
		}},
		{"/stop is seen although the lane is full", func(t *testing.T, w *world) {
			w.slow()
			a := w.message("c", "write a novel")
			w.settle()
			for i := range 3 * w.state.bounds.lane {
				w.message("c", fmt.Sprint(i))
			}
			w.settle()
			w.message("c", "/stop")
			w.settle()
			w.wantEnds(map[uint64]string{a: "done stopped"})
		}},
		{"a stop that comes too late for its turn is none of the next", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.settle()
			b := w.message("c", "2")
			w.message("c", "/stop")
			for w.state.snapshot().Turns == 1 && len(w.lines[others.Agents]) == 0 {
				w.handle(others.Journal)
				w.handle(others.Access)
				w.deliver(0)
			}
			w.finish("net:home/1", agentsSay("just in time")) // before the stop reaches the agents
			w.settle()
			w.finish("net:home/2", agentsSay("two"))
			w.settle()
			w.wantEnds(map[uint64]string{b: "done answered"})
			w.wantSaid("just in time", "two", "["+idleText+"]")
		}},
		{"a decision about a stop that comes after its turn touches nothing", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.settle()
			w.message("c", "/stop")
			w.until(others.Access)
			w.finish("net:home/1", agentsSay("just in time"))
			for len(w.lines[others.Access]) < 2 {
				w.handle(others.Journal)
				w.deliver(0)
			}
			w.settle()
			w.wantSaid("just in time", "["+idleText+"]")
		}},
		{"the operator's command needs no sender, and an unknown one is told what there is", func(t *testing.T, w *world) {
			w.message("c", "/dance", func(a *channels.Arrival) { a.Kind, a.Sender = channels.Command, channels.Sender{} })
			w.settle()
			w.wantSaid("[" + unknownText + "]")
		}},
	})
}
