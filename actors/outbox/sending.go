package outbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// begin takes the first reply of a lane up: one whose last attempt's outcome is not known is looked up first. Nothing is begun
// for an account that is known to be down: a crash between an attempt and the word that it came to nothing would leave a
// reply whose outcome nobody knows.
func (s State) begin(id channels.Account, conversation string, in kit.In) (State, []kit.Effect) {
	a := s.Accounts.Of(id)
	l := a.lanes.Of(conversation)
	r := l.held[0]
	open := r.Attempt > 0 && !r.FirstTry.IsZero()
	if !open && a.cfg.Expire > 0 && in.Now.Sub(r.At) > a.cfg.Expire {
		return s.end(id, conversation, journal.End{
			Kind: journal.Replies, Seq: r.Seq, State: journal.Expired, Outcome: "expired",
			Reason: fmt.Sprintf("could not be sent for %s: %s", a.cfg.Expire, a.cause),
		}, nil)
	}
	switch {
	case !a.up:
		return s.pause(id, conversation, "the account is not connected", 0, open)
	case open:
		return s.ours(id, conversation, in)
	}
	return s.mark(id, conversation, in)
}

// mark writes the attempt down before the platform is called.
func (s State) mark(id channels.Account, conversation string, in kit.In) (State, []kit.Effect) {
	a := s.Accounts.Of(id)
	l := a.lanes.Of(conversation)
	l.held = slices.Clone(l.held)
	l.held[0].Attempt++
	l.held[0].FirstTry = in.Now
	r := l.held[0]
	s, tag := s.under(id, conversation, l, marking)
	return s, []kit.Effect{kit.Ask{To: s.Journal, Within: journalWithin, Tag: tag, Msg: journal.Commit{
		Account: id, Sync: true,
		Ops: []journal.Op{journal.Attempt{Seq: r.Seq, Attempt: r.Attempt, At: in.Now}},
	}}}
}

// under gives the lane's work a number; whatever answers another number is stale.
func (s State) under(id channels.Account, conversation string, l lane, what step) (State, stepped) {
	s.Count++
	l.work, l.step = s.Count, what
	a := s.Accounts.Of(id)
	a.put(conversation, l)
	return s.with(id, a), stepped{id, conversation, s.Count}
}

// stepped goes from one step of the first reply to the next. When that gave a place of the network back, others begin: also
// while the end of this one is still being written down.
func (s State) stepped(tag stepped, m kit.Answered, in kit.In) (State, []kit.Effect) {
	a, known := s.Accounts.Get(tag.account)
	l, busy := a.lanes.Get(tag.conversation)
	if !known || !busy || l.work != tag.number {
		return s, nil
	}
	next, effects := s.onward(tag, a, l, m, in)
	next, more := next.start(tag.account, in)
	return next, append(effects, more...)
}

func (s State) onward(tag stepped, a account, l lane, m kit.Answered, in kit.In) (State, []kit.Effect) {
	switch l.step {
	case marking:
		c, ok := m.Msg.(journal.Committed)
		switch {
		case ok && errors.Is(c.Err, journal.ErrEnded):
			return s.next(tag, in) // the operator dropped it
		case !ok || c.Err != nil:
			return s.pause(tag.account, tag.conversation, "the journal did not take the attempt", 0, false)
		case a.gone:
			return s.close(tag, "the account is gone", 0)
		}
		return s.send(tag)
	case sending:
		res, ok := m.Msg.(run.Result)
		if !ok {
			res.Err = fmt.Errorf("the channel gave no answer: %w", m.Err)
		}
		return s.sent(tag, res, in)
	case closing:
		c, ok := m.Msg.(journal.Committed)
		if ok && errors.Is(c.Err, journal.ErrEnded) {
			return s.next(tag, in)
		}
		return s.pause(tag.account, tag.conversation, l.cause, l.after, !ok || c.Err != nil)
	case asking:
		ours, ok := m.Msg.(journal.OursAre)
		if !ok || ours.Err != nil {
			return s.pause(tag.account, tag.conversation, "the journal could not say which messages are ours", 0, true)
		}
		return s.find(tag, ours)
	case finding:
		res, ok := m.Msg.(run.Result)
		if !ok {
			res.Err = fmt.Errorf("the channel gave no answer: %w", m.Err)
		}
		return s.found(tag, res, in)
	case ending:
		if c, ok := m.Msg.(journal.Committed); !ok || c.Err != nil && !errors.Is(c.Err, journal.ErrEnded) {
			return s.pause(tag.account, tag.conversation, "the journal did not take the end", 0, true)
		}
		return s.next(tag, in)
	}
	return s, nil
}

