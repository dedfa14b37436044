package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/channels"
)

// seqs are the requests of an account that have ended, in order of commit.
func (w *world) seqs(id channels.Account) []uint64 {
	var out []uint64
	for _, end := range w.ended[id] {
		out = append(out, end.Seq)
	}
	return out
}

func TestRequestsBecomeArrivals(t *testing.T) {
	at := noon.Add(-time.Minute)
	for _, c := range []struct {
		name     string
		msg      any
		err      error
		end      journal.End
		arrivals []channels.Arrival
	}{
		{
			"a request that means something is interpreted, and the core adds what it knows",
			Interpreted{Arrivals: []channels.Arrival{{ID: "m", Kind: channels.Message, Text: "hi"}}},
			nil,
			journal.End{State: journal.Done, Outcome: "interpreted"},
			[]channels.Arrival{{ID: "m", Kind: channels.Message, Text: "hi", Account: home, Origin: 1, At: at, Ticket: true}},
		},
		{"a request that means nothing is ignored", Interpreted{}, nil, journal.End{State: journal.Done, Outcome: "ignored"}, nil},
		{"an error makes a dead letter at once", Interpreted{Err: errors.New("no guid")}, nil, journal.End{State: journal.Dead, Reason: "no guid"}, nil},
		{
			"an arrival without an id makes a dead letter",
			Interpreted{Arrivals: []channels.Arrival{{Kind: channels.Message}}},
			nil,
			journal.End{State: journal.Dead, Reason: "arrival 1 of it has no id or no kind, so a repeat of it could not be known"},
			nil,
		},
		{
			"too many arrivals make a dead letter",
			Interpreted{Arrivals: make([]channels.Arrival, maxArrivals+1)},
			nil,
			journal.End{State: journal.Dead, Reason: "it means 1001 arrivals; at most 1000 are allowed"},
			nil,
		},
		{
			"a panic makes a dead letter after three tries", nil, fmt.Errorf("%w: nil map", kit.ErrPanic),
			journal.End{State: journal.Dead, Reason: "interpreting it ended without a result: panic: nil map (3 times)"},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := running(t)
			tries := 0
			w.interpret = func(channels.Request) (any, error) { tries++; return c.msg, c.err }
			w.stamp = func(r *channels.Request) { r.At, r.Ticket = at, true }
			c.end.Kind, c.end.Seq = journal.Requests, w.accept(home)
			w.quiet()
			if diff := cmp.Diff([]journal.End{c.end}, w.ended[home]); diff != "" {
				t.Errorf("ended (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.arrivals, w.arrivals); diff != "" {
				t.Errorf("arrivals (-want +got):\n%s", diff)
			}
			if want := map[bool]int{true: 3, false: 1}[c.err != nil]; tries != want {
				t.Errorf("it was interpreted %d times, want %d", tries, want)
			}
			if got := w.row(home); !got.lastIn.Equal(w.now) || len(w.leases) != 1 {
				t.Errorf("last in %s with %d leases, want now and only the run's", got.lastIn, len(w.leases))
			}
		})
	}
}

func TestClaimsLiveForTheRepeatWindow(t *testing.T) {
	w := running(t)
	w.accept(home)
	var keep time.Duration
	for len(w.open) > 0 {
		w.pay()
		for _, e := range kittest.Asked[journal.Commit](w.effects) {
			for _, op := range e.Msg.(journal.Commit).Ops {
				if add, is := op.(journal.AddArrival); is {
					keep = add.Keep
				}
			}
		}
	}
	if keep != time.Hour {
		t.Errorf("claims live for %s, want the kind's window of an hour", keep)
	}
}

func TestRequestsNeedNoRun(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(*world)
		phase Phase
	}{
		{"while the account pauses", func(w *world) { w.running(); w.fails(home, "reset"); w.quiet() }, Pausing},
		{"while it is refused", (*world).refused, Refused},
		{"while it is stopped by hand", func(w *world) { w.running(); w.ask(Order{Account: home, Do: "stop"}); w.quiet() }, Off},
		{"while its run hangs", (*world).hung, Draining},
		{"while it is disabled", func(w *world) { w.apply(disabled(home, "a")); w.quiet() }, Off},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.given(w)
			w.accept(home)
			w.quiet()
			if got := w.row(home).phase; got != c.phase || len(w.ended[home]) != 1 {
				t.Errorf("%s with %d requests ended, want %s with one", got, len(w.ended[home]), c.phase)
			}
		})
	}
}

