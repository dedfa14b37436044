package plugins

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/channels"
)

var (
	me    = kit.Named("registry")
	asker = kit.Named("edge")
)

func from(n uint64) kit.Return { return kit.ReturnTo(asker, n) }

// answer is what a call gets, in one line.
func answer(c registry.Called) string {
	if c.Err != nil {
		return fmt.Sprintf("%d %s", c.Err.Code, c.Err.Message)
	}
	return string(c.Result)
}

// world is a machine with what its effects have said so far.
type world struct {
	t       *testing.T
	s       State
	effects []kit.Effect // of the last input
	answers map[kit.Return][]string
}

func newWorld(t *testing.T) *world {
	return &world{t: t, s: State{Registry: me}, answers: map[kit.Return][]string{}}
}

func (w *world) give(in kit.In) {
	w.s, w.effects = Step(w.s, in)
	for _, a := range kittest.All[kit.Answer](w.effects) {
		w.answers[a.To] = append(w.answers[a.To], answer(a.Msg.(registry.Called)))
	}
}

// call begins a call; its number is that of the asker's question.
func (w *world) call(method string) uint64 {
	n := w.s.Count + 1
	w.give(kit.In{Msg: registry.Call{Method: method, Params: []byte("{}"), Caller: "admin.1"}, From: from(n)})
	return n
}

// enter begins a call and gives it the lease of the same number.
func (w *world) enter(method string) uint64 {
	n := w.call(method)
	w.give(kit.In{Msg: kit.Answered{Tag: borrowing{n}, Msg: registry.Leased{
		Lease: registry.LeaseID(n), Method: channels.Method{Name: method, Call: func(context.Context, []byte) ([]byte, error) { return nil, nil }},
	}}})
	return n
}

func (w *world) wants(n uint64, want string) {
	w.t.Helper()
	got := w.answers[from(n)]
	if want == "" && len(got) == 0 {
		return
	}
	if len(got) != 1 || got[0] != want {
		w.t.Errorf("call %d was answered with %q, want %q", n, got, want)
	}
}

func TestACallAsksForALeaseAndEntersUnderIt(t *testing.T) {
	w := newWorld(t)
	n := w.call("bell.ring")
	ask := kittest.One[kit.Ask](t, w.effects)
	if ask.To != me || ask.Within != leaseWithin || ask.Msg != (registry.Lease{Method: "bell.ring", Holder: "call.1 bell.ring of admin.1"}) {
		t.Fatalf("asked %+v", ask)
	}
	w.give(kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: registry.Leased{Lease: 7, Method: channels.Method{Name: "bell.ring"}}}})
	do := kittest.One[kit.Do](t, w.effects)
	if j := do.Job.(job); string(j.params) != "{}" || do.Tag != (calling{n}) {
		t.Errorf("does %+v", do)
	}
	if after := kittest.One[kit.After](t, w.effects); after.Delay != callWithin+returnWithin || after.Msg != (overdue{n}) || after.For != (calling{n}) {
		t.Errorf("waits %+v", after)
	}
	if w.s.Calls[n].params != nil {
		t.Error("the params are kept")
	}
	w.wants(n, "")
	w.give(kit.In{Msg: kit.Done{Tag: do.Tag, Msg: []byte(`"ding"`)}})
	w.wants(n, `"ding"`)
	if got := kittest.Told[registry.Release](w.effects); len(got) != 1 || got[0].Lease != 7 || len(w.s.Calls) != 0 {
		t.Errorf("released %v, and %d calls are left", got, len(w.s.Calls))
	}
}

func TestOrdersAreLoggedAndReadsAreNot(t *testing.T) {
	for _, reads := range []bool{false, true} {
		w := newWorld(t)
		n := w.call("bell.ring")
		w.give(kit.In{Msg: kit.Answered{Tag: borrowing{n}, Msg: registry.Leased{Lease: 7, Method: channels.Method{Reads: reads}}}})
		if notes := kittest.All[kit.Note](w.effects); (len(notes) == 0) != reads {
			t.Errorf("a method that reads (%t) is noted as %+v", reads, notes)
		}
	}
}