func (s State) call(tag stepped, op run.Op, within time.Duration) kit.Effect {
	a := s.Accounts.Of(tag.account)
	return kit.Ask{
		To: a.cfg.Supervisor, Within: within + callMargin, Tag: tag,
		Msg: supervisor.Call{Account: tag.account, Op: op, Within: within},
	}
}

func (s State) send(tag stepped) (State, []kit.Effect) {
	a := s.Accounts.Of(tag.account)
	l := a.lanes.Of(tag.conversation)
	within := a.cfg.Limits.SendWithin
	if within <= 0 {
		within = sendWithin
	}
	s, next := s.under(tag.account, tag.conversation, l, sending)
	return s, []kit.Effect{s.call(next, run.Send{Reply: l.held[0]}, within)}
}

// sent judges what the network said.
func (s State) sent(tag stepped, res run.Result, in kit.In) (State, []kit.Effect) {
	if res.Err == nil {
		return s.delivered(tag, res.Receipt)
	}
	var failure *channels.Failure
	after := time.Duration(0)
	if errors.As(res.Err, &failure) {
		after = failure.After
	}
	r := s.Accounts.Of(tag.account).lanes.Of(tag.conversation).held[0]
	switch channels.OutcomeOf(res.Err) {
	case channels.Rejected:
		return s.dead(tag, "rejected", res.Err.Error())
	case channels.NotSent:
		return s.close(tag, res.Err.Error(), after)
	case channels.Unknown:
	}
	next, effects := s.pause(tag.account, tag.conversation, res.Err.Error(), after, true)
	return next, append([]kit.Effect{kit.Note{
		Level: zerolog.WarnLevel, Text: "it is not known whether a reply went out; it will be looked up",
		Fields: []any{"account", string(tag.account), "seq", r.Seq, "attempt", r.Attempt, "cause", res.Err.Error()},
	}}, effects...)
}

// close writes down that the attempt certainly did not go out. Otherwise a crash in the pause after it would leave an attempt
// whose outcome nobody knows.
func (s State) close(tag stepped, cause string, after time.Duration) (State, []kit.Effect) {
	l := s.Accounts.Of(tag.account).lanes.Of(tag.conversation)
	l.cause, l.after = cause, after
	r := l.held[0]
	s, next := s.under(tag.account, tag.conversation, l, closing)
	return s, []kit.Effect{kit.Ask{
		To: s.Journal, Within: journalWithin, Tag: next,
		Msg: journal.Commit{Account: tag.account, Ops: []journal.Op{journal.Attempt{Seq: r.Seq, Attempt: r.Attempt}}},
	}}
}

// ours asks for the ids of our messages in the conversation, so that a look-up does not take another reply for this one.
func (s State) ours(id channels.Account, conversation string, in kit.In) (State, []kit.Effect) {
	l := s.Accounts.Of(id).lanes.Of(conversation)
	if l.unknown.IsZero() {
		l.unknown = in.Now
	}
	s, tag := s.under(id, conversation, l, asking)
	return s, []kit.Effect{kit.Ask{To: s.Journal, Within: journalWithin, Tag: tag, Msg: journal.Ours{Account: id, Conversation: conversation}}}
}

func (s State) find(tag stepped, ours journal.OursAre) (State, []kit.Effect) {
	l := s.Accounts.Of(tag.account).lanes.Of(tag.conversation)
	s, next := s.under(tag.account, tag.conversation, l, finding)
	return s, []kit.Effect{s.call(next, run.Find{Reply: l.held[0], Claimed: slices.Sorted(maps.Keys(ours.Replies))}, findWithin)}
}

// found: delivered, or proven not sent and sent again, or asked again later, or parked.
func (s State) found(tag stepped, res run.Result, in kit.In) (State, []kit.Effect) {
	l := s.Accounts.Of(tag.account).lanes.Of(tag.conversation)
	switch {
	case res.Err == nil && res.Found:
		return s.delivered(tag, res.Receipt)
	case res.Err == nil:
		l.unknown = time.Time{}
		a := s.Accounts.Of(tag.account)
		a.put(tag.conversation, l)
		return s.with(tag.account, a).mark(tag.account, tag.conversation, in)
	case errors.Is(res.Err, run.ErrNotOffered):
		return s.dead(tag, "unknown", "it is not known whether it went out, and this network cannot be asked; look there, then resend or drop it")
	case in.Now.Sub(l.unknown) > findUntil:
		return s.dead(tag, "unknown", fmt.Sprintf("it is not known whether it went out, and for %s it could not be found out (%v); look there, then resend or drop it", findUntil, res.Err))
	}
	return s.pause(tag.account, tag.conversation, res.Err.Error(), 0, true)
}

