package lanes

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/access"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
	"holdfast/channels/chunk"
)

// noticeKeep is how long the journal knows that a notice was given.
const noticeKeep = 24 * time.Hour

// then is what a lane does when its step is in the journal.
type then uint8

const (
	thenNext  then = iota // the group has ended
	thenJudge             // a part of the group has ended; go on with the rest
	thenAsk               // begin the turn
	thenPause             // after a notice
	thenMoved             // the arrival belongs to another lane
)

// commit is one step on its way to the journal. It is never changed once made, and tried again as it is.
type commit struct {
	ops    []journal.Op
	ends   []uint64 // arrivals that it ends
	then   then
	stored stored // the conversation's state after it
	loaded bool   // stored is what there is, and not just nothing
	delay  time.Duration
}

// ending is how a group ends.
type ending struct {
	state   journal.State
	outcome string
	reason  string
	ops     []journal.Op
	replies []channels.Reply
}

// finish ends the group: its arrivals, its replies and the conversation's state in one step.
func (s *step) finish(l *lane, e ending, next stored) {
	if e.outcome == Answered || e.outcome == Stopped {
		next.turn, next.notices = nil, notices{}
	}
	c := commit{then: thenNext, ops: slices.Clone(e.ops)}
	for _, a := range l.group {
		c.ends = append(c.ends, a.Seq)
		c.ops = append(c.ops, journal.End{
			Kind: journal.Arrivals, Seq: a.Seq, State: e.state, Outcome: e.outcome, Reason: e.reason,
		})
	}
	for _, r := range e.replies {
		c.ops = append(c.ops, journal.AddReply{Reply: r})
	}
	s.keep(l, &c, next)
	if e.state != journal.Done {
		s.add(kit.Note{Level: zerolog.WarnLevel, Text: "a message was not answered", Fields: append(l.fields(), "outcome", e.outcome, "cause", e.reason)})
	}
	l.commit = &c
	s.write(l)
}

// keep makes next the conversation's state, in the step. Of a history that nobody asks for nothing stays in memory.
func (s *step) keep(l *lane, c *commit, next stored) {
	c.stored, c.loaded = next, l.loaded
	if !l.loaded {
		return
	}
	c.ops = append(c.ops, l.stored.changes(next, l.conversation)...)
	c.stored.older = nil
	if !s.wantsHistory(l) {
		c.stored.past.said = nil
	}
}

// fields name the group in the log.
func (l *lane) fields() []any {
	return []any{"account", string(l.account), "conversation", l.conversation, "seq", l.group[0].Seq}
}

// write gives the step to the journal.
func (s *step) write(l *lane) {
	s.add(kit.Ask{
		To: s.others.Journal, Within: commitWithin,
		// That a turn may have begun must be on the disk before it does: a crash must not repeat it unmarked.
		Msg: journal.Commit{Account: l.account, Ops: l.commit.ops, Sync: l.commit.then == thenAsk},
		Tag: s.enter(l, committing),
	})
}

// written goes on after a step. One whose outcome is not known is tried again as it is: what it ends, ends once.
func (s *step) written(l *lane, m kit.Answered) {
	c := *l.commit
	committed, _ := m.Msg.(journal.Committed)
	err := errors.Join(m.Err, committed.Err)
	switch {
	case errors.Is(err, journal.ErrEnded):
		s.retract(l)
		return
	case err != nil:
		l.trouble(s.now, fmt.Errorf("write to the journal: %w", err))
		s.pause(l, l.pauseLength())
		return
	}
	l.commit = nil
	if c.loaded {
		l.stored, l.loaded = c.stored, true
	}
	s.over(l, c.ends...)
	s.follow(l, c)
}

// follow does what comes after a step that is written.
func (s *step) follow(l *lane, c commit) {
	switch {
	case c.then == thenNext:
		l.group, l.stop.may = nil, false // a stop that came too late for this turn is none of the next
		l.well()
		s.goOn(l)
	case c.then == thenMoved:
		a := l.group[0]
		s.release(l, a.Seq)
		l.group, l.gone = nil, true
		s.moved(a)
	case s.drain != nil || s.windows.Of(l.account).removed:
		l.gone = true // what is not begun begins after the next start
	case l.stop.may:
		s.halt(l)
	case c.then == thenJudge:
		s.judge(l)
	case c.then == thenAsk:
		l.dirty = nil
		if s.lacksHistory(l) { // a reload came meanwhile
			s.prepare(l)
			return
		}
		s.ask(l)
	case c.then == thenPause:
		s.pause(l, c.delay)
	}
}

// sayLate tells the sender once per trouble that the answer takes longer, then pauses.
func (s *step) sayLate(l *lane, delay time.Duration) {
	c, next := commit{then: thenPause, delay: delay}, l.stored
	next.notices.Late = true
	c.ops = append(c.ops, journal.AddReply{
		Reply: s.notice(l, lateText), Claim: "late/" + l.turnID(), Keep: noticeKeep,
	})
	s.keep(l, &c, next)
	l.commit = &c
	s.write(l)
}

// notice is a reply of the gateway's own.
func (s *step) notice(l *lane, text string) channels.Reply {
	r := s.part(l, 1, 1)
	r.Text, r.Notice = text, true
	r.Nonce = nonce(l, text)
	return r
}

// parts is an answer as the network takes it. Attachments go with the first part.
func (s *step) parts(l *lane, answer backend.Answer) []channels.Reply {
	c := s.windows.Of(l.account).config
	texts := chunk.Split(answer.Text, c.textLimit(), c.Common.ChunkMode)
	if len(texts) == 0 && len(answer.Attachments) > 0 {
		texts = []string{""}
	}
	var out []channels.Reply
	for i, text := range texts {
		r := s.part(l, i+1, len(texts))
		r.Text = text
		if i == 0 {
			r.Attachments = answer.Attachments
		}
		out = append(out, r)
	}
	return out
}

// textLimit is the smaller one of what the network takes and what is set, in characters; 0: none.
func (a Account) textLimit() int {
	set, network := max(0, a.Common.TextChunkLimit), max(0, a.Limits.Text)
	if set == 0 || network == 0 {
		return max(set, network)
	}
	return min(set, network)
}

func (s *step) part(l *lane, part, parts int) channels.Reply {
	first := l.group[0]
	return channels.Reply{
		Account: l.account, Conversation: l.conversation, Origin: first.Origin, Ticket: first.Ticket, At: s.now,
		Part: part, Parts: parts, Nonce: nonce(l, fmt.Sprint(part)), ReplyTo: s.quoted(l),
	}
}

// quoted is the message that an answer names: the one that it answers, where the network's answers always do, or where its
// sender wrote in a thread.
func (s *step) quoted(l *lane) string {
	last := l.group[0]
	for _, m := range l.group {
		if m.Kind == channels.Message {
			last = m
		}
	}
	if s.windows.Of(l.account).config.Limits.Quotes || last.ReplyTo != "" {
		return last.ID
	}
	return ""
}

// nonce names a reply: the same one has the same name whenever it is made, no other has it.
func nonce(l *lane, what string) string {
	first := l.group[0]
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d\n%s", l.account, first.Seq, first.At.UnixNano(), what))
	return hex.EncodeToString(sum[:16])
}

func isCommand(a channels.Arrival) bool {
	_, is := access.Command(a.Text)
	return is
}

// allows tells whether access said yes.
func allows(m kit.Answered) bool {
	d, _ := m.Msg.(access.Decision)
	return m.Err == nil && d.Err == nil && d.Allow
}
