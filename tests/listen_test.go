package tests

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// TestLaw3_TheListenerMovesWithoutLosingAMessage: gateway.listen changes back and forth under load. Senders follow it, each
// as it has heard of it; nobody meets a refusal, and what was posted to either address is answered once.
// Reverting http/server/bound.go: "old.letGo" replaced by closing the old address at once makes it fail.
func TestLaw3_TheListenerMovesWithoutLosingAMessage(t *testing.T) {
	t.Parallel()
	k := newSink(t)
	ports := [2]int{freePort(t), freePort(t)}
	g := open(t, fmt.Sprintf(hookConfig, ports[0], hookSecret, k.URL, sinkSecret))
	before := g.until(sinkHook, "is green", green)
	var (
		at   atomic.Int64 // the port to use
		stop atomic.Bool
		all  sync.WaitGroup
		mu   sync.Mutex
		ids  = map[string]bool{}
	)
	at.Store(int64(ports[0]))
	for s := range 3 {
		all.Go(func() {
			for n := 0; !stop.Load(); n++ {
				id := fmt.Sprintf("m-%d-%d", s, n)
				a := request(fmt.Sprintf("http://127.0.0.1:%d/sink", at.Load()), hookSecret, message(id, fmt.Sprint("chat-", s)))
				if a.code != 200 {
					t.Errorf("%s: %d %s, want 200", id, a.code, a.body)
				}
				mu.Lock()
				ids[id] = true
				mu.Unlock()
			}
		})
	}
	for move := range 5 {
		from, to := ports[move%2], ports[(move+1)%2]
		g.edit(fmt.Sprintf("127.0.0.1:%d", from), fmt.Sprintf("127.0.0.1:%d", to))
		if v := g.reload().Units["gateway.listen"]; v.Result != "applied" {
			t.Errorf("move %d: %+v, want applied", move, v)
		}
		if got := g.status().Listen; got != fmt.Sprintf("127.0.0.1:%d", to) {
			t.Errorf("status says that it listens on %s, want port %d", got, to)
		}
		at.Store(int64(to))
	}
	stop.Store(true)
	all.Wait()
	k.once(t, ids)
	switch a := g.account(sinkHook); {
	case a.Health != "green":
		t.Errorf("after the moves it is %s: %v", a.Health, a.Causes)
	case a.Run != before.Run || a.Webhook == before.Webhook:
		t.Errorf("run %d is reached at %s, want run %d at the new address", a.Run, a.Webhook, before.Run)
	}
}
