package supervisor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
	"holdfast/config"
)

const aMinute = time.Minute

var (
	places   = Places{Self: kit.Named("channels/double"), Registry: kit.Named("registry"), Journal: kit.Named("journal"), Outbox: kit.Named("outbox")}
	noon     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	errWeird = errors.New("something else")
	home     = channels.Account("double:home")
	work0    = channels.Account("double:work")
	operator = kit.Named("operator")
)

// settings are the least that an account can have.
type settings struct {
	channels.Common
	single bool // only one run may hold the connection
}

func (s *settings) Validate() []config.Problem { return nil }
func (s *settings) Overlaps() bool             { return !s.single }

// account0 is an account as Apply has it; digest tells its settings apart.
func account0(id channels.Account, digest string) Account {
	return Account{ID: id, Settings: &settings{Common: channels.DefaultCommon()}, Digest: digest}
}

// moved is an account that the outside reaches elsewhere.
func moved(a Account) Account {
	a.Webhook = "http://moved.example/hook"
	return a
}

// single is an account of a network on which only one run may hold the connection.
func single(id channels.Account, digest string) Account {
	return Account{ID: id, Settings: &settings{Common: channels.DefaultCommon(), single: true}, Digest: digest}
}

func disabled(id channels.Account, digest string) Account {
	a, off := account0(id, digest), false
	a.Settings.Shared().Enabled = &off
	return a
}

// world performs the effects of a supervisor: it plays journal, registry, runs and clock. What is owed (answers, ends of work,
// timers, what runs say) lies in open until it is paid, honestly and in order or by chance, late and wrong.
type world struct {
	t     *testing.T
	rand  *rand.Rand // nil: everybody is honest
	state State
	now   time.Time

	open   []owed
	timers []any
	runs   map[kit.Addr]*runModel
	number uint64 // of questions and leases
	leases map[registry.LeaseID]string

	asked     map[kit.Return]int
	answers   map[kit.Return]any
	values    map[channels.Account]map[string]string
	pending   map[channels.Account][]uint64
	accepted  uint64
	ended     map[channels.Account][]journal.End // in order of commit
	arrivals  []channels.Arrival
	lastRun   map[channels.Account]uint64
	interpret func(channels.Request) (any, error) // nothing at all: it hangs
	stamp     func(*channels.Request)
	late      func(question any) bool // it is not answered in time
	prepared  []Account               // of the reload under way
	effects   []kit.Effect            // of the last input
	last      kit.Ask
}

// owed is one message to come. Those with the same from come in order.
type owed struct {
	from string
	make func() any // the message, made when it is delivered
}

// runModel is a run as the world knows it.
type runModel struct {
	account channels.Account
	number  uint64
	lease   registry.LeaseID
	apart   bool // what it hands in waits
	current bool // neither drained nor fenced nor over
	clear   bool // gone, or nothing of it reaches the journal
	hung    bool // does not end
	gone    bool
}

func newWorld(t *testing.T, chance *rand.Rand) *world {
	w := &world{
		t: t, rand: chance, now: noon, leases: map[registry.LeaseID]string{}, runs: map[kit.Addr]*runModel{},
		asked: map[kit.Return]int{}, answers: map[kit.Return]any{}, values: map[channels.Account]map[string]string{},
		pending: map[channels.Account][]uint64{}, ended: map[channels.Account][]journal.End{}, lastRun: map[channels.Account]uint64{},
	}
	w.boot()
	return w
}

// boot begins a supervisor in a process that knows only what the journal knows.
func (w *world) boot() {
	w.state = New("double", places)
	w.open, w.timers, w.runs, w.leases = nil, nil, map[kit.Addr]*runModel{}, map[registry.LeaseID]string{}
	for q, n := range w.asked {
		if n == 0 {
			delete(w.asked, q) // whoever asked is gone too
		}
	}
	w.give(Begin{})
}

// give hands in one input, performs the effects and looks at the laws.
func (w *world) give(msg any, from ...kit.Return) []kit.Effect {
	w.t.Helper()
	w.believe(msg)
	before := w.state
	in := kit.In{Msg: msg, Now: w.now}
	if len(from) > 0 {
		in.From = from[0]
	}
	var effects []kit.Effect
	w.state, effects = Step(w.state, in)
	w.effects = effects
	for _, e := range effects {
		w.once(before, msg, e)
		w.perform(e)
	}
	w.laws()
	return effects
}

