package server

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit/kittest"
)

// shortly is for what is to come too late, and long enough for all else.
const shortly = 500 * time.Millisecond

func quick(o *setup) { o.RequestWithin = shortly }

// head is a request of the proven sender of home without its body.
func head(framing string) string {
	return "POST /hook?password=" + canary + " HTTP/1.1\r\nHost: edge\r\n" + framing + "\r\n\r\n"
}

func TestASlowSenderHears408(t *testing.T) {
	e := newEdge(t, quick)
	const slowHead, slowBody = "the request did not come in time", "the body did not come in time"
	t.Cleanup(func() {
		if got := e.accepts(); len(got) > 0 {
			t.Errorf("the journal got %v", got)
		}
		if got := e.counts["/hook"].Missed.Load(); got != 7 {
			t.Errorf("missed %d, want the 7 bodies of the proven sender that began", got)
		}
	})
	for _, c := range []outcome{
		{"nothing at all", "", 408, slowHead, nil, true},
		{"half a request line", "POST /ho", 408, slowHead, nil, true},
		{"half a header", "POST /hook HTTP/1.1\r\nHost: e", 408, slowHead, nil, true},
		{"not one byte of the body", head("Content-Length: 2"), 408, slowHead, nil, true},
		{"half a body", head("Content-Length: 2") + "{", 408, slowBody, nil, true},
		{"no chunk", head("Transfer-Encoding: chunked"), 408, slowBody, nil, true},
		{"half a chunk's size", head("Transfer-Encoding: chunked") + "2", 408, slowBody, nil, true},
		{"half a chunk", head("Transfer-Encoding: chunked") + "2\r\n{", 408, slowBody, nil, true},
		{"a chunk without its end", head("Transfer-Encoding: chunked") + "2\r\n{}", 408, slowBody, nil, true},
		{"no last chunk", head("Transfer-Encoding: chunked") + "2\r\n{}\r\n", 408, slowBody, nil, true},
		{"no end of the trailer", head("Transfer-Encoding: chunked") + "2\r\n{}\r\n0\r\n", 408, slowBody, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e.in(t).check(c)
		})
	}
}

// What was sent is valid JSON every time: only the framing says that there should be more.
func TestABodyWhoseSenderHangsUpIsNeverTakenForWhole(t *testing.T) {
	e := newEdge(t)
	for _, c := range []struct{ name, raw string }{
		{"in front of the announced end", head("Content-Length: 3") + "{}"},
		{"in front of the next chunk", head("Transfer-Encoding: chunked") + "2\r\n{}\r\n"},
		{"inside the size of the next chunk", head("Transfer-Encoding: chunked") + "2\r\n{}\r\n0"},
		{"inside a chunk", head("Transfer-Encoding: chunked") + "3\r\n{}"},
		{"in front of the end of the trailer", head("Transfer-Encoding: chunked") + "2\r\n{}\r\n0\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := e.dial()
			s.write(c.raw)
			if err := s.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got := s.read(); got.code != 400 || got.body != "the body is cut or badly framed" || !got.close {
				t.Errorf("got %v", got)
			}
		})
	}
	t.Run("who hangs up after the end is heard", func(t *testing.T) {
		for _, raw := range []string{post("/hook", "{}"), head("Transfer-Encoding: chunked") + "2\r\n{}\r\n0\r\n\r\n"} {
			s := e.dial()
			s.write(raw)
			if err := s.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got := s.read(); got.code != 200 {
				t.Errorf("got %v", got)
			}
		}
	})
	if got := len(e.accepts()); got != 2 {
		t.Errorf("the journal got %d requests, want the whole ones", got)
	}
}

