package supervisor

import (
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/run"
	"holdfast/channels"
)

// proveWithin is how long a candidate may take to connect or to be refused. A network that does not answer is no fault of the
// settings: the candidate is taken for proven then.
const proveWithin = 3 * time.Second

// candidate is a run with changed settings that lives beside the current one until it is promoted or dropped.
type candidate struct {
	life
	want   Account
	turn   uint64 // of the lease asked for, then of the proof; 0: there is none
	asked  bool   // for a lease
	opened bool   // Connect has returned
	proven bool
	fault  string // why it cannot be; empty: nothing is known against it
	said   channels.Condition
}

// leaving is a run that was replaced: it finishes the calls that it holds.
type leaving struct {
	life
	turn   uint64 // of its drain
	sealed bool   // nothing more of it reaches the journal
}

type (
	prepared   struct{ Account Account } // from the channel: prove these settings
	hold       struct{}                  // begin no interpretation until wanted or discard
	discard    struct{}                  // what was prepared is not published
	proving    leasing
	proofOver  attempt
	leavingDue attempt
)

// prepare begins the proof of changed settings. Where no run would be replaced by another beside it there is nothing to prove.
func (s *step) prepare(want Account) {
	s.dropCandidate("other settings came")
	s.cand = candidate{want: want}
	both := channels.Overlaps(want.Settings) && s.want.Settings != nil && channels.Overlaps(s.want.Settings)
	switch {
	case s.same(want), s.phase != Running, !want.Settings.Shared().On(), !both:
		s.cand.proven = true
	case len(s.abandoned) >= maxAbandoned:
		s.cand.fault = fmt.Sprintf("%d earlier runs hang and have not ended; one must end before another is started", len(s.abandoned))
	default:
		s.cand.turn = s.number()
		s.prove()
	}
}

// prove asks for what the candidate lacks: a number, then a lease.
func (s *step) prove() {
	switch {
	case s.cand.turn == 0 || s.cand.asked:
	case s.memory.reserved < s.memory.next:
		s.reserve()
	default:
		s.cand.asked, s.cand.number = true, s.memory.next
		s.memory.next++
		question := registry.Lease{Channel: s.id.Channel(), Holder: s.holder(s.cand.number), Staged: true}
		tag := proving{attempt{s.ref, s.cand.turn}, s.cand.number}
		s.do(kit.Ask{To: s.places.Registry, Msg: question, Within: proveWithin, Tag: tag})
	}
}

// proveWith starts the candidate with its lease.
func (s *step) proveWith(tag proving, m kit.Answered) {
	if tag.turn != s.cand.turn {
		s.do(s.places.giveBack(m)...)
		return
	}
	lease, err := leaseOf(m)
	if err != nil {
		s.do(s.places.giveBack(m)...)
		s.cand.turn, s.cand.number, s.cand.fault = 0, 0, "no lease on its plugin: "+err.Error()
		return
	}
	start := run.Start{
		Account: s.id, Number: s.cand.number, Kind: lease.Kind, Candidate: true,
		Settings: s.cand.want.Settings, Webhook: s.cand.want.Webhook,
	}
	s.cand.addr, s.cand.lease, s.cand.began = s.places.Self.Child(start.Name()), lease.Lease, s.now
	s.do(
		kit.Spawn{Name: start.Name(), What: start},
		kit.After{Delay: proveWithin, Msg: proofOver{s.ref, s.cand.turn}},
	)
}

func (s *step) opened(m run.Opened) {
	if m.Run == s.cand.number {
		s.cand.opened = true
	}
}

// heard takes a candidate's word about its connection: up or out of reach, either is proof that the settings are not refused.
func (s *step) heard(said channels.Condition) {
	s.cand.said = said
	s.cand.proven = s.cand.proven || said.Link == channels.Connected || said.Link == channels.Waiting
}

// holding: what its network has given it is proof as well, and it says no more before it is let in.
func (s *step) holding(m run.Holding) {
	if m.Run == s.cand.number {
		s.cand.proven = true
	}
}

func (s *step) proofOver(m proofOver) {
	switch {
	case m.turn != s.cand.turn || s.cand.proven:
	case s.cand.opened:
		s.cand.proven = true
	default:
		s.faulty(fmt.Sprintf("its network's Connect has not returned within %s", proveWithin))
	}
}

// candidateOver: a refusal and a bug speak against the settings, a failure that may pass does not.
func (s *step) candidateOver(m run.Over) {
	switch {
	case m.Refusal:
		s.faulty(trimmed(m.Err, m.Do))
	case m.Bug:
		s.faulty(m.Err)
	default:
		s.dropCandidate("its network has ended: " + m.Err)
		s.cand.proven = true // whoever takes its place pauses and tries again
	}
}

