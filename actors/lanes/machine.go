package lanes

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/benbjohnson/immutable"

	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// Others are the actors that lanes talk to, and lanes themselves; none of them is ever replaced.
type Others struct {
	Self    kit.Addr
	Journal kit.Addr
	Access  kit.Addr
	Agents  kit.Addr
}

// State is a value; Step never changes the one it is given.
type State struct {
	others  Others
	bounds  bounds
	config  Configure
	number  uint64 // of the last attempt; grows with everything that is begun
	windows kit.Map[channels.Account, window]
	lanes   *immutable.SortedMap[place, *lane]   // a lane is never changed once it is in here
	blocked *immutable.SortedMap[place, Blocked] // those of them that try again
	turns   int                                  // lanes whose turn is at an agent
	waiting kit.Map[string, int]                 // lanes, by the agent that they wait for
	drain   *drain
	now     time.Time
}

// drain is the end: nothing new is begun.
type drain struct {
	from []kit.Return
	by   time.Time
}

// place names a lane. An arrival without a conversation has one of its own, by its number.
type place struct {
	account      channels.Account
	conversation string
	seq          uint64
}

type byPlace struct{}

func (byPlace) Compare(a, b place) int {
	return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.conversation, b.conversation), cmp.Compare(a.seq, b.seq))
}

// attempt is the tag of what a lane waits for: anything with another number is stale.
type attempt struct {
	place
	number uint64
}

// Tags of questions that are not a lane's main line.
type (
	scanned struct { // a window's take
		account channels.Account
		number  uint64
		skip    []string // conversations left out of it
	}
	laneTaken struct { // a lane's own take
		place
		number uint64
	}
	stopDecided struct { // may the sender of a /stop that overtakes say so
		place
		seq uint64
	}
	typing struct { // typing is shown
		attempt
		times int // of this turn
	}
	reading struct{ account channels.Account } // marked as read
	aside   struct{}                           // typing is over: nobody minds
)

// NewState is the state before the first Configure: it knows no account.
func NewState(o Others) State {
	return State{
		others:  o,
		bounds:  defaults(),
		lanes:   immutable.NewSortedMap[place, *lane](byPlace{}),
		blocked: immutable.NewSortedMap[place, Blocked](byPlace{}),
	}
}

// begin is the first message: from here on the journal wakes us.
type begin struct{}

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	s.now = in.Now
	st := step{State: s}
	st.take(in)
	return st.State, st.effects
}

// step is one Step under way: a state of its own and what is to be done.
type step struct {
	State
	effects []kit.Effect
}

func (s *step) add(e ...kit.Effect) { s.effects = append(s.effects, e...) }

func (s *step) next() uint64 {
	s.number++
	return s.number
}

func (s *step) take(in kit.In) {
	switch m := in.Msg.(type) {
	case begin:
		s.add(kit.Tell{To: s.others.Journal, Msg: journal.Subscribe{Kind: journal.Arrivals, To: s.others.Self}})
	case Configure:
		s.configure(m)
		s.add(kit.Answer{To: in.From, Msg: Configured{}})
	case journal.Woken:
		s.look(m.Queue.Account)
	case Drain:
		s.draining(m, in.From)
	case wake:
		s.visit(m.attempt, s.woken)
	case typeOn:
		s.visit(m.attempt, func(l *lane) { s.showTyping(l, m.typing) })
	case retake:
		s.visitAny(m.place, s.lookOn)
	case rescan:
		s.rescan(m.account, true)
	case scanOn:
		s.scan(m.account)
	case drainEnd:
		s.drained(true)
	case kit.Answered:
		s.answered(m)
	default:
		s.add(kit.Unknown{Msg: in.Msg})
	}
	s.drained(false)
}

func (s *step) answered(m kit.Answered) {
	switch tag := m.Tag.(type) {
	case attempt:
		s.visit(tag, func(l *lane) { s.arrived(l, m) })
	case scanned:
		s.pageTaken(tag, m)
	case laneTaken:
		s.laneTaken(tag, m)
	case stopDecided:
		s.stopDecided(tag, m)
	case reading:
		s.learn(tag.account, m, func(u *unable) { u.reads = true })
	case typing:
		s.learn(tag.account, m, func(u *unable) { u.typing = true })
		s.visit(tag.attempt, func(*lane) { s.typed(tag, m) })
	}
}

// visit lets f work on a lane, if the attempt is still the lane's.
func (s *step) visit(a attempt, f func(*lane)) {
	if l, there := s.lanes.Get(a.place); there && l.number == a.number {
		s.visitAny(a.place, f)
	}
}

// visitAny lets f work on a copy of a lane, if it is there, and puts the copy in its place. Visits do not nest.
func (s *step) visitAny(p place, f func(*lane)) {
	old, there := s.lanes.Get(p)
	if !there {
		return
	}
	l := *old
	f(&l)
	s.put(old, &l)
}

