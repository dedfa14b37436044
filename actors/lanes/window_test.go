package lanes

import (
	"fmt"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/run"
	"holdfast/channels"
)

// small makes the bounds so narrow that everything is left out now and then.
func small(w *world) {
	w.state.bounds = bounds{lanes: 4, unresolved: 2, lane: 4, stops: 1, page: 4}
}

// downFor lets the turns of some conversations fail for now and answers all others.
func (w *world) downFor(blocked func(conversation string) bool) {
	w.agent = func(t backend.Turn) *agents.Turned {
		if blocked(t.Conversation) {
			return &agents.Turned{Err: fmt.Errorf("no connection")}
		}
		said := agentsSay("re: " + t.Text)
		return &said
	}
}

func TestLaw9_ABlockedConversationHidesNoOther(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	w.downFor(func(c string) bool { return c[0] == 'b' })
	for i := range 20 {
		for range 10 {
			w.message(fmt.Sprint("b", i), "hi")
		}
	}
	w.after(time.Minute)
	free := w.message("free", "hi")
	w.after(2 * rescanPause)
	w.wantEnds(map[uint64]string{free: "done answered"})
	w.downFor(func(string) bool { return false })
	w.cure()
}

func TestEveryBlockedConversationIsTriedAgainAlthoughTheyDoNotFit(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	tried := map[string]int{}
	w.agent = func(t backend.Turn) *agents.Turned {
		tried[t.Conversation]++
		return &agents.Turned{Err: fmt.Errorf("no connection")}
	}
	const conversations = 20
	for i := range conversations {
		w.message(fmt.Sprint("b", i), "hi")
	}
	w.after(10 * time.Minute)
	for i := range conversations {
		// Four lanes take turns for twenty: each conversation has one for half a minute of every two and a half.
		if n := tried[fmt.Sprint("b", i)]; n < 4 || n > 40 {
			t.Errorf("conversation %d was tried %d times", i, n)
		}
	}
}

func TestALaneThatIsAtWorkMakesNoRoom(t *testing.T) {
	w := newWorld(t).begin(nil)
	w.state.bounds.lanes = 1
	w.strict = true
	w.down()
	w.message("b", "hi")
	w.settle()
	w.slow()
	w.after(2 * time.Second)
	w.message("c", "hi")
	w.settle()
	if len(w.running) != 1 {
		t.Fatalf("running %v", w.running)
	}
	w.finish("net:home/1", agentsSay("at last"))
	w.settle()
	w.wantSaid("at last")
	w.after(2 * rescanPause)
	w.finish("net:home/2", agentsSay("and you"))
	w.settle()
	w.wantSaid("at last", "and you")
	w.idle()
}

func TestALaneThatHoldsAnAnswerMakesNoRoom(t *testing.T) {
	w := newWorld(t).begin(nil)
	w.state.bounds.lanes = 1
	w.strict = true
	w.slow()
	w.message("b", "hi")
	w.settle()
	w.store.broken = fmt.Errorf("disk")
	w.finish("net:home/1", agentsSay("precious"))
	w.settle()
	w.store.broken = nil
	w.message("c", "hi")
	w.settle()
	w.after(2 * rescanPause)
	w.finish("net:home/2", agentsSay("and you"))
	w.settle()
	w.wantSaid("precious", "and you")
	w.idle()
}

func TestAPageThatNamesWhatHasEndedMeanwhileBeginsNothing(t *testing.T) {
	w := newWorld(t).begin(nil)
	w.strict = true
	w.slow()
	w.message("c", "hi")
	w.settle()
	window := w.state.windows.Of(home)
	window.low = 1
	w.state.windows = w.state.windows.With(home, window)
	w.in(rescan{home})
	w.handle(others.Journal)
	w.finish("net:home/1", agentsSay("yes"))
	page := w.answers[0]
	w.answers = w.answers[1:]
	w.settle()
	w.in(page)
	w.settle()
	if len(w.turns) != 1 {
		t.Errorf("%d turns", len(w.turns))
	}
	w.wantSaid("yes")
	w.idle()
}

