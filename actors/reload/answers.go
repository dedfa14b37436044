package reload

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/methods"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// answered books one answer and goes to the next stage when none is missing.
func (s State) answered(t tag, m kit.Answered, now time.Time) (State, []kit.Effect) {
	run := *s.run
	run.waiting--
	s.run = &run
	if fault := s.book(t, m); fault != "" {
		return s.failed(fault, m.Err != nil, now)
	}
	if s.run.waiting > 0 {
		return s, nil
	}
	return s.advance(now)
}

// failed ends an attempt because a core actor did not do what it was asked. silent tells that it did not answer.
func (s State) failed(fault string, silent bool, now time.Time) (State, []kit.Effect) {
	if s.Phase != Publishing || !silent {
		return s.abort(fault, now)
	}
	// The registry may publish it still. The next reload publishes under a higher number, whatever has changed by then.
	s.Revision++
	s.Judged = nil // as in abort
	// Paths count as live that may be: the router holds them when a later publication does without them.
	s.Doubt = true
	effects := append(s.drop(), kit.Tell{To: s.Places.Router, Msg: router.Published{}})
	effects = append(effects, unbind(s.run.bound)...)
	s, more := s.report(now, func(r *Report) { r.Err = fault + "; it is not known what is live: reload again" })
	return s, append(effects, more...)
}

// book takes what an answer says into the attempt; the text is a fault that ends it.
func (s *State) book(t tag, m kit.Answered) (fault string) {
	switch s.Phase {
	case Preparing:
		s.bookPrepared(t, m)
		return ""
	case Installing, Registering, Publishing:
		return s.bookCore(t, m)
	case Holding: // a supervisor that is hung holds by itself
		return ""
	case Renaming:
		s.bookRenamed(t, m)
	case Releasing, Retiring, Settling, Configuring, Applying, Ordering:
		s.bookApplied(t, m)
	case Idle, Loading, Binding:
	}
	return ""
}

// bookPrepared: accounts that are not fit to be changed, or whose supervisor does not say.
func (s *State) bookPrepared(t tag, m kit.Answered) {
	faults := map[channels.Account]string{}
	word, fits := m.Msg.(supervisor.Prepared)
	if fits && m.Err == nil {
		faults = word.Faults
	} else {
		for _, a := range s.changing()[t.what] {
			faults[a.ID] = fmt.Sprintf("its supervisor did not prepare it: %v", cause(m))
		}
	}
	s.run.failed = merged(s.run.failed, faults)
}

func (s *State) bookCore(t tag, m kit.Answered) (fault string) {
	err := m.Err
	switch a := m.Msg.(type) {
	case registry.Installed:
		err = errors.Join(err, a.Err)
	case router.Registered:
		err = errors.Join(err, a.Err)
		for _, r := range a.Refused {
			s.run = s.run.with(string(r.Account)+" "+r.Path, Verdict{Result: failed, Reason: r.Why})
		}
	case methods.Registered:
		err = errors.Join(err, a.Err)
		for name, why := range a.Refused {
			s.run = s.run.with("method "+name, Verdict{Result: failed, Reason: why})
		}
	case registry.Published:
		if err = errors.Join(err, a.Err); err == nil {
			s.Revision, s.Generation = a.Revision, a.Generation
		}
	default:
		err = cause(m)
	}
	if err != nil {
		return t.what + ": " + err.Error()
	}
	return ""
}

// bookApplied: after the publication nothing is taken back; what does not answer failed by itself.
func (s *State) bookApplied(t tag, m kit.Answered) {
	switch a := m.Msg.(type) {
	case journal.Committed:
		if a.Err != nil {
			s.run = s.run.with(t.what, Verdict{Result: failed, Reason: a.Err.Error()})
		}
	case supervisor.Applied:
		s.verdicts(a.Verdicts)
	case supervisor.Ordered:
		s.verdicts(a.Verdicts)
	default:
		if m.Err != nil {
			s.run = s.run.with(t.what, Verdict{Result: failed, Reason: m.Err.Error()})
		}
	}
}

// verdicts takes what supervisors say. Those that were told twice had their say the first time; of accounts that get another
// name, what comes of the new one counts.
func (s *State) verdicts(of map[channels.Account]Verdict) {
	run := *s.run
	run.units = cloned(run.units)
	s.run = &run
	for account, v := range of {
		_, said := run.units[string(account)]
		switch {
		case said && v.Result == unchanged, run.unrenamed(account):
			continue
		case s.Phase == Retiring && slices.Contains(run.busy, account):
			continue
		}
		run.units[string(account)] = v
	}
}

// cause is why an answer is none.
func cause(m kit.Answered) error {
	if m.Err != nil {
		return m.Err
	}
	return fmt.Errorf("it answered with %T", m.Msg)
}
