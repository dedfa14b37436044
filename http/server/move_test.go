package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
)

// bind binds a further address.
func (e *edge) bind(addr string) *Bound {
	e.t.Helper()
	b, err := e.Bind(addr)
	if err != nil {
		e.t.Fatal(err)
	}
	return b
}

// alone waits until all addresses but the one that is served are gone.
func (e *edge) alone() {
	e.t.Helper()
	e.eventually("every other address is gone", func() bool {
		e.conns.mu.Lock()
		defer e.conns.mu.Unlock()
		_, served := e.conns.bound[e.conns.served]
		return len(e.conns.bound) == 1 && served
	})
}

func TestAPendingAddressIsNotAnswered(t *testing.T) {
	e := newEdge(t)
	b := e.bind("127.0.0.1:0")
	early := e.dialTo(b.Addr())
	early.write(post("/hook", `{"early":1}`))
	if got := e.ask(post("/hook", "{}")); got.code != 200 {
		t.Fatalf("the served address answers %v", got)
	}
	if got := e.accepts(); len(got) != 1 || b.answering {
		t.Fatalf("the journal got %v", got)
	}
	b.Serve()
	if got := early.read(); got.code != 200 {
		t.Errorf("who dialled early got %v", got)
	}
}

func TestAnAddressThatIsGivenUpIsFree(t *testing.T) {
	e := newEdge(t)
	b := e.bind("127.0.0.1:0")
	early := e.dialTo(b.Addr())
	b.Close()
	b.Close()
	b.Serve()
	if e.Addr() != e.addr {
		t.Errorf("%s is served", e.Addr())
	}
	if _, err := early.r.ReadByte(); err == nil {
		t.Error("who dialled it hears something")
	}
	l, err := net.Listen("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	e.alone()
}

func TestServeTwiceAndCloseAfterwardsChangeNothing(t *testing.T) {
	e := newEdge(t)
	b := e.bind("127.0.0.1:0")
	for range 2 {
		b.Serve()
		b.Close()
	}
	e.addr = b.Addr()
	if got := e.ask(post("/hook", "{}")); got.code != 200 || got.close {
		t.Errorf("got %v", got)
	}
}

func TestEstablishedConnectionsFollowTheirAddress(t *testing.T) {
	e := newEdge(t)
	e.conns.overlap = time.Hour
	e.journal.Answering(nil)
	kept, idle, busy, silent := e.dial(), e.dial(), e.dial(), e.dial()
	for _, s := range []*socket{kept, idle} {
		s.write(request("GET", "/healthz", ""))
		if got := s.read(); got.code != 200 || got.close {
			t.Fatalf("got %v", got)
		}
	}
	busy.write(post("/hook", "{}"))
	question := e.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Accept); return is })
	old := e.conns.current()
	e.bind("127.0.0.1:0").Serve()

	late, moved := e.dial(), e.dialTo(e.Addr())
	stays := func() {
		t.Helper()
		moved.write(request("GET", "/healthz", ""))
		if got := moved.read(); got.code != 200 || got.close {
			t.Errorf("one at the new address got %v", got)
		}
	}
	stays()
	for name, s := range map[string]*socket{"one from before": kept, "one from the overlap": late} {
		s.write(request("GET", "/healthz", ""))
		if got := s.read(); got.code != 200 || !got.close {
			t.Errorf("%s got %v, want the end with it", name, got)
		}
		s.ended()
	}
	turnAway(old.listener)
	_ = old.listener.(*net.TCPListener).SetDeadline(time.Now()) // the overlap is over
	idle.ended()
	e.alone()
	stays()
	silent.write(request("GET", "/healthz", ""))
	if got := silent.read(); got.code != 200 || !got.close {
		t.Errorf("one that was silent got %v", got)
	}
	e.journal.Perform(kit.Answer{To: question.From, Msg: journal.Accepted{Seqs: []uint64{7}}})
	if got := busy.read(); got.code != 200 || !got.close {
		t.Errorf("a request under way got %v", got)
	}
	if c, err := net.Dial("tcp", e.addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the old address: %v, %v", c, err)
	}
}

