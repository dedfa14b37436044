package registry

import "holdfast/actors/kit"

// Spec is the registry ready to be started; it alone stores into cell.
func Spec(cell *Cell) kit.Spec {
	return kit.Def[State]{
		Kind:     "registry",
		Step:     Step,
		Core:     true,
		Snapshot: func(s State) any { return kit.Drawn(func() any { return s.Describe() }) },
		Perform: func(_ *kit.Context, e kit.Effect) {
			if p, ok := e.(publish); ok {
				cell.store(p.live)
			}
		},
	}.Spec()
}
