package journal

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// maxList bounds the records of one answer.
const maxList = 1000

// list reads records in the order of their numbers.
func list(r pebble.Reader, m List) Listed {
	if m.State == "" {
		m.State = Pending
	}
	most := m.Max
	if most <= 0 || most > maxList {
		most = maxList
	}
	n, err := readNames(r)
	if err != nil {
		return Listed{Err: fmt.Errorf("list: %w", err)}
	}
	var out Listed
	out.Err = walk(r, []byte{spaceItem}, itemKey(m.After+1), func(key, value []byte) (bool, error) {
		seq, err := seqAt(key)
		if err != nil {
			return false, err
		}
		it, err := readItem(n, seq, value)
		switch {
		case err != nil:
			return false, err
		case it.State != m.State, m.Kind != "" && it.Kind != m.Kind, m.Account != "" && it.Account != m.Account:
			return true, nil
		case len(out.Records) == most:
			out.More = true
			return false, nil
		}
		out.Records = append(out.Records, it.Record)
		return true, nil
	})
	if out.Err != nil {
		out.Err = fmt.Errorf("list: %w", out.Err)
	}
	return out
}

// show reads one item.
func show(r pebble.Reader, m Show) Shown {
	n, err := readNames(r)
	if err != nil {
		return Shown{Err: fmt.Errorf("show: %w", err)}
	}
	it, found, err := fetchItem(r, n, m.Seq)
	switch {
	case err != nil:
		return Shown{Err: fmt.Errorf("show: %w", err)}
	case !found:
		return Shown{Err: fmt.Errorf("show %d: %w", m.Seq, ErrNoItem)}
	}
	payload, err := it.content()
	return Shown{Record: it.Record, Payload: payload, Err: err}
}

// verify counts what is pending from the keys and compares it with the counters and with the items themselves.
func verify(r pebble.Reader) Verified {
	counters, err := readBooks(r)
	if err != nil {
		return Verified{Err: fmt.Errorf("verify: %w", err)}
	}
	out := Verified{Statistics: Statistics{Queues: counters}}
	v := verifier{queued: map[Queue]uint64{}, pending: map[Queue]uint64{}, lanes: map[Queue]uint64{}, inLanes: map[Queue]uint64{}}
	if err := v.read(r); err != nil {
		return Verified{Err: fmt.Errorf("verify: %w", err)}
	}
	for q := range v.queued {
		if _, known := counters[q]; !known {
			counters[q] = Counters{}
		}
	}
	for q, c := range counters {
		if _, c.Oldest, _, err = oldest(r, q, 0); err != nil {
			return Verified{Err: fmt.Errorf("verify: %w", err)}
		}
		counters[q] = c
		out.Faults = append(out.Faults, v.compare(q, c)...)
	}
	out.Faults = append(out.Faults, v.faults...)
	slices.Sort(out.Faults)
	return out
}

// verifier counts, by queue.
type verifier struct {
	queued  map[Queue]uint64 // entries of the queue
	pending map[Queue]uint64 // items whose header says pending
	lanes   map[Queue]uint64 // entries of lanes
	inLanes map[Queue]uint64 // pending items that have a conversation
	last    uint64
	faults  []string
}

func (v *verifier) read(r pebble.Reader) error {
	for space, counts := range map[byte]map[Queue]uint64{spaceQueue: v.queued, spaceLane: v.lanes} {
		err := walk(r, []byte{space}, nil, func(key, _ []byte) (bool, error) {
			q, err := queueOf(key)
			counts[q]++
			return true, err
		})
		if err != nil {
			return err
		}
	}
	n, err := readNames(r)
	if err != nil {
		return err
	}
	err = walk(r, []byte{spaceItem}, nil, func(key, value []byte) (bool, error) {
		seq, err := seqAt(key)
		if err != nil {
			return false, err
		}
		it, err := readItem(n, seq, value)
		if err != nil {
			v.faults = append(v.faults, err.Error())
			return true, nil
		}
		v.last = max(v.last, seq)
		if it.State == Pending {
			v.pending[it.queue()]++
			if it.Conversation != "" {
				v.inLanes[it.queue()]++
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	value, found, err := fetch(r, []byte{spaceLast})
	if err != nil || !found {
		return err
	}
	if last, err := seqAt(value); err != nil || last < v.last {
		v.faults = append(v.faults, fmt.Sprintf("item %d has a number above the last one given, %d", v.last, last))
	}
	return nil
}

func (v *verifier) compare(q Queue, c Counters) []string {
	var out []string
	name := fmt.Sprintf("%s %s", q.Account, q.Kind)
	if !c.balances() {
		out = append(out, fmt.Sprintf("%s: created %d is not done %d + dead %d + expired %d + pending %d",
			name, c.Created, c.Done, c.Dead, c.Expired, c.Pending))
	}
	if n := v.queued[q]; n != c.Pending {
		out = append(out, fmt.Sprintf("%s: %d pending by the counters, %d in the queue", name, c.Pending, n))
	}
	if n := v.pending[q]; n != v.queued[q] {
		out = append(out, fmt.Sprintf("%s: %d in the queue, %d items that say so", name, v.queued[q], n))
	}
	if n := v.inLanes[q]; n != v.lanes[q] {
		out = append(out, fmt.Sprintf("%s: %d entries of lanes, %d pending items with a conversation", name, v.lanes[q], n))
	}
	return out
}

// Reader reads the journal of a gateway that does not run. It changes nothing.
type Reader struct {
	db   *pebble.DB
	lock io.Closer
}

// OpenRead opens the journal of the state folder dir. The error is ErrLocked while a gateway runs on it, and ErrVersion for
// a format that is not known.
func OpenRead(dir string) (*Reader, error) {
	lock, err := lockForReading(dir)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	db, err := pebble.Open(filepath.Join(dir, storeName), &pebble.Options{FS: untouched{vfs.Default}, ReadOnly: true, Logger: silent{}})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the journal in %s: %w", dir, err), lock.Close())
	}
	r := &Reader{db: db, lock: lock}
	if _, err := formatOf(db); err != nil {
		return nil, errors.Join(fmt.Errorf("read the journal in %s: %w", dir, err), r.Close())
	}
	return r, nil
}

// List answers as the actor does.
func (r *Reader) List(m List) Listed { return list(r.db, m) }

// Show answers as the actor does.
func (r *Reader) Show(m Show) Shown { return show(r.db, m) }

// Verify answers as the actor does; its statistics are the counters as they are on the disk.
func (r *Reader) Verify() Verified { return verify(r.db) }

// Stats are the counters as they are on the disk.
func (r *Reader) Stats() (Statistics, error) {
	_, queues, err := load(r.db)
	if err != nil {
		return Statistics{}, err
	}
	out := Statistics{Why: "the gateway does not run", Queues: make(map[Queue]Counters, len(queues))}
	for q, b := range queues {
		out.Queues[q] = b.copied()
	}
	return out, nil
}

// Close lets go of the folder.
func (r *Reader) Close() error { return errors.Join(r.db.Close(), r.lock.Close()) }

// untouched is a file system on which Pebble takes no lock of its own: its file would get a new time stamp, and we hold the
// lock of the whole folder.
type untouched struct{ vfs.FS }

func (untouched) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// silent drops Pebble's chatter; what matters comes back as errors.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
