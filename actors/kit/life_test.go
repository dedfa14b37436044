package kit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

func TestEndedComesOnceAndAfterAllThatTheChildTold(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		const told = 100
		child := p.Child("run.7", plain(func(in kit.In) []kit.Effect {
			return []kit.Effect{kit.Tell{To: p.Addr(), Msg: in.Msg}}
		}))
		for i := range told {
			sys.Tell(child, i)
		}
		synctest.Wait()
		sys.Stop(child)
		sys.Stop(child)
		synctest.Wait()
		sys.Stop(child)
		synctest.Wait()
		got := p.Messages()
		if len(got) != told+1 || got[told] != (kit.Ended{Child: child}) {
			t.Fatalf("%d messages, the last %#v; want %d and one Ended without a cause", len(got), got[len(got)-1], told)
		}
		if sys.Alive(child) {
			t.Error("the child is still in the table")
		}
	})
}

func TestAPanicEndsTheActorAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name  string
		panic func()
		cause string
	}{
		{"a panic's text is the cause", func() { panic("on purpose") }, "on purpose"},
		{"an error's text is the cause", func() { panic(errors.New("an error")) }, "an error"},
		{"a panic without a text still has a cause", func() { panic("") }, "panic without a text"},
		{"an end of the goroutine is a panic too", runtime.Goexit, "the goroutine ended inside a turn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
				gate := make(chan struct{})
				child := p.Child("child", plain(func(kit.In) []kit.Effect { <-gate; c.panic(); return nil }))
				p.Perform(
					kit.Ask{To: child, Msg: "the failing one", Within: time.Hour, Tag: 1},
					kit.Ask{To: child, Msg: "one that waits", Within: time.Hour, Tag: 2},
				)
				close(gate)
				synctest.Wait()
				wantMessages(t, p, kit.Answered{Tag: 1, Err: kit.ErrGone}, kit.Answered{Tag: 2, Err: kit.ErrGone},
					kit.Ended{Child: child, Cause: c.cause})
				if !sys.Alive(p.Addr()) {
					t.Error("the parent ended too")
				}
			}, kittest.AllowPanic)
		})
	}
}

func TestAnEffectThatNobodyPerformsIsABug(t *testing.T) {
	for _, c := range []struct {
		name   string
		effect kit.Effect
		cause  string
	}{
		{"a private effect without Perform", private{}, "no arm for effect kit_test.private"},
		{"Spawn without Make", kit.Spawn{Name: "x", What: 1}, "no Make for Spawn of int"},
		{"Do without Work", kit.Do{Job: 1}, "no Work for Do of int"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
				child := p.Child("child", plain(func(kit.In) []kit.Effect { return []kit.Effect{c.effect} }))
				sys.Tell(child, "go")
				if got := kittest.Wait[kit.Ended](p).Cause; got != c.cause {
					t.Fatalf("cause %q, want %q", got, c.cause)
				}
			}, kittest.AllowPanic)
		})
	}
}

type private struct{}

func (private) IsEffect() {}

func TestPrivateEffectsArePerformedOnTheActorsTurn(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		addr := start(t, sys, "one", kit.Def[int]{
			Step:    func(n int, _ kit.In) (int, []kit.Effect) { return n + 1, []kit.Effect{private{}} },
			Perform: func(c *kit.Context, _ kit.Effect) { c.Do(kit.Tell{To: p.Addr(), Msg: c.Self()}) },
		}.Spec())
		sys.Tell(addr, "go")
		synctest.Wait()
		wantMessages(t, p, addr)
	})
}

// TestAPanicInACoreActorEndsTheProcess runs itself as a process of its own, for no smaller thing may recover that panic.
func TestAPanicInACoreActorEndsTheProcess(t *testing.T) {
	if os.Getenv("KIT_TEST_CORE_PANIC") != "" {
		sys := kit.New(kit.Options{Log: zerolog.Nop()})
		addr := start(t, sys, "registry", kit.Def[int]{Core: true, Step: func(int, kit.In) (int, []kit.Effect) { panic("on purpose") }}.Spec())
		sys.Tell(addr, "go")
		<-t.Context().Done()
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	self := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=30s")
	self.Env = append(os.Environ(), "KIT_TEST_CORE_PANIC=1")
	out, err := self.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(out), "registry: on purpose") {
		t.Fatalf("the process ended with %v and said:\n%s", err, out)
	}
	if strings.Contains(string(out), "test timed out") {
		t.Fatal("the panic did not end the process; the time limit did")
	}
}

