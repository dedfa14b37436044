// Package bluebubblestest is a BlueBubbles server for tests and demonstrations: the HTTP interface of version 1.9.9 over
// a message table in memory, with the habits that make the real one hard to use.
//
// It posts every webhook once, without waiting for one before the next, never again, and ignores the answers. It
// announces nothing that came while it was stopped. It authenticates by query only, sorts by date only, forgets the
// name of a send when the send ends, and works on when a caller goes away.
//
// It is strict: what the real server would ignore or answer with a puzzle, such as an unknown field, path or sort
// order, it answers in the same way and notes as a fault. A test asks Faults at its end and wants none. Only a subset
// of the real server's paths exists.
//
// It keeps its own record of what it received, posted and was made to send, so that sets of messages can be compared.
// Every method may be called from several goroutines.
package bluebubblestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// keepAlive is how long connections that nobody uses are kept, on both sides, as Node does it.
const keepAlive = 5 * time.Second

// Options say what kind of server it is. The zero value is a server without Private API and with the password "secret".
type Options struct {
	Password   string           // default "secret"
	Version    string           // default "1.9.9"
	PrivateAPI bool             // switched on
	Helper     bool             // connected; without it the Private API does not work
	StopTyping bool             // DELETE typing stops typing, as in later versions; else it starts it
	Addr       string           // to listen on; default 127.0.0.1:0
	Now        func() time.Time // the Mac's clock; default time.Now
	OnPost     func(Post)       // told about every webhook when its answer is in, from the posting goroutine
}

// Server is the double. Make it with New.
type Server struct {
	options Options
	client  *http.Client // for webhooks

	mu       sync.Mutex
	http     *http.Server
	address  string // once known, kept over restarts
	up       bool
	hanging  bool
	life     context.Context //nolint:containedctx // of the posts, which outlive the call that caused them
	end      context.CancelFunc
	posting  int // posts that have not been answered
	answered *sync.Cond
	serving  sync.WaitGroup
	held     []event
	holding  bool
	together []*message // rows of one poll, while Together runs; nil else

	table    []*message
	lastRow  int64
	chats    map[string]*chat
	hooks    []hook
	lastHook int
	seen     map[string]bool // guids in the event cache
	flying   map[string]bool // names of sends in flight
	script   []*Fault

	posts    []Post
	sent     []Sent
	received []Received
	faults   []string
	requests map[string]int
	typing   map[string]bool
	reads    map[string]int
}

// New makes a server that does not listen yet.
func New(o Options) *Server {
	if o.Password == "" {
		o.Password = "secret"
	}
	if o.Version == "" {
		o.Version = "1.9.9"
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	life, end := context.WithCancel(context.Background())
	s := &Server{
		options: o, life: life, end: end,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: keepAlive}, CheckRedirect: followPosts},
		chats:  map[string]*chat{}, seen: map[string]bool{}, flying: map[string]bool{},
		requests: map[string]int{}, typing: map[string]bool{}, reads: map[string]int{},
	}
	s.answered = sync.NewCond(&s.mu)
	return s
}

// Start listens, again on the same address after a Stop. Rows that came meanwhile are known and not announced; then
// the server says hello-world.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.up {
		return errors.New("start the double: it runs already")
	}
	at := s.options.Addr
	if s.address != "" {
		at = s.address
	}
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("start the double: %w", err)
	}
	s.address = listener.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute, IdleTimeout: keepAlive}
	s.http, s.up = server, true
	clear(s.seen)
	for _, m := range s.table {
		s.seen[m.guid] = true
	}
	s.serving.Go(func() { _ = server.Serve(listener) }) // always ErrServerClosed, or a closed listener
	s.emit("hello-world", nil, "")
	return nil
}

// Stop is the Mac going off: connections end in the middle of things. The message table stays.
func (s *Server) Stop() {
	s.mu.Lock()
	server := s.http
	s.up, s.http = false, nil
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
	s.serving.Wait()
}

// Close stops the server and gives up posts that nobody answers. It cannot be started again.
func (s *Server) Close() {
	s.Stop()
	s.end()
	s.Settle()
	s.client.CloseIdleConnections()
}

// URL is the address for serverUrl, once started.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.address
}

// Hang makes the server take requests and answer none, until it is closed.
func (s *Server) Hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hanging = true
}

// SetPrivateAPI switches the Private API and its helper on or off.
func (s *Server) SetPrivateAPI(on, helper bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.PrivateAPI, s.options.Helper = on, helper
}

// SetPassword changes the password.
func (s *Server) SetPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.Password = password
}

// fault notes what a right client does not do. The lock is held.
func (s *Server) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}
