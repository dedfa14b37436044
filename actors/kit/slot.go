package kit

import (
	"context"
	"sync/atomic"
	"time"
)

// slot is the one-shot place in which somebody outside all actors waits for an answer: the HTTP edge for the journal,
// the admin socket, a network's own goroutine, a test. It holds the only Go channel that crosses an actor's border. It is
// never used again, so an answer that comes too late falls into a slot that nobody looks at.
type slot struct {
	full atomic.Bool
	ch   chan any
}

func newSlot() *slot { return &slot{ch: make(chan any, 1)} }

// put keeps the first answer and drops every other.
func (s *slot) put(msg any) {
	if s.full.CompareAndSwap(false, true) {
		s.ch <- msg
	}
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
	s.deliver(to, In{Msg: msg, From: Return{slot: w}})
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
	w := newSlot()
	if err := row.box.tryPost(In{Msg: msg, From: Return{slot: w}}, limit); err != nil {
		return nil, err
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case answer := <-w.ch:
		if isGone(answer) {
			return nil, ErrGone
		}
		return answer, nil
	case <-timer.C:
		return nil, ErrLate
	}
}
