package server

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/actors/kit/kittest"
)

// load is senders who each send one request over a connection of its own, again and again, to the address that is current.
type load struct {
	current  atomic.Value // string
	answered atomic.Int64
	ended    chan struct{}
	all      sync.WaitGroup
}

func (e *edge) load() *load {
	l := &load{ended: make(chan struct{})}
	l.current.Store(e.addr)
	for range 4 {
		l.all.Go(func() {
			for {
				select {
				case <-l.ended:
					return
				default:
				}
				to := l.current.Load().(string)
				code, err := once(to)
				switch {
				case errors.Is(err, syscall.ECONNREFUSED) && l.current.Load() != to:
					// He was so slow that the address was gone before he dialled.
				case err != nil || code != http.StatusOK:
					e.t.Errorf("a sender to %s heard %d, %v", to, code, err)
					return
				default:
					l.answered.Add(1)
				}
			}
		})
	}
	return l
}

// end ends the load.
func (l *load) end() {
	close(l.ended)
	l.all.Wait()
}

// more waits until so many more requests were answered.
func (l *load) more(e *edge, n int64) {
	e.t.Helper()
	want := l.answered.Load() + n
	e.eventually("requests are answered", func() bool { return l.answered.Load() >= want })
}

// once sends one request.
func once(addr string) (code int, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * kittest.Patience))
	s := newSocket(nil, c)
	if _, err := c.Write([]byte(post("/hook", "{}", "Connection: close"))); err != nil {
		return 0, err
	}
	got, err := s.tryRead()
	return got.code, err
}

func TestLaw7_NoRequestIsLostWhileTheEdgeMoves(t *testing.T) {
	for _, c := range []struct {
		name string
		to   func(port string) [2]string // back and forth
	}{
		{"to another port and back", func(p string) [2]string { return [2]string{"127.0.0.1:0", "127.0.0.1:" + p} }},
		{"to all addresses and back, on one port", func(p string) [2]string { return [2]string{"0.0.0.0:" + p, "127.0.0.1:" + p} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEdge(t)
			e.conns.overlap = 20 * time.Millisecond
			l := e.load()
			defer l.end()
			to := c.to(port(t, e.addr))
			for i := range 10 {
				l.more(e, 20)
				b := e.bind(to[i%2])
				l.more(e, 1)
				b.Serve()
				if e.Addr() != b.Addr() {
					t.Errorf("%s is served, want %s", e.Addr(), b.Addr())
				}
				l.current.Store("127.0.0.1:" + port(t, b.Addr()))
				e.alone()
			}
			l.more(e, 20)
		})
	}
}

// Moves that do not wait for each other: several addresses leave at a time.
func TestLaw7_NoRequestIsLostWhenMovesFollowEachOther(t *testing.T) {
	e := newEdge(t)
	e.conns.overlap = 50 * time.Millisecond
	l := e.load()
	defer l.end()
	p := port(t, e.addr)
	for i := range 10 {
		b := e.bind([]string{"0.0.0.0:" + p, "127.0.0.1:" + p}[i%2])
		l.more(e, 4)
		b.Serve()
	}
	e.alone()
	l.more(e, 20)
}

// The narrower address takes connections away from the wider one as soon as it is bound.
func TestLaw7_NoRequestIsLostWhenAMoveIsGivenUp(t *testing.T) {
	e := newEdge(t)
	e.conns.overlap = 0
	p := port(t, e.addr)
	e.bind("0.0.0.0:" + p).Serve()
	e.alone()
	l := e.load()
	defer l.end()
	for range 4 {
		b := e.bind("127.0.0.1:" + p)
		l.more(e, 20)
		b.Close()
		e.alone()
	}
	if e.Addr() != "0.0.0.0:"+p && e.Addr() != "[::]:"+p {
		t.Errorf("%s is served", e.Addr())
	}
}
