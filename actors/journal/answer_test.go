package journal_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"holdfast/actors/journal"
	"holdfast/channels"
)

func TestAnswersTellWhatBecameOfARequest(t *testing.T) {
	virtually(t, answersTell)
}

func answersTell(t *testing.T, w *world, _ *clock) {
	accept := func(ticket bool) uint64 {
		return ask[journal.Accepted](w, journal.Accept{Account: work, Requests: []channels.Request{{Ticket: ticket}}}).Seqs[0]
	}
	with := func(seq uint64) journal.Answers {
		return journal.Answers{Account: work, Request: seq, Wait: time.Minute}
	}
	request := accept(true)
	answer := make(chan journal.Answer, 1)
	go func() { answer <- ask[journal.Answer](w, with(request)) }()
	synctest.Wait() // it waits
	began := time.Now()

	add := arrival("m1", "c1")
	add.Arrival.Origin, add.Arrival.Ticket = request, true
	arrived := w.mustCommit(work, done(journal.Requests, request, "interpreted"), add)[0]
	r := reply("c1", "the answer")
	r.Reply.Origin, r.Reply.Ticket = request, true
	replied := w.mustCommit(work, done(journal.Arrivals, arrived, "answered"), r)[0]
	if a := ask[journal.Answer](w, journal.Answers{Account: work, Request: request}); a.State != journal.Pending || len(a.Replies) != 1 {
		t.Fatalf("the reply is not out: %+v", a)
	}
	w.mustCommit(work, done(journal.Replies, replied, "sent"))
	if a := <-answer; !a.Known || a.State != journal.Done || a.Outcome != "answered" || len(a.Replies) != 1 || a.Replies[0].Text != "the answer" {
		t.Fatalf("%+v", a)
	}
	if waited := time.Since(began); waited != 0 {
		t.Fatalf("the end was told %v late", waited)
	}

	{ // the worst end speaks
		request := accept(true)
		r.Reply.Origin = request
		seq := w.mustCommit(work, done(journal.Requests, request, "interpreted"), r)[0]
		w.mustCommit(work, journal.End{Kind: journal.Replies, Seq: seq, State: journal.Dead, Outcome: "refused", Reason: "blocked"})
		if a := ask[journal.Answer](w, with(request)); a.State != journal.Dead || a.Reason != "blocked" {
			t.Fatalf("%+v", a)
		}
	}
	{ // a duplicate is named
		request := accept(true)
		add.Arrival.Origin = request
		w.mustCommit(work, done(journal.Requests, request, "interpreted"), add)
		if a := ask[journal.Answer](w, with(request)); a.State != journal.Done || a.Outcome != "duplicate" {
			t.Fatalf("%+v", a)
		}
	}
	// Without a ticket, of another account, of another kind, and what never was.
	for _, m := range []journal.Answers{with(accept(false)), {Account: home, Request: request}, with(arrived), with(12345)} {
		if a := ask[journal.Answer](w, m); a.Known || a.Err != nil {
			t.Fatalf("%+v: %+v", m, a)
		}
	}
}

func TestCloseAnswersEverybodyAndComesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, inMemory(vfs.NewMem()))
		seq := ask[journal.Accepted](w, journal.Accept{Account: work, Requests: []channels.Request{{Ticket: true}}}).Seqs[0]
		answer := make(chan journal.Answer, 1)
		go func() {
			answer <- ask[journal.Answer](w, journal.Answers{Account: work, Request: seq, Wait: time.Hour})
		}()
		synctest.Wait() // it waits
		w.mustCommit(home, journal.SetState{Name: "a", Value: []byte("1")})
		if c := ask[journal.Closed](w, journal.Close{}); c.Err != nil {
			t.Fatal(c.Err)
		}
		if a := <-answer; a.State != journal.Pending || a.Err != nil {
			t.Fatalf("%+v", a)
		}
		mustErr(t, ask[journal.Accepted](w, journal.Accept{Account: home}).Err, journal.ErrIntake)
		mustErr(t, w.commit(home).Err, journal.ErrIntake)
		mustErr(t, ask[journal.Taken](w, journal.Take{}).Err, journal.ErrIntake)
		mustErr(t, ask[journal.Verified](w, journal.Verify{}).Err, journal.ErrIntake)
		if s := ask[journal.Statistics](w, journal.Stats{}); s.Accepting || s.Why == "" {
			t.Fatalf("%+v", s)
		}
		if c := ask[journal.Closed](w, journal.Close{}); c.Err != nil {
			t.Fatal(c.Err)
		}
		w.stop()
	})
}
