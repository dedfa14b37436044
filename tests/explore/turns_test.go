package explore

import (
	"fmt"
	"reflect"
	"slices"

	"holdfast/actors/kit"
)

// deliver gives an actor the first message that lies before it.
func (h *history) deliver(at int) string {
	q := h.now.queues[at]
	first := h.now.head(q)
	m := moving{World: h.world, s: h.now}
	m.delivery(at)
	got, diff := h.heard(q.to, first.in)
	if diff != "" {
		return h.moved(m.out[0], q.to, got, diff)
	}
	chosen := 0
	if p := h.real.parts[q.to]; p != nil {
		ways := p.node.Take(View{h.now}, p.state, got.in)
		chosen = h.chosen(ways)
		diff = h.real.does(q.to, p, ways[chosen])
	}
	for i := range h.fired[q.to] {
		h.fired[q.to][i].ahead--
	}
	return h.moved(m.out[chosen], q.to, got, diff)
}

// heard has a real actor take its next input, which is the one that it has in the world.
func (h *history) heard(who kit.Addr, want kit.In) (turn, string) {
	got, diff := h.real.next(who)
	switch {
	case diff != "":
		diff = fmt.Sprintf("%s: %s", who, diff)
	case !h.pairs.same(h.world.canon, want.Msg, like(want.Msg, got.in.Msg)):
		diff = fmt.Sprintf("%s is given %s, and in the world %s\n%s", who, describe(got.in.Msg), describe(want.Msg), differences(h.world.canon, want.Msg, got.in.Msg))
	case !h.pairs.same(h.world.canon, want.From, got.in.From):
		diff = fmt.Sprintf("%s is asked by %v, and in the world by %v", who, got.in.From, want.From)
	}
	return got, diff
}

// answer has somebody who is played answer a question, and the asker hear it; later, if something lies before him.
func (h *history) answer(at int) string {
	q := h.now.questions[at]
	p := h.real.parts[q.to]
	asked, diff := h.asked(p, q, at)
	if diff != "" {
		return diff
	}
	ways := p.node.Take(View{h.now}, p.state, asked)
	chosen, before := 0, p.state
	if h.idle(q.asker) {
		chosen = h.chosen(ways)
	}
	if diff := h.real.does(q.to, p, ways[chosen]); diff != "" {
		return diff
	}
	if !h.idle(q.asker) { // it has happened when it is heard
		p.state = before
		return h.post(due{owner: q.asker, seq: q.seq, asked: &asked}, "an answer of "+q.to.String())
	}
	return h.answered(at, chosen, ways[chosen])
}

// answered has an actor hear an answer of somebody who is played.
func (h *history) answered(at, chosen int, w Way) string {
	q := h.now.questions[at]
	m := moving{World: h.world, s: h.now}
	m.question(at)
	got, diff := h.heard(q.asker, kit.In{Msg: kit.Answered{Tag: q.tag, Msg: answerOf(w)}})
	return h.moved(m.out[chosen], q.asker, got, diff)
}

func answerOf(w Way) any {
	for _, e := range w.Effects {
		if a, is := e.(kit.Answer); is {
			return a.Msg
		}
	}
	return nil
}

// asked takes a question from those that a real one who is played has not answered: each asker's come in their order.
func (h *history) asked(p *part, q question, at int) (kit.In, string) {
	before := 0
	for _, o := range h.now.questions {
		if o.direct && o.to == q.to && o.asker == q.asker && o.seq < q.seq {
			before++
		}
	}
	for i, in := range p.asked {
		if in.From.To() != q.asker {
			continue
		}
		if before--; before >= 0 {
			continue
		}
		p.asked = deleted(p.asked, i)
		if !h.pairs.same(h.world.canon, q.msg, in.Msg) || !h.pairs.same(h.world.canon, kit.ReturnTo(q.asker, q.seq), in.From) {
			return in, fmt.Sprintf("%s is asked %s, and in the world %s\n%s", q.to, describe(in.Msg), describe(q.msg), differences(h.world.canon, q.msg, in.Msg))
		}
		return in, ""
	}
	return kit.In{}, fmt.Sprintf("%s was never asked %s by %s", q.to, describe(q.msg), q.asker)
}

