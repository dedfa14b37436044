package lanes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

// written lets everybody work until a step is written of which such a thing is a part, and keeps the journal's word.
func written[O journal.Op](w *world) kit.Answered {
	w.t.Helper()
	known := len(w.store.commits)
	for range 100 {
		a := takeAside[attempt](w)
		if _, is := a.Msg.(journal.Committed); is {
			for _, c := range w.store.commits[known:] {
				if slices.ContainsFunc(c.Ops, func(op journal.Op) bool { _, is := op.(O); return is }) {
					return a
				}
			}
		}
		w.in(a)
	}
	w.t.Fatal("no such step is written")
	return kit.Answered{}
}

// TestNothingMoreIsDoneThanIsNeeded: what nobody would miss costs all the same.
func TestNothingMoreIsDoneThanIsNeeded(t *testing.T) {
	play(t, []scenario{
		{"a message that is answered is no line of log", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			if w.notes != 0 {
				t.Errorf("%d lines", w.notes)
			}
		}},
		{"a conversation that is new deletes nothing of an older form", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			for _, c := range w.store.commits {
				for _, op := range c.Ops {
					if set, is := op.(journal.SetState); is && set.Value == nil {
						t.Errorf("deleted %q", set.Name)
					}
				}
			}
		}},
		{"a reload that changes nothing asks nobody", func(t *testing.T, w *world) {
			w.message("c", "hi")
			w.settle()
			w.configure(nil)
			if len(w.effects) != 1 {
				t.Errorf("it leads to %#v", w.effects)
			}
		}},
		{"what waits in an account that is removed is let go at once", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "hi")
			w.settle()
			w.configure(func(c *Configure) { delete(c.Accounts, home) })
			if got := w.state.snapshot(); got.Lanes != 0 || len(w.effects) != 1 {
				t.Errorf("%+v, and it leads to %#v", got, w.effects)
			}
		}},
		{"for an account that is removed no network is asked about what comes then", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "it goes on with this one")
			w.settle()
			w.message("", "hi", incomplete)
			w.handle(others.Journal)
			asked := len(w.ops)
			w.configure(func(c *Configure) { delete(c.Accounts, home) })
			w.settle()
			if len(w.ops) != asked {
				t.Errorf("asked %#v", w.ops[asked:])
			}
		}},
		{"a turn that ends in a drain is the last", func(t *testing.T, w *world) {
			asked := 0
			w.decide = func(channels.Arrival) access.Decision { asked++; return access.Decision{Allow: true} }
			w.slow()
			w.message("c", "1")
			w.message("c", "2")
			w.settle()
			w.in(Drain{By: w.wall().Add(time.Minute)})
			w.finish("net:home/1", agentsSay("one"))
			w.settle()
			if asked != 1 || len(w.drained) != 1 {
				t.Errorf("access was asked %d times, drained %v", asked, w.drained)
			}
		}},
		{"what is tried again is not pinned again", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "look", files2(channels.Attachment{ID: "f1"}))
			w.after(5 * time.Second)
			pins := 0
			for _, c := range w.store.commits {
				for _, op := range c.Ops {
					if _, is := op.(journal.Pin); is {
						pins++
					}
				}
			}
			if pins != 1 || len(w.turns) < 3 {
				t.Errorf("%d pins in %d turns, want one", pins, len(w.turns))
			}
		}},
		{"who lets a lane go looks for what it held, and for nothing before", func(t *testing.T, w *world) {
			small(w)
			for i := range 9 {
				w.message("well", fmt.Sprint(i))
				w.settle()
			}
			w.down()
			for i := range 5 {
				w.message(fmt.Sprint("c", i), "hi")
				w.settle()
			}
			if got := w.state.windows.Of(home).low; got != 10 {
				t.Errorf("it looks again from %d, want 10", got)
			}
		}},
	})
}

