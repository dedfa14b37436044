package journal_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/channels"
)

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

func TestARequestWhoseClaimsAreAllHeldIsPassedOver(t *testing.T) {
	w := open(t)
	w.mustCommit(home, arrival("held", "c"), arrival("too", "c"))
	claim := func(id string) string { return channels.Arrival{ID: id, Kind: channels.Message}.Claim() }
	cases := []struct {
		name    string
		account channels.Account
		claims  []string
		passed  bool
	}{
		{"one that is held", home, []string{claim("held")}, true},
		{"two that are held", home, []string{claim("held"), claim("too")}, true},
		{"one of two is free", home, []string{claim("held"), claim("free")}, false},
		{"one that is free", home, []string{claim("free")}, false},
		{"nothing is known", home, nil, false},
		{"another account holds it", work, []string{claim("held")}, false},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := journal.Accept{Account: c.account, Requests: []channels.Request{{Form: "row", Claims: c.claims}, {Form: "row"}}, Cursor: fmt.Append(nil, i)}
			got := ask[journal.Accepted](w, m)
			if got.Err != nil || len(got.Seqs) != 2 || (got.Seqs[0] == 0) != c.passed || got.Seqs[1] == 0 {
				t.Errorf("%+v", got)
			}
			if at := ask[journal.Cursor](w, journal.GetCursor{Account: c.account}); string(at.Value) != fmt.Sprint(i) {
				t.Errorf("the cursor is at %q", at.Value)
			}
		})
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

func TestACrowdInABlockedLaneHidesNobody(t *testing.T) {
	w := open(t)
	ops := make([]journal.Op, 5000)
	for i := range ops {
		ops[i] = arrival("", "blocked")
	}
	for range crowd / len(ops) {
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

func TestStateIsReadByConversationNameAndPrefix(t *testing.T) {
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
		{"a name is the whole answer", journal.GetState{Account: home, Conversation: "c1", Name: "pair"}, map[string][]byte{"pair": []byte("p")}},
		{"also one without content", journal.GetState{Account: home, Conversation: "c1", Name: "empty", Prefix: "history/"}, map[string][]byte{"empty": {}}},
		{"where there is none of the name, the prefix says what is", journal.GetState{Account: home, Conversation: "c1", Name: "history/2", Prefix: "pa"}, map[string][]byte{"pair": []byte("p")}},
		{"a name is no prefix", journal.GetState{Account: home, Conversation: "c11", Name: "history", Prefix: "x"}, map[string][]byte{}},
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

func TestAValueIsReadBeforeThereAreActors(t *testing.T) {
	o := inMemory(vfs.NewMem())
	w := start(t, o)
	w.mustCommit(home, journal.SetState{Name: "paths", Value: []byte("here")}, journal.SetState{Name: "paths-of-others", Value: []byte("there")})
	w.close()
	w = start(t, o)
	t.Cleanup(w.close)
	for name, want := range map[string]string{"paths": "here", "path": ""} {
		if got, err := w.store.Value(home, name); string(got) != want || err != nil {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
}
