package explore

import (
	"runtime"
	"sync"
)

// Limits of one search.
type Limits struct {
	States   int // most states to visit; 0: all
	Progress func(states, waiting int)

	rests func(*state) // hears of every state in which nothing is under way
}

// Outcome of one search.
type Outcome struct {
	World    string
	States   int
	Moves    int
	Quiet    int // states in which nothing is under way
	Depth    int
	Complete bool
	Broken   *Violation
}

// Violation is a law that was broken and the shortest history that leads there.
type Violation struct {
	Law     string
	What    string
	History []string
}

// visited is what is kept of a state.
type visited struct {
	parent int32
	move   int32
	next   int32 // where it goes without faults; -1: nowhere
	onward bool  // it must go somewhere
}

// searching is a search under way.
type searching struct {
	world *World
	known map[digest]int32
	rows  []visited
	out   Outcome
}

// branches are what one state leads to.
type branches struct {
	moves  []move
	ids    []digest
	chosen int // the move without faults; -1: none
	broken *Violation
}

// Search visits all states of a world, level by level, so that the first violation has the shortest history.
func (w *World) Search(l Limits) Outcome {
	s := &searching{world: w, known: map[digest]int32{}, out: Outcome{World: w.Name, Complete: true}}
	if broken := w.judge(w.Begin); broken != nil {
		s.out.Broken = broken
		return s.out
	}
	s.known[w.Begin.id()] = 0
	s.rows = []visited{{parent: -1, next: -1}}
	level, from := []*state{w.Begin}, []int32{0}
	for len(level) > 0 && s.out.Broken == nil {
		if l.Progress != nil {
			l.Progress(len(s.rows), len(level))
		}
		if l.States > 0 && len(s.rows) >= l.States {
			s.out.Complete = false
			break
		}
		level, from = s.level(level, from, l.rests)
		s.out.Depth++
	}
	s.out.States = len(s.rows)
	if s.out.Broken == nil && s.out.Complete && !s.world.Restless {
		s.out.Broken = s.circles()
	}
	return s.out
}

// chunk bounds what is branches and not yet entered.
const chunk = 2048

func (s *searching) level(level []*state, from []int32, rests func(*state)) (next []*state, at []int32) {
	for begin := 0; begin < len(level); begin += chunk {
		end := min(begin+chunk, len(level))
		for i, o := range s.open(level[begin:end]) {
			here := from[begin+i]
			if o.broken != nil {
				o.broken.History = append(s.history(here), o.broken.History...)
				s.out.Broken = o.broken
				return nil, nil
			}
			s.out.Moves += len(o.moves)
			if o.chosen < 0 {
				s.out.Quiet++
				if rests != nil {
					rests(level[begin+i])
				}
			}
			s.rows[here].onward = o.chosen >= 0
			for j, id := range o.ids {
				index, known := s.known[id]
				if !known {
					index = int32(len(s.rows))
					s.known[id] = index
					s.rows = append(s.rows, visited{parent: here, move: int32(j), next: -1})
					next, at = append(next, o.moves[j].next), append(at, index)
				}
				if j == o.chosen {
					s.rows[here].next = index
				}
			}
			level[begin+i] = nil
		}
	}
	return next, at
}

// open works out what states lead to, on all processors; the results stand in the order of the states.
func (s *searching) open(states []*state) []branches {
	out := make([]branches, len(states))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		wg.Go(func() {
			for i := k; i < len(states); i += workers {
				out[i] = s.world.open(states[i], s.known)
			}
		})
	}
	wg.Wait()
	return out
}

// open takes all moves of a state and judges those that lead somewhere new.
func (w *World) open(s *state, known map[digest]int32) branches {
	o := branches{moves: w.moves(s), chosen: -1}
	best := hold
	o.ids = make([]digest, len(o.moves))
	for i, m := range o.moves {
		o.ids[i] = m.next.id()
		if _, is := known[o.ids[i]]; m.next.bad != "" || !is {
			if broken := w.judge(m.next); broken != nil {
				broken.History = []string{m.text()}
				o.broken = broken
				return o
			}
		}
		if m.class < best {
			best, o.chosen = m.class, i
		}
	}
	o.broken = w.settledLaws(best, s)
	return o
}

// settledLaws looks at what must be so where nothing happens before what the class says.
func (w *World) settledLaws(best class, s *state) *Violation {
	if best < deadline {
		return nil
	}
	if broken := check(w.Still, s); broken != nil || best < pause {
		return broken
	}
	if broken := check(w.Quiet, s); broken != nil || best < hold {
		return broken
	}
	return check(w.Rest, s)
}

// judge looks at the laws of every state.
func (w *World) judge(s *state) *Violation {
	if s.bad != "" {
		return &Violation{Law: "no step breaks a rule of its own", What: s.bad}
	}
	return check(w.Laws, s)
}

func check(laws []Law, s *state) *Violation {
	for _, law := range laws {
		if what := law.Broken(View{s}); what != "" {
			return &Violation{Law: law.Name, What: what}
		}
	}
	return nil
}

// circles looks for states from which the continuation without faults never comes to rest.
func (s *searching) circles() *Violation {
	const fresh, active, done = 0, 1, 2
	mark := make([]uint8, len(s.rows))
	for i := range s.rows {
		var path []int32
		at := int32(i)
		for at >= 0 && mark[at] == fresh {
			mark[at] = active
			path = append(path, at)
			at = s.rows[at].next
		}
		if at >= 0 && mark[at] == active {
			return &Violation{Law: "without faults everything comes to rest", What: "it goes round in a circle from here on", History: s.history(at)}
		}
		for _, p := range path {
			mark[p] = done
		}
	}
	return nil
}

// history replays the way to a state.
func (s *searching) history(index int32) []string {
	var way []int32
	for at := index; s.rows[at].parent >= 0; at = s.rows[at].parent {
		way = append(way, s.rows[at].move)
	}
	var out []string
	now := s.world.Begin
	for i := len(way) - 1; i >= 0; i-- {
		m := s.world.moves(now)[way[i]]
		out = append(out, m.text())
		now = m.next
	}
	return out
}
