package lanes

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

const (
	home = channels.Account("net:home")
	work = channels.Account("net:work")
)

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	others = Others{Self: kit.Named("lanes"), Journal: kit.Named("journal"), Access: kit.Named("access"), Agents: kit.Named("agents")}
	boss   = kit.Named("channels/net")
	asker  = kit.Named("asker")
)

// world is the machine among models of the others. What it asks and tells lies in a line per receiver; answers wait to be
// delivered one by one, in whatever order the test wants; time stands still until a timer is fired.
type world struct {
	t       testing.TB
	state   State
	now     time.Time     // what has really passed: timers go by it
	skew    time.Duration // by how much the clock on the wall is wrong: the machine and acceptance go by that one
	latest  time.Time     // that the clock ever showed
	lines   map[kit.Addr][]kit.Effect
	answers []kit.Answered
	timers  []timer
	drained []Drained
	effects []kit.Effect // of the last input
	heard   []kit.In     // all inputs, unless it is nil

	store    *store
	decide   func(channels.Arrival) access.Decision
	network  func(channels.Account, run.Op) run.Result
	agent    func(backend.Turn) *agents.Turned // nil: it goes on until it is stopped
	running  map[string]int                    // index in turns of what the agents have not answered, by ID
	tags     map[string]any
	turns    []backend.Turn
	ops      []run.Op
	mood     mood
	strict   bool           // check the laws after every input
	deaf     kit.Addr       // answers nothing in time
	looks    int            // lanes that took by themselves
	notes    int            // lines of log
	inflight map[string]int // turns under way, by conversation
}

type timer struct {
	due time.Time
	msg any
}

func newWorld(t testing.TB) *world {
	w := &world{
		t: t, state: NewState(others), now: start, lines: map[kit.Addr][]kit.Effect{}, store: newStore(t),
		running: map[string]int{}, tags: map[string]any{}, inflight: map[string]int{},
	}
	w.decide = func(channels.Arrival) access.Decision { return access.Decision{Allow: true} }
	w.network = func(_ channels.Account, op run.Op) run.Result {
		switch op := op.(type) {
		case run.Fetch:
			file := op.Attachment
			file.Blob = blob(file.ID)
			return run.Result{Attachment: file}
		case run.Complete:
			a := op.Arrival
			a.Incomplete = false
			return run.Result{Arrival: a}
		}
		return run.Result{}
	}
	w.agent = func(t backend.Turn) *agents.Turned {
		return &agents.Turned{Answer: backend.Answer{Text: "re: " + t.Text}}
	}
	return w
}

// begin starts the machine with two accounts and settles.
func (w *world) begin(change func(*Configure)) *world {
	w.in(begin{})
	w.configure(change)
	return w
}

func settings() Configure {
	common := channels.DefaultCommon()
	return Configure{
		Accounts: map[channels.Account]Account{
			home: {Supervisor: boss, Common: common, Limits: channels.Limits{Text: 100, Attachment: 1 << 20}},
			work: {Supervisor: boss, Common: common},
		},
		Agents: map[string]Agent{"default": {History: true}, "other": {}},
	}
}

func (w *world) configure(change func(*Configure)) {
	c := settings()
	if change != nil {
		change(&c)
	}
	w.in(c)
}

func common(change func(*channels.Common)) func(*Configure) {
	return func(c *Configure) {
		a := c.Accounts[home]
		change(&a.Common)
		c.Accounts[home] = a
	}
}

func bound(agent, conversation string) func(*Configure) {
	return func(c *Configure) {
		c.Bindings = append(c.Bindings, config.Binding{Agent: agent, Match: config.Match{Channel: "net", Account: "home", Conversation: conversation}})
	}
}

// wall is what the clock shows.
func (w *world) wall() time.Time { return w.now.Add(w.skew) }

// in gives one input to the machine and sorts its effects.
func (w *world) in(msg any) {
	w.t.Helper()
	var effects []kit.Effect
	if w.latest.Before(w.wall()) {
		w.latest = w.wall()
	}
	in := kit.In{Msg: msg, From: kit.ReturnTo(asker, 1), Now: w.wall()}
	if w.heard != nil {
		w.heard = append(w.heard, in)
	}
	w.state, effects = Step(w.state, in)
	w.effects = effects
	if w.strict {
		w.laws()
	}
	for _, e := range effects {
		switch e := e.(type) {
		case kit.Ask:
			if _, is := e.Tag.(laneTaken); is {
				w.looks++
			}
			if m, is := e.Msg.(agents.Turn); is {
				w.told(m.Turn)
			}
			w.lines[e.To] = append(w.lines[e.To], e)
		case kit.Tell:
			w.lines[e.To] = append(w.lines[e.To], e)
		case kit.Note:
			w.notes++
		case kit.After:
			w.timers = append(w.timers, timer{w.now.Add(e.Delay), e.Msg})
		case kit.Answer:
			if d, ok := e.Msg.(Drained); ok {
				w.drained = append(w.drained, d)
			}
		}
	}
}

// told checks that a turn carries what the journal has of the conversation's history, if its agent wants that.
func (w *world) told(t backend.Turn) {
	w.t.Helper()
	var want []backend.Entry
	if w.state.config.Agents[t.Agent].History {
		common := w.state.windows.Of(t.Account).config.Common
		want = w.store.entries(t.Account, t.Conversation)
		want = want[max(0, len(want)-common.History(t.Group)):]
	}
	if !slices.Equal(t.History, want) {
		w.t.Fatalf("turn %s is told %+v, want %+v", t.ID, t.History, want)
	}
}

