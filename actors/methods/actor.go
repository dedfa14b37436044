package methods

import (
	"strconv"

	"holdfast/actors/kit"
)

// Spec is the methods actor ready to be started.
func Spec(registry kit.Addr) kit.Spec {
	return kit.Def[State]{
		Kind:  "methods",
		State: State{Registry: registry},
		Step:  Step,
		Core:  true,
		Phase: func(s State) string { return strconv.Itoa(s.Count) + " methods" },
	}.Spec()
}
