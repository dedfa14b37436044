package supervisor

import (
	"errors"
	"slices"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
)

// together is how many requests one commit may end.
const together = 16

// Outcomes of a request that is done.
const (
	outcomeInterpreted = "interpreted"
	outcomeIgnored     = "ignored" // it means nothing to us
)

// commit ends the requests at the front that are ready, with what they mean, in one step.
func (s *step) commit() {
	if s.in.committing != 0 {
		return
	}
	limit := together
	if s.in.singles > 0 {
		limit = 1
	}
	var (
		ops []journal.Op
		n   int
	)
	for n < min(limit, len(s.in.queue)) && s.in.queue[n].ready != nil {
		ops = append(ops, s.in.queue[n].ops()...)
		n++
	}
	if n == 0 {
		return
	}
	s.in.committing, s.in.batch = s.number(), n
	s.do(kit.Ask{To: s.places.Journal, Msg: journal.Commit{Account: s.id, Ops: ops}, Within: journalWithin, Tag: committing{s.ref, s.in.committing}})
}

func (s *step) committed(tag committing, m kit.Answered) {
	if tag.turn != s.in.committing {
		return
	}
	n := s.in.batch
	s.in.committing, s.in.batch = 0, 0
	switch err := committedErr(m); {
	case err == nil:
		s.lastIn = s.now
		s.forget(n)
		s.noteCommit(n, m.Msg.(journal.Committed).Added)
	case errors.Is(err, journal.ErrEnded) && n > 1:
		s.in.singles = n // one of them has ended otherwise; which one shows when each is committed by itself
	case errors.Is(err, journal.ErrEnded):
		s.forget(1)
	default:
		s.intakeFailed("committing interpreted requests", err)
		return
	}
	s.pump()
}

// forget drops requests from the front that have ended.
func (s *step) forget(n int) {
	s.in.queue = slices.Clone(s.in.queue[n:])
	s.in.singles = max(0, s.in.singles-n)
	s.in.fails, s.in.cause = 0, ""
}

func (s *step) noteCommit(n int, added []uint64) {
	repeats := 0
	for _, seq := range added {
		if seq == 0 {
			repeats++
		}
	}
	s.do(kit.Note{Level: zerolog.DebugLevel, Text: "requests interpreted", Fields: []any{
		"account", string(s.id), "requests", n, "arrivals", len(added) - repeats, "repeats", repeats,
	}})
}

// ops is the step that ends a request: it and what it means, or why it is dead.
func (j job) ops() []journal.Op {
	end := journal.End{Kind: journal.Requests, Seq: j.request.Seq, State: journal.Done, Outcome: outcomeInterpreted}
	switch {
	case j.ready.dead != "":
		end.State, end.Outcome, end.Reason = journal.Dead, "", j.ready.dead
	case len(j.ready.arrivals) == 0:
		end.Outcome = outcomeIgnored
	}
	ops := []journal.Op{end}
	for _, a := range j.ready.arrivals {
		ops = append(ops, journal.AddArrival{Arrival: a, Keep: j.ready.keep})
	}
	return ops
}
