package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	shards   = 16                    // of the books, so that connections do not wait for each other
	failed   = 10 * time.Millisecond // a connection rests after it failed
	backlog  = 1 << 16               // requests that are due and that no connection has begun
	leastNap = 20 * time.Microsecond // below that the next request is due now
	longest  = 50 * time.Millisecond // nap: then it is looked whether it is over
)

// load is one run.
type load struct {
	flags
	wire  *wire
	books [shards]*books

	began time.Time
	warm  time.Time // from here on everything counts
	end   time.Time
	sent  atomic.Uint64 // numbers given
}

func newLoad(f flags, w *wire) *load {
	l := &load{flags: f, wire: w}
	for i := range l.books {
		l.books[i] = newBooks()
	}
	return l
}

// run opens all connections, sends until it is over, and waits for the answers.
func (l *load) run(ctx context.Context) (result, error) {
	conns := make([]*conn, l.Connections)
	for i := range conns {
		conns[i] = newConn(l.wire, i, l.Timeout)
		defer conns[i].close()
		if err := conns[i].dial(); err != nil {
			return result{}, err
		}
	}
	before := cpu()
	l.began = time.Now()
	l.warm = l.began.Add(l.Warmup)
	l.end = l.warm.Add(l.Duration)
	ctx, cancel := context.WithDeadline(ctx, l.end)
	defer cancel()
	var due chan time.Time
	if l.Rate > 0 {
		due = make(chan time.Time, backlog)
		go l.pace(ctx, due)
	}
	var sending sync.WaitGroup
	for i, c := range conns {
		sending.Go(func() { l.work(ctx, c, l.books[i%shards], due) })
	}
	sending.Wait()
	return l.result(time.Now(), cpu()-before), nil
}

// work sends over one connection until there is no more to send. due gives the planned instants; nil: at once.
func (l *load) work(ctx context.Context, c *conn, b *books, due <-chan time.Time) {
	for {
		planned, more := l.next(ctx, due)
		if !more {
			return
		}
		number := l.sent.Add(1) - 1
		if l.Requests > 0 && number >= l.Requests {
			l.sent.Add(^uint64(0))
			return
		}
		now := planned
		if due != nil {
			now = time.Now()
		}
		status, err := c.exchange(l.First+number, planned, now)
		done := time.Now()
		b.note(l.counts(planned, done, due != nil), status, err, done.Sub(planned), done)
		if err != nil && c.net == nil {
			rest(ctx, failed)
		}
	}
}

// next is when the next request is planned for; false if there is none.
func (l *load) next(ctx context.Context, due <-chan time.Time) (time.Time, bool) {
	if due != nil {
		planned, more := <-due
		return planned, more
	}
	now := time.Now()
	return now, ctx.Err() == nil && now.Before(l.end)
}

// counts tells whether a request is measured. At a constant rate it is by its plan, so that none that was due is left out; flat
// out it is by its answer, so that a rate is answers in a time.
func (l *load) counts(planned, done time.Time, paced bool) bool {
	if paced {
		return !planned.Before(l.warm)
	}
	return !done.Before(l.warm) && done.Before(l.end)
}

// pace says when requests are due. It sleeps on a thread of its own: the runtime's timers may be a millisecond late.
func (l *load) pace(ctx context.Context, due chan<- time.Time) {
	defer close(due)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for n := uint64(0); l.Requests == 0 || n < l.Requests; n++ {
		planned := l.began.Add(time.Duration(float64(n) / l.Rate * float64(time.Second)))
		if !planned.Before(l.end) {
			return
		}
		for left := time.Until(planned); left > leastNap && ctx.Err() == nil; left = time.Until(planned) {
			nap := unix.NsecToTimespec(int64(min(left, longest)))
			_ = unix.Nanosleep(&nap, nil) // whoever is woken early looks again
		}
		select {
		case due <- planned:
		case <-ctx.Done(): // the server is so far behind that there is no room for more; what is due is still sent
			return
		}
	}
}

// rest waits, or until it is over.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
