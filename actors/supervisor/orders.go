package supervisor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// waitWithin is how long Apply and Order wait for the state that they name. It is longer than a drain, so that an account
// whose run hangs has a new one by then.
const waitWithin = 2 * drainWithin

// What an Apply wishes of an account; orders wish by their own words.
const (
	doApply   = "apply"
	doRemove  = "remove"
	doPrepare = "prepare"
)

// Results of a Verdict.
const (
	applied   = "applied"
	unchanged = "unchanged"
	failed    = "failed"
	removed   = "removed"
	deferred  = "deferred"
)

// waiter is an Apply, an Order or a Prepare that is not answered.
type waiter struct {
	number   uint64
	from     kit.Return
	kind     any                                // the question
	wishes   kit.Map[channels.Account, string]  // what is to be done with each account, and is not yet
	verdicts kit.Map[channels.Account, Verdict] // what became of the others
}

// wishing waits for one more account to come to what do asks for.
func (w waiter) wishing(id channels.Account, do string) waiter {
	w.wishes = w.wishes.With(id, do)
	return w
}

// granted knows what became of an account, and waits for it no more.
func (w waiter) granted(id channels.Account, v Verdict) waiter {
	w.wishes, w.verdicts = w.wishes.Without(id), w.verdicts.With(id, v)
	return w
}

type waitOver struct{ number uint64 }

// apply makes rows of what is wanted. What has not changed is not touched.
func (s State) apply(m Apply, in kit.In) (State, []kit.Effect) {
	s.Revision = m.Revision
	w := waiter{from: in.From, kind: m}
	var effects []kit.Effect
	give := func(id channels.Account, msg any) {
		var e []kit.Effect
		s, e = s.at(s.rows.find(id), kit.In{Msg: msg, Now: in.Now})
		effects = append(effects, e...)
	}
	stays := make(map[channels.Account]bool, len(m.Accounts))
	for _, want := range m.Accounts {
		stays[want.ID] = true
	}
	for old := range s.rows.all() {
		if !old.removed && !stays[old.id] {
			w = w.wishing(old.id, doRemove)
			give(old.id, unwanted{})
		}
	}
	for _, want := range m.Accounts {
		if a := s.rows.find(want.ID); a != nil && a.same(want) {
			w = w.granted(want.ID, Verdict{Result: unchanged, Run: a.run.number})
		} else {
			w = w.wishing(want.ID, doApply)
		}
		s = s.row(want.ID)
		give(want.ID, wanted{want})
	}
	s, more := s.wait(w)
	return s, append(effects, more...)
}

// prepare has changed settings proven; accounts that are not there yet have nothing to prove.
func (s State) prepare(m Prepare, in kit.In) (State, []kit.Effect) {
	w := waiter{from: in.From, kind: m}
	var effects []kit.Effect
	for _, want := range m.Accounts {
		a := s.rows.find(want.ID)
		if a == nil {
			continue
		}
		w = w.wishing(want.ID, doPrepare)
		var e []kit.Effect
		s, e = s.at(a, kit.In{Msg: prepared{want}, Now: in.Now})
		effects = append(effects, e...)
	}
	s, more := s.wait(w)
	return s, append(effects, more...)
}

// prepared tells whether it is known if the settings are fit to be applied.
func (a account) prepared() (Verdict, bool) {
	switch {
	case a.cand.fault != "":
		return Verdict{Result: failed, Reason: a.cand.fault}, true
	case a.cand.turn == 0 && !a.cand.proven: // discarded meanwhile
		return Verdict{Result: failed, Reason: "the account has ended or was stopped meanwhile"}, true
	}
	return Verdict{Result: applied}, a.cand.proven
}

func (s State) hold(m Hold, in kit.In) (State, []kit.Effect) {
	var effects []kit.Effect
	for _, id := range m.Accounts {
		var e []kit.Effect
		s, e = s.at(s.rows.find(id), kit.In{Msg: hold{}, Now: in.Now})
		effects = append(effects, e...)
	}
	return s, append(effects, kit.Answer{To: in.From, Msg: Held{}})
}

// row makes sure that there is a row for the account.
func (s State) row(id channels.Account) State {
	if s.rows.find(id) != nil {
		return s
	}
	s.born++
	s.rows = s.rows.with(&account{ref: ref{id, s.born}, closing: s.closing, in: intake{rest: s.resting}})
	return s
}

// order does what an operator says.
func (s State) order(m Order, in kit.In) (State, []kit.Effect) {
	w := waiter{from: in.From, kind: m}
	var effects []kit.Effect
	names := []channels.Account{m.Account}
	if m.Account == "" {
		names = nil
		for a := range s.rows.all() {
			names = append(names, a.id)
		}
	}
	for _, id := range names {
		a := s.rows.find(id)
		if a == nil || a.removed {
			w = w.granted(id, Verdict{Result: failed, Reason: fmt.Sprintf("there is no account %s in the configuration", id)})
			continue
		}
		if v, settled := a.settled(m.Do); settled {
			w = w.granted(id, v)
			continue
		}
		w = w.wishing(id, m.Do)
		var e []kit.Effect
		s, e = s.at(a, kit.In{Msg: ordered{m.Do}, Now: in.Now})
		effects = append(effects, e...)
	}
	s, more := s.wait(w)
	return s, append(effects, more...)
}

