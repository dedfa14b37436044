package kit_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

// alarm tells that work took too long.
type alarm struct{ job string }

// hurried gives each job a minute; it lasts as long as the job says.
func hurried(p *kittest.Probe) kit.Spec {
	return kit.Def[int]{
		Step: func(n int, in kit.In) (int, []kit.Effect) {
			switch m := in.Msg.(type) {
			case time.Duration:
				return n, []kit.Effect{
					kit.Do{Job: m, Tag: m.String()},
					kit.After{Delay: time.Minute, Msg: alarm{m.String()}, For: m.String()},
				}
			case alarm:
				return n, []kit.Effect{kit.Tell{To: p.Addr(), Msg: m}}
			}
			return n, nil
		},
		Work: func(_ context.Context, job any) (any, error) {
			time.Sleep(job.(time.Duration))
			return nil, nil
		},
	}.Spec()
}

func TestADeadlineComesOnlyForWorkThatHasNotEnded(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		addr := start(t, sys, "hurried", hurried(p))
		for _, lasts := range []time.Duration{time.Second, 2 * time.Minute, 50 * time.Second, 3 * time.Minute} {
			sys.Tell(addr, lasts)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		wantMessages(t, p, alarm{"2m0s"}, alarm{"3m0s"})
	})
}

func TestAnActorThatEndsLeavesNoDeadlineBehind(t *testing.T) {
	type note struct{ text string }
	var held weak.Pointer[note]
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		addr := start(t, sys, "hurried", kit.Def[int]{
			Step: func(n int, _ kit.In) (int, []kit.Effect) {
				m := &note{"what only the deadline holds"}
				held = weak.Make(m)
				return n, []kit.Effect{kit.Do{Job: 0, Tag: n}, kit.After{Delay: time.Hour, Msg: m, For: n}}
			},
			Work: func(ctx context.Context, _ any) (any, error) {
				<-ctx.Done()
				time.Sleep(time.Minute) // its end finds nobody
				return nil, nil
			},
		}.Spec())
		sys.Tell(addr, "begin")
		synctest.Wait()
		sys.Stop(addr)
		synctest.Wait()
		for range 3 {
			time.Sleep(time.Second) // the runtime clears away stopped timers when it looks at the others
			runtime.GC()
		}
		if m := held.Value(); m != nil {
			t.Errorf("an actor is gone, and its deadline still holds %q", m.text)
		}
		time.Sleep(time.Hour)
	})
}