func TestAPanicInACoreActorIsToldToBugAndFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan string, 2)
		tell := func(who kit.Addr, cause string) { told <- who.String() + ": " + cause }
		sys := kit.New(kit.Options{Log: zerolog.Nop(), Fatal: tell, Bug: tell})
		addr := start(t, sys, "registry", kit.Def[int]{Core: true, Step: func(int, kit.In) (int, []kit.Effect) { panic("on purpose") }}.Spec())
		sys.Tell(addr, "go")
		for _, who := range []string{"Bug", "Fatal"} {
			if got := <-told; got != "registry: on purpose" {
				t.Fatalf("%s was told %q", who, got)
			}
		}
		synctest.Wait()
		if sys.Alive(addr) {
			t.Error("a Fatal that returns must leave no broken actor behind")
		}
	})
}

func TestAStopEndsAllBelow(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		below := kittest.NewProbe(t, sys, "apart")
		child := p.Child("a", below.Spec())
		p.Perform(kit.Spawn{As: kit.Named("named"), What: deaf})
		p.Perform(kit.Stop{Child: kit.Named("nobody")})
		synctest.Wait()
		if !sys.Alive(kit.Named("named")) || !sys.Alive(child) {
			t.Fatal("both children should live")
		}
		sys.Stop(p.Addr())
		synctest.Wait()
		for _, row := range sys.Table() {
			if row.Addr != below.Addr() {
				t.Errorf("%s outlived its parent", row.Addr)
			}
		}
	})
}

func TestAHungChildDoesNotHoldUpItsParentsEnd(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		gate := make(chan struct{})
		child := p.Child("hung", plain(func(kit.In) []kit.Effect { <-gate; return nil }))
		sys.Tell(child, "hang")
		synctest.Wait()
		sys.Stop(p.Addr())
		synctest.Wait()
		if sys.Alive(p.Addr()) || !sys.Alive(child) {
			t.Error("the parent should be gone and the hung child in the table")
		}
		close(gate)
		synctest.Wait()
		if sys.Alive(child) {
			t.Error("the child should end with its turn")
		}
	})
}

func TestAPanickingParentTakesItsChildrenAlong(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		parent := start(t, sys, "parent", kit.Def[int]{
			Step: func(n int, in kit.In) (int, []kit.Effect) {
				if in.Msg == "panic" {
					panic("on purpose")
				}
				return n, []kit.Effect{kit.Spawn{Name: in.Msg.(string)}}
			},
			Make: func(any) kit.Spec { return deaf },
		}.Spec())
		sys.Tell(parent, "one")
		sys.Tell(parent, "two")
		synctest.Wait()
		if got := len(sys.Table()); got != 4 {
			t.Fatalf("%d actors before the panic, want the probe, the parent and two children", got)
		}
		sys.Tell(parent, "panic")
		synctest.Wait()
		if got := sys.Table(); len(got) != 1 {
			t.Fatalf("after the panic there are %v, want the probe alone", got)
		}
	}, kittest.AllowPanic)
}

func TestTheFirstMessageIsGivenBeforeAllOthers(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		for i := range 50 {
			name := fmt.Sprint("eager.", i)
			stop := make(chan struct{})
			go func() { // somebody who knows the name and writes to it while it is being spawned
				defer close(stop)
				for !sys.Alive(kit.Named(name)) {
					runtime.Gosched()
				}
				sys.Tell(kit.Named(name), "eager")
			}()
			start(t, sys, name, kit.Def[[]any]{
				First: "first",
				Step: func(got []any, in kit.In) ([]any, []kit.Effect) {
					return append(got, in.Msg), []kit.Effect{kit.Tell{To: p.Addr(), Msg: in.Msg}}
				},
			}.Spec())
			<-stop
			synctest.Wait()
			wantMessages(t, p, "first", "eager")
			p.Forget()
		}
	})
}

