package supervisor

import (
	"strings"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
)

// proves is a world whose account has a candidate with changed settings that has said nothing yet.
func proves(t *testing.T) (*world, kit.Return) {
	t.Helper()
	w := running(t)
	q := w.ask(Prepare{Accounts: []Account{account0(home, "b")}})
	w.quiet()
	if w.proving(home) == nil {
		t.Fatalf("there is no candidate: %+v", w.row(home).cand)
	}
	return w, q
}

// faults are what Prepared said.
func (w *world) faults(q kit.Return) map[channels.Account]string {
	w.t.Helper()
	if w.asked[q] != 1 {
		w.t.Fatal("Prepare is not answered")
	}
	return w.answers[q].(Prepared).Faults
}

func says(link channels.Link) run.Reported {
	return run.Reported{Account: home, Run: 2, Condition: channels.Condition{Link: link, Facts: map[string]string{"k": "v"}}}
}

func TestLaw3_ChangedSettingsAreProvenBesideTheRunThatTheyReplace(t *testing.T) {
	w, q := proves(t)
	if a := w.row(home); a.phase != Running || a.run.number != 1 || w.current(home).lease == w.proving(home).lease {
		t.Fatalf("while the candidate is proven: %+v", a.status())
	}
	w.give(says(channels.Connected))
	if faults := w.faults(q); len(faults) != 0 {
		t.Fatalf("faults %v of a candidate that is connected", faults)
	}
	applied := w.apply(account0(home, "b"))
	if v := w.answers[applied].(Applied).Verdicts[home]; v != (Verdict{Result: "applied", Run: 2}) {
		t.Errorf("verdict %+v at once, want run 2", v)
	}
	a := w.row(home).status()
	if a.Phase != Running || a.Run != 2 || a.Link != channels.Connected || a.Facts["k"] != "v" || len(a.Leaving) != 1 {
		t.Errorf("status %+v, want the candidate as the current run with its link, and run 1 leaving", a)
	}
	if !w.runs[w.row(home).run.addr].apart {
		t.Error("the new run is admitted before the old one has said that it hands in nothing more")
	}
	w.quiet()
	if a := w.row(home); a.apart || len(a.leaving) != 0 || len(w.leases) != 1 {
		t.Errorf("when all is done: %+v with leases %v, want one admitted run", a.status(), w.leases)
	}
}

func TestLaw3_WhatSpeaksAgainstChangedSettings(t *testing.T) {
	addr := places.Self.Child("home/run.2")
	for name, c := range map[string]struct {
		says []any
		want string // part of the fault; empty: they are fit
	}{
		"the server refuses them":                         {[]any{run.Over{Account: home, Run: 2, Err: "401", Refusal: true, Do: "set the password"}}, "401; set the password"},
		"the network's code panics":                       {[]any{run.Over{Account: home, Run: 2, Err: "nil map", Bug: true}}, "nil map"},
		"Connect does not return":                         {[]any{proofOver{}}, "has not returned within 3s"},
		"another run's Connect has returned, and not its": {[]any{run.Opened{Account: home, Run: 1}, proofOver{}}, "has not returned within 3s"},
		"another run waits for its admission":             {[]any{run.Holding{Account: home, Run: 1}, proofOver{}}, "has not returned within 3s"},
		"it has something to hand in":                     {[]any{run.Holding{Account: home, Run: 2}}, ""},
		"its time is over when it was proven":             {[]any{says(channels.Connected), proofOver{}}, ""},
		"the run ends without a word":                     {[]any{kit.Ended{Child: addr, Cause: "killed"}}, "killed"},
		"the server does not answer: that is no fault":    {[]any{says(channels.Waiting)}, ""},
		"the server is slow: that is no fault":            {[]any{run.Opened{Account: home, Run: 2}, says(channels.Connecting), proofOver{}}, ""},
		"the connection breaks: that is no fault":         {[]any{run.Over{Account: home, Run: 2, Err: "reset"}}, ""},
		"a refusal after it was proven is one all right":  {[]any{says(channels.Connected), run.Over{Account: home, Run: 2, Err: "closed", Refusal: true}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, q := proves(t)
			for _, msg := range c.says {
				if _, times := msg.(proofOver); times {
					w.fire(proofOver{}, proveWithin)
				} else {
					w.give(msg)
				}
			}
			if got := w.faults(q)[home]; (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("the fault is %q, want %q", got, c.want)
			}
			if a := w.row(home); a.phase != Running || a.run.number != 1 {
				t.Errorf("the run that is there is disturbed: %+v", a.status())
			}
			w.give(Discard{})
			w.quiet()
			if a := w.row(home); a.cand.lease != 0 || len(w.leases) != 1 {
				t.Errorf("after all that: %+v with leases %v", a.status(), w.leases)
			}
		})
	}
}

func TestACandidateThatIsGoneWhenItsSettingsAreAppliedIsReplacedInTheUsualWay(t *testing.T) {
	w, _ := proves(t)
	w.give(run.Over{Account: home, Run: 2, Err: "reset"})
	w.apply(account0(home, "b"))
	if a := w.row(home); a.phase != Draining || a.run.number != 1 {
		t.Fatalf("%+v, want run 1 to drain first", a.status())
	}
	w.quiet()
	if a := w.row(home); a.phase != Running || a.run.number != 3 || a.apart {
		t.Errorf("%+v, want run 3", a.status())
	}
}