// put replaces a lane by its next state, or lets it go, and keeps the books.
func (s *step) put(old, l *lane) {
	var waited, waits string
	if old != nil {
		waited = old.waitsFor()
	}
	if !l.gone {
		waits = l.waitsFor()
	}
	if waited != waits {
		s.wait(waited, -1)
		s.wait(waits, 1)
	}
	if old != nil && old.stage == asking {
		s.turns--
	}
	if l.gone {
		s.release(l, l.seqs()...)
		s.lanes = s.lanes.Delete(l.place)
		s.blocked = s.blocked.Delete(l.place)
		s.left(l)
		return
	}
	if l.stage == asking {
		s.turns++
	}
	if l.attempts > 0 {
		s.blocked = s.blocked.Set(l.place, Blocked{
			Account: l.account, Conversation: l.conversation, Cause: l.cause, Since: l.since, Attempts: l.attempts,
		})
	} else if old != nil && old.attempts > 0 {
		s.blocked = s.blocked.Delete(l.place)
	}
	s.lanes = s.lanes.Set(l.place, l)
}

// wait counts a lane among those that wait for an agent, or no more.
func (s *step) wait(agent string, by int) {
	if agent != "" { // what has no conversation yet has no agent
		s.waiting = counted(s.waiting, agent, by)
	}
}

// counted is a count of lanes by agent when there are more of one, or less; of none there is no line.
func counted(lanes kit.Map[string, int], agent string, by int) kit.Map[string, int] {
	if n := lanes.Of(agent) + by; n != 0 {
		return lanes.With(agent, n)
	}
	return lanes.Without(agent)
}

// configure takes what a revision says. Turns under way go on; what pauses tries again, for the reload may be its cure.
func (s *step) configure(c Configure) {
	s.config = c
	var look []channels.Account
	for id, w := range s.windows.All() {
		if _, stays := c.Accounts[id]; !stays {
			w.removed = true
			s.set(w)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Accounts)) {
		w, known := s.windows.Get(id)
		w.id, w.config, w.unable = id, c.Accounts[id], unable{}
		if !known {
			w.held = immutable.NewSortedMap[uint64, time.Time](nil)
		}
		if !known || w.removed {
			w.removed, w.low = false, 1
			look = append(look, id)
		}
		s.set(w)
	}
	for _, p := range s.places() {
		s.visitAny(p, func(l *lane) {
			if s.windows.Of(l.account).removed && !l.committed() {
				l.gone = true
			} else if l.stage == pausing {
				s.resume(l)
			}
		})
	}
	for _, id := range look {
		s.rescan(id, false)
	}
	for id := range s.windows.All() {
		s.forget(id)
	}
}

// places are the lanes there are now.
func (s *step) places() []place {
	out := make([]place, 0, s.lanes.Len())
	for it := s.lanes.Iterator(); !it.Done(); {
		p, _, _ := it.Next()
		out = append(out, p)
	}
	return out
}

// agentOf is the agent a conversation is bound to: the first binding that matches, else the default.
func (s *step) agentOf(p place) string {
	for _, b := range s.config.Bindings {
		m := b.Match
		if (m.Channel == "" || m.Channel == p.account.Channel()) &&
			(m.Account == "" || m.Account == p.account.Name()) &&
			(m.Conversation == "" || m.Conversation == p.conversation) {
			return b.Agent
		}
	}
	return defaultAgent
}

// defaultAgent answers where no binding matches.
const defaultAgent = "default"

// draining begins the end: only turns at an agent and steps on their way to the journal go on.
func (s *step) draining(m Drain, from kit.Return) {
	if s.drain == nil {
		s.drain = &drain{by: m.By}
		s.add(kit.After{Delay: max(0, m.By.Sub(s.now)), Msg: drainEnd{}})
	}
	s.drain = &drain{by: s.drain.by, from: append(slices.Clip(s.drain.from), from)}
	for _, p := range s.places() {
		s.visitAny(p, func(l *lane) { l.gone = !l.committed() })
	}
}

// drained answers when nothing is left, or when time is over.
func (s *step) drained(late bool) {
	if s.drain == nil || len(s.drain.from) == 0 || s.lanes.Len() > 0 && !late {
		return
	}
	var left []string
	for _, p := range s.places() {
		s.visitAny(p, func(l *lane) {
			if l.stage == asking {
				s.add(kit.Tell{To: s.others.Agents, Msg: agents.Stop{ID: l.turnID()}})
			}
			left = append(left, string(l.account)+" "+l.conversation)
			l.gone = true
		})
	}
	for _, to := range s.drain.from {
		s.add(kit.Answer{To: to, Msg: Drained{Left: left}})
	}
	s.drain = &drain{by: s.drain.by}
}

// snapshot is what others may read.
func (s State) snapshot() Snapshot {
	out := Snapshot{Lanes: s.lanes.Len(), Turns: s.turns, Waiting: maps.Collect(s.waiting.All())}
	for _, w := range s.windows.All() {
		out.Held += w.held.Len()
		out.LeftOut = out.LeftOut || w.low != 0 && !w.removed
		if it := w.held.Iterator(); !it.Done() {
			_, at, _ := it.Next()
			out.Oldest = max(out.Oldest, s.now.Sub(at))
		}
	}
	for it := s.blocked.Iterator(); !it.Done() && len(out.Blocked) < maxShown; {
		_, b, _ := it.Next()
		out.Blocked = append(out.Blocked, b)
	}
	return out
}

// maxShown bounds the blocked conversations in a snapshot.
const maxShown = 20
