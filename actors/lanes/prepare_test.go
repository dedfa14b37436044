package lanes

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

var (
	errStopped = errors.New("stopped")
	notSent    = &channels.Failure{Outcome: channels.NotSent, Err: errors.New("no run is up")}
	rejected   = &channels.Failure{Outcome: channels.Rejected, Err: errors.New("there is no such file")}
)

func files2(list ...channels.Attachment) func(*channels.Arrival) {
	return func(a *channels.Arrival) { a.Attachments = list }
}

func incomplete(a *channels.Arrival) { a.Incomplete = true }

// onOp answers one sort of op; everything else is well.
func onOp[O run.Op](w *world, answer func(op O, times int) run.Result) {
	well, times := w.network, 0
	w.network = func(account channels.Account, op run.Op) run.Result {
		if op, is := op.(O); is {
			times++
			return answer(op, times)
		}
		return well(account, op)
	}
}

func TestAttachments(t *testing.T) {
	play(t, []scenario{
		{"they are fetched, written down and pinned before the turn", func(t *testing.T, w *world) {
			seq := w.message("c", "look", files2(channels.Attachment{ID: "f1", Name: "a.png"}, channels.Attachment{ID: "f2"}))
			w.settle()
			if got := w.lastTurn().Attachments; len(got) != 2 || got[0].Blob != blob("f1") || got[1].Blob != blob("f2") {
				t.Errorf("got %+v", got)
			}
			it := w.store.items[seq]
			if !it.pins[blob("f1")] || !it.pins[blob("f2")] || it.arrival.Attachments[0].Blob == "" {
				t.Errorf("kept %+v", it)
			}
		}},
		{"a message may be nothing but them", func(t *testing.T, w *world) {
			w.message("c", "", files2(channels.Attachment{ID: "f1"}))
			w.settle()
			if got := w.lastTurn().Attachments; len(got) != 1 {
				t.Errorf("got %+v", got)
			}
		}},
		{"one that is too large is not fetched, and the agent hears why", func(t *testing.T, w *world) {
			w.message("c", "look", files2(channels.Attachment{ID: "f1", Size: 2 << 20}))
			w.settle()
			if got := w.lastTurn().Attachments; len(got) != 1 || !strings.Contains(got[0].Gone, "too large") {
				t.Errorf("got %+v", got)
			}
		}},
		{"the bound given to the network is the smaller of the two", func(t *testing.T, w *world) {
			var most int64
			onOp(w, func(op run.Fetch, _ int) run.Result { most = op.Max; return run.Result{Err: rejected} })
			w.message("c", "look", files2(channels.Attachment{ID: "f1"}))
			w.settle()
			if most != 1<<20 {
				t.Errorf("got %d", most)
			}
		}},
		{"one that the network will never give is gone, and the agent hears why", func(t *testing.T, w *world) {
			onOp(w, func(run.Fetch, int) run.Result { return run.Result{Err: rejected} })
			w.message("c", "look", files2(channels.Attachment{ID: "f1"}))
			w.settle()
			if got := w.lastTurn().Attachments; len(got) != 1 || got[0].Gone != "there is no such file" {
				t.Errorf("got %+v", got)
			}
		}},
		{"while no run is up the message waits, as long as it takes", func(t *testing.T, w *world) {
			onOp(w, func(op run.Fetch, times int) run.Result {
				if times < 30 {
					return run.Result{Err: notSent}
				}
				op.Attachment.Blob = blob("b")
				return run.Result{Attachment: op.Attachment}
			})
			w.message("c", "look", files2(channels.Attachment{ID: "f1"}))
			w.after(10 * time.Minute)
			if len(w.turns) != 0 {
				t.Fatal("the turn began without the file")
			}
			w.after(time.Hour)
			if got := w.lastTurn().Attachments; got[0].Blob != blob("b") {
				t.Errorf("got %+v", got)
			}
		}},
		{"a network that fails without saying how has a number of tries", func(t *testing.T, w *world) {
			tries := 0
			onOp(w, func(_ run.Fetch, times int) run.Result { tries = times; return run.Result{Err: errors.New("what")} })
			w.message("c", "look", files2(channels.Attachment{ID: "f1"}))
			w.after(time.Hour)
			if got := w.lastTurn().Attachments; tries != networkTries || got[0].Gone != "what" {
				t.Errorf("%d tries, got %+v", tries, got)
			}
		}},
		{"a network that cannot be asked is asked as long as it takes", func(t *testing.T, w *world) {
			w.message("c", "look", files2(channels.Attachment{ID: "f1"}))
			w.deaf = boss
			w.after(time.Hour)
			if len(w.turns) != 0 {
				t.Fatal("the turn began without the file")
			}
			w.deaf = kit.Addr{}
			w.after(2 * longestWait)
			if got := w.lastTurn().Attachments; got[0].Blob != blob("f1") {
				t.Errorf("got %+v", got)
			}
		}},
		{"a file that is not named as the journal names it is none", func(t *testing.T, w *world) {
			onOp(w, func(op run.Fetch, _ int) run.Result {
				op.Attachment.Blob = "../secret"
				return run.Result{Attachment: op.Attachment}
			})
			w.message("c", "look", files2(channels.Attachment{ID: "f1"}))
			w.settle()
			if got := w.lastTurn().Attachments; len(got) != 1 || got[0].Gone == "" || got[0].Blob != "" {
				t.Errorf("got %+v", got)
			}
		}},
		{"a bound that a reload lowers counts for what is on its way", func(t *testing.T, w *world) {
			w.message("c", "look", files2(channels.Attachment{ID: "f1", Size: 10}))
			w.until(boss)
			w.configure(common(func(c *channels.Common) { c.MediaMaxMB = 0 }))
			w.settle()
			if got := w.lastTurn().Attachments; len(got) != 1 || got[0].Gone == "" {
				t.Errorf("got %+v", got)
			}
		}},
		{"of very many only the first are fetched", func(t *testing.T, w *world) {
			list := make([]channels.Attachment, maxAttachments+3)
			w.message("c", "look", files2(list...))
			w.settle()
			fetched := 0
			for _, op := range w.ops {
				if _, is := op.(run.Fetch); is {
					fetched++
				}
			}
			if got := w.lastTurn().Attachments; fetched != maxAttachments || !strings.Contains(got[maxAttachments].Gone, "too many") {
				t.Errorf("%d fetched, got %+v", fetched, got[maxAttachments])
			}
		}},
	})
}

