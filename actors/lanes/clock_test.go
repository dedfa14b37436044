package lanes

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
	"holdfast/config"
)

// expireAfter sets how long a message may wait for its answer.
func expireAfter(d time.Duration) func(*Configure) {
	return common(func(c *channels.Common) { c.ExpireAfter = config.Duration(d) })
}

// Whoever sets a clock back must not have a conversation hang or a message wait for ever. Nothing waits for a time of day:
// what has begun to wait ends when its timer does.
func TestAClockThatIsSetBack(t *testing.T) {
	const back = -2 * time.Hour
	play(t, []scenario{
		{"a message in pieces waits no longer than its window", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "hi")
			w.skew = back // before its lane sees it
			w.after(2 * time.Second)
			w.wantSaid("re: hi")
		}},
		{"a window that is open ends with its timer, and what came in it belongs together", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "look")
			w.after(time.Second)
			w.skew = back
			w.message("c", "at this")
			w.after(999 * time.Millisecond)
			w.wantSaid()
			w.after(time.Millisecond)
			w.wantSaid("re: look\nat this")
		}},
		{"what pauses is tried again when it would have been", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.settle()
			w.skew = back
			w.agent = func(backend.Turn) *agents.Turned { said := agentsSay("at last"); return &said }
			w.after(time.Second)
			w.wantSaid("at last")
			w.idle()
		}},
		{"the sender hears after half a minute that it takes longer", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.settle()
			w.skew = back
			w.after(29 * time.Second)
			w.wantSaid()
			w.after(2 * time.Second)
			w.wantSaid("[" + lateText + "]")
		}},
		{"a message that is never answered expires when it has waited its time", func(t *testing.T, w *world) {
			w.configure(expireAfter(10 * time.Minute))
			w.down()
			seq := w.message("c", "hi")
			w.settle()
			w.skew = 24 * back
			w.after(9 * time.Minute)
			w.wantEnds(map[uint64]string{seq: "pending"})
			w.after(2 * time.Minute)
			w.wantEnds(map[uint64]string{seq: "expired late"})
			w.wantSaid("["+lateText+"]", "["+expiredText+"]")
		}},
		{"and put right again makes nothing expire early", func(t *testing.T, w *world) {
			w.configure(expireAfter(10 * time.Minute))
			w.down()
			seq := w.message("c", "hi")
			w.after(3 * time.Minute)
			w.skew = back
			w.after(3 * time.Minute)
			w.skew = 0
			w.after(3 * time.Minute)
			w.wantEnds(map[uint64]string{seq: "pending"})
			w.after(2 * time.Minute)
			w.wantEnds(map[uint64]string{seq: "expired late"})
		}},
		{"a pause that a reload cut short counts for what it was", func(t *testing.T, w *world) {
			w.configure(expireAfter(30 * time.Minute))
			w.agent = func(backend.Turn) *agents.Turned {
				return &agents.Turned{Err: &backend.Busy{After: 10 * time.Minute, Err: errors.New("slow down")}}
			}
			seq := w.message("c", "hi")
			w.settle()
			w.skew = back
			for range 10 {
				w.after(time.Minute)
				w.configure(expireAfter(30 * time.Minute))
			}
			w.after(time.Minute)
			w.wantEnds(map[uint64]string{seq: "pending"})
		}},
		{"what waited for one message is not laid at the door of the next", func(t *testing.T, w *world) {
			w.configure(expireAfter(10 * time.Minute))
			w.down()
			w.message("c", "one")
			second := w.message("c", "two")
			w.skew = back
			w.after(11 * time.Minute)
			w.wantEnds(map[uint64]string{1: "expired late", second: "pending"})
		}},
		{"a turn waits for its agent no longer than a message may", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.skew = 24 * back
			w.until(others.Agents)
			if got, most := w.lines[others.Agents][0].(kit.Ask).Within, channels.DefaultExpireAfter; got > most {
				t.Errorf("it waits %v, want at most %v", got, most)
			}
		}},
		{"a drain ends with its timer", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "hi")
			w.settle()
			w.in(Drain{By: w.wall().Add(time.Second)})
			w.skew = back
			w.after(time.Second)
			if len(w.drained) != 1 {
				t.Errorf("drained %+v", w.drained)
			}
		}},
		{"what did not fit is looked for when it would have been", func(t *testing.T, w *world) {
			w.state.bounds.lanes = 1
			w.slow()
			w.message("a", "first")
			b := w.message("b", "second")
			w.settle()
			w.skew = back
			w.finish("net:home/1", agentsSay("ok"))
			w.after(rescanPause)
			w.finish("net:home/2", agentsSay("ok"))
			w.settle()
			w.wantEnds(map[uint64]string{b: "done answered"})
		}},
	})
}

