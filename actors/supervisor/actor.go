package supervisor

import (
	"holdfast/actors/kit"
	"holdfast/actors/run"
)

// Spec makes the supervisor of one channel. places.Self is the name under which it is spawned; newRun makes the actor of
// a run, whose supervisor is places.Self.
func Spec(channel string, places Places, newRun func(run.Start) kit.Spec) kit.Spec {
	return kit.Def[State]{
		Kind:     "supervisor",
		State:    New(channel, places),
		Step:     Step,
		First:    Begin{},
		Work:     work,
		Make:     func(what any) kit.Spec { return newRun(what.(run.Start)) },
		Phase:    State.phase,
		Snapshot: func(s State) any { return kit.Drawn(func() any { return s.Snapshot() }) },
	}.Spec()
}
