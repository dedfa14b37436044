package agents

import (
	"fmt"
	"testing"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

// FuzzStepWhateverTheClockShows gives one list of inputs to two machines, one of them with a clock that is set back and
// leaps ahead, and checks that both do the same: no deadline, no slot and no pause hangs on the time of day.
func FuzzStepWhateverTheClockShows(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []byte{1, 200, 3})
	f.Add([]byte("turns that end and turns that hang, \x00\x18\x00\x28\x08\x20\x28 agents that come and go"), []byte("any time of day"))
	f.Fuzz(func(t *testing.T, list, clock []byte) {
		right, wrong := newWorld(t), newWorld(t)
		right.in(one(1))
		wrong.in(one(1))
		for i, b := range list {
			right.now = right.now.Add(time.Second)
			if len(clock) > 0 {
				wrong.now = start.Add(time.Duration(int(clock[i%len(clock)])-128) * time.Hour)
			}
			right.play(b>>3, b&7, i)
			wrong.play(b>>3, b&7, i)
			if want, got := fmt.Sprint(right.effects), fmt.Sprint(wrong.effects); want != got {
				t.Fatalf("input %d does %s with the wrong clock, want %s", i, got, want)
			}
			if want, got := right.untimed(), wrong.untimed(); want != got {
				t.Fatalf("after input %d the wrong clock shows %s, want %s", i, got, want)
			}
		}
	})
}

// untimed is what is shown, without the time of the last good turn.
func (w *world) untimed() string {
	shown := w.state.snapshot()
	for i := range shown.Agents {
		shown.Agents[i].LastOK = time.Time{}
	}
	return fmt.Sprint(shown)
}

func TestAClockThatIsSetWrong(t *testing.T) {
	for _, by := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		t.Run(fmt.Sprintf("by %v leaves a turn its deadline, and those who wait their order", by), func(t *testing.T) {
			w := newWorld(t)
			w.in(one(1))
			first, second := w.ask("a", "1"), w.ask("a", "2")
			w.now = w.now.Add(by)
			third := w.ask("a", "3")
			if len(w.answers[first]) != 0 || w.began("2") {
				t.Fatalf("answered %v", w.answers)
			}
			n := w.call("1")
			w.in(turnOver{n})
			if w.only(first).Err == nil {
				t.Error("the deadline did not hold")
			}
			w.in(kit.Done{Tag: n})
			delete(w.jobs, n)
			if deadline := kittest.One[kit.After](t, w.effects); deadline.Delay != time.Minute || !w.began("2") || w.began("3") {
				t.Errorf("the next turn has %v", deadline.Delay)
			}
			w.done("2", backend.Answer{Text: "yes"}, nil)
			w.done("3", backend.Answer{Text: "yes"}, nil)
			if w.only(second).Err != nil || w.only(third).Err != nil || w.status("a").LastOK != w.now {
				t.Errorf("answers %v, status %+v", w.answers, w.status("a"))
			}
		})
	}
}
