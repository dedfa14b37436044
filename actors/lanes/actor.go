// Package lanes takes each conversation's arrivals through policy, preparation and an agent's turn to its replies: one
// lane per busy conversation, each in order of acceptance, none in another's way.
//
// Invariants:
//   - An arrival that was taken ends exactly once, in the step that queues its replies and writes the history, or stays
//     pending in the journal. What fails for now is tried until it expires.
//   - A conversation has at most one turn under way, and its arrivals end in order of acceptance. Only a /stop overtakes,
//     and what changes or takes back a message joins that message.
//   - A lane that waits delays no other: what does not fit into memory is left in the journal and found again (window.go
//     says how). What one account holds is bounded.
//   - The lane of a conversation is the only one who writes its history. It is read for a turn of an agent that wants it, and
//     for nothing else.
package lanes

import (
	"holdfast/actors/kit"
)

// Spec is the actor, knowing no account yet. Self is the name that it is started under.
func Spec(o Others) kit.Spec {
	return kit.Def[State]{
		Kind:     "lanes",
		Core:     true, // nothing else starts it again
		State:    NewState(o),
		Step:     Step,
		First:    begin{},
		Snapshot: func(s State) any { return kit.Drawn(func() any { return s.snapshot() }) },
	}.Spec()
}
