package run

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

const (
	// maxCalls bounds the goroutines of calls of one run; further calls are NotSent.
	maxCalls = 64
	// maxStuck is how many calls may hang before the run gives itself up: a network that keeps nothing of its promises is
	// better off with a new connection.
	maxStuck = 8
	// startingAfter is the pause asked of whoever calls before the network is connected.
	startingAfter = 500 * time.Millisecond
	// busyAfter is the pause asked of whoever calls while maxCalls are under way.
	busyAfter = 2 * time.Second
	// maxGrace is how much earlier than the deadline the network's context ends, at most, so that a network that respects it
	// can still say what it knows of the outcome. It is never more than a tenth of the time there is.
	maxGrace = 500 * time.Millisecond
)

// held is a call whose goroutine is not gone.
type held struct {
	number   uint64
	op       string
	from     kit.Return
	since    time.Time
	deadline time.Time
	answered bool // the deadline passed first: the goroutine is stuck
}

// callDue is the deadline of a call.
type callDue struct{ number uint64 }

// Perform is the job of one call. Its value is a Result.
type Perform struct {
	Op    Op
	Until time.Time // end of the network's context
}

// call begins a call, or says at once why it does not.
func (s State) call(m Call, in kit.In) (State, []kit.Effect) {
	left := m.Deadline.Sub(in.Now)
	switch {
	case s.Phase == Starting:
		return s, refuse(in, startingAfter, "the account is still connecting")
	case s.Phase != Up:
		return s, refuse(in, startingAfter, "this run takes no more calls")
	case left <= 0:
		return s, refuse(in, 0, "the deadline was over before the call began")
	case len(s.calls) >= maxCalls:
		return s, refuse(in, busyAfter, fmt.Sprintf("%d calls are under way, and this is the limit", len(s.calls)))
	}
	s.number++
	s.calls = append(slices.Clip(s.calls), held{number: s.number, op: nameOf(m.Op), from: in.From, since: in.Now, deadline: m.Deadline})
	return s, []kit.Effect{
		kit.Do{Job: Perform{Op: m.Op, Until: m.Deadline.Add(-min(maxGrace, left/10))}, Tag: called{s.number}},
		kit.After{Delay: left, Msg: callDue{s.number}, For: called{s.number}},
	}
}

// called takes the end of a call's goroutine.
func (s State) called(tag called, m kit.Done) (State, []kit.Effect) {
	at := slices.IndexFunc(s.calls, func(c held) bool { return c.number == tag.number })
	if at < 0 {
		return s, nil
	}
	c := s.calls[at]
	s.calls = slices.Delete(slices.Clone(s.calls), at, at+1)
	var effects []kit.Effect
	if !c.answered {
		result, whole := m.Msg.(Result)
		if !whole || m.Err != nil {
			result = Result{Err: fmt.Errorf("%s: the network's code ended without a result: %w", c.op, m.Err)}
		}
		effects = append(effects, kit.Answer{To: c.from, Msg: result})
	}
	return s.wane(effects)
}

// callDue answers a call at its deadline, whatever its goroutine does.
func (s State) callDue(m callDue) (State, []kit.Effect) {
	at := slices.IndexFunc(s.calls, func(c held) bool { return c.number == m.number && !c.answered })
	if at < 0 {
		return s, nil
	}
	s.calls = slices.Clone(s.calls)
	c := &s.calls[at]
	c.answered = true
	effects := []kit.Effect{kit.Answer{To: c.from, Msg: Result{Err: fmt.Errorf("%s did not end by its deadline, %s after it began; its outcome is not known",
		c.op, c.deadline.Sub(c.since))}}}
	if s.Phase == Up && s.stuck() >= maxStuck {
		var giveUp []kit.Effect
		s, giveUp = s.tellOver(fmt.Errorf("%d calls went past their deadline and have not returned", s.stuck()))
		s.asked, s.Phase = true, Draining
		effects = append(effects, giveUp...)
	}
	return s.wane(effects)
}

// unanswered counts the calls that somebody still waits for.
func (s State) unanswered() int {
	n := 0
	for _, c := range s.calls {
		if !c.answered {
			n++
		}
	}
	return n
}

// stuck counts the goroutines that nobody waits for any more.
func (s State) stuck() int { return len(s.calls) - s.unanswered() }

func refuse(in kit.In, after time.Duration, why string) []kit.Effect {
	failure := &channels.Failure{Outcome: channels.NotSent, After: after, Err: errors.New(why)}
	return []kit.Effect{kit.Answer{To: in.From, Msg: Result{Err: failure}}}
}

// nameOf is the op's word in errors and in the status.
func nameOf(op Op) string {
	switch op.(type) {
	case Send:
		return "send"
	case Find:
		return "find"
	case Fetch:
		return "fetch"
	case Complete:
		return "complete"
	case Typing:
		return "typing"
	case MarkRead:
		return "mark-read"
	case Resolve:
		return "resolve"
	}
	return fmt.Sprintf("%T", op)
}

// Status is the run as it is now.
func (s State) Status() Status {
	out := Status{Account: s.Start.Account, Run: s.Start.Number, Phase: s.Phase, Stuck: s.stuck(), Takes: len(s.takes)}
	for _, c := range s.calls {
		out.Calls = append(out.Calls, CallStatus{Op: c.op, Since: c.since, Deadline: c.deadline, Stuck: c.answered})
	}
	return out
}
