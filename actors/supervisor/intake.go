package supervisor

import (
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/channels"
)

const (
	// window is how many requests of an account are held in memory at most.
	window = 64
	// parallel is how many requests of an account are interpreted at the same time.
	parallel = 4
	// budget is how long one interpretation may take. It is a pure function of a few kilobytes.
	budget = 5 * time.Second
	// tries is how often a request is interpreted that hangs or panics; then it is a dead letter and the order moves on.
	tries = 3
	// maxStuck bounds the interpretations that hang for ever: with so many, the account interprets nothing until one ends.
	maxStuck = 32
	// perLease is how many interpretations one lease serves, so that a busy account does not hold an old instance for ever.
	perLease = 64
)

// intake is how an account's requests become arrivals. It never needs a run.
//
// The queue is in order of acceptance: jobs are begun from the front, and only a ready prefix is committed.
type intake struct {
	more   bool   // the journal has something above after
	after  uint64 // the highest number looked at
	queue  []job
	halted bool // the account has failed or is gone
	rest   bool // the process ends: what is begun is finished, nothing is begun

	taking     uint64 // the question under way; 0: none
	borrowing  uint64
	committing uint64
	batch      int // requests in the commit under way
	singles    int // commits to come that hold one request each

	lease registry.LeaseID // 0: none
	kind  channels.Kind
	used  int // interpretations begun under the lease

	pause uint64 // the journal or the registry could not; 0: no pause
	fails int
	cause string
	stuck []uint64 // attempts whose budget is over and whose goroutine is not gone
}

// job is one request on its way.
type job struct {
	request *channels.Request // never changed
	tries   int
	attempt uint64 // under way; 0: none
	ready   *meaning
}

// meaning is what became of a request.
type meaning struct {
	arrivals []channels.Arrival
	keep     time.Duration // how long their claims live
	dead     string        // why it cannot be understood; empty: it was
}

type (
	rest         struct{}
	taking       attempt
	borrowing    attempt
	interpreting attempt
	committing   attempt
	budgetOver   attempt
	intakeDue    attempt
)

// woken: the journal has requests.
func (s *step) woken() {
	s.in.more = true
	s.pump()
}

// rest lets what is begun end; what is not stays pending in the journal.
func (s *step) rest() {
	s.in.rest = true
	if first := slices.IndexFunc(s.in.queue, func(j job) bool { return j.tries == 0 }); first >= 0 {
		s.in.queue = slices.Clip(s.in.queue[:first])
	}
	s.pump()
}

// idle tells whether nothing of the intake is under way.
func (n intake) idle() bool { return len(n.queue) == 0 }

// running counts the interpretations under way and within their budget.
func (n intake) running() int {
	count := 0
	for _, j := range n.queue {
		if j.attempt != 0 {
			count++
		}
	}
	return count
}

// haltIntake forgets everything that is not in the journal; answers to come are stale.
func (s *step) haltIntake() {
	stuck := slices.Clip(s.in.stuck)
	for _, j := range s.in.queue {
		if j.attempt != 0 {
			stuck = append(stuck, j.attempt)
		}
	}
	s.giveLease()
	s.in = intake{halted: true, rest: s.in.rest, stuck: stuck}
}

// revive begins an intake that was halted, or never began, from the oldest pending request.
func (s *step) revive() {
	if s.in.halted || s.phase == "" {
		s.in = intake{more: true, rest: s.in.rest, stuck: s.in.stuck}
		s.pump()
	}
}

// pump begins all that can be begun.
func (s *step) pump() {
	if s.in.halted {
		return
	}
	if s.in.running() == 0 && (s.in.used >= perLease || !slices.ContainsFunc(s.in.queue, job.waiting)) {
		s.giveLease()
	}
	if s.in.pause == 0 {
		s.commit()
		s.fill()
		s.borrow()
	}
	s.interpret()
}

func (j job) waiting() bool { return j.attempt == 0 && j.ready == nil }

// fill takes further requests when half of the window is free.
func (s *step) fill() {
	room := window - len(s.in.queue)
	if !s.in.more || s.in.rest || s.in.taking != 0 || room < window/2 {
		return
	}
	s.in.more, s.in.taking = false, s.number()
	s.do(kit.Ask{
		To: s.places.Journal, Within: journalWithin, Tag: taking{s.ref, s.in.taking},
		Msg: journal.Take{Queue: journal.Queue{Kind: journal.Requests, Account: s.id}, After: s.in.after, Max: room},
	})
}

func (s *step) taken(tag taking, m kit.Answered) {
	if tag.turn != s.in.taking {
		return
	}
	s.in.taking = 0
	word, fits := m.Msg.(journal.Taken)
	err := m.Err
	if err == nil && !fits {
		err = fmt.Errorf("the journal answered with %T", m.Msg)
	} else if err == nil {
		err = word.Err
	}
	if err != nil {
		s.in.more = true
		s.intakeFailed("taking requests from the journal", err)
		return
	}
	if s.in.rest {
		return
	}
	queue := slices.Clip(s.in.queue)
	for i := range word.Requests {
		queue = append(queue, job{request: &word.Requests[i]})
	}
	s.in.queue = queue
	s.in.after = max(s.in.after, word.Last)
	s.in.more = s.in.more || word.More
	if len(queue) == 0 {
		s.in.fails, s.in.cause = 0, ""
	}
	s.pump()
}

