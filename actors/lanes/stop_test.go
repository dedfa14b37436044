package lanes

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

// takeAside lets everybody work until there is an answer with such a tag, and keeps it: it comes when the test gives it.
func takeAside[Tag any](w *world) kit.Answered {
	w.t.Helper()
	var none Tag
	for range 1000 {
		for i, a := range w.answers {
			if _, is := a.Tag.(Tag); is {
				w.answers = slices.Delete(w.answers, i, i+1)
				return a
			}
		}
		if len(w.answers) > 0 {
			w.deliver(0)
		}
		for _, to := range []kit.Addr{others.Journal, others.Agents, others.Access} {
			w.handle(to)
		}
	}
	w.t.Fatalf("nobody answers %T", none)
	return kit.Answered{}
}

// Who may stop is decided beside everything else, so the word may come when the /stop has had its turn. It is no leave to
// stop what came after.
func TestAWordAboutAStopThatComesLate(t *testing.T) {
	onlyBob := func(a channels.Arrival) access.Decision {
		return access.Decision{Allow: a.Sender.ID == "bob", Outcome: access.Denied}
	}
	play(t, []scenario{
		{"stops no later turn", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.settle()
			w.message("c", "/stop")
			word := takeAside[stopDecided](w)
			w.finish("net:home/1", agentsSay("just in time"))
			last := w.message("c", "2")
			w.settle()
			w.in(word)
			w.settle()
			w.finish("net:home/3", agentsSay("two"))
			w.settle()
			w.wantEnds(map[uint64]string{last: "done answered"})
			w.wantSaid("just in time", "["+idleText+"]", "two")
		}},
		{"stops nothing that is no turn", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.settle()
			heart := w.message("c", "❤", kind(channels.Reaction, "m1"))
			w.message("c", "/stop")
			word := takeAside[stopDecided](w)
			w.finish("net:home/1", agentsSay("just in time"))
			w.until(others.Access) // which is asked about the reaction
			w.in(word)
			w.settle()
			w.wantEnds(map[uint64]string{heart: "done " + Contexted})
			w.wantSaid("just in time", "["+idleText+"]")
		}},
		{"takes no answer back that is on its way to the journal", func(t *testing.T, w *world) {
			w.slow()
			seq := w.message("c", "1")
			w.settle()
			w.message("c", "/stop")
			word := takeAside[stopDecided](w)
			w.store.broken = journal.ErrIntake
			w.finish("net:home/1", agentsSay("just in time"))
			w.settle()
			w.in(word) // while it pauses before it writes once more
			w.store.broken = nil
			w.after(time.Minute)
			w.wantEnds(map[uint64]string{seq: "done answered"})
			w.wantSaid("just in time", "["+idleText+"]")
		}},
		{"is not taken for one about the next /stop", func(t *testing.T, w *world) {
			w.slow()
			w.decide = onlyBob
			w.message("c", "1")
			w.settle()
			w.message("c", "/stop")
			word := takeAside[stopDecided](w)
			w.finish("net:home/1", agentsSay("just in time"))
			w.message("c", "2")
			w.settle()
			stop := w.message("c", "/stop", from("eve"))
			denial := takeAside[stopDecided](w)
			w.in(word)
			w.settle()
			w.in(denial)
			w.settle()
			w.finish("net:home/3", agentsSay("two"))
			w.settle()
			w.wantEnds(map[uint64]string{3: "done answered", stop: "done denied"})
		}},
		{"does not keep the next /stop from being asked about", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.settle()
			w.message("c", "/stop")
			takeAside[stopDecided](w) // and nothing ever comes of it
			w.finish("net:home/1", agentsSay("just in time"))
			second := w.message("c", "2")
			w.settle()
			w.message("c", "/stop")
			w.settle()
			w.wantEnds(map[uint64]string{second: "done stopped"})
			w.wantSaid("just in time", "["+idleText+"]", "["+stoppedText+"]")
		}},
		{"stops the turn before the /stop, which was not the one under way when access was asked", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "1")
			w.settle()
			second := w.message("c", "2")
			w.message("c", "/stop")
			word := takeAside[stopDecided](w)
			w.finish("net:home/1", agentsSay("just in time"))
			w.settle()
			w.in(word)
			w.settle()
			w.wantEnds(map[uint64]string{second: "done stopped"})
			w.wantSaid("just in time", "["+stoppedText+"]")
		}},
		{"is not taken for one about another after the lane began anew", func(t *testing.T, w *world) {
			w.slow()
			w.decide = onlyBob
			w.message("c", "1")
			w.settle()
			second := w.message("c", "2")
			stop := w.message("c", "/stop")
			word := takeAside[stopDecided](w)
			w.message("c", "/stop", from("eve"))
			w.settle()
			for _, seq := range []uint64{1, stop} { // an operator drops them: the lane takes anew what is left
				w.store.items[seq].end = &journal.End{Seq: seq, State: journal.Dead, Outcome: "dropped"}
			}
			w.finish("net:home/1", agentsSay("for nobody"))
			denial := takeAside[stopDecided](w)
			w.in(word)
			w.settle()
			w.in(denial)
			w.settle()
			w.finish("net:home/2", agentsSay("two"))
			w.settle()
			w.wantEnds(map[uint64]string{second: "done answered"})
			w.wantSaid("two")
		}},
	})
}

// What was left in the journal below all that a lane holds must not be forgotten when the lane begins anew.
func TestALaneThatBeginsAnewTakesWhatItHadLeftBehind(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	w.slow()
	well := w.network
	w.network = func(a channels.Account, op run.Op) run.Result {
		r := well(a, op)
		if _, is := op.(run.Complete); is {
			r.Arrival.Conversation = "c"
		}
		return r
	}
	first := w.message("", "first", incomplete)
	w.until(boss) // the network looks for its conversation
	call := w.lines[boss]
	w.lines[boss] = nil
	second := w.message("c", "second")
	for _, text := range []string{"third", "fourth", "fifth"} {
		w.message("c", text)
	}
	w.settle()
	w.lines[boss] = call
	w.settle() // the lane is full: the first stays in the journal
	w.store.items[second].end = &journal.End{Seq: second, State: journal.Dead, Outcome: "dropped"}
	w.finish("net:home/2", agentsSay("for nobody"))
	w.settle()
	if got := w.lastTurn().Text; got != "first" {
		t.Errorf("after that %q is answered", got)
	}
	w.cure()
	w.wantEnds(map[uint64]string{first: "done answered"})
}

// What a lane asked for before it began anew does not fit what it holds since.
func TestALaneThatBeginsAnewHeedsNoOlderTake(t *testing.T) {
	w := newWorld(t).begin(nil)
	small(w)
	w.strict = true
	w.slow()
	for i := range 6 {
		w.message("c", fmt.Sprint(i+1))
	}
	w.settle()
	w.finish("net:home/1", agentsSay("ok"))
	w.settle()
	w.finish("net:home/2", agentsSay("ok"))
	page := takeAside[laneTaken](w)
	w.settle()
	w.store.items[3].end = &journal.End{Seq: 3, State: journal.Dead, Outcome: "dropped"}
	w.finish("net:home/3", agentsSay("for nobody"))
	w.until(others.Agents) // it begins with the fourth, which it took anew
	w.in(page)
	w.settle()
	if got := w.lastTurn().Text; got != "4" {
		t.Errorf("after that %q is answered", got)
	}
	w.cure()
}
