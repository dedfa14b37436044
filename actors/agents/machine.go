package agents

import (
	"fmt"
	"strings"
	"time"

	"github.com/benbjohnson/immutable"
	"github.com/rs/zerolog"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
)

const (
	// leaveWithin is how long a cancelled call may take to end before it counts as stuck.
	leaveWithin = 5 * time.Second
	// maxWaiting bounds the turns that wait for one agent.
	maxWaiting = 4096
	// maxID bounds the length of a turn's ID, in bytes: it is a key of ours.
	maxID = 1024
)

// State is a value; Step never changes the one it is given.
type State struct {
	revision uint64
	number   uint64 // of the last call; grows with every turn asked for
	life     uint64 // of the last agent that was configured anew
	pools    kit.Map[string, pool]
	calls    *immutable.SortedMap[uint64, call]
	byID     *immutable.SortedMap[string, uint64] // those that owe an answer
}

// phase of a call. Waiting and running owe an answer; the others had theirs.
type phase uint8

const (
	waiting phase = iota // for a slot
	running
	leaving // cancelled; it keeps its slot until it ends or leaveWithin is over
	stuck   // it has not ended; its slot is free, see pool.capacity
)

// call is one question for an answer and what runs for it.
type call struct {
	agent string
	life  uint64 // of the agent it began with
	phase phase
	turn  backend.Turn
	from  kit.Return
	limit time.Duration // the deadline it began with
}

// pool is the slots of one agent.
type pool struct {
	Agent
	life    uint64
	removed bool // not in the revision any more; kept until its calls have ended
	running int  // slots in use, by calls of earlier lives too
	stuck   int  // calls of this life that do not end
	old     int  // calls of earlier lives that do not end; shown only
	waiting *immutable.SortedMap[uint64, struct{}]

	failures int
	refusing bool // one of the failures was a refusal that every message gets
	refusals int  // in a row, of single messages
	lastErr  string
	lastOK   time.Time
}

// capacity is how many turns may run at once. The first stuck calls, as many as the agent has slots, cost nothing, so
// that one hung answer does not starve its neighbours; each further one costs a slot, so that a backend that never ends
// holds at most twice its slots in goroutines.
func (p pool) capacity() int {
	return max(0, p.Parallel-max(0, p.stuck-p.Parallel))
}

// NewState is the state before the first Configure: it knows no agent.
func NewState() State {
	return State{
		calls: immutable.NewSortedMap[uint64, call](nil),
		byID:  immutable.NewSortedMap[string, uint64](nil),
	}
}

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	st := step{State: s, now: in.Now}
	switch m := in.Msg.(type) {
	case Configure:
		st.configure(m)
		st.add(kit.Answer{To: in.From, Msg: Configured{}})
	case Turn:
		st.ask(m.Turn, in.From)
	case Stop:
		st.stop(m)
	case turnOver:
		st.late(m.number)
	case leaveOver:
		st.giveUp(m.number)
	case kit.Done:
		st.ended(m)
	default:
		st.add(kit.Unknown{Msg: in.Msg})
	}
	return st.State, st.effects
}

// step is one Step under way: a state of its own and what is to be done.
type step struct {
	State
	now     time.Time
	effects []kit.Effect
}

func (s *step) add(e ...kit.Effect) { s.effects = append(s.effects, e...) }

// set replaces one pool, or lets go of one that was removed and runs nothing any more.
func (s *step) set(p pool) {
	if p.removed && p.running+p.stuck+p.old == 0 {
		s.pools = s.pools.Without(p.Name)
		return
	}
	s.pools = s.pools.With(p.Name, p)
}

