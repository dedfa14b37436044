package supervisor

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/channels"
)

// verdicts of an Apply or an Order; nil while it is not answered.
func (w *world) verdicts(q kit.Return) map[channels.Account]Verdict {
	switch m := w.answers[q].(type) {
	case Applied:
		return m.Verdicts
	case Ordered:
		return m.Verdicts
	}
	return nil
}

func TestLaw3_VerdictsOfApply(t *testing.T) {
	w := newWorld(t, nil)
	q := w.apply(account0(home, "a"), account0(work0, "a"))
	w.quiet()
	want := map[channels.Account]Verdict{home: {Result: "applied", Run: 1}, work0: {Result: "applied", Run: 1}}
	if diff := cmp.Diff(want, w.verdicts(q)); diff != "" {
		t.Errorf("at boot (-want +got):\n%s", diff)
	}
	third := channels.Account("double:third")
	q = w.apply(account0(home, "a"), disabled(third, "a"))
	w.quiet()
	want = map[channels.Account]Verdict{
		home: {Result: "unchanged", Run: 1}, work0: {Result: "removed"}, third: {Result: "applied", Reason: "it is disabled in the configuration"},
	}
	if diff := cmp.Diff(want, w.verdicts(q)); diff != "" {
		t.Errorf("with one unchanged, one removed, one disabled (-want +got):\n%s", diff)
	}
	if w.row(home).run.number != 1 || w.row(work0).id != "" {
		t.Error("the unchanged account has another run, or the removed one is still there")
	}
	q = w.apply(account0(home, "b"), account0(work0, "a"))
	w.quiet()
	want = map[channels.Account]Verdict{home: {Result: "applied", Run: 2}, work0: {Result: "applied", Run: 17}, third: {Result: "removed"}}
	if diff := cmp.Diff(want, w.verdicts(q)); diff != "" {
		t.Errorf("with one changed and one back again (-want +got):\n%s", diff)
	}
}

func TestOrders(t *testing.T) {
	stop := func(w *world) { w.running(); w.ask(Order{Account: home, Do: "stop"}); w.quiet() }
	off := func(w *world) { w.apply(disabled(home, "a")); w.quiet() }
	for _, c := range []struct {
		name  string
		given func(*world)
		do    string
		want  Verdict
		phase Phase
	}{
		{"a restart gives a new run", (*world).running, "restart", Verdict{Result: "applied", Run: 2}, Running},
		{"a start of what runs changes nothing", (*world).running, "start", Verdict{Result: "unchanged", Run: 1}, Running},
		{"a stop stops", (*world).running, "stop", Verdict{Result: "applied"}, Off},
		{"a stop of what is stopped is a stop", stop, "stop", Verdict{Result: "applied"}, Off},
		{"a start takes a stop back", stop, "start", Verdict{Result: "applied", Run: 2}, Running},
		{"a restart does not", stop, "restart", Verdict{Result: "unchanged", Reason: "it was stopped by hand; start it"}, Off},
		{"a start does not overrule the configuration", off, "start", Verdict{Result: "failed", Reason: "it is disabled in the configuration"}, Off},
		{"a restart does not overrule it either", off, "restart", Verdict{Result: "unchanged", Reason: "it is disabled in the configuration"}, Off},
		{"a restart cuts a pause short", func(w *world) { w.running(); w.fails(home, "x"); w.quiet() }, "restart", Verdict{Result: "applied", Run: 2}, Running},
		{"a start ends a refusal", (*world).refused, "start", Verdict{Result: "applied", Run: 2}, Running},
		{"a stop of a refused account is a stop", (*world).refused, "stop", Verdict{Result: "applied"}, Off},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.given(w)
			q := w.ask(Order{Account: home, Do: c.do})
			w.quiet()
			if diff := cmp.Diff(map[channels.Account]Verdict{home: c.want}, w.verdicts(q)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if got := w.row(home).phase; got != c.phase {
				t.Errorf("phase %q, want %q", got, c.phase)
			}
		})
	}
}

