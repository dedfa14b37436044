package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

// signature is what /signed wants.
func signature(body string) string {
	m := hmac.New(sha256.New, []byte(canary))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

func TestABugEndsTheRequestAndNothingElse(t *testing.T) {
	e := newEdge(t)
	for range 3 {
		if got := e.ask(request("GET", "/bug", "")); got.code != 500 || got.body != "a bug at the edge" || !got.close {
			t.Fatalf("got %v", got)
		}
	}
	if got := e.ask(post("/hook", "{}")); got.code != 200 {
		t.Fatalf("after a bug: %v", got)
	}
	if n := strings.Count(e.log.String(), `"stack"`); n != 1 {
		t.Errorf("the bug is logged %d times in one interval: %s", n, e.log)
	}
	e.reportRefusals()
	if !strings.Contains(e.log.String(), `"500 a bug at the edge":3`) {
		t.Errorf("bugs are not counted: %s", e.log)
	}
}

func TestProbes(t *testing.T) {
	health := Health{Ready: true, Health: "green", Version: "1.2"}
	e := newEdge(t, func(o *setup) { o.Health = func() Health { return health } })
	const ready, unready = `{"ready":true,"health":"green","version":"1.2"}`, `{"ready":false,"health":"red","version":"1.2"}`
	allow, retry := map[string]string{"Allow": "GET, HEAD"}, map[string]string{"Retry-After": "5"}
	run(t, e, []outcome{
		{"it lives", request("GET", "/healthz", ""), 200, ready, nil, false},
		{"it is ready", request("GET", "/readyz", ""), 200, ready, nil, false},
		{"it is ready, without a body", request("HEAD", "/readyz", ""), 200, "", nil, false},
		{"a trailing slash", request("GET", "/readyz/", ""), 200, ready, nil, false},
		{"another method", request("POST", "/healthz", ""), 405, "method not taken here", allow, false},
	})
	health = Health{Health: "red", Version: "1.2"}
	run(t, e, []outcome{
		{"it lives and is not ready", request("GET", "/healthz", ""), 200, unready, nil, false},
		{"it is not ready", request("GET", "/readyz", ""), 503, unready, retry, false},
		{"it is not ready, without a body", request("HEAD", "/readyz", ""), 503, "", retry, false},
	})
}

func TestATicketFetchesTheReplies(t *testing.T) {
	e := newEdge(t)
	if got := e.ask(request("POST", "/ticket?password="+canary, "{}")); got.code != 200 || got.body != `{"id":"7"}` {
		t.Fatalf("got %v", got)
	}
	if a := kittest.Wait[journal.Accept](e.journal); !a.Requests[0].Ticket {
		t.Error("the journal does not know that somebody will ask")
	}
	fetch := func(rest string) string { return request("GET", "/ticket/"+rest, "", "X-Password: "+canary) }
	const id, wait = "an id is what the POST answered", "wait is a duration such as 10s, at most 1m"
	run(t, e, []outcome{
		{"it has ended", fetch("7"), 200, `{"id":"7","state":"done","outcome":"answered","replies":[{"text":"hello","part":1,"parts":1}]}`, nil, false},
		{"nobody knows it", fetch("8"), 410, "no such id of this account, or kept no longer", nil, false},
		{"it is no id", fetch("x"), 400, id, nil, false},
		{"it is a negative id", fetch("-7"), 400, id, nil, false},
		{"no id is no such path", fetch(""), 405, "method not taken here", map[string]string{"Allow": "POST"}, false},
		{"the wait is no duration", fetch("7?wait=ten"), 400, wait, nil, false},
		{"the wait is negative", fetch("7?wait=-1s"), 400, wait, nil, false},
		{"a stranger", request("GET", "/ticket/7", ""), 401, "no credential fits", nil, false},
		{"another method", request("POST", "/ticket/7?password="+canary, "{}"), 405, "method not taken here", map[string]string{"Allow": "GET"}, true},
	})
	e.journal.Answering(func(any) any { return journal.Answer{Known: true, State: journal.Pending} })
	run(t, e, []outcome{{"it has not ended", fetch("7?wait=5h"), 202, `{"id":"7","state":"pending","replies":[]}`, nil, false}})
	question := kittest.Wait(e.journal, func(a journal.Answers) bool { return a.Wait > 0 })
	if question != (journal.Answers{Account: home, Revision: 1, Request: 7, Wait: waitMost}) {
		t.Errorf("the journal was asked %+v", question)
	}
	e.journal.Answering(func(any) any { return journal.Answer{Err: errors.New("disk")} })
	run(t, e, []outcome{{"the journal fails", fetch("7"), 503, "the journal gave no answer in time", map[string]string{"Retry-After": "5"}, false}})
}

func TestClientsThatWaitForRepliesAreBounded(t *testing.T) {
	e := newEdge(t)
	fetch := request("GET", "/ticket/7", "", "X-Password: "+canary)
	if !e.waiters.TryAcquire(waitersMax - 1) {
		t.Fatal("somebody waits already")
	}
	for range 2 {
		if got := e.ask(fetch); got.code != 200 {
			t.Fatalf("the last one got %v", got)
		}
	}
	e.eventually("nobody waits any more", func() bool { return e.waiters.TryAcquire(1) })
	if got := e.ask(fetch); got.code != 503 || got.body != "too many clients wait for replies" {
		t.Fatalf("one too many got %v", got)
	}
}

func TestWhoWaitsForRepliesHoldsNoRoom(t *testing.T) {
	e := newEdge(t, func(o *setup) { o.InFlight = bodyMost })
	e.journal.Answering(func(msg any) any {
		if _, waits := msg.(journal.Answers); waits {
			return nil
		}
		return answering(msg)
	})
	s := e.dial()
	s.write(request("GET", "/ticket/7?wait=1m", strings.Repeat("x", bodyMost), "X-Password: "+canary))
	question := e.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Answers); return is })
	if got := e.ask(post("/hook", "{}")); got.code != 200 {
		t.Errorf("another sender got %v", got)
	}
	e.journal.Perform(kit.Answer{To: question.From, Msg: journal.Answer{Known: true, State: journal.Done}})
	if got := s.read(); got.code != 200 {
		t.Errorf("who waits got %v", got)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	e := newEdge(t)
	e.conns.mu.Lock()
	e.conns.most = 2
	e.conns.mu.Unlock()
	a, b := e.dial(), e.dial()
	for _, s := range []*socket{a, b} {
		s.write(request("GET", "/healthz", ""))
		s.read()
	}
	c := e.dial()
	if got := c.read(); got.code != 503 || got.body != "no room for more connections, or stopping: try again" || got.header.Get("Retry-After") != "5" || !got.close {
		t.Fatalf("got %v", got)
	}
	c.ended()
	_ = a.Close()
	e.eventually("there is room again", func() bool { return e.ask(request("GET", "/healthz", "")).code == 200 })
}

