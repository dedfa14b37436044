// Package reload owns the applied configuration and is the only one that changes it. Its first reload is the boot.
//
// One reload runs at a time; those that come meanwhile are merged into one that follows. A reload is a transaction of stages,
// each of which waits for the answers of the owners that it concerns:
//
//	load → bind (a new listener) → install (registry) → prepare (supervisors) → register (router, methods) → hold
//	     → publish → (rename) → configure (access, agents, outbox, lanes) → apply (supervisors)
//
// Accounts that get another name are let go of by both names before the journal renames them (rename.go), and are taken up
// again by the new one.
//
// Invariants: nothing is live before publish, and publish is one swap. Whatever fails before it leaves the old state serving,
// and what was built beside it is dropped. A unit that cannot be prepared stays as it was and does not keep the others, unless
// the operator wants all or nothing. Units whose resolved values have not changed are not touched. Everything up to the
// publication has one deadline. Every reload ends in exactly one report, which everybody who asked for it gets.
//
// It is also the only one that writes the configuration file, on an explicit order and one change at a time: what would not
// be valid is not written, and what was written is reloaded before the order is answered.
package reload

import (
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
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
	Counts     Counts
	Spawned    []string // channels whose supervisor is up
	Unapplied  map[channels.Account]string
	Listen     string          // the address that the listener really has
	Doubt      bool            // a publication was not answered: what is live may be newer than what is applied
	Loaded     string          // hash of the configuration that was last found valid
	Refused    config.Problems // of the configuration as it was last read; none: it was valid
	// Judged is the configuration as it was last found valid, so that it need not be judged again while nothing in it changes.
	// Whether it is taken again decides the job that reads; for everything else it makes no difference.
	Judged *Candidate

	// What does not change while the process lives.
	Methods []registry.Method
	Watches bool // the configuration is watched
	Keeps   bool // a copy of the last good one is kept

	run   *attempt  // the reload under way
	queue []wish    // merged into the next one
	count uint64    // attempts begun; answers carry it
	edits []editing // of the configuration file; the first one is being written
}

// Places are the actors that a reload talks to.
type Places struct {
	Registry, Router, Methods, Journal, Access, Agents, Outbox, Lanes, Plugins kit.Addr
}

// Phase is the stage of the reload under way.
type Phase string

const (
	Idle        Phase = "idle"
	Loading     Phase = "loading"
	Binding     Phase = "binding"
	Installing  Phase = "installing"
	Preparing   Phase = "preparing"
	Registering Phase = "registering"
	Holding     Phase = "holding"
	Publishing  Phase = "publishing"
	Releasing   Phase = "releasing" // accounts that get another name are let go of
	Retiring    Phase = "retiring"  // and their runs end
	Settling    Phase = "settling"  // and the ends of their sends are written down
	Renaming    Phase = "renaming"  // and the journal renames them
	Configuring Phase = "configuring"
	Applying    Phase = "applying"
	Ordering    Phase = "ordering" // a restart by target
)

// within is how long a reload may take up to its publication; then the old state serves on.
const within = 30 * time.Second

// tryAgain is how long after a reload that left accounts with older settings it is tried again.
const tryAgain = time.Minute

// wish is somebody's order for a reload.
type wish struct {
	kind   kindOfWish
	caller string
	boot   *Candidate // of the boot
	edited *Edited    // it takes in what was written to the file, and this is answered; nil: a Report is
	from   kit.Return
}

// kindOfWish is what makes two wishes one reload: those of one kind are merged.
type kindOfWish struct {
	target       string
	dry          bool
	file         string
	allOrNothing bool
}

// attempt is one reload from its beginning to its report.
type attempt struct {
	number  uint64
	kind    kindOfWish
	wishes  []wish
	began   time.Time
	next    *Candidate
	plan    Plan
	digests map[string]string
	waiting int // answers that this stage still waits for
	units   map[string]Verdict
	failed  map[channels.Account]string // cannot be prepared, and why
	beside  []string                    // channels whose supervisors have prepared something
	renames []renamed
	busy    []channels.Account // old and new names of those that somebody works for
	bound   Bound              // a listener that is not served yet; nil: the old one stays
}

// tag of every question and job of an attempt.
type tag struct {
	attempt uint64
	what    string
}

// overdue is the deadline of an attempt.
type overdue struct{ attempt uint64 }

// again tries what could not be applied once more, unless there was another attempt since.
type again struct{ attempt uint64 }

