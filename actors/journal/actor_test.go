package journal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
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

func TestAcceptedRequestsAreTakenInOrderAsTheyCame(t *testing.T) {
	w := open(t)
	at := time.Now()
	sent := channels.Request{Form: channels.FormWebhook, ID: "x", Header: map[string]string{"content-type": "a/b"}, Ticket: true, Body: []byte("\x00raw")}
	got := ask[journal.Accepted](w, journal.Accept{Account: home, Requests: []channels.Request{sent, sent}, Cursor: []byte("7")})
	if got.Err != nil || len(got.Seqs) != 2 || got.Seqs[1] != got.Seqs[0]+1 {
		t.Fatalf("%+v", got)
	}
	if c := ask[journal.Cursor](w, journal.GetCursor{Account: home}); string(c.Value) != "7" {
		t.Fatalf("cursor %+v", c)
	}
	w.accept(work, 3)
	taken := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Requests, home), Max: 1})
	if len(taken.Requests) != 1 || !taken.More || taken.Last != got.Seqs[0] || taken.Err != nil {
		t.Fatalf("%+v", taken)
	}
	if taken.Requests[0].At.Before(at) {
		t.Fatalf("accepted at %v, before it was sent", taken.Requests[0].At)
	}
	sent.Seq, sent.Account, sent.At = got.Seqs[0], home, taken.Requests[0].At
	if diff := cmp.Diff(sent, taken.Requests[0]); diff != "" {
		t.Fatal(diff)
	}
	taken = ask[journal.Taken](w, journal.Take{Queue: queue(journal.Requests, home), After: taken.Last, Max: 5})
	if len(taken.Requests) != 1 || taken.More || taken.Last != got.Seqs[1] {
		t.Fatalf("%+v", taken)
	}
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

func TestTakeSeesOneLaneOrAllButSome(t *testing.T) {
	w := open(t)
	for i := range 9 {
		w.mustCommit(home, arrival(fmt.Sprint(i), fmt.Sprint("c", i%3)))
	}
	q := queue(journal.Arrivals, home)
	cases := []struct {
		name string
		take journal.Take
		want string
		more bool
	}{
		{"all, oldest first", journal.Take{Max: 99}, "012345678", false},
		{"one lane", journal.Take{Max: 99, Conversation: "c1"}, "147", false},
		{"one lane after a number", journal.Take{Max: 99, Conversation: "c1", After: 2}, "47", false},
		{"all but two lanes", journal.Take{Max: 99, Skip: []string{"c0", "c2"}}, "147", false},
		{"no more than asked for", journal.Take{Max: 2, Skip: []string{"c0"}}, "12", true},
		{"none", journal.Take{}, "", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.take.Queue = q
			got := ask[journal.Taken](w, c.take)
			ids := ""
			for _, a := range got.Arrivals {
				ids += a.ID
			}
			if ids != c.want || got.More != c.more || got.Err != nil {
				t.Fatalf("took %q more %v err %v, want %q more %v", ids, got.More, got.Err, c.want, c.more)
			}
		})
	}
}

func TestAHundredThousandOfOneBlockedLaneHideNobody(t *testing.T) {
	w := open(t)
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	ops := make([]journal.Op, 5000)
	for i := range ops {
		ops[i] = arrival("", "blocked")
	}
	for range n / len(ops) {
		w.mustCommit(home, ops...)
	}
	free := w.mustCommit(home, arrival("m", "free"))[0]
	began := time.Now()
	got := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Arrivals, home), Max: 10, Skip: []string{"blocked"}})
	if len(got.Arrivals) != 1 || got.Arrivals[0].Seq != free || got.Last != free {
		t.Fatalf("took %d, last %d, more %v", len(got.Arrivals), got.Last, got.More)
	}
	t.Logf("took %v", time.Since(began))
}

