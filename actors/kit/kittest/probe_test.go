package kittest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/actors/kit"
)

// recorder is a test that is expected to fail: it keeps what it is told instead.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Log(...any)       {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprint(args...))
}
func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }

func (r *recorder) end() string {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
	return strings.Join(r.errors, "; ")
}

// failing is an actor that panics, or hangs on gate.
func failing(gate chan struct{}, core bool) kit.Spec {
	return kit.Def[int]{Core: core, Step: func(n int, _ kit.In) (int, []kit.Effect) {
		if gate == nil {
			panic("on purpose")
		}
		<-gate
		return n, nil
	}}.Spec()
}

func TestNewFailsATestForWhatItMustNotDo(t *testing.T) {
	stray := func(sys *kit.System) { sys.Tell(kit.Named("nobody"), 1) }
	panics := func(core bool) func(*kit.System) {
		return func(sys *kit.System) {
			addr, _ := sys.Start("failing", failing(nil, core))
			sys.Tell(addr, 1)
		}
	}
	for _, c := range []struct {
		name  string
		do    func(*kit.System)
		allow []Allowance
		want  string
	}{
		{"nothing happens", func(*kit.System) {}, nil, ""},
		{"a tell finds nobody", stray, nil, `a tell of int found nobody at "nobody"`},
		{"a tell finds nobody, as the test wants", stray, []Allowance{AllowStray}, ""},
		{"an actor panics", panics(false), nil, "actor failing panicked: on purpose"},
		{"a core actor panics", panics(true), nil, "actor failing panicked: on purpose; core actor failing panicked: on purpose"},
		{"a core actor panics, as the test wants", panics(true), []Allowance{AllowPanic}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{TB: t}
				sys := New(r, c.allow...)
				c.do(sys)
				synctest.Wait()
				if got := r.end(); got != c.want {
					t.Fatalf("the test failed with %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestNewNamesAnActorThatDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, gate := &recorder{TB: t}, make(chan struct{})
		sys := New(r)
		addr, _ := sys.Start("hung", failing(gate, false))
		sys.Tell(addr, 1)
		synctest.Wait()
		if got := r.end(); !strings.HasPrefix(got, "actor hung did not stop within 10s: it works on int for 10") {
			t.Fatalf("the test failed with %q", got)
		}
		close(gate)
	})
}

func TestWhatIsToldWhileATestEndsIsNobodysFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, gate := &recorder{TB: t}, make(chan struct{})
		sys := New(r)
		other := NewProbe(r, sys, "other")
		slow, _ := sys.Start("slow", kit.Def[int]{Step: func(n int, _ kit.In) (int, []kit.Effect) {
			<-gate
			return n, []kit.Effect{kit.Tell{To: other.Addr(), Msg: "after the other's end"}}
		}}.Spec())
		sys.Tell(slow, 1)
		synctest.Wait()
		time.AfterFunc(time.Second, func() { close(gate) })
		if got := r.end(); got != "" || sys.Stray() != 1 {
			t.Fatalf("%d strays, and the test failed with %q", sys.Stray(), got)
		}
	})
}

func TestAProbeRecordsInOrderWhatItIsTold(t *testing.T) {
	sys := New(t)
	p := NewProbe(t, sys, "probe")
	for i := range 100 {
		sys.Tell(p.Addr(), i)
	}
	Wait(p, func(n int) bool { return n == 99 })
	for i, msg := range p.Messages() {
		if msg != i {
			t.Fatalf("message %d is %v", i, msg)
		}
	}
}

func TestAProbeWaitsForWhatIsStillToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewProbe(t, New(t), "probe")
		p.Perform(kit.After{Delay: Patience - 1, Msg: "late"}, kit.After{Delay: 1, Msg: 1})
		if got := Wait[string](p); got != "late" {
			t.Fatalf("waited for %q", got)
		}
	})
}

func TestAProbeThatWaitsInVainFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		p := NewProbe(r, New(t), "probe")
		p.Perform(kit.Tell{To: p.Addr(), Msg: "something else"})
		began := time.Now()
		done := make(chan struct{})
		go func() { defer close(done); Wait[int](p) }()
		<-done
		if got := r.end(); !strings.Contains(got, "in vain") || !strings.Contains(got, "something else") || time.Since(began) != Patience {
			t.Fatalf("after %v the test failed with %q", time.Since(began), got)
		}
	})
}

func TestAProbeForgetsAndWaitsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewProbe(t, New(t), "probe")
		p.Perform(kit.Tell{To: p.Addr(), Msg: "before"}, kit.Tell{To: p.Addr(), Msg: "before too"})
		Wait(p, func(s string) bool { return s == "before too" })
		p.Forget()
		p.Perform(kit.After{Delay: 1, Msg: "after"})
		if got := Wait[string](p); got != "after" {
			t.Fatalf("waited for %q", got)
		}
	})
}

func TestAProbeAnswersByItsFunctionAndLeavesOtherQuestionsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := New(t)
		p, asker := NewProbe(t, sys, "probe"), NewProbe(t, sys, "asker")
		p.Answering(func(msg any) any {
			if msg == "open" {
				return nil
			}
			return "answer"
		})
		asker.Perform(
			kit.Ask{To: p.Addr(), Msg: "question", Within: time.Hour, Tag: 1},
			kit.Ask{To: p.Addr(), Msg: "open", Within: time.Hour, Tag: 2},
		)
		open := p.WaitIn(func(msg any) bool { return msg == "open" })
		p.Perform(kit.Answer{To: open.From, Msg: "in the end"})
		synctest.Wait()
		want := []any{kit.Answered{Tag: 1, Msg: "answer"}, kit.Answered{Tag: 2, Msg: "in the end"}}
		if diff := Diff(want, asker.Messages()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAProbeIsTheParentOfItsChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := New(t)
		p, other := NewProbe(t, sys, "probe"), NewProbe(t, sys, "other")
		child := p.Child("child", other.Spec())
		sys.Tell(child, "to the child")
		Wait[string](other)
		p.Perform(kit.Stop{Child: child})
		if got := Wait[kit.Ended](p); got.Child != child || child.String() != "probe/child" {
			t.Fatalf("ended: %v", got)
		}
	})
}
