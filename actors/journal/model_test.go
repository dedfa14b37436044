package journal_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"holdfast/actors/journal"
	"holdfast/channels"
)

// model is what the journal ought to be, in maps.
type model struct {
	items  map[uint64]*modelItem
	claims map[string]bool
	books  map[journal.Queue]journal.Counters
	last   uint64
}

type modelItem struct {
	queue        journal.Queue
	conversation string
	state        journal.State
	resent       bool
}

var accounts = []channels.Account{home, work}

func (m *model) add(t *rapid.T, seq uint64, q journal.Queue, conversation string) {
	if seq <= m.last {
		t.Fatalf("number %d after %d", seq, m.last)
	}
	m.last = seq
	m.items[seq] = &modelItem{queue: q, conversation: conversation, state: journal.Pending}
	m.count(q, func(c *journal.Counters) { c.Created++; c.Pending++ })
}

func (m *model) count(q journal.Queue, change func(*journal.Counters)) {
	c := m.books[q]
	c.Outcomes = maps.Clone(c.Outcomes)
	change(&c)
	m.books[q] = c
}

func (m *model) end(seq uint64, state journal.State, outcome string) {
	it := m.items[seq]
	it.state = state
	m.count(it.queue, func(c *journal.Counters) {
		c.Pending--
		switch state {
		case journal.Done:
			c.Done++
			if c.Outcomes == nil {
				c.Outcomes = map[string]uint64{}
			}
			c.Outcomes[outcome]++
		case journal.Dead:
			c.Dead++
		default:
			c.Expired++
		}
	})
}

func (m *model) repeat(q journal.Queue) {
	m.count(q, func(c *journal.Counters) {
		c.Created++
		c.Done++
		if c.Outcomes == nil {
			c.Outcomes = map[string]uint64{}
		}
		c.Outcomes["duplicate"]++
	})
	m.last++ // a duplicate has a number as well
}

func (m *model) pending(keep func(*modelItem) bool) []uint64 {
	var out []uint64
	for seq, it := range m.items {
		if it.state == journal.Pending && keep(it) {
			out = append(out, seq)
		}
	}
	slices.Sort(out)
	return out
}

// step is one commit with random parts: ends of items that are pending or not, arrivals and replies that are new or not.
func (m *model) step(t *rapid.T, w *world) {
	account := rapid.SampledFrom(accounts).Draw(t, "account")
	var ops []journal.Op
	ended, refused := map[uint64]bool{}, false
	for range rapid.IntRange(1, 5).Draw(t, "parts") {
		switch rapid.IntRange(0, 4).Draw(t, "part") {
		case 0, 1:
			seq := rapid.Uint64Range(1, m.last+1).Draw(t, "seq")
			it := m.items[seq]
			kind := journal.Requests
			if it != nil {
				kind = it.queue.Kind
			}
			refused = refused || it == nil || it.state != journal.Pending || ended[seq]
			ended[seq] = true
			state := rapid.SampledFrom([]journal.State{journal.Done, journal.Dead, journal.Expired}).Draw(t, "state")
			ops = append(ops, journal.End{Kind: kind, Seq: seq, State: state, Outcome: rapid.SampledFrom([]string{"sent", "denied"}).Draw(t, "outcome")})
		case 2, 3:
			a := arrival(fmt.Sprint("m", rapid.IntRange(0, 20).Draw(t, "id")), fmt.Sprint("c", rapid.IntRange(0, 2).Draw(t, "conversation")))
			ops = append(ops, a)
		default:
			r := reply("c1", "x")
			r.Claim, r.Keep = rapid.SampledFrom([]string{"", "k1", "k2", "k3"}).Draw(t, "key"), day
			ops = append(ops, r)
		}
	}
	got := ask[journal.Committed](w, journal.Commit{Account: account, Ops: ops, Sync: rapid.Bool().Draw(t, "sync")})
	if refused != errors.Is(got.Err, journal.ErrEnded) || !refused && got.Err != nil {
		t.Fatalf("refused %v, want %v", got.Err, refused)
	}
	if !refused {
		m.did(t, account, ops, got.Added)
	}
}

func (m *model) did(t *rapid.T, account channels.Account, ops []journal.Op, added []uint64) {
	for _, op := range ops {
		q, claim, conversation := journal.Queue{Account: account}, "", ""
		switch op := op.(type) {
		case journal.End:
			m.end(op.Seq, op.State, op.Outcome)
			continue
		case journal.AddArrival:
			q.Kind, claim, conversation = journal.Arrivals, "a"+string(account)+op.Arrival.Claim(), op.Arrival.Conversation
		case journal.AddReply:
			q.Kind, conversation = journal.Replies, op.Reply.Conversation
			if op.Claim != "" {
				claim = "p" + string(account) + op.Claim
			}
		}
		seq := added[0]
		added = added[1:]
		if m.claims[claim] != (seq == 0) {
			t.Fatalf("claim %q: taken %v, added %d", claim, m.claims[claim], seq)
		}
		if seq == 0 {
			m.repeat(q)
			continue
		}
		m.add(t, seq, q, conversation)
		if claim != "" {
			m.claims[claim] = true
		}
	}
}