func TestATakeIsBoundedByBytes(t *testing.T) {
	w := open(t)
	m := journal.Accept{Account: home}
	for range 6 { // so large that the store treats the batch in its own way
		m.Requests = append(m.Requests, channels.Request{Body: bytes.Repeat([]byte("x"), 4<<20)})
	}
	if a := ask[journal.Accepted](w, m); a.Err != nil {
		t.Fatal(a.Err)
	}
	got := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Requests, home), Max: 100})
	if len(got.Requests) != 2 || !got.More { // the second reaches the bound
		t.Fatalf("took %d, more %v", len(got.Requests), got.More)
	}
	w.verify()
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
	w.mustCommit(home, journal.Rewrite{Keep: time.Hour,
		Arrival: channels.Arrival{Seq: seq, ID: "m1", Conversation: "c1", Covers: []string{late.Arrival.Claim()}}})
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

func TestStateIsReadByConversationAndPrefix(t *testing.T) {
	w := open(t)
	set := func(conversation, name, value string) journal.SetState {
		return journal.SetState{Conversation: conversation, Name: name, Value: []byte(value)}
	}
	w.mustCommit(home, set("c1", "history/1", "a"), set("c1", "history/2", "b"), set("c1", "pair", "p"), set("", "history/9", "account"),
		set("c11", "history/1", "other"), set("c1", "empty", ""))
	w.mustCommit(home, journal.SetState{Conversation: "c1", Name: "history/2"})
	cases := []struct {
		name string
		ask  journal.GetState
		want map[string][]byte
	}{
		{"a prefix", journal.GetState{Account: home, Conversation: "c1", Prefix: "history/"}, map[string][]byte{"history/1": []byte("a")}},
		{"all of a conversation", journal.GetState{Account: home, Conversation: "c1"}, map[string][]byte{"history/1": []byte("a"), "pair": []byte("p"), "empty": {}}},
		{"of the account", journal.GetState{Account: home}, map[string][]byte{"history/9": []byte("account")}},
		{"of nobody", journal.GetState{Account: work}, map[string][]byte{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := ask[journal.Values](w, c.ask)
			if diff := cmp.Diff(c.want, got.Values); diff != "" || got.Err != nil {
				t.Fatal(diff, got.Err)
			}
		})
	}
}

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

func TestAttachmentsGoWithTheirLastPin(t *testing.T) {
	w := open(t)
	blobs := w.store.Blobs()
	put := func() string {
		hash, size, err := blobs.Put(bytes.NewReader([]byte("picture")), 100)
		if err != nil || size != 7 {
			t.Fatal(hash, size, err)
		}
		return hash
	}
	there := func(hash string) bool {
		f, err := blobs.Open(hash)
		if err != nil {
			return false
		}
		text, err := io.ReadAll(f)
		_ = f.Close()
		return err == nil && string(text) == "picture"
	}
	if _, _, err := blobs.Put(bytes.NewReader(make([]byte, 101)), 100); err == nil {
		t.Fatal("more than the bound was kept")
	}
	hash := put()
	seqs := w.mustCommit(home, arrival("m1", "c1"), arrival("m2", "c1"))
	w.mustCommit(home, journal.Pin{Seq: seqs[0], Blob: hash})
	put()
	w.mustCommit(home, journal.Pin{Seq: seqs[1], Blob: hash})
	w.mustCommit(home, done(journal.Arrivals, seqs[0], "answered"))
	w.accept(home, 1) // a sync: what waits for one is done now
	if !there(hash) {
		t.Fatal("it went while a pin held it")
	}
	put() // somebody is about to pin it
	w.mustCommit(home, done(journal.Arrivals, seqs[1], "answered"))
	w.accept(home, 1)
	w.settle()
	if !there(hash) {
		t.Fatal("it went between being put and being pinned")
	}
	last := w.mustCommit(home, arrival("m3", "c1"))[0]
	w.mustCommit(home, journal.Pin{Seq: last, Blob: hash})
	w.mustCommit(home, done(journal.Arrivals, last, "answered"))
	w.accept(home, 1)
	eventually(t, "the attachment goes", func() bool { return !there(hash) })
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