// borrow asks for the right to run the plugin's code.
func (s *step) borrow() {
	if s.in.lease != 0 || s.in.borrowing != 0 || !slices.ContainsFunc(s.in.queue, job.waiting) {
		return
	}
	s.in.borrowing = s.number()
	question := registry.Lease{Channel: s.id.Channel(), Holder: s.borrower(s.in.borrowing)}
	s.do(kit.Ask{To: s.places.Registry, Msg: question, Within: leaseWithin, Tag: borrowing{s.ref, s.in.borrowing}})
}

// borrower is under what name the registry knows the interpretations under one lease.
func (r ref) borrower(turn uint64) string { return fmt.Sprintf("%s interpret.%d", r.id, turn) }

func (s *step) borrowed(tag borrowing, m kit.Answered) {
	if tag.turn != s.in.borrowing {
		s.do(s.places.giveBack(m)...)
		return
	}
	s.in.borrowing = 0
	lease, err := leaseOf(m)
	if err != nil {
		s.do(s.places.giveBack(m)...)
		s.intakeFailed("no lease to interpret requests", err)
		return
	}
	s.in.lease, s.in.kind, s.in.used = lease.Lease, lease.Kind, 0
	s.pump()
}

func (s *step) giveLease() {
	if s.in.lease != 0 {
		s.do(kit.Tell{To: s.places.Registry, Msg: registry.Release{Lease: s.in.lease}})
	}
	s.in.lease, s.in.kind, s.in.used = 0, channels.Kind{}, 0
}

// interpret begins jobs from the front.
func (s *step) interpret() {
	if s.in.lease == 0 || s.held {
		return
	}
	running := s.in.running()
	for i, j := range s.in.queue {
		if running >= parallel || s.in.used >= perLease || len(s.in.stuck)+running >= maxStuck {
			break
		}
		if !j.waiting() {
			continue
		}
		turn := s.number()
		s.job(i, func(j *job) { j.attempt, j.tries = turn, j.tries+1 })
		s.in.used++
		running++
		s.do(
			kit.Do{Job: Interpret{Kind: s.in.kind, Settings: s.want.Settings, Request: *j.request}, Tag: interpreting{s.ref, turn}},
			kit.After{Delay: budget, Msg: budgetOver{s.ref, turn}, For: interpreting{s.ref, turn}},
		)
	}
	if len(s.in.stuck) >= maxStuck {
		s.in.cause = fmt.Sprintf("%d interpretations hang and have not ended; requests wait in the journal", len(s.in.stuck))
	}
}

// job changes one job of the queue, on a copy.
func (s *step) job(at int, change func(*job)) {
	s.in.queue = slices.Clone(s.in.queue)
	change(&s.in.queue[at])
}

func (s *step) attempted(turn uint64) int {
	return slices.IndexFunc(s.in.queue, func(j job) bool { return j.attempt == turn })
}

// interpreted takes the end of an interpretation.
func (s *step) interpreted(m kit.Done) {
	tag, fits := m.Tag.(interpreting)
	if !fits {
		s.do(kit.Unknown{Msg: m})
		return
	}
	at := s.attempted(tag.turn)
	if at < 0 {
		s.in.stuck = slices.DeleteFunc(slices.Clone(s.in.stuck), func(t uint64) bool { return t == tag.turn })
		s.pump()
		return
	}
	word, whole := m.Msg.(Interpreted)
	switch {
	case m.Err != nil || !whole:
		s.retry(at, fmt.Sprintf("interpreting it ended without a result: %v", m.Err))
	case word.Err != nil:
		s.ready(at, meaning{dead: word.Err.Error()})
	default:
		arrivals, err := complete(*s.in.queue[at].request, word.Arrivals)
		if err != nil {
			s.ready(at, meaning{dead: err.Error()})
		} else {
			s.ready(at, meaning{arrivals: arrivals, keep: s.in.kind.Limits.RepeatWindow})
		}
	}
	s.pump()
}

// budgetOver: the interpretation hangs. Its goroutine is counted until it ends.
func (s *step) budgetOver(m budgetOver) {
	at := s.attempted(m.turn)
	if at < 0 {
		return
	}
	s.in.stuck = append(slices.Clip(s.in.stuck), m.turn)
	s.retry(at, fmt.Sprintf("interpreting it took longer than %s", budget))
	s.pump()
}

// retry has a job tried once more, until it has been tried enough.
func (s *step) retry(at int, why string) {
	if n := s.in.queue[at].tries; n >= tries {
		s.ready(at, meaning{dead: fmt.Sprintf("%s (%d times)", why, n)})
		return
	}
	s.job(at, func(j *job) { j.attempt = 0 })
}

func (s *step) ready(at int, what meaning) {
	s.job(at, func(j *job) { j.attempt, j.ready = 0, &what })
	if what.dead != "" {
		s.do(kit.Note{Level: zerolog.WarnLevel, Text: "a request becomes a dead letter", Fields: []any{
			"account", string(s.id), "request", s.in.queue[at].request.Seq, "cause", what.dead,
		}})
	}
}

// intakeFailed waits before the journal or the registry is asked again.
func (s *step) intakeFailed(what string, err error) {
	s.in.fails++
	s.in.cause = what + ": " + err.Error()
	s.in.pause = s.number()
	delay := backoff(s.in.fails)
	s.do(
		kit.After{Delay: delay, Jitter: pauseJitter, Msg: intakeDue{s.ref, s.in.pause}},
		kit.Note{Level: zerolog.WarnLevel, Text: "intake pauses", Fields: []any{
			"account", string(s.id), "fails", s.in.fails, "pause", delay.String(), "cause", s.in.cause,
		}},
	)
}

func (s *step) intakeDue(m intakeDue) {
	if m.turn == s.in.pause {
		s.in.pause = 0
		s.pump()
	}
}
