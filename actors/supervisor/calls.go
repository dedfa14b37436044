package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

const (
	// callSlack is how much longer than the deadline a run's answer is waited for: the run itself answers at the deadline.
	callSlack = time.Second
	// soon is the pause asked of whoever calls between two runs.
	soon = 500 * time.Millisecond
)

// callAsked is a call that the current run has not answered.
type callAsked struct {
	turn uint64
	run  uint64
	from kit.Return
	send bool
}

type calling attempt

// forCall answers for accounts that are not there.
func (s State) forCall(m Call, in kit.In) (State, []kit.Effect) {
	a := s.rows.find(m.Account)
	if a == nil {
		return s, []kit.Effect{notSent(in.From, 0, fmt.Sprintf("there is no account %s", m.Account))}
	}
	return s.at(a, in)
}

// call hands an op to the current run, or says at once that nothing happened.
func (s *step) call(m Call, in kit.In) {
	if s.phase != Running || m.Within <= 0 {
		s.do(notSent(in.From, s.nextRun(), s.unreachable(m)))
		return
	}
	turn := s.number()
	_, send := m.Op.(run.Send)
	s.calls = append(slices.Clip(s.calls), callAsked{turn: turn, run: s.run.number, from: in.From, send: send})
	s.do(kit.Ask{To: s.run.addr, Msg: run.Call{Op: m.Op, Deadline: s.now.Add(m.Within)}, Within: m.Within + callSlack, Tag: calling{s.ref, turn}})
}

// nextRun is how long until it is worth asking again; 0 if nobody knows.
func (s *step) nextRun() time.Duration {
	switch s.phase {
	case Leasing, Draining, Blocked:
		return soon
	case Pausing:
		return max(soon, s.next.Sub(s.now))
	}
	return 0
}

func (s *step) unreachable(m Call) string {
	if s.phase == Running {
		return fmt.Sprintf("%s: no time was left for the call", s.id)
	}
	why := fmt.Sprintf("%s has no connection now (%s)", s.id, s.phase)
	if s.cause != "" {
		why += ": " + s.cause
	}
	return why
}

// called passes a run's answer on. One that comes after the run was let go finds nobody.
func (s *step) called(tag calling, m kit.Answered) {
	at := slices.IndexFunc(s.calls, func(c callAsked) bool { return c.turn == tag.turn })
	if at < 0 {
		return
	}
	c := s.calls[at]
	s.calls = slices.Delete(slices.Clone(s.calls), at, at+1)
	result, whole := m.Msg.(run.Result)
	switch {
	case errors.Is(m.Err, kit.ErrGone):
		s.do(notSent(c.from, soon, fmt.Sprintf("%s: the run ended before it took the call", s.id)))
		return
	case m.Err != nil:
		result.Err = fmt.Errorf("calling the network of %s: %w; the outcome is not known", s.id, m.Err)
	case !whole:
		result.Err = fmt.Errorf("the run of %s answered with %T; the outcome is not known", s.id, m.Msg)
	case c.send && result.Err == nil:
		s.lastOut = s.now
	}
	s.do(kit.Answer{To: c.from, Msg: result})
}

// dropCalls answers whoever waits for a run that will not answer any more.
func (s *step) dropCalls(of uint64, why string) {
	for _, c := range s.calls {
		if c.run != of {
			continue
		}
		s.do(kit.Answer{To: c.from, Msg: run.Result{Err: fmt.Errorf("%s: %s while the call was under way; the outcome is not known", s.id, why)}})
	}
	s.calls = slices.DeleteFunc(slices.Clone(s.calls), func(c callAsked) bool { return c.run == of })
}

func notSent(to kit.Return, after time.Duration, why string) kit.Effect {
	return kit.Answer{To: to, Msg: run.Result{Err: &channels.Failure{Outcome: channels.NotSent, After: after, Err: errors.New(why)}}}
}
