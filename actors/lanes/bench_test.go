package lanes

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// BenchmarkStep gives one account of many a wake-up, which every message causes.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{1, 1000} {
		w := newWorld(b).begin(func(c *Configure) {
			for i := range n {
				c.Accounts[channels.NewAccount("net", fmt.Sprintf("a%d", i))] = c.Accounts[home]
			}
		})
		woken := journal.Woken{Queue: journal.Queue{Kind: journal.Arrivals, Account: home}}
		b.Run(fmt.Sprintf("woken, one of %d accounts", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Step(w.state, kit.In{Msg: woken, Now: start})
			}
		})
	}
}

// BenchmarkChanges marks a turn in a conversation whose history is long.
func BenchmarkChanges(b *testing.B) {
	var before stored
	for range 50 {
		before.history = append(before.history, backend.Entry{Role: "user", Name: "somebody", Text: strings.Repeat("x", 1<<10), At: start})
	}
	after := before
	after.turn = &turnMark{ID: "net:home/7", Attempt: 1}
	b.ReportAllocs()
	for b.Loop() {
		before.changes(after, "c")
	}
}
