package kit_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

// world runs f in a bubble of virtual time with a system and a probe called "probe".
func world(t *testing.T, f func(t *testing.T, sys *kit.System, p *kittest.Probe), allow ...kittest.Allowance) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sys := kittest.New(t, allow...)
		f(t, sys, kittest.NewProbe(t, sys, "probe"))
	})
}

// plain is an actor of a bare function without a state.
func plain(step func(in kit.In) []kit.Effect) kit.Spec {
	return kit.Def[struct{}]{
		Kind: "plain",
		Step: func(s struct{}, in kit.In) (struct{}, []kit.Effect) { return s, step(in) },
	}.Spec()
}

func start(t *testing.T, sys *kit.System, name string, what kit.Spec) kit.Addr {
	t.Helper()
	addr, err := sys.Start(name, what)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func wantMessages(t *testing.T, p *kittest.Probe, want ...any) {
	t.Helper()
	if diff := kittest.Diff(want, p.Messages()); diff != "" {
		t.Errorf("what the probe was told (-want +got):\n%s", diff)
	}
}

// deaf never answers; polite answers with what it was asked; both as actors.
var (
	deaf   = plain(func(kit.In) []kit.Effect { return nil })
	polite = plain(func(in kit.In) []kit.Effect { return []kit.Effect{kit.Answer{To: in.From, Msg: in.Msg}} })
)

func TestEveryQuestionHasExactlyOneAnswered(t *testing.T) {
	twice := plain(func(in kit.In) []kit.Effect {
		return []kit.Effect{kit.Answer{To: in.From, Msg: "first"}, kit.Answer{To: in.From, Msg: "second"}}
	})
	panics := plain(func(kit.In) []kit.Effect { panic("on purpose") })
	answersLate := plain(func(in kit.In) []kit.Effect {
		if r, ok := in.Msg.(kit.Return); ok {
			return []kit.Effect{kit.Answer{To: r, Msg: "too late"}}
		}
		return []kit.Effect{kit.After{Delay: 2 * time.Second, Msg: in.From}}
	})
	wrapsGone := errors.Join(kit.ErrGone)
	quotesGone := plain(func(in kit.In) []kit.Effect { return []kit.Effect{kit.Answer{To: in.From, Msg: wrapsGone}} })
	for _, c := range []struct {
		name  string
		other kit.Spec
		want  kit.Answered
	}{
		{"an answer comes with the tag of its question", polite, kit.Answered{Tag: 7, Msg: "question"}},
		{"a second answer is dropped", twice, kit.Answered{Tag: 7, Msg: "first"}},
		{"no answer is ErrLate", deaf, kit.Answered{Tag: 7, Err: kit.ErrLate}},
		{"an answer after the deadline is dropped", answersLate, kit.Answered{Tag: 7, Err: kit.ErrLate}},
		{"a panic while answering is ErrGone", panics, kit.Answered{Tag: 7, Err: kit.ErrGone}},
		{"an actor's own error is an answer", quotesGone, kit.Answered{Tag: 7, Msg: wrapsGone}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
				to := start(t, sys, "other", c.other)
				p.Perform(kit.Ask{To: to, Msg: "question", Within: time.Second, Tag: 7})
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := p.Messages(); len(got) != 1 || kittest.Diff(c.want, got[0]) != "" {
					t.Fatalf("the asker was told %#v, want exactly %#v", got, c.want)
				}
			}, kittest.AllowPanic)
		})
	}
}

func TestAQuestionToNobodyIsErrGoneAtOnce(t *testing.T) {
	world(t, func(t *testing.T, _ *kit.System, p *kittest.Probe) {
		asked := time.Now()
		p.Perform(kit.Ask{To: kit.Named("nobody"), Within: time.Hour, Tag: 1}, kit.Ask{Within: time.Hour, Tag: 2})
		synctest.Wait()
		wantMessages(t, p, kit.Answered{Tag: 1, Err: kit.ErrGone}, kit.Answered{Tag: 2, Err: kit.ErrGone})
		if waited := time.Since(asked); waited != 0 {
			t.Errorf("it took %v", waited)
		}
	})
}

