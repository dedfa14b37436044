package supervisor

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/run"
	"holdfast/channels"
)

func hangs(channels.Request) (any, error) { return nil, nil }

func TestWhatIsReadyTogetherIsCommittedTogether(t *testing.T) {
	w := running(t)
	w.interpret = hangs
	for range parallel {
		w.accept(home)
	}
	w.quiet()
	for _, j := range w.row(home).in.queue[1:] {
		w.give(kit.Done{Tag: interpreting{w.row(home).ref, j.attempt}, Msg: Interpreted{}})
	}
	w.give(kit.Done{Tag: interpreting{w.row(home).ref, w.row(home).in.queue[0].attempt}, Msg: Interpreted{}})
	if asked := kittest.Asked[journal.Commit](w.effects); len(asked) != 1 || len(asked[0].Msg.(journal.Commit).Ops) != parallel {
		t.Errorf("asked %+v, want one commit of all %d", asked, parallel)
	}
}

func TestTheLinesOfRequests(t *testing.T) {
	for _, c := range []struct {
		name  string
		means any
		added []uint64
		lines []string // and the fields that count
		want  []any
	}{
		{"what is new and what was known", Interpreted{}, []uint64{5, 0, 0}, []string{"requests interpreted"}, []any{"arrivals", 1, "repeats", 2}},
		{"a dead letter", Interpreted{Err: errors.New("no guid")}, nil, []string{"a request becomes a dead letter", "requests interpreted"}, []any{"arrivals", 0, "repeats", 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := running(t)
			w.interpret = func(channels.Request) (any, error) { return c.means, nil }
			w.accept(home)
			var notes []kit.Note
			for w.pay() {
				notes = append(notes, kittest.All[kit.Note](w.effects)...)
				if tag := w.row(home).in.committing; tag != 0 {
					notes = append(notes, kittest.All[kit.Note](w.give(kit.Answered{Tag: committing{w.row(home).ref, tag}, Msg: journal.Committed{Added: c.added}}))...)
				}
			}
			var lines []string
			for _, n := range notes {
				lines = append(lines, n.Text)
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Fatalf("lines (-want +got):\n%s", diff)
			}
			if fields := notes[len(notes)-1].Fields; !cmp.Equal(c.want, fields[len(fields)-4:]) {
				t.Errorf("fields %v, want %v", fields, c.want)
			}
		})
	}
}

func TestACommitThatFailsAgainPausesLongerAlthoughMoreIsTaken(t *testing.T) {
	w := running(t)
	w.late = func(msg any) bool { _, is := msg.(journal.Commit); return is }
	w.accept(home)
	w.quiet()
	w.accept(home)
	w.fire(intakeDue{}, firstPause).quiet()
	if got := w.row(home).in; got.fails != 2 || len(got.queue) != 2 {
		t.Errorf("%d failures with %d requests held, want two and two", got.fails, len(got.queue))
	}
}

func TestAnInterpretationThatHangsIsNoCauseByItself(t *testing.T) {
	w := running(t)
	w.interpret = hangs
	w.accept(home)
	w.quiet().fire(budgetOver{}, budget)
	if got := w.row(home); len(got.in.stuck) != 1 || got.status().Cause != "" {
		t.Errorf("%d stuck, cause %q", len(got.in.stuck), got.status().Cause)
	}
}

func TestAnIntakeThatIsHaltedKeepsCountOfWhatRuns(t *testing.T) {
	w := newWorld(t, nil)
	w.hung()
	first := true
	w.interpret = func(channels.Request) (any, error) {
		if first = !first; first {
			return Interpreted{}, nil
		}
		return nil, nil
	}
	w.accept(home)
	w.accept(home)
	w.quiet()
	w.apply() // the row stays: its run has not ended
	got := w.row(home).in
	if len(got.queue) != 0 || len(got.stuck) != 1 || got.stuck[0] == 0 {
		t.Errorf("%d held and %v running, want none and the one that hangs", len(got.queue), got.stuck)
	}
}

func TestLaw7_ADrainWhoseTimeIsOver(t *testing.T) {
	w := newWorld(t, nil)
	w.hung()
	w.interpret = hangs
	w.accept(home)
	w.quiet()
	q := w.ask(Drain{By: w.now.Add(time.Minute)})
	w.fire(drainWaitOver{}, time.Minute)
	if diff := cmp.Diff(Drained{Left: []string{"double:home: 1 requests"}}, w.answers[q]); diff != "" {
		t.Errorf("drained (-want +got):\n%s", diff)
	}
	if told := kittest.Told[run.Fence](w.effects); len(told) != 0 {
		t.Error("a drain that leaves the runs alone fences one")
	}
}
