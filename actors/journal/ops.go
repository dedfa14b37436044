package journal

import (
	"fmt"
	"time"

	"holdfast/channels"
)

// commit writes one step, or says why nothing of it was done.
func (g *stage) commit(m Commit) ([]uint64, error) {
	g.begin()
	if err := g.check(m); err != nil {
		return nil, err
	}
	var added []uint64
	for _, op := range m.Ops {
		switch op := op.(type) {
		case End:
			g.end(g.item(op.Seq), op.State, op.Outcome, op.Reason)
		case AddArrival:
			added = append(added, g.addArrival(m.Account, op))
		case Rewrite:
			g.rewrite(op)
		case AddReply:
			added = append(added, g.addReply(m.Account, op))
		case Attempt:
			g.attempt(op)
		case Receive:
			g.receive(op)
		case SetState:
			g.setState(m.Account, op)
		case Pin:
			g.pin(op)
		}
	}
	return added, nil
}

// check looks at every part of a step before the first is done. What a step needs pending must be so when it begins; within
// it, the order of the parts does not matter, but nothing ends twice.
func (g *stage) check(m Commit) error {
	if err := checkAccount(m.Account); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	ended := map[uint64]bool{}
	for i, op := range m.Ops {
		if err := g.checkOp(m.Account, op, ended); err != nil {
			return fmt.Errorf("commit: part %d of %d: %w", i+1, len(m.Ops), err)
		}
	}
	return nil
}

func (g *stage) checkOp(account channels.Account, op Op, ended map[uint64]bool) error {
	switch op := op.(type) {
	case End:
		switch op.State {
		case Done, Dead, Expired:
		default:
			return fmt.Errorf("end %s %d: %q is no last state", op.Kind, op.Seq, op.State)
		}
		if ended[op.Seq] {
			return fmt.Errorf("end %s %d twice: %w", op.Kind, op.Seq, ErrEnded)
		}
		ended[op.Seq] = true
		return g.checkPending(account, op.Kind, op.Seq)
	case AddArrival:
		return checkOwner(account, op.Arrival.Account)
	case AddReply:
		return checkOwner(account, op.Reply.Account)
	case Rewrite:
		return g.checkPending(account, Arrivals, op.Arrival.Seq)
	case Attempt:
		return g.checkPending(account, Replies, op.Seq)
	case Receive:
		return g.checkPending(account, Replies, op.Seq)
	case Pin:
		if !isHash(op.Blob) {
			return fmt.Errorf("pin %q: not a sha256 in hex", op.Blob)
		}
		return g.checkPending(account, "", op.Seq)
	case SetState:
		return nil
	default:
		return fmt.Errorf("%T is no part of a step", op)
	}
}

// checkPending: kind "" is any. An item of another account is no item of the step's: it may have been renamed since.
func (g *stage) checkPending(account channels.Account, kind Kind, seq uint64) error {
	it := g.item(seq)
	if it == nil || it.State != Pending || it.Account != account {
		return fmt.Errorf("%s %d of %s: %w", kind, seq, account, ErrEnded)
	}
	if kind != "" && it.Kind != kind {
		return fmt.Errorf("%s %d: it is a %s", kind, seq, it.Kind)
	}
	return nil
}

// checkOwner: an item that names no account belongs to the step's.
func checkOwner(step, own channels.Account) error {
	if own != "" && own != step {
		return fmt.Errorf("an item of %s in a step of %s", own, step)
	}
	return nil
}

func (g *stage) addArrival(account channels.Account, op AddArrival) uint64 {
	a := op.Arrival
	a.Seq, a.Account, a.Sent = g.number(), account, sane(a.Sent)
	if a.At = sane(a.At); a.At.IsZero() {
		a.At = g.now
	}
	it := &item{
		Record: Record{Seq: a.Seq, Kind: Arrivals, Account: account, Conversation: a.Conversation, At: a.At},
		origin: a.Origin, ticket: a.Ticket,
	}
	if a.ID != "" && !g.claim(claimKey(Arrivals, account, a.Claim()), op.Keep) {
		g.repeat(it)
		return 0
	}
	for _, cover := range a.Covers {
		g.claim(claimKey(Arrivals, account, cover), op.Keep)
	}
	it.payload = encode(a)
	g.create(it)
	return it.Seq
}

func (g *stage) addReply(account channels.Account, op AddReply) uint64 {
	r := op.Reply
	r.Seq, r.Account, r.At, r.FirstTry = g.number(), account, g.now, sane(r.FirstTry)
	it := &item{
		Record: Record{Seq: r.Seq, Kind: Replies, Account: account, Conversation: r.Conversation, At: r.At},
		origin: r.Origin, ticket: r.Ticket,
	}
	if op.Claim != "" && !g.claim(claimKey(Replies, account, op.Claim), op.Keep) {
		g.repeat(it)
		return 0
	}
	it.payload = encode(r)
	g.create(it)
	return it.Seq
}

