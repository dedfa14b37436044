package lanes

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/actors/agents"
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

// BenchmarkTurn takes a message of an idle conversation with 50 entries of 1 KiB through a turn: all inputs that the machine
// gets for it, from the wake-up to the last step's answer. What the journal is given to write is written/op, in bytes.
func BenchmarkTurn(b *testing.B) {
	atWork := func(a *channels.Arrival) { a.Account = work } // whose network takes an answer in one piece
	for _, history := range []bool{false, true} {
		w := newWorld(b).begin(func(c *Configure) { c.Agents["default"] = Agent{History: history} })
		w.agent = func(backend.Turn) *agents.Turned { said := agentsSay(strings.Repeat("y", 1<<10)); return &said }
		for range 26 {
			w.message("c", strings.Repeat("x", 1<<10), atWork)
			w.after(time.Second)
		}
		before, done := w.state, len(w.store.commits)
		w.heard = []kit.In{}
		w.message("c", strings.Repeat("x", 1<<10), atWork)
		w.settle()
		b.Run(fmt.Sprintf("an agent that wants a history: %v", history), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := before
				for _, in := range w.heard {
					s, _ = Step(s, in)
				}
			}
			size := 0
			for _, step := range w.store.commits[done:] {
				for _, op := range step.Ops {
					if set, is := op.(journal.SetState); is {
						size += len(set.Name) + len(set.Value)
					}
				}
			}
			b.ReportMetric(float64(size), "written/op")
		})
	}
}
