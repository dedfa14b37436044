package supervisor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
)

func TestLaw8_AHungRunDoesNotBlockItsSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHouse(t, connecting(double{run: func(ctx context.Context, env channels.Env, in channels.Inbox) error {
			in.Report(channels.Condition{Link: channels.Connected, Cause: "run"})
			if env.Run == 1 {
				<-release // deaf to its context
				in.Report(channels.Condition{Link: channels.Waiting, Cause: "late"})
				return errors.New("late")
			}
			<-ctx.Done()
			return ctx.Err()
		}}))
		h.apply(account0(home, "a"))
		synctest.Wait()
		began := time.Now()
		if v := h.order(home, "restart"); v != (Verdict{Result: "applied", Run: 2}) {
			t.Fatalf("%+v, want run 2", v)
		}
		if took := time.Since(began); took != drainWithin {
			t.Errorf("the restart took %s, want the %s that a run may drain", took, drainWithin)
		}
		synctest.Wait()
		if got := h.status(home); got.Phase != Running || got.Run != 2 || !slices.Equal(got.Abandoned, []uint64{1}) || got.Link != channels.Connected {
			t.Errorf("%+v, want run 2 connected and run 1 abandoned", got)
		}
		close(release)
		synctest.Wait()
		if got := h.status(home); got.Phase != Running || got.Run != 2 || got.Abandoned != nil || got.Cause != "run" || got.Failures != 0 {
			t.Errorf("%+v, want that the late end changes only the count", got)
		}
	})
}

func TestLaw8_WhileARunHangsNobodyCallsItRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHouse(t, connecting(double{run: func(context.Context, channels.Env, channels.Inbox) error { <-release; return nil }}))
		h.apply(account0(home, "a"))
		synctest.Wait()
		go h.order(home, "restart")
		for range 9 {
			time.Sleep(time.Second)
			if got := h.status(home); got.Phase != Draining {
				t.Errorf("%+v, want it draining", got)
			}
			r := h.ask(Call{Account: home, Op: run.Send{}, Within: aMinute}).(run.Result)
			if channels.OutcomeOf(r.Err) != channels.NotSent || r.Err == nil {
				t.Errorf("a call: %v, want that it is not sent", r.Err)
			}
		}
		time.Sleep(2 * time.Second)
		close(release)
		synctest.Wait()
	})
}

func TestLaw1_ALeaseIsAskedForBeforeEveryStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			h      *house
			starts []time.Duration
			began  time.Time
		)
		h = newHouse(t, connecting(double{run: func(_ context.Context, env channels.Env, _ channels.Inbox) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			if uint64(len(h.leased)) != env.Run { // the account has no requests, so all leases are of runs
				t.Errorf("run.%d begins after %d leases", env.Run, len(h.leased))
			}
			starts = append(starts, time.Since(began))
			return errors.New("reset")
		}}))
		began = time.Now()
		h.apply(account0(home, "a"))
		time.Sleep(3 * time.Minute)
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(starts) < 7 || len(starts) > 9 {
			t.Fatalf("%d starts in three minutes: %v", len(starts), starts)
		}
		for i := range starts[1:] {
			pause, least := starts[i+1]-starts[i], backoff(i+1)
			if pause < least || pause > least+time.Duration(float64(least)*pauseJitter) {
				t.Errorf("pause %d is %s, want %s and up to a fifth more", i+1, pause, least)
			}
		}
		released := 0
		for _, msg := range h.registry.Messages() {
			if _, is := msg.(registry.Release); is {
				released++
			}
		}
		if released != len(starts) {
			t.Errorf("%d leases given back after %d runs", released, len(starts))
		}
	})
}

func TestLaw8_AManualStopHoldsForANewSupervisor(t *testing.T) {
	h := newHouse(t, connecting(double{}))
	h.apply(account0(home, "a"))
	if v := h.order(home, "stop"); v.Result != "applied" {
		t.Fatalf("%+v, want it stopped", v)
	}
	h.sys.Stop(h.self)
	h.start("channels/double.2")
	if v := h.apply(account0(home, "a"))[home]; v.Reason != "it was stopped by hand" {
		t.Errorf("%+v, want it stopped by hand", v)
	}
	if v := h.order(home, "start"); v.Result != "applied" || v.Run != 17 {
		t.Errorf("%+v, want a run above all that were reserved", v)
	}
}

func TestLaw9_PanicInOneAccountsNetworkLeavesItsSiblingAlone(t *testing.T) {
	h := newHouse(t, connecting(double{run: func(ctx context.Context, env channels.Env, in channels.Inbox) error {
		if env.Account == work0 {
			panic("nil map")
		}
		in.Report(channels.Condition{Link: channels.Connected})
		<-ctx.Done()
		return nil
	}}))
	h.apply(account0(home, "a"), account0(work0, "a"))
	h.is(work0, "pausing", func(s Status) bool { return s.Phase == Pausing && strings.Contains(s.Cause, "nil map") })
	if got := h.is(home, "connected", func(s Status) bool { return s.Link == channels.Connected }); got.Phase != Running || got.Run != 1 || got.Failures != 0 {
		t.Errorf("the sibling is %+v, want it untouched", got)
	}
}

