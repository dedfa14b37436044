package explore

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Walks says how a world that is too large to be exhausted is walked through.
type Walks struct {
	Number int // of walks
	Steps  int // of one walk, at most; then it goes on without faults until it comes to rest
	Seed   uint64
}

// rests bounds the continuation without faults.
const rests = 2000

// Walk goes through a world at random, and shortens a history that breaks a law. The same seed takes the same ways.
func (w *World) Walk(l Walks) (done int, broken *Violation) {
	var (
		mu      sync.Mutex
		wg      sync.WaitGroup
		first   = l.Number
		history []string
		next    atomic.Int64
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < l.Number; i = int(next.Add(1)) - 1 {
				mu.Lock()
				late := i > first
				mu.Unlock()
				if late {
					return
				}
				way, found := w.wander(rand.New(rand.NewPCG(l.Seed, uint64(i))), l.Steps)
				mu.Lock()
				if found != nil && i < first {
					first, history, broken = i, way, found
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if broken == nil {
		return l.Number, nil
	}
	return first + 1, w.shortest(history, broken)
}

// wander takes one walk. What it returns is the moves that were taken, by their texts.
func (w *World) wander(r *rand.Rand, steps int) ([]string, *Violation) {
	now := w.Begin
	var history []string
	for range steps {
		moves := w.moves(now)
		if len(moves) == 0 {
			break
		}
		m := drawn(r, now, moves)
		history = append(history, m.text())
		if broken := w.walked(now, m.next); broken != nil {
			return history, broken
		}
		now = m.next
	}
	_, broken := w.rest(now)
	return history, broken
}

// Of so many steps one is a fault, or something that somebody may do or leave, as long as there is anything else: both would
// else be used up before anything has happened.
const (
	faultsIn  = 50
	freedomIn = 15
)

// drawn chooses one of the moves.
func drawn(r *rand.Rand, s *state, moves []move) move {
	var flows, frees, faults []move
	for _, m := range moves {
		switch {
		case m.next.faults > s.faults:
			faults = append(faults, m)
		case m.class == free:
			frees = append(frees, m)
		default:
			flows = append(flows, m)
		}
	}
	from := flows
	switch {
	case len(faults) > 0 && (r.IntN(faultsIn) == 0 || len(flows)+len(frees) == 0):
		from = faults
	case len(frees) > 0 && (r.IntN(freedomIn) == 0 || len(flows) == 0):
		from = frees
	}
	return from[r.IntN(len(from))]
}

// walked judges one step, and that it has not changed the state that it was given.
func (w *World) walked(before, after *state) *Violation {
	for _, a := range before.actors {
		if f := w.canon.actor(a, a.state); f.fixed != a.form.fixed || !slices.Equal(f.slots, a.form.slots) {
			return &Violation{Law: "a step does not change the state that it is given", What: fmt.Sprintf("%s is another after a step", a.addr)}
		}
	}
	return w.judge(after)
}

// rest goes on without faults, and looks at what must be so where nothing is under way.
func (w *World) rest(s *state) ([]string, *Violation) {
	var history []string
	for range rests {
		best, chosen := hold, move{}
		for _, m := range w.moves(s) {
			if m.class < best {
				best, chosen = m.class, m
			}
		}
		if broken := w.settledLaws(best, s); broken != nil {
			return history, broken
		}
		if chosen.next == nil {
			return history, nil
		}
		history = append(history, chosen.text())
		if broken := w.judge(chosen.next); broken != nil {
			return history, broken
		}
		s = chosen.next
	}
	return history, &Violation{Law: "without faults everything comes to rest", What: fmt.Sprintf("not within %d steps", rests)}
}

// unnumbered is a text without its numbers: what is left out before a move changes them.
func unnumbered(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}

// replay takes those of the moves that can be taken.
func (w *World) replay(history []string) (taken []string, broken *Violation) {
	now := w.Begin
	for _, text := range history {
		moves := w.moves(now)
		at := slices.IndexFunc(moves, func(m move) bool { return m.text() == text })
		if at < 0 {
			at = slices.IndexFunc(moves, func(m move) bool { return unnumbered(m.text()) == unnumbered(text) })
		}
		if at < 0 {
			continue
		}
		taken = append(taken, moves[at].text())
		if broken := w.walked(now, moves[at].next); broken != nil {
			return taken, broken
		}
		now = moves[at].next
	}
	more, broken := w.rest(now)
	if broken != nil {
		broken.History = append(slices.Clone(taken), more...)
	}
	return taken, broken
}

// shortest leaves out whatever the violation of the same law does not need: halves first, single moves last, until none of
// them can be missed.
func (w *World) shortest(history []string, broken *Violation) *Violation {
	law := broken.Law
	for size := max(1, len(history)/2); ; size = max(1, size/2) {
		before := len(history)
		for from := 0; from < len(history); {
			without := slices.Concat(history[:from], history[min(from+size, len(history)):])
			taken, again := w.replay(without)
			if again == nil || again.Law != law || len(taken) >= len(history) {
				from += size
				continue
			}
			history, broken = taken, again
		}
		if size == 1 && len(history) == before {
			break
		}
	}
	if broken.History == nil {
		broken.History = history
	}
	return broken
}