func TestQuestionsThatWaitWhenTheirReceiverStopsAreErrGone(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		gate := make(chan struct{})
		to := start(t, sys, "busy", plain(func(kit.In) []kit.Effect { <-gate; return nil }))
		sys.Tell(to, "keeps it busy")
		synctest.Wait()
		p.Perform(kit.Ask{To: to, Within: time.Hour, Tag: 1}, kit.Ask{To: to, Within: time.Hour, Tag: 2})
		sys.Stop(to)
		close(gate)
		synctest.Wait()
		wantMessages(t, p, kit.Answered{Tag: 1, Err: kit.ErrGone}, kit.Answered{Tag: 2, Err: kit.ErrGone})
	})
}

func TestTheDeadlineOfAQuestionIsExact(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		asked := time.Now()
		p.Perform(kit.Ask{To: start(t, sys, "deaf", deaf), Within: 90 * time.Second})
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := p.Ins(); len(got) != 1 || got[0].Now.Sub(asked) != 90*time.Second {
			t.Fatalf("the asker was told %v, want one ErrLate after 1m30s", got)
		}
	})
}

func TestAnOldReturnNeverAnswersANewQuestion(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		other := kittest.NewProbe(t, sys, "other")
		p.Perform(kit.Ask{To: other.Addr(), Msg: "old", Within: time.Second, Tag: "old"})
		old := other.WaitIn(func(msg any) bool { return msg == "old" }).From
		kittest.Wait[kit.Answered](p)
		p.Perform(kit.Ask{To: other.Addr(), Msg: "new", Within: time.Second, Tag: "new"})
		fresh := other.WaitIn(func(msg any) bool { return msg == "new" }).From
		other.Perform(kit.Answer{To: old, Msg: "stale"}, kit.Answer{To: fresh, Msg: "fresh"}, kit.Answer{To: fresh, Msg: "again"})
		synctest.Wait()
		wantMessages(t, p, kit.Answered{Tag: "old", Err: kit.ErrLate}, kit.Answered{Tag: "new", Msg: "fresh"})
	})
}

func TestAnAnswerToAnEarlierLifeOfANameIsDropped(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		first := kittest.NewProbe(t, sys, "name")
		first.Perform(kit.Ask{To: p.Addr(), Msg: "old", Within: time.Hour})
		old := p.WaitIn(func(msg any) bool { return msg == "old" }).From
		sys.Stop(first.Addr())
		synctest.Wait()
		second := kittest.NewProbe(t, sys, "name")
		second.Perform(kit.Ask{To: p.Addr(), Msg: "new", Within: time.Hour})
		p.Perform(kit.Answer{To: old, Msg: "stale"})
		synctest.Wait()
		wantMessages(t, second)
	})
}

func TestTellsAndAnswersOfOneSenderKeepTheirOrder(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		to := start(t, sys, "other", plain(func(in kit.In) []kit.Effect {
			return []kit.Effect{
				kit.Tell{To: p.Addr(), Msg: 1}, kit.Answer{To: in.From, Msg: 2}, kit.Tell{To: p.Addr(), Msg: 3},
			}
		}))
		p.Perform(kit.Ask{To: to, Within: time.Second})
		synctest.Wait()
		wantMessages(t, p, 1, kit.Answered{Msg: 2}, 3)
	})
}

func TestAnsweringNobodyDoesNothing(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		p.Perform(kit.Answer{Msg: "to nobody"})
		synctest.Wait()
		if got := sys.Stray(); got != 0 {
			t.Fatalf("%d strays, want none", got)
		}
	})
}

func TestAskFromOutside(t *testing.T) {
	for _, c := range []struct {
		name  string
		other kit.Spec
		want  any
		err   error
	}{
		{"the answer is returned", polite, "question", nil},
		{"the context ends the wait", deaf, nil, context.DeadlineExceeded},
		{"a panic is ErrGone", plain(func(kit.In) []kit.Effect { panic("on purpose") }), nil, kit.ErrGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				got, err := sys.Ask(ctx, start(t, sys, "other", c.other), "question")
				if got != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
					t.Fatalf("got %v, %v; want %v, %v", got, err, c.want, c.err)
				}
			}, kittest.AllowPanic)
		})
	}
}