// A clock that leaps ahead ends things as early as it says, and no earlier; nothing is lost in silence.
func TestAClockThatLeapsAhead(t *testing.T) {
	play(t, []scenario{
		{"a message whose time the clock says is over expires, and its sender hears of it", func(t *testing.T, w *world) {
			w.down()
			seq := w.message("c", "hi")
			w.settle()
			w.skew = channels.DefaultExpireAfter
			w.after(time.Second)
			w.wantEnds(map[uint64]string{seq: "expired late"})
			w.wantSaid("[" + expiredText + "]")
		}},
		{"a message that has time left is tried on", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.settle()
			w.skew = channels.DefaultExpireAfter - time.Minute
			w.after(30 * time.Second)
			w.agent = func(backend.Turn) *agents.Turned { said := agentsSay("at last"); return &said }
			w.after(time.Minute)
			w.wantSaid("["+lateText+"]", "at last")
		}},
		{"a window that is open still ends with its timer, and what the clock calls late is a message of its own", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "look")
			w.after(time.Second)
			w.skew = 2 * time.Hour
			w.message("c", "at this")
			w.settle()
			w.wantSaid()
			w.after(3 * time.Second)
			w.wantSaid("re: look", "re: at this")
		}},
		{"a turn under way is answered", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "hi")
			w.settle()
			w.skew = 2 * channels.DefaultExpireAfter
			w.finish("net:home/1", agentsSay("at last"))
			w.settle()
			w.wantSaid("at last")
			w.idle()
		}},
	})
}

// TestLaw6_RandomWalksLoseNothingWhateverTheClockShows is the same with a clock that is set back and leaps ahead.
func TestLaw6_RandomWalksLoseNothingWhateverTheClockShows(t *testing.T) {
	walks := 60
	if testing.Short() {
		walks = 20
	}
	for seed := range uint64(walks) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			list, clock := make([]byte, 50+r.IntN(800)), make([]byte, 1+r.IntN(60))
			for _, bytes := range [][]byte{list, clock} {
				for i := range bytes {
					bytes[i] = byte(r.UintN(256))
				}
			}
			walk(t, list, clock)
		})
	}
}

// skew is by how much the clock is wrong, half of the time not at all: up to minutes, hours or days, back or ahead.
func skew(b byte) time.Duration {
	if b%2 == 0 {
		return 0
	}
	unit := []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}[b>>1&3]
	return time.Duration(int(b>>3)-16) * unit
}

// expiries checks that nothing expires before its time: neither by the clock, as late as it ever showed, nor really. What
// belongs to a message goes with it.
func (w *world) expiries() {
	w.t.Helper()
	for _, ask := range kittest.Asked[journal.Commit](w.effects) {
		m := ask.Msg.(journal.Commit)
		end, is := m.Ops[0].(journal.End)
		if !is || end.State != journal.Expired {
			continue
		}
		it, after := w.store.items[end.Seq], w.state.windows.Of(m.Account).config.Common.ExpireAfter.D()
		if w.latest.Sub(it.arrival.At) < after && w.now.Sub(it.accepted) < after {
			w.t.Fatalf("arrival %d of %v expires at %v", end.Seq, it.arrival.At, w.wall())
		}
	}
}