// once: an account asks nothing that it is already asking, and asks nothing while it pauses.
func (w *world) once(before State, msg any, e kit.Effect) {
	w.t.Helper()
	ask, is := e.(kit.Ask)
	if !is {
		return
	}
	o, _ := ask.Tag.(owned)
	a, due := before.rows.find(o.owner().id), nameOf(msg)
	if a == nil || a.ref != o.owner() || due == nameOf(kit.Answered{Tag: ask.Tag}) {
		return
	}
	under := map[string]bool{
		"taking": a.in.taking != 0, "committing": a.in.committing != 0,
		"borrowing": a.in.borrowing != 0 || a.in.lease != 0 && a.in.used < perLease && due != "interpreting" && due != "Apply",
		"loading":   a.memory.loading != 0 || a.memory.due != 0 && due != "memoryDue", "saving": a.memory.saving != 0 || a.memory.due != 0 && due != "memoryDue",
	}
	if what := nameOf(kit.Answered{Tag: ask.Tag}); under[what] || a.in.pause != 0 && due != "intakeDue" && slices.Contains([]string{"taking", "borrowing", "committing"}, what) {
		w.t.Fatalf("%s: %s is asked by %s while it is under way, or during a pause", a.id, what, nameOf(msg))
	}
}

// believe brings the runs in line with what is said of them.
func (w *world) believe(msg any) {
	switch m := msg.(type) {
	case run.Over:
		if r := w.runs[places.Self.Child(run.Start{Account: m.Account, Number: m.Run}.Name())]; r != nil {
			r.current = false
		}
	case kit.Ended:
		if r := w.runs[m.Child]; r != nil {
			r.current, r.clear, r.gone = false, true, true
		}
	}
}

// ask hands in a question and returns where its answer will be.
func (w *world) ask(msg any) kit.Return {
	w.t.Helper()
	w.number++
	q := kit.ReturnTo(operator, w.number)
	w.asked[q] = 0
	w.give(msg, q)
	return q
}

func (w *world) perform(e kit.Effect) {
	w.t.Helper()
	switch e := e.(type) {
	case kit.Ask:
		w.last = e
		w.answerLater(e)
	case kit.Tell:
		w.told(e)
	case kit.After:
		if due, is := e.Msg.(budgetOver); is && e.For != interpreting(due) {
			w.t.Fatalf("the deadline of an interpretation is for %#v, want the interpretation itself", e.For)
		}
		w.timers = append(w.timers, e.Msg)
	case kit.Do:
		w.doLater(e)
	case kit.Spawn:
		w.spawn(e)
	case kit.Answer:
		w.asked[e.To]++
		w.answers[e.To] = e.Msg
		if n := w.asked[e.To]; n != 1 {
			w.t.Fatalf("a question was answered %d times, at last by %#v", n, e.Msg)
		}
	}
}

// spawn checks everything that must be so when a run begins.
func (w *world) spawn(e kit.Spawn) {
	w.t.Helper()
	start := e.What.(run.Start)
	addr := places.Self.Child(e.Name)
	if e.Name != start.Name() || w.runs[addr] != nil {
		w.t.Fatalf("the run %q is started as %q, or a second time", start.Name(), e.Name)
	}
	alone := start.Settings.(*settings).single
	for _, r := range w.runs {
		switch {
		case r.account != start.Account:
		case alone && !r.gone:
			w.t.Fatalf("%s: run.%d is started while run.%d may hold the connection", start.Account, start.Number, r.number)
		case !start.Candidate && !r.clear && !r.apart:
			w.t.Fatalf("%s: run.%d is started while run.%d may still reach the journal", start.Account, start.Number, r.number)
		}
	}
	if start.Number <= w.lastRun[start.Account] {
		w.t.Fatalf("%s: run.%d is started after run.%d", start.Account, start.Number, w.lastRun[start.Account])
	}
	w.lastRun[start.Account] = start.Number
	saved := w.values[start.Account][runState]
	if known, err := strconv.ParseUint(saved, 10, 64); err != nil || known < start.Number {
		w.t.Fatalf("%s: run.%d is started, but the journal knows only %q", start.Account, start.Number, saved)
	}
	r := &runModel{account: start.Account, number: start.Number, current: true, apart: start.Candidate}
	holder := fmt.Sprintf("%s run.%d", start.Account, start.Number)
	for id, h := range w.leases {
		if h == holder {
			r.lease = id
		}
	}
	if r.lease == 0 {
		w.t.Fatalf("%s has no lease", holder)
	}
	w.runs[addr] = r
}

