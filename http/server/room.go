package server

import (
	"context"
	"slices"
	"sync"
	"time"
)

// lookAgain is how often the first who waits for room looks whether the limit has grown: of that nobody tells him.
const lookAgain = 100 * time.Millisecond

// room counts the bytes that are held, against a limit that may change at any time: every taker brings the one that is live.
// What is held counts whichever limit it was taken under, so that after a limit has shrunk nobody gets room before enough
// of it is given back. A taker who needs more than the limit gets room when nothing else is held.
type room struct {
	mu    sync.Mutex
	held  int64
	queue []chan struct{} // of those who wait, in order; a signal says to look again
}

// try takes room at once, unless there is none or somebody waits for it.
func (r *room) try(need, limit int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return need == 0 || len(r.queue) == 0 && r.take(need, limit)
}

// take is called with the lock held.
func (r *room) take(need, limit int64) bool {
	fits := r.held == 0 || r.held+need <= limit
	if fits {
		r.held += need
	}
	return fits
}

// wait takes room when there is some and it is the taker's turn; false if ctx ended first.
func (r *room) wait(ctx context.Context, need int64, limit func() int64) bool {
	me := make(chan struct{}, 1)
	r.mu.Lock()
	r.queue = append(r.queue, me)
	r.mu.Unlock()
	defer r.leave(me)
	for {
		taken, again := r.turn(me, need, limit())
		if taken {
			return true
		}
		select {
		case <-me:
		case <-again:
		case <-ctx.Done():
			return false
		}
	}
}

// turn takes room for the first of those who wait; if there is none, again says when he should look.
func (r *room) turn(me chan struct{}, need, limit int64) (taken bool, again <-chan time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.queue[0] != me:
		return false, nil
	case r.take(need, limit):
		return true, nil
	}
	return false, time.After(lookAgain)
}

// leave ends the waiting of one; the next may have become the first.
func (r *room) leave(me chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = slices.DeleteFunc(r.queue, func(other chan struct{}) bool { return other == me })
	r.wake()
}

// release gives room back.
func (r *room) release(n int64) {
	if n == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held -= n
	r.wake()
}

// wake has the first of those who wait look; it is called with the lock held.
func (r *room) wake() {
	if len(r.queue) == 0 {
		return
	}
	select {
	case r.queue[0] <- struct{}{}:
	default: // he has been told
	}
}
