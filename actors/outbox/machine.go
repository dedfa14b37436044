// Package outbox sends what the journal has to send: the replies of each conversation strictly in order, several
// conversations of an account at the same time.
//
// Invariants: an attempt is on disk before the platform is called. An outcome that is not known is looked up, or the reply
// is parked as dead for the operator; it is never blindly repeated. At most one reply per conversation is under way, and a
// conversation that pauses delays no other. What is held in memory is bounded; the rest waits in the journal.
package outbox

import (
	"slices"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// Bounds of what is held in memory.
const (
	window   = 256 // replies of one account
	perLane  = 16  // replies of one conversation; what is above waits in the journal
	parallel = 4   // sends in flight of an account whose network names no number
)

// Deadlines and pauses.
const (
	journalWithin = time.Minute
	sendWithin    = 3 * time.Minute // of a network that names none
	findWithin    = time.Minute
	callMargin    = 5 * time.Second // a run answers at its own deadline; only a lost run is later
	pauseFirst    = time.Second
	pauseMost     = time.Minute
	pauseJitter   = 0.2
	findUntil     = time.Hour // an outcome that cannot be found out for so long is parked
)

// State is what the outbox knows.
type State struct {
	Self     kit.Addr
	Journal  kit.Addr
	Accounts kit.Map[channels.Account, account]
	Posts    kit.Map[uint64, posting] // an operator's messages under way
	Settles  []kit.Return             // who waits for the end of what is under way for accounts that are gone
	Count    uint64                   // numbers given to takes, attempts, pauses and posts
	Draining *draining
}

type draining struct {
	from kit.Return
	late bool
}

// step is what is under way for the first reply of a lane.
type step string

const (
	marking step = "marking" // the attempt is being written down
	sending step = "sending" // the network has it
	asking  step = "asking"  // the journal is asked for our ids
	finding step = "finding" // the network is asked what became of it
	closing step = "closing" // that the attempt did not go out is being written down
	ending  step = "ending"  // the end is being written down
)

// Tags and timers.
type (
	subscribe struct{}
	taken     struct {
		account      channels.Account
		number       uint64
		conversation string
	}
	stepped struct {
		account      channels.Account
		conversation string
		number       uint64
	}
	pauseOver struct {
		account      channels.Account
		conversation string
		number       uint64
	}
	retake    struct{ account channels.Account }
	drainOver struct{}
)

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case subscribe:
		return s, []kit.Effect{kit.Tell{To: s.Journal, Msg: journal.Subscribe{Kind: journal.Replies, To: s.Self}}}
	case Configure:
		return s.configure(m, in)
	case journal.Woken:
		return s.woken(m.Queue.Account)
	case Settle:
		s.Settles = append(slices.Clip(s.Settles), in.From)
		return s.settled()
	case Post:
		return s.post(m, in)
	case Drain:
		s.Draining = &draining{from: in.From}
		next, effects := s.drained()
		return next, append(effects, kit.After{Delay: m.By.Sub(in.Now), Msg: drainOver{}})
	case drainOver:
		s.Draining = &draining{from: s.Draining.from, late: true}
		return s.drained()
	case supervisor.Connected:
		return s.connected(m.Account, in)
	case supervisor.Disconnected:
		return s.disconnected(m.Account), nil
	case pauseOver:
		return s.resume(m, in)
	case retake:
		return s.woken(m.account)
	case kit.Answered:
		return s.answered(m, in)
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

func (s State) answered(m kit.Answered, in kit.In) (State, []kit.Effect) {
	switch tag := m.Tag.(type) {
	case taken:
		return s.taken(tag, m, in)
	case stepped:
		next, effects := s.stepped(tag, m, in)
		next, more := next.left(tag.account).settled()
		effects = append(effects, more...)
		next, more = next.drained()
		return next, append(effects, more...)
	case resolved:
		return s.resolved(tag, m)
	case posted:
		return s.posted(tag, m)
	}
	return s, []kit.Effect{kit.Unknown{Msg: m}}
}

// configure keeps the lanes of accounts that stay. Of one that is gone only what is under way goes on, to its end; its other
// replies are the journal's.
func (s State) configure(m Configure, in kit.In) (State, []kit.Effect) {
	var effects []kit.Effect
	next := kit.Map[channels.Account, account]{}
	for id, a := range s.Accounts.All() {
		if _, stays := m.Accounts[id]; !stays {
			next = next.With(id, a.leave())
		}
	}
	for id, cfg := range m.Accounts {
		a, known := s.Accounts.Get(id)
		if !known || a.gone {
			a.more = true // it may have been woken before we knew it
		}
		a.cfg, a.gone = cfg, false
		next = next.With(id, a)
	}
	s.Accounts = next
	for id := range next.All() {
		s = s.left(id)
		var more []kit.Effect
		s, more = s.take(id)
		effects = append(effects, more...)
	}
	return s, append(effects, kit.Answer{To: in.From, Msg: Configured{}})
}

func (s State) woken(id channels.Account) (State, []kit.Effect) {
	a, known := s.Accounts.Get(id)
	if !known || a.gone {
		return s, nil // taken when it is configured
	}
	a.more = true
	return s.with(id, a).take(id)
}

// take asks for more when there is room and nothing is asked yet. Lanes that are full are left out, so that one
// conversation that cannot be sent hides no other.
func (s State) take(id channels.Account) (State, []kit.Effect) {
	a := s.Accounts.Of(id)
	room := window - a.books.held
	if a.taking != 0 || !a.more || room <= 0 || s.Draining != nil {
		return s, nil
	}
	s.Count++
	a.taking, a.more = s.Count, false
	ask := journal.Take{Queue: journal.Queue{Kind: journal.Replies, Account: id}, After: a.after, Max: min(room, perLane)}
	for conversation := range a.books.full.All() {
		ask.Skip = append(ask.Skip, conversation)
		if l := a.lanes.Of(conversation); !l.over {
			l.over = true
			a.put(conversation, l)
		}
	}
	return s.with(id, a), []kit.Effect{kit.Ask{To: s.Journal, Msg: ask, Within: journalWithin, Tag: taken{account: id, number: s.Count}}}
}

// refill asks for the rest of a lane that was left out and has room again.
func (s State) refill(id channels.Account, conversation string) (State, []kit.Effect) {
	a := s.Accounts.Of(id)
	l := a.lanes.Of(conversation)
	if !l.over || len(l.held) > 0 || a.taking != 0 || s.Draining != nil {
		return s, nil
	}
	s.Count++
	a.taking = s.Count
	ask := journal.Take{Queue: journal.Queue{Kind: journal.Replies, Account: id}, After: l.last, Max: perLane, Conversation: conversation}
	return s.with(id, a), []kit.Effect{kit.Ask{
		To: s.Journal, Msg: ask, Within: journalWithin,
		Tag: taken{account: id, number: s.Count, conversation: conversation},
	}}
}

func (s State) taken(tag taken, m kit.Answered, in kit.In) (State, []kit.Effect) {
	a, known := s.Accounts.Get(tag.account)
	if !known || a.taking != tag.number {
		return s, nil
	}
	a.taking = 0
	got, ok := m.Msg.(journal.Taken)
	if !ok || got.Err != nil {
		a.more = true
		return s.with(tag.account, a), []kit.Effect{kit.After{Delay: pauseFirst, Jitter: pauseJitter, Msg: retake{tag.account}}}
	}
	for _, r := range got.Replies {
		l := a.lanes.Of(r.Conversation)
		if r.Seq <= l.last {
			continue // it was under way when the account was gone for a while
		}
		l.held = append(slices.Clip(l.held), r)
		l.last = r.Seq
		a.put(r.Conversation, l)
	}
	if tag.conversation == "" {
		a.after, a.more = max(a.after, got.Last), a.more || got.More
	} else {
		l := a.lanes.Of(tag.conversation)
		l.over = got.More
		a.rest(tag.conversation, l)
	}
	s = s.with(tag.account, a)
	next, effects := s.start(tag.account, in)
	next, more := next.fill(tag.account)
	return next, append(effects, more...)
}

// fill asks for what there is room for: first for lanes that wait for their rest, then for everything new.
func (s State) fill(id channels.Account) (State, []kit.Effect) {
	for conversation := range s.Accounts.Of(id).books.full.All() {
		if next, effects := s.refill(id, conversation); len(effects) > 0 {
			return next, effects
		}
	}
	return s.take(id)
}

// start begins as many first replies as the account may have in flight, lanes in the order of their oldest reply.
func (s State) start(id channels.Account, in kit.In) (State, []kit.Effect) {
	var effects []kit.Effect
	a := s.Accounts.Of(id)
	if s.Draining != nil {
		return s, nil
	}
	most := a.cfg.Limits.Parallel
	if most <= 0 {
		most = parallel
	}
	for _, conversation := range a.ready(most - a.books.flight) {
		var more []kit.Effect
		s, more = s.begin(id, conversation, in)
		effects = append(effects, more...)
	}
	return s, effects
}

// drained answers the drain when nothing is in flight or the time is over; nothing new begins meanwhile.
func (s State) drained() (State, []kit.Effect) {
	if s.Draining == nil {
		return s, nil
	}
	var left []uint64
	for _, a := range s.Accounts.All() {
		if a.books.busy == 0 {
			continue
		}
		for _, l := range a.lanes.All() {
			if l.work != 0 {
				left = append(left, l.held[0].Seq)
			}
		}
	}
	if len(left) > 0 && !s.Draining.late {
		return s, nil
	}
	slices.Sort(left)
	answer := kit.Answer{To: s.Draining.from, Msg: Drained{Left: left}}
	s.Draining = &draining{late: true}
	return s, []kit.Effect{answer}
}

func (s State) with(id channels.Account, a account) State {
	s.Accounts = s.Accounts.With(id, a)
	return s
}