// handle lets a receiver handle the next thing in its line, and tells whether there was one.
func (w *world) handle(to kit.Addr) bool {
	w.t.Helper()
	if len(w.lines[to]) == 0 {
		return false
	}
	e := w.lines[to][0]
	w.lines[to] = w.lines[to][1:]
	ask, question := e.(kit.Ask)
	var msg any
	if question {
		msg = ask.Msg
	} else {
		msg = e.(kit.Tell).Msg
	}
	if to == w.deaf {
		if question {
			w.answers = append(w.answers, kit.Answered{Tag: ask.Tag, Err: kit.ErrLate})
		}
		return true
	}
	switch m := msg.(type) {
	case agents.Turn:
		w.turn(m.Turn, ask.Tag)
		return true
	case agents.Stop:
		w.stop(m)
		return true
	case access.Decide:
		w.answer(ask.Tag, w.decide(m.Arrival))
	case supervisor.Call:
		w.ops = append(w.ops, m.Op)
		w.answer(ask.Tag, w.network(m.Account, m.Op))
	case journal.Subscribe:
		w.store.subscribe()
		w.wake()
	default:
		w.answer(ask.Tag, w.store.handle(m))
	}
	return true
}

func (w *world) answer(tag, msg any) { w.answers = append(w.answers, kit.Answered{Tag: tag, Msg: msg}) }

// turn begins a turn at the agents.
func (w *world) turn(t backend.Turn, tag any) {
	w.t.Helper()
	where := string(t.Account) + " " + t.Conversation
	if w.inflight[where]++; w.inflight[where] > 1 {
		w.t.Fatalf("two turns at once in %s", where)
	}
	w.turns = append(w.turns, t)
	if turned := w.agent(t); turned != nil {
		w.inflight[where]--
		w.answer(tag, *turned)
		return
	}
	w.running[t.ID], w.tags[t.ID] = len(w.turns)-1, tag
}

// finish ends a turn that goes on.
func (w *world) finish(id string, turned agents.Turned) {
	w.t.Helper()
	i, runs := w.running[id]
	if !runs {
		w.t.Fatalf("turn %s does not run; %v do", id, slices.Collect(maps.Keys(w.running)))
	}
	t := w.turns[i]
	w.inflight[string(t.Account)+" "+t.Conversation]--
	w.answer(w.tags[id], turned)
	delete(w.running, id)
}

func (w *world) stop(m agents.Stop) {
	if _, runs := w.running[m.ID]; runs && !m.Waiting {
		w.finish(m.ID, agents.Turned{Stopped: true, Err: errors.New("stopped")})
	}
}

// deliver gives one waiting answer to the machine.
func (w *world) deliver(i int) {
	w.t.Helper()
	a := w.answers[i]
	w.answers = slices.Delete(w.answers, i, i+1)
	w.in(a)
	w.wake()
}

// wake passes on what the journal has to say.
func (w *world) wake() {
	for _, account := range []channels.Account{home, work} {
		if w.store.wakes(account) {
			w.in(journal.Woken{Queue: journal.Queue{Kind: journal.Arrivals, Account: account}})
		}
	}
}

// settle lets everybody work, first come first served, until nobody has anything to do but wait for a timer.
func (w *world) settle() *world {
	w.t.Helper()
	for range 100000 {
		busy := false
		for _, to := range []kit.Addr{others.Journal, others.Access, others.Agents, boss} {
			busy = w.handle(to) || busy
		}
		if len(w.answers) > 0 {
			w.deliver(0)
			busy = true
		}
		if !busy {
			return w
		}
	}
	w.t.Fatalf("it never comes to rest: %s", w.state.render())
	return w
}

// until does one thing after the other, first come first served, until there is something in the line of a receiver.
func (w *world) until(to kit.Addr) {
	w.t.Helper()
	for range 1000 {
		if len(w.lines[to]) > 0 {
			return
		}
		for _, other := range []kit.Addr{others.Journal, others.Access, others.Agents, boss} {
			if other != to {
				w.handle(other)
			}
		}
		if len(w.answers) > 0 {
			w.deliver(0)
		}
	}
	w.t.Fatalf("nothing comes to %s", to)
}

// lose makes the last answer come too late; what was asked has happened all the same.
func (w *world) lose() {
	last := len(w.answers) - 1
	w.answers[last] = kit.Answered{Tag: w.answers[last].Tag, Err: kit.ErrLate}
}

// after lets time pass: timers fire when they are due, everything settles in between.
func (w *world) after(d time.Duration) *world {
	w.t.Helper()
	until := w.now.Add(d)
	for {
		w.settle()
		i := w.nextTimer()
		if i < 0 || w.timers[i].due.After(until) {
			w.now = until
			return w
		}
		w.fire(i)
	}
}

func (w *world) nextTimer() int {
	next := -1
	for i := range w.timers {
		if next < 0 || w.timers[i].due.Before(w.timers[next].due) {
			next = i
		}
	}
	return next
}

func (w *world) fire(i int) {
	w.t.Helper()
	t := w.timers[i]
	w.timers = slices.Delete(w.timers, i, i+1)
	if t.due.After(w.now) {
		w.now = t.due
	}
	w.in(t.msg)
}

// restart is a crash: all is forgotten but what the journal has.
func (w *world) restart(change func(*Configure)) {
	limits := w.state.bounds
	w.state = NewState(others)
	w.state.bounds = limits
	w.lines, w.answers, w.timers = map[kit.Addr][]kit.Effect{}, nil, nil
	w.running, w.tags, w.inflight = map[string]int{}, map[string]any{}, map[string]int{}
	w.store.subscribed = false
	w.begin(change)
}
