package reload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

// report ends the attempt: everybody who asked gets it, and the next one begins.
func (s State) report(now time.Time, change func(*Report)) (State, []kit.Effect) {
	s = s.judged()
	r := &Report{Revision: s.Revision, Generation: s.Generation, Began: s.run.began, Took: config.Duration(now.Sub(s.run.began)), Units: s.run.units}
	r.Caller = callers(s.run.wishes)
	change(r)
	var effects []kit.Effect
	switch {
	case r.DryRun:
	case r.Err != "":
		s.Counts.Refused++
	case s.Phase == Loading:
		s.Counts.Unchanged++
	default:
		s.Counts.Applied++
		effects = append(effects, finished{})
	}
	if !r.DryRun {
		s.Last = r
		effects = append([]kit.Effect{note(r)}, effects...)
	}
	if len(s.Unapplied) > 0 {
		effects = append(effects, kit.After{Delay: tryAgain, Msg: again{s.count}})
	}
	for _, w := range s.run.wishes {
		effects = append(effects, kit.Answer{To: w.from, Msg: w.answer(r)})
	}
	s.run, s.Phase = nil, Idle
	if len(s.queue) == 0 {
		return s, effects
	}
	queue := s.queue
	s.queue = nil
	next, more := s.begin(queue, now)
	return next, append(effects, more...)
}

// judged adds the verdicts of the units that no supervisor speaks for, once their settings are live.
func (s State) judged() State {
	run := s.run
	if s.Phase == Applying {
		for _, u := range run.plan.Units {
			if _, said := run.units[u.Name]; said || u.account() {
				continue
			}
			v := map[Change]string{Add: applied, Alter: applied, Remove: removed}[u.Change]
			if u.Mode == Restart {
				run = run.with(u.Name, Verdict{Result: deferred, Reason: "until the gateway is restarted: " + u.Reason})
			} else {
				run = run.with(u.Name, Verdict{Result: v})
			}
		}
		for id, why := range run.failed {
			run = run.with(string(id), Verdict{Result: failed, Reason: why + "; its old settings serve on"})
		}
	}
	s.run = run
	return s
}

// callers names everybody who asked, each once.
func callers(wishes []wish) string {
	var out []string
	for _, w := range wishes {
		if !slices.Contains(out, w.caller) {
			out = append(out, w.caller)
		}
	}
	return strings.Join(out, ", ")
}

// note is the one line of log of a reload.
func note(r *Report) kit.Effect {
	level, text := zerolog.InfoLevel, "reload done"
	fields := []any{"revision", r.Revision, "generation", r.Generation, "caller", r.Caller, "took", r.Took.String()}
	counts := map[string]int{}
	for _, unit := range slices.Sorted(maps.Keys(r.Units)) {
		v := r.Units[unit]
		if counts[v.Result]++; v.Result == failed {
			level = zerolog.ErrorLevel
			fields = append(fields, "failed."+unit, v.Reason)
		}
	}
	for _, result := range slices.Sorted(maps.Keys(counts)) {
		fields = append(fields, result, counts[result])
	}
	if r.Err != "" {
		level, text = zerolog.ErrorLevel, "reload refused"
		fields = append(fields, "cause", r.Err)
		for i, p := range r.Problems {
			fields = append(fields, fmt.Sprintf("problem.%d", i+1), p.String())
		}
	}
	return kit.Note{Level: level, Text: text, Fields: fields}
}

// order hands a restart to the supervisors that the target names.
func (s State) order(target string, now time.Time) (State, []kit.Effect) {
	var effects []kit.Effect
	asked := map[string]bool{}
	ask := func(channel string, account channels.Account) {
		if asked[channel] && account == "" {
			return
		}
		asked[channel] = true
		effects = append(effects, s.ask(supervisorOf(channel), channel, supervisor.Order{Account: account, Do: "restart"}, applyWithin))
	}
	if s.Applied != nil {
		for _, a := range s.Applied.Accounts {
			switch target {
			case "all", a.Kind.Name:
				ask(a.Kind.Name, "")
			case string(a.ID):
				ask(a.Kind.Name, a.ID)
			}
		}
	}
	if len(effects) == 0 {
		return s.report(now, func(r *Report) {
			r.Err = fmt.Sprintf("nothing is named %q: want an account such as bluebubbles:home, a channel, or all", target)
		})
	}
	return s.stage(Ordering, now, effects...)
}
