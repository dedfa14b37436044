package journal

import (
	"errors"
	"fmt"

	"holdfast/channels"
)

var errSameName = errors.New("the old name and the new one are the same")

// rename gives everything of one account to another, in one batch: after a crash it is done or not begun. An account that has
// nothing is renamed by doing nothing, so it may be asked for again and again.
//
// What the new name has of its own stays. Items of both are one queue, in order of acceptance: their numbers say which. Of
// two equal claims the longer one holds, for either would have refused the repeat. The cursor and the account's values are
// taken over where the new name has none: it has looked further since. Values of one conversation belong together, so
// there the new name's are kept or the old one's taken, never a mixture.
//
// Items themselves are not touched (names.go). Old entries of what is to be forgotten stay as well: they find nothing.
func (g *stage) rename(m Rename) error {
	for _, a := range []channels.Account{m.From, m.To} {
		if err := checkAccount(a); err != nil {
			return fmt.Errorf("rename: %w", err)
		}
	}
	if m.From == m.To {
		return fmt.Errorf("rename %s: %w", m.From, errSameName)
	}
	g.begin()
	g.flush() // what is moved is read from the store
	r := renaming{stage: g, from: m.From, to: m.To}
	for _, move := range []func() error{r.queues, r.claims, r.cursor, r.values, r.receipts} {
		if err := move(); err != nil && g.err == nil {
			g.err = fmt.Errorf("rename %s: %w", m.From, err)
		}
	}
	g.flush() // and what follows reads what was moved
	return nil
}

// renaming is one rename under way.
type renaming struct {
	*stage
	from, to channels.Account
}

// move visits what lies under the old name's prefix, and lets go of it.
func (r renaming) move(prefix []byte, visit func(rest, value []byte) error) error {
	found := false
	err := walk(r.s.db, prefix, nil, func(key, value []byte) (bool, error) {
		found = true
		return true, visit(key[len(prefix):], value)
	})
	if found { // what has nothing is not written either
		r.dropAll(prefix)
	}
	return err
}

func (g *stage) dropAll(prefix []byte) { _ = g.batch.DeleteRange(prefix, after(prefix), nil) }

// queues unites the counters and the queues, and notes the rename if there are items.
func (r renaming) queues() error {
	had := false
	for _, kind := range []Kind{Requests, Arrivals, Replies} {
		from, to := Queue{kind, r.from}, Queue{kind, r.to}
		old := r.s.queues[from]
		if old == nil {
			continue
		}
		had = true
		if old.Pending > 0 {
			r.grown = append(r.grown, to)
		}
		r.s.books(to).unite(old)
		delete(r.s.queues, from)
		r.s.moved[from] = true
		r.drop(booksKey(from))
		if err := r.entries(from, to); err != nil {
			return err
		}
	}
	if had {
		r.named(r.from, r.to)
	}
	return nil
}

func (r renaming) entries(from, to Queue) error {
	return r.move(queuePrefix(from), func(rest, value []byte) error {
		seq, err := seqAt(rest)
		if err != nil {
			return err
		}
		_, conversation, err := queueEntry(value)
		r.set(queueKey(to, seq), value)
		if len(conversation) > 0 {
			r.drop(laneKey(from, string(conversation), seq))
			r.set(laneKey(to, string(conversation), seq), nil)
		}
		return err
	})
}

func (r renaming) claims() error {
	for _, kind := range []Kind{Requests, Arrivals, Replies} {
		own := r.has(claimKey(kind, r.to, "")) // mostly there are none, and many to be moved
		err := r.move(claimKey(kind, r.from, ""), func(claim, value []byte) error {
			until, err := seqAt(value)
			key := claimKey(kind, r.to, string(claim))
			if err != nil || int64(until) <= r.now.UnixNano() || own && r.holds(key, until) {
				return err
			}
			r.set(key, value)
			r.forgetAt(int64(until), key)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// holds tells whether there is a claim already that holds as long.
func (r renaming) holds(key []byte, until uint64) bool {
	value, found := r.read(key)
	return found && !endsBy(value, int64(until)-1)
}

func (r renaming) cursor() error {
	return r.move(cursorKey(r.from), func(_, value []byte) error {
		if _, own := r.read(cursorKey(r.to)); !own {
			r.set(cursorKey(r.to), value)
		}
		return nil
	})
}

func (r renaming) values() error {
	var (
		looked string // the conversation that was looked at last
		own    bool   // the new name has values of it
	)
	return r.move(appendAccount([]byte{spaceState}, r.from), func(rest, value []byte) error {
		f := fields{rest: rest}
		conversation := f.text()
		if f.err != nil {
			return fmt.Errorf("value %q: %w", rest, f.err)
		}
		key := append(appendAccount([]byte{spaceState}, r.to), rest...)
		switch {
		case conversation == "":
			_, own = r.read(key)
		case conversation != looked:
			looked, own = conversation, r.has(statePrefix(r.to, conversation))
		}
		if !own {
			r.set(key, value)
		}
		return nil
	})
}

// has tells whether there is anything under a prefix.
func (r renaming) has(prefix []byte) (has bool) {
	err := walk(r.s.db, prefix, nil, func(_, _ []byte) (bool, error) {
		has = true
		return false, nil
	})
	if err != nil && r.err == nil {
		r.err = err
	}
	return has
}

func (r renaming) receipts() error {
	return r.move(receiptKey(r.from, ""), func(id, value []byte) error {
		key := receiptKey(r.to, string(id))
		if len(value) >= 16 {
			r.drop(append(oursPrefix(r.from, string(value[16:])), id...))
		}
		if _, own := r.read(key); own || len(value) < 16 {
			return nil
		}
		until, err := seqAt(value[8:16])
		r.set(key, value)
		r.set(append(oursPrefix(r.to, string(value[16:])), id...), value[:8])
		r.forgetAt(int64(until), key)
		return err
	})
}
