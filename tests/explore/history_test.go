package explore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing/synctest"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/supervisor"
)

// history is one history as it happens in a world and among real actors at once: one turn after the other, and both are
// compared after each.
//
// Who chooses is the world, among what can happen among real actors: a timer fires when it is due, and what it says lies behind
// what lay in the mailbox before. So do answers of those who are played and ends of work, where it does not matter when they
// are heard; others come when nothing lies before the actor.
type history struct {
	world  *World
	plan   Plan
	now    *state
	real   *twin
	rand   *rand.Rand
	dues   []due
	fired  map[kit.Addr][]due // in the mailboxes of real actors
	pairs  pairs
	faults int
	calm   bool // nothing fails
	taken  []string
}

// due is what comes to an actor and is no message: a timer, the deadline of a question, or, in its mailbox already, the answer to
// one or the end of work.
type due struct {
	at    time.Time
	owner kit.Addr
	seq   uint64 // of the question
	timer form
	whose any // the work whose deadline it is

	ahead int     // fired: how many messages lie before it
	asked *kit.In // the question that it answers, as it was asked
	job   *form   // the work of which it is the end
	way   int     // that it took
}

// ends tells whether it is the end of a job.
func (d due) ends(j job) bool { return d.job != nil && d.owner == j.owner && d.job.is(j.form) }

// is tells whether two forms are the same, with the same numbers.
func (f form) is(o form) bool { return f.fixed == o.fixed && slices.Equal(f.slots, o.slots) }

// option is something that can happen next; it says in what the two differ after it.
type option func() string

// Of so many turns one is a fault, or something that somebody may do, or time passes before all is done; of so many inputs that
// may be taken with a fault, one is.
const (
	seldom   = 60
	freely   = 12
	untimely = 30
	wrongly  = 5
)

// walk takes so many turns, then those that are left without faults.
func (h *history) walk(turns int) string {
	h.fired, h.pairs = map[kit.Addr][]due{}, pairs{}
	if diff := h.boot(); diff != "" {
		return diff
	}
	for range turns {
		one := h.drawn()
		if one == nil {
			break
		}
		if diff := one(); diff != "" {
			return diff
		}
	}
	if diff := h.rest(); diff != "" {
		return diff
	}
	return h.leftOver()
}

// boot has the operator order the boot, as a world begins with.
func (h *history) boot() string {
	boot := h.now.questions[0]
	operator := h.real.parts[operatorAt]
	ask := []kit.Effect{kit.Ask{To: boot.to, Msg: boot.msg, Tag: boot.tag}}
	if diff := h.real.does(operatorAt, operator, Way{State: operator.state, Effects: ask}); diff != "" {
		return diff
	}
	if diff := h.compare(nil, h.now); diff != "" || !h.plan.Booted {
		return diff
	}
	return h.rest()
}

// rest goes on without faults until nothing is under way but time.
func (h *history) rest() string {
	h.calm = true
	defer func() { h.calm = false }()
	for range rests {
		flows, _, _ := h.options()
		if len(flows) == 0 {
			return h.atRest()
		}
		if diff := flows[h.rand.IntN(len(flows))](); diff != "" {
			return diff
		}
	}
	return "it does not come to rest"
}

// drawn chooses what happens next.
func (h *history) drawn() option {
	flows, frees, faults := h.options()
	due := len(h.dues) > 0
	switch {
	case len(faults) > 0 && h.rand.IntN(seldom) == 0:
		h.faults++
		return faults[h.rand.IntN(len(faults))]
	case len(frees) > 0 && (h.rand.IntN(freely) == 0 || len(flows) == 0 && (!due || h.rand.IntN(3) == 0)):
		return frees[h.rand.IntN(len(frees))]
	case due && (len(flows) == 0 || (h.mayFail(slow) || h.mayFail(late)) && h.rand.IntN(untimely) == 0):
		return func() string { return h.pass(len(flows) > 0) }
	case len(flows) > 0:
		return flows[h.rand.IntN(len(flows))]
	}
	return nil
}

func (h *history) mayFail(fault string) bool {
	return !h.calm && h.faults < max(h.plan.Most, 1) && slices.Contains(h.plan.Faults, fault)
}

