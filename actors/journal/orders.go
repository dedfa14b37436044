package journal

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/channels"
)

// keepStep is how many items of removed accounts die in one turn.
const keepStep = 500

// Words for the ends that the journal itself decides.
const (
	outcomeResent  = "resent"
	outcomeDropped = "dropped"
	outcomeRemoved = "account removed"
	reasonRemoved  = "the account is not in the configuration any more; resend it when the account is back"
)

// resend makes a dead item pending again under a new number. The dead one stays in the books, without its content.
func (g *stage) resend(seq uint64) (uint64, error) {
	g.flush() // pins are read from the store
	g.begin()
	old := g.item(seq)
	switch {
	case old == nil:
		return 0, fmt.Errorf("resend %d: %w", seq, ErrNoItem)
	case old.State == Dead && len(old.payload) == 0:
		return 0, fmt.Errorf("resend %d: %s: %w", seq, old.Reason, ErrEnded)
	case old.State != Dead:
		return 0, fmt.Errorf("resend %d: only a dead item can be resent, this one is %s", seq, old.State)
	}
	it := &item{
		Record: Record{Seq: g.number(), Kind: old.Kind, Account: old.Account, Conversation: old.Conversation, At: g.now},
		origin: old.origin, ticket: old.ticket,
	}
	payload, err := renumbered(old, it)
	if err != nil {
		return 0, fmt.Errorf("resend %d: %w", seq, err)
	}
	it.payload = payload
	g.create(it)
	if old.pinned {
		g.copyPins(old, it)
	}
	if old.ticket && old.origin != 0 {
		g.drop(ticketKey(old.origin, old.Seq))
	}
	old.Outcome, old.payload = outcomeResent, nil
	old.Reason = strings.TrimSuffix(fmt.Sprintf("resent as %d: %s", it.Seq, old.Reason), ": ")
	g.put(old)
	g.touch(it)
	return it.Seq, nil
}

// renumbered is the old item's content as that of the new one, with no attempt made yet.
func renumbered(old, it *item) ([]byte, error) {
	switch old.Kind {
	case Requests:
		r, err := old.request()
		r.Seq, r.At = it.Seq, it.At
		return encodeRequest(r), err
	case Arrivals:
		a, err := old.arrival()
		a.Seq, a.At = it.Seq, it.At
		return encode(a), err
	default:
		r, err := old.reply()
		r.Seq, r.At, r.Attempt, r.FirstTry = it.Seq, it.At, 0, fromNanos(0)
		return encode(r), err
	}
}

func (g *stage) copyPins(old, it *item) {
	err := walk(g.s.db, pinPrefix(old.Seq), nil, func(key, value []byte) (bool, error) {
		blob := string(key[len(pinPrefix(0)):])
		g.set(pinKey(it.Seq, blob), value)
		g.set(blobKey(blob, it.Seq), nil)
		return true, nil
	})
	if err != nil && g.err == nil {
		g.err = err
	}
	it.pinned = true
	g.put(it)
}

// dropItem ends a pending item as dead, or forgets a dead one.
func (g *stage) dropItem(seq uint64, reason string) error {
	g.flush()
	g.begin()
	it := g.item(seq)
	switch {
	case it == nil:
		return fmt.Errorf("drop %d: %w", seq, ErrNoItem)
	case it.State == Pending:
		g.end(it, Dead, outcomeDropped, reason)
		return nil
	case it.State == Dead:
		g.forget(it)
		return nil
	}
	return fmt.Errorf("drop %d: it is %s: %w", seq, it.State, ErrEnded)
}

// forget removes every trace of an ended item except the counters.
func (g *stage) forget(it *item) {
	if it.pinned {
		err := walk(g.s.db, pinPrefix(it.Seq), nil, func(key, _ []byte) (bool, error) {
			g.unpin(it.Seq, string(key[len(pinPrefix(0)):]), 0)
			return true, nil
		})
		if err != nil && g.err == nil {
			g.err = err
		}
	}
	if it.ticket && it.origin != 0 {
		g.drop(ticketKey(it.origin, it.Seq))
	}
	g.drop(itemKey(it.Seq))
	g.items[it.Seq] = nil
}

// keepOnly lets pending items of accounts that are not named die, at most keepStep of them, and tells whether there are more.
func (g *stage) keepOnly(accounts map[channels.Account]bool) (more bool) {
	g.flush()
	g.begin()
	var seqs []uint64
	for _, q := range g.s.sortedQueues() {
		b := g.s.queues[q]
		if accounts[q.Account] || b.Pending == 0 {
			continue
		}
		err := walk(g.s.db, queuePrefix(q), queueKey(q, b.floor), func(key, _ []byte) (bool, error) {
			if len(seqs) == keepStep {
				more = true
				return false, nil
			}
			seq, err := seqAt(key)
			seqs = append(seqs, seq)
			return true, err
		})
		if err != nil && g.err == nil {
			g.err = err
		}
	}
	for _, seq := range seqs {
		if it := g.item(seq); it != nil && it.State == Pending {
			g.end(it, Dead, outcomeRemoved, reasonRemoved)
		}
	}
	return more && g.err == nil
}

// sortedQueues are all queues in a fixed order.
func (s *Store) sortedQueues() []Queue {
	out := make([]Queue, 0, len(s.queues))
	for q := range s.queues {
		out = append(out, q)
	}
	slices.SortFunc(out, compareQueues)
	return out
}

func compareQueues(a, b Queue) int {
	if c := strings.Compare(string(a.Account), string(b.Account)); c != 0 {
		return c
	}
	return strings.Compare(string(a.Kind), string(b.Kind))
}
