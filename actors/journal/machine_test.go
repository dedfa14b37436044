package journal

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"holdfast/actors/kit"
	"holdfast/channels"
)

func note(text string) kit.Effect { return kit.Tell{Msg: text} }

func TestFewSyncsAreUnderWayAndEverybodyHearsOfTheirs(t *testing.T) {
	var s syncs
	if s.due() {
		t.Fatal("nothing to sync")
	}
	begin := func(effects ...kit.Effect) bool {
		s.wrote()
		s.rely(effects...)
		return s.due()
	}
	if !begin(note("a")) || s.due() {
		t.Fatal("the first begins at once, and only one")
	}
	s.ride(note("b"))
	if !begin(note("c")) {
		t.Fatal("the second begins while the first is under way")
	}
	if begin(note("d")) {
		t.Fatal("a third began")
	}
	if got := s.ended(1); !slices.Equal(got, []kit.Effect{note("a")}) {
		t.Fatalf("the first answers %v", got)
	}
	if !s.due() || s.quiet() {
		t.Fatal("the third begins when the first has ended")
	}
	if got := s.ended(3); !slices.Equal(got, []kit.Effect{note("c"), note("b"), note("d")}) {
		t.Fatalf("the third says that the second is done, too: %v", got)
	}
	if got := s.ended(2); got != nil {
		t.Fatalf("the late news of the second answer again: %v", got)
	}
	if !s.quiet() || s.rest(lazySync) != nil {
		t.Fatal("all is on the disk")
	}
}

func TestWhatRidesIsSyncedByATimerOnce(t *testing.T) {
	var s syncs
	s.ride(note("a"))
	if s.due() {
		t.Fatal("nobody waits")
	}
	if got := s.rest(lazySync); !slices.Equal(got, []kit.Effect{kit.After{Delay: lazySync, Msg: lazyOver{}}}) {
		t.Fatalf("%v", got)
	}
	s.wrote()
	if s.rest(lazySync) != nil {
		t.Fatal("one timer is enough")
	}
	s.lazy()
	if !s.due() || len(s.ended(1)) != 1 {
		t.Fatal("the timer brought no sync")
	}
	s.lazy()
	if s.due() {
		t.Fatal("a stale timer brought a sync of nothing")
	}
}

// TestNoWakeUpIsLost: whatever the order of items, takes and subscriptions, a subscriber that has not looked since the
// newest item came has been woken since it looked last; and never twice without a take between.
func TestNoWakeUpIsLost(t *testing.T) {
	queues := []Queue{{Requests, "a:1"}, {Requests, "b:1"}, {Replies, "a:1"}}
	addrs := []kit.Addr{kit.Named("x"), kit.Named("y"), {}}
	rapid.Check(t, func(t *rapid.T) {
		var (
			w        wakes
			sub      Subscribe
			unseen   = map[Queue]bool{} // items came since the subscriber looked
			sinceOwn = map[Queue]int{}  // Woken sent since it looked
			sinceAny = map[Queue]int{}  // Woken sent since anybody looked
		)
		heard := func(effects []kit.Effect) {
			for _, e := range effects {
				tell := e.(kit.Tell)
				if tell.To != sub.To {
					t.Fatalf("%s was woken, subscribed is %s", tell.To, sub.To)
				}
				sinceOwn[tell.Msg.(Woken).Queue]++
				sinceAny[tell.Msg.(Woken).Queue]++
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"came": func(t *rapid.T) {
				q := rapid.SampledFrom(queues).Draw(t, "queue")
				unseen[q] = true
				heard(w.came(q))
			},
			"took": func(t *rapid.T) {
				q := rapid.SampledFrom(queues).Draw(t, "queue")
				by := rapid.SampledFrom(addrs).Draw(t, "by")
				w.took(q, by)
				sinceAny[q] = 0
				if by == sub.To {
					unseen[q], sinceOwn[q] = false, 0
				}
			},
			"subscribe": func(t *rapid.T) {
				next := Subscribe{Kind: Requests, Channel: sub.Channel, To: rapid.SampledFrom(addrs[:2]).Draw(t, "to")}
				if sub.To.IsZero() {
					next.Channel = rapid.SampledFrom([]string{"", "a"}).Draw(t, "channel")
				}
				sub = next
				clear(sinceOwn)
				clear(sinceAny)
				pending := slices.DeleteFunc(slices.Clone(queues), func(q Queue) bool { return !unseen[q] })
				heard(w.subscribe(sub, pending))
			},
			"": func(t *rapid.T) {
				for _, q := range queues {
					wants := !sub.To.IsZero() && q.Kind == Requests && (sub.Channel == "" || q.Account.Channel() == sub.Channel)
					if sinceAny[q] > 1 || !wants && sinceAny[q] > 0 {
						t.Fatalf("%v: %d under way", q, sinceAny[q])
					}
					if wants && unseen[q] && sinceOwn[q] == 0 {
						t.Fatalf("%v: lost", q)
					}
				}
			},
		})
	})
}