func TestOtherSettingsThanThoseThatWereProvenGetARunOfTheirOwn(t *testing.T) {
	w, _ := proves(t)
	w.give(says(channels.Connected))
	w.apply(account0(home, "c"))
	w.quiet()
	if a := w.row(home); a.run.number != 3 || a.want.Digest != "c" || len(w.leases) != 1 {
		t.Errorf("%+v with settings %s and leases %v, want run 3 with c", a.status(), a.want.Digest, w.leases)
	}
}

func TestWhatHasNothingToProve(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*world)
		want  Account
	}{
		"settings that have not changed":                 {(*world).running, account0(home, "a")},
		"an account that is disabled from now on":        {(*world).running, disabled(home, "b")},
		"an account that waits for the operator":         {(*world).refused, account0(home, "b")},
		"a network on which only one run may be there":   {(*world).running, single(home, "b")},
		"an account that is not there":                   {(*world).running, account0("double:new", "a")},
		"an account that was stopped by hand stays so":   {func(w *world) { w.running(); w.ask(Order{Account: home, Do: doStop}); w.quiet() }, account0(home, "b")},
		"an account that reads its state of the journal": {func(w *world) { w.apply(account0(home, "a")) }, account0(home, "b")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.given(w)
			runs := len(w.runs)
			q := w.ask(Prepare{Accounts: []Account{c.want}})
			if faults := w.faults(q); len(faults) != 0 || len(w.runs) != runs {
				t.Errorf("faults %v and %d runs, want it to be fit at once without a further run", faults, len(w.runs))
			}
		})
	}
}

func TestLaw9_SettingsThatPanicWhileTheyAreProvenDisturbNothing(t *testing.T) {
	w := running(t)
	bad := account0(home, "b")
	bad.Settings = nil
	q := w.ask(Prepare{Accounts: []Account{bad}})
	if got := w.faults(q)[home]; !strings.Contains(got, "a bug") || w.row(home).phase != Running {
		t.Errorf("fault %q, phase %s", got, w.row(home).phase)
	}
}

func TestCallsOfARunThatWasReplacedAreAnsweredByIt(t *testing.T) {
	w, _ := proves(t)
	w.give(says(channels.Connected))
	old := w.ask(Call{Account: home, Op: run.Send{}, Within: aMinute})
	w.current(home).hung = true // it does not end before its call
	w.apply(account0(home, "b"))
	fresh := w.ask(Call{Account: home, Op: run.Send{}, Within: aMinute})
	if w.last.To != places.Self.Child("home/run.2") {
		t.Errorf("a call after the change goes to %s, want the new run", w.last.To)
	}
	w.quiet()
	w.unhang()
	w.quiet()
	for _, q := range []kit.Return{old, fresh} {
		if r, _ := w.answers[q].(run.Result); r.Err != nil || w.asked[q] != 1 {
			t.Errorf("answered %d times, at last %+v", w.asked[q], r)
		}
	}
}

func TestARunBesideOneThatStillHandsInIsNotAdmittedEither(t *testing.T) {
	w, _ := proves(t)
	w.give(says(channels.Connected))
	w.runs[places.Self.Child("home/run.1")].hung = true
	w.apply(account0(home, "b"))
	w.open = nil // not even its word that it is sealed
	w.fails(home, "reset")
	w.quiet().fire(pauseOver{}, firstPause).quiet()
	third := w.current(home)
	if third == nil || third.number != 3 || !third.apart {
		t.Fatalf("the run after it is %+v, want run 3, not admitted", third)
	}
	w.fire(leavingDue{}, drainWithin).quiet()
	if third.apart {
		t.Error("run 3 is not admitted after run 1 was fenced")
	}
}

func TestLaw8_WhereOnlyOneMayHoldTheConnectionTheNextRunWaitsForTheEndOfTheOneBefore(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(single(home, "a"))
	w.quiet()
	w.current(home).hung = true
	w.apply(single(home, "b"))
	applied := w.number
	w.quiet().fire(drainOver{}, drainWithin).quiet()
	a := w.row(home).status()
	if a.Phase != Blocked || !strings.Contains(a.Cause, "blocked by run.1") {
		t.Fatalf("%+v, want it blocked by run.1", a)
	}
	if v := w.answers[kit.ReturnTo(operator, applied)].(Applied).Verdicts[home]; v.Result != "deferred" || v.Reason != a.Cause {
		t.Errorf("verdict %+v", v)
	}
	w.unhang()
	w.quiet()
	if a := w.row(home).status(); a.Phase != Running || a.Run != 2 {
		t.Errorf("after the end of run.1: %+v", a)
	}
}