func TestIncompleteArrivals(t *testing.T) {
	where := func(conversation string) func(run.Complete, int) run.Result {
		return func(op run.Complete, _ int) run.Result {
			a := op.Arrival
			a.Conversation, a.Incomplete, a.Seq = conversation, false, 999
			return run.Result{Arrival: a}
		}
	}
	play(t, []scenario{
		{"the network completes a message before its turn", func(t *testing.T, w *world) {
			onOp(w, func(op run.Complete, times int) run.Result {
				a := op.Arrival
				a.Text, a.Incomplete = fmt.Sprint("as of ", times), times < 3
				if op.Try != times {
					t.Errorf("try %d is called %d", times, op.Try)
				}
				return run.Result{Arrival: a}
			})
			seq := w.message("c", "", incomplete)
			w.after(time.Minute)
			w.wantSaid("re: as of 3")
			if w.store.items[seq].arrival.Text != "as of 3" {
				t.Error("what was found is not written down")
			}
		}},
		{"a message that never gets complete is answered as it is", func(t *testing.T, w *world) {
			onOp(w, func(op run.Complete, _ int) run.Result { return run.Result{Arrival: op.Arrival} })
			w.message("c", "half", incomplete)
			w.after(time.Hour)
			w.wantSaid("re: half")
		}},
		{"a network that cannot complete leaves the message as it is", func(t *testing.T, w *world) {
			onOp(w, func(run.Complete, int) run.Result { return run.Result{Err: run.ErrNotOffered} })
			w.message("c", "half", incomplete)
			w.settle()
			w.wantSaid("re: half")
		}},
		{"an arrival without a conversation finds its lane, keeps its number and is in order there", func(t *testing.T, w *world) {
			w.slow()
			w.message("c", "first")
			w.settle()
			lost := w.message("", "second", incomplete)
			last := w.message("c", "third")
			onOp(w, where("c"))
			w.settle()
			for i, want := range []string{"first", "second", "third"} {
				if w.turns[i].Text != want {
					t.Errorf("turn %d is %q", i, w.turns[i].Text)
				}
				w.finish(w.turns[i].ID, agentsSay("ok"))
				w.settle()
			}
			w.wantEnds(map[uint64]string{lost: "done answered", last: "done answered"})
			if w.store.items[lost].arrival.Conversation != "c" {
				t.Error("its conversation is not written down")
			}
			w.idle()
		}},
		{"a conversation that is known is not changed any more", func(t *testing.T, w *world) {
			onOp(w, where("d"))
			seq := w.message("c", "half", incomplete)
			w.settle()
			if got := w.store.items[seq].arrival.Conversation; got != "c" || w.store.replies[0].Conversation != "c" {
				t.Errorf("it moved to %q", got)
			}
		}},
		{"an arrival that an operator drops while its conversation is looked for is let go", func(t *testing.T, w *world) {
			onOp(w, where("c"))
			seq := w.message("", "hi", incomplete)
			w.until(boss)
			w.store.items[seq].end = &journal.End{Seq: seq, State: journal.Dead, Outcome: "dropped"}
			w.settle()
			w.idle()
			if w.looks != 0 {
				t.Error("it looked for more of its conversation, which it has none of")
			}
		}},
		{"an arrival whose conversation nobody knows is a dead letter", func(t *testing.T, w *world) {
			onOp(w, func(op run.Complete, _ int) run.Result { return run.Result{Err: rejected} })
			seq := w.message("", "hi", incomplete)
			w.settle()
			w.wantEnds(map[uint64]string{seq: "dead homeless"})
			if got := w.store.items[seq].end.Reason; got != "there is no such file" {
				t.Errorf("the reason is %q", got)
			}
			w.idle()
		}},
		{"an arrival that is too old is not looked for any more", func(t *testing.T, w *world) {
			seq := w.message("", "hi", incomplete, func(a *channels.Arrival) { a.At = start.Add(-25 * time.Hour) })
			w.settle()
			w.wantEnds(map[uint64]string{seq: "expired late"})
			if len(w.ops) != 0 {
				t.Errorf("the network was asked %v", w.ops)
			}
		}},
		{"an arrival whose conversation cannot be asked for expires", func(t *testing.T, w *world) {
			onOp(w, func(op run.Complete, _ int) run.Result { return run.Result{Err: notSent} })
			seq := w.message("", "hi", incomplete)
			w.after(25 * time.Hour)
			w.wantEnds(map[uint64]string{seq: "expired late"})
			w.wantSaid()
			w.idle()
		}},
	})
}