func TestTheWatermarkDecides(t *testing.T) {
	const mib = 1 << 20
	open := water{min: 64 * mib, ballast: true}
	low := water{min: 64 * mib, ballast: true, low: true}
	bare := water{min: 64 * mib, low: true}
	cases := []struct {
		name string
		is   water
		free uint64
		low  bool
		todo order
	}{
		{"plenty", open, 1000 * mib, false, leaveBallast},
		{"just enough", open, 64 * mib, false, leaveBallast},
		{"below the mark", open, 64*mib - 1, true, leaveBallast},
		{"back above the mark, not far enough", low, 79 * mib, true, leaveBallast},
		{"back with a quarter to spare", low, 80 * mib, false, leaveBallast},
		{"really full", low, 8*mib - 1, true, giveBallast},
		{"full, and nothing to give", bare, 1, true, leaveBallast},
		{"room, but not for the ballast too", bare, 95 * mib, false, leaveBallast},
		{"room for the ballast", bare, 96 * mib, false, makeBallast},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, todo := c.is.look(c.free)
			if got.low != c.low || todo != c.todo || (got.why() != "") != c.low {
				t.Fatalf("low %v todo %v why %q", got.low, todo, got.why())
			}
		})
	}
}

func TestWaitersAreBounded(t *testing.T) {
	var w waiters
	for i := range maxWaiting {
		if _, full := w.add(Answers{Request: uint64(i % 2)}, kit.Return{}); full {
			t.Fatalf("full at %d", i)
		}
	}
	if _, full := w.add(Answers{}, kit.Return{}); !full {
		t.Fatal("there is no bound")
	}
	if n := len(w.of(map[uint64]bool{1: true})); n != maxWaiting/2 {
		t.Fatalf("%d wait for request 1", n)
	}
	if _, waits := w.take(1); !waits {
		t.Fatal("the first does not wait")
	}
	if _, waits := w.take(1); waits {
		t.Fatal("it was answered twice")
	}
	if effects, full := w.add(Answers{Wait: 24 * time.Hour}, kit.Return{}); full || effects[0].(kit.After).Delay != longestWait {
		t.Fatalf("%v %v", effects, full)
	}
}

func TestLongQuestionsAreBounded(t *testing.T) {
	turn := turn{m: &machine{beside: maxBeside}}
	turn.beside(kit.In{Msg: Verify{}})
	if a := turn.now[0].(kit.Answer).Msg.(Verified); !errors.Is(a.Err, errBusy) {
		t.Fatalf("%+v", a)
	}
}

func TestTheWorstAndMostTellingEndSpeaks(t *testing.T) {
	one := func(k Kind, s State, outcome string) item {
		return item{Record: Record{Kind: k, State: s, Outcome: outcome}}
	}
	request := one(Requests, Done, "interpreted")
	cases := []struct {
		name  string
		led   []item
		state State
		want  string
	}{
		{"nothing came of it", nil, Done, "interpreted"},
		{"the message speaks for its replies", []item{one(Arrivals, Done, "answered"), one(Replies, Done, "sent")}, Done, "answered"},
		{"a dead reply outweighs", []item{one(Arrivals, Done, "answered"), one(Replies, Dead, "refused")}, Dead, "refused"},
		{"anything pending is pending", []item{one(Arrivals, Dead, "x"), one(Replies, Pending, "")}, Pending, ""},
		{"dead is worse than expired", []item{one(Arrivals, Expired, "old"), one(Replies, Dead, "refused")}, Dead, "refused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if state, outcome, _ := verdict(request, c.led); state != c.state || outcome != c.want {
				t.Fatalf("%s %q", state, outcome)
			}
		})
	}
}

func TestClaimsOfTheBatchGoBeforeThoseOfTheStore(t *testing.T) {
	c := claims{"here": 10}
	for _, one := range []struct {
		key         string
		stored, now int64
		want        bool
	}{{"here", 0, 9, true}, {"here", 99, 10, false}, {"there", 10, 9, true}, {"there", 10, 10, false}, {"there", 0, 9, false}} {
		if got := c.taken([]byte(one.key), one.stored, one.now); got != one.want {
			t.Fatalf("%+v: %v", one, got)
		}
	}
}

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
		got, err := readItem(want.Seq, want.appendTo(nil))
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
		it, err := readItem(1, value)
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
