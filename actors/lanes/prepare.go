package lanes

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

const (
	completeWithin = 30 * time.Second
	fetchWithin    = 5 * time.Minute
	callSlack      = 10 * time.Second // the supervisor's answer may take that much longer

	networkTries   = 8 // for a part, until the agent gets what there is
	completeLonger = 30 * time.Second
	maxAttachments = 64 // of one turn; the agent hears of the others
)

// prepare does what is missing until the turn can begin: parts, attachments, the mark of the turn in the journal.
func (s *step) prepare(l *lane) {
	if s.withdraw(l) {
		return
	}
	if s.timeLeft(l) <= 0 {
		s.expire(l)
		return
	}
	if i := l.lacking(); i >= 0 {
		s.complete(l, l.group[i])
		return
	}
	if i, j, found := s.unfetched(l); found {
		s.call(l, fetching, run.Fetch{Attachment: l.group[i].Attachments[j], Max: s.largest(l)}, fetchWithin)
		return
	}
	m := l.merged()
	if m.Text == "" && len(m.Attachments) == 0 {
		s.finish(l, ending{state: journal.Done, outcome: Empty}, l.stored)
		return
	}
	if s.lacksHistory(l) {
		s.recall(l)
		return
	}
	s.mark(l)
}

// recall asks for the conversation's history. The lane keeps it while it lives, all but in pauses.
func (s *step) recall(l *lane) {
	s.add(kit.Ask{
		To: s.others.Journal, Msg: journal.GetState{Account: l.account, Conversation: l.conversation, Prefix: entryPrefix},
		Within: stateWithin, Tag: s.enter(l, recalling),
	})
}

func (s *step) recalled(l *lane, m kit.Answered) {
	values, _ := m.Msg.(journal.Values)
	if err := errors.Join(m.Err, values.Err); err != nil {
		s.failed(l, fmt.Errorf("read the conversation's history: %w", err), 0)
		return
	}
	l.stored.past = l.stored.past.recalled(values.Values)
	s.prepare(l)
}

// call asks the network of the account to do something.
func (s *step) call(l *lane, st stage, op run.Op, within time.Duration) {
	s.add(kit.Ask{
		To: s.windows.Of(l.account).config.Supervisor, Within: within + callSlack, Tag: s.enter(l, st),
		Msg: supervisor.Call{Account: l.account, Op: op, Within: within},
	})
}

// aside asks the network for something beside what the lane waits for.
func (s *step) aside(l *lane, op run.Op, tag any) {
	s.add(kit.Ask{
		To: s.windows.Of(l.account).config.Supervisor, Within: completeWithin + callSlack, Tag: tag,
		Msg: supervisor.Call{Account: l.account, Op: op, Within: completeWithin},
	})
}

// lacking is the first part of the group that the network has to complete; -1: none.
func (l *lane) lacking() int {
	return slices.IndexFunc(l.group, func(a channels.Arrival) bool { return a.Incomplete })
}

func (s *step) complete(l *lane, a channels.Arrival) {
	s.call(l, completing, run.Complete{Arrival: a, Try: l.tries + 1}, completeWithin)
}

// resolve finds the conversation of an arrival that came without one.
func (s *step) resolve(l *lane) {
	if s.timeLeft(l) <= 0 {
		s.expire(l)
		return
	}
	s.complete(l, l.group[0])
}

// completed takes what the network knows of a part.
func (s *step) completed(l *lane, m kit.Answered) {
	i := max(0, l.lacking())
	a := l.group[i]
	r, _ := m.Msg.(run.Result)
	err := errors.Join(m.Err, r.Err)
	if again := s.unanswered(l, m.Err, r.Err, "complete the message"); again {
		return
	}
	if err == nil {
		a = filled(a, r.Arrival)
		if l.tries++; a.Incomplete && l.tries < networkTries {
			l.set(i, a)
			s.pause(l, min(firstPause<<l.tries, completeLonger))
			return
		}
	}
	a.Incomplete, l.tries = false, 0
	l.set(i, a)
	switch {
	case l.seq == 0:
		s.prepare(l)
	case a.Conversation != "":
		l.commit = &commit{ops: []journal.Op{s.rewrite(l, a)}, then: thenMoved}
		s.write(l)
	default:
		reason := "the network does not say which conversation it belongs to"
		if err != nil {
			reason = oneLine(err)
		}
		s.finish(l, ending{state: journal.Dead, outcome: Homeless, reason: reason}, l.stored)
	}
}

// unanswered pauses when the network could not be asked, or gave no clear answer and has tries left.
func (s *step) unanswered(l *lane, asked, said error, what string) bool {
	if asked == nil && said == nil {
		return false
	}
	switch outcome := channels.OutcomeOf(said); {
	case asked != nil: // nothing was said
	case outcome == channels.Rejected:
		return false
	case outcome == channels.Unknown:
		if l.tries++; l.tries >= networkTries {
			return false
		}
	}
	s.failed(l, fmt.Errorf("%s: %w", what, errors.Join(asked, said)), pauseOf(said))
	return true
}