func TestTryAskNeverWaitsLongerThanItSays(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		if got, err := sys.TryAsk(start(t, sys, "polite", polite), "hello", 1, time.Second); got != "hello" || err != nil {
			t.Errorf("polite: %v, %v", got, err)
		}
		if _, err := sys.TryAsk(kit.Named("nobody"), "hello", 1, time.Second); !errors.Is(err, kit.ErrGone) {
			t.Errorf("nobody: %v, want ErrGone", err)
		}
		asked := time.Now()
		if _, err := sys.TryAsk(p.Addr(), "hello", 1, time.Second); !errors.Is(err, kit.ErrLate) || time.Since(asked) != time.Second {
			t.Errorf("deaf: %v after %v, want ErrLate after 1s", err, time.Since(asked))
		}
		p.Perform(kit.Answer{To: p.Ins()[0].From, Msg: "falls into a slot that nobody looks at"})
	})
}

func TestTryAskRefusesWhenTheReceiverIsBehind(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		gate := make(chan struct{})
		to := start(t, sys, "busy", plain(func(kit.In) []kit.Effect { <-gate; return nil }))
		for range 3 { // one in hand, two that wait
			sys.Tell(to, "work")
			synctest.Wait()
		}
		if _, err := sys.TryAsk(to, "question", 2, time.Second); !errors.Is(err, kit.ErrFull) {
			t.Errorf("at the bound: %v, want ErrFull", err)
		}
		if _, err := sys.TryAsk(to, "question", 3, time.Second); !errors.Is(err, kit.ErrLate) {
			t.Errorf("below the bound: %v, want to wait in vain", err)
		}
		close(gate)
	})
}

func TestABatchIsTakenWholeAndInOrderAndEachAnswered(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		gate := make(chan struct{})
		var turns [][]any
		to := start(t, sys, "journal", kit.Batch("journal", true, nil, func(c *kit.Context, ins []kit.In) {
			<-gate
			var turn []any
			for _, in := range ins {
				turn = append(turn, in.Msg)
				c.Do(kit.Answer{To: in.From, Msg: in.Msg})
			}
			turns = append(turns, turn)
		}))
		var want []any
		for i := range 5 {
			p.Perform(kit.Ask{To: to, Msg: i, Within: time.Second, Tag: i})
			want = append(want, kit.Answered{Tag: i, Msg: i})
			synctest.Wait()
		}
		close(gate)
		synctest.Wait()
		wantMessages(t, p, want...)
		if len(turns) != 2 || !slices.Equal(turns[1], []any{1, 2, 3, 4}) {
			t.Fatalf("turns %v, want [0] and the rest", turns)
		}
	})
}

func TestAPanicInABatchIsErrGoneForAllThatWereNotAnswered(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		gate := make(chan struct{})
		to := start(t, sys, "journal", kit.Batch("journal", false, nil, func(c *kit.Context, ins []kit.In) {
			<-gate
			c.Do(kit.Answer{To: ins[0].From, Msg: "in time"})
			if len(ins) > 1 {
				panic("on purpose")
			}
		}))
		for i := range 4 {
			p.Perform(kit.Ask{To: to, Within: time.Second, Tag: i})
			synctest.Wait()
		}
		close(gate)
		synctest.Wait()
		wantMessages(t, p,
			kit.Answered{Tag: 0, Msg: "in time"}, kit.Answered{Tag: 1, Msg: "in time"},
			kit.Answered{Tag: 2, Err: kit.ErrGone}, kit.Answered{Tag: 3, Err: kit.ErrGone})
	}, kittest.AllowPanic)
}

func BenchmarkTryAsk(b *testing.B) {
	sys := kit.New(kit.Options{Log: zerolog.Nop()})
	to, err := sys.Start("polite", polite)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sys.TryAsk(to, 1, 100, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}
