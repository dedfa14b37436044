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

func TestLaw6_EveryReplyEndsOnceGoesOutAtMostOnceAndInOrder(t *testing.T) {
	for seed := range uint64(400) {
		w := newWorld(t, seed, 30, 4)
		for range 200 {
			if !w.step() {
				break
			}
			if w.rng.IntN(60) == 0 {
				w.boot() // a crash: what was under way is not known any more
			}
			if w.rng.IntN(30) == 0 {
				w.leave()
			}
		}
		w.settle()
		w.verdict()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestALongConversationIsTakenPieceByPieceToItsEnd(t *testing.T) {
	w := newWorld(t, 3, 5*perLane, 1)
	w.settle()
	w.verdict()
}

func FuzzStep(f *testing.F) {
	f.Add(uint64(1), uint8(5), uint8(2), uint16(40))
	f.Fuzz(func(t *testing.T, seed uint64, replies, conversations uint8, steps uint16) {
		w := newWorld(t, seed, int(replies%64), int(conversations%5)+1)
		for range steps % 500 {
			if !w.step() {
				break
			}
		}
		w.settle()
		w.verdict()
	})
}

func TestLaw9_AConversationThatCannotBeSentHidesNoOther(t *testing.T) {
	w := newWorld(t, 1, 0, 1)
	blocked := func(seq uint64) channels.Reply {
		return channels.Reply{Seq: seq, Account: home, Conversation: "blocked", At: w.now}
	}
	for seq := range uint64(5000) {
		w.disk = append(w.disk, blocked(seq+1))
	}
	w.disk = append(w.disk, channels.Reply{Seq: 5001, Account: home, Conversation: "free", At: w.now})
	w.lies = false
	w.give(journal.Woken{Queue: journal.Queue{Kind: journal.Replies, Account: home}})
	for range 20_000 {
		if _, over := w.ended[5001]; over {
			return
		}
		if len(w.todo) == 0 {
			break
		}
		e := w.todo[0]
		w.todo = w.todo[1:]
		ask, question := e.(kit.Ask)
		if !question {
			continue // no time passes
		}
		msg, err := w.answer(ask.Msg)
		if call, ok := ask.Msg.(supervisor.Call); ok {
			if s, sends := call.Op.(run.Send); sends && s.Reply.Conversation == "blocked" {
				delete(w.out, s.Reply.Seq)
				msg = run.Result{Err: &channels.Failure{Outcome: channels.NotSent, Err: errors.New("down")}}
			}
		}
		w.give(kit.Answered{Tag: ask.Tag, Msg: msg, Err: err})
	}
	t.Fatalf("the free conversation was never served; the blocked one has %d held", w.state.Accounts.Of(home).books.held)
}

// one is a world with a single reply that has been handed to the network.
func one(t *testing.T) (*world, kit.Ask) {
	t.Helper()
	w := newWorld(t, 1, 1, 1)
	w.lies = false
	for range 10 {
		for i, e := range w.todo {
			if ask, ok := e.(kit.Ask); ok {
				if call, ok := ask.Msg.(supervisor.Call); ok {
					if _, sends := call.Op.(run.Send); sends {
						w.todo = append(w.todo[:i:i], w.todo[i+1:]...)
						return w, ask
					}
				}
			}
		}
		w.step()
	}
	t.Fatal("the reply was never handed to the network")
	return nil, kit.Ask{}
}

func TestWhatANetworkSaysOfASend(t *testing.T) {
	fail := func(o channels.Outcome) error { return &channels.Failure{Outcome: o, Err: errors.New("x")} }
	for name, c := range map[string]struct {
		res     run.Result
		deaf    bool
		state   journal.State
		outcome string
		sends   int // after the first one
	}{
		"a receipt ends it as done":                         {run.Result{Receipt: channels.Receipt{ID: "p"}}, false, journal.Done, "sent", 0},
		"a rejection ends it as dead":                       {run.Result{Err: fail(channels.Rejected)}, false, journal.Dead, "rejected", 0},
		"not sent is sent again":                            {run.Result{Err: fail(channels.NotSent)}, false, journal.Done, "sent", 1},
		"a refused login keeps the message for later":       {run.Result{Err: &channels.Refusal{Err: errors.New("401")}}, false, journal.Done, "sent", 1},
		"an unknown outcome that is found is done":          {run.Result{Err: errors.New("cut")}, false, journal.Done, "sent", 1},
		"an unknown outcome that cannot be found is parked": {run.Result{Err: errors.New("cut")}, true, journal.Dead, "unknown", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w, ask := one(t)
			w.deaf = c.deaf
			w.give(kit.Answered{Tag: ask.Tag, Msg: c.res})
			w.settle()
			end, over := w.ended[1]
			if !over || end.State != c.state || end.Outcome != c.outcome || w.out[1] != c.sends {
				t.Errorf("ended %+v, sent %d more times; want %s %s and %d", end, w.out[1], c.state, c.outcome, c.sends)
			}
			if end.State == journal.Dead && end.Reason == "" {
				t.Error("a dead reply has no reason")
			}
		})
	}
}

func TestAnAnswerToAnEarlierAttemptChangesNothing(t *testing.T) {
	w, ask := one(t)
	w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: &channels.Failure{Outcome: channels.NotSent, Err: errors.New("x")}}})
	before := len(w.todo)
	w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Receipt: channels.Receipt{ID: "late"}}})
	if len(w.todo) != before || len(w.ended) != 0 {
		t.Errorf("a late answer led to %d new effects", len(w.todo)-before)
	}
	for range 2 { // the pause, then the attempt is written down and the network has it again
		w.step()
	}
	w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Receipt: channels.Receipt{ID: "late"}}})
	w.settle()
	if w.out[1] != 1 || len(w.ended) != 1 {
		t.Errorf("a late answer was taken for the new attempt's: sent %d times, ended %v", w.out[1], w.ended)
	}
}

