package journal_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// model is what the journal ought to be, in maps.
type model struct {
	items  map[uint64]*modelItem
	claims map[modelClaim]bool
	gone   map[channels.Account]channels.Account // names that nobody has any more, and who has got what was theirs
	books  map[journal.Queue]journal.Counters
	last   uint64
}

type modelClaim struct {
	queue journal.Queue
	text  string
}

type modelItem struct {
	queue        journal.Queue
	conversation string
	state        journal.State
	resent       bool
}

var accounts = []channels.Account{home, work, "bluebubbles:cottage"}

func newModel() *model {
	return &model{
		items: map[uint64]*modelItem{}, claims: map[modelClaim]bool{},
		gone: map[channels.Account]channels.Account{}, books: map[journal.Queue]journal.Counters{},
	}
}

// owner is who has what is brought under a name.
func (m *model) owner(a channels.Account) channels.Account {
	for to, gone := m.gone[a]; gone; to, gone = m.gone[a] {
		a = to
	}
	return a
}

// rename gives everything to another name, in maps.
func (m *model) rename(from, to channels.Account) {
	delete(m.gone, to)
	m.gone[from] = to
	for _, it := range m.items {
		if it.queue.Account == from {
			it.queue.Account = to
		}
	}
	for c := range maps.Clone(m.claims) {
		if c.queue.Account == from {
			delete(m.claims, c)
			c.queue.Account = to
			m.claims[c] = true
		}
	}
	for q, old := range maps.Clone(m.books) {
		if q.Account != from {
			continue
		}
		delete(m.books, q)
		q.Account = to
		m.count(q, func(c *journal.Counters) {
			c.Created, c.Pending, c.Done = c.Created+old.Created, c.Pending+old.Pending, c.Done+old.Done
			c.Dead, c.Expired = c.Dead+old.Dead, c.Expired+old.Expired
			for word, n := range old.Outcomes {
				if c.Outcomes == nil {
					c.Outcomes = map[string]uint64{}
				}
				c.Outcomes[word] += n
			}
		})
	}
}

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
	own := m.pending(func(it *modelItem) bool { return it.queue.Account == account })
	ended, refused := map[uint64]bool{}, m.owner(account) != account
	for range rapid.IntRange(1, 5).Draw(t, "parts") {
		switch rapid.IntRange(0, 4).Draw(t, "part") {
		case 0, 1:
			seq := rapid.Uint64Range(1, m.last+1).Draw(t, "seq")
			if len(own) > 0 && rapid.Bool().Draw(t, "own") {
				seq = rapid.SampledFrom(own).Draw(t, "its seq")
			}
			it := m.items[seq]
			kind := journal.Requests
			if it != nil {
				kind = it.queue.Kind
			}
			refused = refused || it == nil || it.state != journal.Pending || it.queue.Account != account || ended[seq]
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
		q, claim, conversation := journal.Queue{Account: account}, modelClaim{}, ""
		switch op := op.(type) {
		case journal.End:
			m.end(op.Seq, op.State, op.Outcome)
			continue
		case journal.AddArrival:
			q.Kind, conversation = journal.Arrivals, op.Arrival.Conversation
			claim = modelClaim{q, op.Arrival.Claim()}
		case journal.AddReply:
			q.Kind, conversation = journal.Replies, op.Reply.Conversation
			if op.Claim != "" {
				claim = modelClaim{q, op.Claim}
			}
		}
		seq := added[0]
		added = added[1:]
		if m.claims[claim] != (seq == 0) {
			t.Fatalf("claim %v: taken %v, added %d", claim, m.claims[claim], seq)
		}
		if seq == 0 {
			m.repeat(q)
			continue
		}
		m.add(t, seq, q, conversation)
		if claim.text != "" {
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
	for _, q := range slices.SortedFunc(maps.Keys(s.Queues), byName) { // or a failure could not be drawn again
		c := s.Queues[q]
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

func byName(a, b journal.Queue) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }

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

// ended tells of an item that has ended whose it is, until it is forgotten.
func (m *model) ended(t *rapid.T, w *world) {
	for seq, it := range m.items {
		if shown := ask[journal.Shown](w, journal.Show{Seq: seq}); shown.Err != nil || shown.Record.Account != it.queue.Account {
			t.Fatalf("item %d is %s's, and it is said to be %s's: %v", seq, it.queue.Account, shown.Record.Account, shown.Err)
		}
	}
}

// TestLaw6_TheBooksBalanceAfterEveryStep walks at random: steps, accepts, orders, crashes and restarts.
func TestLaw6_TheBooksBalanceAfterEveryStep(t *testing.T) {
	sys := kit.New(kit.Options{Log: zerolog.Nop()}) // of all journals: making one is the most that a restart would cost
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewCrashableMem()
		m := newModel()
		w := startIn(t, sys, inMemory(fs))
		defer func() { w.close() }()
		t.Repeat(map[string]func(*rapid.T){
			"accept": func(t *rapid.T) {
				a := rapid.SampledFrom(accounts).Draw(t, "account")
				for _, seq := range w.accept(a, rapid.IntRange(1, 3).Draw(t, "n")) {
					m.add(t, seq, queue(journal.Requests, m.owner(a)), "")
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
				delete(m.gone, a)
				for _, seq := range m.pending(func(it *modelItem) bool { return it.queue.Account != a }) {
					m.end(seq, journal.Dead, "")
				}
			},
			"rename": func(t *rapid.T) {
				from, to := rapid.SampledFrom(accounts).Draw(t, "from"), rapid.SampledFrom(accounts).Draw(t, "to")
				c := ask[journal.Committed](w, journal.Rename{From: from, To: to})
				if (c.Err != nil) != (from == to) {
					t.Fatalf("rename %s to %s: %v", from, to, c.Err)
				} else if from != to {
					m.rename(from, to)
				}
			},
			"restart": func(t *rapid.T) {
				w.close()
				w = startIn(t, sys, inMemory(fs))
				clear(m.gone)
			},
			"crash after a sync": func(t *rapid.T) {
				ask[journal.Committed](w, journal.Commit{Account: "nobody:here", Sync: true})
				crashed := fs.CrashClone(vfs.CrashCloneCfg{})
				w.close()
				fs = crashed
				w = startIn(t, sys, inMemory(fs))
				clear(m.gone)
			},
			"":      func(t *rapid.T) { m.check(t, w) },
			"whose": func(t *rapid.T) { m.ended(t, w) },
		})
	})
}
