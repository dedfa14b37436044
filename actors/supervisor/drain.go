package supervisor

import (
	"fmt"
	"slices"
	"time"

	"holdfast/actors/kit"
)

// draining is a Drain that is not answered.
type draining struct {
	number uint64
	from   kit.Return
	runs   bool
}

type drainWaitOver struct{ number uint64 }

// drain ends consumption, and with Runs the runs.
func (s State) drain(m Drain, in kit.In) (State, []kit.Effect) {
	s.resting, s.closing = true, s.closing || m.Runs
	s.number++
	s.drains = append(slices.Clip(s.drains), draining{number: s.number, from: in.From, runs: m.Runs})
	effects := []kit.Effect{kit.After{Delay: max(0, m.By.Sub(in.Now)), Msg: drainWaitOver{s.number}}}
	s, rested := s.everybody(rest{}, in.Now)
	effects = append(effects, rested...)
	if m.Runs {
		var shuts []kit.Effect
		s, shuts = s.everybody(shut{}, in.Now)
		effects = append(effects, shuts...)
	}
	return s, effects
}

// everybody gives an input to every account.
func (s State) everybody(msg any, now time.Time) (State, []kit.Effect) {
	var effects []kit.Effect
	for a := range s.rows.all() {
		var e []kit.Effect
		s, e = s.at(a, kit.In{Msg: msg, Now: now})
		effects = append(effects, e...)
	}
	return s, effects
}

// checkDrains answers the drains whose end has come.
func (s State) checkDrains() (State, []kit.Effect) {
	var (
		left    []draining
		effects []kit.Effect
	)
	for _, d := range s.drains {
		if s.drained(d) {
			effects = append(effects, kit.Answer{To: d.from, Msg: Drained{Left: s.left(d)}})
		} else {
			left = append(left, d)
		}
	}
	s.drains = left
	return s, effects
}

func (s State) drained(d draining) bool { return s.rows.busy == 0 && (!d.runs || s.rows.alive == 0) }

// left names what has not ended.
func (s State) left(d draining) []string {
	var out []string
	for a := range s.rows.all() {
		if !a.in.idle() {
			out = append(out, fmt.Sprintf("%s: %d requests", a.id, len(a.in.queue)))
		}
		if !d.runs {
			continue
		}
		lives := append(slices.Clone(a.abandoned), a.run)
		for _, l := range a.leaving {
			lives = append(lives, l.life)
		}
		for _, l := range lives {
			if l.number != 0 {
				out = append(out, fmt.Sprintf("%s run.%d", a.id, l.number))
			}
		}
	}
	return out
}

// drainWaitOver answers a drain whose time is over; with Runs, those that are left are fenced.
func (s State) drainWaitOver(m drainWaitOver, in kit.In) (State, []kit.Effect) {
	at := slices.IndexFunc(s.drains, func(d draining) bool { return d.number == m.number })
	if at < 0 {
		return s, nil
	}
	d := s.drains[at]
	s.drains = slices.Delete(slices.Clone(s.drains), at, at+1)
	effects := []kit.Effect{kit.Answer{To: d.from, Msg: Drained{Left: s.left(d)}}}
	if d.runs {
		var cuts []kit.Effect
		s, cuts = s.everybody(cut{}, in.Now)
		effects = append(effects, cuts...)
	}
	return s, effects
}