func TestLaw9_ASlowAgentHidesNoOther(t *testing.T) {
	w := newWorld(t).begin(func(c *Configure) { bound("other", "free")(c) })
	small(w)
	w.strict = true
	w.agent = func(t backend.Turn) *agents.Turned {
		if t.Agent == "default" {
			return nil // all its slots are taken, everything waits
		}
		said := agentsSay("quick")
		return &said
	}
	for i := range 50 {
		w.message(fmt.Sprint("c", i), "hi")
	}
	free := w.message("free", "hi")
	w.after(time.Minute)
	w.wantEnds(map[uint64]string{free: "done answered"})
	rescans := 0
	for _, timer := range w.timers {
		if _, is := timer.msg.(rescan); is {
			rescans++
		}
	}
	if rescans != 1 {
		t.Errorf("%d timers go back to what was left out", rescans)
	}
	if got := w.state.snapshot(); got.Turns != w.state.bounds.lanes || got.Held != w.state.bounds.lanes {
		t.Errorf("it holds %+v", got)
	}
}

func TestLaw9_ArrivalsThatFindNoConversationHideNoOther(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	well := w.network
	w.network = func(a channels.Account, op run.Op) run.Result {
		if _, is := op.(run.Complete); is {
			return run.Result{Err: notSent}
		}
		return well(a, op)
	}
	for range 30 {
		w.message("", "where?", incomplete)
	}
	free := w.message("free", "hi")
	w.settle()
	w.wantEnds(map[uint64]string{free: "done answered"})
	if got := w.state.windows.Of(home).unresolved; got != w.state.bounds.unresolved {
		t.Errorf("%d are resolved at once", got)
	}
	w.network = func(a channels.Account, op run.Op) run.Result {
		r := well(a, op)
		if _, is := op.(run.Complete); is {
			r.Arrival.Conversation = "found"
		}
		return r
	}
	w.cure()
	if len(w.turns) != 31 {
		t.Errorf("%d turns", len(w.turns))
	}
}

func TestLaw9_AFloodInOneConversationIsHeldInPart(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	w.slow()
	for i := range 100 {
		w.message("c", fmt.Sprint(i))
	}
	w.settle()
	if got := w.state.snapshot().Held; got > w.state.bounds.lane {
		t.Errorf("%d are held", got)
	}
	for i := range 100 {
		w.finish(fmt.Sprint("net:home/", i+1), agentsSay("ok"))
		w.settle()
		if w.turns[i].Text != fmt.Sprint(i) {
			t.Fatalf("turn %d is %q", i, w.turns[i].Text)
		}
	}
	w.idle()
}

func TestLaw9_AFloodOfStopsIsHeldInPart(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	w.slow()
	w.decide = func(a channels.Arrival) access.Decision {
		return access.Decision{Allow: a.Sender.ID == "bob", Outcome: access.Denied}
	}
	w.message("c", "write a novel")
	for range 50 {
		w.message("c", "/stop", from("eve"))
	}
	w.settle()
	if got := w.state.snapshot().Held; got > w.state.bounds.lane+w.state.bounds.stops {
		t.Errorf("%d are held", got)
	}
	w.finish("net:home/1", agentsSay("once upon a time"))
	w.cure()
}

func TestLaw6_EveryArrivalTakenEndsExactlyOnce(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	for i := range 300 {
		w.message(fmt.Sprint("c", i%37), fmt.Sprint(i))
		if i%50 == 0 {
			w.after(time.Second)
		}
		if i == 200 {
			w.restart(nil)
		}
	}
	w.cure()
	ends := map[uint64]int{}
	for _, c := range w.store.commits {
		for _, op := range c.Ops {
			if seq, is := ended(op); is {
				ends[seq]++
			}
		}
	}
	for seq := range w.store.seq {
		if ends[seq+1] != 1 {
			t.Errorf("arrival %d ended %d times", seq+1, ends[seq+1])
		}
	}
}

func TestTheBoundsOfAnAccountAreThoseThatAreDocumented(t *testing.T) {
	if got := NewState(others).bounds; got != defaults() {
		t.Errorf("got %+v", got)
	}
}
