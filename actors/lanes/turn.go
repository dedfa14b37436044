package lanes

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

const (
	typingEvery = 20 * time.Second // networks show typing for a while only, some for less than a minute
	typingMost  = 30               // times in one turn: ten minutes; whoever waits longer has gone
)

// ask begins the turn.
func (s *step) ask(l *lane) {
	if !l.readUp && !s.windows.Of(l.account).unable.reads {
		s.aside(l, run.MarkRead{Conversation: l.conversation}, reading{l.account})
	}
	l.readUp = true
	m, begun := l.merged(), s.enter(l, asking)
	if !s.windows.Of(l.account).unable.typing {
		l.typing = true
		s.showTyping(l, typing{begun, 1})
	}
	l.asked = s.agentOf(l.place)
	turn := backend.Turn{
		ID: l.turnID(), Repeated: l.repeated, Agent: l.asked, Account: l.account, Conversation: l.conversation,
		Group: m.Group, Sender: m.Sender, Text: m.Text, Attachments: m.Attachments,
		Context: l.stored.context,
	}
	if s.wantsHistory(l) {
		turn.History = l.stored.past.told(s.common(l).History(m.Group))
	}
	l.withdrawn = false
	s.add(kit.Ask{
		To: s.others.Agents, Msg: agents.Turn{Turn: turn}, Within: max(minTurn, s.timeLeft(l)), Tag: begun,
	})
}

// showTyping shows that an answer is being written.
func (s *step) showTyping(l *lane, t typing) {
	s.aside(l, run.Typing{Conversation: l.conversation, On: true}, t)
}

// typingOver takes back that an answer is being written. Nobody minds if that fails.
func (s *step) typingOver(l *lane) {
	if !s.windows.Of(l.account).unable.typing {
		s.aside(l, run.Typing{Conversation: l.conversation}, aside{})
	}
}

// learn remembers a sign that the network cannot show.
func (s *step) learn(id channels.Account, m kit.Answered, what func(*unable)) {
	r, _ := m.Msg.(run.Result)
	if w, known := s.windows.Get(id); known && errors.Is(r.Err, run.ErrNotOffered) {
		what(&w.unable)
		s.set(w)
	}
}

// typed has typing shown again after a while, as long as the turn goes on: not before the network has answered, so that
// one that is slow is asked one thing at a time, and not where it cannot show it at all.
func (s *step) typed(t typing, m kit.Answered) {
	r, _ := m.Msg.(run.Result)
	if t.times < typingMost && (r.Err == nil || channels.OutcomeOf(r.Err) != channels.Rejected) {
		t.times++
		s.add(kit.After{Delay: typingEvery, Msg: typeOn{t}})
	}
}

// turned takes the agent's word.
func (s *step) turned(l *lane, m kit.Answered) {
	if l.typing {
		l.typing = false
		s.typingOver(l)
	}
	t, told := m.Msg.(agents.Turned)
	takenBack := t.Stopped && l.withdrawn && !l.stop.may
	l.repeated = l.repeated || !takenBack
	switch {
	case !told:
		s.add(kit.Tell{To: s.others.Agents, Msg: agents.Stop{ID: l.turnID()}})
		s.failed(l, fmt.Errorf("ask the agent: %w", m.Err), 0)
	case takenBack && s.drain == nil:
		s.judge(l)
	case t.Err == nil:
		s.reply(l, t.Answer)
	case t.Refused && !(t.Unknown && s.configured(l)):
		s.refuse(l, t.Err)
	default:
		s.failed(l, t.Err, pauseOf(t.Err))
	}
}

// configured tells whether the agent that the agents do not know yet is on its way: a reload reaches us one by one.
func (s *step) configured(l *lane) bool {
	_, is := s.config.Agents[s.agentOf(l.place)]
	return is
}

// reply ends the group with the agent's answer, its history and its attachments in one step. A file that the agent did
// not store is none.
func (s *step) reply(l *lane, answer backend.Answer) {
	m := l.merged()
	answer.Attachments = slices.DeleteFunc(slices.Clone(answer.Attachments), func(f channels.Attachment) bool { return !isHash(f.Blob) })
	next := l.stored.answered(m, answer, s.now, s.common(l).History(m.Group))
	e := ending{state: journal.Done, outcome: Answered, replies: s.parts(l, answer)}
	for _, f := range answer.Attachments {
		// The arrival's end starts the time: until then its replies have gone out or expired.
		keep := max(s.common(l).KeepMedia.D(), s.common(l).ExpireAfter.D())
		e.ops = append(e.ops, journal.Pin{Seq: l.group[0].Seq, Blob: f.Blob, Keep: keep})
	}
	s.finish(l, e, next)
}

// refuse ends the group as dead: trying again will not help, and the sender hears that.
func (s *step) refuse(l *lane, err error) {
	s.finish(l, ending{
		state: journal.Dead, outcome: Refused, reason: oneLine(err), replies: []channels.Reply{s.notice(l, refusedText)},
	}, l.stored)
}

// halt ends the group by its sender's wish.
func (s *step) halt(l *lane) {
	l.stop.ended = true
	s.finish(l, ending{state: journal.Done, outcome: Stopped}, l.stored)
}

// stopDecided hears whether a /stop that overtakes may stop.
func (s *step) stopDecided(tag stopDecided, m kit.Answered) {
	s.visitAny(tag.place, func(l *lane) {
		if l.stop.seq != tag.seq || !l.stop.asked {
			return
		}
		l.stop.asked = false
		if len(l.group) == 0 || l.purpose != forTurn {
			return
		}
		if !allows(m) {
			s.heed(l) // it hears so when it is its turn; perhaps another one may
			return
		}
		l.stop.may = true
		switch l.stage {
		case asking:
			s.add(kit.Tell{To: s.others.Agents, Msg: agents.Stop{ID: l.turnID()}})
		case committing, resting:
			// what is on its way to the journal arrives; written looks at the stop after it
		default:
			if l.commit == nil {
				s.halt(l)
			}
		}
	})
}

// retract is for a step of which the journal says that a part has ended already: an operator dropped it. What is still
// pending is there, so the lane forgets all that it holds and takes it anew.
func (s *step) retract(l *lane) {
	seqs := l.seqs()
	if l.seq != 0 {
		l.gone = true
		return
	}
	s.release(l, seqs...)
	from := seqs[0] - 1
	if l.behind {
		from = min(from, l.from)
	}
	l.behind, l.from, l.taking = true, from, 0
	l.queue, l.group, l.commit, l.loaded, l.stop = nil, nil, nil, false, stopping{}
	l.well()
	s.goOn(l)
}

// well forgets past failures.
func (l *lane) well() {
	l.attempts, l.since, l.cause, l.tries, l.waited = 0, time.Time{}, "", 0, 0
}
