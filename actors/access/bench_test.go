package access

import (
	"fmt"
	"testing"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// BenchmarkStep decides about one message of one account of many.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{1, 1000} {
		all := map[channels.Account]channels.Common{home: policies(func(c *channels.Common) { c.DMPolicy, c.AllowFrom = channels.Open, []string{"*"} })}
		for i := range n - 1 {
			all[channels.NewAccount("bluebubbles", fmt.Sprintf("a%d", i))] = all[home]
		}
		w := newWorld(b)
		w.in(Configure{Revision: 1, Accounts: all}, question(1))
		b.Run(fmt.Sprintf("decide, one of %d accounts", n), func(b *testing.B) {
			in := kit.In{Msg: Decide{Arrival: direct("+15551234567", "hello")}, From: question(2), Now: start}
			b.ReportAllocs()
			for b.Loop() {
				Step(w.state, in)
			}
		})
		b.Run(fmt.Sprintf("configure %d accounts", n), func(b *testing.B) {
			in := kit.In{Msg: Configure{Revision: 2, Accounts: all}, From: question(3), Now: start}
			b.ReportAllocs()
			for b.Loop() {
				Step(w.state, in)
			}
		})
	}
}
