package outbox

import (
	"fmt"
	"testing"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// BenchmarkStep gives one account of many a wake-up, which every reply causes.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{1, 1000} {
		all := map[channels.Account]Account{}
		for i := range n {
			all[channels.NewAccount("net", fmt.Sprintf("a%d", i))] = Account{Supervisor: kit.Named("channels/net"), Limits: channels.Limits{Parallel: 4}}
		}
		s := State{Self: kit.Named("outbox"), Journal: kit.Named("journal")}
		for _, m := range []any{subscribe{}, Configure{Revision: 1, Accounts: all}} {
			s, _ = Step(s, kit.In{Msg: m})
		}
		woken := journal.Woken{Queue: journal.Queue{Kind: journal.Replies, Account: "net:a0"}}
		b.Run(fmt.Sprintf("woken, one of %d accounts", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Step(s, kit.In{Msg: woken})
			}
		})
	}
}
