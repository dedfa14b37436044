package server

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	lingerWithin = 500 * time.Millisecond // for a sender to read the answer that interrupts him
	acceptPause  = 100 * time.Millisecond // after a fault that may pass, such as no descriptors left
)

// full is the answer to a connection too many, before anything of it is read.
const full = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: " + retryAfter + "\r\nConnection: close\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 53\r\n\r\nno room for more connections, or stopping: try again\n"

// conns are the open connections of a server.
type conns struct {
	most int

	mu       sync.Mutex
	open     map[*conn]struct{}
	listener net.Listener
	closed   bool
	done     chan struct{} // closed with closed
}

func newConns() *conns {
	return &conns{most: connectionsMax, open: map[*conn]struct{}{}, done: make(chan struct{})}
}

// listen wraps the listener; false if the end came first, and then the listener is closed.
func (s *conns) listen(l net.Listener) (net.Listener, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close()
		return nil, false
	}
	s.listener = l
	return tracked{l, s}, true
}

// close lets nobody in any more and closes the connections that have never said a word: the library would wait for them.
func (s *conns) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	close(s.done)
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for c := range s.open {
		if !c.spoke.Load() {
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

// add takes a connection in; false if it is one too many or the end has come.
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

// tracked is a listener whose connections are known.
type tracked struct {
	net.Listener
	conns *conns
}

// Accept waits for the next connection. A fault that may pass does not end the gateway.
func (l tracked) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		var passing interface{ Temporary() bool }
		if errors.As(err, &passing) && passing.Temporary() {
			select {
			case <-time.After(acceptPause):
				continue
			case <-l.conns.done:
				return nil, net.ErrClosed
			}
		}
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, conns: l.conns}
		if l.conns.add(c) {
			return c, nil
		}
		_ = raw.SetWriteDeadline(time.Now().Add(lingerWithin))
		_, _ = io.WriteString(raw, full)
		_ = raw.Close()
	}
}

// conn is a connection that remembers how reading from it ended. Except for spoke it is used by its own goroutine only.
type conn struct {
	net.Conn
	conns  *conns
	spoke  atomic.Bool // a first byte has come
	ended  bool        // the sender has nothing more to say
	late   bool        // a deadline passed
	linger bool        // the sender may still be sending when it ends
}

// connOf is the connection of a request.
func connOf(ctx *fasthttp.RequestCtx) *conn { return ctx.Conn().(*conn) } //nolint:forcetypeassert // the listener makes no other

// spoken is called by the library when a connection changes its state.
func spoken(c net.Conn, state fasthttp.ConnState) {
	if c, ours := c.(*conn); ours && state == fasthttp.StateActive {
		c.spoke.Store(true)
	}
}

// Read notes how it ended.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		var slow net.Error
		c.ended = c.ended || errors.Is(err, io.EOF)
		c.late = c.late || errors.As(err, &slow) && slow.Timeout()
	}
	return n, err
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
