package supervisor

import (
	"fmt"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
)

const (
	// journalWithin is how long the journal may take; it answers or the process ends.
	journalWithin = 30 * time.Second
	// reserve is how many numbers of runs are written down at once: the most that a crash can skip.
	reserve = 16
)

// Names of the account's values in the journal.
const (
	runState     = "run"     // the highest number reserved, decimal
	stoppedState = "stopped" // there: stopped by hand
)

// memory is what the journal keeps of an account: the manual stop, and how far the numbers of runs are used.
type memory struct {
	known   bool   // the journal has been read
	loading uint64 // the question under way; 0: none
	saving  uint64 // the commit under way; 0: none
	due     uint64 // the pause before another try; 0: none
	fails   int

	next     uint64 // number of the next run
	reserved uint64 // the highest number that is safely written down
	need     uint64 // what it must become

	stopped   bool // by hand
	undecided bool // stopped is not what the journal has
}

type (
	loading   attempt
	memoryDue attempt
	saving    struct {
		attempt
		reserved uint64 // 0: not written
		stopped  bool
		decided  bool // stopped was written
	}
)

// clean tells whether the journal has all of it.
func (m memory) clean() bool { return !m.undecided && m.need <= m.reserved }

// load reads what the journal knows, before the first start.
func (s *step) load() {
	if s.memory.loading != 0 || s.memory.due != 0 {
		return
	}
	s.memory.loading = s.number()
	s.do(kit.Ask{To: s.places.Journal, Msg: journal.GetState{Account: s.id}, Within: journalWithin, Tag: loading{s.ref, s.memory.loading}})
}

func (s *step) loaded(tag loading, m kit.Answered) {
	if tag.turn != s.memory.loading {
		return
	}
	s.memory.loading = 0
	values, fits := m.Msg.(journal.Values)
	err := m.Err
	if err == nil && !fits {
		err = fmt.Errorf("the journal answered with %T", m.Msg)
	} else if err == nil {
		err = values.Err
	}
	var last uint64
	if text, there := values.Values[runState]; err == nil && there {
		last, err = strconv.ParseUint(string(text), 10, 64)
	}
	if err != nil {
		s.memoryFailed("reading the account's state from the journal", err)
		return
	}
	s.memory.known, s.memory.fails = true, 0
	s.memory.next, s.memory.reserved, s.memory.need = last+1, last, max(s.memory.need, last)
	if !s.memory.undecided {
		_, s.memory.stopped = values.Values[stoppedState]
	}
	s.proceed()
}

// decide notes what the operator wants, in memory at once and in the journal as soon as it takes it.
func (s *step) decide(stopped bool) {
	s.memory.stopped, s.memory.undecided = stopped, true
	s.save()
}

// reserve writes further numbers down; the start goes on when they are safe.
func (s *step) reserve() {
	s.memory.need = s.memory.next + reserve - 1
	s.save()
}

func (s *step) save() {
	if s.memory.clean() || s.memory.saving != 0 || s.memory.due != 0 {
		return
	}
	s.memory.saving = s.number()
	tag := saving{attempt: attempt{s.ref, s.memory.saving}}
	var ops []journal.Op
	if s.memory.need > s.memory.reserved {
		tag.reserved = s.memory.need
		ops = append(ops, journal.SetState{Name: runState, Value: strconv.AppendUint(nil, s.memory.need, 10)})
	}
	if s.memory.undecided {
		tag.stopped, tag.decided = s.memory.stopped, true
		op := journal.SetState{Name: stoppedState}
		if s.memory.stopped {
			op.Value = []byte("1")
		}
		ops = append(ops, op)
	}
	s.do(kit.Ask{To: s.places.Journal, Msg: journal.Commit{Account: s.id, Ops: ops, Sync: true}, Within: journalWithin, Tag: tag})
}

func (s *step) saved(tag saving, m kit.Answered) {
	s.memory.saving = 0
	if err := committedErr(m); err != nil {
		s.memoryFailed("keeping the account's state in the journal", err)
		return
	}
	s.memory.fails = 0
	s.memory.reserved = max(s.memory.reserved, tag.reserved)
	if tag.decided && tag.stopped == s.memory.stopped {
		s.memory.undecided = false
	}
	s.save() // what was decided meanwhile
	if tag.reserved > 0 {
		s.proceed()
		s.prove()
	}
}

// memoryFailed tries again after a pause: neither a start nor a stop may be forgotten.
func (s *step) memoryFailed(what string, err error) {
	s.memory.fails++
	s.memory.due = s.number()
	s.do(
		kit.After{Delay: backoff(s.memory.fails), Jitter: pauseJitter, Msg: memoryDue{s.ref, s.memory.due}},
		kit.Note{Level: zerolog.WarnLevel, Text: what, Fields: []any{"account", string(s.id), "fails", s.memory.fails, "cause", err.Error()}},
	)
	if s.phase == Leasing {
		s.cause = what + ": " + err.Error()
	}
}

func (s *step) memoryDue(m memoryDue) {
	if m.turn != s.memory.due {
		return
	}
	s.memory.due = 0
	s.save()
	if s.phase == Leasing && !s.memory.known {
		s.proceed()
	}
}

// committedErr reads the journal's answer to a commit.
func committedErr(m kit.Answered) error {
	word, fits := m.Msg.(journal.Committed)
	switch {
	case m.Err != nil:
		return m.Err
	case !fits:
		return fmt.Errorf("the journal answered with %T", m.Msg)
	}
	return word.Err
}
