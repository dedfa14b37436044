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

// waiter is an Apply or an Order that is not answered.
type waiter struct {
	number   uint64
	from     kit.Return
	kind     any    // the question: Apply, Order or Prepare
	wishes   []wish // not fulfilled
	verdicts map[channels.Account]Verdict
}

// wish is a state to be reached by one account.
type wish struct {
	account channels.Account
	do      string
}

type waitOver struct{ number uint64 }

// apply makes rows of what is wanted. What has not changed is not touched.
func (s State) apply(m Apply, in kit.In) (State, []kit.Effect) {
	s.Revision = m.Revision
	w := waiter{from: in.From, kind: m, verdicts: map[channels.Account]Verdict{}}
	var effects []kit.Effect
	give := func(id channels.Account, msg any) {
		var e []kit.Effect
		s, e = s.at(s.find(id), kit.In{Msg: msg, Now: in.Now})
		effects = append(effects, e...)
	}
	for _, old := range slices.Clone(s.rows) {
		if !old.removed && !slices.ContainsFunc(m.Accounts, func(a Account) bool { return a.ID == old.id }) {
			w.wishes = append(w.wishes, wish{old.id, doRemove})
			give(old.id, unwanted{})
		}
	}
	for _, want := range m.Accounts {
		at := s.find(want.ID)
		if at >= 0 && s.rows[at].same(want) {
			w.verdicts[want.ID] = Verdict{Result: unchanged, Run: s.rows[at].run.number}
		} else {
			w.wishes = append(w.wishes, wish{want.ID, doApply})
		}
		s = s.row(want.ID)
		give(want.ID, wanted{want})
	}
	s, more := s.wait(w)
	return s, append(effects, more...)
}

// prepare has changed settings proven; accounts that are not there yet have nothing to prove.
func (s State) prepare(m Prepare, in kit.In) (State, []kit.Effect) {
	w := waiter{from: in.From, kind: m, verdicts: map[channels.Account]Verdict{}}
	var effects []kit.Effect
	for _, want := range m.Accounts {
		at := s.find(want.ID)
		if at < 0 {
			continue
		}
		w.wishes = append(w.wishes, wish{want.ID, doPrepare})
		var e []kit.Effect
		s, e = s.at(at, kit.In{Msg: prepared{want}, Now: in.Now})
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
		s, e = s.at(s.find(id), kit.In{Msg: hold{}, Now: in.Now})
		effects = append(effects, e...)
	}
	return s, append(effects, kit.Answer{To: in.From, Msg: Held{}})
}

// row makes sure that there is a row for the account.
func (s State) row(id channels.Account) State {
	if s.find(id) >= 0 {
		return s
	}
	s.born++
	fresh := account{ref: ref{id, s.born}, closing: s.closing, in: intake{rest: s.resting}}
	s.rows = append(slices.Clip(s.rows), fresh)
	slices.SortFunc(s.rows, func(a, b account) int { return strings.Compare(string(a.id), string(b.id)) })
	return s
}

// order does what an operator says.
func (s State) order(m Order, in kit.In) (State, []kit.Effect) {
	w := waiter{from: in.From, kind: m, verdicts: map[channels.Account]Verdict{}}
	var effects []kit.Effect
	names := []channels.Account{m.Account}
	if m.Account == "" {
		names = nil
		for _, a := range s.rows {
			names = append(names, a.id)
		}
	}
	for _, id := range names {
		at := s.find(id)
		if at < 0 || s.rows[at].removed {
			w.verdicts[id] = Verdict{Result: failed, Reason: fmt.Sprintf("there is no account %s in the configuration", id)}
			continue
		}
		if v, settled := s.rows[at].settled(m.Do); settled {
			w.verdicts[id] = v
			continue
		}
		w.wishes = append(w.wishes, wish{id, m.Do})
		var e []kit.Effect
		s, e = s.at(at, kit.In{Msg: ordered{m.Do}, Now: in.Now})
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
	s.waiters = append(slices.Clip(s.waiters), w)
	effects := []kit.Effect{kit.After{Delay: waitWithin, Msg: waitOver{w.number}}}
	for _, one := range w.wishes {
		s = s.look(one.account)
	}
	s, answers := s.tell()
	if len(answers) > 0 {
		return s, answers // nobody waits: no timer is needed
	}
	return s, effects
}

// tellWaiters looks who waited for what has become of the account.
func (s State) tellWaiters(a account) (State, []kit.Effect) {
	if len(s.waiters) == 0 {
		return s, nil
	}
	return s.look(a.id).tell()
}

// look moves fulfilled wishes for an account to the verdicts.
func (s State) look(id channels.Account) State {
	s.waiters = slices.Clone(s.waiters)
	for i := range s.waiters {
		w := &s.waiters[i]
		at := slices.IndexFunc(w.wishes, func(one wish) bool { return one.account == id })
		if at < 0 {
			continue
		}
		v, reached := s.reached(w.wishes[at])
		if !reached {
			continue
		}
		w.wishes = slices.Delete(slices.Clone(w.wishes), at, at+1)
		w.verdicts = maps.Clone(w.verdicts)
		w.verdicts[id] = v
	}
	return s
}

// tell answers waiters that wait for nothing any more.
func (s State) tell() (State, []kit.Effect) {
	var (
		left    []waiter
		effects []kit.Effect
	)
	for _, w := range s.waiters {
		if len(w.wishes) > 0 {
			left = append(left, w)
			continue
		}
		effects = append(effects, w.answer())
	}
	s.waiters = left
	return s, effects
}

func (w waiter) answer() kit.Effect {
	switch w.kind.(type) {
	case Apply:
		return kit.Answer{To: w.from, Msg: Applied{Verdicts: w.verdicts}}
	case Prepare:
		faults := map[channels.Account]string{}
		for id, v := range w.verdicts {
			if v.Result != applied {
				faults[id] = v.Reason
			}
		}
		return kit.Answer{To: w.from, Msg: Prepared{Faults: faults}}
	}
	return kit.Answer{To: w.from, Msg: Ordered{Verdicts: w.verdicts}}
}

// reached tells whether a wish has come true, or cannot.
func (s State) reached(w wish) (Verdict, bool) {
	at := s.find(w.account)
	if at < 0 {
		return Verdict{Result: removed}, true
	}
	a := s.rows[at]
	if w.do == doPrepare {
		return a.prepared()
	}
	switch {
	case w.do == doRemove:
		return Verdict{Result: removed}, a.removed && a.alone() && a.memory.clean()
	case a.removed:
		return Verdict{Result: removed}, true
	case a.phase == Running && w.do != doStop: // a new one: whoever is to be restarted or stopped drains already
		return Verdict{Result: applied, Run: a.run.number}, true
	case a.phase == Off && w.do == doStop:
		return Verdict{Result: applied}, !a.memory.undecided
	case a.phase == Off && w.do == doApply:
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
	w.verdicts = maps.Clone(w.verdicts)
	for _, one := range w.wishes {
		v := Verdict{Result: deferred, Reason: "not reached within " + waitWithin.String()}
		if at := s.find(one.account); at >= 0 {
			a := s.rows[at]
			v.Reason = strings.TrimSuffix(fmt.Sprintf("still %s after %s: %s", a.phase, waitWithin, a.cause), ": ")
		}
		w.verdicts[one.account] = v
	}
	s.waiters = slices.Delete(slices.Clone(s.waiters), at, at+1)
	return s, []kit.Effect{w.answer()}
}
