package explore

import (
	"reflect"
	"slices"
	"testing/synctest"
	"time"

	"holdfast/actors/kit"
)

// still is what keeps one actor from going on.
type still struct {
	orders chan order
	turns  []turn // not looked at
	jobs   []kit.Do
	owes   bool // the input in hand is a question that it keeps
}

// order is what an actor is told that stands still.
type order struct {
	effects []kit.Effect // performed at once; it stands still on
	panics  string
	next    bool // it takes its next input, or ends
}

// turn is one input as a real actor took it, and what came of it.
type turn struct {
	in      kit.In
	state   any
	effects []kit.Effect
}

// part is somebody who is played.
type part struct {
	node  Node
	state any
	asked []kit.In // of a direct one: questions that it has not answered
}

// born is the first message of everybody who is played; acts has a direct one do something.
type (
	born struct{}
	acts struct{ effects []kit.Effect }
)

// turn is what the kit calls instead of performing effects. Those of a first turn wait as well: nobody told it to begin.
func (t *twin) turn(c *kit.Context, in kit.In, state any, effects []kit.Effect) {
	h, p, first := t.entered(c.Self(), turn{in, state, effects})
	switch {
	case p != nil && p.node.Direct():
		if a, is := in.Msg.(acts); is {
			c.Do(patient(a.effects)...)
		}
		return
	case p == nil && first:
		h.obey(c)
	}
	if !t.ended() {
		effects = t.timed(h, effects)
		if t.alter != nil {
			effects = t.alter(effects)
		}
		c.Do(effects...)
	}
	h.obey(c)
}

func (t *twin) entered(who kit.Addr, now turn) (h *still, p *part, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, p = t.holds[who], t.parts[who]
	if first = h == nil; first {
		h = &still{orders: make(chan order)}
		t.holds[who] = h
	}
	switch now.in.Msg.(type) {
	case born, acts:
	default:
		h.turns = append(h.turns, now)
	}
	if t.over && h.orders != nil {
		close(h.orders)
		h.orders = nil
	}
	return h, p, first
}

func (t *twin) ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// obey stands still until the actor may take its next input. It ends with the history.
func (h *still) obey(c *kit.Context) {
	orders := h.orders
	if orders == nil {
		return
	}
	for o := range orders {
		if o.panics != "" {
			panic(o.panics)
		}
		if o.next {
			return
		}
		c.Do(o.effects...)
	}
}

// timed are effects of which no two are ever due at the same moment: the kit does not say which comes first, and a seed is to
// give one history. Pauses are not lengthened, for that is random. Work begins when it is to end.
func (t *twin) timed(h *still, effects []kit.Effect) []kit.Effect {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	moment := func(d time.Duration) time.Duration {
		for d = max(d, 1); t.due[now.Add(d)]; d++ {
		}
		t.due[now.Add(d)] = true
		return d
	}
	out := make([]kit.Effect, 0, len(effects))
	for _, e := range effects {
		switch e := e.(type) {
		case kit.After:
			e.Delay, e.Jitter = moment(e.Delay), 0
			out = append(out, e)
		case kit.Ask:
			e.Within = moment(e.Within)
			out = append(out, e)
		case kit.Do:
			h.jobs = append(h.jobs, e)
		default:
			out = append(out, e)
		}
	}
	if last := len(h.turns) - 1; last >= 0 {
		h.turns[last].effects = out
	}
	return out
}

// patient are effects of which no question ever gets late: who stands outside waits for ever.
func patient(effects []kit.Effect) []kit.Effect {
	out := slices.Clone(effects)
	for i, e := range out {
		if a, is := e.(kit.Ask); is {
			a.Within = 1 << 62
			out[i] = a
		}
	}
	return out
}

// tells are the tells among effects.
func tells(effects []kit.Effect) []kit.Effect {
	return slices.DeleteFunc(slices.Clone(effects), func(e kit.Effect) bool { _, is := e.(kit.Tell); return !is })
}

// tell gives an order to an actor that stands still.
func (t *twin) tell(who kit.Addr, o order) bool {
	t.mu.Lock()
	h := t.holds[who]
	t.mu.Unlock()
	if h == nil {
		return false
	}
	select {
	case h.orders <- o:
	default:
		return false
	}
	synctest.Wait()
	return true
}

// next has an actor take its next input.
func (t *twin) next(who kit.Addr) (turn, string) {
	if !t.tell(who, order{next: true}) {
		return turn{}, "nothing has reached it"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.holds[who]
	if len(t.faults) > 0 {
		return turn{}, t.faults[0]
	}
	if len(h.turns) == 0 {
		return turn{}, "nothing lies before it"
	}
	one := h.turns[0]
	h.turns, h.owes = nil, false
	return one, ""
}

// does has somebody who is played do what he has decided.
func (t *twin) does(who kit.Addr, p *part, w Way) string {
	p.state = w.State
	if p.node.Direct() {
		t.sys.Tell(who, acts{w.Effects})
		synctest.Wait()
		return ""
	}
	effects := w.Effects
	if w.Gone && w.Cause == "" {
		effects = append(effects[:len(effects):len(effects)], kit.Stop{Child: who})
	}
	if !t.tell(who, order{effects: effects}) || w.Cause != "" && !t.tell(who, order{panics: w.Cause}) {
		return "it is not between two turns"
	}
	t.holds[who].owes = w.Silent
	return ""
}

// begins has the work done that an actor wanted, as the way says that it ends; version is that of the file.
func (t *twin) begins(who kit.Addr, at int, w Way, version int) string {
	if version != t.outside.version {
		t.outside.save(version)
	}
	h := t.holds[who]
	job := h.jobs[at]
	h.jobs = deleted(h.jobs, at)
	t.outside.broken, t.outside.bug = w.Done.Err, w.Fault == plugin
	switch name := typeName(reflect.TypeOf(job.Job)); {
	case w.Silent:
		return ""
	case name == "reload.load" && w.Fault != "", name == "reload.writing" && w.Fault != "", name == "reload.watching":
		t.sys.Tell(who, kit.Done{Tag: job.Tag, Msg: w.Done.Msg, Err: w.Done.Err})
		synctest.Wait()
		return ""
	}
	if !t.tell(who, order{effects: append(tells(w.Effects), job)}) {
		return "it is not between two turns"
	}
	return ""
}

// listened has one who is played hear what has reached him; questions wait until they are answered.
func (t *twin) listened(who kit.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, p := t.holds[who], t.parts[who]
	for _, one := range h.turns {
		if one.in.From.IsZero() {
			p.state = p.node.Take(View{}, p.state, one.in)[0].State
		} else {
			p.asked = append(p.asked, one.in)
		}
	}
	h.turns = nil
}
