package journal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"holdfast/channels"
)

// How long what has ended is kept.
const (
	keepDone    = time.Hour           // header only: for lists, and for those who ask late
	keepTicket  = 24 * time.Hour      // done, and somebody may ask for the replies
	keepExpired = 7 * 24 * time.Hour  // header only
	keepDead    = 30 * 24 * time.Hour // with payload: it can be resent
	keepReceipt = 8 * 24 * time.Hour  // longer than any network repeats itself
)

// outcomeDuplicate is the word for an item whose claim was taken.
const outcomeDuplicate = "duplicate"

// stage is a batch in the making. Pebble cannot read it, so what later steps must know of earlier ones stands beside it.
// A step is checked as a whole before it is written, so that a step that is refused leaves no trace.
type stage struct {
	s     *Store
	now   time.Time
	batch *pebble.Batch

	scratch []byte

	items  map[uint64]*item
	claims claims
	pins   map[uint64]map[string]time.Duration

	grown   []Queue         // queues that got items in the step
	touched map[uint64]bool // requests with a ticket whose fate may have changed in this turn
	unheld  map[string]bool // blobs that lost a pin in this turn
	numbers uint64          // the last number that the batch knows
	ageing  bool            // something new will have to be forgotten
	wrote   bool            // something was put in order before the end of the turn
	size    int             // bytes of that
	err     error           // reading failed: the batch must not be written
}

func newStage(s *Store, now time.Time) *stage {
	g := &stage{s: s, now: now.Round(0).UTC(), touched: map[uint64]bool{}, unheld: map[string]bool{}}
	g.clear()
	return g
}

func (g *stage) clear() {
	g.batch = g.s.db.NewBatch()
	g.items, g.claims, g.pins = map[uint64]*item{}, claims{}, map[uint64]map[string]time.Duration{}
	g.numbers = g.s.last
}

// begin opens a step.
func (g *stage) begin() { g.grown = nil }

// seal completes the batch with the numbers and counters that follow from its steps.
func (g *stage) seal() {
	if g.s.last != g.numbers {
		g.set([]byte{spaceLast}, appendSeq(nil, g.s.last))
		g.numbers = g.s.last
	}
	for q := range g.s.moved {
		if b := g.s.queues[q]; b != nil && b.dirty {
			g.set(booksKey(q), marshalBooks(b.Counters))
			b.dirty = false
		}
	}
}

// flush puts the batch in order without a sync, so that everything so far can be read.
func (g *stage) flush() {
	g.seal()
	if g.err != nil || g.batch.Empty() {
		return
	}
	g.wrote, g.size = true, g.size+g.batch.Len()
	if _, err := g.s.apply(g.batch, false); err != nil {
		g.err = err
		return
	}
	g.clear()
}

// set and drop cannot fail: a batch only fails when it has been written already.
func (g *stage) set(key, value []byte) { _ = g.batch.Set(key, value, nil) }
func (g *stage) drop(key []byte)       { _ = g.batch.Delete(key, nil) }

// read is one value as the store has it; the batch is not in it.
func (g *stage) read(key []byte) ([]byte, bool) {
	value, found, err := fetch(g.s.db, key)
	if err != nil && g.err == nil {
		g.err = err
	}
	return value, found
}

// item as it is after the steps so far; nil if there is none.
func (g *stage) item(seq uint64) *item {
	if it, known := g.items[seq]; known {
		return it
	}
	it, found, err := fetchItem(g.s.db, g.s.names, seq)
	if err != nil && g.err == nil {
		g.err = err
	}
	if err != nil || !found {
		return nil
	}
	g.items[seq] = &it
	return &it
}

func (g *stage) put(it *item) {
	it.written = g.s.names.last()
	g.items[it.Seq] = it
	g.scratch = it.appendTo(g.scratch[:0])
	g.set(itemKey(it.Seq), g.scratch)
}

// number gives the next number.
func (g *stage) number() uint64 {
	g.s.last++
	return g.s.last
}

// create makes an item pending.
func (g *stage) create(it *item) {
	it.State = Pending
	g.put(it)
	q := it.queue()
	g.set(queueKey(q, it.Seq), appendQueueEntry(nil, it.At, it.Conversation))
	if it.Conversation != "" {
		g.set(laneKey(q, it.Conversation, it.Seq), nil)
	}
	g.index(it)
	g.s.books(q).created(it.Seq, it.At)
	if !slices.Contains(g.grown, q) {
		g.grown = append(g.grown, q)
	}
}