func TestCommitsAreInTheOrderOfAcceptance(t *testing.T) {
	w := running(t)
	var done []kit.Done // in order of acceptance
	for range parallel {
		w.accept(home)
	}
	for len(w.open) > 0 {
		w.pay()
		for _, e := range kittest.All[kit.Do](w.effects) {
			done = append(done, kit.Done{Tag: e.Tag, Msg: Interpreted{}})
		}
		w.open = slices.DeleteFunc(w.open, func(o owed) bool { return strings.HasPrefix(o.from, "work") })
	}
	if len(done) != parallel {
		t.Fatalf("%d interpretations are under way, want %d", len(done), parallel)
	}
	for _, d := range slices.Backward(done) {
		if len(w.seqs(home)) != 0 {
			t.Fatal("a request was committed before the first one")
		}
		w.give(d)
		w.quiet()
	}
	if diff := cmp.Diff([]uint64{1, 2, 3, 4}, w.seqs(home)); diff != "" {
		t.Errorf("committed (-want +got):\n%s", diff)
	}
}

func TestAHangingRequestIsADeadLetterAfterThreeTriesAndTheOrderMovesOn(t *testing.T) {
	w := running(t)
	w.interpret = func(r channels.Request) (any, error) {
		if r.Seq == 1 {
			return nil, nil
		}
		return Interpreted{}, nil
	}
	for range 3 {
		w.accept(home)
	}
	for n := range tries {
		w.quiet()
		if got := w.seqs(home); got != nil {
			t.Fatalf("after %d tries %v have been committed, want none before the first", n, got)
		}
		w.fire(budgetOver{}, budget)
	}
	w.quiet()
	if diff := cmp.Diff([]uint64{1, 2, 3}, w.seqs(home)); diff != "" {
		t.Errorf("committed (-want +got):\n%s", diff)
	}
	if got := w.ended[home][0]; got.State != journal.Dead || got.Reason != "interpreting it took longer than 5s (3 times)" {
		t.Errorf("the first ended as %+v, want a dead letter with the reason", got)
	}
	if got := len(w.row(home).in.stuck); got != tries {
		t.Errorf("%d interpretations are known to hang, want %d", got, tries)
	}
}

func TestALateEndOfAHangingInterpretationOnlyUncountsIt(t *testing.T) {
	w := running(t)
	w.interpret = func(channels.Request) (any, error) { return nil, nil }
	w.accept(home)
	w.quiet()
	first := w.row(home).in.queue[0].attempt
	w.fire(budgetOver{}, budget).quiet()
	second := w.row(home).in.queue[0].attempt
	w.give(kit.Done{Tag: interpreting{ref{home, 1}, first}, Msg: Interpreted{}})
	if got := w.row(home).in; len(got.stuck) != 0 || got.queue[0].attempt != second || got.queue[0].ready != nil {
		t.Errorf("%+v, want nothing stuck and the second try under way", got)
	}
}

func TestLaw9_InterpretationsThatHangAreBounded(t *testing.T) {
	w := running(t)
	w.interpret = func(channels.Request) (any, error) { return nil, nil }
	for range 2 * maxStuck {
		w.accept(home)
	}
	for range 4 * maxStuck {
		w.quiet().fire(budgetOver{}, budget)
	}
	got := w.row(home)
	if len(got.in.stuck) != maxStuck || got.in.running() != 0 {
		t.Errorf("%d stuck and %d under way, want %d and none", len(got.in.stuck), got.in.running(), maxStuck)
	}
	if got.status().Cause == "" {
		t.Error("the status does not say why requests wait")
	}
	w.interpret = nil
	for _, turn := range got.in.stuck {
		w.give(kit.Done{Tag: interpreting{ref{home, 1}, turn}})
	}
	w.quiet()
	if len(w.pending[home]) != 0 {
		t.Errorf("%d requests wait when nothing hangs any more", len(w.pending[home]))
	}
}

func TestLaw9_RequestsInMemoryAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	w.interpret = func(channels.Request) (any, error) { return nil, nil }
	for range 3 * window {
		w.accept(home)
	}
	w.apply(account0(home, "a"))
	w.quiet()
	if got := len(w.row(home).in.queue); got != window {
		t.Errorf("%d requests in memory, want %d", got, window)
	}
	w.interpret = nil
	for range tries {
		w.fire(budgetOver{}, budget).quiet()
	}
	if len(w.pending[home]) != 0 || len(w.ended[home]) != 3*window {
		t.Errorf("%d pending and %d ended, want all of %d ended", len(w.pending[home]), len(w.ended[home]), 3*window)
	}
}