// failing is a listener that runs out of descriptors once and then is as given.
type failing struct {
	net.Listener
	errs chan error
}

func (f failing) Accept() (net.Conn, error) {
	select {
	case err := <-f.errs:
		return nil, err
	default:
		return f.Listener.Accept()
	}
}

func TestAFaultThatPassesDoesNotEndTheGateway(t *testing.T) {
	e := newEdge(t)
	o, errs := e.o, make(chan error, 1)
	errs <- &net.OpError{Op: "accept", Err: syscall.EMFILE}
	o.Listener = failing{anyPort(t), errs}
	s, served := New(o), make(chan error, 1)
	go func() { served <- s.Serve() }()
	e.addr = s.Addr()
	if got := e.ask(request("GET", "/healthz", "")); got.code != 200 {
		t.Fatalf("got %v", got)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestAListenerThatFailsEndsServe(t *testing.T) {
	o, errs := newEdge(t).o, make(chan error, 1)
	errs <- syscall.EBADF
	l := anyPort(t)
	defer l.Close()
	o.Listener = failing{l, errs}
	if err := New(o).Serve(); !errors.Is(err, syscall.EBADF) {
		t.Fatalf("serve: %v", err)
	}
}

func TestShutdown(t *testing.T) {
	e := newEdge(t)
	e.journal.Answering(nil)
	silent, idle, busy, waiting := e.dial(), e.dial(), e.dial(), e.dial()
	idle.write(request("GET", "/healthz", ""))
	idle.read()
	busy.write(post("/hook", "{}"))
	question := e.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Accept); return is })
	waiting.write(request("GET", "/ticket/7?wait=1m", "", "X-Password: "+canary))
	kittest.Wait[journal.Answers](e.journal)

	ended := make(chan error, 1)
	go func() { ended <- e.Shutdown(context.Background()) }()
	if got := waiting.read(); got.code != 503 || got.body != "the gateway is stopping" || !got.close {
		t.Errorf("who waits for replies hears %v", got)
	}
	silent.ended()
	idle.ended()
	if c, err := net.Dial("tcp", e.addr); err == nil {
		_ = c.SetDeadline(time.Now().Add(kittest.Patience))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("somebody is let in during the shutdown")
		}
		_ = c.Close()
	}
	select {
	case err := <-ended:
		t.Fatalf("the shutdown does not wait for the request under way: %v", err)
	default:
	}
	e.journal.Perform(kit.Answer{To: question.From, Msg: journal.Accepted{Seqs: []uint64{7}}})
	if got := busy.read(); got.code != 200 || !got.close {
		t.Errorf("the request under way hears %v", got)
	}
	busy.ended()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// A refusal while the end has begun ends its connection, even before the library knows of the end.
