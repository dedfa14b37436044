package journal_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"holdfast/actors/journal"
	"holdfast/channels"
)

// gate holds back or breaks what reaches the log of the store.
type gate struct {
	mu     sync.Mutex
	held   chan struct{} // syncs wait for it
	broken errorfs.OpKind
	breaks bool
}

func (g *gate) String() string { return "gate" }

func (g *gate) MaybeError(op errorfs.Op) error {
	if !strings.HasSuffix(op.Path, ".log") {
		return nil
	}
	g.mu.Lock()
	held, breaks := g.held, g.breaks && (op.Kind == g.broken || g.broken == errorfs.OpFileSync && isSync(op.Kind))
	g.mu.Unlock()
	if breaks {
		return errorfs.ErrInjected
	}
	if held != nil && isSync(op.Kind) {
		<-held
	}
	return nil
}

func isSync(k errorfs.OpKind) bool {
	return k == errorfs.OpFileSync || k == errorfs.OpFileSyncData || k == errorfs.OpFileSyncTo
}

// hold lets no sync end until the returned function is called.
func (g *gate) hold() (release func()) {
	held := make(chan struct{})
	g.mu.Lock()
	g.held = held
	g.mu.Unlock()
	return func() {
		g.mu.Lock()
		g.held = nil
		g.mu.Unlock()
		close(held)
	}
}

func (g *gate) breakAt(kind errorfs.OpKind) {
	g.mu.Lock()
	g.broken, g.breaks = kind, true
	g.mu.Unlock()
}

func TestLaw5_NothingIsAcceptedBeforeItsSyncAndManyShareOne(t *testing.T) {
	g := &gate{}
	w := start(t, inMemory(errorfs.Wrap(vfs.NewMem(), g)))
	defer w.close()
	l, at := w.listen("supervisor")
	w.sys.Tell(w.at, journal.Subscribe{Kind: journal.Requests, To: at})
	first := ask[journal.Statistics](w, journal.Stats{})

	release := g.hold()
	const n = 100
	accepted := make(chan journal.Accepted, n+1)
	send := func() {
		accepted <- ask[journal.Accepted](w, journal.Accept{Account: home, Requests: make([]channels.Request, 1)})
	}
	commits := func() uint64 { return ask[journal.Statistics](w, journal.Stats{}).Commits - first.Commits }
	go send()
	eventually(t, "the first is in order", func() bool { return commits() == 1 })
	for range n {
		go send()
	}
	eventually(t, "all are in order", func() bool { return commits() == n+1 })

	// Steps and questions go on while the sync is under way.
	taken := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Requests, home), Max: 1})
	w.mustCommit(home, done(journal.Requests, taken.Requests[0].Seq, "interpreted"), arrival("m1", "c1"))
	if added := w.mustCommit(home, arrival("m1", "c1")); added[0] != 0 {
		t.Fatal("a claim that is not synced was not seen")
	}
	w.settle(at)
	if len(accepted) != 0 || l.count(queue(journal.Requests, home)) != 0 {
		t.Fatalf("%d accepted, %d woken before the sync", len(accepted), l.count(queue(journal.Requests, home)))
	}
	release()
	for range n + 1 {
		if a := <-accepted; a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	if s := ask[journal.Statistics](w, journal.Stats{}); s.Syncs-first.Syncs > 3 {
		t.Fatalf("%d syncs for %d accepts, want 3", s.Syncs-first.Syncs, n+1)
	}
	w.settle(at)
	if l.count(queue(journal.Requests, home)) != 1 {
		t.Fatal("nobody was woken after the sync")
	}
}

func TestLaw5_AFailingDiskEndsTheProcessAndAnswersNobody(t *testing.T) {
	for name, kind := range map[string]errorfs.OpKind{"a sync": errorfs.OpFileSync, "a write": errorfs.OpFileWrite} {
		t.Run(name, func(t *testing.T) {
			g := &gate{}
			w := start(t, inMemory(errorfs.Wrap(vfs.NewMem(), g)))
			defer w.stop()
			w.accept(home, 1)
			g.breakAt(kind)
			ctx, cancel := context.WithCancel(context.Background())
			var answered sync.WaitGroup
			got := make(chan any, 10)
			for range 10 {
				answered.Go(func() {
					if a, err := w.sys.Ask(ctx, w.at, journal.Accept{Account: home, Requests: make([]channels.Request, 1)}); err == nil {
						got <- a
					}
				})
			}
			select {
			case err := <-w.fatal:
				if !strings.Contains(err.Error(), "injected") {
					t.Fatal(err)
				}
			case <-time.After(time.Minute):
				t.Fatal("nobody heard of it")
			}
			cancel()
			answered.Wait()
			if len(got) > 0 {
				t.Fatalf("answered %+v", <-got)
			}
		})
	}
}

