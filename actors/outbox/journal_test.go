package outbox

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

var woken = journal.Woken{Queue: journal.Queue{Kind: journal.Replies, Account: home}}

// asks takes the first question of that kind out of what is under way, after as many steps as it takes to be there.
func asks[M any](w *world, is func(M) bool) (kit.Ask, M) {
	w.t.Helper()
	w.lies = false
	for range 1000 {
		for i, e := range w.todo {
			if ask, ok := e.(kit.Ask); ok {
				if m, ok := ask.Msg.(M); ok && is(m) {
					w.todo = slices.Delete(w.todo, i, i+1)
					return ask, m
				}
			}
		}
		if !w.step() {
			break
		}
	}
	var none M
	w.t.Fatalf("a %T is never asked", none)
	return kit.Ask{}, none
}

func whichever[M any](M) bool { return true }

// reply puts one more on the disk.
func (w *world) reply(conversation string) {
	w.disk = append(w.disk, channels.Reply{Seq: uint64(len(w.disk) + 1), Account: home, Conversation: conversation, At: w.now, Text: "hi"})
}

func TestTakes(t *testing.T) {
	cases := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"a wake-up of an account that was idle brings what is new", func(t *testing.T, w *world) {
			w.settle()
			for w.step() {
			}
			w.reply("b")
			w.give(woken)
			w.settle()
			w.verdict()
		}},
		{"a journal that fails is asked again", func(t *testing.T, w *world) {
			for _, answer := range []kit.Answered{{Err: kit.ErrLate}, {Msg: journal.Taken{Err: journal.ErrIntake}}} {
				ask, _ := asks(w, whichever[journal.Take])
				answer.Tag = ask.Tag
				w.give(answer)
			}
			w.settle()
			w.verdict()
		}},
		{"an account that a reload leaves alone asks for nothing", func(t *testing.T, w *world) {
			w.settle()
			for w.step() {
			}
			w.configure()
			if len(w.todo) > 0 {
				t.Errorf("a reload leads to %#v", w.todo)
			}
		}},
		{"a conversation with nothing left is forgotten", func(t *testing.T, w *world) {
			w.settle()
			for w.step() {
			}
			if a := w.state.Accounts.Of(home); a.lanes.Len() != 0 {
				t.Errorf("kept %s", w.state.render())
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1, 1, 1)
			w.lies = false
			c.run(t, w)
		})
	}
}

// long is a world with one conversation of which the journal has more than a lane holds, at the moment when the rest is asked
// for.
func long(t *testing.T) (*world, kit.Ask) {
	w := newWorld(t, 1, perLane+4, 1)
	ask, _ := asks(w, func(m journal.Take) bool { return m.Conversation != "" })
	return w, ask
}

func TestTheRestOfALongConversationHidesNoOtherThatCameMeanwhile(t *testing.T) {
	w, ask := long(t)
	w.reply("b")
	w.reply("c0")
	w.give(kit.Answered{Tag: ask.Tag, Msg: w.take(ask.Msg.(journal.Take))})
	w.give(woken)
	w.settle()
	w.verdict()
}

func TestAnAccountMayGoWhileTheRestOfAConversationIsAskedFor(t *testing.T) {
	w, _ := long(t)
	w.give(Configure{Revision: 2})
	if w.state.Accounts.Len() != 0 {
		t.Errorf("nothing is under way for it, and it is kept: %s", w.state.render())
	}
}

func TestWhoWaitsForAccountsThatAreGoneDoesNotWaitForOthers(t *testing.T) {
	w, _ := one(t)
	if _, effects := Step(w.state, kit.In{Msg: Settle{}}); len(kittest.Answers[Settled](effects)) != 1 {
		t.Errorf("nobody is gone, and it leads to %#v", effects)
	}
}

// reached is a world whose one reply has come to that step, and the question that it waits for.
func reached(t *testing.T, what step) (*world, kit.Ask) {
	w := newWorld(t, 1, 1, 1)
	if what == asking || what == finding { // the outcome of its last attempt is not known
		w.disk[0].Attempt, w.disk[0].FirstTry = 1, w.now
		w.boot()
	}
	w.lies = false
	for range 100 {
		at := w.state.Accounts.Of(home).lanes.Of("c0").step
		i := slices.IndexFunc(w.todo, func(e kit.Effect) bool { ask, _ := e.(kit.Ask); _, its := ask.Tag.(stepped); return its })
		switch {
		case i >= 0 && at == what:
			ask := w.todo[i].(kit.Ask)
			w.todo = nil
			return w, ask
		case i >= 0 && at == sending && what == closing:
			ask := w.todo[i].(kit.Ask)
			w.todo = slices.Delete(w.todo, i, i+1)
			w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: &channels.Failure{Outcome: channels.NotSent, Err: errors.New("no route")}}})
		default:
			w.step()
		}
	}
	t.Fatalf("step %q is never reached", what)
	return nil, kit.Ask{}
}

func TestLaw6_WhatIsAnsweredInAStepThatFails(t *testing.T) {
	dropped := kit.Answered{Msg: journal.Committed{Err: journal.ErrEnded}}
	refused := kit.Answered{Msg: journal.Committed{Err: journal.ErrIntake}}
	late := kit.Answered{Err: kit.ErrLate}
	for _, c := range []struct {
		name   string
		at     step
		answer kit.Answered
		cause  string // of the pause; empty: the reply is let go
		doubt  bool   // it is looked up before it is sent again
	}{
		{"an attempt that the operator ended is not made", marking, dropped, "", false},
		{"an attempt that is not written down is not made", marking, refused, "did not take the attempt", false},
		{"an attempt of which nobody knows whether it is written down is not made", marking, late, "did not take the attempt", false},
		{"a channel that does not answer leaves a doubt", sending, late, "gave no answer", true},
		{"what the operator ended is not sent again", closing, dropped, "", false},
		{"that an attempt came to nothing is not written down", closing, refused, "no route", true},
		{"nobody knows whether it is written down that an attempt came to nothing", closing, late, "no route", true},
		{"the journal does not say which messages are ours", asking, late, "which messages are ours", true},
		{"the journal cannot say which messages are ours", asking, kit.Answered{Msg: journal.OursAre{Err: journal.ErrIntake}}, "which messages are ours", true},
		{"a channel that does not answer what became of it is asked again", finding, late, "gave no answer", true},
		{"what the operator ended has ended", ending, dropped, "", false},
		{"an end that is not written down is found out again", ending, refused, "did not take the end", true},
		{"an end of which nobody knows is found out again", ending, late, "did not take the end", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, ask := reached(t, c.at)
			c.answer.Tag = ask.Tag
			w.give(c.answer)
			a := w.state.Accounts.Of(home)
			l, kept := a.lanes.Get("c0")
			if kept != (c.cause != "") || len(kittest.Asked[supervisor.Call](w.todo)) != 0 {
				t.Fatalf("the reply is kept: %t, and then %#v", kept, w.todo)
			}
			if kept && (!l.paused || !strings.Contains(a.cause, c.cause) || l.held[0].FirstTry.IsZero() == c.doubt) {
				t.Errorf("it pauses: %t, because %q, first tried %v", l.paused, a.cause, l.held[0].FirstTry)
			}
		})
	}
}
