package journal

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"holdfast/channels"
)

func TestQueuesCountABoundedNumberOfWords(t *testing.T) {
	var b books
	for i := range uint64(maxOutcomes + 10) {
		b.created(i, time.Time{})
		b.ended(i, Done, string(rune('A'+i)))
	}
	if len(b.Outcomes) != maxOutcomes+1 || b.Outcomes[otherOutcome] != 10 {
		t.Fatalf("%d words, %d others", len(b.Outcomes), b.Outcomes[otherOutcome])
	}
}

func anyItem(t *rapid.T) item {
	text := rapid.String()
	when := rapid.Custom(func(t *rapid.T) time.Time { return fromNanos(rapid.Int64().Draw(t, "nanos")) })
	return item{
		Record: Record{
			Seq: rapid.Uint64().Draw(t, "seq"), Kind: rapid.SampledFrom([]Kind{Requests, Arrivals, Replies}).Draw(t, "kind"),
			Account: channels.Account(text.Draw(t, "account")), Conversation: text.Draw(t, "conversation"),
			State:   rapid.SampledFrom([]State{Pending, Done, Dead, Expired}).Draw(t, "state"),
			Outcome: text.Draw(t, "outcome"), Reason: text.Draw(t, "reason"),
			At: when.Draw(t, "at"), Ended: when.Draw(t, "ended"), Attempts: rapid.IntRange(0, 1000).Draw(t, "attempts"),
		},
		origin: rapid.Uint64().Draw(t, "origin"), ticket: rapid.Bool().Draw(t, "ticket"), pinned: rapid.Bool().Draw(t, "pinned"),
		payload: rapid.SliceOf(rapid.Byte()).Draw(t, "payload"),
	}
}

func TestAnItemIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyItem(t)
		got, err := readItem(nil, want.Seq, want.appendTo(nil))
		if err != nil || !bytes.Equal(got.payload, want.payload) {
			t.Fatal(err, got.payload)
		}
		got.payload, want.payload = nil, nil
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(item{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzATornItemIsAnErrorAndNoPanic(f *testing.F) {
	whole := item{Record: Record{Kind: Replies, State: Dead, Account: "a:b", Reason: "because"}, payload: []byte("{}")}
	f.Add(whole.appendTo(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		it, err := readItem(nil, 1, value)
		if err == nil && it.Kind == "" {
			t.Fatal("an item of no kind")
		}
	})
}

func TestKeysSortAsTheirNumbersDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		q := Queue{Replies, "a:1"}
		for _, key := range []func(uint64) []byte{
			itemKey, func(n uint64) []byte { return queueKey(q, n) }, func(n uint64) []byte { return laneKey(q, "c", n) },
		} {
			if (a < b) != (bytes.Compare(key(a), key(b)) < 0) {
				t.Fatalf("%d and %d", a, b)
			}
			if n, err := seqAt(key(a)); err != nil || n != a {
				t.Fatal(n, err)
			}
		}
		if got, err := queueOf(queueKey(q, a)); err != nil || got != q {
			t.Fatal(got, err)
		}
	})
}

func TestLaw5_AFatalLogCallNeverReturnsToTheStore(t *testing.T) {
	var told error
	blocked := false
	s := &Store{o: Options{Dir: "state", OnFatal: func(err error) { told = errors.Join(told, err) }}}
	l := pebbleLog{log: zerolog.Nop(), fatal: s.fatal, block: func() { blocked = told != nil }}
	l.Fatalf("manifest: %s", "gone")
	if !blocked {
		t.Fatal("it returned")
	}
	l.Fatalf("again")
	if got := told.Error(); got != "the journal in state cannot go on: manifest: gone" {
		t.Fatal(got)
	}
	o := s.pebbleOptions()
	if o.Logger.(pebbleLog).block == nil {
		t.Fatal("the store's own logger does not block")
	}
}
