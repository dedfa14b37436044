package agents

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

// function is a backend made of one function.
type function func(ctx context.Context, t backend.Turn) (backend.Answer, error)

func (f function) Turn(ctx context.Context, t backend.Turn) (backend.Answer, error) { return f(ctx, t) }

// started starts the actor with one agent of one slot, whose deadline is a minute.
func started(t *testing.T, f function) (*kit.System, kit.Addr) {
	t.Helper()
	sys := kittest.New(t)
	addr, err := sys.Start("agents", Spec())
	if err != nil {
		t.Fatal(err)
	}
	configure := Configure{Agents: []Agent{{Name: "a", Kind: "test", Agent: f, Parallel: 1, Timeout: time.Minute}}}
	if _, err := sys.Ask(t.Context(), addr, configure); err != nil {
		t.Fatal(err)
	}
	return sys, addr
}

func turn(t *testing.T, sys *kit.System, addr kit.Addr, id string) Turned {
	t.Helper()
	got, err := sys.Ask(t.Context(), addr, Turn{Turn: backend.Turn{ID: id, Agent: "a", Text: id}})
	if err != nil {
		t.Fatal(err)
	}
	return got.(Turned)
}

func TestATurnIsAnsweredByItsBackend(t *testing.T) {
	sys, addr := started(t, func(_ context.Context, t backend.Turn) (backend.Answer, error) {
		return backend.Answer{Text: "heard " + t.Text}, nil
	})
	if got := turn(t, sys, addr, "1"); got.Answer.Text != "heard 1" || got.Err != nil {
		t.Errorf("got %+v", got)
	}
}

func TestAPanicOfABackendIsAnErrorOfItsTurn(t *testing.T) {
	sys, addr := started(t, func(context.Context, backend.Turn) (backend.Answer, error) { panic("broken") })
	for range 2 {
		if got := turn(t, sys, addr, "1"); got.Err == nil || !strings.Contains(got.Err.Error(), "broken") {
			t.Errorf("got %+v", got)
		}
	}
}

func TestTheDeadlineHoldsForABackendThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan struct{})
		sys, addr := started(t, func(_ context.Context, t backend.Turn) (backend.Answer, error) {
			if t.ID == "hangs" {
				<-hung
			}
			return backend.Answer{Text: "fine"}, nil
		})
		began := time.Now()
		if got := turn(t, sys, addr, "hangs"); got.Err == nil || time.Since(began) != time.Minute {
			t.Errorf("after %v: %+v", time.Since(began), got)
		}
		if got := turn(t, sys, addr, "next"); got.Answer.Text != "fine" || time.Since(began) != time.Minute+leaveWithin {
			t.Errorf("after %v: %+v", time.Since(began), got)
		}
		if got := sys.Snapshot(addr).(Snapshot).Agents[0]; got.Stuck != 1 {
			t.Errorf("status %+v", got)
		}
		close(hung)
		synctest.Wait()
		if got := sys.Snapshot(addr).(Snapshot).Agents[0]; got.Stuck != 0 {
			t.Errorf("status %+v", got)
		}
	})
}

func TestStopCancelsTheContextOfItsTurnOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		sys, addr := started(t, func(ctx context.Context, t backend.Turn) (backend.Answer, error) {
			if t.ID == "waits" {
				<-ctx.Done()
				ended <- ctx.Err()
			}
			return backend.Answer{}, ctx.Err()
		})
		asker := kittest.NewProbe(t, sys, "lanes")
		asker.Perform(kit.Ask{To: addr, Msg: Turn{Turn: backend.Turn{ID: "waits", Agent: "a"}}, Within: time.Hour, Tag: 1})
		synctest.Wait()
		sys.Tell(addr, Stop{ID: "waits"})
		if got := kittest.Wait[kit.Answered](asker).Msg.(Turned); !got.Stopped {
			t.Errorf("got %+v", got)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the context ended with %v", err)
		}
		if got := turn(t, sys, addr, "next"); got.Err != nil {
			t.Errorf("got %+v", got)
		}
	})
}

func TestTheEndOfTheActorEndsItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		sys, addr := started(t, func(ctx context.Context, _ backend.Turn) (backend.Answer, error) {
			<-ctx.Done()
			close(ended)
			return backend.Answer{}, ctx.Err()
		})
		asker := kittest.NewProbe(t, sys, "lanes")
		asker.Perform(kit.Ask{To: addr, Msg: Turn{Turn: backend.Turn{ID: "1", Agent: "a"}}, Within: time.Hour, Tag: 1})
		synctest.Wait()
		sys.Stop(addr)
		<-ended
	})
}