func TestAChildMayBeStoppedBeforeItsLifeBegins(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		for i := range 50 {
			child := kit.Named(fmt.Sprint("short.", i))
			p.Perform(kit.Spawn{As: child, What: kit.Def[int]{
				First: "first",
				Step:  func(n int, _ kit.In) (int, []kit.Effect) { return n, nil },
			}.Spec()}, kit.Stop{Child: child})
			synctest.Wait()
			wantMessages(t, p, kit.Ended{Child: child})
			p.Forget()
		}
		if sys.Stray() != 0 {
			t.Error("the first message of a life that never began was counted as a stray")
		}
	})
}

func TestANameInUseIsRefused(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		if _, err := sys.Start("probe", deaf); err == nil || !strings.Contains(err.Error(), "spawn probe: the name is in use") {
			t.Errorf("a name in use: %v", err)
		}
		if _, err := sys.Start("", deaf); err == nil {
			t.Error("an actor without a name was started")
		}
		child := p.Child("twice", deaf)
		parent := start(t, sys, "other", kit.Def[int]{
			Step: func(n int, _ kit.In) (int, []kit.Effect) { return n, []kit.Effect{kit.Spawn{As: child}} },
			Make: func(any) kit.Spec { return deaf },
		}.Spec())
		sys.Tell(parent, "go")
		synctest.Wait()
		if sys.Alive(parent) || !sys.Alive(child) {
			t.Error("a name used twice is a bug of the one that spawns, and of nobody else")
		}
	}, kittest.AllowPanic)
}

func TestADefinitionThatPanicsLeavesNothingBehind(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		defer func() {
			if recover() == nil {
				t.Error("the panic should reach who starts")
			}
			if sys.Alive(kit.Named("broken")) {
				t.Error("the name stays taken")
			}
		}()
		_, _ = sys.Start("broken", kit.Def[int]{Phase: func(int) string { panic("on purpose") }}.Spec())
	})
}

func TestALateTellIsCountedAndNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var strays []string
		sys := kit.New(kit.Options{Log: zerolog.Nop(), Stray: func(to kit.Addr, msg any) { strays = append(strays, fmt.Sprint(to, " ", msg)) }})
		gate := make(chan struct{})
		addr := start(t, sys, "busy", plain(func(kit.In) []kit.Effect { <-gate; return nil }))
		sys.Tell(addr, "in hand")
		synctest.Wait()
		sys.Tell(addr, "waits")
		sys.Stop(addr)
		close(gate)
		synctest.Wait()
		sys.Tell(addr, "too late")
		if want := "[busy waits busy too late]"; sys.Stray() != 2 || fmt.Sprint(strays) != want {
			t.Fatalf("%d strays: %v, want %s", sys.Stray(), strays, want)
		}
	})
}

// TestLaw9_NamesOfThePastCostNothing: actors come and go for as long as the process lives, each under a name of its own.
func TestLaw9_NamesOfThePastCostNothing(t *testing.T) {
	const names, most = 20_000, 1 << 20
	sys := kittest.New(t)
	come := func(from, to int) {
		for i := from; i < to; i++ {
			addr, err := sys.Start(fmt.Sprintf("run.%d", i), plain(func(kit.In) []kit.Effect { return nil }))
			if err != nil {
				t.Fatal(err)
			}
			sys.Stop(addr)
		}
		if !kittest.Eventually(func() bool { return len(sys.Table()) == 0 }) {
			t.Fatalf("%d actors do not end", len(sys.Table()))
		}
	}
	come(0, 1000)
	before := heap()
	come(1000, names)
	if !kittest.Eventually(func() bool { return heap() < before+most }) {
		t.Errorf("%d actors that are gone left %d KiB", names, (heap()-before)>>10)
	}
}

// heap is how many bytes are in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