func TestARefusalDuringTheEndIsTheLast(t *testing.T) {
	e := newEdge(t)
	e.end()
	if got := e.ask(request("GET", "/nobody", "")); got.code != 404 || !got.close {
		t.Fatalf("got %v", got)
	}
}

func TestAShutdownCutsWhatDoesNotEndInTime(t *testing.T) {
	e := newEdge(t)
	e.journal.Answering(nil)
	busy, slow := e.dial(), e.dial()
	busy.write(post("/hook", "{}"))
	question := e.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Accept); return is })
	slow.write(head("Content-Length: 3") + "{")
	e.eventually("a body is on its way", func() bool {
		return !e.fits(e.inFlight() - 4)
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Shutdown(ctx); err == nil || err.Error() != "some connections did not end in time and were cut" {
		t.Errorf("got %v", err)
	}
	for _, s := range []*socket{busy, slow} {
		if a, err := s.tryRead(); err == nil {
			t.Errorf("a connection that was cut got %v", a)
		}
	}
	e.journal.Perform(kit.Answer{To: question.From, Msg: journal.Accepted{Seqs: []uint64{7}}})
	e.eventually("everything is gone", func() bool {
		e.conns.mu.Lock()
		defer e.conns.mu.Unlock()
		return len(e.conns.open) == 0
	})
}

func TestAServerThatWasShutDownFirstDoesNotServe(t *testing.T) {
	o := newEdge(t).o
	o.Listener = anyPort(t)
	s := New(o)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("the listener is open: %v", err)
	}
}

func TestARequestBeforeTheFirstPublicationIs404(t *testing.T) {
	e := newEdge(t, func(o *setup) { o.Live = &registry.Cell{} })
	if got := e.ask(post("/hook", "{}")); got.code != 404 {
		t.Fatalf("got %v", got)
	}
}

func TestConcurrentSendersGetEachTheirOwnAnswer(t *testing.T) {
	e := newEdge(t)
	e.journal.Answering(func(msg any) any {
		if m, ok := msg.(journal.Accept); ok {
			var n uint64
			if _, err := fmt.Sscanf(string(m.Requests[0].Body), `{"n":%d}`, &n); err == nil {
				return journal.Accepted{Seqs: []uint64{n}}
			}
		}
		return nil
	})
	ended := make(chan error, 8)
	for w := range cap(ended) {
		s := e.dial()
		go func() {
			for i := range 50 {
				n := w*1000 + i
				body := fmt.Sprintf(`{"n":%d}`, n)
				if _, err := io.WriteString(s, request("POST", "/ticket?password="+canary, body)); err != nil {
					ended <- err
					return
				}
				if got, err := s.tryRead(); err != nil || got.body != fmt.Sprintf(`{"id":"%d"}`, n) {
					ended <- fmt.Errorf("request %d got %v, %w", n, got, err)
					return
				}
			}
			ended <- nil
		}()
	}
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if got := len(e.accepts()); got != 50*cap(ended) {
		t.Errorf("the journal got %d", got)
	}
}