func TestRefusalsDoNotReadTheBody(t *testing.T) {
	e := newEdge(t)
	for _, c := range []struct {
		name, raw string
		code      int
	}{
		{"nobody owns the path", "POST /nobody HTTP/1.1\r\nHost: edge\r\nContent-Length: 900\r\n\r\n{", 404},
		{"no credential fits", "POST /hook HTTP/1.1\r\nHost: edge\r\nContent-Length: 900\r\n\r\n{", 401},
		{"too large", "POST /hook HTTP/1.1\r\nHost: edge\r\nContent-Length: 90000000000\r\n\r\n{", 413},
		{"nobody owns the path, and there are chunks", "POST /nobody HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n", 404},
		{"it asks first", "POST /nobody HTTP/1.1\r\nHost: edge\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n", 404},
		{"it asks first and is a stranger", "POST /hook HTTP/1.1\r\nHost: edge\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n", 401},
		{"it asks first with another method", "PUT /hook HTTP/1.1\r\nHost: edge\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n", 405},
		{"it asks first and is too large", head("Expect: 100-continue\r\nContent-Length: 1001"), 413},
		{"it asks first and does not wait", "POST /nobody HTTP/1.1\r\nHost: edge\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), 404},
		{"it asks a bug", "POST /bug HTTP/1.1\r\nHost: edge\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n", 500},
		{"it asks a probe", "POST /healthz HTTP/1.1\r\nHost: edge\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n", 405},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := e.dial()
			s.write(c.raw)
			got := s.read()
			if got.code != c.code || !got.close || got.body == "" {
				t.Errorf("got %v, want %d and the end", got, c.code)
			}
			s.ended()
		})
	}
}

// An answer that interrupts a sender must reach him: a connection that is closed with unread data is reset.
func TestASenderWhoIsInterruptedReadsWhy(t *testing.T) {
	e := newEdge(t)
	for code, raw := range map[int]string{
		413: "POST /hook HTTP/1.1\r\nHost: edge\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<19),
		431: "POST /hook HTTP/1.1\r\nHost: edge\r\nX-Long: " + strings.Repeat("x", 1<<19),
		400: "POST /hook HTTP/1.1\r\n\r\n" + strings.Repeat("x", 1<<19),
	} {
		s := e.dial()
		s.write(raw)
		if got := s.read(); got.code != code || !got.close {
			t.Fatalf("got %v, want %d", got, code)
		}
		s.ended()
	}
}

func TestExpectContinueIsAnsweredBeforeTheBody(t *testing.T) {
	e := newEdge(t)
	s := e.dial()
	s.write(head("Expect: 100-continue\r\nContent-Length: 2"))
	if got := s.read(); got.code != 100 {
		t.Fatalf("got %v", got)
	}
	s.write("{}")
	if got := s.read(); got.code != 200 || got.close {
		t.Fatalf("got %v", got)
	}
	if got := len(e.accepts()); got != 1 {
		t.Fatalf("the journal got %d requests", got)
	}
}

func TestAConnectionServesManyRequests(t *testing.T) {
	e := newEdge(t)
	s := e.dial()
	for i := range 3 {
		s.write(post("/hook", `{"i":1}`))
		s.write(request("POST", "/signed", `{"i":1}`, "X-Signature: 00"))
		s.write(request("GET", "/nobody", ""))
		for _, want := range []int{200, 401, 404} {
			if got := s.read(); got.code != want || got.close {
				t.Fatalf("round %d: got %v, want %d", i, got, want)
			}
		}
	}
	// Pipelined behind a refusal whose body is unread, nothing more is served: what follows might be that body.
	s.write(request("POST", "/hook", post("/hook", "{}")) + post("/hook", "{}"))
	if got := s.read(); got.code != 401 || !got.close {
		t.Fatalf("got %v", got)
	}
	s.ended()
	if got := len(e.accepts()); got != 3 {
		t.Fatalf("the journal got %d requests, want 3", got)
	}
}

// A body announced on a GET belongs to it and is never taken for the next request.
func TestABodyOfAGetIsNoSecondRequest(t *testing.T) {
	e := newEdge(t)
	s := e.dial()
	s.write(request("GET", "/hook?password="+canary, post("/hook", "{}")))
	if got := s.read(); got.code != 405 || !got.close {
		t.Fatalf("got %v", got)
	}
	s.ended()
	if got := e.accepts(); len(got) > 0 {
		t.Fatalf("the journal got %v", got)
	}
}