func TestABusyAccountTakesANewLeaseNowAndThen(t *testing.T) {
	w := running(t)
	leases := map[registry.LeaseID]bool{}
	for range 3 * perLease {
		w.accept(home) // faster than they are interpreted
		w.pay()
		leases[w.row(home).in.lease] = true
	}
	for w.pay() {
		leases[w.row(home).in.lease] = true
	}
	delete(leases, 0)
	if len(leases) < 3 {
		t.Errorf("%d leases for %d requests, want one for every %d", len(leases), 3*perLease, perLease)
	}
	if len(w.leases) != 1 {
		t.Errorf("%d leases held, want only the run's", len(w.leases))
	}
}

func TestARequestThatHasEndedOtherwiseIsPassedOver(t *testing.T) {
	w := running(t)
	for range 3 {
		w.accept(home)
	}
	w.pay() // all are taken
	w.pending[home] = []uint64{3}
	w.accept(home)
	w.quiet()
	if diff := cmp.Diff([]uint64{3, 4}, w.seqs(home)); diff != "" {
		t.Errorf("committed (-want +got):\n%s", diff)
	}
	if got := w.row(home).in; !got.idle() || got.singles != 0 {
		t.Errorf("%+v, want an empty queue", got)
	}
}

func TestWhatTheJournalOrTheRegistryCannotDoIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		is   func(msg any) bool
	}{
		{"a take", func(msg any) bool { _, is := msg.(journal.Take); return is }},
		{"a commit", func(msg any) bool { _, is := msg.(journal.Commit); return is }},
		{"a lease", func(msg any) bool { _, is := msg.(registry.Lease); return is }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := running(t)
			left := 2
			w.late = func(msg any) bool {
				if !c.is(msg) || left == 0 {
					return false
				}
				left--
				return true
			}
			w.accept(home)
			w.quiet()
			if got := w.row(home).in; got.pause == 0 || got.fails != 1 || !strings.Contains(w.row(home).status().Cause, kit.ErrLate.Error()) {
				t.Fatalf("%+v with cause %q, want a pause", got, w.row(home).status().Cause)
			}
			w.fire(intakeDue{}, firstPause).quiet()
			if got := w.row(home).in.fails; got != 2 {
				t.Fatalf("%d failures, want 2", got)
			}
			w.fire(intakeDue{}, 2*firstPause).quiet()
			if len(w.ended[home]) != 1 || w.row(home).status().Cause != "" {
				t.Errorf("%d requests ended with cause %q, want one and none", len(w.ended[home]), w.row(home).status().Cause)
			}
		})
	}
}

func TestAWakeUpDuringATakeIsNotForgotten(t *testing.T) {
	w := running(t)
	w.accept(home)
	tag := w.last.Tag
	w.open = nil // the journal has answered before the second request came
	w.accept(home)
	effects := w.give(kit.Answered{Tag: tag, Msg: journal.Taken{Requests: []channels.Request{{Seq: 1, Account: home}}, Last: 1}})
	if got := kittest.Asked[journal.Take](effects); len(got) != 1 || got[0].Msg.(journal.Take).After != 1 {
		t.Errorf("asked %+v, want what comes after request 1", got)
	}
}

func TestAPauseOfTheIntakeIsKept(t *testing.T) {
	w := running(t)
	w.late = func(msg any) bool { _, is := msg.(journal.Take); return is }
	w.accept(home)
	w.quiet()
	early := intakeDue{ref{home, 1}, w.row(home).in.pause}
	w.fire(intakeDue{}, firstPause).quiet()
	if got := summary(w.give(early)); got != nil {
		t.Errorf("the timer of an earlier pause has effects: %q", got)
	}
	if got := summary(w.give(journal.Woken{Queue: journal.Queue{Kind: journal.Requests, Account: home}})); got != nil {
		t.Errorf("a wake-up during the pause has effects: %q", got)
	}
}

func TestFurtherRequestsAreTakenByTheHalfWindow(t *testing.T) {
	w := running(t)
	w.interpret = func(channels.Request) (any, error) { return nil, nil }
	for range window/2 + 1 {
		w.accept(home)
		w.quiet()
	}
	w.accept(home)
	if got := kittest.Asked[journal.Take](w.effects); got != nil {
		t.Errorf("asked %+v with more than half of the window in use", got)
	}
}

func TestAJournalThatHasRecoveredIsNotPausedFor(t *testing.T) {
	w := running(t)
	failures := 1
	w.late = func(any) bool { failures--; return failures >= 0 }
	w.accept(home)
	w.quiet()
	w.pending[home] = nil // an operator has dropped it
	w.fire(intakeDue{}, firstPause).quiet()
	if got := w.row(home).in; got.fails != 0 || got.cause != "" {
		t.Errorf("%d failures with cause %q, want none", got.fails, got.cause)
	}
}