func TestACrashInThePauseAfterASendThatDidNotGoOutLeavesNoDoubt(t *testing.T) {
	w, ask := one(t)
	w.deaf = true // whoever asks what became of it gets no answer, and the reply would be parked
	w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: &channels.Failure{Outcome: channels.NotSent, Err: errors.New("no route")}}})
	w.step() // it is written down
	w.boot()
	w.settle()
	if end := w.ended[1]; end.State != journal.Done || w.out[1] != 1 {
		t.Errorf("ended %+v, sent %d times; want done and once", end, w.out[1])
	}
}

func TestLaw6_WhatIsUnderWayForAnAccountThatIsGoneEndsAndNothingElseBegins(t *testing.T) {
	gone := func(w *world) { w.give(Configure{Revision: 2}) }
	t.Run("a send ends with its receipt", func(t *testing.T) {
		w, ask := one(t)
		gone(w)
		w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Receipt: channels.Receipt{ID: "p"}}})
		w.step()
		if end := w.ended[1]; end.State != journal.Done || w.state.Accounts.Len() != 0 {
			t.Errorf("ended %+v, left %+v", end, w.state.Accounts)
		}
	})
	t.Run("an attempt that is written down and was not made is taken back", func(t *testing.T) {
		w := newWorld(t, 1, 1, 1)
		w.lies = false
		for !slices.ContainsFunc(w.todo, func(e kit.Effect) bool {
			ask, asks := e.(kit.Ask)
			_, marks := ask.Msg.(journal.Commit)
			return asks && marks
		}) {
			w.step()
		}
		gone(w)
		for w.step() {
		}
		if r := w.disk[0]; r.Attempt != 1 || !r.FirstTry.IsZero() || w.out[1] != 0 {
			t.Errorf("on the disk is %+v, sent %d times: want an attempt that was not made", r, w.out[1])
		}
	})
	t.Run("an operator's message finds no account", func(t *testing.T) {
		w := newWorld(t, 1, 0, 1)
		s, effects := Step(w.state, kit.In{Msg: Post{Account: home, Target: "x", Text: "hi"}})
		ask := kittest.One[kit.Ask](t, effects)
		s, _ = Step(s, kit.In{Msg: Configure{Revision: 2}})
		_, effects = Step(s, kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: run.Result{Conversation: "x"}}})
		if got := kittest.Answers[Posted](effects); len(got) != 1 || got[0].Err == nil || len(kittest.Asked[journal.Commit](effects)) > 0 {
			t.Errorf("answered %+v", got)
		}
	})
}

func TestAReplyThatCannotBeSentForTooLongExpires(t *testing.T) {
	w, ask := one(t)
	a := w.state.Accounts.Of(home)
	a.cfg.Expire = time.Hour
	w.state = w.state.with(home, a)
	w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: &channels.Failure{Outcome: channels.NotSent, Err: errors.New("no route")}}})
	w.now = w.now.Add(2 * time.Hour)
	w.settle()
	if end := w.ended[1]; end.State != journal.Expired || !strings.Contains(end.Reason, "no route") {
		t.Errorf("ended %+v, want expired with the cause", end)
	}
}