func TestACallThatGetsNoLease(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer kit.Answered
		want   string
		forget bool
	}{
		{
			"the method went meanwhile",
			kit.Answered{Msg: registry.Leased{Err: registry.ErrNoMethod}},
			"-32601 unknown method: bell.ring: no plugin offers this method any more; rpc.discover lists the methods", false,
		},
		{
			"the registry is late, and may have given one",
			kit.Answered{Err: kit.ErrLate},
			"-32000 bell.ring: the registry did not answer: the gateway is stopping, or its log says why", true,
		},
		{
			"the registry is gone",
			kit.Answered{Err: kit.ErrGone},
			"-32000 bell.ring: the registry did not answer: the gateway is stopping, or its log says why", true,
		},
		{"the registry says something else", kit.Answered{Msg: 7}, "-32000 bell.ring: a bug: the registry answered with int", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			n := w.call("bell.ring")
			c.answer.Tag = borrowing{n}
			w.give(kit.In{Msg: c.answer})
			w.wants(n, c.want)
			kittest.None[kit.Do](t, w.effects)
			told := kittest.Told[registry.Forget](w.effects)
			if (len(told) == 1) != c.forget || c.forget && told[0].Holder != "call.1 bell.ring of admin.1" {
				t.Errorf("forgets %v", told)
			}
			if len(w.s.Calls) != 0 {
				t.Errorf("calls are left: %+v", w.s.Calls)
			}
		})
	}
}

func TestWhatACallReturned(t *testing.T) {
	for _, c := range []struct {
		name string
		done kit.Done
		want string
	}{
		{"a result", kit.Done{Msg: []byte(`{"a":1}`)}, `{"a":1}`},
		{"the caller's fault", kit.Done{Err: fmt.Errorf("ring: %w", channels.BadParams("times: want a number"))}, "-32602 times: want a number"},
		{"the plugin's fault", kit.Done{Err: errors.New("the bell is broken")}, "-32000 bell.ring: the bell is broken"},
		{"a panic", kit.Done{Err: fmt.Errorf("%w: index out of range", kit.ErrPanic)}, "-32000 bell.ring: a bug in plugin bell, whose stack is in the gateway's log; please report it"},
		{"its context ended", kit.Done{Err: fmt.Errorf("ring: %w", context.DeadlineExceeded)}, "-32001 bell.ring: no answer within 1m0s; it may still be carried out"},
		{"what is no JSON", kit.Done{Err: errResult}, "-32000 bell.ring: a bug in the plugin: its result is no JSON; please report it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			n := w.enter("bell.ring")
			c.done.Tag = calling{n}
			w.give(kit.In{Msg: c.done})
			w.wants(n, c.want)
			if got := kittest.Told[registry.Release](w.effects); len(got) != 1 || len(w.s.Calls) != 0 {
				t.Errorf("released %v, and %d calls are left", got, len(w.s.Calls))
			}
		})
	}
	data := newWorld(t)
	n := data.enter("bell.ring")
	data.give(kit.In{Msg: kit.Done{Tag: calling{n}, Err: &channels.CallError{Code: 7, Message: "no", Data: []byte("1")}}})
	if got := kittest.Answers[registry.Called](data.effects)[0].Err; got == nil || got.Code != 7 || string(got.Data) != "1" {
		t.Errorf("an error with data is answered as %+v", got)
	}
}

func TestLaw8_ACallThatDoesNotEndIsAnsweredForAndKeepsItsLease(t *testing.T) {
	w := newWorld(t)
	n := w.enter("bell.ring")
	w.give(kit.In{Msg: overdue{n}})
	w.wants(n, "-32001 bell.ring: no answer within 1m0s; it may still be carried out")
	if told := kittest.All[kit.Tell](w.effects); len(told) > 0 || w.s.Calls[n].phase != late {
		t.Fatalf("told %+v with the call %+v, want it late and its lease held", told, w.s.Calls[n])
	}
	if w.give(kit.In{Msg: overdue{n}}); len(w.effects) > 0 {
		t.Errorf("a second deadline did %+v", w.effects)
	}
	w.give(kit.In{Msg: kit.Done{Tag: calling{n}, Msg: []byte("1")}})
	w.wants(n, "-32001 bell.ring: no answer within 1m0s; it may still be carried out")
	if got := kittest.Told[registry.Release](w.effects); len(got) != 1 || got[0].Lease != registry.LeaseID(n) || len(w.s.Calls) != 0 {
		t.Errorf("when it returned at last %v was released, and %d calls are left", got, len(w.s.Calls))
	}
	w.give(kit.In{Msg: overdue{n}})
	if len(w.effects) > 0 {
		t.Errorf("a stale deadline did %+v", w.effects)
	}
}

