package supervisor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/run"
	"holdfast/channels"
)

// running is a world with one account whose run is up.
func running(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, nil)
	w.ask(Apply{Revision: 1, Accounts: []Account{account0(home, "a")}})
	return w.quiet()
}

// apply sends settings and waits for nothing.
func (w *world) apply(accounts ...Account) kit.Return {
	return w.ask(Apply{Revision: w.state.Revision + 1, Accounts: accounts})
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(*world)
		input any
		phase Phase
		want  []string
	}{
		{
			"an account that is added reads its state and its requests from the journal", func(*world) {},
			Apply{Accounts: []Account{account0(home, "a")}},
			Leasing,
			[]string{"ask journal.Take of journal", "ask journal.GetState of journal", "after 20s waitOver"},
		},
		{"numbers are reserved before a lease is asked for", func(w *world) { w.apply(account0(home, "a")); w.pay() }, owedNext{}, Leasing, []string{"ask journal.Commit of journal"}},
		{"a lease is asked for before the start", func(w *world) { w.apply(account0(home, "a")); w.pay(); w.pay() }, owedNext{}, Leasing, []string{"ask registry.Lease of registry"}},
		{"the run starts with the lease", func(w *world) { w.apply(account0(home, "a")); w.pay(); w.pay(); w.pay() }, owedNext{}, Running, []string{"spawn home/run.1", "answer Applied"}},
		{"an unchanged account is not touched", func(w *world) { w.running() }, Apply{Accounts: []Account{account0(home, "a")}}, Running, []string{"answer Applied"}},
		{"the run of an unchanged account hears that the gateway has moved", func(w *world) { w.running() }, Apply{Accounts: []Account{moved(account0(home, "a"))}}, Running, []string{
			"tell run.Moved to channels/double/home/run.1", "answer Applied",
		}},
		{"a changed account drains its run first", func(w *world) { w.running() }, Apply{Accounts: []Account{account0(home, "b")}}, Draining, []string{
			"tell run.Drain to channels/double/home/run.1", "after 10s drainOver", "after 20s waitOver",
		}},
		{"the next run of a changed account asks for a lease", func(w *world) { w.running(); w.apply(account0(home, "b")); w.pay(); w.pay() }, owedNext{}, Leasing, []string{
			"tell registry.Release to registry", "ask registry.Lease of registry",
		}},
		{"a removed account drains its run", func(w *world) { w.running() }, Apply{}, Draining, []string{
			"tell run.Drain to channels/double/home/run.1", "after 10s drainOver", "after 20s waitOver",
		}},
		{"a removed account is forgotten when its run is gone", func(w *world) { w.running(); w.apply(); w.pay(); w.pay() }, owedNext{}, "", []string{"tell registry.Release to registry", "answer Applied"}},
		{"a disabled account is off", func(w *world) { w.running() }, Apply{Accounts: []Account{disabled(home, "b")}}, Draining, []string{
			"tell run.Drain to channels/double/home/run.1", "after 10s drainOver", "after 20s waitOver",
		}},
		{"a failed run finishes its calls", func(w *world) { w.running() }, run.Over{Account: home, Run: 1, Err: "reset"}, Draining, []string{"after 10s drainOver"}},
		{"a pause follows a failure", func(w *world) { w.running(); w.fails(home, "reset"); w.pay() }, owedNext{}, Pausing, []string{"tell registry.Release to registry", "after 1s pauseOver"}},
		{"the pause doubles with the second failure", func(w *world) {
			w.running()
			w.fails(home, "reset")
			w.quiet().fire(pauseOver{}, time.Second).quiet()
			w.fails(home, "reset")
			w.pay()
		}, owedNext{}, Pausing, []string{"tell registry.Release to registry", "after 2s pauseOver"}},
		{"a run that ends without a word has failed", func(w *world) { w.running() }, kit.Ended{Child: places.Self.Child("home/run.1"), Cause: "nil map"}, Pausing, []string{
			"tell registry.Release to registry", "after 1s pauseOver",
		}},
		{"a refusal waits for the operator", func(w *world) {
			w.running()
			w.give(run.Over{Account: home, Run: 1, Err: "401", Refusal: true, Do: "set the password"})
		}, kit.Ended{Child: places.Self.Child("home/run.1")}, Refused, []string{"tell registry.Release to registry"}},
		{"new settings end the wait of a refused account", func(w *world) { w.refused() }, Apply{Accounts: []Account{account0(home, "b")}}, Leasing, []string{
			"ask registry.Lease of registry", "after 20s waitOver",
		}},
		{"the same settings do not", func(w *world) { w.refused() }, Apply{Accounts: []Account{account0(home, "a")}}, Refused, []string{"answer Applied"}},
		{"a restart by hand ends the wait of a refused account", func(w *world) { w.refused() }, Order{Account: home, Do: "restart"}, Leasing, []string{
			"ask registry.Lease of registry", "after 20s waitOver",
		}},
		{"no lease is a failure", func(w *world) { w.apply(account0(home, "a")); w.pay(); w.pay(); w.pay() }, lateAnswer{}, Pausing, []string{"tell registry.Forget to registry", "after 1s pauseOver", "answer Applied"}},
		{"a run that does not drain in time is fenced", func(w *world) { w.hung() }, drainOver{ref{home, 1}, 5}, Draining, []string{"tell run.Fence to channels/double/home/run.1"}},
		{"the next run is begun when the fence is confirmed", func(w *world) { w.hung(); w.fire(drainOver{}, drainWithin) }, run.Fenced{Account: home, Run: 1}, Leasing, []string{
			"tell registry.Release to registry", "ask registry.Lease of registry",
		}},
		{"what was missed is passed on", func(w *world) { w.running() }, Missed{home}, Running, []string{"tell run.Nudge to channels/double/home/run.1"}},
		{"what was missed while no run is up is left to the next one", (*world).refused, Missed{home}, Refused, nil},
		{"the end of the network in a drain is what was asked for", (*world).hung, run.Over{Account: home, Run: 1}, Draining, nil},
		{"a wake-up for an account that is not there is nothing", func(w *world) { w.running() }, journal.Woken{Queue: journal.Queue{Account: "double:other"}}, Running, nil},
		{"a foreign message fits nothing", func(w *world) { w.running() }, "hello", Running, []string{"unknown string"}},
		{"an order that is none is refused", func(w *world) { w.running() }, Order{Account: home, Do: "dance"}, Running, []string{"answer Ordered"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.given(w)
			var effects []kit.Effect
			switch m := c.input.(type) {
			case owedNext:
				w.pay()
				effects = w.effects
			case lateAnswer:
				effects = w.give(kit.Answered{Tag: w.last.Tag, Err: kit.ErrLate})
			case Apply, Order:
				w.ask(m)
				effects = w.effects
			default:
				effects = w.give(m)
			}
			if got := w.row(home).phase; got != c.phase {
				t.Errorf("phase %q, want %q", got, c.phase)
			}
			if diff := cmp.Diff(c.want, summary(effects)); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
		})
	}
}