// settled answers an order that changes nothing.
func (a account) settled(do string) (Verdict, bool) {
	switch {
	case do != doStart && do != doStop && do != doRestart:
		return Verdict{Result: failed, Reason: fmt.Sprintf("%q is no order; the orders are start, stop and restart", do)}, true
	case do == doStart && a.phase == Running:
		return Verdict{Result: unchanged, Run: a.run.number}, true
	case do == doRestart && a.read && !a.on:
		return Verdict{Result: unchanged, Reason: "it is disabled in the configuration"}, true
	case do == doRestart && a.memory.stopped:
		return Verdict{Result: unchanged, Reason: "it was stopped by hand; start it"}, true
	}
	return Verdict{}, false
}

// wait answers at once if all is as wished, else when it is or when waitWithin is over.
func (s State) wait(w waiter) (State, []kit.Effect) {
	s.number++
	w.number = s.number
	for id, do := range w.wishes.All() {
		w = s.look(w, id, do)
	}
	if w.wishes.Len() == 0 {
		return s, []kit.Effect{w.answer()} // nobody waits: no timer is needed
	}
	s.waiters = append(slices.Clip(s.waiters), w)
	return s, []kit.Effect{kit.After{Delay: waitWithin, Msg: waitOver{w.number}}}
}

// look asks whether what is wished of an account has come true.
func (s State) look(w waiter, id channels.Account, do string) waiter {
	if v, reached := s.reached(id, do); reached {
		return w.granted(id, v)
	}
	return w
}

// tellWaiters looks who waited for what has become of the account, and answers those that wait for nothing any more.
func (s State) tellWaiters(id channels.Account) (State, []kit.Effect) {
	var (
		left    []waiter
		effects []kit.Effect
	)
	for _, w := range s.waiters {
		if do, wished := w.wishes.Get(id); wished {
			w = s.look(w, id, do)
		}
		if w.wishes.Len() > 0 {
			left = append(left, w)
			continue
		}
		effects = append(effects, w.answer())
	}
	s.waiters = left
	return s, effects
}

func (w waiter) answer() kit.Effect {
	verdicts := maps.Collect(w.verdicts.All())
	switch w.kind.(type) {
	case Apply:
		return kit.Answer{To: w.from, Msg: Applied{Verdicts: verdicts}}
	case Prepare:
		faults := map[channels.Account]string{}
		for id, v := range verdicts {
			if v.Result != applied {
				faults[id] = v.Reason
			}
		}
		return kit.Answer{To: w.from, Msg: Prepared{Faults: faults}}
	}
	return kit.Answer{To: w.from, Msg: Ordered{Verdicts: verdicts}}
}

// reached tells whether what is wished of an account has come true, or cannot.
func (s State) reached(id channels.Account, do string) (Verdict, bool) {
	a := s.rows.find(id)
	if a == nil {
		return Verdict{Result: removed}, true
	}
	if do == doPrepare {
		return a.prepared()
	}
	switch {
	case do == doRemove:
		return Verdict{Result: removed}, a.removed && a.alone() && a.memory.clean()
	case a.removed:
		return Verdict{Result: removed}, true
	case a.phase == Running && do != doStop: // a new one: whoever is to be restarted or stopped drains already
		return Verdict{Result: applied, Run: a.run.number}, true
	case a.phase == Off && do == doStop:
		return Verdict{Result: applied}, !a.memory.undecided
	case a.phase == Off && do == doApply:
		return Verdict{Result: applied, Reason: a.cause}, true
	case a.phase == Blocked:
		return Verdict{Result: deferred, Reason: a.cause}, true
	case a.phase == Off, a.phase == Refused, a.phase == Failed, a.phase == Pausing:
		return Verdict{Result: failed, Reason: a.cause}, true
	}
	return Verdict{}, false
}

// waitOver answers with what is as wished and says of the rest where it stands.
func (s State) waitOver(m waitOver) (State, []kit.Effect) {
	at := slices.IndexFunc(s.waiters, func(w waiter) bool { return w.number == m.number })
	if at < 0 {
		return s, nil
	}
	w := s.waiters[at]
	for id := range w.wishes.All() {
		v := Verdict{Result: deferred, Reason: "not reached within " + waitWithin.String()}
		if a := s.rows.find(id); a != nil {
			v.Reason = strings.TrimSuffix(fmt.Sprintf("still %s after %s: %s", a.phase, waitWithin, a.cause), ": ")
		}
		w = w.granted(id, v)
	}
	s.waiters = slices.Delete(slices.Clone(s.waiters), at, at+1)
	return s, []kit.Effect{w.answer()}
}
