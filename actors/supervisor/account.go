package supervisor

import (
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

// account is one row: what is wanted, and where its life is.
type account struct {
	ref
	want    Account
	read    bool   // on and name are known; false after a panic of the settings
	on      bool   // the operator has it enabled
	name    string // for people
	removed bool   // it is wanted no more; the row stays until its runs are gone
	closing bool   // the process ends

	phase   Phase
	since   time.Time
	cause   string
	turn    uint64 // the newest number of anything below
	attempt uint64 // the lease asked for, the pause or the drain under way; another one as soon as that is over

	run       life
	apart     bool // the current run was a candidate, and is not admitted
	end       ending
	cand      candidate
	leaving   []leaving
	held      bool   // interpret nothing until the settings are there
	coming    uint64 // the number of the run that a lease was asked for; 0: none
	legacy    []byte // what the run before left to the next one
	abandoned []life
	fails     int
	again     bool   // the attempt follows a failure
	restarts  uint64 // since the last start on purpose
	next      time.Time
	link      channels.Link
	facts     map[string]string

	memory  memory
	calls   []callAsked
	in      intake
	lastIn  time.Time
	lastOut time.Time
}

// Inputs from the channel to one of its accounts, and an account's own timers and tags.
type (
	wanted    struct{ Account Account }
	unwanted  struct{}
	ordered   struct{ Do string }
	shut      struct{} // the process ends: no run from now on
	cut       struct{} // the time to end is over
	pauseOver attempt
	drainOver attempt
)

// leasing is the tag of a question for a lease for the run of that number.
type leasing struct {
	attempt
	run uint64
}

// attempt is a ref with the number of what was begun.
type attempt struct {
	ref
	turn uint64
}

// Orders, as Order.Do has them.
const (
	doStart   = "start"
	doStop    = "stop"
	doRestart = "restart"
)

// up tells whether a run should be there.
func (a account) up() bool { return !a.removed && !a.closing && a.on && !a.memory.stopped }

// spent tells whether nothing is left of a removed account.
func (a account) spent() bool {
	return a.removed && a.alone() && len(a.abandoned) == 0 && a.memory.clean()
}

// alone tells whether the account has no run that may still do something.
func (a account) alone() bool { return a.run.number == 0 && a.cand.lease == 0 && len(a.leaving) == 0 }

// number gives the next number for whatever begins now.
func (s *step) number() uint64 {
	s.turn++
	return s.turn
}

func (s *step) begin() attempt {
	s.attempt = s.number()
	return attempt{s.ref, s.attempt}
}

func (s *step) to(phase Phase, cause string) {
	if s.phase != phase {
		s.since = s.now
	}
	s.phase, s.cause = phase, cause
	if phase != Running {
		s.linked("")
		s.facts = nil
	}
}

// wanted takes new settings. Everything that is the network's own code happens here, under the guard.
func (s *step) wanted(want Account) {
	same, moved := s.same(want), s.want.Webhook != want.Webhook
	s.want, s.removed = want, false
	defer s.release()
	if same {
		s.discard()
		if moved && s.phase == Running {
			s.do(kit.Tell{To: s.run.addr, Msg: run.Moved{Webhook: want.Webhook}})
		}
		return
	}
	s.read, s.in.used = false, perLease // a lease of before may be on another instance
	s.readSettings()
	s.revive()
	if s.up() && s.takesOver(want) {
		s.promote("its settings have changed")
		return
	}
	s.discard()
	s.renew("its settings have changed")
}

// same tells whether the account is wanted as it is already.
func (a account) same(want Account) bool {
	return a.read && !a.removed && a.want.Digest == want.Digest
}

func (s *step) readSettings() {
	common := s.want.Settings.Shared()
	s.read, s.on, s.name = true, common.On(), common.Name
}

func (s *step) unwanted() {
	s.removed = true
	s.discard()
	s.haltIntake()
	s.settle()
}

func (s *step) shut() {
	s.closing = true
	s.discard()
	s.settle()
}

// cut ends what had until now to end by itself.
func (s *step) cut() {
	fence := run.Fence{Cause: "the process ends"}
	if s.phase == Draining {
		s.do(kit.Tell{To: s.run.addr, Msg: fence})
	}
	for _, l := range s.leaving {
		s.do(kit.Tell{To: l.addr, Msg: fence})
	}
}

func (s *step) ordered(do string) {
	switch do {
	case doStop:
		s.discard()
		s.decide(true)
		s.revive()
		s.settle()
	case doStart:
		s.readSettings()
		s.decide(false)
		s.revive()
		s.renew("it was started by hand")
	case doRestart:
		s.readSettings()
		s.revive()
		s.renew("it was restarted by hand")
	}
}

// renew begins a new life on purpose: at once, or as soon as the present one has ended.
func (s *step) renew(why string) {
	s.fails, s.restarts, s.again = 0, 0, false
	switch {
	case s.phase == Running:
		s.drain(why)
	case s.phase == Draining:
		s.end.asked = true
	case !s.up():
		s.off()
	case s.phase != Leasing:
		s.start()
	}
}

// settle ends what is not wanted any more. What drains is off when it has ended.
func (s *step) settle() {
	switch {
	case s.phase == Draining:
	case s.phase == Running:
		s.drain(s.why())
	default:
		s.off()
	}
}

// why says in words why no run is wanted.
func (a account) why() string {
	switch {
	case a.closing:
		return "the process ends"
	case a.removed:
		return "it was removed from the configuration"
	case a.read && !a.on:
		return "it is disabled in the configuration"
	}
	return "it was stopped by hand"
}

func (s *step) off() {
	s.begin() // whatever was under way is stale
	s.to(Off, s.why())
}