// loaded is what the load job brings.
type loaded struct {
	candidate *Candidate
	problems  config.Problems
	judged    *Candidate // the same without its agents; nil: it is not the source as it is written
}

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case Boot:
		return s.wish(wish{caller: "boot", boot: m.Candidate, from: in.From}, in.Now)
	case Reload:
		kind := kindOfWish{m.Target, m.DryRun, m.File, m.AllOrNothing}
		return s.wish(wish{kind: kind, caller: m.Caller, from: in.From}, in.Now)
	case Edit:
		return s.edit(m, in.From)
	case kit.Done:
		return s.done(m, in.Now)
	case again:
		return s.again(m, in.Now)
	case watchDue:
		return s, s.watch(m.known)
	case kit.Answered:
		if t, ours := m.Tag.(tag); ours && s.current(t) {
			return s.answered(t, m, in.Now)
		}
		return s, nil
	case overdue:
		return s.overdue(m, in.Now)
	case kit.Ended:
		return s, []kit.Effect{kit.Note{
			Level: zerolog.ErrorLevel, Text: "a supervisor ended; its accounts are down until the gateway is restarted",
			Fields: []any{"child", m.Child.String(), "cause", m.Cause},
		}}
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

// done takes the end of a job.
func (s State) done(m kit.Done, now time.Time) (State, []kit.Effect) {
	switch t := m.Tag.(type) {
	case watching:
		return s.noticed(t, m, now)
	case keeping:
		return s, kept(m)
	case editing:
		return s.wrote(t, m, now)
	case tag:
		switch {
		case !s.current(t):
		case s.Phase == Loading:
			return s.loaded(m, now)
		case s.Phase == Binding:
			return s.bound(m, now)
		}
	}
	return s, unbind(m.Msg)
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

// begin takes all wishes of one kind at once.
func (s State) begin(wishes []wish, now time.Time) (State, []kit.Effect) {
	first := wishes[0]
	var same, later []wish
	for _, w := range wishes {
		if w.kind == first.kind {
			same = append(same, w)
		} else {
			later = append(later, w)
		}
	}
	s.queue = later
	s.count++
	s.run = &attempt{number: s.count, kind: first.kind, wishes: same, began: now, units: map[string]Verdict{}}
	if first.kind.target != "" {
		return s.order(first.kind.target, now)
	}
	s.Phase = Loading
	return s, []kit.Effect{
		kit.Do{Job: s.load(first.boot, false), Tag: tag{s.count, "load"}},
		kit.After{Delay: within, Msg: overdue{s.count}},
	}
}

// load is the job of reading and judging the configuration.
func (s State) load(boot *Candidate, keep bool) load {
	job := s.listening()
	job.boot, job.last, job.file, job.keep = boot, s.Judged, s.run.kind.file, keep
	return job
}

// listening is a load that knows where the listener is.
func (s State) listening() load {
	job := load{bound: s.Listen}
	if s.Applied != nil {
		job.listen = s.Applied.Config.Gateway.Listen
	}
	return job
}

// again reloads by itself: what speaks against an account's settings may have been mended at the network's end, and the
// settings that serve on may be those that do not work there any more.
func (s State) again(m again, now time.Time) (State, []kit.Effect) {
	if m.attempt != s.count || s.run != nil || len(s.Unapplied) == 0 {
		return s, nil
	}
	return s.wish(wish{caller: "another try"}, now)
}

// overdue ends an attempt that has not come to its publication.
func (s State) overdue(m overdue, now time.Time) (State, []kit.Effect) {
	if s.run == nil || s.run.number != m.attempt {
		return s, nil
	}
	switch s.Phase {
	case Publishing, Releasing, Retiring, Settling, Renaming, Configuring, Applying, Ordering, Idle:
		return s, nil // each of these has deadlines of its own
	case Loading, Binding, Installing, Preparing, Registering, Holding:
	}
	return s.abort("it was still "+string(s.Phase)+" after "+within.String(), now)
}

// abort ends an attempt before its publication: what was built beside the old state is dropped.
func (s State) abort(why string, now time.Time) (State, []kit.Effect) {
	s.Judged = nil // what it offers may have been installed, and nothing is installed twice
	effects := []kit.Effect{kit.Tell{To: s.Places.Registry, Msg: registry.Discard{}}}
	effects = append(effects, s.drop()...)
	effects = append(effects, unbind(s.run.bound)...)
	for id, reason := range s.run.failed {
		s.run = s.run.with(string(id), Verdict{Result: failed, Reason: reason})
	}
	s, more := s.report(now, func(r *Report) { r.Err = why + "; what was live serves on" })
	return s, append(effects, more...)
}

// with is the attempt with one more verdict.
func (a *attempt) with(unit string, v Verdict) *attempt {
	out := *a
	out.units = cloned(a.units)
	out.units[unit] = v
	return &out
}
