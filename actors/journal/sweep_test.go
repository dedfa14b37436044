package journal

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// bench is a store without an actor, and a clock that is moved by hand.
type bench struct {
	t   *testing.T
	s   *Store
	now time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := Open(Options{
		Dir: "state", FS: vfs.NewMem(), Log: zerolog.Nop(),
		Free: func(string) (uint64, error) { return 1 << 40, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{t: t, s: s, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// turn does steps as one turn of the actor does and gives the blobs that lost a pin.
func (b *bench) turn(steps func(g *stage)) map[string]bool {
	b.t.Helper()
	g := newStage(b.s, b.now)
	steps(g)
	g.seal()
	if g.err != nil {
		b.t.Fatal(g.err)
	}
	if _, err := b.s.apply(g.batch, false); err != nil {
		b.t.Fatal(err)
	}
	if err := b.s.freshen(); err != nil {
		b.t.Fatal(err)
	}
	return g.unheld
}

func (b *bench) commit(ops ...Op) []uint64 {
	b.t.Helper()
	var added []uint64
	b.turn(func(g *stage) {
		var err error
		if added, err = g.commit(Commit{Account: "a:1", Ops: ops}); err != nil {
			b.t.Fatal(err)
		}
	})
	return added
}

// sweep forgets all that is due and tells how many steps it took.
func (b *bench) sweep() (steps int) {
	b.t.Helper()
	for more := true; more; steps++ {
		b.turn(func(g *stage) { more = g.sweep() == sweepOn })
	}
	return steps
}

// spaces are the letters of the keys that there are, each once.
func (b *bench) spaces() string {
	b.t.Helper()
	var out []byte
	it, err := b.s.db.NewIter(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for it.First(); it.Valid(); it.Next() {
		if first := it.Key()[0]; !bytes.Contains(out, []byte{first}) {
			out = append(out, first)
		}
	}
	if err := it.Close(); err != nil {
		b.t.Fatal(err)
	}
	return string(out)
}

func TestInTheEndOnlyTheBooksAndTheStateAreLeft(t *testing.T) {
	b := newBench(t)
	blob := strings.Repeat("a", 64)
	var request uint64
	b.turn(func(g *stage) {
		seqs, err := g.accept(Accept{Account: "a:1", Requests: []channels.Request{{Ticket: true}}, Cursor: []byte("1")})
		if err != nil {
			t.Fatal(err)
		}
		request = seqs[0]
	})
	add := AddArrival{Keep: time.Hour, Arrival: channels.Arrival{ID: "m", Kind: channels.Message, Conversation: "c", Origin: request, Ticket: true}}
	reply := AddReply{Keep: time.Hour, Claim: "k", Reply: channels.Reply{Conversation: "c", Origin: request, Ticket: true}}
	added := b.commit(add, add, add, reply, reply, AddReply{Reply: channels.Reply{Conversation: "c"}}, SetState{Name: "x", Value: []byte("1")})
	b.commit(
		Pin{Seq: added[0], Blob: blob, Keep: time.Hour},
		Receive{Seq: added[3], Receipt: channels.Receipt{ID: "p"}},
		End{Kind: Requests, Seq: request, State: Done},
		End{Kind: Arrivals, Seq: added[0], State: Expired},
		End{Kind: Replies, Seq: added[3], State: Done},
		End{Kind: Replies, Seq: added[5], State: Dead},
	)
	if got := b.spaces(); got != "NVachinorstux" {
		t.Fatalf("the test does not fill every space: %q", got)
	}
	b.now = b.now.Add(31 * 24 * time.Hour)
	b.sweep()
	if got := b.spaces(); got != "NVnsu" {
		t.Fatalf("left: %q, want the format, the last number, counters, state and cursor", got)
	}
	if v := verify(b.s.db); v.Err != nil || len(v.Faults) > 0 {
		t.Fatal(v.Err, v.Faults)
	}
}

func TestWhatWasRenewedIsNotForgottenAtItsFirstTime(t *testing.T) {
	b := newBench(t)
	seq := b.commit(AddReply{Reply: channels.Reply{Conversation: "c"}})[0]
	receive := Receive{Seq: seq, Conversation: "c", Receipt: channels.Receipt{ID: "p"}}
	b.commit(receive)
	b.now = b.now.Add(keepReceipt / 2)
	b.commit(receive)
	b.now = b.now.Add(keepReceipt/2 + time.Hour)
	b.sweep()
	if got := b.s.ours(Ours{Account: "a:1", IDs: []string{"p"}}); got.Replies["p"] != seq {
		t.Fatalf("%+v", got)
	}
}

func TestASweepIsBounded(t *testing.T) {
	b := newBench(t)
	ops := make([]Op, 2*sweepStep+1)
	for i := range ops {
		ops[i] = AddReply{Claim: fmt.Sprint(i), Keep: time.Hour, Reply: channels.Reply{Conversation: "c"}}
	}
	b.commit(ops...)
	b.now = b.now.Add(2 * time.Hour)
	if steps := b.sweep(); steps != 3 {
		t.Fatalf("%d claims went in %d steps, want 3", len(ops), steps)
	}
	if got := b.spaces(); strings.Contains(got, "c") {
		t.Fatalf("left: %q", got)
	}
}

func TestWhatIsDeadKeepsItsAttachmentsAndHandsThemOn(t *testing.T) {
	b := newBench(t)
	blob := strings.Repeat("b", 64)
	seq := b.commit(AddArrival{Arrival: channels.Arrival{Conversation: "c"}})[0]
	b.commit(Pin{Seq: seq, Blob: blob}, End{Kind: Arrivals, Seq: seq, State: Dead})
	b.now = b.now.Add(29 * 24 * time.Hour)
	b.sweep()
	var again uint64
	b.turn(func(g *stage) {
		var err error
		if again, err = g.resend(seq); err != nil {
			t.Fatal(err)
		}
	})
	b.now = b.now.Add(2 * 24 * time.Hour)
	b.sweep()
	if held, err := b.s.pinned(blob); err != nil || !held {
		t.Fatal("the attachment of a pending item is not held", err)
	}
	unheld := b.turn(func(g *stage) {
		if _, err := g.commit(Commit{Account: "a:1", Ops: []Op{End{Kind: Arrivals, Seq: again, State: Done}}}); err != nil {
			t.Fatal(err)
		}
	})
	if held, err := b.s.pinned(blob); err != nil || held || !unheld[blob] {
		t.Fatal("the last pin did not go", err, unheld)
	}
}

func TestVerifyFindsBooksThatDoNotBalance(t *testing.T) {
	q := Queue{Arrivals, "a:1"}
	cases := []struct {
		name string
		harm func(b *bench, seq uint64) error
		want string
	}{
		{"an entry of the queue is gone", func(b *bench, seq uint64) error {
			return b.s.db.Delete(queueKey(q, seq), pebble.Sync)
		}, "2 pending by the counters, 1 in the queue"},
		{"an entry of the lane is gone", func(b *bench, seq uint64) error {
			return b.s.db.Delete(laneKey(q, "c", seq), pebble.Sync)
		}, "1 entries of lanes, 2 pending items with a conversation"},
		{"an item is gone", func(b *bench, seq uint64) error {
			return b.s.db.Delete(itemKey(seq), pebble.Sync)
		}, "2 in the queue, 1 items that say so"},
		{"an item is torn", func(b *bench, seq uint64) error {
			return b.s.db.Set(itemKey(seq), []byte{'a'}, pebble.Sync)
		}, "shorter than it says"},
		{"the counters do not add up", func(b *bench, _ uint64) error {
			return b.s.db.Set(booksKey(q), marshalBooks(Counters{Created: 3, Pending: 2}), pebble.Sync)
		}, "created 3 is not done 0 + dead 0 + expired 0 + pending 2"},
		{"a queue without counters", func(b *bench, _ uint64) error {
			return b.s.db.Delete(booksKey(q), pebble.Sync)
		}, "0 pending by the counters, 2 in the queue"},
		{"a number above the last", func(b *bench, seq uint64) error {
			return b.s.db.Set([]byte{spaceLast}, appendSeq(nil, seq-1), pebble.Sync)
		}, "above the last one given"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			add := AddArrival{Arrival: channels.Arrival{Conversation: "c"}}
			added := b.commit(add, add)
			if v := verify(b.s.db); v.Err != nil || len(v.Faults) > 0 {
				t.Fatal(v.Err, v.Faults)
			}
			if err := c.harm(b, added[1]); err != nil {
				t.Fatal(err)
			}
			v := verify(b.s.db)
			if v.Err != nil || !strings.Contains(strings.Join(v.Faults, "\n"), c.want) {
				t.Fatalf("%v %q, want %q", v.Err, v.Faults, c.want)
			}
		})
	}
}

func TestATimeThatNobodyCanWriteIsForgotten(t *testing.T) {
	b := newBench(t)
	seq := b.commit(AddArrival{Arrival: channels.Arrival{Conversation: "c", Sent: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}})[0]
	got := b.s.take(Take{Queue: Queue{Arrivals, "a:1"}, Max: 1})
	if got.Err != nil || got.Arrivals[0].Seq != seq || !got.Arrivals[0].Sent.IsZero() {
		t.Fatalf("%+v", got)
	}
}

func TestABatchIsBounded(t *testing.T) {
	b := newBench(t)
	one := &turn{shell: &shell{s: b.s, m: newMachine(b.s.water)}, stage: newStage(b.s, b.now)}
	for range 3 {
		one.input(kit.In{Msg: Accept{Account: "a:1", Requests: []channels.Request{{Body: make([]byte, bigBatch)}}}})
		if n := one.stage.batch.Len(); n >= bigBatch {
			t.Fatalf("the batch has grown to %d bytes", n)
		}
	}
	if one.stage.err != nil || !one.stage.wrote || one.stage.size < 3*bigBatch {
		t.Fatalf("wrote %v, %d bytes: %v", one.stage.wrote, one.stage.size, one.stage.err)
	}
	if err := one.stage.batch.Close(); err != nil {
		t.Fatal(err)
	}
}