func TestThePauseDoublesUpToItsCap(t *testing.T) {
	w, ask := one(t)
	var pauses []time.Duration
	tag := ask.Tag
	for range 9 {
		next, effects := Step(w.state, kit.In{Msg: kit.Answered{Tag: tag, Msg: run.Result{Err: &channels.Failure{Outcome: channels.NotSent, Err: errors.New("x")}}}, Now: w.now})
		closing := kittest.One[kit.Ask](t, effects)
		next, effects = Step(next, kit.In{Msg: kit.Answered{Tag: closing.Tag, Msg: journal.Committed{}}, Now: w.now})
		timer, ok := kittest.Find[kit.After](effects)
		if !ok {
			t.Fatal("no pause")
		}
		if _, noted := kittest.Find[kit.Note](effects); noted != (len(pauses) == 0) {
			t.Errorf("pause %d is a line of log: %t, want the first one only", len(pauses)+1, noted)
		}
		pauses = append(pauses, timer.Delay)
		next, effects = Step(next, kit.In{Msg: timer.Msg, Now: w.now})
		mark := kittest.One[kit.Ask](t, effects)
		next, effects = Step(next, kit.In{Msg: kit.Answered{Tag: mark.Tag, Msg: journal.Committed{}}, Now: w.now})
		w.state, tag = next, kittest.One[kit.Ask](t, effects).Tag
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		if pauses[i] != want*time.Second {
			t.Fatalf("the pauses are %v", pauses)
		}
	}
}

func TestPost(t *testing.T) {
	base := newWorld(t, 1, 0, 1).state
	me := kit.ReturnTo(kit.Named("admin"), 1)
	post := func(p Post) (State, []kit.Effect) { return Step(base, kit.In{Msg: p, From: me, Now: time.Unix(9, 0)}) }

	t.Run("an account that does not exist is named", func(t *testing.T) {
		_, effects := post(Post{Account: "net:nobody", Target: "x", Text: "hi"})
		if got := kittest.Answers[Posted](effects); len(got) != 1 || got[0].Err == nil || !strings.Contains(got[0].Err.Error(), "net:nobody") {
			t.Errorf("answered %+v", got)
		}
	})
	t.Run("a long text becomes parts that are claimed by the key one by one", func(t *testing.T) {
		s, effects := post(Post{Account: home, Target: "+1", Text: strings.Repeat("word ", 50), Key: "k"})
		ask := kittest.One[kit.Ask](t, effects)
		s, effects = Step(s, kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: run.Result{Conversation: "chat;1"}}})
		commit := kittest.Asked[journal.Commit](effects)[0]
		ops := commit.Msg.(journal.Commit)
		if !ops.Sync || len(ops.Ops) < 3 {
			t.Fatalf("committed %+v, want several parts and a sync", ops)
		}
		first := ops.Ops[0].(journal.AddReply)
		if first.Claim != "send|k|1" || first.Reply.Conversation != "chat;1" || first.Reply.Parts != len(ops.Ops) {
			t.Errorf("the first part is %+v", first)
		}
		s, effects = Step(s, kit.In{Msg: kit.Answered{Tag: commit.Tag, Msg: journal.Committed{Added: []uint64{7, 8, 9}}}})
		if got := kittest.Answers[Posted](effects); len(got) != 1 || len(got[0].Seqs) != 3 || s.Posts.Len() != 0 {
			t.Errorf("answered %+v, %d posts kept", got, s.Posts.Len())
		}
	})
	t.Run("a network that resolves nothing takes the target as it is", func(t *testing.T) {
		s, effects := post(Post{Account: home, Target: "raw", Text: "hi"})
		ask := kittest.One[kit.Ask](t, effects)
		_, effects = Step(s, kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: run.Result{Err: run.ErrNotOffered}}})
		op := kittest.Asked[journal.Commit](effects)[0].Msg.(journal.Commit).Ops[0].(journal.AddReply)
		if op.Reply.Conversation != "raw" || op.Claim != "" {
			t.Errorf("added %+v", op)
		}
	})
	t.Run("a used key is a duplicate", func(t *testing.T) {
		s, effects := post(Post{Account: home, Target: "raw", Text: "hi", Key: "k"})
		ask := kittest.One[kit.Ask](t, effects)
		s, effects = Step(s, kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: run.Result{Conversation: "raw"}}})
		commit := kittest.Asked[journal.Commit](effects)[0]
		_, effects = Step(s, kit.In{Msg: kit.Answered{Tag: commit.Tag, Msg: journal.Committed{Added: []uint64{0}}}})
		if got := kittest.Answers[Posted](effects); !got[0].Duplicate || len(got[0].Seqs) != 0 {
			t.Errorf("answered %+v", got)
		}
	})
}

