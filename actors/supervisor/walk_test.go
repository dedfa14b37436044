package supervisor

import (
	"math/rand/v2"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

// FuzzLaw8_AtMostOneCurrentRun walks at random through what can happen to two accounts: operators, reloads, failing and hanging
// runs, late and lost answers, crashes of the process. The world checks the laws after every input; when nothing is under way
// any more, everything must be as wanted.
func FuzzLaw8_AtMostOneCurrentRun(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, uint8(120))
	}
	f.Fuzz(walk)
}

func TestLaw8_AtMostOneCurrentRun(t *testing.T) {
	for seed := range uint64(300) {
		walk(t, 1000+seed, 200)
	}
}

func walk(t *testing.T, seed uint64, steps uint8) {
	w := newWorld(t, rand.New(rand.NewPCG(seed, 2)))
	for range steps {
		w.anything()
	}
	w.calm()
}

// anything gives one input by chance.
func (w *world) anything() {
	id := []channels.Account{home, work0}[w.rand.IntN(2)]
	w.now = w.now.Add(time.Duration(w.rand.IntN(2000)) * time.Millisecond)
	if w.rand.IntN(100) == 0 {
		w.now = w.now.Add(-time.Hour) // somebody sets the clock back
	}
	switch w.rand.IntN(34) {
	case 0, 1:
		w.reload(id)
	case 2, 3:
		w.ask(Order{Account: id, Do: []string{doStart, doStop, doRestart}[w.rand.IntN(3)]})
	case 4, 5:
		w.fails(id, "reset")
	case 6:
		if r := w.current(id); r != nil {
			r.hung = true
		}
	case 7:
		w.unhang()
	case 8, 9:
		w.accept(id)
	case 10, 11:
		w.ask(Call{Account: id, Op: run.Send{}, Within: aMinute})
	case 12:
		if r := w.current(id); r != nil {
			w.say(r, run.Reported{Account: id, Run: r.number, Condition: channels.Condition{Link: channels.Connected}}, func() {})
		}
	case 13:
		if w.rand.IntN(10) == 0 {
			w.boot()
		}
	case 14:
		if pending := w.pending[id]; len(pending) > 0 { // an operator drops a request
			at := w.rand.IntN(len(pending))
			w.pending[id] = append(pending[:at:at], pending[at+1:]...)
		}
	case 15, 16, 17, 18, 19:
		if len(w.timers) > 0 {
			at := w.rand.IntN(len(w.timers))
			msg := w.timers[at]
			w.timers = append(w.timers[:at:at], w.timers[at+1:]...)
			w.give(msg)
		}
	case 20, 21:
		w.candidateSays(id)
	case 22:
		w.give(kit.Answered{Tag: pauseOver{ref{id, 1}, uint64(w.rand.IntN(40))}})
	default:
		w.pay()
	}
}

// wanted is a configuration by chance.
func (w *world) wanted() []Account {
	var out []Account
	for _, one := range []channels.Account{home, work0} {
		digest := []string{"a", "b", "c"}[w.rand.IntN(3)]
		switch w.rand.IntN(6) {
		case 0:
			out = append(out, disabled(one, digest+"off"))
		case 1:
		case 2:
			out = append(out, single(one, digest+"single"))
		default:
			out = append(out, account0(one, digest))
		}
	}
	return out
}

// reload does one step of a reload: most are published with what was prepared, some are not prepared, some not published.
func (w *world) reload(id channels.Account) {
	switch w.rand.IntN(6) {
	case 0:
		w.prepared = nil
		w.give(Discard{})
	case 1:
		w.ask(Hold{Accounts: []channels.Account{id}})
	case 2, 3:
		w.prepared = w.wanted()
		w.ask(Prepare{Accounts: w.prepared})
	default:
		if w.prepared == nil {
			w.prepared = w.wanted()
		}
		w.apply(w.prepared...)
		w.prepared = nil
	}
}

