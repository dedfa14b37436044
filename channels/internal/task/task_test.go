package task_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/channels/internal/task"
)

func TestWaitReturnsWhenAllAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := task.New(t.Context())
		var ended atomic.Int32
		for i := range 3 {
			g.Go("reader", func(context.Context) error {
				time.Sleep(time.Duration(i) * time.Hour) // virtual
				ended.Add(1)
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatalf("got %v, want no error", err)
		}
		if n := ended.Load(); n != 3 {
			t.Fatalf("%d of 3 had ended when Wait returned", n)
		}
		if g.Context().Err() == nil {
			t.Fatal("the context outlived the group")
		}
	})
}

func TestTheFirstErrorEndsTheOthers(t *testing.T) {
	boom := errors.New("boom")
	g := task.New(t.Context())
	g.Go("reader", func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	g.Go("writer", func(context.Context) error { return boom })
	if err := g.Wait(); !errors.Is(err, boom) {
		t.Fatalf("got %v, want %v", err, boom)
	}
}

func TestACallerThatLeavesEndsThemAll(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := task.New(ctx)
	g.Go("reader", func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
	cancel()
	if err := g.Wait(); err != nil {
		t.Fatalf("got %v, want no error", err)
	}
}

func TestAPanicBecomesAnError(t *testing.T) {
	cause := errors.New("cause")
	g := task.New(t.Context())
	g.Go("reader", func(context.Context) error { panic(cause) })
	err := g.Wait()
	var p *task.Panic
	if !errors.As(err, &p) || !errors.Is(err, cause) {
		t.Fatalf("got %v, want a *Panic that holds the cause", err)
	}
	if p.Task != "reader" || !strings.Contains(string(p.Stack), "task_test.go") {
		t.Fatalf("the panic does not say where: task %q, stack %s", p.Task, p.Stack)
	}
	if got := err.Error(); got != "reader panicked: cause" {
		t.Fatalf("got %q", got)
	}
}
