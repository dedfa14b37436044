// Package reload owns the applied configuration and is the only one that changes it. Its first reload is the boot.
//
// One reload runs at a time; those that come meanwhile are merged into one that follows. A reload is a list of stages, each
// of which waits for the answers of the owners it concerns:
//
//	load → install (registry) → register (router, methods) → configure (access, agents, outbox, lanes) → publish → apply
//
// Invariants: nothing is live before publish, and publish is one swap. A configuration that is refused changes nothing: the
// old state serves on, and the report says why. Accounts whose settings have not changed are not touched. Every reload ends
// in exactly one report, which everybody who asked for it gets.
package reload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

// State is what reload knows.
type State struct {
	Places     Places
	Phase      Phase
	Applied    *Candidate // nil before the boot
	Digests    map[string]string
	Revision   uint64
	Generation uint64
	Last       *Report
	Spawned    []string // channels whose supervisor is up

	// What does not change while the process lives.
	Listen   string
	Methods  []registry.Method
	AgentEnv func(name string) backend.Env

	run   *attempt // the reload under way
	queue []wish   // merged into the next one
	count uint64   // attempts begun; answers carry it
}

// Places are the actors that a reload talks to.
type Places struct {
	Registry, Router, Methods, Journal, Access, Agents, Outbox, Lanes kit.Addr
}

// Phase is the stage of the reload under way.
type Phase string

const (
	Idle        Phase = "idle"
	Loading     Phase = "loading"
	Installing  Phase = "installing"
	Registering Phase = "registering"
	Configuring Phase = "configuring"
	Publishing  Phase = "publishing"
	Applying    Phase = "applying"
	Ordering    Phase = "ordering" // a restart by target
)

// wish is somebody's order for a reload.
type wish struct {
	target string
	caller string
	config *config.Config // the boot's
	from   kit.Return
}

// attempt is one reload from its beginning to its report.
type attempt struct {
	number  uint64
	wishes  []wish
	began   time.Time
	next    *Candidate
	digests map[string]string
	waiting int // answers that this stage still waits for
	units   map[string]Verdict
}

// finished is the private effect at the end of every reload that was not refused.
type finished struct{}

func (finished) IsEffect() {}

// tag of every question and job of an attempt.
type tag struct {
	attempt uint64
	what    string
}

// loaded is what the load job brings.
type loaded struct {
	candidate *Candidate
	problems  config.Problems
}

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case Boot:
		return s.wish(wish{caller: "boot", config: m.Config, from: in.From}, in.Now)
	case Reload:
		return s.wish(wish{target: m.Target, caller: m.Caller, from: in.From}, in.Now)
	case kit.Done:
		if t, ok := m.Tag.(tag); ok && s.current(t) {
			return s.loaded(m, in.Now)
		}
		return s, nil
	case kit.Answered:
		if t, ok := m.Tag.(tag); ok && s.current(t) {
			return s.answered(t, m, in.Now)
		}
		return s, nil
	case kit.Ended:
		return s, []kit.Effect{kit.Note{
			Level: zerolog.ErrorLevel, Text: "a supervisor ended; its accounts are down until the gateway is restarted",
			Fields: []any{"child", m.Child.String(), "cause", m.Cause},
		}}
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

func (s State) current(t tag) bool { return s.run != nil && s.run.number == t.attempt }

// wish starts a reload, or queues the wish behind the one under way.
func (s State) wish(w wish, now time.Time) (State, []kit.Effect) {
	if s.run != nil {
		s.queue = append(slices.Clone(s.queue), w)
		return s, nil
	}
	return s.begin([]wish{w}, now)
}

// begin takes all wishes of one kind at once: those that want the file read again, or those with one same target.
func (s State) begin(wishes []wish, now time.Time) (State, []kit.Effect) {
	first := wishes[0]
	var later []wish
	same := func(w wish) bool { return w.target == first.target }
	for _, w := range wishes {
		if !same(w) {
			later = append(later, w)
		}
	}
	s.queue = later
	s.count++
	s.run = &attempt{
		number: s.count, wishes: slices.DeleteFunc(slices.Clone(wishes), func(w wish) bool { return !same(w) }), began: now,
		units: map[string]Verdict{},
	}
	if first.target != "" {
		return s.order(first.target, now)
	}
	s.Phase = Loading
	return s, []kit.Effect{kit.Do{Job: load{config: first.config}, Tag: tag{s.count, "load"}}}
}

func (s State) loaded(m kit.Done, now time.Time) (State, []kit.Effect) {
	got, _ := m.Msg.(loaded)
	switch {
	case m.Err != nil:
		return s.report(now, func(r *Report) { r.Err = m.Err.Error() })
	case len(got.problems) > 0:
		return s.report(now, func(r *Report) {
			r.Problems = got.problems
			r.Err = "the configuration is refused; what was live serves on"
		})
	}
	run := *s.run
	run.next = got.candidate
	run.digests = s.digests(got.candidate)
	s.run = &run
	return s.install()
}

// digests names each unit by the revision in which its resolved value last changed, so that no fingerprint of a secret
// exists anywhere.
func (s State) digests(next *Candidate) map[string]string {
	out := map[string]string{}
	fresh := fmt.Sprintf("r%d", s.Revision+1)
	same := map[string]config.Node{}
	if s.Applied != nil {
		for _, a := range s.Applied.Accounts {
			same[string(a.ID)] = a.Node
		}
		for _, a := range s.Applied.Agents {
			same["agent "+a.Name] = a.Node
		}
	}
	digest := func(unit string, node config.Node) {
		if old, known := same[unit]; known && old.Equal(node) {
			out[unit] = s.Digests[unit]
		} else {
			out[unit] = fresh
		}
	}
	for _, a := range next.Accounts {
		digest(string(a.ID), a.Node)
	}
	for _, a := range next.Agents {
		digest("agent "+a.Name, a.Node)
	}
	return out
}

// report ends the attempt: everybody who asked gets it, and the next one begins.
func (s State) report(now time.Time, change func(*Report)) (State, []kit.Effect) {
	r := &Report{Revision: s.Revision, Generation: s.Generation, Began: s.run.began, Took: config.Duration(now.Sub(s.run.began)), Units: s.run.units}
	var callers []string
	for _, w := range s.run.wishes {
		callers = append(callers, w.caller)
	}
	r.Caller = strings.Join(callers, ", ")
	change(r)
	effects := []kit.Effect{note(r)}
	if r.Err == "" {
		effects = append(effects, finished{})
	}
	for _, w := range s.run.wishes {
		effects = append(effects, kit.Answer{To: w.from, Msg: *r})
	}
	s.Last, s.run, s.Phase = r, nil, Idle
	if len(s.queue) == 0 {
		return s, effects
	}
	queue := s.queue
	s.queue = nil
	next, more := s.begin(queue, now)
	return next, append(effects, more...)
}

func note(r *Report) kit.Effect {
	level, text := zerolog.InfoLevel, "reload done"
	counts := map[string]int{}
	for _, v := range r.Units {
		counts[v.Result]++
		if v.Result == "failed" {
			level = zerolog.ErrorLevel
		}
	}
	fields := []any{"revision", r.Revision, "generation", r.Generation, "caller", r.Caller, "took", r.Took.String()}
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
		effects = append(effects, kit.Ask{
			To: supervisorOf(channel), Msg: supervisor.Order{Account: account, Do: "restart"},
			Within: applyWithin, Tag: tag{s.run.number, channel},
		})
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
	run := *s.run
	run.waiting = len(effects)
	s.run, s.Phase = &run, Ordering
	return s, effects
}