// TestLaw5_WhatWasAnsweredIsThereAfterACrash loads the journal, lets the machine lose its power at random moments, and reads
// what is left: all that was answered after a sync, and every step as a whole.
func TestLaw5_WhatWasAnsweredIsThereAfterACrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	w := start(t, inMemory(fs))
	var (
		mu    sync.Mutex
		acked []string
		stop  = make(chan struct{})
		wg    sync.WaitGroup
	)
	for p := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("p%d-%d", p, i)
				if a := ask[journal.Accepted](w, journal.Accept{Account: home, Requests: []channels.Request{{ID: id}}, Cursor: []byte(id)}); a.Err == nil {
					mu.Lock()
					acked = append(acked, id)
					mu.Unlock()
				}
			}
		})
	}
	wg.Go(func() { interpret(w, stop) })

	random := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		mu.Lock()
		before := len(acked)
		mu.Unlock()
		eventually(t, "more is accepted", func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) > before+random.IntN(40) })
		mu.Lock()
		known := append([]string(nil), acked...)
		mu.Unlock()
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[i%3], RNG: random})
		afterCrash(t, clone, known)
	}
	close(stop)
	wg.Wait()
	w.close()
	afterCrash(t, fs.CrashClone(vfs.CrashCloneCfg{}), acked)
}

// interpret is a stage that needs no sync: every request becomes two arrivals and a value.
func interpret(w *world, stop chan struct{}) {
	q, last := queue(journal.Requests, home), uint64(0)
	for {
		select {
		case <-stop:
			return
		default:
		}
		taken := ask[journal.Taken](w, journal.Take{Queue: q, After: last, Max: 3})
		for _, r := range taken.Requests {
			c := ask[journal.Committed](w, journal.Commit{Account: home, Ops: []journal.Op{
				done(journal.Requests, r.Seq, "interpreted"), arrival(r.ID+"/a", r.ID), arrival(r.ID+"/b", r.ID),
				journal.SetState{Name: r.ID, Value: []byte("1")},
			}})
			if c.Err != nil {
				w.t.Errorf("interpret: %v", c.Err)
				return
			}
			last = r.Seq
		}
	}
}

func afterCrash(t *testing.T, fs vfs.FS, acked []string) {
	t.Helper()
	w := start(t, inMemory(fs))
	defer w.close()
	w.verify()
	requests, arrivals := map[string]bool{}, map[string]int{}
	var last uint64
	for more, after := true, uint64(0); more; {
		taken := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Requests, home), After: after, Max: 1000})
		for _, r := range taken.Requests {
			requests[r.ID] = true
			last = max(last, r.Seq)
		}
		more, after = taken.More, taken.Last
	}
	for more, after := true, uint64(0); more; {
		taken := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Arrivals, home), After: after, Max: 1000})
		for _, a := range taken.Arrivals {
			arrivals[a.Conversation]++
			last = max(last, a.Seq)
		}
		more, after = taken.More, taken.Last
	}
	values := ask[journal.Values](w, journal.GetState{Account: home}).Values
	for _, id := range acked {
		if !requests[id] && arrivals[id] == 0 {
			t.Fatalf("%s was accepted and is lost", id)
		}
	}
	for id, n := range arrivals {
		if _, set := values[id]; n != 2 || !set || requests[id] {
			t.Fatalf("half a step: %s has %d arrivals, value %v, request pending %v", id, n, set, requests[id])
		}
	}
	if len(values) != len(arrivals) {
		t.Fatalf("%d values, %d interpreted", len(values), len(arrivals))
	}
	if len(acked) > 0 && ask[journal.Cursor](w, journal.GetCursor{Account: home}).Value == nil {
		t.Fatal("the cursor is lost")
	}
	if next := w.accept(home, 1)[0]; next <= last {
		t.Fatalf("number %d was given twice (last %d)", next, last)
	}
}
