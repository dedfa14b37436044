package supervisor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/channels"
)

func TestLaw7_Drain(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"), account0(work0, "a"))
	w.quiet()
	hang := true
	w.interpret = func(channels.Request) (any, error) {
		if hang {
			return nil, nil
		}
		return Interpreted{}, nil
	}
	for range parallel + 2 {
		w.accept(home)
	}
	w.quiet()
	q := w.ask(Drain{By: w.now.Add(aMinute)})
	if w.answers[q] != nil {
		t.Fatal("drained while interpretations are under way")
	}
	if got := len(w.row(home).in.queue); got != parallel {
		t.Errorf("%d requests held, want the %d that were begun", got, parallel)
	}
	hang = false
	w.fire(budgetOver{}, budget).quiet()
	if got, _ := w.answers[q].(Drained); w.answers[q] == nil || got.Left != nil || len(w.ended[home]) != parallel {
		t.Fatalf("%+v with %d requests ended, want all that were begun", w.answers[q], len(w.ended[home]))
	}
	w.accept(home)
	if got := summary(w.effects); got != nil {
		t.Errorf("a wake-up after the drain has effects: %q", got)
	}
	w.quiet()
	if len(w.ended[home]) != parallel || w.row(home).phase != Running {
		t.Errorf("%d requests ended and the account %s; want nothing further, and the run up for sends", len(w.ended[home]), w.row(home).phase)
	}

	w.current(work0).hung = true
	q = w.ask(Drain{Runs: true, By: w.now.Add(aMinute)})
	w.quiet()
	if w.row(home).phase != Off || w.answers[q] != nil {
		t.Fatalf("%s and %+v, want one account off and the other awaited", w.row(home).phase, w.answers[q])
	}
	w.fire(drainOver{}, drainWithin).quiet()
	if w.row(work0).phase != Draining {
		t.Error("a run was fenced before the time of the drain was over")
	}
	w.fire(drainWaitOver{}, aMinute)
	if diff := cmp.Diff(Drained{Left: []string{"double:work run.1"}}, w.answers[q]); diff != "" {
		t.Errorf("drained (-want +got):\n%s", diff)
	}
	w.quiet()
	if got := w.row(work0); got.phase != Off || len(got.abandoned) != 1 || len(w.leases) != 0 {
		t.Errorf("%s with %d abandoned runs and %d leases, want it off, fenced, and no lease", got.phase, len(got.abandoned), len(w.leases))
	}
	if v := w.verdicts(w.ask(Order{Account: home, Do: "start"}))[home]; v.Result != "failed" {
		t.Errorf("%+v for a start while the process ends, want failed", v)
	}
}

func TestLaw7_WhatIsTakenDuringADrainStaysPending(t *testing.T) {
	w := running(t)
	w.accept(home)
	q := w.ask(Drain{By: w.now.Add(aMinute)})
	w.quiet()
	if w.answers[q] == nil || len(w.pending[home]) != 1 || !w.row(home).in.idle() {
		t.Errorf("%+v with %d pending, want it drained and the request pending", w.answers[q], len(w.pending[home]))
	}
}

func TestLaw7_NothingStartsAfterADrainOfTheRuns(t *testing.T) {
	w := newWorld(t, nil)
	w.ask(Drain{Runs: true, By: w.now})
	w.ask(Drain{By: w.now})
	w.running()
	w.accept(home)
	w.quiet()
	if got := w.row(home); got.phase != Off || len(w.runs) != 0 || len(w.ended[home]) != 0 {
		t.Errorf("%s with %d runs and %d requests ended, want nothing begun", got.phase, len(w.runs), len(w.ended[home]))
	}
}

func TestADrainOfNothingIsDoneAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	if q := w.ask(Drain{Runs: true, By: w.now.Add(time.Minute)}); w.answers[q] == nil {
		t.Error("not answered")
	}
}
