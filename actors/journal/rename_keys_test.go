package journal

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/channels"
)

func (b *bench) rename(from, to channels.Account) {
	b.t.Helper()
	b.turn(func(g *stage) {
		if err := g.rename(Rename{From: from, To: to}); err != nil {
			b.t.Fatal(err)
		}
	})
}

// keys are all that hold a text, but for those of a space.
func (b *bench) keys(text, but string) (out []string) {
	b.t.Helper()
	it, err := b.s.db.NewIter(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for it.First(); it.Valid(); it.Next() {
		if bytes.Contains(it.Key(), []byte(text)) && !strings.Contains(but, string(it.Key()[:1])) {
			out = append(out, fmt.Sprintf("%q", it.Key()))
		}
	}
	if err := it.Close(); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// full puts something of account a:1 into every space, and gives a pending reply.
func (b *bench) full() uint64 {
	b.t.Helper()
	var request uint64
	b.turn(func(g *stage) {
		seqs, err := g.accept(Accept{Account: "a:1", Requests: []channels.Request{{Ticket: true}, {}}, Cursor: []byte("1")})
		if err != nil {
			b.t.Fatal(err)
		}
		request = seqs[0]
	})
	added := b.commit(
		AddArrival{Arrival: channels.Arrival{ID: "m", Conversation: "c", Origin: request, Ticket: true}, Keep: time.Hour},
		AddReply{Reply: channels.Reply{Conversation: "c"}, Claim: "once", Keep: time.Hour},
		AddReply{Reply: channels.Reply{Conversation: "c"}},
		SetState{Name: "run", Value: []byte("16")}, SetState{Conversation: "c", Name: "history", Value: []byte("[]")},
	)
	blob := strings.Repeat("a", 64)
	b.commit(Pin{Seq: added[0], Blob: blob, Keep: time.Hour}, Receive{Seq: added[1], Receipt: channels.Receipt{ID: "r"}})
	b.commit(End{Kind: Replies, Seq: added[1], State: Done})
	return added[2]
}

func TestARenameLeavesNoKeyUnderTheOldName(t *testing.T) {
	b := newBench(t)
	b.full()
	if spaces := b.spaces(); spaces != "NVachiknoqrstux" {
		t.Fatalf("the test fills %s: a space is missing, or a new one has to be renamed as well", spaces)
	}
	before := len(b.keys("", "xm"))
	b.rename("a:1", "a:2")
	if left := b.keys("a:1", "xm"); len(left) > 0 {
		t.Errorf("under the old name there is still %v", left)
	}
	if after := len(b.keys("", "xm")); after != before {
		t.Errorf("%d keys were there, and %d are", before, after)
	}
	before = len(b.keys("", ""))
	b.rename("a:1", "a:2")
	if after := len(b.keys("", "")); after != before || len(b.s.names) != 1 {
		t.Errorf("what has no item any more was renamed once more: %d keys were there, and %d are; %v", before, after, b.s.names)
	}
}

func TestWhatFollowsInTheSameTurnSeesTheRename(t *testing.T) {
	b := newBench(t)
	seq := b.full()
	b.turn(func(g *stage) {
		before := g.item(seq).Account
		if err := g.rename(Rename{From: "a:1", To: "a:2"}); err != nil {
			t.Fatal(err)
		}
		added, err := g.commit(Commit{Account: "a:2", Ops: []Op{
			AddArrival{Arrival: channels.Arrival{ID: "m", Conversation: "c"}, Keep: time.Hour}, End{Kind: Replies, Seq: seq, State: Done},
		}})
		if err != nil || added[0] != 0 || before != "a:1" {
			t.Errorf("a repeat became %v: %v", added, err)
		}
	})
}

// What is to be forgotten is forgotten under its new name.
func TestWhatWasRenamedIsForgottenInItsTime(t *testing.T) {
	b := newBench(t)
	seq := b.full()
	b.rename("a:1", "a:2")
	b.turn(func(g *stage) {
		for _, q := range g.s.sortedQueues() {
			for _, it := range b.s.take(Take{Queue: q, Max: 10}).seqs() {
				g.end(g.item(it), Done, "", "")
			}
		}
	})
	b.now = b.now.Add(40 * 24 * time.Hour)
	b.sweep()
	if spaces := b.spaces(); spaces != "NVmnsu" {
		t.Errorf("left is %s, want the books, the values and the rename", spaces)
	}
	if it := b.item(seq); it != nil {
		t.Errorf("item %d is still there: %+v", seq, it.Record)
	}
}

func (t Taken) seqs() (out []uint64) {
	for _, r := range t.Requests {
		out = append(out, r.Seq)
	}
	for _, a := range t.Arrivals {
		out = append(out, a.Seq)
	}
	for _, r := range t.Replies {
		out = append(out, r.Seq)
	}
	return out
}

func (b *bench) item(seq uint64) (out *item) {
	b.turn(func(g *stage) { out = g.item(seq) })
	return out
}

// An item that was written by a name's former owner is not the former owner's any more when another account gets the name.
func TestANameThatIsUsedAgainMeansAnotherAccount(t *testing.T) {
	b := newBench(t)
	first := b.full()
	b.rename("a:1", "a:2")
	second := b.full()
	b.rename("a:2", "a:3")
	third := func() (seq uint64) {
		b.turn(func(g *stage) { g.put(g.item(first)); seq = first })
		return seq
	}()
	for seq, want := range map[uint64]channels.Account{third: "a:3", second: "a:1"} {
		if it := b.item(seq); it.Account != want {
			t.Errorf("item %d is said to be %s's, want %s's", seq, it.Account, want)
		}
	}
	b.rename("a:1", "a:2")
	if it := b.item(first); it.Account != "a:3" {
		t.Errorf("item %d is said to be %s's", first, it.Account)
	}
	if it := b.item(second); it.Account != "a:2" {
		t.Errorf("item %d is said to be %s's", second, it.Account)
	}
}

func TestLaw9_RenamesAreBounded(t *testing.T) {
	b := newBench(t)
	seq := b.full()
	owner := func(i int) channels.Account { return channels.Account(fmt.Sprintf("a:%d", i)) }
	for i := 1; i <= maxNames+2; i++ {
		b.rename(owner(i), owner(i+1))
		if len(b.s.names) > maxNames {
			t.Fatalf("%d renames are remembered", len(b.s.names))
		}
	}
	if len(b.s.names) > 3 {
		t.Errorf("%d renames are remembered after all items were written anew", len(b.s.names))
	}
	if it := b.item(seq); it.Account != owner(maxNames+3) || it.written < b.s.names[0].number {
		t.Errorf("the item is said to be %s's, written after rename %d; remembered are %v", it.Account, it.written, b.s.names)
	}
	names, err := readNames(b.s.db)
	if err != nil || fmt.Sprint(names) != fmt.Sprint(b.s.names) {
		t.Errorf("the disk knows %v, the memory %v: %v", names, b.s.names, err)
	}
	if v := verify(b.s.db); v.Err != nil || len(v.Faults) > 0 {
		t.Errorf("%v %q", v.Err, v.Faults)
	}
}

// BenchmarkRename gives 100 000 claims and 1000 conversations another name.
func BenchmarkRename(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := newBench(&testing.T{})
		for i := range 1000 {
			ops := []Op{SetState{Conversation: fmt.Sprint(i), Name: "history", Value: make([]byte, 4<<10)}}
			for j := range 100 {
				ops = append(ops, AddArrival{Arrival: channels.Arrival{ID: fmt.Sprintf("%d-%d", i, j), Conversation: fmt.Sprint(i)}, Keep: time.Hour})
			}
			w.commit(ops...)
		}
		b.StartTimer()
		w.rename("a:1", "a:2")
	}
}