func TestAnOrderForAllIsForEveryAccount(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"), account0(work0, "a"))
	w.quiet()
	q := w.ask(Order{Do: "restart"})
	w.quiet()
	want := map[channels.Account]Verdict{home: {Result: "applied", Run: 2}, work0: {Result: "applied", Run: 2}}
	if diff := cmp.Diff(want, w.verdicts(q)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if v := w.verdicts(w.ask(Order{Account: "double:nobody", Do: "start"}))["double:nobody"]; v.Result != "failed" {
		t.Errorf("%+v for an account that is not there, want failed", v)
	}
}

func TestAnOrderIsAnsweredWhenItTakesTooLong(t *testing.T) {
	w := newWorld(t, nil)
	w.hung()
	q := w.ask(Order{Account: home, Do: "restart"})
	w.fire(waitOver{}, waitWithin)
	if v := w.verdicts(q)[home]; v.Result != "deferred" || !strings.Contains(v.Reason, "still draining") {
		t.Errorf("%+v, want that it is deferred and why", v)
	}
}

func TestAnOrderForAnAccountThatIsRemovedMeanwhileIsAnswered(t *testing.T) {
	w := newWorld(t, nil)
	w.hung()
	q := w.ask(Order{Account: home, Do: "restart"})
	w.apply()
	if v := w.verdicts(q)[home]; v.Result != "removed" {
		t.Errorf("%+v, want removed", v)
	}
}

func TestLaw8_AManualStopOutlivesTheProcess(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	q := w.ask(Order{Account: home, Do: "stop"})
	if w.verdicts(q) != nil {
		t.Error("the stop was confirmed before it was written down")
	}
	w.quiet()
	w.boot()
	w.running()
	if got := w.row(home).status(); got.Phase != Off || !got.Stopped {
		t.Fatalf("%+v after the process was started again, want it stopped by hand", got)
	}
	w.apply(account0(home, "b"))
	w.quiet()
	if got := w.row(home).status(); got.Phase != Off || !got.Stopped {
		t.Fatalf("%+v after new settings, want it stopped by hand", got)
	}
	w.ask(Order{Account: home, Do: "start"})
	w.quiet()
	w.boot()
	w.running()
	if got := w.row(home).status(); got.Phase != Running || got.Stopped {
		t.Errorf("%+v after the stop was taken back, want it running", got)
	}
}

func TestLaw9_ALeaseThatCameWithAPanicIsGivenBack(t *testing.T) {
	w := running(t)
	w.alter(home, func(a *account) { a.in.queue, a.in.borrowing = []job{{}}, 77 }) // a job without a request is a bug
	effects := w.give(kit.Answered{Tag: borrowing{w.row(home).ref, 77}, Msg: registry.Leased{Lease: 99}})
	if got := kittest.Told[registry.Release](effects); !slices.Contains(got, registry.Release{Lease: 99}) || w.row(home).phase != Failed {
		t.Errorf("%s and %+v given back, want it failed and lease 99 among them", w.row(home).phase, got)
	}
}

func TestLaw8_AFailedAccountShowsItsFencedRun(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	w.current(home).hung = true
	w.apply(Account{ID: home, Settings: &explosive{}, Digest: "b"})
	if got := w.row(home).status(); got.Phase != Failed || len(got.Abandoned) != 1 {
		t.Errorf("%+v, want it failed with its run abandoned", got)
	}
	w.accept(home)
	w.ask(Order{Account: home, Do: "stop"})
	w.quiet()
	if len(w.ended[home]) != 1 || w.row(home).phase != Off {
		t.Errorf("%d requests ended and the account %s, want that it interprets again, stopped", len(w.ended[home]), w.row(home).phase)
	}
}

func TestLaw8_AStopIsConfirmedWhenItIsWrittenDown(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	w.fails(home, "reset")
	w.quiet()
	q := w.ask(Order{Account: home, Do: "stop"})
	if w.row(home).phase != Off || w.verdicts(q) != nil {
		t.Errorf("%s and %+v, want it off and not confirmed", w.row(home).phase, w.verdicts(q))
	}
	w.quiet()
	if w.verdicts(q)[home].Result != "applied" {
		t.Errorf("%+v, want applied", w.verdicts(q))
	}
}

func TestAnAccountIsRemovedWhenItsStopIsWrittenDown(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	w.fails(home, "reset")
	w.quiet()
	w.ask(Order{Account: home, Do: "stop"})
	q := w.apply()
	if w.verdicts(q) != nil {
		t.Errorf("%+v, and its stop is not in the journal yet", w.verdicts(q))
	}
	w.quiet()
	if w.verdicts(q)[home].Result != "removed" {
		t.Errorf("%+v, want it removed", w.verdicts(q))
	}
}

func TestWhatIsAskedOfTheJournalIsAskedOnce(t *testing.T) {
	w := newWorld(t, nil) // the world fails the test when a question is asked that is under way, or in a pause
	w.apply(account0(home, "a"))
	for range 2 {
		w.ask(Order{Account: home, Do: "stop"})
		w.ask(Order{Account: home, Do: "start"})
	}
	failures := 2
	w.late = func(any) bool { failures--; return failures >= 0 }
	w.pay()
	w.pay()
	w.late = func(msg any) bool { _, is := msg.(journal.GetState); return is }
	w.quiet()
	w.ask(Order{Account: home, Do: "stop"})
	w.ask(Order{Account: home, Do: "start"})
	w.late = nil
	for range 3 {
		w.quiet().fire(memoryDue{}, aMinute).fire(intakeDue{}, 0)
	}
	if got := w.quiet().row(home); got.phase != Running {
		t.Errorf("%s (%s), want it running", got.phase, got.cause)
	}
}

func TestAPauseBeforeTheJournalIsAskedAgainIsKept(t *testing.T) {
	w := newWorld(t, nil)
	w.late = func(msg any) bool { return true }
	w.apply(account0(home, "a"))
	w.ask(Order{Account: home, Do: "stop"})
	for len(w.open) > 0 && w.row(home).memory.due == 0 {
		w.pay()
	}
	early := memoryDue{ref{home, 1}, w.row(home).memory.due}
	w.quiet() // the other question fails as well
	if w.row(home).memory.due == early.turn {
		t.Fatal("only one question has failed")
	}
	if got := summary(w.give(early)); got != nil {
		t.Errorf("the timer of the first failure has effects: %q", got)
	}
}

func TestLaw8_AStopBeforeTheStateIsReadCounts(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"))
	q := w.ask(Order{Account: home, Do: "stop"})
	w.quiet()
	if got := w.row(home); got.phase != Off || w.values[home][stoppedState] == "" || w.verdicts(q)[home].Result != "applied" {
		t.Errorf("%s with %v kept and %v, want off and stopped", got.phase, w.values[home], w.verdicts(q))
	}
}

func TestLaw8_NumbersOfRunsRiseOverCrashes(t *testing.T) {
	w := newWorld(t, nil)
	for range 4 { // spawn fails the test when a number is used again or was not written down
		w.running()
		for range reserve + 2 {
			w.ask(Order{Account: home, Do: "restart"})
			w.quiet()
		}
		w.boot()
	}
	if got := w.lastRun[home]; got < 4*reserve {
		t.Errorf("the last run was %d, want at least %d", got, 4*reserve)
	}
}

func TestStateThatCannotBeReadOrKeptIsTriedAgain(t *testing.T) {
	w := newWorld(t, nil)
	failures := 4
	w.late = func(msg any) bool { failures--; return failures >= 0 }
	w.apply(account0(home, "a"))
	for range 5 {
		w.quiet().fire(memoryDue{}, aMinute).fire(intakeDue{}, 0)
	}
	if got := w.quiet().row(home); got.phase != Pausing && got.phase != Running {
		t.Fatalf("%s (%s), want that it goes on", got.phase, got.cause)
	}
	w.fire(pauseOver{}, aMinute).quiet()
	if got := w.row(home); got.phase != Running {
		t.Errorf("%s (%s), want it running", got.phase, got.cause)
	}
}

func TestANumberThatCannotBeReadStartsNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.values[home] = map[string]string{runState: "seven"}
	w.running()
	if got := w.row(home).status(); got.Phase != Leasing || !strings.Contains(got.Cause, "seven") {
		t.Errorf("%+v, want that nothing starts and why", got)
	}
}