// options are all that can happen in both.
func (h *history) options() (flows, frees, faults []option) {
	m := &moving{World: h.world, s: h.now}
	for at, q := range h.now.questions {
		if q.direct && !q.expired && !m.behind(at) && (h.idle(q.asker) || h.whenever(q)) {
			flows = append(flows, func() string { return h.answer(at) })
		}
	}
	for at, q := range h.now.queues {
		if !h.struck(q.to) {
			flows = append(flows, func() string { return h.deliver(at) })
		}
	}
	for at, j := range h.now.jobs {
		_, pure := j.what.(supervisor.Interpret)
		if (h.idle(j.owner) || pure && !h.posted(func(d due) bool { return d.ends(j) })) && len(h.ends(j)) > 0 {
			flows = append(flows, func() string { return h.end(at) })
		}
	}
	for _, a := range h.now.actors {
		if h.struck(a.addr) {
			flows = append(flows, func() string { return h.strike(a.addr) })
		}
		for i, way := range a.node.Moves(View{h.now}, a.state) {
			does := func() string { return h.act(a.addr, i) }
			switch {
			case way.Due:
				flows = append(flows, does)
			case way.Fault == "":
				frees = append(frees, does)
			case h.mayFail(way.Fault) && (way.Cause == "" || !h.real.holds[a.addr].owes): // the kit would answer what it keeps
				faults = append(faults, does)
			}
		}
	}
	return flows, frees, faults
}

// ends are the ends that a job can have now.
func (h *history) ends(j job) []Way {
	a := h.now.find(j.owner)
	return a.node.Ends(View{h.now}, a.state, j.what)
}

// idle tells whether nothing lies before an actor.
func (h *history) idle(who kit.Addr) bool { return h.waiting(who) == 0 && len(h.fired[who]) == 0 }

// whenever tells whether it does not matter when a question is answered, as long as it is: nobody has answered it yet, and its
// deadline is not over.
func (h *history) whenever(q question) bool {
	return h.now.find(q.to).node.Alike() != "" && !h.posted(func(d due) bool { return d.owner == q.asker && d.seq == q.seq })
}

// posted tells whether something lies before somebody.
func (h *history) posted(is func(due) bool) bool {
	for _, all := range h.fired {
		if slices.ContainsFunc(all, is) {
			return true
		}
	}
	return false
}

// post notes that something lies before an actor, behind all that does already.
func (h *history) post(d due, what string) string {
	h.taken = append(h.taken, fmt.Sprintf("%s lies before %s", what, d.owner))
	d.ahead = h.waiting(d.owner)
	h.fired[d.owner] = append(h.fired[d.owner], d)
	return ""
}

// waiting counts the messages before an actor.
func (h *history) waiting(who kit.Addr) (n int) {
	for _, q := range h.now.queues {
		if q.to == who {
			n += len(q.items)
		}
	}
	return n
}

// struck tells whether what comes next to an actor is a timer, or a deadline that was not met.
func (h *history) struck(who kit.Addr) bool {
	f := h.fired[who]
	for len(f) > 0 && f[0].seq > 0 && h.question(f[0]) < 0 { // it was answered before; the kit drops it as well
		f = f[1:]
	}
	h.fired[who] = f
	return len(f) > 0 && f[0].ahead == 0
}

func (h *history) question(d due) int {
	return slices.IndexFunc(h.now.questions, func(q question) bool { return q.asker == d.owner && q.seq == d.seq && !q.expired })
}

// pass lets time pass until something is due; until several things are, if it is too early.
func (h *history) pass(early bool) string {
	n := 1
	if early {
		h.faults++
		n += h.rand.IntN(4)
	}
	for range min(n, len(h.dues)) {
		at := 0
		for i, d := range h.dues {
			if d.at.Before(h.dues[at].at) {
				at = i
			}
		}
		d := h.dues[at]
		h.dues = deleted(h.dues, at)
		passed := time.Until(d.at)
		time.Sleep(passed)
		synctest.Wait()
		h.post(d, fmt.Sprintf("%v pass: what is due", passed))
	}
	return ""
}

// chosen is one of the ways: the first, or one with a fault that the world allows.
func (h *history) chosen(ways []Way) int {
	var faults []int
	for i, w := range ways {
		if w.Fault != "" && !w.Late && h.mayFail(w.Fault) {
			faults = append(faults, i)
		}
	}
	if len(faults) == 0 || h.rand.IntN(wrongly) > 0 {
		return 0
	}
	h.faults++
	return faults[h.rand.IntN(len(faults))]
}