// The edge is not open yet when it moves: who waits in the queue of the first address is answered.
func TestAMoveBeforeTheFirstAnswer(t *testing.T) {
	e := newEdge(t)
	o := e.o
	o.Listener = anyPort(t)
	s := New(o)
	s.conns.overlap = 0
	var early []*socket
	send := func(n int) {
		for range n {
			c := e.dialTo(s.Addr())
			c.write(post("/hook", "{}"))
			early = append(early, c)
		}
	}
	send(5)
	b, err := s.Bind("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.Serve()
	send(2)
	if len(e.accepts()) > 0 {
		t.Error("somebody was answered")
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for _, c := range early {
		if got := c.read(); got.code != 200 {
			t.Errorf("got %v", got)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// faltering is a listener that runs out of descriptors once, in the middle of its end.
type faltering struct {
	*net.TCPListener
	phase atomic.Int32
}

func (f *faltering) SetDeadline(at time.Time) error {
	if time.Until(at) > 0 {
		f.phase.CompareAndSwap(0, 1)
	}
	return f.TCPListener.SetDeadline(at)
}

func (f *faltering) Accept() (net.Conn, error) {
	if f.phase.CompareAndSwap(1, 2) {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.TCPListener.Accept()
}

func TestAFaultThatPassesDoesNotEndAnAddressEarly(t *testing.T) {
	e := newEdge(t)
	o := e.o
	o.Listener = &faltering{TCPListener: anyPort(t).(*net.TCPListener)}
	s := New(o)
	s.conns.overlap = 0
	var early []*socket
	for range 3 {
		c := e.dialTo(s.Addr())
		c.write(post("/hook", "{}"))
		early = append(early, c)
	}
	b, err := s.Bind("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.Serve() // the first of them is accepted and waits for the edge to open
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for _, c := range early {
		if got := c.read(); got.code != 200 {
			t.Errorf("got %v", got)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestAnAddressThatFailsWhileItLeavesIsGone(t *testing.T) {
	e := newEdge(t)
	e.conns.overlap = time.Hour
	old := e.conns.current()
	e.bind("127.0.0.1:0").Serve()
	_ = old.listener.Close()
	e.alone()
	e.addr = e.Addr()
	if got := e.ask(post("/hook", "{}")); got.code != 200 {
		t.Errorf("got %v", got)
	}
}

func TestLaw7_AShutdownCoversEveryAddress(t *testing.T) {
	e := newEdge(t)
	e.conns.overlap = time.Hour
	e.journal.Answering(nil)
	var busy []*socket
	var asked []kit.Return
	send := func() {
		s := e.dialTo(e.Addr())
		s.write(post("/hook", fmt.Sprintf(`{"n":%d}`, len(busy))))
		question := e.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Accept); return is })
		e.journal.Forget()
		busy, asked = append(busy, s), append(asked, question.From)
	}
	send()
	e.bind("127.0.0.1:0").Serve()
	send()
	pending := e.bind("127.0.0.1:0")
	addresses := []string{e.addr, e.Addr(), pending.Addr()}
	waiting := e.dialTo(addresses[2])

	ended := make(chan error, 1)
	go func() { ended <- e.Shutdown(context.Background()) }()
	for _, addr := range addresses {
		e.eventually("nobody is let in at "+addr, func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				_ = c.Close()
			}
			return errors.Is(err, syscall.ECONNREFUSED)
		})
	}
	if _, err := waiting.r.ReadByte(); err == nil {
		t.Error("who waited at a pending address heard something")
	}
	select {
	case err := <-ended:
		t.Fatalf("the shutdown does not wait for the requests under way: %v", err)
	default:
	}
	for i, s := range busy {
		e.journal.Perform(kit.Answer{To: asked[i], Msg: journal.Accepted{Seqs: []uint64{7}}})
		if got := s.read(); got.code != 200 || !got.close {
			t.Errorf("request %d got %v", i, got)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	pending.Serve()
	if e.Addr() != addresses[1] {
		t.Errorf("it moved to %s after the end", e.Addr())
	}
	if _, err := e.Bind("127.0.0.1:0"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("an address bound after the end: %v", err)
	}
}
