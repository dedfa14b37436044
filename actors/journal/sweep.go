package journal

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// sweepStep is how many things are forgotten in one turn.
	sweepStep = 1000
	// sweepOn is the pause before the next step while there is more to forget.
	sweepOn = 10 * time.Millisecond
	// sweepSoonest and sweepLatest bound the pause until the next look.
	sweepSoonest = time.Minute
	sweepLatest  = time.Hour
)

// sweep forgets what is due, at most sweepStep things, and says when to look again; zero: there is nothing left that will
// ever be due. A clock that was ahead and is set back only lets things live longer.
func (g *stage) sweep() (next time.Duration) {
	g.flush() // what is due is read from the store
	now, n := g.now.UnixNano(), 0
	first := expiryKey(g.s.swept, nil)
	err := walk(g.s.db, []byte{spaceExpiry}, first, func(key, _ []byte) (bool, error) {
		at64, err := seqAt(key[:min(len(key), 9)])
		if err != nil {
			return false, err
		}
		at := int64(at64)
		if at > now {
			g.s.swept = at
			next = max(min(time.Duration(at-now), sweepLatest), sweepSoonest)
			return false, nil
		}
		if n++; n > sweepStep {
			next = sweepOn
			return false, nil
		}
		g.s.swept = at
		g.drop(key)
		return true, g.forgetDue(at, key[9:])
	})
	if err != nil && g.err == nil {
		g.err = err
	}
	return next
}

// forgetDue forgets the thing under key, if it is still to be forgotten at that time or before.
func (g *stage) forgetDue(at int64, key []byte) error {
	if len(key) == 0 {
		return nil
	}
	switch key[0] {
	case spaceItem:
		seq, err := seqAt(key)
		if it := g.item(seq); err == nil && it != nil && it.State != Pending {
			g.forget(it)
		}
		return err
	case spaceClaim:
		if value, found := g.read(key); found && endsBy(value, at) {
			g.drop(key)
		}
	case spaceReceipt:
		if value, found := g.read(key); found && len(value) >= 16 && endsBy(value[8:16], at) {
			account, id := splitReceipt(key)
			g.drop(key)
			g.drop(append(oursPrefix(account, string(value[16:])), id...))
		}
	case spacePin:
		if len(key) > len(pinPrefix(0)) {
			seq, _ := seqAt(key[:len(pinPrefix(0))])
			g.unpin(seq, string(key[len(pinPrefix(0)):]), 0)
		}
	}
	return nil
}

func endsBy(value []byte, at int64) bool {
	until, err := seqAt(value)
	return err == nil && int64(until) <= at
}

// pinned tells whether any pin holds the blob.
func (s *Store) pinned(blob string) (held bool, err error) {
	return heldBy(s.db, blob)
}

func heldBy(r pebble.Reader, blob string) (held bool, err error) {
	err = walk(r, blobPrefix(blob), nil, func(_, _ []byte) (bool, error) {
		held = true
		return false, nil
	})
	return held, err
}
