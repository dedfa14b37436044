package journal

import (
	"testing"

	"holdfast/channels"
)

// BenchmarkStep decides about one request that is let in; what it writes is the stage's.
func BenchmarkStep(b *testing.B) {
	m := newMachine(plenty)
	in := asked(1, Accept{Account: "a:1", Requests: []channels.Request{{Account: "a:1", Form: channels.FormWebhook, Body: []byte("{}")}}})
	b.ReportAllocs()
	for b.Loop() {
		Step(m, in)
	}
}
