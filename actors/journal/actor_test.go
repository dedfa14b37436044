package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/channels"
)

func open(t *testing.T) *world {
	t.Helper()
	w := start(t, inMemory(vfs.NewMem()))
	t.Cleanup(w.close)
	return w
}

func TestLaw6_AStepOnAnEndedItemDoesNothing(t *testing.T) {
	w := open(t)
	seqs := w.accept(home, 2)
	arrivals := w.mustCommit(home, arrival("m1", "c1"))
	replies := w.mustCommit(home, reply("c1", "r"))
	w.mustCommit(home, done(journal.Requests, seqs[0], "x"), done(journal.Arrivals, arrivals[0], "x"), done(journal.Replies, replies[0], "x"))
	before := w.verify()
	cases := []struct {
		name string
		op   journal.Op
	}{
		{"ending it again", done(journal.Requests, seqs[0], "x")},
		{"rewriting it", journal.Rewrite{Arrival: channels.Arrival{Seq: arrivals[0]}}},
		{"an attempt", journal.Attempt{Seq: replies[0], Attempt: 2}},
		{"a receipt", journal.Receive{Seq: replies[0], Receipt: channels.Receipt{ID: "p"}}},
		{"a pin", journal.Pin{Seq: arrivals[0], Blob: fmt.Sprintf("%064x", 1)}},
		{"ending what never was", done(journal.Requests, 999, "x")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			mustErr(t, w.commit(home, done(journal.Requests, seqs[1], "x"), arrival("new", "c1"), c.op).Err, journal.ErrEnded)
			if diff := cmp.Diff(before, w.verify()); diff != "" {
				t.Fatal("the step left a trace: " + diff)
			}
		})
	}
	t.Run("ending one twice in one step", func(t *testing.T) {
		mustErr(t, w.commit(home, done(journal.Requests, seqs[1], "x"), done(journal.Requests, seqs[1], "y")).Err, journal.ErrEnded)
	})
}

func TestAStepThatCannotBeMeantIsRefusedAsAWhole(t *testing.T) {
	w := open(t)
	seq := w.accept(home, 1)[0]
	before := w.verify()
	cases := []struct {
		name    string
		account channels.Account
		op      journal.Op
	}{
		{"an end that is no end", home, journal.End{Kind: journal.Requests, Seq: seq, State: journal.Pending}},
		{"an item of another kind", home, done(journal.Arrivals, seq, "x")},
		{"an arrival of another account", home, journal.AddArrival{Arrival: channels.Arrival{Account: work}}},
		{"no account", "", journal.SetState{Name: "a", Value: []byte("1")}},
		{"a pin of no hash", home, journal.Pin{Seq: seq, Blob: "../lock"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := w.commit(c.account, arrival("m1", "c1"), c.op); got.Err == nil {
				t.Fatal("it was done")
			}
			if diff := cmp.Diff(before, w.verify()); diff != "" {
				t.Fatal("it left a trace: " + diff)
			}
		})
	}
}

func TestAClaimCoversWhatTheArrivalHolds(t *testing.T) {
	w := open(t)
	a := arrival("m1", "c1")
	a.Arrival.Covers = []string{channels.Arrival{ID: "m1", Kind: channels.Amendment, Version: "v"}.Claim()}
	w.mustCommit(home, a)
	late := arrival("m1", "c1")
	late.Arrival.Kind, late.Arrival.Version = channels.Amendment, "v"
	other := late
	other.Arrival.Version = "v2"
	got := w.mustCommit(home, late, other)
	if got[0] != 0 || got[1] == 0 {
		t.Fatalf("the covered one is a duplicate, the other is not: %v", got)
	}
	if got := w.mustCommit(work, late); got[0] == 0 {
		t.Fatal("claims of two accounts met")
	}
}

func TestARepeatedKeyOfAReplyIsADuplicate(t *testing.T) {
	w := open(t)
	r := reply("c1", "hi")
	r.Claim, r.Keep = "key", day
	if first, second := w.mustCommit(home, r)[0], w.mustCommit(home, r)[0]; first == 0 || second != 0 {
		t.Fatalf("added %d and %d", first, second)
	}
}

