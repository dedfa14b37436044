package journal

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"holdfast/actors/kit"
)

// TestNoWakeUpIsLost: whatever the order of items, takes and subscriptions, a subscriber that has not looked since the
// newest item came has been woken since it looked last; and never twice without a take between.
func TestNoWakeUpIsLost(t *testing.T) {
	queues := []Queue{{Requests, "a:1"}, {Requests, "b:1"}, {Replies, "a:1"}}
	addrs := []kit.Addr{kit.Named("x"), kit.Named("y"), {}}
	rapid.Check(t, func(t *rapid.T) {
		var (
			w        wakes
			sub      Subscribe
			unseen   = map[Queue]bool{} // items came since the subscriber looked
			sinceOwn = map[Queue]int{}  // Woken sent since it looked
			sinceAny = map[Queue]int{}  // Woken sent since anybody looked
		)
		heard := func(effects []kit.Effect) {
			for _, e := range effects {
				tell := e.(kit.Tell)
				if tell.To != sub.To {
					t.Fatalf("%s was woken, subscribed is %s", tell.To, sub.To)
				}
				sinceOwn[tell.Msg.(Woken).Queue]++
				sinceAny[tell.Msg.(Woken).Queue]++
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"came": func(t *rapid.T) {
				q := rapid.SampledFrom(queues).Draw(t, "queue")
				unseen[q] = true
				next, tells := w.came(q)
				w = next
				heard(tells)
			},
			"took": func(t *rapid.T) {
				q := rapid.SampledFrom(queues).Draw(t, "queue")
				by := rapid.SampledFrom(addrs).Draw(t, "by")
				w = w.took(q, by)
				sinceAny[q] = 0
				if by == sub.To {
					unseen[q], sinceOwn[q] = false, 0
				}
			},
			"subscribe": func(t *rapid.T) {
				next := Subscribe{Kind: Requests, Channel: sub.Channel, To: rapid.SampledFrom(addrs[:2]).Draw(t, "to")}
				if sub.To.IsZero() {
					next.Channel = rapid.SampledFrom([]string{"", "a"}).Draw(t, "channel")
				}
				sub = next
				clear(sinceOwn)
				clear(sinceAny)
				pending := slices.DeleteFunc(slices.Clone(queues), func(q Queue) bool { return !unseen[q] })
				subscribed, tells := w.subscribe(sub, pending)
				w = subscribed
				heard(tells)
			},
			"": func(t *rapid.T) {
				for _, q := range queues {
					wants := !sub.To.IsZero() && q.Kind == Requests && (sub.Channel == "" || q.Account.Channel() == sub.Channel)
					if sinceAny[q] > 1 || !wants && sinceAny[q] > 0 {
						t.Fatalf("%v: %d under way", q, sinceAny[q])
					}
					if wants && unseen[q] && sinceOwn[q] == 0 {
						t.Fatalf("%v: lost", q)
					}
				}
			},
		})
	})
}
