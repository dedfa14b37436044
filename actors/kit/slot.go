package kit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// slot is the place in which somebody outside all actors waits for one answer: the HTTP edge for the journal, the admin
// socket, a network's own goroutine, a test. It holds the only Go channel that crosses an actor's border.
//
// A slot whose answer came may be used for another question, which has another number: an answer to an earlier one, a second
// one say, does not fit and is dropped. A slot that nobody answered in time is never used again, so an answer that comes too
// late falls into one that nobody looks at.
type slot struct {
	open atomic.Uint64 // the number of the question that waits; 0: none does
	ch   chan any
	last uint64 // number given; of who waits only
	late *time.Timer
}

func newSlot() *slot { return &slot{ch: make(chan any, 1)} }

// ask gives the number of the next question, which is open from now on.
func (s *slot) ask() uint64 {
	s.last++
	s.open.Store(s.last)
	return s.last
}

// put keeps the first answer to the open question and drops every other.
func (s *slot) put(number uint64, msg any) {
	if number != 0 && s.open.CompareAndSwap(number, 0) {
		s.ch <- msg
	}
}

// slots are those that may be used again.
type slots struct{ pool sync.Pool }

func (p *slots) get(within time.Duration) *slot {
	if s, ok := p.pool.Get().(*slot); ok {
		s.late.Reset(within)
		return s
	}
	s := newSlot()
	s.late = time.NewTimer(within)
	return s
}

// give takes back a slot whose answer was taken out.
func (p *slots) give(s *slot) {
	s.late.Stop() // since Go 1.23 nothing of it is left in its channel then
	p.pool.Put(s)
}

// isGone tells the kit's own word that nobody is there, as undelivered and a failed turn give it, from an answer.
func isGone(answer any) bool {
	err, failed := answer.(error)
	return failed && err == ErrGone //nolint:errorlint // an actor's own answer may wrap it and stays an answer
}

// Ask sends a question from outside all actors and waits for the answer until ctx ends. It must never be called on an
// actor's turn. The error is ErrGone or the context's.
func (s *System) Ask(ctx context.Context, to Addr, msg any) (any, error) {
	w := newSlot()
	s.deliver(to, In{Msg: msg, From: Return{slot: w, seq: w.ask()}})
	select {
	case answer := <-w.ch:
		if isGone(answer) {
			return nil, ErrGone
		}
		return answer, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// TryAsk is Ask for the HTTP edge: it refuses with ErrFull when limit messages wait at the receiver, and with ErrLate
// when within is over.
func (s *System) TryAsk(to Addr, msg any, limit int, within time.Duration) (any, error) {
	row := s.lookup(to)
	if row == nil {
		return nil, ErrGone
	}
	w := s.slots.get(within)
	if err := row.box.tryPost(In{Msg: msg, From: Return{slot: w, seq: w.ask()}}, limit); err != nil {
		s.slots.give(w) // nobody else has it
		return nil, err
	}
	select {
	case answer := <-w.ch:
		s.slots.give(w)
		if isGone(answer) {
			return nil, ErrGone
		}
		return answer, nil
	case <-w.late.C:
		return nil, ErrLate
	}
}
