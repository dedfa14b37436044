package router

import (
	"strconv"

	"holdfast/actors/kit"
)

// Spec is the router ready to be started.
func Spec(registry kit.Addr) kit.Spec {
	return kit.Def[State]{
		Kind:     "router",
		State:    State{Registry: registry},
		Step:     Step,
		Core:     true,
		Phase:    func(s State) string { return strconv.Itoa(len(s.Live.table)) + " paths" },
		Snapshot: func(s State) any { return kit.Drawn(func() any { return s.Paths() }) },
	}.Spec()
}
