package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
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
