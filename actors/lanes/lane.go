package lanes

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

const (
	stateWithin  = 10 * time.Second // a question to the journal or to access
	commitWithin = 30 * time.Second
	minTurn      = 10 * time.Minute // what a turn gets to wait for a slot and to answer, at least
)

// stage is what a lane waits for. There is one thing at a time.
type stage uint8

const (
	resting    stage = iota // its own take
	loading                 // the conversation's state
	collecting              // the rest of a message that comes in pieces
	deciding                // access
	completing              // the network, for what an arrival lacks
	fetching                // the network, for an attachment
	recalling               // the conversation's history
	asking                  // the agent
	committing              // the journal
	pausing                 // between two attempts
)

func (s stage) String() string {
	return [...]string{"resting", "loading", "collecting", "deciding", "completing", "fetching", "recalling", "asking", "committing", "pausing"}[s]
}

// lane is one busy conversation. It works on its group; everything else waits in the queue.
type lane struct {
	place
	agent  string // under which it has its room
	asked  string // the agent that was asked last; empty: none yet
	number uint64 // of the attempt under way
	stage  stage
	gone   bool

	evicted bool // gone to make room for another

	queue  []channels.Arrival // in order of acceptance
	behind bool               // there is more in the journal, from a number above from
	from   uint64
	taking uint64 // number of the lane's own take; 0: none
	missed uint64 // lowest number left in the journal since the last of them was asked; 0: none

	group     []channels.Arrival // what one step answers: never empty between begin and end
	purpose   purpose
	allowed   bool
	dirty     []uint64 // of the group: changed since the journal has it
	tries     int      // of the network, for the part in hand
	repeated  bool     // the turn may have begun before
	withdrawn bool     // taken back from the agent, if it had not begun
	typing    bool
	readUp    bool // the conversation was marked as read

	loaded bool
	stored stored
	commit *commit // under way, or to be tried again

	stop     stopping
	attempts int // that failed, in a row
	since    time.Time
	cause    string
	delay    time.Duration // of the pause under way
	waited   time.Duration // what the group's pauses came to, by their timers
}

// purpose is what a group is for.
type purpose uint8

const (
	forTurn    purpose = iota
	forContext         // it is told to the agent with the next turn
	forCommand
)

// stopping is a /stop that overtakes.
type stopping struct {
	seq   uint64 // its number; 0: none
	asked bool   // access is asked
	may   bool   // access allowed it
	ended bool   // it ended a turn
}

// holds is how many arrivals the lane has in memory.
func (l *lane) holds() int { return len(l.queue) + len(l.group) }

