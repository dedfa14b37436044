package outbox

import (
	"slices"
	"strings"

	"holdfast/actors/kit"
)

// Spec is the outbox ready to be started; self is the address that it will have.
func Spec(self, journal kit.Addr) kit.Spec {
	return kit.Def[State]{
		Kind:     "outbox",
		State:    State{Self: self, Journal: journal},
		Step:     Step,
		First:    subscribe{},
		Core:     true,
		Phase:    State.phase,
		Snapshot: func(s State) any { return s.snapshot() },
	}.Spec()
}

func (s State) phase() string {
	if s.Draining != nil {
		return "draining"
	}
	return "sending"
}

func (s State) snapshot() Snapshot {
	var out Snapshot
	for id, a := range s.Accounts {
		line := Status{Account: id, InFlight: a.inFlight(), Held: a.holds(), LastErr: a.cause, LastOK: a.ok}
		for _, l := range a.lanes {
			if l.paused {
				line.Blocked++
			}
		}
		out.Accounts = append(out.Accounts, line)
	}
	slices.SortFunc(out.Accounts, func(a, b Status) int { return strings.Compare(string(a.Account), string(b.Account)) })
	return out
}