// filled is an arrival as the network knows it, with what only the journal knows.
func filled(a, known channels.Arrival) channels.Arrival {
	known.Seq, known.Account, known.Origin, known.Ticket, known.At = a.Seq, a.Account, a.Origin, a.Ticket, a.At
	known.ID, known.Kind, known.Version, known.Target = a.ID, a.Kind, a.Version, a.Target
	if a.Conversation != "" {
		known.Conversation, known.Group = a.Conversation, a.Group // its lane does not change any more
	}
	return known
}

// rewrite is the op that keeps what is known of an arrival by now, with the claims of what it covers.
func (s *step) rewrite(l *lane, a channels.Arrival) journal.Op {
	return journal.Rewrite{Arrival: a, Keep: s.windows.Of(l.account).config.Limits.RepeatWindow}
}

// set replaces a part of the group.
func (l *lane) set(i int, a channels.Arrival) {
	l.group = slices.Clone(l.group)
	l.group[i] = a
	if !slices.Contains(l.dirty, a.Seq) {
		l.dirty = append(slices.Clip(l.dirty), a.Seq)
	}
}

// largest is the size that an attachment of the account may have, in bytes.
func (s *step) largest(l *lane) int64 {
	w := s.windows.Of(l.account)
	out := int64(w.config.Common.MediaMaxMB) << 20
	if limit := w.config.Limits.Attachment; limit > 0 {
		out = min(out, limit)
	}
	return out
}

// unfetched finds the next attachment to fetch; those that would not be taken are given up on the way.
func (s *step) unfetched(l *lane) (part, file int, found bool) {
	count := 0
	for i := range l.group {
		for j := range l.group[i].Attachments {
			a := l.group[i].Attachments[j]
			count++
			switch {
			case a.Blob != "" || a.Gone != "":
			case count > maxAttachments:
				l.giveUp(i, j, fmt.Sprintf("too many attachments: at most %d are fetched", maxAttachments))
			case a.Size > s.largest(l):
				l.giveUp(i, j, fmt.Sprintf("too large: %d bytes, at most %d are taken", a.Size, s.largest(l)))
			default:
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// giveUp tells the agent why there is no file.
func (l *lane) giveUp(i, j int, why string) {
	a := l.group[i].Attachments[j]
	a.Gone = why
	l.attach(i, j, a)
}

func (l *lane) attach(i, j int, file channels.Attachment) {
	part := l.group[i]
	part.Attachments = slices.Clone(part.Attachments)
	part.Attachments[j] = file
	l.set(i, part)
}

// fetched takes an attachment that lies in the state folder now, or gives it up.
func (s *step) fetched(l *lane, m kit.Answered) {
	r, _ := m.Msg.(run.Result)
	i, j, found := s.unfetched(l)
	if !found {
		s.prepare(l)
		return
	}
	if again := s.unanswered(l, m.Err, r.Err, "fetch an attachment"); again {
		return
	}
	l.tries = 0
	switch {
	case r.Err != nil:
		l.giveUp(i, j, oneLine(r.Err))
	case !isHash(r.Attachment.Blob):
		l.giveUp(i, j, "the network gave no file")
	default:
		l.attach(i, j, r.Attachment)
	}
	s.prepare(l)
}

// isHash tells whether a blob is named as the journal names it: one that is not would hold the step up for ever.
func isHash(blob string) bool {
	return len(blob) == hex.EncodedLen(sha256.Size) && strings.Trim(blob, "0123456789abcdef") == ""
}

// mark writes down what was found and that the turn may have begun from now on. Its answer begins the turn.
func (s *step) mark(l *lane) {
	c := commit{then: thenAsk}
	keep := s.common(l).KeepMedia.D()
	for _, a := range l.group {
		changed := slices.Contains(l.dirty, a.Seq)
		if changed || l.attempts > 0 { // what is tried again is named, or nobody would say that an operator dropped it
			c.ops = append(c.ops, s.rewrite(l, a))
		}
		if !changed {
			continue
		}
		for _, f := range a.Attachments {
			if isHash(f.Blob) {
				c.ops = append(c.ops, journal.Pin{Seq: a.Seq, Blob: f.Blob, Keep: keep})
			}
		}
	}
	attempt := 1
	if l.stored.begun(l.turnID()) {
		attempt = l.stored.turn.Attempt + 1
	}
	next := l.stored
	next.turn = &turnMark{ID: l.turnID(), Attempt: attempt}
	s.keep(l, &c, next)
	l.commit = &c
	s.write(l)
}