type (
	owedNext   struct{} // the next thing that somebody owes the supervisor
	lateAnswer struct{} // the newest question has no answer in time
)

func (w *world) running() { w.apply(account0(home, "a")); w.quiet() }

func (w *world) refused() {
	w.running()
	w.give(run.Over{Account: home, Run: 1, Err: "401", Refusal: true, Do: "set the password"})
	w.give(kit.Ended{Child: places.Self.Child("home/run.1")})
}

// hung is an account that was told to restart and whose run does not end.
func (w *world) hung() {
	w.running()
	w.current(home).hung = true
	w.ask(Order{Account: home, Do: "restart"})
}

func TestLaw8_StaleInputsChangeNothing(t *testing.T) {
	// The account has had run.1, which hangs and is fenced, and run.2, which is current.
	given := func(t *testing.T) *world {
		w := newWorld(t, nil)
		w.hung()
		w.fire(drainOver{}, drainWithin).quiet()
		return w
	}
	for _, c := range []struct {
		name  string
		input any
	}{
		{"the end of the network of an earlier run", run.Over{Account: home, Run: 1, Err: "late"}},
		{"a refusal of an earlier run", run.Over{Account: home, Run: 1, Err: "late", Refusal: true}},
		{"a report of an earlier run", run.Reported{Account: home, Run: 1, Condition: channels.Condition{Link: channels.Waiting}}},
		{"a second confirmation of a fence", run.Fenced{Account: home, Run: 1}},
		{"the end of a child that nobody knows", kit.Ended{Child: kit.Named("channels/double/home/run.9")}},
		{"the drain timer of an earlier run", drainOver{ref{home, 1}, 5}},
		{"a commit of the account's state that is confirmed late", memoryDue{ref{home, 1}, 99}},
		{"a pause that is over long ago", pauseOver{ref{home, 1}, 1}},
		{"an answer to a call that was dropped", kit.Answered{Tag: calling{ref{home, 1}, 99}, Msg: run.Result{}}},
		{"the account's state, read again", kit.Answered{Tag: loading{ref{home, 1}, 99}, Msg: journal.Values{Values: map[string][]byte{"stopped": []byte("1")}}}},
		{"a timer of a row that is gone", pauseOver{ref{home, 99}, 1}},
		{"a wait that is over for somebody who was answered", waitOver{1}},
		{"items taken by an earlier run", run.Took{Account: home, Run: 1, Items: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := given(t)
			before := w.state.Snapshot()
			if got := summary(w.give(c.input)); got != nil {
				t.Errorf("effects %q, want none", got)
			}
			if diff := cmp.Diff(before, w.state.Snapshot()); diff != "" {
				t.Errorf("the state has changed:\n%s", diff)
			}
			if got := w.row(home); got.phase != Running || got.run.number != 2 {
				t.Errorf("%s with run %d, want run.2 running", got.phase, got.run.number)
			}
		})
	}
}