// end has work beside an actor come to an end, and the actor hear it; later, if something lies before it.
func (h *history) end(at int) string {
	j := h.now.jobs[at]
	ways := h.ends(j)
	chosen := h.chosen(ways)
	own := 0
	for _, o := range h.now.jobs[:at] {
		if o.owner == j.owner && !h.posted(func(d due) bool { return d.ends(o) }) {
			own++
		}
	}
	if real := h.real.holds[j.owner].jobs; own >= len(real) || !h.pairs.same(h.world.canon, j.tag, real[own].Tag) {
		return fmt.Sprintf("%s has %d jobs under way, and none that is %s", j.owner, len(real), describe(j.what))
	}
	diff := h.real.begins(j.owner, own, ways[chosen], h.file())
	switch {
	case ways[chosen].Silent || diff != "":
		m := moving{World: h.world, s: h.now}
		m.end(at)
		return h.moved(m.out[chosen], kit.Addr{}, turn{}, diff)
	case !h.idle(j.owner):
		return h.post(due{owner: j.owner, job: &j.form, way: chosen}, "the end of "+describe(j.what))
	}
	return h.ended(at, chosen)
}

// ended has an actor hear of its work.
func (h *history) ended(at, chosen int) string {
	j := h.now.jobs[at]
	m := moving{World: h.world, s: h.now}
	m.end(at)
	want := h.ends(j)[chosen].Done
	want.Tag = j.tag
	got, diff := h.heard(j.owner, kit.In{Msg: want})
	if diff == "" {
		h.dues = slices.DeleteFunc(h.dues, func(d due) bool { // work that has ended has no deadline
			return d.owner == j.owner && d.whose != nil && d.whose == got.in.Msg.(kit.Done).Tag
		})
	}
	diff = h.moved(m.out[chosen], j.owner, got, diff)
	if diff == "" && typeName(reflect.TypeOf(j.what)) == "reload.writing" && !h.real.outside.saved(h.file()) {
		diff = fmt.Sprintf("the file is not version %d", h.file())
	}
	return diff
}

// file is the version of the file.
func (h *history) file() int { return h.now.find(operatorAt).state.(hands).file }

// act has somebody who is played do something by himself.
func (h *history) act(who kit.Addr, at int) string {
	a, p := h.now.find(who), h.real.parts[who]
	m := moving{World: h.world, s: h.now}
	way := a.node.Moves(View{h.now}, a.state)[at]
	m.way(free, who, item{}, way, func(stepping) {}, func() string { return fmt.Sprintf("%s: %s", who, way.Text) })
	diff := h.real.does(who, p, p.node.Moves(View{h.now}, p.state)[at])
	return h.moved(m.out[0], kit.Addr{}, turn{}, diff)
}

// strike has an actor hear what lies before it and is no message: a timer, a deadline, an answer, or the end of work.
func (h *history) strike(who kit.Addr) string {
	d := h.fired[who][0]
	h.fired[who] = h.fired[who][1:]
	switch {
	case d.job != nil:
		return h.ended(slices.IndexFunc(h.now.jobs, d.ends), d.way)
	case d.asked != nil:
		at := h.question(d)
		p := h.real.parts[h.now.questions[at].to]
		way := p.node.Take(View{h.now}, p.state, *d.asked)[0]
		p.state = way.State
		return h.answered(at, 0, way)
	case d.seq > 0:
		return h.expire(d)
	}
	at := slices.IndexFunc(h.now.timers, func(t timer) bool { return t.owner == who && d.timer.is(t.form) })
	if at < 0 {
		return fmt.Sprintf("%s has no such timer in the world", who)
	}
	m := moving{World: h.world, s: h.now}
	m.timer(at)
	got, diff := h.heard(who, kit.In{Msg: h.now.timers[at].msg})
	return h.moved(m.out[0], who, got, diff)
}

// expire has a question end without an answer. The answer may lie in the mailbox already, or come later.
func (h *history) expire(d due) string {
	at := h.question(d)
	q := h.now.questions[at]
	lies := h.lies(q)
	m := moving{World: h.world, s: h.now}
	m.question(at)
	chosen := 0
	var late Way
	p := h.real.parts[q.to]
	if q.direct {
		asked, diff := h.asked(p, q, at)
		if diff != "" {
			return diff
		}
		ways := p.node.Take(View{h.now}, p.state, asked)
		chosen = slices.IndexFunc(ways, func(w Way) bool { return w.Late })
		late = ways[chosen]
	}
	got, diff := h.heard(q.asker, kit.In{Msg: kit.Answered{Tag: q.tag, Err: kit.ErrLate}})
	if diff == "" && q.direct {
		diff = h.real.does(q.to, p, late) // nobody hears it any more
	}
	for i := range h.fired[d.owner] {
		if f := &h.fired[d.owner][i]; lies >= 0 && f.ahead > lies {
			f.ahead--
		}
	}
	return h.moved(m.out[chosen], q.asker, got, diff)
}

// lies tells at which place of its asker's mailbox an answer lies; -1: it does not.
func (h *history) lies(q question) int {
	for _, box := range h.now.queues {
		if box.to == q.asker {
			return slices.IndexFunc(box.items, func(it item) bool { return it.in.Msg == any(arrived{kit.ReturnTo(q.asker, q.seq)}) })
		}
	}
	return -1
}