func (s State) delivered(tag stepped, receipt channels.Receipt) (State, []kit.Effect) {
	r := s.Accounts.Of(tag.account).lanes.Of(tag.conversation).held[0]
	end := journal.End{Kind: journal.Replies, Seq: r.Seq, State: journal.Done, Outcome: "sent"}
	return s.end(tag.account, tag.conversation, end, &journal.Receive{Seq: r.Seq, Conversation: tag.conversation, Receipt: receipt})
}

func (s State) dead(tag stepped, outcome, reason string) (State, []kit.Effect) {
	r := s.Accounts.Of(tag.account).lanes.Of(tag.conversation).held[0]
	next, effects := s.end(tag.account, tag.conversation,
		journal.End{Kind: journal.Replies, Seq: r.Seq, State: journal.Dead, Outcome: outcome, Reason: reason}, nil)
	return next, append(effects, kit.Note{
		Level: zerolog.ErrorLevel, Text: "a reply is dead; see journal show and resend",
		Fields: []any{"account", string(tag.account), "seq", r.Seq, "attempt", r.Attempt, "cause", reason},
	})
}

func (s State) end(id channels.Account, conversation string, end journal.End, receipt *journal.Receive) (State, []kit.Effect) {
	ops := []journal.Op{end}
	if receipt != nil {
		ops = append(ops, *receipt)
	}
	s, tag := s.under(id, conversation, s.Accounts.Of(id).lanes.Of(conversation), ending)
	return s, []kit.Effect{kit.Ask{To: s.Journal, Within: journalWithin, Tag: tag, Msg: journal.Commit{Account: id, Ops: ops}}}
}

// pause lets a lane wait; unknown says that the outcome of the attempt is open and must be found out first.
func (s State) pause(id channels.Account, conversation, cause string, after time.Duration, unknown bool) (State, []kit.Effect) {
	a := s.Accounts.Of(id)
	l := a.lanes.Of(conversation)
	l.held = slices.Clone(l.held)
	if !unknown {
		l.held[0].FirstTry = time.Time{}
	}
	l.pause = min(max(l.pause*2, pauseFirst), pauseMost)
	l.work, l.paused, l.bidden = 0, true, after > 0
	a.cause = cause
	s.Count++
	number := s.Count
	l.step = ""
	l.resume = number
	a.put(conversation, l)
	s = s.with(id, a)
	pause := max(l.pause, after)
	effects := []kit.Effect{kit.After{Delay: pause, Jitter: pauseJitter, Msg: pauseOver{id, conversation, number}}}
	if l.pause == pauseFirst {
		effects = append(effects, kit.Note{Level: zerolog.WarnLevel, Text: "sending pauses", Fields: []any{
			"account", string(id),
			"seq", l.held[0].Seq, "pause", pause.String(), "cause", cause,
		}})
	}
	return s, effects
}

func (s State) resume(m pauseOver, in kit.In) (State, []kit.Effect) {
	a, known := s.Accounts.Get(m.account)
	l, busy := a.lanes.Get(m.conversation)
	if !known || !busy || !l.paused || l.resume != m.number {
		return s, nil
	}
	l.paused = false
	a.put(m.conversation, l)
	return s.with(m.account, a).start(m.account, in)
}

// connected ends the pauses of an account that can send again, but for those that the network itself asked for. Lanes that fail
// once more pause shortly at first.
func (s State) connected(id channels.Account, in kit.In) (State, []kit.Effect) {
	a, known := s.Accounts.Get(id)
	if !known || a.gone {
		return s, nil
	}
	a.up = true
	for conversation, l := range a.lanes.All() {
		if l.paused && !l.bidden {
			l.paused, l.pause = false, 0
			a.put(conversation, l)
		}
	}
	return s.with(id, a).start(id, in)
}

func (s State) disconnected(id channels.Account) State {
	a, known := s.Accounts.Get(id)
	if !known || a.gone {
		return s
	}
	a.up = false
	return s.with(id, a)
}

// next lets the first reply go, which has ended, and asks for what there is room for.
func (s State) next(tag stepped, in kit.In) (State, []kit.Effect) {
	a := s.Accounts.Of(tag.account)
	l := a.lanes.Of(tag.conversation)
	a.ok, a.cause = in.Now, ""
	a.rest(tag.conversation, lane{held: l.held[1:], last: l.last, over: l.over})
	return s.with(tag.account, a).fill(tag.account)
}
