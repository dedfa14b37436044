package plugins

import (
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
)

// BenchmarkStep begins a call of a plugin's method.
func BenchmarkStep(b *testing.B) {
	s := State{Registry: me}
	in := kit.In{Msg: registry.Call{Method: "sms.send", Params: []byte("{}"), Caller: "admin.1"}, From: from(1)}
	b.ReportAllocs()
	for b.Loop() {
		Step(s, in)
	}
}
