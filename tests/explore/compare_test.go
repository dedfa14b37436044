package explore

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

// pairs are the numbers of a world and those that stand for them among real actors: one for one, in the whole of a history.
type pairs struct{ there, back map[slot]uint64 }

// same tells whether two values have the same canonical form.
func (p *pairs) same(c *canon, world, real any) bool { return p.fits(c.of(world), c.of(real)) }

func (p *pairs) fits(world, real form) bool {
	if p.there == nil {
		p.there, p.back = map[slot]uint64{}, map[slot]uint64{}
	}
	if world.fixed != real.fixed || len(world.slots) != len(real.slots) {
		return false
	}
	for i, a := range world.slots {
		b := real.slots[i]
		there, known := p.there[a]
		back, met := p.back[b]
		switch {
		case a.domain != b.domain, a.ordered && a.value != b.value, known != met, known && (there != b.value || back != a.value):
			return false
		}
		p.there[a], p.back[b] = b.value, a.value
	}
	return true
}

// like is a real input with the error of a world in its place, if it is the same.
func like(world, real any) any {
	switch r := real.(type) {
	case kit.Done:
		if w, is := world.(kit.Done); is && equal(w.Err, r.Err) {
			r.Err = w.Err
		}
		return r
	case kit.Answered:
		if w, is := world.(kit.Answered); is && equal(w.Err, r.Err) {
			r.Err = w.Err
		}
		return r
	}
	return real
}

// folder is where a file lies; each write of a world has one of its own.
var folder = regexp.MustCompile(`/\S*/`)

// equal tells whether an error is the same, or says the same of a file in another folder.
func equal(world, real error) bool {
	return world != nil && real != nil && folder.ReplaceAllString(world.Error(), "") == folder.ReplaceAllString(real.Error(), "") &&
		errors.Is(real, kit.ErrPanic) == errors.Is(world, kit.ErrPanic)
}

// moved enters what one turn came to in the world, and compares what came of it.
func (h *history) moved(m move, who kit.Addr, got turn, diff string) string {
	h.taken = append(h.taken, m.text())
	if diff != "" {
		return diff
	}
	before := h.now
	h.now = m.next
	if h.now.bad != "" {
		return "in the world: " + h.now.bad
	}
	if h.now.find(who) != nil {
		diff := h.arm(before, who, got)
		if diff == "" && h.real.parts[who] == nil {
			diff = h.state(who, got.state)
		}
		if diff != "" {
			return diff
		}
	}
	return h.compare(before, h.now)
}

// arm notes what a turn will be reminded of.
func (h *history) arm(before *state, who kit.Addr, got turn) string {
	seq := uint64(0)
	if a := before.find(who); a != nil {
		seq = a.asked
	}
	var timers []timer
	for _, t := range h.now.timers {
		if t.owner == who {
			timers = append(timers, t)
		}
	}
	armed := len(kittest.All[kit.After](got.effects))
	if armed > len(timers) {
		return fmt.Sprintf("%s has armed %d timers, and has %d in the world", who, armed, len(timers))
	}
	timers = timers[len(timers)-armed:]
	for _, e := range got.effects {
		switch e := e.(type) {
		case kit.Ask:
			seq++
			h.dues = append(h.dues, due{at: time.Now().Add(e.Within), owner: who, seq: seq})
		case kit.After:
			h.dues = append(h.dues, due{at: time.Now().Add(e.Delay), owner: who, timer: timers[0].form, whose: e.For})
			timers = timers[1:]
		}
	}
	return ""
}

// state compares the state of a real machine with the one that it has in the world.
func (h *history) state(who kit.Addr, real any) string {
	a := h.now.find(who)
	if h.pairs.fits(a.form, h.world.canon.actor(a, real)) {
		return ""
	}
	return fmt.Sprintf("%s has another state than in the world\n%s", who, differences(h.world.canon, a.state, real))
}

// compare looks at all that may have changed: who is there, what those who are played heard, and what is live.
func (h *history) compare(before, after *state) string {
	if before != nil {
		if diff := h.comeAndGone(before, after); diff != "" {
			return diff
		}
	}
	for _, a := range after.actors {
		if a.node.Direct() {
			h.real.listened(a.addr)
		}
		if p := h.real.parts[a.addr]; p != nil && (before == nil || before.find(a.addr) != a) {
			if diff := h.state(a.addr, p.state); diff != "" {
				return diff
			}
		}
	}
	h.dues = slices.DeleteFunc(h.dues, func(d due) bool { return d.seq > 0 && h.question(d) < 0 || after.find(d.owner) == nil })
	return h.seen()
}

// comeAndGone lets those begin whom a turn has spawned, and those go who have ended, parents first.
func (h *history) comeAndGone(before, after *state) string {
	for _, a := range after.actors {
		if before.find(a.addr) != nil {
			continue
		}
		if p := h.real.parts[a.addr]; p != nil {
			continue
		}
		got, diff := h.real.next(a.addr)
		if diff == "" {
			diff = cmp.Or(h.arm(&state{}, a.addr, got), h.state(a.addr, got.state))
		}
		if diff != "" {
			return fmt.Sprintf("%s was spawned: %s", a.addr, diff)
		}
	}
	for _, a := range before.actors {
		if after.find(a.addr) != nil {
			continue
		}
		delete(h.fired, a.addr)
		h.real.tell(a.addr, order{next: true})
		if h.real.sys.Alive(a.addr) {
			return fmt.Sprintf("%s has ended in the world", a.addr)
		}
	}
	for _, j := range after.jobs {
		if after.find(j.owner) == nil {
			return fmt.Sprintf("%s goes on in the world, and %s has ended", describe(j.what), j.owner)
		}
	}
	return ""
}

// seen compares what the outside sees: what is live, and listeners.
func (h *history) seen() string {
	shown, _ := h.now.find(registryAt).shown.(seen)
	if shown.live == nil {
		shown.live = &registry.Live{}
	}
	if live := h.real.cell.Load(); !h.pairs.same(h.world.canon, shown.live, live) {
		return "something else is live\n" + differences(h.world.canon, shown.live, live)
	}
	if open, _ := h.now.find(reloadAt).shown.(int); open != h.real.outside.doors {
		return fmt.Sprintf("%d listeners are open, in the world %d", h.real.outside.doors, open)
	}
	return ""
}

// atRest looks at everybody, and that nobody has anything before him that the world does not know of.
func (h *history) atRest() string {
	var there, real []string
	for _, a := range h.now.actors {
		there = append(there, a.addr.String())
	}
	for _, row := range h.real.sys.Table() {
		real = append(real, row.Addr.String())
	}
	slices.Sort(there)
	if !slices.Equal(there, real) {
		return fmt.Sprintf("there are %v, and in the world %v", real, there)
	}
	return ""
}

// leftOver gives every actor its next input; there is none.
func (h *history) leftOver() string {
	for _, a := range h.now.actors {
		h.real.tell(a.addr, order{next: true})
		if left := h.real.holds[a.addr]; left != nil && len(left.turns) > 0 {
			return fmt.Sprintf("%s has %s before it, of which the world does not know", a.addr, describe(left.turns[0].in.Msg))
		}
	}
	return ""
}