// check compares everything that can be asked for.
func (m *model) check(t *rapid.T, w *world) {
	v := ask[journal.Verified](w, journal.Verify{})
	if v.Err != nil || len(v.Faults) > 0 || !v.Statistics.Accepting {
		t.Fatalf("%v %q %+v", v.Err, v.Faults, v.Statistics)
	}
	blind := cmpopts.IgnoreFields(journal.Counters{}, "Oldest")
	if diff := cmp.Diff(m.books, v.Statistics.Queues, blind, cmpopts.EquateEmpty()); diff != "" {
		t.Fatal("counters by the keys: " + diff)
	}
	s := ask[journal.Statistics](w, journal.Stats{})
	if diff := cmp.Diff(v.Statistics.Queues, s.Queues, cmpopts.EquateEmpty()); diff != "" {
		t.Fatal("counters in memory: " + diff)
	}
	for q, c := range s.Queues {
		if c.Created != c.Done+c.Dead+c.Expired+c.Pending {
			t.Fatalf("%v: %+v", q, c)
		}
		var want []uint64
		skip := rapid.SampledFrom([][]string{nil, {"c1"}, {"c0", "c2"}}).Draw(t, "skip")
		want = m.pending(func(it *modelItem) bool { return it.queue == q && !slices.Contains(skip, it.conversation) })
		if diff := cmp.Diff(want, seqs(ask[journal.Taken](w, journal.Take{Queue: q, Max: 1000, Skip: skip})), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("take %v but %v: %s", q, skip, diff)
		}
		want = m.pending(func(it *modelItem) bool { return it.queue == q && it.conversation == "c1" })
		if diff := cmp.Diff(want, seqs(ask[journal.Taken](w, journal.Take{Queue: q, Max: 1000, Conversation: "c1"})), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("take a lane of %v: %s", q, diff)
		}
	}
}

func seqs(m journal.Taken) []uint64 {
	var out []uint64
	for _, r := range m.Requests {
		out = append(out, r.Seq)
	}
	for _, a := range m.Arrivals {
		out = append(out, a.Seq)
	}
	for _, r := range m.Replies {
		out = append(out, r.Seq)
	}
	return out
}

// TestLaw6_TheBooksBalanceAfterEveryStep walks at random: steps, accepts, orders, crashes and restarts.
func TestLaw6_TheBooksBalanceAfterEveryStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewCrashableMem()
		m := &model{items: map[uint64]*modelItem{}, claims: map[string]bool{}, books: map[journal.Queue]journal.Counters{}}
		w := start(t, inMemory(fs))
		defer func() { w.close() }()
		t.Repeat(map[string]func(*rapid.T){
			"accept": func(t *rapid.T) {
				a := rapid.SampledFrom(accounts).Draw(t, "account")
				for _, seq := range w.accept(a, rapid.IntRange(1, 3).Draw(t, "n")) {
					m.add(t, seq, queue(journal.Requests, a), "")
				}
			},
			"step":  func(t *rapid.T) { m.step(t, w) },
			"steps": func(t *rapid.T) { m.step(t, w); m.step(t, w) },
			"resend": func(t *rapid.T) {
				seq := rapid.Uint64Range(1, m.last+1).Draw(t, "seq")
				it := m.items[seq]
				c := ask[journal.Committed](w, journal.Resend{Seq: seq})
				if can := it != nil && it.state == journal.Dead && !it.resent; can != (c.Err == nil) {
					t.Fatalf("resend %d: %v, want %v", seq, c.Err, can)
				} else if can {
					it.resent = true
					m.add(t, c.Added[0], it.queue, it.conversation)
				}
			},
			"drop": func(t *rapid.T) {
				seq := rapid.Uint64Range(1, m.last+1).Draw(t, "seq")
				c := ask[journal.Committed](w, journal.Drop{Seq: seq})
				switch it := m.items[seq]; {
				case c.Err != nil:
				case it.state == journal.Pending:
					m.end(seq, journal.Dead, "")
				default:
					delete(m.items, seq)
				}
			},
			"keep one account": func(t *rapid.T) {
				a := rapid.SampledFrom(accounts).Draw(t, "account")
				if c := ask[journal.Committed](w, journal.Keep{Accounts: []channels.Account{a}}); c.Err != nil {
					t.Fatal(c.Err)
				}
				for _, seq := range m.pending(func(it *modelItem) bool { return it.queue.Account != a }) {
					m.end(seq, journal.Dead, "")
				}
			},
			"restart": func(t *rapid.T) {
				w.close()
				w = start(t, inMemory(fs))
			},
			"crash after a sync": func(t *rapid.T) {
				ask[journal.Committed](w, journal.Commit{Account: home, Sync: true})
				crashed := fs.CrashClone(vfs.CrashCloneCfg{})
				w.close()
				fs = crashed
				w = start(t, inMemory(fs))
			},
			"": func(t *rapid.T) { m.check(t, w) },
		})
	})
}
