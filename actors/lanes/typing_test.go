package lanes

import (
	"slices"
	"testing"
	"time"

	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/run"
	"holdfast/channels"
)

// typed is how often typing was shown, and whether it is over.
func (w *world) typed() (times int, over bool) {
	for _, op := range w.ops {
		if op, is := op.(run.Typing); is {
			over = !op.On
			if op.On {
				times++
			}
		}
	}
	return times, over
}

func (w *world) wantTyped(times int, over bool) {
	w.t.Helper()
	if got, done := w.typed(); got != times || done != over {
		w.t.Errorf("typing was shown %d times, over %t; want %d, %t", got, done, times, over)
	}
}

func TestTyping(t *testing.T) {
	saysNo := func(w *world, err error) {
		well := w.network
		w.network = func(a channels.Account, op run.Op) run.Result {
			if _, is := op.(run.Typing); is {
				return run.Result{Err: err}
			}
			return well(a, op)
		}
	}
	play(t, []scenario{
		{"is shown again while the turn goes on, and ends with it", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "write a novel")
			w.after(typingEvery - 1)
			w.wantTyped(1, false)
			w.after(1)
			w.wantTyped(2, false)
			w.after(2 * typingEvery)
			w.wantTyped(4, false)
			w.finish("net:home/1", agentsSay("once upon a time"))
			w.after(time.Hour)
			w.wantTyped(4, true)
		}},
		{"of one turn is not that of the next", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.message("c", "2")
			w.after(typingEvery / 2)
			w.finish("net:home/1", agentsSay("one"))
			w.after(typingEvery - 1)
			w.wantTyped(2, false)
			w.after(1)
			w.wantTyped(3, false)
		}},
		{"ends with a turn that is stopped", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "write a novel")
			w.settle()
			w.message("c", "/stop")
			w.after(time.Hour)
			w.wantTyped(1, true)
		}},
		{"pauses with a turn that failed for now", func(t *testing.T, w *world) {
			w.agent = func(backend.Turn) *agents.Turned {
				return &agents.Turned{Err: &backend.Busy{After: 5 * time.Minute, Err: errStopped}}
			}
			w.message("c", "hi")
			w.after(4 * time.Minute)
			w.wantTyped(1, true)
		}},
		{"is asked for once where the network does not know it", func(t *testing.T, w *world) {
			saysNo(w, run.ErrNotOffered)
			w.slow()
			w.message("c", "write a novel")
			w.after(time.Hour)
			w.wantTyped(1, false)
		}},
		{"and reading are not asked for in later turns where the network knows neither, until the next revision", func(t *testing.T, w *world) {
			w.network = func(channels.Account, run.Op) run.Result { return run.Result{Err: run.ErrNotOffered} }
			w.message("c", "1")
			w.settle()
			asked := len(w.ops)
			w.message("c", "2")
			w.settle()
			if len(w.turns) != 2 || len(w.ops) != asked {
				t.Errorf("%d turns; asked for %v", len(w.turns), w.ops)
			}
			w.configure(nil)
			w.message("c", "3")
			w.settle()
			again := w.ops[asked:]
			if len(w.turns) != 3 || !slices.Contains(again, run.Op(run.MarkRead{Conversation: "c"})) || !slices.Contains(again, run.Op(run.Typing{Conversation: "c", On: true})) {
				t.Errorf("%d turns; after the revision asked for %v", len(w.turns), again)
			}
		}},
		{"is tried again where it failed for now", func(t *testing.T, w *world) {
			saysNo(w, notSent)
			w.slow()
			w.message("c", "write a novel")
			w.after(typingEvery)
			w.wantTyped(2, false)
		}},
		{"is not asked for again before there was an answer", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "write a novel")
			w.until(others.Agents)
			calls := w.lines[boss]
			w.lines[boss] = nil
			w.after(time.Hour)
			w.wantTyped(0, false)
			w.lines[boss] = calls
			w.settle()
			w.wantTyped(1, false)
		}},
		{"that a network shows when the turn has ended is not shown again", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.until(others.Agents)
			for w.state.lanes.Len() > 0 {
				w.handle(others.Agents)
				w.handle(others.Journal)
				w.deliver(0)
			}
			w.settle()
			w.wantTyped(1, true)
			if len(w.timers) != 0 {
				t.Errorf("timers %v", w.timers)
			}
		}},
		{"of a turn that does not end, such as one that waits for hours, is given up", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "write a novel")
			w.after(20 * time.Hour)
			w.wantTyped(typingMost, false)
			if len(w.timers) != 0 {
				t.Errorf("timers %v", w.timers)
			}
		}},
	})
}
