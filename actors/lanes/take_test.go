package lanes

import (
	"fmt"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

func TestWhatComesWhileALaneLooksIsNotLost(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	w.slow()
	for i := range 6 {
		w.message("c", fmt.Sprint(i))
	}
	w.settle()
	w.finish("net:home/1", agentsSay("ok"))
	w.settle()
	w.finish("net:home/2", agentsSay("ok"))
	for w.state.windows.Of(home).takes == 0 {
		w.handle(others.Journal)
		w.deliver(0)
	}
	w.handle(others.Journal) // the lane's own look: it sees what is there now
	looked := len(w.answers)
	w.message("c", "6")
	w.message("c", "7")
	for w.state.windows.Of(home).after < 8 {
		w.handle(others.Journal)
		w.deliver(looked)
	}
	for i := range 6 {
		w.settle()
		w.finish(fmt.Sprint("net:home/", i+3), agentsSay("ok"))
	}
	w.settle()
	for i, turn := range w.turns {
		if turn.Text != fmt.Sprint(i) {
			t.Errorf("turn %d is %q", i, turn.Text)
		}
	}
	w.idle()
}

// skipping is a world in which a page that leaves a conversation out goes on to what is new of it: the conversation's own
// look came before that. It returns the page, which is not delivered yet.
func skipping(t *testing.T) (*world, kit.Answered) {
	t.Helper()
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	w.slow()
	for i := range 6 {
		w.message("c", fmt.Sprint(i))
	}
	w.settle()
	w.finish("net:home/1", agentsSay("ok"))
	w.settle()
	w.finish("net:home/2", agentsSay("ok"))
	for w.state.windows.Of(home).takes == 0 {
		w.handle(others.Journal)
		w.deliver(0)
	}
	window := w.state.windows.Of(home)
	window.low = 5
	w.state.windows = w.state.windows.With(home, window)
	w.in(rescan{home})
	w.handle(others.Journal) // the lane's look: up to 6, and that is all
	w.message("c", "6")
	w.handle(others.Journal) // the page: from 5, without c
	page := w.answers[1]
	w.answers = w.answers[:1]
	w.settle()
	return w, page
}

func TestWhatAPageLeavesOutIsNotLost(t *testing.T) {
	finish := func(w *world, from, to int) {
		for i := from; i <= to; i++ {
			w.finish(fmt.Sprint("net:home/", i), agentsSay("ok"))
			w.settle()
		}
	}
	t.Run("its lane looks again", func(t *testing.T) {
		w, page := skipping(t)
		w.in(page)
		w.settle()
		finish(w, 3, 7)
		w.idle()
	})
	t.Run("where its lane is gone the scan goes back", func(t *testing.T) {
		w, page := skipping(t)
		finish(w, 3, 6)
		w.in(page)
		w.after(2 * rescanPause)
		finish(w, 7, 7)
		w.idle()
	})
}

func TestAnArrivalThatFindsItsConversationWaitsForTheScanBelowIt(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.slow()
	scan := func(after uint64, more bool) {
		window := w.state.windows.Of(home)
		window.after, window.more = after, more
		w.state.windows = w.state.windows.With(home, window)
	}
	w.settle()
	scan(1, false)
	w.message("c", "first")
	w.message("", "second", incomplete)
	well := w.network
	w.network = func(a channels.Account, op run.Op) run.Result {
		r := well(a, op)
		if _, is := op.(run.Complete); is {
			r.Arrival.Conversation = "c"
		}
		return r
	}
	w.until(boss)
	for w.state.windows.Of(home).takes > 0 {
		w.handle(others.Journal)
		w.deliver(0)
	}
	scan(0, true) // it has gone back and is not there yet
	w.settle()
	w.in(scanOn{home})
	w.settle()
	w.finish("net:home/1", agentsSay("ok"))
	w.after(2 * rescanPause)
	w.finish("net:home/2", agentsSay("ok"))
	w.settle()
	if w.turns[0].Text != "first" || w.turns[1].Text != "second" {
		t.Errorf("turns %+v", w.turns)
	}
	w.idle()
}

func TestAnEarlierArrivalWakesALaneThatWaitsForTheJournal(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	l := &lane{place: place{account: home, conversation: "c"}, agent: defaultAgent, behind: true, from: 10}
	window := w.state.windows.Of(home)
	window.lanes = window.lanes.With(defaultAgent, 1)
	w.state.windows, w.state.waiting = w.state.windows.With(home, window), w.state.waiting.With(defaultAgent, 1)
	w.state.lanes = w.state.lanes.Set(l.place, l)
	seq := w.message("", "/stop", incomplete)
	well := w.network
	w.network = func(a channels.Account, op run.Op) run.Result {
		r := well(a, op)
		if _, is := op.(run.Complete); is {
			r.Arrival.Conversation = "c"
		}
		return r
	}
	w.settle()
	w.wantEnds(map[uint64]string{seq: "done command"})
	w.idle()
}

func TestALookThatFailsIsRepeated(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	w.slow()
	for i := range 8 {
		w.message("c", fmt.Sprint(i))
	}
	w.settle()
	w.finish("net:home/1", agentsSay("ok"))
	w.settle()
	w.finish("net:home/2", agentsSay("ok"))
	for w.state.windows.Of(home).takes == 0 {
		w.handle(others.Journal)
		w.deliver(0)
	}
	w.store.broken = fmt.Errorf("disk")
	w.settle()
	w.store.broken = nil
	for i := range 6 {
		w.after(longestWait)
		w.finish(fmt.Sprint("net:home/", i+3), agentsSay("ok"))
	}
	w.cure()
}
