package outbox

import (
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
		Snapshot: func(s State) any { return kit.Drawn(func() any { return s.snapshot() }) },
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
	for id, a := range s.Accounts.All() {
		out.Accounts = append(out.Accounts, Status{
			Account: id, InFlight: a.books.busy, Held: a.books.held, Blocked: a.books.paused, LastErr: a.cause, LastOK: a.ok,
		})
	}
	return out
}
