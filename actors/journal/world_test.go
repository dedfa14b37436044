package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

const (
	home = channels.Account("bluebubbles:home")
	work = channels.Account("webhook:work")
	day  = 24 * time.Hour
	much = uint64(1) << 40
)

// tester is what these helpers need of a test, of rapid's as well.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// world is a journal on a real system of actors.
type world struct {
	t     tester
	sys   *kit.System
	at    kit.Addr
	store *journal.Store
	fatal chan error
	dead  atomic.Bool
}

// options of a journal that lives in memory.
func inMemory(fs vfs.FS) journal.Options {
	return journal.Options{
		Dir: "state", FS: fs, Log: zerolog.Nop(),
		Free: func(string) (uint64, error) { return much, nil },
	}
}

func start(t tester, o journal.Options) *world {
	t.Helper()
	return startIn(t, kit.New(kit.Options{Log: zerolog.Nop()}), o)
}

// startIn starts a journal in a system that has none, or none any more.
func startIn(t tester, sys *kit.System, o journal.Options) *world {
	t.Helper()
	w := &world{t: t, sys: sys, fatal: make(chan error, 1)}
	if o.OnFatal == nil {
		o.OnFatal = func(err error) { w.dead.Store(true); w.fatal <- err }
	}
	store, err := journal.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	if w.at, err = w.sys.Start("journal", journal.Spec(store)); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask waits for one answer; every answer in these tests comes soon or the test is broken.
func ask[A any](w *world, question any) A {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	answer, err := w.sys.Ask(ctx, w.at, question)
	if err != nil {
		w.t.Fatalf("%T: %v", question, err)
	}
	a, is := answer.(A)
	if !is {
		w.t.Fatalf("%T: answered %T", question, answer)
	}
	return a
}

func (w *world) close() {
	w.t.Helper()
	if c := ask[journal.Closed](w, journal.Close{}); c.Err != nil {
		w.t.Fatalf("close: %v", c.Err)
	}
	w.stop()
}

func (w *world) stop() {
	w.sys.Stop(w.at)
	for w.sys.Alive(w.at) {
		time.Sleep(time.Millisecond)
	}
}

// accept puts n requests into the account and returns their numbers.
func (w *world) accept(a channels.Account, n int) []uint64 {
	w.t.Helper()
	m := journal.Accept{Account: a}
	for i := range n {
		m.Requests = append(m.Requests, channels.Request{Form: channels.FormWebhook, Body: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	got := ask[journal.Accepted](w, m)
	if got.Err != nil {
		w.t.Fatalf("accept: %v", got.Err)
	}
	return got.Seqs
}

func (w *world) commit(a channels.Account, ops ...journal.Op) journal.Committed {
	w.t.Helper()
	return ask[journal.Committed](w, journal.Commit{Account: a, Ops: ops})
}

func (w *world) mustCommit(a channels.Account, ops ...journal.Op) []uint64 {
	w.t.Helper()
	c := w.commit(a, ops...)
	if c.Err != nil {
		w.t.Fatalf("commit: %v", c.Err)
	}
	return c.Added
}

// verify fails the test when the books do not balance, and returns them.
func (w *world) verify() map[journal.Queue]journal.Counters {
	w.t.Helper()
	v := ask[journal.Verified](w, journal.Verify{})
	if v.Err != nil || len(v.Faults) > 0 {
		w.t.Fatalf("verify: %v %q", v.Err, v.Faults)
	}
	return v.Statistics.Queues
}

func queue(k journal.Kind, a channels.Account) journal.Queue {
	return journal.Queue{Kind: k, Account: a}
}

func arrival(id, conversation string) journal.AddArrival {
	return journal.AddArrival{Keep: day, Arrival: channels.Arrival{
		ID: id, Kind: channels.Message, Conversation: conversation, Text: "hello " + id,
	}}
}

func reply(conversation, text string) journal.AddReply {
	return journal.AddReply{Reply: channels.Reply{Conversation: conversation, Text: text, Part: 1, Parts: 1}}
}

func done(k journal.Kind, seq uint64, outcome string) journal.End {
	return journal.End{Kind: k, Seq: seq, State: journal.Done, Outcome: outcome}
}

// listener is a subscriber: it takes what it is told to take and counts what it hears.
type listener struct {
	mu    sync.Mutex
	woken []journal.Queue
}

type order struct{ take journal.Take }

func (l *listener) count(q journal.Queue) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, w := range l.woken {
		if w == q {
			n++
		}
	}
	return n
}

// listen starts an actor that hears of wake-ups and takes on order; the answer to an order is the Taken.
func (w *world) listen(name string) (*listener, kit.Addr) {
	w.t.Helper()
	l := &listener{}
	type state struct{ waits []kit.Return }
	spec := kit.Def[state]{Kind: "listener", Step: func(s state, in kit.In) (state, []kit.Effect) {
		switch m := in.Msg.(type) {
		case journal.Woken:
			l.mu.Lock()
			l.woken = append(l.woken, m.Queue)
			l.mu.Unlock()
		case order:
			return state{append(s.waits, in.From)}, []kit.Effect{kit.Ask{To: w.at, Msg: m.take, Within: time.Minute}}
		case kit.Answered:
			first := s.waits[0]
			return state{s.waits[1:]}, []kit.Effect{kit.Answer{To: first, Msg: m.Msg}}
		}
		return s, nil
	}}.Spec()
	at, err := w.sys.Start(name, spec)
	if err != nil {
		w.t.Fatal(err)
	}
	return l, at
}

// takeAs lets the listener at an address take.
func (w *world) takeAs(at kit.Addr, m journal.Take) journal.Taken {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	answer, err := w.sys.Ask(ctx, at, order{m})
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.(journal.Taken)
}

// settle waits until all that was sent has been handled, also by listeners.
func (w *world) settle(at ...kit.Addr) {
	w.t.Helper()
	ask[journal.Statistics](w, journal.Stats{})
	for _, a := range at {
		w.takeAs(a, journal.Take{Queue: queue(journal.Requests, "nobody:here")})
	}
}

// phase is what the tree shows of the journal.
func (w *world) phase() string {
	for _, row := range w.sys.Table() {
		if row.Addr == w.at {
			return row.Phase
		}
	}
	return ""
}

// eventually polls until ok or a minute is over.
func eventually(t tester, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

func mustErr(t tester, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error: got %v, want %v", got, want)
	}
}