func (s *step) faulty(why string) {
	s.dropCandidate(why)
	s.cand.fault = why
}

// dropCandidate lets the candidate go, if there is one.
func (s *step) dropCandidate(why string) {
	dropped := s.cand
	s.cand.life, s.cand.turn = life{}, 0
	if dropped.lease != 0 {
		s.leave(dropped.life, why)
	}
}

// takesOver tells whether a candidate with these settings can take over.
func (s *step) takesOver(want Account) bool {
	return s.cand.lease != 0 && s.cand.proven && s.cand.want.Digest == want.Digest
}

// promote makes the candidate the current run; the one before it leaves.
func (s *step) promote(why string) {
	before := s.run
	if before.number != 0 {
		s.leave(before, why)
	}
	s.do(kit.Note{Level: zerolog.InfoLevel, Text: "a run replaces another", Fields: []any{
		"account", string(s.id), "run", s.cand.number, "before", before.number, "cause", why,
	}})
	s.begin() // whatever was under way is stale
	s.run, s.apart, s.end = s.cand.life, true, ending{}
	s.fails, s.restarts, s.again = 0, 0, false
	s.to(Running, "")
	s.since = s.now
	s.said(s.cand.said)
	s.cand = candidate{}
	s.admit()
}

// leave has a run finish what it holds while another is the current one.
func (s *step) leave(l life, why string) {
	gone := leaving{life: l, turn: s.number()}
	s.leaving = append(slices.Clip(s.leaving), gone)
	s.do(
		kit.Tell{To: l.addr, Msg: run.Drain{Cause: why, Within: drainWithin}},
		kit.After{Delay: drainWithin, Msg: leavingDue{s.ref, gone.turn}},
	)
}

// admit lets what the current run hands in reach the journal, as soon as nothing of the runs before it does.
func (s *step) admit() {
	if s.apart && s.run.number != 0 && !s.unsealed() {
		s.apart = false
		s.do(kit.Tell{To: s.run.addr, Msg: run.Admit{}})
	}
}

// unsealed tells whether something of a run that leaves may still reach the journal.
func (a account) unsealed() bool {
	return slices.ContainsFunc(a.leaving, func(l leaving) bool { return !l.sealed })
}

func (s *step) sealed(m run.Sealed) {
	if at := s.left(func(l leaving) bool { return l.number == m.Run }); at >= 0 {
		s.leaving = slices.Clone(s.leaving)
		s.leaving[at].sealed = true
		s.admit()
	}
}

func (s *step) leavingDue(m leavingDue) {
	if at := s.left(func(l leaving) bool { return l.turn == m.turn }); at >= 0 && !s.closing {
		s.do(kit.Tell{To: s.leaving[at].addr, Msg: run.Fence{Cause: fmt.Sprintf("it did not end within %s", drainWithin)}})
	}
}

func (s *step) left(is func(leaving) bool) int { return slices.IndexFunc(s.leaving, is) }

// leftFenced and leftEnded take a run off the list of those that leave.
func (s *step) leftFenced(at int) {
	l := s.leaving[at].life
	s.abandoned = append(slices.Clip(s.abandoned), l)
	s.leftEnded(at, "was fenced")
}

func (s *step) leftEnded(at int, how string) {
	l := s.leaving[at].life
	s.leaving = slices.Delete(slices.Clone(s.leaving), at, at+1)
	s.giveUp(l, fmt.Sprintf("run.%d %s", l.number, how))
	s.admit()
	s.unblock()
}

// hold keeps requests from being interpreted while the settings change under them.
func (s *step) hold() { s.held = true }

// release ends a hold.
func (s *step) release() {
	s.held = false
	s.pump()
}

// discard forgets what was prepared.
func (s *step) discard() {
	s.dropCandidate("what it was prepared for is not published")
	s.cand = candidate{}
	s.release()
}

// blocked waits for the runs before: only one may hold the connection, and they have not let go of it.
func (s *step) blocked() bool {
	before := slices.Clone(s.abandoned)
	for _, l := range s.leaving {
		before = append(before, l.life)
	}
	if len(before) == 0 || channels.Overlaps(s.want.Settings) {
		return false
	}
	s.begin()
	s.to(Blocked, fmt.Sprintf("blocked by run.%d, which has not ended and may hold the connection; if it never ends, restart the gateway", before[0].number))
	return true
}

// unblock goes on when the last run before has ended.
func (s *step) unblock() {
	if s.phase == Blocked && len(s.abandoned) == 0 && len(s.leaving) == 0 {
		s.cause = ""
		s.start()
	}
}
