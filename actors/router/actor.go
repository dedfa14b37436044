package router

import (
	"strconv"

	"holdfast/actors/kit"
)

// Spec is the router ready to be started, with the paths of the last run.
func Spec(registry, journal kit.Addr, known Known) kit.Spec {
	return kit.Def[State]{
		Kind:     "router",
		State:    begin(registry, journal, known),
		Step:     Step,
		Core:     true,
		Phase:    func(s State) string { return strconv.Itoa(len(s.Live.table)) + " paths" },
		Snapshot: func(s State) any { return kit.Drawn(func() any { return s.Paths() }) },
	}.Spec()
}