func TestLaw8_StaleTimersDoNotHurryWhatCameAfterThem(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	w.fails(home, "reset")
	w.quiet()
	first := pauseOver{ref{home, 1}, w.row(home).attempt}
	w.ask(Order{Account: home, Do: "restart"})
	w.quiet()
	w.fails(home, "reset")
	w.quiet()
	if w.give(first); w.row(home).phase != Pausing {
		t.Errorf("%s after the timer of an earlier pause, want it pausing", w.row(home).phase)
	}
	w.fire(pauseOver{}, aMinute).quiet()
	w.ask(Order{Account: home, Do: "restart"})
	early := drainOver{ref{home, 1}, w.row(home).attempt}
	w.quiet()
	w.current(home).hung = true
	w.ask(Order{Account: home, Do: "restart"})
	if effects := w.give(early); effects != nil {
		t.Errorf("the timer of an earlier drain has effects: %q", summary(effects))
	}
	w.give(run.Reported{Account: home, Run: w.row(home).run.number, Condition: channels.Condition{Link: channels.Connected}})
	if got := w.row(home).status(); got.Link != "" {
		t.Errorf("%+v, want that a draining run is not shown as connected", got)
	}
}

func TestARestartOfWhatStartsChangesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"))
	for range 4 { // until the lease is asked for
		w.ask(Order{Account: home, Do: "restart"})
		if got := summary(w.effects); len(got) != 1 || got[0] != "after 20s waitOver" {
			t.Errorf("effects %q, want only the wait for its end", got)
		}
		w.pay()
	}
}

func TestEachChangeOfPhaseIsOneLine(t *testing.T) {
	w := running(t)
	w.give(run.Over{Account: home, Run: 1, Err: "reset"})
	effects := w.give(kit.Ended{Child: places.Self.Child("home/run.1")})
	notes := kittest.All[kit.Note](effects)
	want := []kit.Note{{Level: zerolog.WarnLevel, Text: "account", Fields: []any{
		"phase", "pausing", "from", "draining", "account", "double:home", "run", uint64(1), "input", "Ended", "fails", 1, "pause", "1s", "cause", "reset",
	}}}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestARunThatEndsWithoutAWordHasACause(t *testing.T) {
	w := running(t)
	w.give(kit.Ended{Child: places.Self.Child("home/run.1"), Cause: "nil map"})
	if got := w.row(home).cause; got != "the run ended without a word: nil map" {
		t.Errorf("cause %q", got)
	}
}

func TestLaw8_AHungRunIsCountedUntilItIsGoneAndBlocksNobody(t *testing.T) {
	w := newWorld(t, nil)
	w.hung()
	w.fire(drainOver{}, drainWithin).quiet()
	if got := w.row(home).status(); got.Phase != Running || got.Run != 2 || len(got.Abandoned) != 1 || got.Abandoned[0] != 1 {
		t.Fatalf("%+v, want run 2 running and run 1 abandoned", got)
	}
	w.give(kit.Ended{Child: places.Self.Child("home/run.1")})
	if got := w.row(home).status(); got.Phase != Running || got.Run != 2 || got.Abandoned != nil {
		t.Errorf("%+v, want run 2 running and nothing abandoned", got)
	}
}

func TestLaw9_AbandonedRunsAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	for range maxAbandoned + 3 {
		if r := w.current(home); r != nil {
			r.hung = true
		}
		w.ask(Order{Account: home, Do: "restart"})
		w.fire(drainOver{}, drainWithin).quiet()
	}
	got := w.row(home)
	if got.phase != Pausing || len(got.abandoned) != maxAbandoned {
		t.Fatalf("%s with %d abandoned runs, want a pause at %d", got.phase, len(got.abandoned), maxAbandoned)
	}
	w.give(kit.Ended{Child: got.abandoned[0].addr})
	w.fire(pauseOver{}, lastPause).quiet()
	if got := w.row(home); got.phase != Running {
		t.Errorf("%s when one has ended, want it running", got.phase)
	}
}