// explosive are settings that panic where the supervisor looks at them.
type explosive struct{ settings }

func (*explosive) Shared() *channels.Common { panic("a bug of the kind") }

func TestLaw9_PanicInOneAccountChangesOnlyItsOwnRow(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"), account0(work0, "a"))
	w.quiet()
	before := w.row(home).status()
	q := w.apply(account0(home, "a"), Account{ID: work0, Settings: &explosive{}, Digest: "b"})
	w.quiet()
	v := w.verdicts(q)
	if v[home].Result != "unchanged" || v[work0].Result != "failed" || !strings.Contains(v[work0].Reason, "a bug of the kind") {
		t.Errorf("verdicts %+v, want one unchanged and one failed with the cause", v)
	}
	if diff := cmp.Diff(before, w.row(home).status()); diff != "" {
		t.Errorf("the other account has changed:\n%s", diff)
	}
	if got := w.row(work0); got.phase != Failed || got.run.number != 0 || w.current(work0) != nil {
		t.Errorf("%s with run %d, want it failed and its run fenced", got.phase, got.run.number)
	}
	again := w.apply(account0(home, "a"), Account{ID: work0, Settings: &explosive{}, Digest: "b"})
	if v := w.verdicts(again)[work0]; v.Result != "failed" {
		t.Errorf("%+v for the same settings, want failed again", v)
	}
	w.accept(home)
	w.accept(work0)
	w.quiet()
	if len(w.ended[home]) != 1 || len(w.ended[work0]) != 0 {
		t.Errorf("%d and %d requests ended, want one and none", len(w.ended[home]), len(w.ended[work0]))
	}
	if v := w.verdicts(w.ask(Order{Account: work0, Do: "restart"}))[work0]; v.Result != "failed" {
		t.Errorf("%+v for a restart that panics again, want failed", v)
	}
	w.apply(account0(home, "a"), account0(work0, "c"))
	w.quiet()
	if got := w.row(work0).phase; got != Running || len(w.ended[work0]) != 1 {
		t.Errorf("%s with %d requests ended after a repair, want it running and one", got, len(w.ended[work0]))
	}
}