func TestWhatWasLeftOutHasOneTimer(t *testing.T) {
	play(t, []scenario{{"also where something else looks for it first", func(t *testing.T, w *world) {
		small(w)
		w.down()
		for i := range 5 {
			w.message(fmt.Sprint("c", i), "hi")
			w.settle()
		}
		timers := func() (n int) {
			for _, e := range w.timers {
				if _, is := e.msg.(rescan); is {
					n++
				}
			}
			return n
		}
		before := timers()
		st := step{State: w.state}
		st.rescan(home, false) // there is room
		st.leaveOut(home, 1)
		w.state = st.State
		if len(st.effects) == 0 || before != 1 {
			t.Fatalf("%d timers, and looking leads to %#v", before, st.effects)
		}
		for _, e := range st.effects {
			if after, is := e.(kit.After); is {
				t.Errorf("another timer: %#v", after)
			}
		}
	}}})
}

func TestWhatHasEndedIsKnownWhileATakeIsUnderWay(t *testing.T) {
	st := step{State: newWorld(t).begin(nil).settle().state}
	w := st.windows.Of(home)
	w.takes, w.ended = 2, []uint64{5}
	st.set(w)
	for _, known := range []bool{true, false} {
		st.tookAway(home)
		if got := st.windows.Of(home); got.knows(5) != known {
			t.Errorf("with %d takes under way it is known: %t", got.takes, got.knows(5))
		}
	}
}

func TestDrains(t *testing.T) {
	play(t, []scenario{
		{"the first one says until when, and all are answered", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "hi")
			w.settle()
			w.in(Drain{By: w.wall().Add(time.Minute)})
			timers := len(w.timers)
			w.in(Drain{By: w.wall().Add(time.Hour)})
			if len(w.timers) != timers {
				t.Error("the second one has a time of its own")
			}
			w.after(time.Minute)
			if len(w.drained) != 2 || len(w.drained[0].Left) != 1 || len(w.drained[1].Left) != 1 {
				t.Errorf("drained %+v", w.drained)
			}
		}},
		{"when time is over only what an agent works on is stopped", func(t *testing.T, w *world) {
			w.slow()
			w.message("turn", "hi")
			w.settle()
			w.message("step", "hi")
			written[journal.SetState](w) // of the second one, which says so too late
			w.in(Drain{By: w.wall()})
			w.in(drainEnd{})
			var stopped []string
			for _, e := range w.effects {
				if tell, is := e.(kit.Tell); is {
					stopped = append(stopped, tell.Msg.(agents.Stop).ID)
				}
			}
			if !slices.Equal(stopped, []string{"net:home/1"}) {
				t.Errorf("stopped %q", stopped)
			}
		}},
	})
}

func TestTheSnapshot(t *testing.T) {
	play(t, []scenario{
		{"has no age of nothing", func(t *testing.T, w *world) {
			if got := w.state.snapshot().Oldest; got != 0 {
				t.Errorf("the oldest of nothing is %v old", got)
			}
		}},
		{"shows no conversation as blocked that is well", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "hi")
			w.settle()
			if got := w.state.snapshot().Blocked; len(got) != 0 {
				t.Errorf("blocked: %+v", got)
			}
		}},
		{"shows none that was blocked and goes on", func(t *testing.T, w *world) {
			w.down()
			w.message("c", "1")
			w.message("c", "2")
			w.settle()
			w.slow()
			w.after(2 * time.Second)
			w.finish("net:home/1", agentsSay("at last"))
			w.settle()
			if got := w.state.snapshot(); len(got.Blocked) != 0 || got.Turns != 1 {
				t.Errorf("%+v", got)
			}
		}},
	})
}

func TestAStopBetweenTheMarkAndTheTurn(t *testing.T) {
	play(t, []scenario{{"begins no turn", func(t *testing.T, w *world) {
		seq := w.message("c", "hi")
		word := written[journal.SetState](w)
		w.message("c", "/stop")
		w.settle()
		w.in(word)
		w.settle()
		w.wantEnds(map[uint64]string{seq: "done stopped"})
		w.wantSaid("[" + stoppedText + "]")
		if len(w.turns) != 0 {
			t.Errorf("%d turns", len(w.turns))
		}
	}}})
}

