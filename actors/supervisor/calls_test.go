package supervisor

import (
	"errors"
	"testing"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

func TestOnlyASendThatSucceededIsALastReply(t *testing.T) {
	w := running(t)
	w.ask(Call{Account: home, Op: run.Typing{}, Within: aMinute})
	w.quiet()
	w.ask(Call{Account: home, Op: run.Send{}, Within: aMinute})
	w.give(kit.Answered{Tag: w.last.Tag, Msg: run.Result{Err: errWeird}})
	w.ask(Call{Account: home, Op: run.Send{}, Within: aMinute})
	w.give(kit.Answered{Tag: w.last.Tag, Err: kit.ErrLate})
	if got := w.row(home).lastOut; !got.IsZero() {
		t.Errorf("last reply at %s, want none", got)
	}
}

func TestACallWithoutTimeIsNotSent(t *testing.T) {
	w := running(t)
	q := w.ask(Call{Account: home, Op: run.Send{}})
	if r := w.answers[q].(run.Result); r.Err == nil || channels.OutcomeOf(r.Err) != channels.NotSent {
		t.Errorf("%v, want that it was not sent", r.Err)
	}
}

func TestCalls(t *testing.T) {
	for _, c := range []struct {
		name    string
		given   func(*world)
		want    channels.Outcome
		after   time.Duration
		receipt string
	}{
		{"a call goes to the current run", (*world).running, 0, 0, "sent"},
		{"before the run is up nothing is sent", func(w *world) { w.apply(account0(home, "a")) }, channels.NotSent, soon, ""},
		{"for an account that is not there nothing is sent", func(*world) {}, channels.NotSent, 0, ""},
		{"during a pause nothing is sent before the next try", func(w *world) { w.running(); w.fails(home, "reset"); w.quiet() }, channels.NotSent, firstPause, ""},
		{"while the account is refused nothing is sent", (*world).refused, channels.NotSent, 0, ""},
		{"while the run drains nothing is sent", (*world).hung, channels.NotSent, soon, ""},
		{"a run that is gone did not take the call", func(w *world) { w.running(); w.current(home).gone = true }, channels.NotSent, soon, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.given(w)
			q := w.ask(Call{Account: home, Op: run.Send{}, Within: aMinute})
			w.quiet()
			result, _ := w.answers[q].(run.Result)
			if c.receipt != "" {
				if result.Receipt.ID != c.receipt || result.Err != nil || !w.row(home).lastOut.Equal(w.now) {
					t.Errorf("%+v, want the receipt %q, and the time of it kept", result, c.receipt)
				}
				return
			}
			var failure *channels.Failure
			if !errors.As(result.Err, &failure) || failure.Outcome != c.want || failure.After != c.after {
				t.Errorf("%#v, want outcome %d after %s", result.Err, c.want, c.after)
			}
		})
	}
}

func TestLaw8_ACallOfARunThatIsFencedHasAnUnknownOutcome(t *testing.T) {
	w := newWorld(t, nil)
	w.running()
	w.current(home).hung = true
	q := w.ask(Call{Account: home, Op: run.Send{}, Within: aMinute})
	late := w.last.Tag
	w.open = nil // the run never answers
	w.ask(Order{Account: home, Do: "restart"})
	w.fire(drainOver{}, drainWithin).quiet()
	result := w.answers[q].(run.Result)
	if result.Err == nil || channels.OutcomeOf(result.Err) != channels.Unknown {
		t.Errorf("%v, want an unknown outcome", result.Err)
	}
	if effects := w.give(kit.Answered{Tag: late, Msg: run.Result{}}); effects != nil || !w.row(home).lastOut.IsZero() {
		t.Errorf("a late answer has effects: %#v", effects)
	}
}