// repeat writes down an item that was created and done at once, because its claim was taken.
func (g *stage) repeat(it *item) {
	it.State, it.Outcome, it.Ended, it.payload = Done, outcomeDuplicate, g.now, nil
	g.put(it)
	g.index(it)
	g.forgetLater(keepOf(it), itemKey(it.Seq))
	g.s.books(it.queue()).repeated()
	g.touch(it)
}

// index lets a request with a ticket be asked for the item.
func (g *stage) index(it *item) {
	if it.ticket && it.origin != 0 {
		g.set(ticketKey(it.origin, it.Seq), nil)
	}
}

func (g *stage) touch(it *item) {
	switch {
	case !it.ticket:
	case it.Kind == Requests:
		g.touched[it.Seq] = true
	default:
		g.touched[it.origin] = true
	}
}

// end takes an item to its last state.
func (g *stage) end(it *item, state State, outcome, reason string) {
	q := it.queue()
	g.drop(queueKey(q, it.Seq))
	if it.Conversation != "" {
		g.drop(laneKey(q, it.Conversation, it.Seq))
	}
	it.State, it.Outcome, it.Reason, it.Ended = state, outcome, reason, g.now
	if state != Dead && (!it.ticket || it.Kind != Replies) {
		it.payload = nil
	}
	if it.pinned {
		g.unpinLater(it)
	}
	g.put(it)
	g.forgetLater(keepOf(it), itemKey(it.Seq))
	g.s.books(q).ended(it.Seq, state, outcome)
	g.touch(it)
}

func keepOf(it *item) time.Duration {
	switch {
	case it.State == Dead:
		return keepDead
	case it.State == Expired:
		return keepExpired
	case it.ticket:
		return keepTicket
	default:
		return keepDone
	}
}

// forgetLater notes that the thing under key is to be forgotten in that time.
func (g *stage) forgetLater(keep time.Duration, key []byte) int64 {
	at := endOf(g.now, keep)
	g.forgetAt(at, key)
	return at
}

func (g *stage) forgetAt(at int64, key []byte) {
	g.set(expiryKey(at, key), nil)
	g.s.swept, g.ageing = min(g.s.swept, at), true
}

// claim takes a claim and tells whether it was free.
func (g *stage) claim(key []byte, keep time.Duration) (free bool) {
	var stored int64
	if value, found := g.read(key); found {
		if at, err := seqAt(value); err == nil {
			stored = int64(at)
		}
	}
	free, until := g.claims.decide(key, stored, g.now, keep)
	if until != 0 {
		g.forgetAt(until, key)
		g.set(key, appendSeq(nil, uint64(until)))
		g.claims[string(key)] = until
	}
	return free
}

// accept makes requests pending and moves the cursor.
func (g *stage) accept(m Accept) ([]uint64, error) {
	if err := checkAccount(m.Account); err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	g.begin()
	seqs := make([]uint64, len(m.Requests))
	for i, r := range m.Requests {
		if g.known(m.Account, r.Claims) {
			g.s.books(Queue{Kind: Requests, Account: m.Account}).repeated()
			continue
		}
		r.Seq, r.At, r.Account = g.number(), g.now, m.Account
		seqs[i] = r.Seq
		g.create(&item{
			Record: Record{Seq: r.Seq, Kind: Requests, Account: r.Account, At: r.At},
			ticket: r.Ticket, payload: encodeRequest(r),
		})
	}
	if m.Cursor != nil {
		g.set(cursorKey(m.Account), m.Cursor)
	}
	return seqs, nil
}

// known tells whether the account holds every one of some arrivals' claims; without any there is nothing to be known by.
func (g *stage) known(account channels.Account, claims []string) bool {
	return len(claims) > 0 && !slices.ContainsFunc(claims, func(claim string) bool {
		return g.claim(claimKey(Arrivals, account, claim), 0)
	})
}

var errAccount = errors.New("the account is not named channel:name")

// checkAccount keeps texts out of the keys that would make them ambiguous.
func checkAccount(a channels.Account) error {
	if a == "" || strings.IndexByte(string(a), 0) >= 0 {
		return fmt.Errorf("%w: got %q", errAccount, a)
	}
	return nil
}