func TestALeaseThatNobodyWantsAnyMoreIsGivenBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		until func(*world)
	}{
		{"because the account was stopped", func(w *world) { w.ask(Order{Account: home, Do: "stop"}) }},
		{"because the account was removed", func(w *world) { w.apply() }},
		{"because the process ends", func(w *world) { w.ask(Drain{Runs: true, By: w.now.Add(aMinute)}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.apply(account0(home, "a"))
			w.pay()
			w.pay()
			w.pay() // the lease is asked for
			c.until(w)
			w.quiet()
			if len(w.leases) != 0 || len(w.runs) != 0 {
				t.Errorf("%d leases held and %d runs started, want none", len(w.leases), len(w.runs))
			}
		})
	}
}

func TestPausesGrowToAMinuteAndEndAfterALongLife(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		w.fails(home, "reset")
		w.quiet()
		if got := w.row(home).next.Sub(w.now); got != want*time.Second {
			t.Fatalf("pause %s, want %ds", got, want)
		}
		w.fire(pauseOver{}, aMinute).quiet()
	}
	if got := w.row(home).status(); got.Restarts != 9 || got.Failures != 9 {
		t.Errorf("%+v, want 9 restarts and 9 failures in a row", got)
	}
	w.now = w.now.Add(longLife + time.Second)
	w.fails(home, "reset")
	w.quiet()
	if got := w.row(home).next.Sub(w.now); got != firstPause {
		t.Errorf("pause %s after a long life, want %s", got, firstPause)
	}
}

func TestThePauseThatANetworkAsksForWins(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	w.give(run.Over{Account: home, Run: 1, Err: "busy", After: 5 * time.Minute})
	w.give(kit.Ended{Child: places.Self.Child("home/run.1")})
	if got := w.row(home).next.Sub(w.now); got != 5*time.Minute {
		t.Errorf("pause %s, want 5m", got)
	}
}

func TestReportsOfTheCurrentRunAreShown(t *testing.T) {
	w := running(t)
	w.give(run.Reported{Account: home, Run: 1, Condition: channels.Condition{Link: channels.Waiting, Cause: "no answer", Facts: map[string]string{"k": "v"}}})
	if got := w.row(home).status(); got.Link != channels.Waiting || got.Cause != "no answer" || got.Facts["k"] != "v" {
		t.Errorf("%+v, want what the run reported", got)
	}
	w.fails(home, "reset")
	w.quiet()
	if got := w.row(home).status(); got.Link != "" || got.Facts != nil || got.Cause != "reset" {
		t.Errorf("%+v, want nothing of a run that is gone but its cause", got)
	}
}

func TestTheOutboxHearsWhetherAnAccountCanSend(t *testing.T) {
	w := running(t)
	for _, c := range []struct {
		name string
		link channels.Link
		want any
	}{
		{"who connects can send", channels.Connected, Connected{home}},
		{"who says it again says nothing new", channels.Connected, nil},
		{"who waits cannot", channels.Waiting, Disconnected{home}},
		{"and can, once the network answers again", channels.Connected, Connected{home}},
	} {
		_, effects := Step(w.state, kit.In{Msg: run.Reported{Account: home, Run: 1, Condition: channels.Condition{Link: c.link}}, Now: w.now})
		tell, told := kittest.Find[kit.Tell](effects)
		if told != (c.want != nil) || told && tell.To != places.Outbox || tell.Msg != c.want {
			t.Errorf("%s: told %T %+v", c.name, tell.Msg, tell)
		}
		w.give(run.Reported{Account: home, Run: 1, Condition: channels.Condition{Link: c.link}})
	}
	_, effects := Step(w.state, kit.In{Msg: run.Over{Account: home, Run: 1, Err: "reset"}, Now: w.now})
	if told := kittest.Told[Disconnected](effects); len(told) != 1 {
		t.Errorf("a run that ends: told %+v", told)
	}
}
