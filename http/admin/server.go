package admin

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/creachadair/jrpc2"
	"github.com/rs/zerolog"

	"holdfast/actors/control"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
)

// Bounds of the face.
const (
	connectionsMax = 64
	callsMax       = 16              // calls of one connection under way, and calls of a batch
	frameMax       = 4 << 20         // bytes of a line
	callWithin     = 2 * time.Minute // every method answers sooner by its own deadline
	openWithin     = 5 * time.Second
	answerWithin   = time.Second            // for calls under way when the server is closed
	acceptPause    = 100 * time.Millisecond // after a fault that may pass, such as no descriptors left
)

// Options of a Server.
type Options struct {
	System  *kit.System
	Live    *registry.Cell
	Control kit.Addr
	Group   string // may connect besides root and our own user; empty: nobody else
	Log     zerolog.Logger
}

// Server serves one listener.
type Server struct {
	o    Options
	own  uint32             // our user
	life context.Context    //nolint:containedctx // the life of the server is what it is
	end  context.CancelFunc // of life

	mu      sync.Mutex
	open    map[*conn]struct{}
	closing bool
	done    sync.WaitGroup
}

// New makes a server; Serve starts it.
func New(o Options) *Server {
	s := &Server{o: o, own: uint32(os.Geteuid()), open: map[*conn]struct{}{}}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Serve accepts until the listener or the server is closed. A fault that may pass is logged and does not end it.
func (s *Server) Serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			s.begin(c)
			continue
		}
		s.o.Log.Warn().Err(err).Msg("accepting on the admin socket")
		select {
		case <-time.After(acceptPause):
		case <-s.life.Done():
			return
		}
	}
}

// Close takes no more calls, gives those under way answerWithin to be answered, ends every connection and waits until all
// are gone. The listener is the caller's.
func (s *Server) Close() {
	s.mu.Lock()
	s.closing = true
	for c := range s.open {
		c.hush()
	}
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		s.done.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(answerWithin):
	}
	s.mu.Lock()
	for c := range s.open {
		_ = c.Close() // first, or calls that are given up would be answered as late
	}
	s.end()
	s.mu.Unlock()
	<-gone
}

// begin gives the connection a goroutine unless the end has come.
func (s *Server) begin(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		_ = c.Close()
		return
	}
	s.done.Go(func() {
		defer c.Close()
		s.serve(c)
	})
}

func (s *Server) serve(raw net.Conn) {
	who, err := peerOf(raw)
	if err != nil || !who.admits(s.own, s.o.Group) {
		s.o.Log.Warn().Err(err).Stringer("peer", who).Msg("refused on the admin socket: only root, the gateway's own user and gateway.adminGroup may connect")
		refuse(raw, "you may not connect: only root, the gateway's own user and gateway.adminGroup may")
		return
	}
	c := newConn(raw, s.o, who)
	if !s.enter(c) {
		refuse(raw, "too many connections to the admin socket: close one")
		return
	}
	defer s.leave(c)
	c.live(s.life)
}

func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= connectionsMax {
		return false
	}
	s.open[c] = struct{}{}
	return true
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// refuse says why before the connection ends. What does not fit into an empty socket is lost.
func refuse(c net.Conn, why string) {
	_ = c.SetWriteDeadline(time.Now().Add(openWithin))
	_, _ = c.Write(lineOf(failed(nil, &jrpc2.Error{Code: control.CodeFailed, Message: why})))
}
