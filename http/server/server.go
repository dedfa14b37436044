package server

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/semaphore"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/channels"
)

// Bounds of the edge. What an operator may want to change is in registry.Edge.
const (
	headerMax       = 8 << 10 // bytes of request line and headers; more is 431
	connectionsMax  = 8192    // more are answered 503 and closed
	aheadMax        = 1       // bytes of a body that the library reads before the request is judged; less is not possible
	idleWithin      = 2 * time.Minute
	workerWithin    = 2 * time.Second  // for a goroutine that serves no connection any more to end
	idleSlack       = 10 * time.Second // by which a pause may be shorter, so that not every one sets a deadline of its own
	writeWithin     = 30 * time.Second
	writeSlack      = 3 * time.Second // by which it may be less
	summaryEvery    = 10 * time.Second
	journalQueueMax = 4096 // requests that may wait in the journal's mailbox; more is 503
	waitersMax      = 1024 // clients that may wait for replies at a time; more is 503
	retryAfter      = "5"  // seconds
)

// Health is what the probes answer.
type Health struct {
	Ready   bool   `json:"ready"`
	Health  string `json:"health"` // green or red
	Version string `json:"version"`
}

// Options of a Server. All of them are needed.
type Options struct {
	System   *kit.System
	Live     *registry.Cell
	Journal  kit.Addr
	Log      zerolog.Logger
	Listener net.Listener // what Serve answers, from Listen
	Health   func() Health
	// Missed is told, at most once per interval and account, that something on the account's path was not accepted that
	// could have been its own.
	Missed func(channels.Account)
}

// Server is the edge. It serves once, at one address or, while it moves to another one, at several.
type Server struct {
	o        Options
	http     *fasthttp.Server
	conns    *conns
	room     room // bytes of bodies
	strange  room // of them, those of senders who have not proven themselves yet
	waiters  *semaphore.Weighted
	refusals *refusals
	bugs     atomic.Uint64      // since the last line of log
	faults   atomic.Uint64      // what the library had to say since then
	life     context.Context    //nolint:containedctx // the life of the server is what it is
	end      context.CancelFunc // of life; Shutdown begins with it
}

// New makes a server; Serve starts it. The listener belongs to it from now on.
func New(o Options) *Server {
	s := &Server{
		o: o, conns: newConns(), refusals: newRefusals(), waiters: semaphore.NewWeighted(waitersMax),
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.http = &fasthttp.Server{
		Handler:                      s.handle,
		ErrorHandler:                 s.broken,
		ExpectHandler:                s.expect,
		ConnState:                    s.moved,
		Logger:                       counting{&s.faults},
		Name:                         "holdfast",
		SecureErrorLogMessage:        true,
		StreamRequestBody:            true,
		MaxRequestBodySize:           aheadMax,
		DisablePreParseMultipartForm: true,
		CloseOnShutdown:              true,
		Concurrency:                  connectionsMax,
		ReadBufferSize:               headerMax,
		MaxIdleWorkerDuration:        workerWithin,
		WriteTimeout:                 writeWithin,
		LazyRequestTime:              true, // an exchange looks at the clock itself
	}
	first, _ := s.adopt(o.Listener)
	first.state.Store(served)
	s.conns.served = first
	return s
}

// Addr is the address that is served, or will be.
func (s *Server) Addr() string { return s.conns.Addr().String() }

// Serve answers until Shutdown, which makes it return nil. It also sums refusals up.
func (s *Server) Serve() error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.sumUp()
	}()
	s.conns.current().answer()
	err := s.http.Serve(s.conns)
	s.end()
	<-ended
	return err
}

// Shutdown closes every address and the connections on which nothing is under way, lets requests in flight be answered, and
// returns when all connections are gone. When ctx ends first the rest is cut, and the error says so.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	s.conns.close()
	err := s.http.ShutdownWithContext(ctx)
	if ctx.Err() != nil && err != nil {
		if n := s.conns.cut(); n > 0 {
			return errors.New("some connections did not end in time and were cut")
		}
		return nil
	}
	return err
}

// counting is the library's logger: it counts, because one line per refusal is what a flood wants.
type counting struct{ n *atomic.Uint64 }

// Printf is called by the library.
func (c counting) Printf(string, ...any) { c.n.Add(1) }
