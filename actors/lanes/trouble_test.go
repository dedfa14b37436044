package lanes

import (
	"errors"
	"strings"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

func agentsSay(text string) agents.Turned { return agents.Turned{Answer: backend.Answer{Text: text}} }

// down makes every turn fail for now.
func (w *world) down() {
	w.agent = func(backend.Turn) *agents.Turned { return &agents.Turned{Err: errors.New("no connection")} }
}

func TestTrouble(t *testing.T) {
	play(t, []scenario{
		{"a turn that fails is tried again, after pauses that double up to a minute", func(t *testing.T, w *world) {
			var at []time.Duration
			w.agent = func(backend.Turn) *agents.Turned {
				at = append(at, w.now.Sub(start))
				return &agents.Turned{Err: errors.New("no connection")}
			}
			w.message("c", "hi")
			w.after(5 * time.Minute)
			if w.notes != 1 {
				t.Errorf("%d lines of log, want one on entering the pause", w.notes)
			}
			want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}
			if mark := string(w.store.state["net:home|c|lane"]); mark != `{"turn":{"id":"net:home/1","attempt":10},"notices":{"late":true}}` {
				t.Errorf("the journal knows of %s", mark)
			}
			for i := range want {
				if at[i] != want[i]*time.Second {
					t.Fatalf("attempts at %v, want seconds %v", at, want)
				}
			}
		}},
		{"the pause that a server names is kept", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned {
				return &agents.Turned{Err: &backend.Busy{After: 5 * time.Minute, Err: errors.New("too many requests")}}
			}
			w.message("c", "hi")
			w.after(4 * time.Minute)
			if len(w.turns) != 1 {
				t.Errorf("%d turns", len(w.turns))
			}
			w.after(time.Minute)
			if len(w.turns) != 2 {
				t.Errorf("%d turns", len(w.turns))
			}
		}},
		{"the pause that a network names is kept as well", func(t *testing.T, w *world) {
			tries := 0
			onOp(w, func(_ run.Fetch, times int) run.Result {
				tries = times
				return run.Result{Err: &channels.Failure{Outcome: channels.NotSent, After: 5 * time.Minute, Err: errors.New("slow down")}}
			})
			w.message("c", "look", files2(channels.Attachment{ID: "f1"}))
			w.after(299 * time.Second)
			if tries != 1 {
				t.Errorf("%d tries", tries)
			}
			w.after(time.Second)
			if tries != 2 {
				t.Errorf("%d tries", tries)
			}
		}},
		{"a cause that is a whole page is cut", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned {
				return &agents.Turned{Err: errors.New(strings.Repeat("ä", maxCause) + "\nand more")}
			}
			w.message("c", "hi")
			w.settle()
			if got := w.state.snapshot().Blocked[0].Cause; len(got) > maxCause || strings.ToValidUTF8(got, "?") != got {
				t.Errorf("%d bytes: %q", len(got), got)
			}
		}},
		{"the blocked conversation is shown with its cause, and gone when it is well", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.settle()
			got := w.state.snapshot()
			if len(got.Blocked) != 1 || got.Blocked[0].Cause != "no connection" || got.Blocked[0].Attempts != 1 || !got.Blocked[0].Since.Equal(start) {
				t.Errorf("got %+v", got)
			}
			w.agent = func(backend.Turn) *agents.Turned { said := agentsSay("at last"); return &said }
			w.after(2 * time.Second)
			w.wantSaid("at last")
			w.idle()
		}},
		{"after half a minute of failing the sender hears of it, once, also over a restart", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.after(20 * time.Second)
			w.wantSaid()
			w.after(2 * time.Minute)
			w.wantSaid("[" + lateText + "]")
			w.restart(nil)
			w.after(2 * time.Minute)
			w.wantSaid("[" + lateText + "]")
		}},
		{"a sender who is not decided about hears nothing", func(t *testing.T, w *world) {
			w.decide = func(channels.Arrival) access.Decision { return access.Decision{Err: errors.New("no")} }
			w.message("c", "hi")
			w.after(25 * time.Hour)
			w.wantSaid()
			w.wantEnds(map[uint64]string{1: "expired late"})
		}},
		{"a message that is not answered in time ends as expired, and the sender hears of it once per trouble", func(t *testing.T, w *world) {
			w.down()
			a := w.message("c", "hi")
			w.after(time.Minute)
			b := w.message("c", "hello?")
			w.after(25 * time.Hour)
			w.wantEnds(map[uint64]string{a: "expired late", b: "expired late"})
			if got := w.store.items[a].end.Reason; !strings.Contains(got, "no connection") {
				t.Errorf("the reason is %q", got)
			}
			w.wantSaid("["+lateText+"]", "["+expiredText+"]")
			w.idle()
		}},
		{"a message that is too old when it is its turn is not answered, and the sender hears that", func(t *testing.T, w *world) {
			seq := w.message("c", "hi", func(a *channels.Arrival) { a.At = start.Add(-25 * time.Hour) })
			w.settle()
			w.wantEnds(map[uint64]string{seq: "expired late"})
			w.wantSaid("[" + expiredText + "]")
			if len(w.turns) != 0 {
				t.Errorf("turns %+v", w.turns)
			}
		}},
		{"an answer that the journal does not take is kept and not asked for again", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "hi")
			w.settle()
			w.store.broken = errors.New("disk")
			w.finish("net:home/1", agentsSay("precious"))
			w.after(time.Minute)
			w.wantSaid()
			w.store.broken = nil
			w.after(time.Minute)
			w.wantSaid("precious")
			if len(w.turns) != 1 {
				t.Errorf("%d turns", len(w.turns))
			}
			w.idle()
		}},
		{"a mark that the journal does not take at once costs no history", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			w.message("c", "and now?")
			w.until(others.Access)
			w.store.broken = errors.New("disk")
			w.after(10 * time.Second)
			if got := w.state.snapshot().Blocked; len(got) != 1 || !got[0].Since.Equal(start) || got[0].Attempts < 2 {
				t.Errorf("blocked %+v", got)
			}
			w.store.broken = nil
			w.after(time.Minute)
			w.message("c", "and then?")
			w.settle()
			if a, b := len(w.turns[1].History), len(w.turns[2].History); a != 2 || b != 4 {
				t.Errorf("%d and %d entries of history, want 2 and 4", a, b)
			}
		}},
		{"a step whose answer got lost is not done twice", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "hi")
			w.settle()
			w.finish("net:home/1", agentsSay("once"))
			w.deliver(0) // the turn's end
			w.handle(others.Journal)
			w.lose()
			w.after(time.Minute)
			w.wantSaid("once")
			w.idle()
		}},
		{"a turn that is never answered is stopped and tried again", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "hi")
			w.settle()
			tag := w.tags["net:home/1"]
			w.answers = append(w.answers, kit.Answered{Tag: tag, Err: kit.ErrLate})
			w.agent = func(backend.Turn) *agents.Turned { said := agentsSay("second"); return &said }
			w.after(time.Minute)
			w.wantSaid("second")
			if len(w.running) != 0 || !w.lastTurn().Repeated {
				t.Errorf("running %v, last %+v", w.running, w.lastTurn())
			}
		}},
		{"a journal that does not answer takes is asked again", func(t *testing.T, w *world) {
			w.store.broken = errors.New("disk")
			seq := w.message("c", "hi")
			w.after(time.Minute)
			w.store.broken = nil
			w.after(time.Minute)
			w.wantEnds(map[uint64]string{seq: "done answered"})
			w.idle()
		}},
		{"a message that an operator drops is not tried again, and the next one goes on", func(t *testing.T, w *world) {
			w.down()
			seq := w.message("c", "hi")
			next := w.message("c", "and now?")
			w.after(10 * time.Second)
			w.store.items[seq].end = &journal.End{Seq: seq, State: journal.Dead, Outcome: "dropped"}
			tried := len(w.turns)
			w.after(longestWait)
			for _, turn := range w.turns[tried:] {
				if turn.Text == "hi" {
					t.Error("it was tried again")
				}
			}
			w.agent = func(backend.Turn) *agents.Turned { said := agentsSay("at last"); return &said }
			w.after(longestWait)
			w.wantEnds(map[uint64]string{seq: "dead dropped", next: "done answered"})
			w.idle()
		}},
		{"a reload lets what pauses try again at once", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.after(10 * time.Minute)
			w.agent = func(backend.Turn) *agents.Turned { said := agentsSay("cured"); return &said }
			w.configure(nil)
			w.settle()
			w.wantSaid("["+lateText+"]", "cured")
		}},
	})
}