// rewrite keeps what the journal gave: number, account, origin, ticket, time.
func (g *stage) rewrite(op Rewrite) {
	it := g.item(op.Arrival.Seq)
	if it.State != Pending {
		return // the step ends it as well: nobody will read it
	}
	a := op.Arrival
	a.Account, a.Origin, a.Ticket, a.At, a.Sent = it.Account, it.origin, it.ticket, it.At, sane(a.Sent)
	for _, cover := range a.Covers {
		g.claim(claimKey(Arrivals, a.Account, cover), op.Keep)
	}
	if q := it.queue(); a.Conversation != it.Conversation {
		if it.Conversation != "" {
			g.drop(laneKey(q, it.Conversation, it.Seq))
		}
		if a.Conversation != "" {
			g.set(laneKey(q, a.Conversation, it.Seq), nil)
		}
		g.set(queueKey(q, it.Seq), appendQueueEntry(nil, it.At, a.Conversation))
		it.Conversation = a.Conversation
	}
	it.payload = encode(a)
	g.put(it)
}

func (g *stage) attempt(op Attempt) {
	it := g.item(op.Seq)
	if it.State != Pending {
		return
	}
	r, err := it.reply()
	if err != nil {
		g.err = err
		return
	}
	r.Attempt = op.Attempt
	if !op.Unknown || r.FirstTry.IsZero() {
		r.FirstTry = sane(op.At)
	}
	it.Attempts, it.payload = op.Attempt, encode(r)
	g.put(it)
}

func (g *stage) receive(op Receive) {
	if op.Receipt.ID == "" {
		return // the network gave no id: there is nothing to know our message by
	}
	it := g.item(op.Seq)
	conversation := op.Conversation
	if conversation == "" {
		conversation = it.Conversation
	}
	key := receiptKey(it.Account, op.Receipt.ID)
	until := g.forgetLater(keepReceipt, key)
	value := appendSeq(appendSeq(nil, it.Seq), uint64(until))
	g.set(key, append(value, conversation...))
	g.set(append(oursPrefix(it.Account, conversation), op.Receipt.ID...), appendSeq(nil, it.Seq))
}

func (g *stage) setState(account channels.Account, op SetState) {
	key := append(statePrefix(account, op.Conversation), op.Name...)
	if op.Value == nil {
		g.drop(key)
		return
	}
	g.set(key, op.Value)
}

func (g *stage) pin(op Pin) {
	it := g.item(op.Seq)
	keep := max(min(op.Keep, longestKeep), 0)
	g.set(pinKey(it.Seq, op.Blob), appendSeq(nil, uint64(keep)))
	g.set(blobKey(op.Blob, it.Seq), nil)
	g.s.blobs.settled(op.Blob)
	if it.State != Pending {
		g.unpin(it.Seq, op.Blob, g.keepPin(it, keep))
		return
	}
	if g.pins[it.Seq] == nil {
		g.pins[it.Seq] = map[string]time.Duration{}
	}
	g.pins[it.Seq][op.Blob] = keep
	if !it.pinned {
		it.pinned = true
		g.put(it)
	}
}

// unpinLater lets go of the pins of an item that ends, each after its time.
func (g *stage) unpinLater(it *item) {
	pins := map[string]time.Duration{}
	err := walk(g.s.db, pinPrefix(it.Seq), nil, func(key, value []byte) (bool, error) {
		keep, err := seqAt(value)
		pins[string(key[len(pinPrefix(0)):])] = time.Duration(keep)
		return true, err
	})
	if err != nil && g.err == nil {
		g.err = err
	}
	for blob, keep := range g.pins[it.Seq] {
		pins[blob] = keep
	}
	for blob, keep := range pins {
		g.unpin(it.Seq, blob, g.keepPin(it, keep))
	}
}

// keepPin: what can be resent keeps its attachments as long.
func (g *stage) keepPin(it *item, keep time.Duration) time.Duration {
	if it.State == Dead {
		return max(keep, keepDead)
	}
	return keep
}

func (g *stage) unpin(seq uint64, blob string, keep time.Duration) {
	if keep > 0 {
		g.forgetLater(keep, pinKey(seq, blob))
		return
	}
	g.drop(pinKey(seq, blob))
	g.drop(blobKey(blob, seq))
	g.unheld[blob] = true
}