// configure takes the agents of a revision. What has begun goes on; what waits gets the new agent of its name.
func (s *step) configure(c Configure) {
	s.revision = c.Revision
	wanted := map[string]bool{}
	for _, a := range c.Agents {
		wanted[a.Name] = true
		a.Parallel = max(1, a.Parallel)
		if a.Timeout <= 0 {
			a.Timeout = backend.DefaultTimeout
		}
		p, known := s.pools.Get(a.Name)
		if !known {
			p = pool{waiting: immutable.NewSortedMap[uint64, struct{}](nil)}
		}
		if !known || p.removed || p.Digest != a.Digest {
			s.life++
			p.life, p.old, p.stuck = s.life, p.old+p.stuck, 0
			p.well(time.Time{})
		}
		p.Agent, p.removed = a, false
		s.set(p)
	}
	for name, p := range s.pools.All() {
		if !wanted[name] {
			p.removed = true
			s.set(s.refuseWaiting(p, unknown(name)))
		}
	}
	for name := range s.pools.All() {
		s.begin(name)
	}
}

func unknown(name string) Turned {
	return Turned{Err: fmt.Errorf("ask agent %q: the configuration has no agent of that name", name), Refused: true, Unknown: true}
}

// ask takes a question in. A second one with the same ID takes the first one's place, because who asks again has given
// up on the first answer; the call itself goes on.
func (s *step) ask(t backend.Turn, from kit.Return) {
	if n, again := s.byID.Get(t.ID); again {
		c, _ := s.calls.Get(n)
		s.add(kit.Answer{To: c.from, Msg: Turned{Err: fmt.Errorf("turn %q was asked for again", t.ID), Stopped: true}})
		c.from = from
		s.calls = s.calls.Set(n, c)
		return
	}
	p, known := s.pools.Get(t.Agent)
	switch {
	case !known || p.removed:
		s.add(kit.Answer{To: from, Msg: unknown(t.Agent)})
		return
	case len(t.ID) == 0 || len(t.ID) > maxID:
		s.add(kit.Answer{To: from, Msg: Turned{Refused: true, Err: fmt.Errorf("ask agent %q: a turn needs an ID of at most %d bytes", t.Agent, maxID)}})
		return
	case p.waiting.Len() >= maxWaiting:
		s.add(kit.Answer{To: from, Msg: Turned{Err: fmt.Errorf("ask agent %q: %d turns wait already", t.Agent, maxWaiting)}})
		return
	}
	s.number++
	s.calls = s.calls.Set(s.number, call{agent: t.Agent, turn: t, from: from})
	s.byID = s.byID.Set(t.ID, s.number)
	p.waiting = p.waiting.Set(s.number, struct{}{})
	s.set(p)
	s.begin(t.Agent)
}

// begin starts what the agent has slots for, oldest first. Where every slot is lost to calls that do not end, waiting is
// pointless and whoever waits hears so.
func (s *step) begin(name string) {
	p, known := s.pools.Get(name)
	if !known || p.removed {
		return
	}
	if p.capacity() == 0 {
		s.set(s.refuseWaiting(p, Turned{Err: fmt.Errorf("ask agent %q: %d calls do not end; see its server", name, p.stuck)}))
		return
	}
	for p.running < p.capacity() {
		n, _, any := p.waiting.Iterator().Next()
		if !any {
			break
		}
		p.waiting = p.waiting.Delete(n)
		p.running++
		c, _ := s.calls.Get(n)
		c.phase, c.life, c.limit = running, p.life, p.Timeout
		s.calls = s.calls.Set(n, c)
		s.add(
			open{n},
			kit.Do{Job: job{number: n, agent: p.Agent.Agent, turn: c.turn, within: p.Timeout}, Tag: n},
			kit.After{Delay: p.Timeout, Msg: turnOver{n}, For: n},
		)
	}
	s.set(p)
}

// refuseWaiting answers all that wait for an agent.
func (s *step) refuseWaiting(p pool, why Turned) pool {
	for it := p.waiting.Iterator(); !it.Done(); {
		n, _, _ := it.Next()
		s.answer(n, why)
		s.calls = s.calls.Delete(n)
	}
	p.waiting = immutable.NewSortedMap[uint64, struct{}](nil)
	return p
}

// answer gives a call's one answer.
func (s *step) answer(n uint64, t Turned) {
	c, _ := s.calls.Get(n)
	s.add(kit.Answer{To: c.from, Msg: t})
	s.byID = s.byID.Delete(c.turn.ID)
}

