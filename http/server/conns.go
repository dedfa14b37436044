package server

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"holdfast/channels/screen"
)

const lingerWithin = 500 * time.Millisecond // for a sender to read the answer that interrupts him

// full is the answer to a connection too many, before anything of it is read.
const full = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: " + retryAfter + "\r\nConnection: close\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 53\r\n\r\nno room for more connections, or stopping: try again\n"

// conns are the addresses of a server and the open connections that came in there. To the library they are one listener.
type conns struct {
	most    int
	overlap time.Duration // of an address that is let go with the one that is served instead

	arrived chan net.Conn // to the library
	failed  chan error    // to the library: an address that should be answered cannot be

	binding sync.Mutex // one address at a time; taken before mu

	mu     sync.Mutex
	open   map[*conn]struct{}
	bound  map[*Bound]struct{} // all whose listener is open
	served *Bound
	closed bool
	done   chan struct{} // closed with closed
}

func newConns() *conns {
	return &conns{
		most: connectionsMax, overlap: overlapWithin, arrived: make(chan net.Conn), failed: make(chan error, 1),
		open: map[*conn]struct{}{}, bound: map[*Bound]struct{}{}, done: make(chan struct{}),
	}
}

// Accept is called by the library and gives it the next connection, from whichever address.
func (s *conns) Accept() (net.Conn, error) {
	select {
	case c := <-s.arrived:
		return c, nil
	case err := <-s.failed:
		return nil, err
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close is called by the library when it shuts down. Everything is closed by then.
func (s *conns) Close() error { return nil }

// Addr is the address that is served.
func (s *conns) Addr() net.Addr { return s.current().listener.Addr() }

// current is the address that is served.
func (s *conns) current() *Bound {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served
}

// close lets nobody in any more, at no address, and closes the connections that have never said a word: the library would
// wait for them.
func (s *conns) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	close(s.done)
	for b := range s.bound {
		_ = b.listener.Close()
	}
	for c := range s.open {
		if c.silent() {
			_ = c.Conn.Close()
		}
	}
}

// cut ends all connections as they are and tells how many there were.
func (s *conns) cut() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.Conn.Close()
	}
	return len(s.open)
}

// enter takes a connection in and gives it to the library; one too many is told so.
func (s *conns) enter(raw net.Conn, from *Bound) {
	c := &conn{Conn: raw, conns: s, from: from}
	if !s.add(c) {
		_ = raw.SetWriteDeadline(time.Now().Add(lingerWithin))
		_, _ = io.WriteString(raw, full)
		_ = raw.Close()
		return
	}
	select {
	case s.arrived <- c:
	case <-s.done:
		_ = c.Close()
	}
}

// add counts a connection; false if it is one too many or the end has come.
func (s *conns) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.open) >= s.most {
		return false
	}
	s.open[c] = struct{}{}
	return true
}

func (s *conns) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// phase is what a connection does.
type phase uint8

const (
	silent phase = iota // no byte has come yet
	busy                // a request is under way
	idle                // between two requests
)

// conn is a connection that remembers how reading from it ended. Except for phase it is used by its own goroutine only.
type conn struct {
	net.Conn
	conns  *conns
	from   *Bound
	ended  bool // the sender has nothing more to say
	late   bool // a deadline passed
	linger bool // the sender may still be sending when it ends

	of            *fasthttp.RequestCtx // whose the look-ups are
	header, query screen.Lookup

	within  time.Duration // of a request that has begun and whose deadline is not set yet; 0: none
	written time.Time     // deadline of writing

	mu     sync.Mutex // also held while a deadline is set that depends on the phase
	phase  phase
	rested time.Time // when the deadline of a pause was set; zero: another one is set
}

// connOf is the connection of a request.
func connOf(ctx *fasthttp.RequestCtx) *conn { return ctx.Conn().(*conn) } //nolint:forcetypeassert // the listener makes no other

// moved is called by the library when a connection changes its state, and sets how long the sender may be silent. The
// library's own time limits are fixed when a server is made; this one is read when a connection comes in and again with the
// first byte of each later request. A request that is already on its way keeps the time it began with.
func (s *Server) moved(raw net.Conn, state fasthttp.ConnState) {
	c, ours := raw.(*conn)
	if !ours {
		return
	}
	switch state {
	case fasthttp.StateNew:
		_ = c.SetReadDeadline(time.Now().Add(requestWithin(s.o.Live.Load())))
	case fasthttp.StateActive:
		c.begin(requestWithin(s.o.Live.Load()))
	case fasthttp.StateIdle:
		c.rest()
	case fasthttp.StateHijacked, fasthttp.StateClosed:
	}
}

// begin marks the first byte of a request. The time for the first one of a connection runs since it came in; that of a later
// one is set when more of it has to be waited for, since most come in one piece.
func (c *conn) begin(within time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == idle {
		c.within = within
	}
	c.phase = busy
}

// wait gives what is under way so long from now on.
func (c *conn) wait(within time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.within, c.rested = 0, time.Time{}
	_ = c.SetReadDeadline(time.Now().Add(within))
}

// rest marks the end of an answer, after which the sender may stay silent for a while, except at an address that is gone. A
// deadline that was set for the pause before and is young still is left as it is.
func (c *conn) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase, c.within = idle, 0
	now := time.Now()
	switch {
	case c.from.is(gone):
		_ = c.SetReadDeadline(now)
	case now.Sub(c.rested) > idleSlack:
		c.rested = now
		_ = c.SetReadDeadline(now.Add(idleWithin))
	}
}

// endIdle ends the connection if no request is under way. A request whose first byte has been read is served: with it comes
// a deadline of its own.
func (c *conn) endIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == idle {
		c.rested = time.Time{}
		_ = c.SetReadDeadline(time.Now())
	}
}

func (c *conn) silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == silent
}

// Read notes how it ended.
func (c *conn) Read(p []byte) (int, error) {
	if c.within != 0 {
		c.wait(c.within)
	}
	n, err := c.Conn.Read(p)
	if err != nil {
		var slow net.Error
		c.ended = c.ended || errors.Is(err, io.EOF)
		c.late = c.late || errors.As(err, &slow) && slow.Timeout()
	}
	return n, err
}

// SetWriteDeadline is called by the library for each answer. A deadline that is nearly the same is left as it is.
func (c *conn) SetWriteDeadline(by time.Time) error {
	if slack := by.Sub(c.written); 0 <= slack && slack < writeSlack {
		return nil
	}
	c.written = by
	return c.Conn.SetWriteDeadline(by)
}

// Close ends the connection. A sender who was interrupted is given time to read why: to close with unread data makes his
// system throw the answer away.
func (c *conn) Close() error {
	c.conns.remove(c)
	if half, can := c.Conn.(interface{ CloseWrite() error }); can && c.linger && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerWithin))
		_, _ = io.Copy(io.Discard, c.Conn)
	}
	return c.Conn.Close()
}
