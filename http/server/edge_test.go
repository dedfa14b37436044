package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/channels"
	"holdfast/channels/screen"
	"holdfast/config"
)

const (
	home     = channels.Account("test:home")
	work     = channels.Account("test:work")
	canary   = "canary-secret-of-home" // the password of home
	canary2  = "canary-secret-of-work"
	bodyMost = 1000 // bytes of /hook
)

// paths are the routes of every test, by path.
func paths() map[string][]channels.Route {
	secret := func(account channels.Account, value string) channels.Route {
		return channels.Route{
			Account: account, Methods: []string{"POST"}, Body: channels.BodyLimits{Max: bodyMost},
			Auth: []channels.Auth{{
				Scheme: channels.SchemeSecret, Secrets: []config.Secret{config.NewSecret(value)},
				Places: []channels.Place{{In: "query", Name: "password"}, {In: "header", Name: "X-Password"}},
			}},
			Skip: []channels.Match{{Path: "type", In: []string{"skip"}}}, ID: channels.Selector{Path: "id"}, Keep: []string{"X-Kind"},
		}
	}
	signed := secret(home, canary)
	signed.Auth = []channels.Auth{{
		Scheme: channels.SchemeHMAC, Secrets: []config.Secret{config.NewSecret(canary)},
		HMAC: channels.HMAC{Header: "X-Signature", Encoding: "hex"},
	}}
	off := secret(home, canary)
	off.Disabled = true
	ticket, answers := secret(home, canary), secret(home, canary)
	ticket.Ack = channels.AckTicket
	answers.Ack, answers.Methods, answers.Under = channels.AckAnswers, []string{"GET"}, true
	return map[string][]channels.Route{
		"/hook": {secret(home, canary)}, "/shared": {secret(home, canary), secret(work, canary2)}, "/signed": {signed},
		"/off": {off}, "/ticket": {ticket}, "/ticket/": {answers},
	}
}

// edge is a server on a real port, with a probe in the journal's place.
type edge struct {
	*Server
	t        testing.TB
	addr     string
	sys      *kit.System
	registry kit.Addr
	journal  *kittest.Probe
	log      *lines
	missed   chan channels.Account
	served   chan error
	counts   map[string]*registry.Counts
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// answering is a journal that takes everything.
func answering(msg any) any {
	switch m := msg.(type) {
	case journal.Accept:
		return journal.Accepted{Seqs: []uint64{7}}
	case journal.Answers:
		return journal.Answer{Known: m.Request == 7, State: journal.Done, Outcome: "answered", Replies: []channels.Reply{{Text: "hello", Part: 1, Parts: 1}}}
	}
	return nil
}

// setup is what a test may change before the edge serves.
type setup struct {
	Options
	registry.Edge
}

// newEdge serves the paths until the test ends.
func newEdge(t testing.TB, change ...func(*setup)) *edge {
	t.Helper()
	e := &edge{
		t: t, sys: kittest.New(t), log: &lines{}, missed: make(chan channels.Account, 64), served: make(chan error, 1),
		counts: map[string]*registry.Counts{},
	}
	e.journal = kittest.NewProbe(t, e.sys, "journal").Answering(answering)
	cell := &registry.Cell{}
	o := setup{Options{
		System: e.sys, Live: cell, Journal: e.journal.Addr(), Log: zerolog.New(e.log), Listener: anyPort(t),
		Missed: func(a channels.Account) { e.missed <- a },
		Health: func() Health { return Health{Ready: true, Health: "green", Version: "1"} },
	}, registry.Edge{RequestWithin: kittest.Patience, JournalWithin: kittest.Patience, InFlight: 1 << 20}}
	for _, f := range change {
		f(&o)
	}
	e.publish(cell, o.Edge)
	e.Server = New(o.Options)
	e.addr = e.Addr()
	go func() { e.served <- e.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), kittest.Patience)
		defer cancel()
		_ = e.Shutdown(ctx)
		if err := <-e.served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return e
}