// laws hold after every input.
func (w *world) laws() {
	w.t.Helper()
	current := map[channels.Account]int{}
	for _, r := range w.runs {
		if !r.apart && !r.clear {
			current[r.account]++
		}
		if _, held := w.leases[r.lease]; r.current && !held {
			w.t.Fatalf("%s run.%d is current without a lease", r.account, r.number)
		}
	}
	for id, n := range current {
		if n > 1 {
			w.t.Fatalf("%s has %d runs that reach the journal", id, n)
		}
	}
	for id, ends := range w.ended {
		for i := range ends[1:] {
			if ends[i].Seq >= ends[i+1].Seq {
				w.t.Fatalf("%s: request %d was committed after %d", id, ends[i+1].Seq, ends[i].Seq)
			}
		}
	}
	busy, alive := 0, 0
	for a := range w.state.rows.all() {
		if !a.in.idle() {
			busy++
		}
		if !a.alone() {
			alive++
		}
		if len(a.in.queue) > window || len(a.abandoned) > maxAbandoned || len(a.in.stuck) > maxStuck {
			w.t.Fatalf("%s exceeds a bound: %d requests, %d abandoned runs, %d stuck", a.id, len(a.in.queue), len(a.abandoned), len(a.in.stuck))
		}
	}
	if r := w.state.rows; r.busy != busy || r.alive != alive {
		w.t.Fatalf("%d accounts are counted as busy and %d as alive, want %d and %d", r.busy, r.alive, busy, alive)
	}
}

// pay delivers the first thing owed that passes, or by chance any first of its sender.
func (w *world) pay() bool {
	if len(w.open) == 0 {
		return false
	}
	at := 0
	if w.rand != nil {
		at = w.rand.IntN(len(w.open))
		at = slices.IndexFunc(w.open, func(o owed) bool { return o.from == w.open[at].from })
	}
	o := w.open[at]
	w.open = slices.Delete(w.open, at, at+1)
	w.give(o.make())
	return true
}

// quiet delivers all that is owed except timers.
func (w *world) quiet() *world {
	for w.pay() {
	}
	return w
}

// fire lets time pass and has the timers of one kind fire, stale ones too.
func (w *world) fire(kind any, after time.Duration) *world {
	w.now = w.now.Add(after)
	fired := w.timers
	w.timers = nil
	for _, msg := range fired {
		if nameOf(msg) == nameOf(kind) {
			w.give(msg)
		} else {
			w.timers = append(w.timers, msg)
		}
	}
	return w
}

// row is the account as the supervisor knows it; a zero one if it does not.
func (w *world) row(id channels.Account) account {
	if a := w.state.rows.find(id); a != nil {
		return *a
	}
	return account{}
}

// alter makes the account one that is otherwise hard to come by.
func (w *world) alter(id channels.Account, change func(*account)) {
	a := w.row(id)
	change(&a)
	w.state.rows = w.state.rows.with(&a)
}

// summary says in a line each what the effects are; notes are left out.
func summary(effects []kit.Effect) []string {
	var out []string
	name := func(msg any) string { return strings.TrimPrefix(fmt.Sprintf("%T", msg), "supervisor.") }
	for _, e := range effects {
		switch e := e.(type) {
		case kit.Tell:
			out = append(out, "tell "+name(e.Msg)+" to "+e.To.String())
		case kit.Ask:
			out = append(out, "ask "+name(e.Msg)+" of "+e.To.String())
		case kit.Answer:
			out = append(out, "answer "+name(e.Msg))
		case kit.After:
			out = append(out, "after "+e.Delay.String()+" "+name(e.Msg))
		case kit.Spawn:
			out = append(out, "spawn "+e.Name)
		case kit.Do:
			out = append(out, "do "+name(e.Job))
		case kit.Unknown:
			out = append(out, "unknown "+name(e.Msg))
		}
	}
	return out
}
