package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// maxOutcomes bounds the words that one queue counts; further ones are counted as otherOutcome.
const (
	maxOutcomes  = 64
	otherOutcome = "other"
)

// books are the counters of one queue, kept in memory and written in each batch that changes them.
type books struct {
	Counters
	// floor is a number below which nothing is pending. The keys of ended items leave traces that a walk from the
	// queue's first key would have to pass again and again.
	floor uint64
	dirty bool // not yet in the batch
	stale bool // the oldest has ended: look for the next
}

func (b *books) created(seq uint64, at time.Time) {
	if b.Pending == 0 {
		b.floor, b.Oldest, b.stale = seq, at, false
	}
	b.Created++
	b.Pending++
	b.dirty = true
}

func (b *books) ended(seq uint64, state State, outcome string) {
	b.Pending--
	switch state {
	case Done:
		b.Done++
		b.count(outcome)
	case Dead:
		b.Dead++
	default:
		b.Expired++
	}
	if seq <= b.floor {
		b.stale = true
	}
	b.dirty = true
}

// repeated counts an item that was created and done at once.
func (b *books) repeated() {
	b.Created++
	b.Done++
	b.count(outcomeDuplicate)
	b.dirty = true
}

func (b *books) count(outcome string) { b.counted(outcome, 1) }

func (b *books) counted(outcome string, n uint64) {
	if outcome == "" {
		return
	}
	if _, known := b.Outcomes[outcome]; !known && len(b.Outcomes) >= maxOutcomes {
		outcome = otherOutcome
	}
	if b.Outcomes == nil {
		b.Outcomes = map[string]uint64{}
	}
	b.Outcomes[outcome] += n
}

// unite takes in the counters of another queue.
func (b *books) unite(old *books) {
	switch {
	case old.Pending == 0:
	case b.Pending == 0:
		b.floor = old.floor
	default:
		b.floor = min(b.floor, old.floor)
	}
	b.Created += old.Created
	b.Done += old.Done
	b.Dead += old.Dead
	b.Expired += old.Expired
	b.Pending += old.Pending
	b.Outcomes = maps.Clone(b.Outcomes)
	for outcome, n := range old.Outcomes {
		b.counted(outcome, n)
	}
	b.dirty, b.stale = true, true
}

// copied is the counters as others may keep them.
func (b *books) copied() Counters {
	c := b.Counters
	c.Outcomes = maps.Clone(c.Outcomes)
	return c
}

// balances tells whether created = done + dead + expired + pending.
func (c Counters) balances() bool { return c.Created == c.Done+c.Dead+c.Expired+c.Pending }

// marshalBooks is the value under a queue's counters. Oldest is not kept: it follows from the queue.
func marshalBooks(c Counters) []byte {
	c.Oldest = time.Time{}
	return encode(c)
}

// readBooks reads the counters of all queues.
func readBooks(r pebble.Reader) (map[Queue]Counters, error) {
	out := map[Queue]Counters{}
	err := walk(r, []byte{spaceBooks}, nil, func(key, value []byte) (bool, error) {
		q, err := queueOf(key)
		if err != nil {
			return false, err
		}
		var c Counters
		if err := json.Unmarshal(value, &c); err != nil {
			return false, fmt.Errorf("counters of %s %s: %w", q.Account, q.Kind, err)
		}
		out[q] = c
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the counters: %w", err)
	}
	return out, nil
}

// oldest finds the first pending item of the queue from a number on; found is false when there is none.
func oldest(r pebble.Reader, q Queue, from uint64) (seq uint64, at time.Time, found bool, err error) {
	err = walk(r, queuePrefix(q), queueKey(q, from), func(key, value []byte) (bool, error) {
		if seq, err = seqAt(key); err != nil {
			return false, err
		}
		at, _, err = queueEntry(value)
		found = true
		return false, err
	})
	return seq, at, found, err
}

// appendQueueEntry writes what lies under a queue's key: the time of acceptance and the conversation.
func appendQueueEntry(dst []byte, at time.Time, conversation string) []byte {
	return append(appendSeq(dst, uint64(max(nanos(at), 0))), conversation...)
}

// queueEntry reads it; the conversation is a part of value.
func queueEntry(value []byte) (at time.Time, conversation []byte, err error) {
	if len(value) < 8 {
		return at, nil, fmt.Errorf("queue entry: %w", errTorn)
	}
	n, err := seqAt(value[:8])
	return fromNanos(int64(n)), value[8:], err
}

// walk visits the keys that begin with prefix, in order, from the key from on (nil: the first); visit says whether to go on.
// Key and value are valid during the visit only.
func walk(r pebble.Reader, prefix, from []byte, visit func(key, value []byte) (bool, error)) error {
	if from == nil {
		from = prefix
	}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("walk %q: %w", prefix[0], err)
	}
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			_ = it.Close()
			return fmt.Errorf("walk %q: %w", prefix[0], err)
		}
		more, err := visit(it.Key(), value)
		if err != nil {
			_ = it.Close()
			return err
		}
		if !more {
			break
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("walk %q: %w", prefix[0], err)
	}
	return nil
}

// fetch reads one value; it is a copy, nil if there is none.
func fetch(r pebble.Reader, key []byte) (value []byte, found bool, err error) {
	v, closer, err := r.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read %q: %w", key[0], err)
	}
	value = append(make([]byte, 0, len(v)), v...)
	if err := closer.Close(); err != nil {
		return nil, false, fmt.Errorf("read %q: %w", key[0], err)
	}
	return value, true, nil
}

// fetchItem reads one item.
func fetchItem(r pebble.Reader, n names, seq uint64) (it item, found bool, err error) {
	value, found, err := fetch(r, itemKey(seq))
	if err != nil || !found {
		return item{}, false, err
	}
	it, err = readItem(n, seq, value)
	return it, err == nil, err
}
