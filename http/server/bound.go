package server

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	acceptPause   = 100 * time.Millisecond // after a fault that may pass, such as no descriptors left
	overlapWithin = 5 * time.Second        // for senders who know an address that is no longer the one to use
	quietFor      = 250 * time.Millisecond // without a new connection the kernel's queue is empty: a few round trips
	drainWithin   = 5 * time.Second        // for it to become so
)

// Bound is an address that the edge has bound. It is pending until Serve or Close ends that, served until another one is,
// leaving until nobody is on the way to it any more, and then gone.
type Bound struct {
	server    *Server
	listener  net.Listener
	state     atomic.Uint32
	answering bool // guarded by conns.mu
}

// States of a Bound, in their order.
const (
	pending uint32 = iota
	served
	leaving
	gone
)

// Bind binds a further address beside the one that is served: an address of this machine and a port, which may be the port
// that is served. Nothing is answered there before Serve, with one exception: where the kernel takes connections for it away
// from an address that is answered (127.0.0.1 from 0.0.0.0, on the same port) they are answered as before. The error is a
// *BindError and says what to do.
func (s *Server) Bind(addr string) (*Bound, error) {
	l, err := s.conns.listen(addr)
	if err != nil {
		return nil, err
	}
	b, open := s.adopt(l)
	if !open {
		return nil, &BindError{Addr: addr, Err: net.ErrClosed, Do: "the gateway is stopping: start it again with this address"}
	}
	if s.conns.covers(l.Addr()) {
		b.answer()
	}
	return b, nil
}

// adopt makes a listener one of the server's; false if the end came first, and then the listener is closed.
func (s *Server) adopt(l net.Listener) (*Bound, bool) {
	s.conns.mu.Lock()
	defer s.conns.mu.Unlock()
	if s.conns.closed {
		_ = l.Close()
		return nil, false
	}
	b := &Bound{server: s, listener: l}
	s.conns.bound[b] = struct{}{}
	return b, true
}

// Addr is the address that is bound, with the port that the kernel chose where 0 was asked for.
func (b *Bound) Addr() string { return b.listener.Addr().String() }

func (b *Bound) is(state uint32) bool { return b.state.Load() >= state }

// Serve makes this the address that is served and lets the old one go; it does not wait for that. Who has dialled the old one
// is answered: connections are accepted there for a while, then as long as there are any in the kernel's queue. Established
// ones end with their next answer, or when the address is gone. After Close or a second time it does nothing.
func (b *Bound) Serve() {
	conns := b.server.conns
	conns.mu.Lock()
	old := conns.served
	if conns.closed || !b.state.CompareAndSwap(pending, served) {
		conns.mu.Unlock()
		return
	}
	conns.served = b
	conns.mu.Unlock()
	b.answer()
	if old != nil {
		b.server.o.Log.Info().Str("listen", b.Addr()).Str("was", old.Addr()).Msg("the edge has moved")
		old.letGo(conns.overlap)
	}
}

// Close gives a pending address up. Who was answered there already is answered. After Serve it does nothing.
func (b *Bound) Close() {
	conns := b.server.conns
	conns.mu.Lock()
	answering := b.answering
	given := b.state.CompareAndSwap(pending, leaving)
	conns.mu.Unlock()
	switch {
	case given && answering:
		b.letGo(0)
	case given:
		b.end()
	}
}

// answer begins to accept; once is enough.
func (b *Bound) answer() {
	conns := b.server.conns
	conns.mu.Lock()
	defer conns.mu.Unlock()
	if !b.answering {
		b.answering = true
		go b.accept()
	}
}

// accept gives the library the connections of this address until it is closed. A fault that may pass does not end it.
func (b *Bound) accept() {
	conns := b.server.conns
	for {
		raw, err := b.listener.Accept()
		var passing interface{ Temporary() bool }
		switch {
		case err == nil:
			conns.enter(raw, b)
		case errors.Is(err, os.ErrDeadlineExceeded): // letGo sets one
			b.drain()
			return
		case errors.As(err, &passing) && passing.Temporary():
			select {
			case <-time.After(acceptPause):
			case <-conns.done:
				return
			}
		case b.is(leaving):
			b.end()
			return
		default:
			select {
			case conns.failed <- err:
			case <-conns.done:
			}
			return
		}
	}
}

// letGo ends an address after the overlap.
func (b *Bound) letGo(overlap time.Duration) {
	b.state.Store(leaving)
	b.answer()
	go func() {
		select {
		case <-time.After(overlap):
		case <-b.server.conns.done:
			return // everything is closed
		}
		turnAway(b.listener)
		if l, can := b.listener.(interface{ SetDeadline(time.Time) error }); !can || l.SetDeadline(time.Now()) != nil {
			b.end()
		}
	}()
}

// drain accepts what is in the kernel's queue and on its way there, and ends the address when nobody has come for a while.
func (b *Bound) drain() {
	conns := b.server.conns
	defer b.end()
	for now, last := time.Now(), time.Now().Add(drainWithin); now.Before(last); now = time.Now() {
		if l, can := b.listener.(interface{ SetDeadline(time.Time) error }); !can || l.SetDeadline(now.Add(quietFor)) != nil {
			return
		}
		raw, err := b.listener.Accept()
		switch {
		case err == nil:
			conns.enter(raw, b)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		default:
			select {
			case <-time.After(acceptPause):
			case <-conns.done:
				return
			}
		}
	}
}

// end closes the address, and the connections from there on which nothing is under way.
func (b *Bound) end() {
	conns := b.server.conns
	b.state.Store(gone)
	_ = b.listener.Close()
	conns.mu.Lock()
	defer conns.mu.Unlock()
	delete(conns.bound, b)
	for c := range conns.open {
		if c.from == b {
			c.endIdle()
		}
	}
}
