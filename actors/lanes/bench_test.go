package lanes

import (
	"fmt"
	"testing"

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