func TestLaw9_WhatHangsOrPanicsInInterpretIsADeadLetterAndTheOrderMovesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		kind := connecting(double{})
		kind.Interpret = func(_ channels.Settings, r channels.Request) ([]channels.Arrival, error) {
			switch r.ID {
			case "hangs":
				<-release
			case "panics":
				panic("nil map")
			case "fails":
				return nil, errors.New("no guid in it")
			}
			return []channels.Arrival{{ID: r.ID, Kind: channels.Message}}, nil
		}
		h := newHouse(t, kind)
		h.apply(account0(home, "a"))
		var requests []channels.Request
		for i, id := range []string{"first", "hangs", "panics", "fails", "last"} {
			requests = append(requests, channels.Request{Seq: uint64(i + 1), Account: home, ID: id})
		}
		h.accept(requests...)
		time.Sleep(tries * budget)
		synctest.Wait()
		var got []string
		for _, end := range h.disk.ended() {
			got = append(got, string(end.State)+" "+end.Outcome+end.Reason)
		}
		want := []string{
			"done interpreted", "dead interpreting it took longer than 5s (3 times)", "dead interpreting it ended without a result: panic: nil map (3 times)",
			"dead no guid in it", "done interpreted",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ended (-want +got):\n%s", diff)
		}
		if got := h.status(home); got.LastIn.IsZero() || got.Phase != Running {
			t.Errorf("%+v, want the account running, with a time of its last request", got)
		}
	})
}

func TestCallsReachTheNetworkAndComeBackInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		h := newHouse(t, connecting(double{send: func(_ context.Context, r channels.Reply) (channels.Receipt, error) {
			if r.Seq == 2 {
				<-release
			}
			return channels.Receipt{ID: "m1"}, nil
		}}))
		h.apply(account0(home, "a"))
		h.is(home, "connected", func(s Status) bool { return s.Link == channels.Connected })
		if r := h.ask(Call{Account: home, Op: run.Send{Reply: channels.Reply{Seq: 1}}, Within: aMinute}).(run.Result); r.Receipt.ID != "m1" {
			t.Errorf("%+v, want the receipt", r)
		}
		if h.status(home).LastOut.IsZero() {
			t.Error("the time of the last reply is not kept")
		}
		began := time.Now()
		r := h.ask(Call{Account: home, Op: run.Send{Reply: channels.Reply{Seq: 2}}, Within: aMinute}).(run.Result)
		if took := time.Since(began); r.Err == nil || channels.OutcomeOf(r.Err) != channels.Unknown || took != aMinute {
			t.Errorf("after %s: %v; want an unknown outcome after a minute", took, r.Err)
		}
	})
}

func TestARefusalIsShownWithWhatToDo(t *testing.T) {
	h := newHouse(t, connecting(double{run: func(context.Context, channels.Env, channels.Inbox) error {
		return &channels.Refusal{Err: errors.New("401 from the server"), Do: "set channels.double.accounts.home.password"}
	}}))
	h.apply(account0(home, "a"))
	got := h.is(home, "refused", func(s Status) bool { return s.Phase == Refused })
	if got.Cause != "401 from the server; set channels.double.accounts.home.password" {
		t.Errorf("cause %q", got.Cause)
	}
}

func TestMissedBecomesANudge(t *testing.T) {
	nudged := make(chan struct{})
	h := newHouse(t, connecting(double{run: func(ctx context.Context, _ channels.Env, in channels.Inbox) error {
		<-in.Nudge()
		close(nudged)
		<-ctx.Done()
		return nil
	}}))
	h.apply(account0(home, "a"))
	h.sys.Tell(h.self, Missed{home})
	<-nudged
}

func TestLaw7_ADrainEndsRunsByItsTimeAndNamesThoseLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHouse(t, connecting(double{run: func(ctx context.Context, env channels.Env, _ channels.Inbox) error {
			<-ctx.Done()
			if env.Account == work0 {
				<-release
			}
			return nil
		}}))
		h.apply(account0(home, "a"), account0(work0, "a"))
		synctest.Wait()
		if got := h.ask(Drain{By: time.Now().Add(aMinute)}).(Drained); got.Left != nil {
			t.Errorf("%+v, want no request left", got)
		}
		began := time.Now()
		got := h.ask(Drain{Runs: true, By: began.Add(30 * time.Second)}).(Drained)
		if diff := cmp.Diff([]string{"double:work run.1"}, got.Left); diff != "" || time.Since(began) != 30*time.Second {
			t.Errorf("after %s, left (-want +got):\n%s", time.Since(began), diff)
		}
		close(release)
		synctest.Wait()
		for _, row := range h.sys.Table() {
			if row.Kind == "run" {
				t.Errorf("%s is still there", row.Addr)
			}
		}
	})
}

func TestTheSupervisorSubscribesToTheRequestsOfItsChannel(t *testing.T) {
	h := newHouse(t, connecting(double{}))
	got := kittest.Wait[journal.Subscribe](h.journal)
	if diff := cmp.Diff(journal.Subscribe{Kind: journal.Requests, Channel: "double", To: h.self}, got, cmp.Comparer(func(a, b kit.Addr) bool { return a == b })); diff != "" {
		t.Errorf("subscription (-want +got):\n%s", diff)
	}
}
