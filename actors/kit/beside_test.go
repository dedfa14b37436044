package kit_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

// worker is an actor that does every message as a job and tells the probe how it ended.
func worker(p *kittest.Probe, work kit.Work) kit.Spec {
	return kit.Def[int]{
		Step: func(n int, in kit.In) (int, []kit.Effect) {
			if done, ok := in.Msg.(kit.Done); ok {
				return n, []kit.Effect{kit.Tell{To: p.Addr(), Msg: done}}
			}
			return n + 1, []kit.Effect{kit.Do{Job: in.Msg, Tag: n}}
		},
		Work: work,
	}.Spec()
}

func TestWorkBesideTheActorEndsInExactlyOneDone(t *testing.T) {
	weather := errors.New("weather")
	for _, c := range []struct {
		name string
		work kit.Work
		msg  any
		err  error
	}{
		{"its result", func(_ context.Context, job any) (any, error) { return job, nil }, "job", nil},
		{"its error", func(context.Context, any) (any, error) { return nil, weather }, nil, weather},
		{"its panic", func(context.Context, any) (any, error) { panic("on purpose") }, nil, kit.ErrPanic},
		{"its goroutine's end", func(context.Context, any) (any, error) { runtime.Goexit(); return 1, nil }, nil, kit.ErrPanic},
	} {
		t.Run(c.name, func(t *testing.T) {
			world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
				addr := start(t, sys, "worker", worker(p, c.work))
				sys.Tell(addr, "job")
				synctest.Wait()
				got := p.Messages()
				if len(got) != 1 {
					t.Fatalf("%d ends, want one: %#v", len(got), got)
				}
				if done := got[0].(kit.Done); done.Tag != 0 || done.Msg != c.msg || !errors.Is(done.Err, c.err) {
					t.Fatalf("ended with %#v, want %v, %v", done, c.msg, c.err)
				}
				if !sys.Alive(addr) {
					t.Error("the actor ended with its work")
				}
			})
		})
	}
}

func TestWorkDoesNotHoldUpTheActor(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		gate := make(chan struct{})
		addr := start(t, sys, "worker", worker(p, func(_ context.Context, job any) (any, error) {
			if job == "slow" {
				<-gate
			}
			return job, nil
		}))
		sys.Tell(addr, "slow")
		sys.Tell(addr, "quick")
		synctest.Wait()
		wantMessages(t, p, kit.Done{Tag: 1, Msg: "quick"})
		close(gate)
		synctest.Wait()
		wantMessages(t, p, kit.Done{Tag: 1, Msg: "quick"}, kit.Done{Tag: 0, Msg: "slow"})
	})
}

func TestAStopCancelsWork(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(sys *kit.System, addr kit.Addr)
	}{
		{"a stop that was asked for", func(sys *kit.System, addr kit.Addr) { sys.Stop(addr) }},
		{"a panic", func(sys *kit.System, addr kit.Addr) { sys.Tell(addr, kit.Return{}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
				ended := make(chan error, 1)
				addr := start(t, sys, "worker", kit.Def[int]{
					Step: func(n int, in kit.In) (int, []kit.Effect) {
						if in.Msg != "job" {
							panic("on purpose")
						}
						return n, []kit.Effect{kit.Do{}}
					},
					Work: func(ctx context.Context, _ any) (any, error) { <-ctx.Done(); ended <- ctx.Err(); return nil, nil },
				}.Spec())
				sys.Tell(addr, "job")
				synctest.Wait()
				c.end(sys, addr)
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Fatalf("the work's context ended with %v", err)
				}
				synctest.Wait()
				if sys.Stray() != 0 {
					t.Error("the Done of a life that is over was counted as a stray")
				}
			}, kittest.AllowPanic)
		})
	}
}

type again struct{ turn int }

func TestGrowingPausesAreExactInVirtualTime(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		began := time.Now()
		start(t, sys, "backoff", kit.Def[int]{
			First: again{},
			Step: func(n int, in kit.In) (int, []kit.Effect) {
				return n + 1, []kit.Effect{
					kit.Tell{To: p.Addr(), Msg: in.Now.Sub(began)},
					kit.After{Delay: time.Second << n, Msg: again{n + 1}},
				}
			},
		}.Spec())
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		var want []any
		for n := range 10 {
			want = append(want, time.Duration(1<<n-1)*time.Second)
		}
		wantMessages(t, p, want...)
	})
}

func TestJitterOnlyLengthensAndOnlyByItsPart(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		began := time.Now()
		const timers = 200
		first, last := time.Duration(math.MaxInt64), time.Duration(0)
		for range timers {
			p.Perform(kit.After{Delay: time.Minute, Jitter: 0.2, Msg: again{}})
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, in := range p.Ins() {
			first, last = min(first, in.Now.Sub(began)), max(last, in.Now.Sub(began))
		}
		if len(p.Ins()) != timers || first < time.Minute || last > 72*time.Second || last-first < time.Second {
			t.Fatalf("%d timers fired between %v and %v, want %d spread between 1m and 1m12s", len(p.Ins()), first, last, timers)
		}
	})
}

func TestATimerOfALifeThatIsOverIsNobodys(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		old := kittest.NewProbe(t, sys, "name")
		old.Perform(kit.After{Delay: time.Minute, Msg: again{}})
		sys.Stop(old.Addr())
		synctest.Wait()
		namesake := kittest.NewProbe(t, sys, "name")
		time.Sleep(time.Hour)
		synctest.Wait()
		wantMessages(t, namesake)
		if sys.Stray() != 0 {
			t.Error("it was counted as a stray")
		}
	})
}
