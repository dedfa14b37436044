package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
)

const (
	// drainWithin is how long a run may finish what it holds before it is fenced.
	drainWithin = 10 * time.Second
	// leaseWithin is how long the registry may take; it answers or the process ends.
	leaseWithin = time.Minute
	// firstPause doubles with every failure in a row, up to lastPause, and is lengthened by up to pauseJitter of itself.
	firstPause  = time.Second
	lastPause   = time.Minute
	pauseJitter = 0.2
	// askedPause is the longest pause that a network may ask for.
	askedPause = time.Hour
	// longLife is how long a run must have lived for its failure to count as the first.
	longLife = 10 * time.Minute
	// maxAbandoned bounds the runs that hang: with so many, no further one is started until one of them is gone.
	maxAbandoned = 8
)

// life is one run; number 0 is none.
type life struct {
	number uint64
	addr   kit.Addr
	lease  registry.LeaseID
	began  time.Time
}

// ending is what is known of why a run ends.
type ending struct {
	asked bool // the end is ours: the next run follows without a pause
	told  bool // Over came
	over  run.Over
}

// start begins an attempt; proceed asks for what it lacks.
func (s *step) start() {
	if len(s.abandoned) >= maxAbandoned {
		s.pause(fmt.Sprintf("%d earlier runs hang and have not ended; one must end before another is started, or the process be restarted", len(s.abandoned)), 0)
		return
	}
	if s.blocked() {
		return
	}
	s.begin()
	s.to(Leasing, s.cause)
	s.proceed()
}

// proceed asks for the one thing that the attempt lacks: what the journal knows, a number, a lease.
func (s *step) proceed() {
	switch {
	case s.phase != Leasing:
	case !s.memory.known:
		s.load()
	case !s.up():
		s.off()
	case s.coming == 0 && s.memory.reserved < s.memory.next:
		s.reserve()
	default:
		if s.coming == 0 {
			s.coming = s.memory.next
			s.memory.next++
		}
		question := registry.Lease{Channel: s.id.Channel(), Holder: s.holder(s.coming)}
		s.do(kit.Ask{To: s.places.Registry, Msg: question, Within: leaseWithin, Tag: leasing{attempt{s.ref, s.attempt}, s.coming}})
	}
}

// leased starts a run with the lease, if it is still wanted.
func (s *step) leased(tag leasing, m kit.Answered) {
	if tag.turn != s.attempt {
		if m.Err == nil || !s.uses(tag.run) {
			s.do(s.places.giveBack(m)...)
		}
		return
	}
	lease, err := leaseOf(m)
	if err != nil {
		s.do(s.places.giveBack(m)...)
		s.pause("no lease on its plugin: "+err.Error(), 0)
		return
	}
	start := run.Start{
		Account: s.id, Number: s.coming, Kind: lease.Kind, Settings: s.want.Settings, Webhook: s.want.Webhook,
		Adopt: s.legacy, Candidate: s.unsealed(),
	}
	s.coming, s.legacy = 0, nil
	if s.again {
		s.restarts++
	}
	s.run = life{number: start.Number, addr: s.places.Self.Child(start.Name()), lease: lease.Lease, began: s.now}
	s.apart, s.end = start.Candidate, ending{}
	s.to(Running, "")
	s.do(kit.Spawn{Name: start.Name(), What: start})
}

func (s *step) reported(m run.Reported) {
	if s.cand.lease != 0 && m.Run == s.cand.number {
		s.heard(m.Condition)
	}
	if s.phase == Running && m.Run == s.run.number {
		s.said(m.Condition)
	}
}

// said takes over what the current run says of its connection.
func (s *step) said(now channels.Condition) {
	s.linked(now.Link)
	s.cause, s.facts = now.Cause, now.Facts
}

// linked tells the outbox whether the account can send, when that changes.
func (s *step) linked(now channels.Link) {
	switch was, is := s.link == channels.Connected, now == channels.Connected; {
	case is && !was:
		s.do(kit.Tell{To: s.places.Outbox, Msg: Connected{s.id}})
	case was && !is:
		s.do(kit.Tell{To: s.places.Outbox, Msg: Disconnected{s.id}})
	}
	s.link = now
}

func (s *step) missed() {
	if s.phase == Running {
		s.do(kit.Tell{To: s.run.addr, Msg: run.Nudge{}})
	}
}

// drain lets the current run finish what it holds.
func (s *step) drain(why string) {
	s.end.asked = true
	s.do(kit.Tell{To: s.run.addr, Msg: run.Drain{Cause: why, Within: drainWithin}})
	s.awaitEnd(why)
}

func (s *step) awaitEnd(why string) {
	s.do(kit.After{Delay: drainWithin, Msg: drainOver(s.begin())})
	s.to(Draining, why)
}

// over: the network ended. The run may still finish calls; it takes no new ones.
func (s *step) over(m run.Over) {
	if s.cand.lease != 0 && m.Run == s.cand.number {
		s.candidateOver(m)
	}
	if m.Run != s.run.number {
		return
	}
	s.end.told, s.end.over = true, m
	if s.phase == Running {
		s.awaitEnd(m.Err)
	}
}

func (s *step) drainOver(m drainOver) {
	if m.turn == s.attempt && !s.closing { // while closing, the time of Drain counts
		s.do(kit.Tell{To: s.run.addr, Msg: run.Fence{Cause: fmt.Sprintf("it did not end within %s", drainWithin)}})
	}
}

// fenced: nothing of the run reaches the journal any more, so the next one may come; its goroutine is counted until it is gone.
func (s *step) fenced(m run.Fenced) {
	if at := s.left(func(l leaving) bool { return l.number == m.Run }); at >= 0 {
		s.leftFenced(at)
	}
	if m.Run == s.run.number {
		s.abandon()
		s.follow()
	}
}