func TestARewrittenArrivalMovesToItsLane(t *testing.T) {
	w := open(t)
	request := w.accept(home, 1)[0]
	add := arrival("m1", "")
	add.Arrival.Origin, add.Arrival.Ticket = request, true
	seq := w.mustCommit(home, add)[0]
	w.mustCommit(home, journal.Rewrite{Arrival: channels.Arrival{Seq: seq, ID: "m1", Conversation: "c9", Text: "known now"}})
	got := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Arrivals, home), Conversation: "c9", Max: 1})
	if len(got.Arrivals) != 1 || got.Arrivals[0].Text != "known now" || got.Arrivals[0].Origin != request || !got.Arrivals[0].Ticket {
		t.Fatalf("%+v", got.Arrivals)
	}
	w.mustCommit(home, journal.Rewrite{Arrival: channels.Arrival{Seq: seq, ID: "m1", Conversation: "c8"}})
	if got := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Arrivals, home), Conversation: "c9", Max: 1}); len(got.Arrivals) != 0 {
		t.Fatalf("it stayed in its old lane: %+v", got.Arrivals)
	}
	w.verify()
}

func TestWhatARewrittenArrivalCoversByThenIsClaimed(t *testing.T) {
	w := open(t)
	seq := w.mustCommit(home, arrival("m1", "c1"))[0]
	late := journal.AddArrival{Arrival: channels.Arrival{ID: "m1", Kind: channels.Amendment, Version: "picture", Conversation: "c1"}, Keep: time.Hour}
	w.mustCommit(home, journal.Rewrite{
		Keep:    time.Hour,
		Arrival: channels.Arrival{Seq: seq, ID: "m1", Conversation: "c1", Covers: []string{late.Arrival.Claim()}},
	})
	if added := w.mustCommit(home, late); added[0] != 0 {
		t.Errorf("the picture that the message has already became arrival %d, want a duplicate", added[0])
	}
	w.verify()
}

func TestAnAttemptIsWrittenDownAndTheFirstUnknownOneStays(t *testing.T) {
	w := open(t)
	seq := w.mustCommit(home, reply("c1", "hi"))[0]
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	try := func(n int, unknown bool) channels.Reply {
		before := ask[journal.Statistics](w, journal.Stats{}).Syncs
		w.mustCommit(home, journal.Attempt{Seq: seq, Attempt: n, At: base.Add(time.Duration(n) * time.Hour), Unknown: unknown})
		if ask[journal.Statistics](w, journal.Stats{}).Syncs == before {
			t.Fatal("an attempt was answered without a sync")
		}
		return ask[journal.Taken](w, journal.Take{Queue: queue(journal.Replies, home), Max: 1}).Replies[0]
	}
	if r := try(1, false); r.Attempt != 1 || !r.FirstTry.Equal(base.Add(time.Hour)) {
		t.Fatalf("%+v", r)
	}
	if r := try(2, true); r.Attempt != 2 || !r.FirstTry.Equal(base.Add(time.Hour)) {
		t.Fatalf("the outcome of the first is not known: %+v", r)
	}
	if r := try(3, false); !r.FirstTry.Equal(base.Add(3 * time.Hour)) {
		t.Fatalf("the earlier outcomes are known: %+v", r)
	}
	if s := ask[journal.Shown](w, journal.Show{Seq: seq}); s.Record.Attempts != 3 {
		t.Fatalf("%+v", s.Record)
	}
}

func TestLaw5_AnIdIsClaimedInTheBatchThatMakesItsArrivalPending(t *testing.T) {
	w := open(t)
	seqs := w.accept(home, 2)
	first := w.mustCommit(home, done(journal.Requests, seqs[0], "interpreted"), arrival("m1", "c1"), arrival("m1", "c1"), arrival("m2", "c1"))
	if first[0] == 0 || first[1] != 0 || first[2] == 0 {
		t.Fatalf("the second of the same content is a duplicate, in the same step as well: %v", first)
	}
	again := w.mustCommit(home, done(journal.Requests, seqs[1], "interpreted"), arrival("m2", "c1"))
	if again[0] != 0 {
		t.Fatalf("added %v, want a duplicate", again)
	}
	c := w.verify()[queue(journal.Arrivals, home)]
	if c.Created != 4 || c.Done != 2 || c.Pending != 2 || c.Outcomes["duplicate"] != 2 {
		t.Fatalf("counters: %+v", c)
	}
}
