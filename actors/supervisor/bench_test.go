package supervisor

import (
	"fmt"
	"testing"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

// BenchmarkStep gives one account of many a wake-up, which every request causes, and a word of its run.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		var all []Account
		for i := range n {
			all = append(all, account0(channels.NewAccount("double", fmt.Sprintf("a%d", i)), "x"))
		}
		s := New("double", places)
		for _, m := range []any{Begin{}, Apply{Revision: 1, Accounts: all}} {
			s, _ = Step(s, kit.In{Msg: m, Now: noon})
		}
		b.Run(fmt.Sprintf("the first apply of %d accounts", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Step(New("double", places), kit.In{Msg: Apply{Revision: 1, Accounts: all}, Now: noon})
			}
		})
		last := all[n-1].ID
		for _, in := range []struct {
			name string
			msg  any
		}{
			{"woken", journal.Woken{Queue: journal.Queue{Kind: journal.Requests, Account: last}}},
			{"reported", run.Reported{Account: last, Run: 1}},
		} {
			b.Run(fmt.Sprintf("%s, one of %d accounts", in.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Step(s, kit.In{Msg: in.msg, Now: noon})
				}
			})
		}
		b.Run(fmt.Sprintf("snapshot of %d accounts", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Snapshot()
			}
		})
	}
}
