package journal_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/channels"
)

func TestAnOperatorResendsAndDrops(t *testing.T) {
	w := open(t)
	seq := w.mustCommit(home, arrival("m1", "c1"))[0]
	w.mustCommit(home, journal.End{Kind: journal.Arrivals, Seq: seq, State: journal.Dead, Outcome: "failed", Reason: "no agent"})
	if l := ask[journal.Listed](w, journal.List{State: journal.Dead, Account: home, Kind: journal.Arrivals}); len(l.Records) != 1 || l.Records[0].Reason != "no agent" {
		t.Fatalf("%+v", l)
	}
	var payload channels.Arrival
	if s := ask[journal.Shown](w, journal.Show{Seq: seq}); json.Unmarshal(s.Payload, &payload) != nil || payload.Text != "hello m1" {
		t.Fatalf("a dead item keeps its payload: %+v", s)
	}
	c := ask[journal.Committed](w, journal.Resend{Seq: seq})
	if c.Err != nil || len(c.Added) != 1 || c.Added[0] <= seq {
		t.Fatalf("%+v", c)
	}
	mustErr(t, ask[journal.Committed](w, journal.Resend{Seq: seq}).Err, journal.ErrEnded)
	got := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Arrivals, home), Conversation: "c1", Max: 9})
	if len(got.Arrivals) != 1 || got.Arrivals[0].Text != "hello m1" || got.Arrivals[0].Seq != c.Added[0] {
		t.Fatalf("%+v", got)
	}
	if c := ask[journal.Committed](w, journal.Resend{Seq: got.Arrivals[0].Seq}); c.Err == nil {
		t.Fatal("a pending item was resent")
	}
	mustErr(t, ask[journal.Committed](w, journal.Resend{Seq: 999}).Err, journal.ErrNoItem)

	if c := ask[journal.Committed](w, journal.Drop{Seq: got.Arrivals[0].Seq, Reason: "spam"}); c.Err != nil {
		t.Fatal(c.Err)
	}
	if s := ask[journal.Shown](w, journal.Show{Seq: got.Arrivals[0].Seq}); s.Record.State != journal.Dead || s.Record.Reason != "spam" {
		t.Fatalf("%+v", s.Record)
	}
	if c := ask[journal.Committed](w, journal.Drop{Seq: got.Arrivals[0].Seq}); c.Err != nil {
		t.Fatal(c.Err)
	}
	mustErr(t, ask[journal.Shown](w, journal.Show{Seq: got.Arrivals[0].Seq}).Err, journal.ErrNoItem)
	if b := w.verify()[queue(journal.Arrivals, home)]; b.Created != 2 || b.Dead != 2 {
		t.Fatalf("%+v", b)
	}
}

func TestAListIsReadPageByPage(t *testing.T) {
	w := open(t)
	w.accept(work, 2)
	want := w.accept(home, 5)
	var got []uint64
	for after, more := uint64(0), true; more; {
		l := ask[journal.Listed](w, journal.List{Account: home, After: after, Max: 2})
		if l.Err != nil || len(l.Records) > 2 {
			t.Fatalf("%+v", l)
		}
		for _, r := range l.Records {
			got = append(got, r.Seq)
			after = r.Seq
		}
		more = l.More
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestLaw6_ItemsOfRemovedAccountsDieAndCanBeResent(t *testing.T) {
	w := open(t)
	gone := w.accept(work, 1300) // more than two steps
	stays := w.accept(home, 3)
	if c := ask[journal.Committed](w, journal.Keep{Accounts: []channels.Account{home}}); c.Err != nil {
		t.Fatal(c.Err)
	}
	books := w.verify()
	if b := books[queue(journal.Requests, work)]; b.Dead != 1300 || b.Pending != 0 || !b.Oldest.IsZero() {
		t.Fatalf("%+v", b)
	}
	if b := books[queue(journal.Requests, home)]; b.Pending != uint64(len(stays)) {
		t.Fatalf("%+v", b)
	}
	if c := ask[journal.Committed](w, journal.Resend{Seq: gone[7]}); c.Err != nil {
		t.Fatal(c.Err)
	}
}