func TestLaw9_TheCallsOfOnePluginAreBoundedAndTakeNothingFromAnother(t *testing.T) {
	w := newWorld(t)
	w.call("bell.stop") // waits for its lease
	for range maxCalls - 1 {
		w.enter("bell.ring")
	}
	refused := func() string {
		t.Helper()
		w.give(kit.In{Msg: registry.Call{Method: "bell.ring"}, From: from(999)})
		if len(kittest.All[kit.Ask](w.effects)) > 0 {
			t.Fatal("one call more than the bound was begun")
		}
		return answer(kittest.One[kit.Answer](t, w.effects).Msg.(registry.Called))
	}
	if got, want := refused(), "-32002 bell.ring: busy: 64 calls of plugin bell are under way; call again when one has ended"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	w.give(kit.In{Msg: overdue{2}})
	if got, want := refused(), "-32002 bell.ring: busy: 64 calls of plugin bell are under way, 1 of which do not end: see gateway plugins"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.give(kit.In{Msg: registry.Call{Method: "bells.ring"}, From: from(1000)})
	kittest.One[kit.Ask](t, w.effects)
	w.give(kit.In{Msg: kit.Done{Tag: calling{2}}})
	w.give(kit.In{Msg: registry.Call{Method: "bell.ring"}, From: from(1001)})
	kittest.One[kit.Ask](t, w.effects)
}

func TestWhatMeansNothingIsNamed(t *testing.T) {
	for _, msg := range []any{
		"hello", kit.Answered{Tag: 7}, kit.Done{Tag: 7}, kit.Answered{Tag: borrowing{7}}, kit.Done{Tag: calling{7}},
	} {
		w := newWorld(t)
		w.give(kit.In{Msg: msg})
		kittest.One[kit.Unknown](t, w.effects)
	}
}

// FuzzStep looks for a history after which a call was answered twice, one that is over was not answered or keeps its lease,
// or a state was changed that somebody else still has.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 3, 1, 0, 0, 2, 2, 0, 0, 1, 3, 4, 3, 3, 3, 4, 3})
	f.Fuzz(func(t *testing.T, history []byte) {
		var (
			w        = newWorld(t)
			asked    = map[uint64]bool{} // leases owed
			entered  = map[uint64]bool{} // code that runs
			held     = map[registry.LeaseID]bool{}
			begun, n uint64
		)
		for i := 0; i+1 < len(history); i += 2 {
			n = uint64(history[i+1])
			before, calls := fmt.Sprintf("%+v", w.s), w.s
			switch {
			case history[i]%6 == 0 && len(w.s.Calls) < maxCalls: // what is busy is refused, and begins nothing
				begun = w.call("bell.ring")
				asked[begun] = true
			case history[i]%6 == 1 && asked[n]:
				delete(asked, n)
				entered[n], held[registry.LeaseID(n)] = true, true
				w.give(kit.In{Msg: kit.Answered{Tag: borrowing{n}, Msg: registry.Leased{Lease: registry.LeaseID(n)}}})
			case history[i]%6 == 2 && asked[n]:
				delete(asked, n)
				w.give(kit.In{Msg: kit.Answered{Tag: borrowing{n}, Err: kit.ErrLate}})
			case history[i]%6 == 3 && entered[n]:
				delete(entered, n)
				w.give(kit.In{Msg: kit.Done{Tag: calling{n}}})
			case history[i]%6 == 4 && n <= begun:
				w.give(kit.In{Msg: overdue{n}})
			}
			for _, r := range kittest.Told[registry.Release](w.effects) {
				delete(held, r.Lease)
			}
			if after := fmt.Sprintf("%+v", calls); after != before {
				t.Fatalf("Step changed the state it was given from\n%s to\n%s", before, after)
			}
			for r, all := range w.answers {
				if len(all) != 1 {
					t.Fatalf("%v was answered %d times", r, len(all))
				}
			}
			if len(held) != len(entered) || len(w.s.Calls) != len(asked)+len(entered) {
				t.Fatalf("%d leases for %d calls that run, and %d calls in the state for those and %d that wait", len(held), len(entered), len(w.s.Calls), len(asked))
			}
		}
		for n := uint64(1); n <= w.s.Count; n++ {
			if over := !asked[n] && !entered[n]; over && len(w.answers[from(n)]) != 1 {
				t.Fatalf("call %d is over and was never answered", n)
			}
		}
	})
}
