package journal

import (
	"fmt"
	"slices"
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// Bounds and rhythms of the actor.
const (
	// maxFlight bounds the syncs that are under way at once.
	maxFlight = 2
	// lazySync is how long what nobody waits for may lie unsynced.
	lazySync = 100 * time.Millisecond
	// maxWaiting bounds how many Answers may wait at once; further ones hear at once what is known.
	maxWaiting = 1024
	// longestWait bounds how long one Answers may wait.
	longestWait = 10 * time.Minute
	// pollFree and pollFreeLow are the pauses between looks at the free space: usually, and while nothing is taken.
	pollFree    = 10 * time.Second
	pollFreeLow = time.Second
	// bigBatch is how many bytes end a batch, and make the free space worth another look.
	bigBatch = 4 << 20
)

// phase is where the journal is in its life.
type phase uint8

const (
	taking   phase = iota
	refusing       // takes nothing new: the disk is nearly full
	closing        // refuses everything, waits for what is under way
	closed         // the store is closed
	failed         // a write or a sync failed: the process is about to end
)

func (p phase) String() string {
	return [...]string{"taking", "low on disk", "closing", "closed", "failed"}[p]
}

// machine is all that the actor remembers beside its store.
type machine struct {
	phase    phase // taking, closing, closed or failed
	water    water
	wakes    wakes
	waiters  waiters
	syncs    syncs
	keeps    []keeping // orders to let items of removed accounts die; the first is worked on
	closers  []kit.Return
	beside   int  // long questions under way
	sweeping bool // the timer of the next sweep is under way
	shutting bool // the store is being closed
}

type keeping struct {
	accounts map[channels.Account]bool
	from     kit.Return
}

var errClosing = fmt.Errorf("%w: the gateway is stopping", ErrIntake)

// phaseNow is the phase as others see it.
func (m *machine) phaseNow() phase {
	if m.phase == taking && m.water.low {
		return refusing
	}
	return m.phase
}

// why says for people why nothing is taken; empty when it is.
func (m *machine) why() string {
	switch m.phase {
	case taking:
		return m.water.why()
	case failed:
		return "the journal cannot go on; the process ends"
	default:
		return "the gateway is stopping"
	}
}

// statistics joins what the machine and the store know with counters, which are not changed any more.
func (m *machine) statistics(s *Store, queues map[Queue]Counters) Statistics {
	why := m.why()
	return Statistics{
		Accepting: why == "", Why: why, Free: m.water.free,
		Syncs: s.syncs, Commits: s.commits, Queues: queues,
	}
}

// rest is what follows when a turn is over: a timer for what nobody waits for, or the end when all is quiet.
func (m *machine) rest() []kit.Effect {
	if m.phase != closing {
		return m.syncs.rest(lazySync)
	}
	if m.shutting || m.beside > 0 || !m.syncs.quiet() {
		return m.syncs.rest(0)
	}
	m.shutting = true
	return []kit.Effect{kit.Do{Job: closeJob{}, Tag: closeJob{}}}
}

// syncs decides when a sync begins and who hears of its end. At most maxFlight are under way: the disk does one after the
// other, and the next one is there when the one before it ends. Whoever comes meanwhile waits for the one after.
type syncs struct {
	flights []flight     // under way, oldest first
	begun   uint64       // the number of the last one that began
	waiting []kit.Effect // wait for the next one, and want it now
	riding  []kit.Effect // wait for the next one, whenever that is
	wanted  bool         // somebody waits
	loose   bool         // something is in order and no sync that has begun covers it
	armed   bool         // the timer of a lazy sync is under way
}

// flight is a sync that is under way, and what becomes true when it has ended.
type flight struct {
	number uint64
	then   []kit.Effect
}

// rely adds what becomes true with the next sync, and wants it now.
func (s *syncs) rely(effects ...kit.Effect) {
	s.waiting = append(s.waiting, effects...)
	s.wanted = true
}

// ride adds what is to happen after the next sync, whenever that is.
func (s *syncs) ride(effects ...kit.Effect) {
	s.riding = append(s.riding, effects...)
	s.loose = true
}

// wrote says that something was put in order.
func (s *syncs) wrote() { s.loose = true }

// due tells whether a sync is to begin now; if so, it has begun, and bears the number begun.
func (s *syncs) due() bool {
	if len(s.flights) >= maxFlight || !s.wanted {
		return false
	}
	s.begun++
	s.flights = append(s.flights, flight{s.begun, slices.Concat(s.waiting, s.riding)})
	s.waiting, s.riding = nil, nil
	s.wanted, s.loose = false, false
	return true
}

// ended gives what waited for the sync of that number and for those that began before it: they are on the disk as well,
// whatever the order in which the news come.
func (s *syncs) ended(number uint64) []kit.Effect {
	var out []kit.Effect
	for len(s.flights) > 0 && s.flights[0].number <= number {
		out = append(out, s.flights[0].then...)
		s.flights = s.flights[1:]
	}
	return out
}

// rest asks for a timer when something is loose that nobody waits for.
func (s *syncs) rest(delay time.Duration) []kit.Effect {
	if !s.loose || s.wanted || s.armed {
		return nil
	}
	s.armed = true
	return []kit.Effect{kit.After{Delay: delay, Msg: lazyOver{}}}
}

// lazy is the end of that timer.
func (s *syncs) lazy() {
	s.armed = false
	if s.loose {
		s.wanted = true
	}
}

// quiet tells whether nothing is under way and nothing is loose.
func (s *syncs) quiet() bool { return len(s.flights) == 0 && !s.wanted && !s.loose }

// claims are those that were made in a batch which cannot be read back yet: key to the time at which they end.
type claims map[string]int64

// taken tells whether the claim is held at now. Stored is what the store knows of it; 0 is nothing.
func (c claims) taken(key []byte, stored, now int64) bool {
	if until, known := c[string(key)]; known {
		stored = until
	}
	return stored > now
}

// waiters are the Answers that wait for a request to end.
type waiters struct {
	last uint64
	by   map[uint64]waiter // by their own number
}

type waiter struct {
	ask  Answers
	from kit.Return
}

// add keeps a question and asks for its deadline; full tells that there are too many.
func (w *waiters) add(m Answers, from kit.Return) (effects []kit.Effect, full bool) {
	if len(w.by) >= maxWaiting {
		return nil, true
	}
	if w.by == nil {
		w.by = map[uint64]waiter{}
	}
	w.last++
	w.by[w.last] = waiter{ask: m, from: from}
	return []kit.Effect{kit.After{Delay: min(m.Wait, longestWait), Msg: waitOver{w.last}}}, false
}

// take gives back one whose deadline has come, if it still waits.
func (w *waiters) take(n uint64) (waiter, bool) {
	found, waits := w.by[n]
	delete(w.by, n)
	return found, waits
}

// of are the numbers of those that wait for one of the requests, in the order in which they came.
func (w *waiters) of(requests map[uint64]bool) []uint64 {
	var out []uint64
	for n, one := range w.by {
		if requests[one.ask.Request] {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// all are the numbers of those that wait.
func (w *waiters) all() []uint64 {
	var out []uint64
	for n := range w.by {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// verdict is what became of a request: pending while anything is, else the worst end. Of equally bad ends the most telling
// one speaks: what became of the message, then of its replies, then of the request.
func verdict(request item, led []item) (State, string, string) {
	speaks, worst := request, rank(request)
	for _, it := range led {
		if r := rank(it); r > worst {
			speaks, worst = it, r
		}
	}
	return speaks.State, speaks.Outcome, speaks.Reason
}

func rank(it item) int {
	bad := map[State]int{Done: 0, Expired: 1, Dead: 2, Pending: 3}[it.State]
	telling := map[Kind]int{Requests: 0, Replies: 1, Arrivals: 2}[it.Kind]
	return bad*3 + telling
}
