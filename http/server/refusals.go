package server

import (
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"holdfast/actors/registry"
)

// Bounds on strangers.
const (
	peersMax     = 8192 // peers whose refusals are remembered
	refusedBurst = 120  // refused requests of one peer before 429
	refusedRate  = 2    // per second, after that
)

// refusals counts what was refused, by status and reason, and by peer for the limit. Reasons are few fixed texts, so a
// stranger cannot fill the table.
type refusals struct {
	mu    sync.Mutex
	sums  map[string]uint64
	peers *lru.Cache[string, *rate.Limiter]
}

func newRefusals() *refusals {
	peers, err := lru.New[string, *rate.Limiter](peersMax)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &refusals{sums: map[string]uint64{}, peers: peers}
}

// count counts one refusal.
func (r *refusals) count(code int, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sums[strconv.Itoa(code)+" "+reason]++
}

// tooMany counts a refusal against a peer and tells whether it has had too many.
func (r *refusals) tooMany(peer string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit, known := r.peers.Get(peer)
	if !known {
		limit = rate.NewLimiter(refusedRate, refusedBurst)
		r.peers.Add(peer, limit)
	}
	return !limit.Allow()
}

// take is what was counted since the last time.
func (r *refusals) take() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.sums
	r.sums = map[string]uint64{}
	return out
}

// sumUp reports once per interval and at the end.
func (s *Server) sumUp() {
	tick := time.NewTicker(summaryEvery)
	defer tick.Stop()
	missed := map[*registry.Counts]uint64{}
	for {
		select {
		case <-s.life.Done():
			s.reportRefusals()
			return
		case <-tick.C:
			s.reportRefusals()
			s.reportMissed(missed)
		}
	}
}

// reportRefusals writes one line if something was refused.
func (s *Server) reportRefusals() {
	sums, faults, bugs := s.refusals.take(), s.faults.Swap(0), s.bugs.Swap(0)
	if len(sums) == 0 && faults == 0 {
		return
	}
	reasons, total := zerolog.Dict(), uint64(0)
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		reasons.Uint64(name, sums[name])
		total += sums[name]
	}
	s.o.Log.Warn().Uint64("count", total).Dict("reasons", reasons).Uint64("bugs", bugs).Uint64("library", faults).
		Dur("interval", summaryEvery).Msg("requests were refused")
}

// reportMissed tells the accounts of every path on which more was missed than seen says.
func (s *Server) reportMissed(seen map[*registry.Counts]uint64) {
	live := map[*registry.Counts]bool{}
	for _, e := range s.o.Live.Load().Routes.All() {
		live[e.Counts] = true
		if now := e.Counts.Missed.Load(); now > seen[e.Counts] {
			seen[e.Counts] = now
			for _, account := range e.Accounts {
				s.o.Missed(account)
			}
		}
	}
	maps.DeleteFunc(seen, func(c *registry.Counts, _ uint64) bool { return !live[c] })
}
