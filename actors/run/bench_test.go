package run

import (
	"testing"
	"time"
)

// BenchmarkStep hands a reply to the network.
func BenchmarkStep(b *testing.B) {
	s := New(testStart, testPlaces)
	for _, one := range up() {
		s, _ = Step(s, one)
	}
	call := send(time.Minute, 7)
	b.ReportAllocs()
	for b.Loop() {
		Step(s, call)
	}
}