// seqs are their numbers, the lowest first.
func (l *lane) seqs() []uint64 {
	out := make([]uint64, 0, l.holds())
	for _, a := range slices.Concat(l.group, l.queue) {
		out = append(out, a.Seq)
	}
	if l.commit != nil {
		out = append(out, l.commit.ends...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// waitsFor is the agent that is asked about the conversation.
func (l *lane) waitsFor() string { return cmp.Or(l.asked, l.agent) }

// committed tells whether something is under way that ends by itself and is not to be thrown away: an answer.
func (l *lane) committed() bool { return l.stage == asking || l.stage == committing || l.commit != nil }

// enter begins an attempt: whatever was waited for before is stale.
func (s *step) enter(l *lane, to stage) attempt {
	l.stage, l.number = to, s.next()
	return attempt{l.place, l.number}
}

// goOn decides what a lane without a group does next.
func (s *step) goOn(l *lane) {
	s.topUp(l)
	switch {
	case s.drain != nil || s.windows.Of(l.account).removed:
		l.gone = true
	case l.firstIsBehind():
		s.enter(l, resting)
	case len(l.queue) == 0:
		l.gone = true
	default:
		s.start(l)
	}
}

// came looks at an arrival that has just come into the queue: it may change what is under way.
func (s *step) came(l *lane, a channels.Arrival) {
	switch {
	case isStop(a):
		s.heed(l)
	case l.stage == asking && !l.withdrawn && l.concerns(a):
		l.withdrawn = true
		s.add(kit.Tell{To: s.others.Agents, Msg: agents.Stop{ID: l.turnID(), Waiting: true}})
	}
}

// heed asks whether the next /stop in the queue may stop the turn, one after the other: a stranger's must not hide the
// owner's.
func (s *step) heed(l *lane) {
	if len(l.group) == 0 || l.purpose != forTurn || l.stop.asked || l.stop.may {
		return
	}
	for _, a := range l.queue {
		if isStop(a) && a.Seq > l.stop.seq {
			l.stop = stopping{seq: a.Seq, asked: true}
			s.add(kit.Ask{
				To: s.others.Access, Msg: access.Decide{Arrival: a, Mentions: s.config.Mentions}, Within: stateWithin,
				Tag: stopDecided{l.place, a.Seq},
			})
			return
		}
	}
}

// start makes the head of the queue the group.
func (s *step) start(l *lane) {
	head := l.queue[0]
	l.group, l.queue = []channels.Arrival{head}, l.queue[1:]
	l.allowed, l.dirty, l.tries, l.repeated, l.withdrawn, l.readUp = false, nil, 0, false, false, false
	l.stop.asked = l.stop.asked && l.stop.seq != head.Seq // a /stop that has its turn stops nothing any more
	_, command := access.Command(head.Text)
	switch {
	case head.Kind == channels.Command || head.Kind == channels.Message && command:
		l.purpose = forCommand
	case head.Kind == channels.Message:
		l.purpose = forTurn
		s.heed(l)
		if left := s.coalesce(l) - s.age(l); left > 0 {
			s.add(kit.After{Delay: left, Msg: wake{s.enter(l, collecting)}})
			return
		}
		s.collect(l)
		return
	default:
		l.purpose = forContext
	}
	s.load(l)
}

// coalesce is how long the lane waits for the rest of a message.
func (s *step) coalesce(l *lane) time.Duration {
	return time.Duration(s.common(l).CoalesceMs) * time.Millisecond
}

func (s *step) common(l *lane) *channels.Common {
	common := s.windows.Of(l.account).config.Common
	return &common
}

// woken ends a pause or a window.
func (s *step) woken(l *lane) {
	switch l.stage {
	case collecting:
		s.collect(l)
	case pausing:
		l.waited += l.delay
		s.resume(l)
	}
}

// resume goes on after a pause, from the start of the group's way: what held it up may have changed everything.
func (s *step) resume(l *lane) {
	switch {
	case l.commit != nil:
		s.write(l)
	case l.seq != 0:
		s.resolve(l)
	default:
		s.load(l)
	}
}

// load asks for the conversation's small state, unless it is known. Without one, all that there is of the conversation is of
// the older form.
func (s *step) load(l *lane) {
	if l.loaded {
		s.judge(l)
		return
	}
	s.add(kit.Ask{
		To: s.others.Journal, Msg: journal.GetState{Account: l.account, Conversation: l.conversation, Name: stateName},
		Within: stateWithin, Tag: s.enter(l, loading),
	})
}

// judge asks whether the group is allowed; what was taken back needs no judgement.
func (s *step) judge(l *lane) {
	if s.withdraw(l) {
		return
	}
	s.add(kit.Ask{
		To: s.others.Access, Msg: access.Decide{Arrival: l.merged(), Mentions: s.config.Mentions}, Within: stateWithin,
		Tag: s.enter(l, deciding),
	})
}

// arrived takes the one answer that the lane waits for.
func (s *step) arrived(l *lane, m kit.Answered) {
	switch l.stage {
	case loading:
		values, _ := m.Msg.(journal.Values)
		if err := errors.Join(m.Err, values.Err); err != nil {
			s.failed(l, fmt.Errorf("read the conversation: %w", err), 0)
			return
		}
		l.stored, l.loaded = newStored(values.Values), true
		l.repeated = l.repeated || l.stored.begun(l.turnID())
		s.judge(l)
	case deciding:
		decision, _ := m.Msg.(access.Decision)
		if err := errors.Join(m.Err, decision.Err); err != nil {
			s.failed(l, fmt.Errorf("ask whether the sender may write: %w", err), 0)
			return
		}
		s.decided(l, decision)
	case completing:
		s.completed(l, m)
	case fetching:
		s.fetched(l, m)
	case recalling:
		s.recalled(l, m)
	case asking:
		s.turned(l, m)
	case committing:
		s.written(l, m)
	}
}

// decided ends a group that is not allowed and goes on with one that is.
func (s *step) decided(l *lane, d access.Decision) {
	l.allowed = d.Allow
	if !d.Allow {
		e := ending{state: journal.Done, outcome: d.Outcome, reason: d.Reason}
		if d.Reply != "" {
			e.replies = []channels.Reply{s.notice(l, d.Reply)}
		}
		next := l.stored
		if d.Outcome == access.Unmentioned {
			next = next.with(l.line())
		}
		s.finish(l, e, next)
		return
	}
	switch l.purpose {
	case forTurn:
		s.prepare(l)
	case forContext:
		s.finish(l, ending{state: journal.Done, outcome: Contexted}, l.stored.with(l.line()))
	case forCommand:
		s.obey(l)
	}
}

// turnID names the turn of the group: the same one whenever it is begun.
func (l *lane) turnID() string {
	return fmt.Sprintf("%s/%d", l.account, l.group[0].Seq)
}
