package agents

import (
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
)

// BenchmarkStep begins a turn and ends it.
func BenchmarkStep(b *testing.B) {
	w := newWorld(b)
	w.in(one(4))
	b.ReportAllocs()
	for b.Loop() {
		s, effects := Step(w.state, kit.In{Msg: Turn{Turn: backend.Turn{ID: "1", Agent: "a", Text: "hello"}}, From: question(1), Now: start})
		for _, e := range effects {
			if do, ok := e.(kit.Do); ok {
				Step(s, kit.In{Msg: kit.Done{Tag: do.Tag, Msg: backend.Answer{Text: "hello"}}, Now: start})
			}
		}
	}
}
