package supervisor

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
)

// asksFor lets all that is owed happen until a question of that type is open, which nobody answers, and returns it.
func asksFor[M any](w *world) kit.Ask {
	w.t.Helper()
	for range 100 {
		if _, is := w.last.Msg.(M); is {
			w.open = w.open[:len(w.open)-1]
			return w.last
		}
		if !w.pay() {
			break
		}
	}
	var none M
	w.t.Fatalf("%T is never asked", none)
	return kit.Ask{}
}

func TestAnAnswerThatIsNoneIsAFailure(t *testing.T) {
	for _, c := range []struct {
		name   string
		ask    func(*world) kit.Ask
		fault  any // how whoever is asked says that it cannot
		failed func(account) (fails int, cause string)
	}{
		{
			"to a take", func(w *world) kit.Ask { w.running(); w.accept(home); return asksFor[journal.Take](w) },
			journal.Taken{Err: errWeird},
			func(a account) (int, string) { return a.in.fails, a.in.cause },
		},
		{
			"to a lease for interpreting", func(w *world) kit.Ask { w.running(); w.accept(home); w.pay(); return asksFor[registry.Lease](w) },
			registry.Leased{Err: errWeird},
			func(a account) (int, string) { return a.in.fails, a.in.cause },
		},
		{
			"to a commit of requests", func(w *world) kit.Ask {
				w.running()
				w.accept(home)
				w.pay()
				w.pay()
				return asksFor[journal.Commit](w)
			},
			journal.Committed{Err: errWeird},
			func(a account) (int, string) { return a.in.fails, a.in.cause },
		},
		{
			"to the reading of the account's state", func(w *world) kit.Ask { w.apply(account0(home, "a")); return asksFor[journal.GetState](w) },
			journal.Values{Err: errWeird},
			func(a account) (int, string) { return a.memory.fails, a.cause },
		},
		{
			"to the keeping of numbers", func(w *world) kit.Ask { w.apply(account0(home, "a")); return asksFor[journal.Commit](w) },
			journal.Committed{Err: errWeird},
			func(a account) (int, string) { return a.memory.fails, a.cause },
		},
		{
			"to a lease for a run", func(w *world) kit.Ask { w.apply(account0(home, "a")); return asksFor[registry.Lease](w) },
			registry.Leased{Err: errWeird},
			func(a account) (int, string) { return a.fails, a.cause },
		},
	} {
		for why, answer := range map[string]kit.Answered{"it is late": {Err: kit.ErrLate}, "it says no": {Msg: c.fault}, "it is something else": {Msg: 7}} {
			t.Run(c.name+", "+why, func(t *testing.T) {
				w := newWorld(t, nil)
				answer.Tag = c.ask(w).Tag
				w.give(answer)
				want := map[string]string{"it is late": kit.ErrLate.Error(), "it says no": errWeird.Error(), "it is something else": "answered with int"}[why]
				if fails, cause := c.failed(w.row(home)); fails != 1 || !strings.Contains(cause, want) {
					t.Errorf("%d failures with cause %q, want one with %q", fails, cause, want)
				}
			})
		}
	}
}

func TestWhatCarriesNoTagOfAnAccountFitsNothing(t *testing.T) {
	w := running(t)
	for _, msg := range []any{kit.Answered{Tag: "what"}, kit.Done{Tag: "what"}, kit.Done{Tag: taking{w.row(home).ref, 1}}} {
		if effects := w.give(msg); len(effects) != 1 || len(summary(effects)) != 1 || !strings.HasPrefix(summary(effects)[0], "unknown") {
			t.Errorf("%#v leads to %q", msg, summary(effects))
		}
	}
}

func TestALeaseThatIsNotGivenIsAskedForAgainInTheNameOfTheSameRun(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"))
	ask := asksFor[registry.Lease](w)
	w.give(kit.Answered{Tag: ask.Tag, Msg: registry.Leased{Err: errWeird}})
	w.fire(pauseOver{}, firstPause)
	if again := asksFor[registry.Lease](w); again.Msg != ask.Msg || again.Tag == ask.Tag {
		t.Errorf("asked %+v, then %+v", ask, again)
	}
}

func TestWhatTheCurrentRunReportsProvesNoCandidate(t *testing.T) {
	w, q := proves(t)
	w.give(run.Reported{Account: home, Run: 1, Condition: channels.Condition{Link: channels.Connected}})
	if w.asked[q] != 0 || w.row(home).cand.proven {
		t.Error("the candidate is taken for proven")
	}
}

func TestWhoPreparesHearsOfAStop(t *testing.T) {
	w, q := proves(t)
	w.ask(Order{Account: home, Do: "stop"})
	if got := w.faults(q)[home]; !strings.Contains(got, "stopped meanwhile") {
		t.Errorf("the fault is %q", got)
	}
}

func TestARunThatIsRefusedWhileItsAccountIsStoppedLeavesItStopped(t *testing.T) {
	w := running(t)
	w.give(run.Over{Account: home, Run: 1, Err: "401", Refusal: true})
	w.ask(Order{Account: home, Do: "stop"})
	w.give(kit.Ended{Child: places.Self.Child("home/run.1")})
	w.quiet()
	if got := w.row(home); got.phase != Off || got.cause != "it was stopped by hand" {
		t.Errorf("%s: %q", got.phase, got.cause)
	}
}

