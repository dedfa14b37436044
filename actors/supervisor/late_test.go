package supervisor

import (
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

// The kit drops an answer that comes after its deadline, and the registry gives the lease all the same.
func TestLaw1_ALeaseThatWasNotGivenInTimeIsGivenBackByName(t *testing.T) {
	at := ref{home, 1}
	for _, c := range []struct {
		name   string
		given  func(*world)
		tag    any
		forget string // whose lease; empty: nobody's
	}{
		{"for a start", func(w *world) { w.apply(account0(home, "a")); w.pay(); w.pay(); w.pay() }, nil, "double:home run.1"},
		{"for a start that is not wanted any more", (*world).refused, leasing{attempt{at, 1}, 7}, "double:home run.7"},
		{"for a start that was followed by the run", func(w *world) { w.running() }, leasing{attempt{at, 1}, 1}, ""},
		{"for a candidate that is gone", func(w *world) { w.running() }, proving{attempt{at, 99}, 9}, "double:home run.9"},
		{"for interpretations of another time", func(w *world) { w.running() }, borrowing{at, 77}, "double:home interpret.77"},
		{"for an account that is gone", func(w *world) { w.running() }, borrowing{ref{home, 8}, 5}, "double:home interpret.5"},
		{"no lease at all", func(w *world) { w.running() }, calling{at, 99}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.given(w)
			tag := c.tag
			if tag == nil {
				tag = w.last.Tag
			}
			got := ""
			for _, m := range kittest.Told[registry.Forget](w.give(kit.Answered{Tag: tag, Err: kit.ErrLate})) {
				got = m.Holder
			}
			if got != c.forget {
				t.Errorf("given back in the name of %q, want %q", got, c.forget)
			}
		})
	}
}