func TestDrain(t *testing.T) {
	me := kit.ReturnTo(kit.Named("life"), 1)
	t.Run("it waits for what is in flight and begins nothing", func(t *testing.T) {
		w, ask := one(t)
		s, effects := Step(w.state, kit.In{Msg: Drain{By: w.now.Add(time.Second)}, From: me, Now: w.now})
		if len(kittest.Answers[Drained](effects)) != 0 {
			t.Fatal("drained while a send is in flight")
		}
		s, effects = Step(s, kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: run.Result{}}, Now: w.now})
		end := kittest.Asked[journal.Commit](effects)[0]
		_, effects = Step(s, kit.In{Msg: kit.Answered{Tag: end.Tag, Msg: journal.Committed{}}, Now: w.now})
		if got := kittest.Answers[Drained](effects); len(got) != 1 || len(got[0].Left) != 0 {
			t.Errorf("answered %+v, want drained with nothing left", got)
		}
	})
	t.Run("when the time is over it names what is left", func(t *testing.T) {
		w, _ := one(t)
		s, effects := Step(w.state, kit.In{Msg: Drain{By: w.now.Add(time.Second)}, From: me, Now: w.now})
		_, effects = Step(s, kit.In{Msg: kittest.One[kit.After](t, effects).Msg, Now: w.now})
		if got := kittest.Answers[Drained](effects); len(got) != 1 || len(got[0].Left) != 1 {
			t.Errorf("answered %+v, want reply 1 left", got)
		}
	})
}

// TestAsManyAsTheNetworkTakesBeginAndTheOldestFirst: two of three, although the third was the first in the alphabet.
func TestAsManyAsTheNetworkTakesBeginAndTheOldestFirst(t *testing.T) {
	w := newWorld(t, 1, 0, 1)
	w.disk = []channels.Reply{
		{Seq: 1, Account: home, Conversation: "c", At: w.now, Text: "1"},
		{Seq: 2, Account: home, Conversation: "b", At: w.now, Text: "2"},
		{Seq: 3, Account: home, Conversation: "a", At: w.now, Text: "3"},
	}
	w.boot()
	for range 20 {
		var begun []uint64
		for _, c := range []string{"a", "b", "c"} {
			if l := w.state.Accounts.Of(home).lanes.Of(c); l.work != 0 {
				begun = append(begun, l.held[0].Seq)
			}
		}
		if slices.Equal(begun, []uint64{2, 1}) {
			return
		}
		if len(begun) > 0 {
			t.Fatalf("%v began, want 1 and 2", begun)
		}
		w.step()
	}
	t.Fatal("nothing began")
}

func TestAReplyWhoseEndIsBeingWrittenDownKeepsNoOtherFromTheNetwork(t *testing.T) {
	w, ask := one(t)
	a := w.state.Accounts.Of(home)
	a.cfg.Limits.Parallel = 1
	a.put("b", lane{held: []channels.Reply{{Seq: 2, Account: home, Conversation: "b", At: w.now, Text: "2"}}})
	w.state = w.state.with(home, a)
	w.give(kit.Answered{Tag: ask.Tag, Msg: run.Result{Receipt: channels.Receipt{ID: "p"}}})
	lanes := w.state.Accounts.Of(home).lanes
	if first, second := lanes.Of("c0").step, lanes.Of("b").step; first != ending || second != marking {
		t.Errorf("the first reply is %q, the second %q; want ending and marking", first, second)
	}
}

func TestOneMoreBeginsWhileTheNetworkTakesMore(t *testing.T) {
	w, _ := one(t)
	a := w.state.Accounts.Of(home)
	if a.books.flight != 1 {
		t.Fatalf("%d are in flight, want 1", a.books.flight)
	}
	a.put("b", lane{held: []channels.Reply{{Seq: 2, Account: home, Conversation: "b", At: w.now, Text: "2"}}})
	next, _ := w.state.with(home, a).start(home, kit.In{Now: w.now})
	if got := next.Accounts.Of(home).books.flight; got != 2 {
		t.Errorf("%d are in flight, want 2", got)
	}
}
