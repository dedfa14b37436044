package methods

import (
	"fmt"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
)

// BenchmarkStep registers as many methods as the core and some plugins have.
func BenchmarkStep(b *testing.B) {
	var all []registry.Method
	for i := range 50 {
		all = append(all, registry.Method{Name: fmt.Sprintf("plugin%d.call", i), Help: "calls it"})
	}
	b.ReportAllocs()
	for b.Loop() {
		Step(State{}, kit.In{Msg: Register{Methods: all}})
	}
}
