package journal_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
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
	waits  bool          // one does: all that was written before it is on its way
	broken errorfs.OpKind
	breaks bool
	full   bool // the next write finds no room
}

func (g *gate) String() string { return "gate" }

func (g *gate) MaybeError(op errorfs.Op) error {
	if !strings.HasSuffix(op.Path, ".log") {
		return nil
	}
	g.mu.Lock()
	if g.full && op.Kind == errorfs.OpFileWrite {
		g.full = false
		g.mu.Unlock()
		return syscall.ENOSPC
	}
	held, breaks := g.held, g.breaks && (op.Kind == g.broken || g.broken == errorfs.OpFileSync && isSync(op.Kind))
	g.waits = g.waits || held != nil && isSync(op.Kind)
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

// holds tells whether a sync waits.
func (g *gate) holds() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waits
}

// hold lets no sync end until the returned function is called.
func (g *gate) hold() (release func()) {
	held := make(chan struct{})
	g.mu.Lock()
	g.held, g.waits = held, false
	g.mu.Unlock()
	return sync.OnceFunc(func() {
		g.mu.Lock()
		g.held = nil
		g.mu.Unlock()
		close(held)
	})
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
	defer release()
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
	if s := ask[journal.Statistics](w, journal.Stats{}); s.Syncs-first.Syncs > 2 {
		t.Fatalf("%d syncs for %d accepts, want 2", s.Syncs-first.Syncs, n+1)
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
			w := start(t, inMemory(errorfs.Wrap(vfs.NewMem(), g))) // never stopped: it waits for the end of the process
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
			eventually(t, "the actor knows", func() bool {
				w.sys.Tell(w.at, journal.Stats{})
				return w.phase() == "failed"
			})
			cancel()
			answered.Wait()
			if len(got) > 0 {
				t.Fatalf("answered %+v", <-got)
			}
		})
	}
}

func TestADiskThatIsSuddenlyFullGetsTheBallast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, fs := &gate{}, vfs.NewMem()
		w := start(t, inMemory(errorfs.Wrap(fs, g)))
		defer w.close()
		ballast := func() bool { _, err := fs.Stat("state/ballast"); return err == nil }
		w.settle()
		if !ballast() {
			t.Fatal("there is no ballast to give")
		}
		g.mu.Lock()
		g.full = true
		g.mu.Unlock()
		w.accept(home, 1)
		if ballast() {
			t.Fatal("the ballast is still there")
		}
		time.Sleep(11 * time.Second)
		if !ballast() {
			t.Fatal("there is room, and the ballast was not made again")
		}
	})
}

func TestWhereRoomCannotBeAskedForTheBallastIsWritten(t *testing.T) {
	fs := vfs.NewMem()
	unable := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFilePreallocate && strings.HasSuffix(op.Path, "ballast") {
			return syscall.ENOTSUP
		}
		return nil
	})
	w := start(t, inMemory(errorfs.Wrap(fs, unable)))
	defer w.close()
	if i, err := fs.Stat("state/ballast"); err != nil || i.Size() != 16<<20 {
		t.Fatalf("%v %v", i, err)
	}
}

func TestLaw5_AFailureThatNobodyWaitsForEndsTheProcessAsWell(t *testing.T) {
	for name, kind := range map[string]errorfs.OpKind{"a write": errorfs.OpFileWrite, "the next log": errorfs.OpCreate} {
		t.Run(name, func(t *testing.T) {
			g := &gate{}
			w := start(t, inMemory(errorfs.Wrap(vfs.NewMem(), g))) // never stopped: it waits for the end of the process
			w.accept(home, 1)
			g.breakAt(kind)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			value := make([]byte, 100<<10)
			go func() {
				for ctx.Err() == nil {
					m := journal.Commit{Account: home, Ops: []journal.Op{journal.SetState{Name: "a", Value: value}}}
					_, _ = w.sys.Ask(ctx, w.at, m) // most are answered; the last is not
				}
			}()
			select {
			case err := <-w.fatal:
				if !strings.Contains(err.Error(), ".log: injected") {
					t.Fatal(err)
				}
			case <-time.After(time.Minute):
				t.Fatal("nobody heard of it")
			}
		})
	}
}

// TestLaw5_WhatWasAnsweredIsThereAfterACrash loads the journal, lets the machine lose its power at a random moment, reads
// what is left - all that was answered after a sync, and every step as a whole - and goes on with that.
func TestLaw5_WhatWasAnsweredIsThereAfterACrash(t *testing.T) {
	fs, acked := vfs.NewCrashableMem(), []string(nil)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		clone, known := loseThePower(t, fs, round, random)
		fs, acked = clone, append(acked, known...)
		afterCrash(t, fs, acked)
	}
}

// loseThePower loads the journal until a random number of requests is accepted, and gives what is then on the disk and what
// had been accepted.
func loseThePower(t *testing.T, fs *vfs.MemFS, round int, random *rand.Rand) (*vfs.MemFS, []string) {
	t.Helper()
	w := start(t, inMemory(fs))
	defer w.close()
	var (
		mu    sync.Mutex
		acked []string
		stop  = make(chan struct{})
		wg    sync.WaitGroup
	)
	stopped := func() bool {
		select {
		case <-stop:
			return true
		default:
			return false
		}
	}
	for p := range 4 {
		wg.Go(func() {
			for i := 0; !stopped(); i++ {
				id := fmt.Sprintf("r%d-p%d-%d", round, p, i)
				a := ask[journal.Accepted](w, journal.Accept{Account: home, Requests: []channels.Request{{ID: id}}, Cursor: []byte(id)})
				if a.Err != nil {
					t.Error(a.Err)
					return
				}
				mu.Lock()
				acked = append(acked, id)
				mu.Unlock()
			}
		})
	}
	wg.Go(func() { interpret(w, stopped) })
	enough := random.IntN(60)
	eventually(t, "enough is accepted", func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) > enough })
	mu.Lock()
	known := slices.Clone(acked)
	mu.Unlock()
	clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[round%3], RNG: random})
	close(stop)
	wg.Wait()
	return clone, known
}

// interpret is a stage that needs no sync: every request becomes two arrivals and a value.
func interpret(w *world, stopped func() bool) {
	q, last := queue(journal.Requests, home), uint64(0)
	for !stopped() {
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
	next := w.accept(home, 1)[0]
	if next <= last {
		t.Fatalf("number %d was given twice (last %d)", next, last)
	}
	w.mustCommit(home, done(journal.Requests, next, "probe"))
}
