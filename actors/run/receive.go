package run

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// reportEvery is the shortest time between two reports of a run to its supervisor: a network that reports in a loop
// costs only itself.
const reportEvery = 100 * time.Millisecond

// taking is a take that the journal has not answered.
type taking struct {
	number uint64
	items  int
	from   kit.Return
}

// take hands a batch to the journal. How many are under way is bounded where they enter, in the inbox.
func (s State) take(m Take, in kit.In) (State, []kit.Effect) {
	if s.Phase != Up {
		return s, []kit.Effect{kit.Answer{To: in.From, Msg: Taken{Err: channels.ErrGone}}}
	}
	if s.apart {
		s.kept = append(slices.Clip(s.kept), waiting{m, in.From})
		if len(s.kept) > 1 {
			return s, nil
		}
		return s, []kit.Effect{kit.Tell{To: s.places.Supervisor, Msg: Holding{Account: s.Start.Account, Run: s.Start.Number}}}
	}
	return s.accept(m, in.From)
}

// accept asks the journal.
func (s State) accept(m Take, from kit.Return) (State, []kit.Effect) {
	s.number++
	s.takes = append(slices.Clip(s.takes), taking{number: s.number, items: len(m.Requests), from: from})
	return s, []kit.Effect{kit.Ask{
		To: s.places.Journal, Within: journalWithin, Tag: accepted{s.number},
		Msg: journal.Accept{Account: s.Start.Account, Requests: m.Requests, Cursor: m.Cursor},
	}}
}

// waiting is a take of a candidate: it goes to the journal when the run is the current one.
type waiting struct {
	take Take
	from kit.Return
}

// admit makes a candidate the current run.
func (s State) admit() (State, []kit.Effect) {
	kept := s.kept // none of a run that is admitted
	s.apart, s.kept = false, nil
	var effects []kit.Effect
	for _, w := range kept {
		var asked []kit.Effect
		s, asked = s.accept(w.take, w.from)
		effects = append(effects, asked...)
	}
	return s, effects
}

// refuseKept lets go who waits for an admission that will not come.
func (s State) refuseKept() (State, []kit.Effect) {
	var effects []kit.Effect
	for _, w := range s.kept {
		effects = append(effects, kit.Answer{To: w.from, Msg: Taken{Err: channels.ErrGone}})
	}
	s.kept = nil
	return s, effects
}

// accepted gives the journal's word to the goroutine that waits for it.
func (s State) accepted(tag accepted, m kit.Answered) (State, []kit.Effect) {
	at := slices.IndexFunc(s.takes, func(t taking) bool { return t.number == tag.number })
	if at < 0 {
		return s, nil // fenced meanwhile: the goroutine was let go
	}
	t := s.takes[at]
	s.takes = slices.Delete(slices.Clone(s.takes), at, at+1)
	word, fits := m.Msg.(journal.Accepted)
	err := m.Err
	if err == nil && fits {
		err = word.Err
	} else if err == nil {
		err = fmt.Errorf("an answer of type %T", m.Msg)
	}
	if err != nil {
		err = fmt.Errorf("giving %d items of %s to the journal: %w", t.items, s.Start.Account, err)
		return s.wane([]kit.Effect{kit.Answer{To: t.from, Msg: Taken{Err: err}}})
	}
	return s.wane([]kit.Effect{
		kit.Answer{To: t.from, Msg: Taken{Number: t.number}},
		kit.Tell{To: s.places.Supervisor, Msg: Took{Account: s.Start.Account, Run: s.Start.Number, Items: t.items}},
	})
}

// reportDue lets the newest condition out that came too soon after the one before.
type reportDue struct{}

// reporting is what the supervisor knows of the connection, and what it will be told.
type reporting struct {
	told    channels.Condition
	at      time.Time // when it was told; zero: never
	next    channels.Condition
	waiting bool // reportDue will come
}

func (s State) reported(m Report, in kit.In) (State, []kit.Effect) {
	effects := []kit.Effect{kit.Answer{To: in.From, Msg: Heard{}}}
	if s.Phase == Abandoned || s.over {
		return s, effects
	}
	s.report.next = m.Condition
	since := in.Now.Sub(s.report.at)
	switch {
	case s.report.waiting:
	case s.report.at.IsZero() || since >= reportEvery:
		s, told := s.tellReport(in.Now)
		return s, append(effects, told...)
	default:
		s.report.waiting = true
		effects = append(effects, kit.After{Delay: reportEvery - since, Msg: reportDue{}})
	}
	return s, effects
}

func (s State) reportDue(in kit.In) (State, []kit.Effect) {
	s.report.waiting = false
	if s.Phase == Abandoned || s.over {
		return s, nil
	}
	return s.tellReport(in.Now)
}

func (s State) tellReport(now time.Time) (State, []kit.Effect) {
	r := &s.report
	if r.told.Link == r.next.Link && r.told.Cause == r.next.Cause && maps.Equal(r.told.Facts, r.next.Facts) {
		return s, nil
	}
	r.told, r.at = r.next, now
	return s, []kit.Effect{kit.Tell{To: s.places.Supervisor, Msg: Reported{Account: s.Start.Account, Run: s.Start.Number, Condition: r.told}}}
}