func TestWhatAMessageIsMadeOf(t *testing.T) {
	play(t, []scenario{
		{"a piece without text leaves no empty line", func(t *testing.T, w *world) {
			pieces(w)
			w.message("c", "", files2(channels.Attachment{ID: "f1"}))
			w.message("c", "look")
			w.after(2 * time.Second)
			if got := w.lastTurn(); got.Text != "look" || len(got.Attachments) != 1 {
				t.Errorf("the turn says %q with %d files", got.Text, len(got.Attachments))
			}
		}},
		{"a network without a limit of its own leaves the operator's", func(t *testing.T, w *world) {
			w.configure(func(c *Configure) {
				a := c.Accounts[home]
				a.Limits.Attachment, a.Common.MediaMaxMB = 0, 1
				c.Accounts[home] = a
			})
			w.message("c", "look", files2(channels.Attachment{ID: "f1", Size: 1 << 20}, channels.Attachment{ID: "f2", Size: 1<<20 + 1}))
			w.settle()
			if got := w.lastTurn().Attachments; got[0].Blob == "" || got[0].Gone != "" || !strings.Contains(got[1].Gone, "too large") {
				t.Errorf("got %+v", got)
			}
		}},
		{"one of which the network knows all but the conversation is dead", func(t *testing.T, w *world) {
			onOp(w, func(op run.Complete, _ int) run.Result {
				a := op.Arrival
				a.Incomplete = false
				return run.Result{Arrival: a}
			})
			seq := w.message("", "hi", incomplete)
			w.settle()
			w.wantEnds(map[uint64]string{seq: "dead homeless"})
			if got := w.store.items[seq].end.Reason; got != "the network does not say which conversation it belongs to" {
				t.Errorf("because %q", got)
			}
		}},
	})
}

func TestWhatIsSaidOfATurn(t *testing.T) {
	play(t, []scenario{
		{"a network that cannot show typing is not told that it is over", func(t *testing.T, w *world) {
			times := 0
			onOp(w, func(run.Typing, int) run.Result { times++; return run.Result{Err: run.ErrNotOffered} })
			w.slow()
			for i := range 2 {
				w.message("c", "hi")
				w.settle()
				w.finish(fmt.Sprint("net:home/", i+1), agentsSay("yes"))
				w.settle()
			}
			if times != 1 {
				t.Errorf("it was asked %d times, want once", times)
			}
		}},
		{"a message whose time was over when it came has no last failure", func(t *testing.T, w *world) {
			seq := w.message("c", "hi", func(a *channels.Arrival) { a.At = start.Add(-30 * 24 * time.Hour) })
			w.settle()
			w.wantEnds(map[uint64]string{seq: "expired late"})
			if got := w.store.items[seq].end.Reason; got != "not answered in time" {
				t.Errorf("because %q", got)
			}
		}},
		{"a /stop that the lane takes for itself stops the turn under way", func(t *testing.T, w *world) {
			small(w)
			w.decide = func(a channels.Arrival) access.Decision {
				return access.Decision{Allow: a.Sender.ID == "bob", Outcome: access.Denied}
			}
			w.slow()
			for i := range 4 {
				w.message("c", fmt.Sprint(i+1))
			}
			w.message("c", "/stop", from("eve"))
			w.message("c", "/stop") // for which there is no room
			w.settle()
			for i := range 3 {
				w.finish(fmt.Sprint("net:home/", i+1), agentsSay("yes"))
				w.settle()
			}
			w.wantEnds(map[uint64]string{3: "done answered", 4: "done stopped"})
		}},
	})
}

func TestALaneThatLooksForWhatWasLeftBehind(t *testing.T) {
	t.Run("looks from the lowest", func(t *testing.T) {
		var l lane
		for _, seq := range []uint64{7, 5, 9} {
			l.leaveBehind(seq)
		}
		if l.missed != 5 || l.from != 4 || !l.behind {
			t.Errorf("missed %d, from %d, behind %t", l.missed, l.from, l.behind)
		}
	})
	play(t, []scenario{{"takes nothing in that it does not ask for any more", func(t *testing.T, w *world) {
		w.slow()
		w.message("c", "hi")
		w.settle()
		w.in(kit.Answered{Tag: laneTaken{place{account: home, conversation: "c"}, 999}, Msg: journal.Taken{
			Arrivals: []channels.Arrival{{Seq: 50, Account: home, Conversation: "c", Kind: channels.Message}},
		}})
		if got := w.state.snapshot().Held; got != 1 {
			t.Errorf("%d held", got)
		}
	}}})
}
