package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
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
	callWithin     = 2 * time.Minute // every method answers sooner by its own deadline
	openWithin     = 5 * time.Second
)

// Options of a Server.
type Options struct {
	System  *kit.System
	Live    *registry.Cell
	Control kit.Addr
	Group   string // may connect besides root and our own user
	Log     zerolog.Logger
}

// Server serves one listener.
type Server struct {
	o     Options
	open  atomic.Int64
	mu    sync.Mutex
	conns map[*frames]struct{}
	done  sync.WaitGroup
}

// New makes a server; Serve starts it.
func New(o Options) *Server { return &Server{o: o, conns: map[*frames]struct{}{}} }

// Serve accepts until the listener is closed.
func (s *Server) Serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.o.Log.Warn().Err(err).Msg("accepting on the admin socket")
			continue
		}
		s.done.Go(func() { s.serve(c) })
	}
}

// Close ends every connection and waits until all are gone. The listener is the caller's.
func (s *Server) Close() {
	s.mu.Lock()
	for f := range s.conns {
		_ = f.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

func (s *Server) serve(c net.Conn) {
	defer c.Close()
	unix, ok := c.(*net.UnixConn)
	if !ok {
		return
	}
	who, err := peerOf(unix)
	if err != nil || !who.admits(uint32(os.Geteuid()), s.o.Group) {
		s.o.Log.Warn().Str("peer", who.String()).Msg("refused on the admin socket: only root, the gateway's own user and gateway.adminGroup may connect")
		refuse(c, "you may not connect: only root, the gateway's own user and gateway.adminGroup may")
		return
	}
	if s.open.Add(1) > connectionsMax {
		s.open.Add(-1)
		refuse(c, "too many connections to the admin socket: close one")
		return
	}
	defer s.open.Add(-1)
	s.converse(c, who)
}

// converse is one connection's life: a child of control for it, and the library between the two.
func (s *Server) converse(c net.Conn, who peer) {
	ctx, cancel := context.WithTimeout(context.Background(), openWithin)
	answer, err := s.o.System.Ask(ctx, s.o.Control, control.Open{Peer: who.String()})
	cancel()
	opened, ok := answer.(control.Opened)
	if err != nil || !ok {
		refuse(c, "the gateway is starting or stopping: try again")
		return
	}
	defer s.o.System.Tell(s.o.Control, control.Close{Conn: opened.Conn})
	f := newFrames(c)
	s.mu.Lock()
	s.conns[f] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, f)
		s.mu.Unlock()
	}()
	_ = jrpc2.NewServer(assigner{s.o, opened.Conn}, &jrpc2.ServerOptions{DisableBuiltin: true, Concurrency: 8}).Start(f).Wait()
}

func refuse(c net.Conn, why string) {
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": control.CodeFailed, "message": why}})
	if err == nil {
		_, _ = c.Write(append(line, '\n'))
	}
}

// assigner looks every call up in the live table.
type assigner struct {
	o    Options
	conn kit.Addr
}

// Assign is called by the library once per call.
func (a assigner) Assign(_ context.Context, name string) jrpc2.Handler {
	method, known := a.o.Live.Load().Methods.Find(name)
	if !known {
		return nil
	}
	to := method.Owner
	if to == a.o.Control {
		to = a.conn
	}
	return func(ctx context.Context, req *jrpc2.Request) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		answer, err := a.o.System.Ask(ctx, to, registry.Call{Method: name, Params: []byte(req.ParamString()), Caller: a.conn.String()})
		if err != nil {
			return nil, &jrpc2.Error{Code: control.CodeTimeout, Message: name + ": " + err.Error()}
		}
		called, ok := answer.(registry.Called)
		switch {
		case !ok:
			return nil, &jrpc2.Error{Code: control.CodeFailed, Message: name + ": a bug: the owner gave another answer"}
		case called.Err != nil:
			return nil, &jrpc2.Error{Code: jrpc2.Code(called.Err.Code), Message: called.Err.Message, Data: called.Err.Data}
		}
		return json.RawMessage(called.Result), nil
	}
}
