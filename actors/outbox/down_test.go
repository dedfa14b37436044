package outbox

import (
	"errors"
	"slices"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

func TestAnAccountThatCanSendAgainEndsPauses(t *testing.T) {
	for name, c := range map[string]struct {
		failure channels.Failure
		goes    bool
	}{
		"of what could not be sent":            {channels.Failure{Outcome: channels.NotSent, Err: errors.New("no run")}, true},
		"but not one that the network named":   {channels.Failure{Outcome: channels.NotSent, Err: errors.New("slow down"), After: time.Minute}, false},
		"of what is looked up before all else": {channels.Failure{Outcome: channels.Unknown, Err: errors.New("cut off")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, ask := one(t)
			next, effects := Step(w.state, kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: &c.failure}}, Now: w.now})
			if closing, asks := kittest.Find[kit.Ask](effects); asks {
				next, effects = Step(next, kit.In{Msg: kit.Answered{Tag: closing.Tag, Msg: journal.Committed{}}, Now: w.now})
			}
			pause := kittest.One[kit.After](t, slices.DeleteFunc(effects, func(e kit.Effect) bool { _, note := e.(kit.Note); return note }))
			next, effects = Step(next, kit.In{Msg: supervisor.Connected{Account: home}, Now: w.now})
			if _, goes := kittest.Find[kit.Ask](effects); goes != c.goes {
				t.Fatalf("it goes on: %t", goes)
			}
			if _, effects = Step(next, kit.In{Msg: pause.Msg, Now: w.now}); (len(effects) > 0) == c.goes {
				t.Errorf("then its timer leads to %+v", effects)
			}
		})
	}
	for _, msg := range []any{supervisor.Connected{Account: home}, supervisor.Disconnected{Account: home}} {
		if s, effects := Step(State{}, kit.In{Msg: msg}); len(effects) > 0 || s.Accounts.Len() > 0 {
			t.Errorf("%T of an account that nobody knows leads to %+v, and %d accounts", msg, effects, s.Accounts.Len())
		}
	}
}

func TestLaw6_NothingIsBegunForAnAccountThatIsDown(t *testing.T) {
	for name, lost := range map[string]bool{"a new reply": false, "one whose outcome is not known": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1, 3, 2)
			if lost {
				w.disk[0].Attempt, w.disk[0].FirstTry = 1, w.now
			}
			w.boot()
			w.give(supervisor.Disconnected{Account: home})
			w.lies = false
			for range 40 {
				w.step()
			}
			for _, r := range w.disk {
				if begun := lost && r.Seq == 1; begun == r.FirstTry.IsZero() || len(w.ended) > 0 {
					t.Fatalf("begun while the account is down: %+v, ended %v", r, w.ended)
				}
			}
			if got := w.state.snapshot().Accounts[0]; got.Blocked == 0 || got.LastErr != "the account is not connected" {
				t.Errorf("the status is %+v", got)
			}
			w.give(supervisor.Connected{Account: home})
			w.settle()
			if len(w.ended) != 3 {
				t.Errorf("ended, once it is up: %v", w.ended)
			}
		})
	}
}