func anyPort(t testing.TB) net.Listener {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// in is the edge for a part of the test.
func (e edge) in(t *testing.T) *edge {
	e.t = t
	return &e
}

// publish makes the paths live, as the registry does it.
func (e *edge) publish(cell *registry.Cell, settings registry.Edge) {
	e.t.Helper()
	var endpoints []*registry.Endpoint
	for path, routes := range paths() {
		s, err := screen.Compile(routes)
		if err != nil {
			e.t.Fatal(err)
		}
		one := &registry.Endpoint{Path: strings.TrimSuffix(path, "/"), Under: routes[0].Under, Screen: s, Counts: &registry.Counts{}}
		for _, r := range routes {
			one.Accounts = append(one.Accounts, r.Account)
		}
		e.counts[path] = one.Counts
		endpoints = append(endpoints, one)
	}
	// A path without a screen is what a bug would look like.
	endpoints = append(endpoints, &registry.Endpoint{Path: "/bug", Counts: &registry.Counts{}})
	at, err := e.sys.Start("registry", registry.Spec(cell))
	if err != nil {
		e.t.Fatal(err)
	}
	for _, msg := range []any{registry.StageRoutes{Routes: registry.NewRoutes(endpoints)}, registry.Publish{Revision: 1, Edge: &settings}} {
		if _, err := e.sys.Ask(e.t.Context(), at, msg); err != nil {
			e.t.Fatal(err)
		}
	}
	e.registry = at
}

// set publishes other settings of the edge and leaves all else.
func (e *edge) set(settings registry.Edge) {
	e.t.Helper()
	if _, err := e.sys.Ask(e.t.Context(), e.registry, registry.Publish{Revision: e.o.Live.Load().Revision + 1, Edge: &settings}); err != nil {
		e.t.Fatal(err)
	}
}

// inFlight is the room that is live.
func (e *edge) inFlight() int64 { return inFlight(e.o.Live.Load()) }

// held is how many bytes of room are taken.
func (e *edge) held() int64 {
	e.room.mu.Lock()
	defer e.room.mu.Unlock()
	return e.room.held
}

// fits tells whether the room has so many bytes left; it takes none.
func (e *edge) fits(n int64) bool {
	taken := e.room.try(n, e.inFlight())
	if taken {
		e.room.release(n)
	}
	return taken
}

// socket is a raw connection to the edge.
type socket struct {
	net.Conn
	t      testing.TB
	r      *bufio.Reader
	method string // of the last request written
}

func (e *edge) dial() *socket {
	e.t.Helper()
	return e.dialTo(e.addr)
}

func (e *edge) dialTo(addr string) *socket {
	e.t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(3 * kittest.Patience))
	return newSocket(e.t, c)
}

func newSocket(t testing.TB, c net.Conn) *socket {
	return &socket{Conn: c, t: t, r: bufio.NewReader(c)}
}

func (s *socket) write(raw string) {
	s.t.Helper()
	s.method, _, _ = strings.Cut(raw, " ")
	if _, err := io.WriteString(s, raw); err != nil {
		s.t.Fatalf("write: %v", err)
	}
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
	close  bool // the edge says that the connection ends
}

// read reads the next answer.
func (s *socket) read() answer {
	s.t.Helper()
	a, err := s.tryRead()
	if err != nil {
		s.t.Fatalf("no answer: %v", err)
	}
	return a
}

func (s *socket) tryRead() (answer, error) {
	res, err := http.ReadResponse(s.r, &http.Request{Method: s.method})
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, strings.TrimSuffix(string(body), "\n"), res.Close}, err
}

// ended fails the test unless the edge closes the connection without another byte.
func (s *socket) ended() {
	s.t.Helper()
	if rest, err := io.ReadAll(s.r); err != nil || len(rest) > 0 {
		s.t.Fatalf("the connection did not end cleanly: %q, %v", rest, err)
	}
}

// ask sends one request on a connection of its own and reads the answer.
func (e *edge) ask(raw string) answer {
	e.t.Helper()
	s := e.dial()
	defer s.Close()
	s.write(raw)
	return s.read()
}

// request writes a request with a body of that length.
func request(method, target, body string, header ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: edge\r\n", method, target)
	for _, h := range header {
		b.WriteString(h + "\r\n")
	}
	if body != "" || method == "POST" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.String()
}

// post writes a request of the proven sender of home.
func post(path, body string, header ...string) string {
	return request("POST", path+"?password="+canary, body, header...)
}

// accepts are the requests that reached the journal.
func (e *edge) accepts() []channels.Request {
	var out []channels.Request
	for _, m := range e.journal.Messages() {
		if a, ok := m.(journal.Accept); ok {
			out = append(out, a.Requests...)
		}
	}
	return out
}

// eventually fails the test unless the fact holds in time.
func (e *edge) eventually(what string, holds func() bool) {
	e.t.Helper()
	if !kittest.Eventually(holds) {
		e.t.Fatalf("in vain: %s", what)
	}
}