func (s *step) ended(m kit.Ended) {
	if m.Child != s.run.addr {
		s.otherEnded(m)
		return
	}
	if !s.end.told && !s.end.asked {
		s.end.over = run.Over{Err: strings.TrimSuffix("the run ended without a word: "+m.Cause, ": ")}
	}
	s.letGo(fmt.Sprintf("run.%d has ended", s.run.number))
	s.follow()
}

// otherEnded: a run has ended that is not the current one.
func (s *step) otherEnded(m kit.Ended) {
	if at := s.left(func(l leaving) bool { return l.addr == m.Child }); at >= 0 {
		s.leftEnded(at, "has ended")
		return
	}
	if s.cand.lease != 0 && s.cand.addr == m.Child {
		s.faulty(trimmed("its run ended without a word", m.Cause))
		s.leftEnded(len(s.leaving)-1, "has ended")
		return
	}
	s.abandoned = slices.DeleteFunc(slices.Clone(s.abandoned), func(l life) bool { return l.addr == m.Child })
	s.unblock()
}

// abandon keeps a run that does not end on the list of those that are waited for.
func (s *step) abandon() {
	s.abandoned = append(slices.Clip(s.abandoned), s.run)
	s.letGo(fmt.Sprintf("run.%d was fenced", s.run.number))
}

// letGo gives the run's lease back and answers whoever still waits for one of its calls.
func (s *step) letGo(why string) {
	if s.run.number != 0 && s.now.Sub(s.run.began) > longLife {
		s.fails = 0
	}
	s.giveUp(s.run, why)
	s.run = life{}
}

// giveUp gives the lease of a run back and answers its calls.
func (s *step) giveUp(l life, why string) {
	s.do(kit.Tell{To: s.places.Registry, Msg: registry.Release{Lease: l.lease}})
	s.dropCalls(l.number, why)
}

// follow decides what comes after a run that is gone or fenced.
func (s *step) follow() {
	switch over := s.end.over; {
	case !s.up():
		s.off()
	case s.end.asked:
		s.cause, s.legacy = "", s.end.over.Export
		s.start()
	case over.Refusal:
		s.begin()
		s.to(Refused, trimmed(over.Err, over.Do))
	default:
		s.pause(over.Err, over.After)
	}
}

// trimmed joins what is wrong with what to do, if that is known.
func trimmed(what, do string) string { return strings.TrimSuffix(what+"; "+do, "; ") }

// pause waits before the next attempt; what the network asks for wins.
func (s *step) pause(cause string, asked time.Duration) {
	s.fails++
	delay := backoff(s.fails)
	if asked > 0 {
		delay = min(asked, askedPause)
	}
	s.next = s.now.Add(delay)
	s.do(kit.After{Delay: delay, Jitter: pauseJitter, Msg: pauseOver(s.begin())})
	s.to(Pausing, cause)
}

func (s *step) pauseOver(m pauseOver) {
	if m.turn == s.attempt {
		s.again = true
		s.start()
	}
}

// backoff is the pause after so many failures in a row.
func backoff(fails int) time.Duration {
	return min(firstPause<<min(max(fails-1, 0), 10), lastPause)
}

// fail is what a bug makes of an account: its run is fenced, its intake halted, and the operator is called.
func (s *step) fail(cause, stack string) {
	if s.run.number != 0 {
		s.do(kit.Tell{To: s.run.addr, Msg: run.Fence{Cause: "a bug in its supervisor"}})
		s.abandon()
	}
	s.dropCandidate("a bug in its supervisor")
	s.cand = candidate{}
	s.haltIntake()
	s.begin()
	s.to(Failed, "a bug: "+cause+"; please report it, then restart the account")
	s.do(kit.Note{Level: zerolog.ErrorLevel, Text: "a bug in the step of an account", Fields: []any{"account", string(s.id), "cause", cause, "stack", stack}})
}

// holder is under what name the registry knows a run of the account.
func (r ref) holder(run uint64) string { return fmt.Sprintf("%s run.%d", r.id, run) }

// uses tells whether a lease in the name of that run is asked for again, or held: it must not be given back by name.
func (a account) uses(run uint64) bool {
	return a.run.number == run || a.phase == Leasing && a.coming == run
}

// giveBack releases the lease in an answer that nobody wants any more. One that did not come in time may be given still: it
// is given back by name.
func (p Places) giveBack(msg any) []kit.Effect {
	m, _ := msg.(kit.Answered)
	if lease, fits := m.Msg.(registry.Leased); fits && lease.Err == nil {
		return []kit.Effect{kit.Tell{To: p.Registry, Msg: registry.Release{Lease: lease.Lease}}}
	}
	if holder := holderOf(m.Tag); holder != "" && errors.Is(m.Err, kit.ErrLate) {
		return []kit.Effect{kit.Tell{To: p.Registry, Msg: registry.Forget{Holder: holder}}}
	}
	return nil
}

// holderOf is in whose name a lease was asked for; empty if the question was another.
func holderOf(tag any) string {
	switch tag := tag.(type) {
	case leasing:
		return tag.holder(tag.run)
	case proving:
		return tag.holder(tag.run)
	case borrowing:
		return tag.borrower(tag.turn)
	}
	return ""
}

// leaseOf reads the registry's answer.
func leaseOf(m kit.Answered) (registry.Leased, error) {
	lease, fits := m.Msg.(registry.Leased)
	switch {
	case m.Err != nil:
		return lease, m.Err
	case !fits:
		return lease, fmt.Errorf("the registry answered with %T", m.Msg)
	}
	return lease, lease.Err
}