func TestAnOrderIsAnsweredForThoseThatItNames(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"), account0(work0, "a"))
	w.quiet()
	first, second := w.ask(Order{Account: home, Do: "restart"}), w.ask(Order{Account: work0, Do: "restart"})
	w.quiet()
	for q, id := range map[kit.Return]channels.Account{first: home, second: work0} {
		if got := w.verdicts(q); len(got) != 1 || got[id].Result != "applied" {
			t.Errorf("the order for %s: %+v", id, got)
		}
	}
	if v := w.verdicts(w.ask(Order{Account: home, Do: "dance"}))[home]; v.Result != "failed" || !strings.Contains(v.Reason, `"dance" is no order`) {
		t.Errorf("an order that is none: %+v", v)
	}
}

func TestAccountsKeepWhatIsWantedThroughABug(t *testing.T) {
	w := running(t)
	w.alter(home, func(a *account) { a.in.queue, a.in.borrowing = []job{{}}, 77 }) // a job without a request is a bug
	w.give(kit.Answered{Tag: borrowing{w.row(home).ref, 77}, Msg: registry.Leased{Lease: 99}})
	if got := w.row(home); got.phase != Failed {
		t.Fatalf("%s, want it failed", got.phase)
	}
	w.ask(Order{Account: home, Do: "restart"})
	w.quiet()
	if got := w.row(home); got.phase != Running || got.want.Digest != "a" {
		t.Errorf("%s with settings %q after a restart by hand", got.phase, got.want.Digest)
	}
}

func TestAStopThatIsNotWrittenDownYetIsTheCauseAllTheSame(t *testing.T) {
	w := running(t)
	w.ask(Order{Account: home, Do: "stop"})
	w.quiet()
	w.late = func(msg any) bool { _, is := msg.(journal.Commit); return is }
	w.ask(Order{Account: home, Do: "stop"}) // once more
	w.quiet()
	if got := w.row(home); got.memory.fails != 1 || got.cause != "it was stopped by hand" {
		t.Errorf("%d failures, %q", got.memory.fails, got.cause)
	}
}

func TestOnlyWhatChangesIsWrittenDown(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"))
	commit := asksFor[journal.Commit](w).Msg.(journal.Commit)
	if len(commit.Ops) != 1 || commit.Ops[0].(journal.SetState).Name != runState {
		t.Errorf("numbers are kept by %+v", commit.Ops)
	}
}

func TestTheLinesOfAStart(t *testing.T) {
	w := newWorld(t, nil)
	w.apply(account0(home, "a"))
	var got []kit.Note
	for w.pay() {
		got = append(got, kittest.All[kit.Note](w.effects)...)
	}
	got = append(got, kittest.All[kit.Note](w.give(run.Over{Account: home, Run: 1, Err: "reset"}))...)
	line := func(level zerolog.Level, fields ...any) kit.Note {
		return kit.Note{Level: level, Text: "account", Fields: fields}
	}
	want := []kit.Note{
		line(zerolog.InfoLevel, "phase", "running", "from", "leasing", "account", "double:home", "run", uint64(1), "input", "leasing"),
		line(zerolog.DebugLevel, "phase", "draining", "from", "running", "account", "double:home", "run", uint64(1), "input", "Over", "cause", "reset"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestTheStatusOfAnAccount(t *testing.T) {
	t.Run("has the time of the next try only while it pauses", func(t *testing.T) {
		w := running(t)
		w.fails(home, "reset")
		w.quiet()
		if got := w.row(home).status(); !got.NextTry.Equal(w.now.Add(firstPause)) {
			t.Errorf("next try at %s", got.NextTry)
		}
		w.fire(pauseOver{}, firstPause).quiet()
		if got := w.row(home).status(); !got.NextTry.IsZero() {
			t.Errorf("it runs, and tries next at %s", got.NextTry)
		}
	})
	t.Run("has the candidate only while there is one", func(t *testing.T) {
		w, _ := proves(t)
		if got := w.row(home).status(); got.Candidate != 2 {
			t.Errorf("candidate %d", got.Candidate)
		}
		w.alter(home, func(a *account) { a.cand.life = life{number: 3} }) // no lease yet
		if got := w.row(home).status(); got.Candidate != 0 {
			t.Errorf("candidate %d, and it has not begun", got.Candidate)
		}
	})
	t.Run("has the network's server beside what the network says", func(t *testing.T) {
		w := newWorld(t, nil)
		a := account0(home, "a")
		a.Server = "http://mac.local:1234"
		w.apply(a)
		w.quiet()
		w.give(run.Reported{Account: home, Run: 1, Condition: channels.Condition{Facts: map[string]string{"k": "v"}}})
		if diff := cmp.Diff(map[string]string{"server": a.Server, "k": "v"}, w.row(home).status().Facts); diff != "" {
			t.Errorf("facts (-want +got):\n%s", diff)
		}
	})
}

func TestThePhaseOfAChannel(t *testing.T) {
	w := running(t)
	by := w.now.Add(time.Minute)
	for _, c := range []struct {
		give any
		want string
	}{{nil, "up"}, {Drain{By: by}, "resting"}, {Drain{Runs: true, By: by}, "closing"}} {
		if c.give != nil {
			w.ask(c.give)
		}
		if got := w.state.phase(); got != c.want {
			t.Errorf("%q after %T, want %q", got, c.give, c.want)
		}
	}
}
