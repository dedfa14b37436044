package explore

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Walks says how a world that is too large to be exhausted is walked through.
type Walks struct {
	Number int // of walks
	Steps  int // of one walk, at most; then it goes on without faults until it comes to rest
	Seed   uint64
	Stop   func() bool // asked before each walk; true ends it
}

// rests bounds the continuation without faults.
const rests = 2000

// Walk goes through a world at random, and shortens a history that breaks a law. The same seed takes the same ways.
func (w *World) Walk(l Walks) (done int, broken *Violation) {
	for i := range l.Number {
		if l.Stop != nil && l.Stop() {
			return i, nil
		}
		r := rand.New(rand.NewPCG(l.Seed, uint64(i)))
		history, broken := w.wander(r, l.Steps)
		if broken != nil {
			return i + 1, w.shortest(history, broken)
		}
	}
	return l.Number, nil
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
		m := moves[r.IntN(len(moves))]
		if m.class == free && r.IntN(3) > 0 {
			m = moves[r.IntN(len(moves))] // what is free is taken less often, so that something happens in between
		}
		history = append(history, m.text())
		if broken := w.walked(now, m.next); broken != nil {
			return history, broken
		}
		now = m.next
	}
	_, broken := w.rest(now)
	return history, broken
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
		o := w.open(s, nil)
		if o.broken != nil {
			return append(history, o.broken.History...), o.broken
		}
		if o.chosen < 0 {
			return history, nil
		}
		history = append(history, o.moves[o.chosen].text())
		s = o.moves[o.chosen].next
	}
	return history, &Violation{Law: "without faults everything comes to rest", What: fmt.Sprintf("not within %d steps", rests)}
}

// replay takes those of the moves that can be taken.
func (w *World) replay(history []string) (taken []string, broken *Violation) {
	now := w.Begin
	for _, text := range history {
		moves := w.moves(now)
		at := slices.IndexFunc(moves, func(m move) bool { return m.text() == text })
		if at < 0 {
			continue
		}
		taken = append(taken, text)
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

// shortest leaves out whatever the violation of the same law does not need: halves first, single moves last.
func (w *World) shortest(history []string, broken *Violation) *Violation {
	law := broken.Law
	for size := max(1, len(history)/2); ; size /= 2 {
		for from := 0; from < len(history); {
			without := slices.Concat(history[:from], history[min(from+size, len(history)):])
			taken, again := w.replay(without)
			if again == nil || again.Law != law || len(taken) >= len(history) {
				from += size
				continue
			}
			history, broken = taken, again
		}
		if size <= 1 {
			break
		}
	}
	if broken.History == nil {
		broken.History = history
	}
	return broken
}