func TestBytesInFlightAreBounded(t *testing.T) {
	e := newEdge(t, func(o *setup) { o.InFlight = 2 * bodyMost })
	slow := func() *socket {
		s := e.dial()
		s.write(head(fmt.Sprintf("Content-Length: %d", bodyMost)) + `{"a":"`)
		return s
	}
	finish := func(s *socket) {
		s.write(strings.Repeat("x", bodyMost-8) + `"}`)
		if got := s.read(); got.code != 200 {
			t.Fatalf("got %v", got)
		}
	}
	full := func() bool { return !e.fits(1) }
	a, b := slow(), slow()
	e.eventually("two bodies fill the room", full)

	if got := e.ask(request("POST", "/signed", "{}", "X-Signature: 00")); got.code != 503 || got.body != "no room for more bodies" || got.header.Get("Retry-After") != "5" {
		t.Fatalf("who has proven nothing got %v", got)
	}
	c := e.dial()
	c.write(post("/hook", "{}"))
	d := e.dial()
	d.write(head("Transfer-Encoding: chunked"))
	if got := e.ask(request("GET", "/healthz", "")); got.code != 200 {
		t.Fatalf("a probe needs no room: %v", got)
	}
	finish(a)
	if got := c.read(); got.code != 200 {
		t.Fatalf("who has proven himself waits for room: %v", got)
	}
	d.write("2\r\n{}\r\n0\r\n\r\n")
	if got := d.read(); got.code != 200 {
		t.Fatalf("got %v", got)
	}
	finish(b)
	e.eventually("all room is given back", func() bool {
		all := e.fits(2 * bodyMost)
		if all = all && e.strange.try(bodyMost, e.inFlight()/2); all {
			e.strange.release(bodyMost)
		}
		return all
	})
	if got := len(e.accepts()); got != 4 {
		t.Fatalf("the journal got %d requests", got)
	}
}

func TestNoRoomWithinTheTimeOfTheJournalIs503(t *testing.T) {
	e := newEdge(t, func(o *setup) { o.InFlight, o.JournalWithin = bodyMost, shortly })
	a := e.dial()
	a.write(head(fmt.Sprintf("Content-Length: %d", bodyMost)) + "{")
	e.eventually("one body fills the room", func() bool { return !e.fits(1) })
	if got := e.ask(post("/hook", "{}")); got.code != 503 || got.body != "no room for more bodies" || got.header.Get("Retry-After") != "5" {
		t.Fatalf("got %v", got)
	}
	if got := e.counts["/hook"].Missed.Load(); got != 1 {
		t.Fatalf("missed %d", got)
	}
}

// A body that is longer than all the room comes in alone.
func TestABodyLongerThanAllRoomIsLetInAlone(t *testing.T) {
	e := newEdge(t, func(o *setup) { o.InFlight = 10 })
	if got := e.ask(post("/hook", `{"a":"`+strings.Repeat("x", 500)+`"}`)); got.code != 200 {
		t.Fatalf("got %v", got)
	}
	if _, ok := kittest.Wait[journal.Accept](e.journal).Requests[0].Header["x-kind"]; ok {
		t.Fatal("a header is there that was not sent")
	}
}

// The time that a proven sender waits for room is ours and not counted against him.
func TestWaitingForRoomDoesNotUseUpTheTimeOfTheBody(t *testing.T) {
	e := newEdge(t, quick, func(o *setup) { o.InFlight = bodyMost })
	if !e.room.try(bodyMost, bodyMost) {
		t.Fatal("the room is not empty")
	}
	s, began := e.dial(), time.Now()
	s.write(head("Content-Length: 2") + "{")
	e.eventually("the sender's own time is over", func() bool { return time.Since(began) > 2*shortly })
	e.room.release(bodyMost)
	s.write("}")
	if got := s.read(); got.code != 200 {
		t.Fatalf("got %v", got)
	}
}