func TestWhatARunLeavesIsGivenToTheNext(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(single(home, "a"))
	w.quiet()
	w.current(home).hung = true
	w.apply(single(home, "b"))
	w.give(run.Over{Account: home, Run: 1, Export: []byte("session 4")})
	w.give(kit.Ended{Child: places.Self.Child("home/run.1")})
	var start run.Start
	for w.pay() {
		if e, spawns := kittest.Find[kit.Spawn](w.effects); spawns {
			start = e.What.(run.Start)
		}
	}
	if string(start.Adopt) != "session 4" || w.row(home).legacy != nil {
		t.Errorf("run.2 is given %q, want what run.1 left, once", start.Adopt)
	}
}

func TestNothingIsInterpretedByOldSettingsWhileNewOnesAreOnTheirWay(t *testing.T) {
	for name, end := range map[string]any{
		"until they are there":                 Apply{Revision: 2, Accounts: []Account{account0(home, "b")}},
		"until they are there, and the same":   Apply{Revision: 2, Accounts: []Account{account0(home, "a")}},
		"until it is known that they will not": Discard{},
	} {
		t.Run(name, func(t *testing.T) {
			w := running(t)
			var used []string
			w.interpret = func(channels.Request) (any, error) {
				used = append(used, w.row(home).want.Digest)
				return Interpreted{}, nil
			}
			if q := w.ask(Hold{Accounts: []channels.Account{home, "double:other"}}); w.answers[q] != (Held{}) {
				t.Fatalf("answered %#v", w.answers[q])
			}
			w.accept(home)
			w.quiet()
			if len(used) != 0 {
				t.Fatalf("interpreted by settings %v during the hold", used)
			}
			want := "a"
			if m, applies := end.(Apply); applies {
				want = m.Accounts[0].Digest
				w.ask(m)
			} else {
				w.give(end)
			}
			w.quiet()
			if len(used) != 1 || used[0] != want {
				t.Errorf("interpreted by settings %v, want once, by %s", used, want)
			}
		})
	}
}

func TestALeaseForAProofIsOnTheGenerationToCome(t *testing.T) {
	w := running(t)
	w.ask(Prepare{Accounts: []Account{account0(home, "b")}})
	if m, asks := w.last.Msg.(registry.Lease); !asks || !m.Staged || m.Holder != "double:home run.2" {
		t.Errorf("asked %#v", w.last.Msg)
	}
}

func TestNumbersOfCandidatesAreReservedToo(t *testing.T) {
	w := running(t)
	for n := range 2 * reserve { // the world looks at what the journal knows at every start
		want := account0(home, []string{"b", "c"}[n%2])
		w.ask(Prepare{Accounts: []Account{want}})
		w.quiet()
		w.give(run.Reported{Account: home, Run: w.row(home).cand.number, Condition: channels.Condition{Link: channels.Connected}})
		w.apply(want)
		w.quiet()
	}
	if got := w.row(home).run.number; got != 2*reserve+1 {
		t.Errorf("run %d after %d changes", got, 2*reserve)
	}
}

func TestNoCandidateIsBegunWhileAsManyRunsHangAsAreAllowed(t *testing.T) {
	w := running(t)
	w.alter(home, func(a *account) { a.abandoned = make([]life, maxAbandoned) })
	q := w.ask(Prepare{Accounts: []Account{account0(home, "b")}})
	if got := w.faults(q)[home]; !strings.Contains(got, "8 earlier runs hang") || w.proving(home) != nil {
		t.Errorf("fault %q, candidate %v", got, w.proving(home))
	}
}

func TestTheTimeOfAnEarlierProofIsNothingToALaterOne(t *testing.T) {
	w, _ := proves(t)
	q := w.ask(Prepare{Accounts: []Account{account0(home, "c")}})
	stale := w.timers
	w.quiet()
	for _, msg := range stale {
		if _, is := msg.(proofOver); is {
			w.give(msg)
		}
	}
	if w.asked[q] != 0 || w.proving(home) == nil {
		t.Errorf("the second proof is over: answered %d times, %+v", w.asked[q], w.row(home).cand)
	}
}

func TestACandidateTakesOverFromARunThatHasFailedMeanwhile(t *testing.T) {
	w, _ := proves(t)
	w.give(says(channels.Connected))
	w.fails(home, "reset")
	w.quiet()
	if w.row(home).phase != Pausing {
		t.Fatalf("the run before is %s", w.row(home).phase)
	}
	w.apply(account0(home, "b"))
	if a := w.row(home); a.phase != Running || a.run.number != 2 || a.apart || len(a.leaving) != 0 {
		t.Errorf("%+v, want the candidate as the current run, admitted at once", a.status())
	}
	w.fire(pauseOver{}, firstPause)
	if a := w.row(home); a.run.number != 2 || a.phase != Running {
		t.Errorf("after the pause of the run before: %+v", a.status())
	}
}

func TestARunIsAdmittedWhenTheOneBeforeHandsInNothingMoreThoughItHasCallsYet(t *testing.T) {
	w, _ := proves(t)
	w.give(says(channels.Connected))
	w.current(home).hung = true
	w.apply(account0(home, "b"))
	w.quiet() // its word that it is sealed, and not its end
	if a := w.row(home); a.apart || len(a.leaving) != 1 {
		t.Errorf("%+v, want run 2 admitted while run 1 is still there", a.status())
	}
}