func (s *step) stop(m Stop) {
	n, known := s.byID.Get(m.ID)
	if !known {
		return // it has its answer already
	}
	c, _ := s.calls.Get(n)
	if c.phase == waiting {
		s.answer(n, Turned{Err: fmt.Errorf("turn %q was stopped before it began", m.ID), Stopped: true})
		s.calls = s.calls.Delete(n)
		p := s.pools.Of(c.agent)
		p.waiting = p.waiting.Delete(n)
		s.set(p)
		return
	}
	if !m.Waiting {
		s.leave(n, c, Turned{Err: fmt.Errorf("turn %q was stopped", m.ID), Stopped: true})
	}
}

// late answers for a backend that did not: the deadline holds whether the backend looks at its context or not.
func (s *step) late(n uint64) {
	c, known := s.calls.Get(n)
	if !known || c.phase != running {
		return
	}
	err := fmt.Errorf("ask agent %q: no answer within %v", c.agent, c.limit)
	s.failed(c, err)
	s.leave(n, c, Turned{Err: err})
}

// leave answers a running call and cancels it.
func (s *step) leave(n uint64, c call, t Turned) {
	s.answer(n, t)
	c.phase, c.turn, c.from = leaving, backend.Turn{}, kit.Return{}
	s.calls = s.calls.Set(n, c)
	s.add(cancel{n}, kit.After{Delay: leaveWithin, Msg: leaveOver{n}})
}

// giveUp frees the slot of a call that was cancelled and has not ended.
func (s *step) giveUp(n uint64) {
	c, known := s.calls.Get(n)
	if !known || c.phase != leaving {
		return
	}
	c.phase = stuck
	s.calls = s.calls.Set(n, c)
	p := s.pools.Of(c.agent)
	p.running--
	if c.life == p.life {
		p.stuck++
	} else {
		p.old++
	}
	s.set(p)
	s.add(kit.Note{Level: zerolog.WarnLevel, Text: "a call of an agent does not end", Fields: []any{"agent", c.agent, "stuck", p.stuck + p.old}})
	s.begin(c.agent)
}

// ended takes the one end of a call's work.
func (s *step) ended(d kit.Done) {
	n, ours := d.Tag.(uint64)
	c, known := s.calls.Get(n)
	if !ours || !known {
		s.add(kit.Unknown{Msg: d})
		return
	}
	if c.phase == running {
		s.answer(n, s.turned(c, d))
	}
	s.calls = s.calls.Delete(n)
	p := s.pools.Of(c.agent)
	switch {
	case c.phase != stuck:
		p.running--
	case c.life == p.life:
		p.stuck--
	default:
		p.old--
	}
	s.set(p)
	s.begin(c.agent)
}

// turned makes the answer of a call that ended in time.
func (s *step) turned(c call, d kit.Done) Turned {
	if d.Err != nil {
		err := fmt.Errorf("ask agent %q: %w", c.agent, oneLine(d.Err))
		s.failed(c, err)
		return Turned{Err: err, Refused: backend.IsRefusal(d.Err)}
	}
	if p := s.pools.Of(c.agent); p.life == c.life {
		p.well(s.now)
		s.set(p)
	}
	answer, _ := d.Msg.(backend.Answer)
	return Turned{Answer: answer}
}

// failed keeps the record of a turn that got no answer.
func (s *step) failed(c call, err error) {
	p := s.pools.Of(c.agent)
	if p.life != c.life {
		return
	}
	if backend.IsOfMessage(err) {
		p.refusals++
	} else {
		p.failures++
		p.refusing = p.refusing || backend.IsRefusal(err)
	}
	p.lastErr = err.Error()
	s.set(p)
}

// well begins the record anew.
func (p *pool) well(at time.Time) {
	p.failures, p.refusing, p.refusals, p.lastErr, p.lastOK = 0, false, 0, "", at
}

// maxErr bounds the text of an error that is kept and shown, in bytes.
const maxErr = 500

// lineError is an error for a line of status: a panic brings its stack, a server may bring a page.
type lineError struct {
	text string
	err  error
}

func (e lineError) Error() string { return e.text }
func (e lineError) Unwrap() error { return e.err }

func oneLine(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return lineError{text: strings.ToValidUTF8(text[:min(len(text), maxErr)], ""), err: err}
}