// candidateSays has a candidate connect, be refused or fail.
func (w *world) candidateSays(id channels.Account) {
	r := w.proving(id)
	if r == nil {
		return
	}
	switch w.rand.IntN(6) {
	case 0:
		w.say(r, run.Opened{Account: id, Run: r.number}, func() {})
	case 3:
		w.say(r, run.Holding{Account: id, Run: r.number}, func() {})
	case 1:
		w.say(r, run.Over{Account: id, Run: r.number, Err: "401", Refusal: true}, func() {})
	case 2:
		w.end(places.Self.Child(run.Start{Account: id, Number: r.number}.Name()), r, "reset")
	default:
		w.say(r, run.Reported{Account: id, Run: r.number, Condition: channels.Condition{Link: channels.Connected}}, func() {})
	}
}

// unhang lets runs that hang end after all.
func (w *world) unhang() {
	for addr, r := range w.runs {
		if r.hung && !r.current {
			r.hung = false
			w.end(addr, r, "")
		}
	}
}

// calm ends all mischief and delivers everything; then the supervisor is where it should be.
func (w *world) calm() {
	w.rand = nil
	w.give(Discard{})
	for range 50 {
		for w.pay() {
		}
		timers := w.timers
		w.timers = nil
		for _, msg := range timers {
			w.give(msg)
		}
		w.now = w.now.Add(aMinute)
		w.unhang()
		for addr, r := range w.runs {
			r.hung = false
			if !r.current && !r.gone { // a candidate that was dropped, a run that was replaced
				w.end(addr, r, "")
			}
		}
	}
	held := 0
	for a := range w.state.rows.all() {
		r := w.current(a.id)
		switch {
		case a.up() && (a.phase != Running || r == nil || r.number != a.run.number):
			w.t.Fatalf("%s should have a run and is %s (%s)", a.id, a.phase, a.cause)
		case !a.up() && (a.phase != Off || r != nil):
			w.t.Fatalf("%s should be off and is %s", a.id, a.phase)
		case !a.in.idle() || len(w.pending[a.id]) > 0:
			w.t.Fatalf("%s has %d requests in memory and %d in the journal", a.id, len(a.in.queue), len(w.pending[a.id]))
		case len(a.abandoned) != 0 || len(a.leaving) != 0 || a.cand.lease != 0 || len(a.calls) != 0:
			w.t.Fatalf("%s waits for %d runs, %d that leave and %d calls", a.id, len(a.abandoned), len(a.leaving), len(a.calls))
		case a.apart || r != nil && r.apart:
			w.t.Fatalf("%s run.%d is not admitted", a.id, a.run.number)
		case (w.values[a.id][stoppedState] != "") != a.memory.stopped && a.memory.known:
			w.t.Fatalf("%s is stopped: %v, and the journal says %v", a.id, a.memory.stopped, w.values[a.id])
		}
		if r != nil {
			held++
		}
	}
	if len(w.leases) != held {
		w.t.Fatalf("%d leases are held by %d runs: %v", len(w.leases), held, w.leases)
	}
	if len(w.state.waiters) != 0 || len(w.state.drains) != 0 {
		w.t.Fatalf("%d waiters and %d drains are not answered", len(w.state.waiters), len(w.state.drains))
	}
	for q, n := range w.asked {
		if n != 1 {
			w.t.Fatalf("question %v has %d answers", q, n)
		}
	}
	w.balanced()
}

// balanced: every request that was accepted for an account has ended or was dropped, and no request became arrivals twice.
func (w *world) balanced() {
	w.t.Helper()
	origins := map[uint64]bool{}
	for _, a := range w.arrivals {
		if origins[a.Origin] {
			w.t.Fatalf("request %d became arrivals twice", a.Origin)
		}
		origins[a.Origin] = true
	}
	for _, ends := range w.ended {
		for _, end := range ends {
			if end.Kind != journal.Requests {
				w.t.Fatalf("%+v: the intake ends requests only", end)
			}
		}
	}
}
