package supervisor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/run"
	"holdfast/channels"
)

// What is told to people: since when, why, and what became of it.

func TestAPhaseIsShownWithTheTimeWhenItBegan(t *testing.T) {
	w := running(t)
	if got := w.row(home).since; !got.Equal(noon) {
		t.Errorf("running since %s, want %s", got, noon)
	}
	stopped := noon.Add(time.Hour)
	for range 2 {
		w.now = w.now.Add(time.Hour)
		w.ask(Order{Account: home, Do: "stop"})
		w.quiet()
		if got := w.row(home); got.phase != Off || !got.since.Equal(stopped) {
			t.Errorf("%s since %s, want off since the first stop", got.phase, got.since)
		}
	}
}

func TestARunIsToldWhyItIsToEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		give func(*world)
		want string
	}{
		{"the process ends", func(w *world) { w.ask(Drain{Runs: true, By: w.now.Add(aMinute)}) }, "the process ends"},
		{"the account is removed", func(w *world) { w.apply() }, "it was removed from the configuration"},
		{"other settings disable it", func(w *world) { w.apply(disabled(home, "b")) }, "its settings have changed"},
		{"the operator stops it", func(w *world) { w.ask(Order{Account: home, Do: "stop"}) }, "it was stopped by hand"},
		{"the operator restarts it", func(w *world) { w.ask(Order{Account: home, Do: "restart"}) }, "it was restarted by hand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := running(t)
			c.give(w)
			if told := kittest.Told[run.Drain](w.effects); len(told) != 1 || told[0].Cause != c.want {
				t.Errorf("told %+v, want %q", told, c.want)
			}
		})
	}
}

func TestWhatIsOffSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		give func(*world)
		want string
	}{
		{"the process ends", func(w *world) { w.ask(Drain{Runs: true, By: w.now.Add(aMinute)}) }, "the process ends"},
		{"it is disabled", func(w *world) { w.apply(disabled(home, "b")) }, "it is disabled in the configuration"},
		{"it was stopped", func(w *world) { w.ask(Order{Account: home, Do: "stop"}) }, "it was stopped by hand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := running(t)
			c.give(w)
			if got := w.quiet().row(home); got.phase != Off || got.cause != c.want {
				t.Errorf("%s: %q, want %q", got.phase, got.cause, c.want)
			}
		})
	}
}

func TestACallThatIsNotTakenSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(*world)
		call  Call
		want  string
	}{
		{"no time is left", (*world).running, Call{}, "no time was left for the call"},
		{"what is wrong is known", (*world).refused, Call{Within: aMinute}, "no connection now (refused): 401; set the password"},
		{"nothing is wrong", func(w *world) { w.apply(account0(home, "a")) }, Call{Within: aMinute}, "no connection now (leasing)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.given(w)
			c.call.Account, c.call.Op = home, run.Send{}
			if r := w.answers[w.ask(c.call)].(run.Result); r.Err == nil || !strings.HasSuffix(r.Err.Error(), c.want) {
				t.Errorf("%v, want %q", r.Err, c.want)
			}
		})
	}
}

func TestLaw6_ACallWhoseAnswerIsNoneHasAnUnknownOutcome(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer kit.Answered
		want   string
	}{
		{"it is late", kit.Answered{Err: kit.ErrLate}, kit.ErrLate.Error() + "; the outcome is not known"},
		{"it is something else", kit.Answered{Msg: "sent"}, "answered with string; the outcome is not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := running(t)
			q := w.ask(Call{Account: home, Op: run.Send{}, Within: aMinute})
			c.answer.Tag = w.last.Tag
			w.give(c.answer)
			r := w.answers[q].(run.Result)
			if r.Err == nil || !strings.Contains(r.Err.Error(), c.want) || channels.OutcomeOf(r.Err) != channels.Unknown {
				t.Errorf("%v, want %q", r.Err, c.want)
			}
			if errors.Is(c.answer.Err, kit.ErrLate) && !errors.Is(r.Err, kit.ErrLate) {
				t.Errorf("%v does not wrap what it is made of", r.Err)
			}
		})
	}
}

func TestWhoReplacesAConnectedRunAndIsConnectedBreaksNothingOff(t *testing.T) {
	w := running(t)
	w.give(run.Reported{Account: home, Run: 1, Condition: channels.Condition{Link: channels.Connected}})
	w.ask(Prepare{Accounts: []Account{account0(home, "b")}})
	w.quiet()
	w.give(says(channels.Connected))
	w.apply(account0(home, "b"))
	if told := kittest.Told[Disconnected](w.effects); len(told) != 0 {
		t.Error("the outbox hears that the account cannot send")
	}
}
