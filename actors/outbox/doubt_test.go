package outbox

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

func finds(c supervisor.Call) bool { _, is := c.Op.(run.Find); return is }

// ends is how the reply ends that is asked about here; a zero one if it does not.
func ends(effects []kit.Effect) journal.End {
	for _, ask := range kittest.Asked[journal.Commit](effects) {
		if end, is := ask.Msg.(journal.Commit).Ops[0].(journal.End); is {
			return end
		}
	}
	return journal.End{}
}

func TestLaw6_AnOutcomeThatIsNotFoundOut(t *testing.T) {
	t.Run("is the operator's at once where the network cannot be asked", func(t *testing.T) {
		w, ask := reached(t, finding)
		w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: run.ErrNotOffered}})
		if end := ends(w.todo); end.State != journal.Dead || !strings.Contains(end.Reason, "cannot be asked") {
			t.Errorf("it ends as %+v", end)
		}
	})
	t.Run("is looked for again for an hour, and then it is the operator's", func(t *testing.T) {
		w, ask := reached(t, finding)
		began := w.now
		for range 3 {
			w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: errors.New("down")}})
			if end := ends(w.todo); end.State != "" {
				t.Fatalf("after %v it ends as %+v", w.now.Sub(began), end)
			}
			ask, _ = asks(w, finds)
			w.now = w.now.Add(findUntil / 4)
		}
		w.now = began.Add(findUntil + time.Second)
		w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: errors.New("down")}})
		if end := ends(w.todo); end.State != journal.Dead || !strings.Contains(end.Reason, "could not be found out (down)") {
			t.Errorf("it ends as %+v", end)
		}
	})
}

func TestASendHasTheTimeThatItsNetworkNames(t *testing.T) {
	for name, c := range map[string]struct{ names, want time.Duration }{
		"a network that names one":  {7 * time.Second, 7 * time.Second},
		"a network that names none": {0, sendWithin},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1, 1, 1)
			a := w.state.Accounts.Of(home)
			a.cfg.Limits.SendWithin = c.names
			w.state = w.state.with(home, a)
			if ask, call := asks(w, func(c supervisor.Call) bool { return !finds(c) }); call.Within != c.want || ask.Within != c.want+callMargin {
				t.Errorf("it has %v, and the channel %v to answer; want %v", call.Within, ask.Within, c.want)
			}
		})
	}
}

// TestADrainBeginsNothingAndNamesWhatIsWithTheNetwork has one reply with the network and one that waits for its pause to end.
func TestADrainBeginsNothingAndNamesWhatIsWithTheNetwork(t *testing.T) {
	w, _ := one(t)
	a := w.state.Accounts.Of(home)
	paused := channels.Reply{Seq: 2, Account: home, Conversation: "b", At: w.now, Text: "2"}
	a.put("b", lane{held: []channels.Reply{paused}, paused: true, resume: 99})
	w.state = w.state.with(home, a)
	me := kit.ReturnTo(kit.Named("life"), 1)
	s, effects := Step(w.state, kit.In{Msg: Drain{By: w.now.Add(time.Second)}, From: me, Now: w.now})
	over := kittest.One[kit.After](t, effects)
	for _, msg := range []any{pauseOver{home, "b", 99}, supervisor.Connected{Account: home}, woken} {
		if s, effects = Step(s, kit.In{Msg: msg, Now: w.now}); len(effects) > 0 {
			t.Errorf("%T in a drain leads to %#v", msg, effects)
		}
	}
	_, effects = Step(s, kit.In{Msg: over.Msg, Now: w.now})
	if got := kittest.Answers[Drained](effects); len(got) != 1 || !slices.Equal(got[0].Left, []uint64{1}) {
		t.Errorf("answered %+v, want reply 1 left", got)
	}
}

func TestAnOperatorsMessageThatComesToNothing(t *testing.T) {
	me := kit.ReturnTo(kit.Named("admin"), 1)
	for _, c := range []struct {
		name    string
		resolve kit.Answered
		commit  kit.Answered
		want    string
	}{
		{"the channel does not answer", kit.Answered{Err: kit.ErrLate}, kit.Answered{}, "the channel of net:home gave no answer"},
		{"the network knows no such target", kit.Answered{Msg: run.Result{Err: errors.New("no such chat")}}, kit.Answered{}, `target "x": no such chat`},
		{"the journal does not answer", kit.Answered{Msg: run.Result{}}, kit.Answered{Err: kit.ErrLate}, "send again with the same key"},
		{"the journal refuses", kit.Answered{Msg: run.Result{}}, kit.Answered{Msg: journal.Committed{Err: journal.ErrIntake}}, journal.ErrIntake.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, effects := Step(newWorld(t, 1, 0, 1).state, kit.In{Msg: Post{Account: home, Target: "x", Text: "hi"}, From: me, Now: time.Unix(9, 0)})
			c.resolve.Tag = kittest.One[kit.Ask](t, effects).Tag
			s, effects = Step(s, kit.In{Msg: c.resolve})
			last := c.resolve
			if ask, commits := kittest.Find[kit.Ask](effects); commits {
				last = c.commit
				last.Tag = ask.Tag
				s, effects = Step(s, kit.In{Msg: last})
			}
			if got := kittest.Answers[Posted](effects); len(got) != 1 || got[0].Err == nil || !strings.Contains(got[0].Err.Error(), c.want) {
				t.Errorf("answered %+v, want %q", got, c.want)
			}
			if _, effects = Step(s, kit.In{Msg: last}); len(effects) != 0 || s.Posts.Len() != 0 {
				t.Errorf("the same again leads to %#v", effects)
			}
		})
	}
}
