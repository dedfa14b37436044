package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

func TestWhatTheSettingsDoNotSayIsTheDefault(t *testing.T) {
	for _, c := range []struct {
		name     string
		edge     registry.Edge
		request  time.Duration
		journal  time.Duration
		inFlight int64
	}{
		{"nothing is said", registry.Edge{}, DefaultRequestWithin, DefaultJournalWithin, DefaultInFlight},
		{"all is said", registry.Edge{RequestWithin: 1, JournalWithin: 2, InFlight: 3}, 1, 2, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := &registry.Live{Edge: c.edge}
			if r, j, n := requestWithin(live), journalWithin(live), inFlight(live); r != c.request || j != c.journal || n != c.inFlight {
				t.Errorf("got %s, %s and %d; want %s, %s and %d", r, j, n, c.request, c.journal, c.inFlight)
			}
		})
	}
}

func TestLaw1_TrustedProxiesAreThoseThatAreLive(t *testing.T) {
	e := newEdge(t)
	for range 2 * refusedBurst {
		e.refusals.tooMany("192.0.2.1")
	}
	behind := request("GET", "/nobody", "", "X-Forwarded-For: 192.0.2.1")
	s := e.dial()
	for _, c := range []struct {
		trusted []netip.Prefix
		code    int
	}{
		{nil, 404},
		{[]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, 429},
		{[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, 404},
	} {
		e.set(registry.Edge{TrustedProxies: c.trusted})
		s.write(behind)
		if got := s.read(); got.code != c.code {
			t.Errorf("with %v trusted got %v, want %d", c.trusted, got, c.code)
		}
	}
}

func TestLaw1_TheTimeForARequestIsTheOneThatIsLiveWhenItBegins(t *testing.T) {
	e := newEdge(t)
	s := e.dial()
	s.write(post("/hook", "{}"))
	if got := s.read(); got.code != 200 {
		t.Fatalf("got %v", got)
	}
	whole, began := e.dial(), time.Now()
	whole.write(head("Content-Length: 2") + "{")
	e.eventually("a request has begun", func() bool { return !e.fits(e.inFlight() - 1) })

	e.set(registry.Edge{RequestWithin: shortly})
	s.write("POST /ho")
	if got := s.read(); got.code != 408 {
		t.Errorf("on a connection from before got %v", got)
	}
	fresh := e.dial()
	if got := fresh.read(); got.code != 408 {
		t.Errorf("on a connection from after got %v", got)
	}
	e.eventually("the new time has passed for the old request as well", func() bool { return time.Since(began) > 2*shortly })
	whole.write("}")
	if got := whole.read(); got.code != 200 {
		t.Errorf("a request that had begun before got %v", got)
	}
}

func TestLaw1_TheWaitForTheJournalIsTheOneThatIsLive(t *testing.T) {
	e := newEdge(t)
	e.journal.Answering(nil)
	e.set(registry.Edge{JournalWithin: shortly})
	if got := e.ask(post("/hook", "{}")); got.code != 503 || got.body != "the journal gave no answer in time" {
		t.Errorf("a request got %v", got)
	}
	if got := e.ask(request("GET", "/ticket/7", "", "X-Password: "+canary)); got.code != 503 {
		t.Errorf("a question got %v", got)
	}
}

// Bodies that came in under the old limit count under the new one, in both directions.
func TestLaw1_TheBytesInFlightAreBoundedByWhatIsLive(t *testing.T) {
	settings := func(limit int64) registry.Edge {
		return registry.Edge{RequestWithin: kittest.Patience, JournalWithin: kittest.Patience, InFlight: limit}
	}
	e := newEdge(t, func(o *setup) { o.Edge = settings(2 * bodyMost) })
	const length = bodyMost / 2
	slow := func() *socket {
		s := e.dial()
		s.write(head(fmt.Sprintf("Content-Length: %d", bodyMost)) + `{"a":"`)
		return s
	}
	finish := func(s *socket) {
		t.Helper()
		s.write(strings.Repeat("x", bodyMost-8) + `"}`)
		if got := s.read(); got.code != 200 {
			t.Fatalf("got %v", got)
		}
	}
	stranger := func() int {
		body := `{"a":"` + strings.Repeat("x", length-8) + `"}`
		return e.ask(request("POST", "/signed", body, "X-Signature: "+signature(body))).code
	}
	a, b := slow(), slow()
	e.eventually("two bodies fill the room", func() bool { return !e.fits(1) })
	if got := stranger(); got != 503 {
		t.Fatalf("without room a stranger got %d", got)
	}
	waiting := slow()
	e.eventually("a third waits", func() bool {
		e.room.mu.Lock()
		defer e.room.mu.Unlock()
		return len(e.room.queue) == 1
	})

	e.set(settings(3 * bodyMost))
	e.eventually("who waited has got the new room", func() bool { return e.held() == 3*bodyMost })
	e.set(settings(4 * bodyMost))
	if got := stranger(); got != 200 {
		t.Errorf("with room a stranger got %d", got)
	}

	e.set(settings(bodyMost))
	finish(a)
	finish(b)
	e.eventually("two bodies are gone", func() bool { return e.held() == bodyMost })
	if got := stranger(); got != 503 {
		t.Errorf("while one body fills what is left a stranger got %d", got)
	}
	finish(waiting)
	e.eventually("all room is given back", func() bool { return e.held() == 0 })
	if got := stranger(); got != 200 {
		t.Errorf("in the smaller room a stranger got %d", got)
	}
}

// How long a sender may be silent depends on what his connection does.
func TestTheDeadlinesOfAConnection(t *testing.T) {
	const request, pause = DefaultRequestWithin, 10 * time.Second
	type step func(s *Server, c *conn)
	state := func(to fasthttp.ConnState) step { return func(s *Server, c *conn) { s.moved(c, to) } }
	let := func(pass time.Duration) step { return func(*Server, *conn) { time.Sleep(pass) } }
	fresh, begun, answered := state(fasthttp.StateNew), state(fasthttp.StateActive), state(fasthttp.StateIdle)
	var sender net.Conn
	piece := func(_ *Server, c *conn) {
		go sender.Write([]byte{'x'}) //nolint:errcheck // it is read
		_, _ = c.Read(make([]byte, 1))
	}
	left := func(_ *Server, c *conn) { c.from.state.Store(leaving) }
	ended := func(_ *Server, c *conn) { c.from.state.Store(gone); c.endIdle() }
	for _, c := range []struct {
		name  string
		steps []step
		after time.Duration // the last step
	}{
		{"a new one has the time of a request", []step{fresh}, request},
		{"the time of its first request runs since then", []step{fresh, let(pause), begun}, request - pause},
		{"between requests it has longer", []step{fresh, let(pause), begun, let(pause), answered}, idleWithin},
		{"a pause that follows another one soon ends with that", []step{fresh, begun, answered, let(pause), begun, answered}, idleWithin - pause},
		{"a later one has a deadline of its own", []step{fresh, begun, answered, let(pause + 1), begun, answered}, idleWithin},
		{"and so has one after a request that came in pieces", []step{fresh, begun, answered, begun, piece, let(pause), answered}, idleWithin},
		{"the time of a later request begins with it", []step{fresh, begun, answered, let(pause), begun}, request},
		{"its pieces do not make it longer", []step{fresh, begun, answered, begun, piece, let(pause), piece}, request - pause},
		{"at an address that leaves nothing is different", []step{fresh, begun, left, answered}, idleWithin},
		{"at an address that is gone one without a request ends", []step{fresh, begun, answered, left, ended}, 0},
		{"at an address that is gone one that has said nothing may yet", []step{fresh, left, ended}, request},
		{"at an address that is gone a request is served", []step{fresh, begun, left, ended}, request},
		{"after its answer it ends", []step{fresh, begun, left, ended, answered}, 0},
		{"a request whose first byte was there in time is served", []step{fresh, begun, answered, left, ended, begun}, request},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer near.Close()
				defer far.Close()
				sender = far
				s := &Server{o: Options{Live: &registry.Cell{}}}
				it := &conn{Conn: near, from: &Bound{}}
				for _, step := range c.steps {
					step(s, it)
				}
				began := time.Now()
				if _, err := it.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("read: %v", err)
				}
				if got := time.Since(began); got != c.after {
					t.Errorf("it ends after %s, want %s", got, c.after)
				}
			})
		})
	}
}

// A sender who does not read his answers is cut off, whenever the last deadline was set.
func TestTheDeadlineOfAnAnswer(t *testing.T) {
	for _, c := range []struct {
		name string
		gap  time.Duration // between two answers
		want time.Duration // how long the second one may take
	}{
		{"one that follows another soon shares its deadline", writeSlack - 1, writeWithin - writeSlack + 1},
		{"a later one has its own", writeSlack, writeWithin},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer near.Close()
				defer far.Close()
				it := &conn{Conn: near, from: &Bound{}}
				for _, pause := range []time.Duration{c.gap, 0} {
					if err := it.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(pause)
				}
				began := time.Now()
				if _, err := it.Write([]byte("ok")); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("write: %v", err)
				}
				if got := time.Since(began); got != c.want {
					t.Errorf("it ends after %s, want %s", got, c.want)
				}
			})
		})
	}
}
