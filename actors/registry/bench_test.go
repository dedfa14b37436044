package registry

import (
	"fmt"
	"testing"

	"holdfast/actors/kit"
)

// BenchmarkFind looks a route up among those of many accounts: what the edge does for every request.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		var all []*Endpoint
		for i := range n {
			path := fmt.Sprintf("/hook/a%d", i)
			all = append(all, &Endpoint{Path: path}, &Endpoint{Path: path + "/replies", Under: true})
		}
		routes := NewRoutes(all)
		for _, c := range []struct{ name, path string }{
			{"a path", all[len(all)-2].Path}, {"below a path", all[len(all)-1].Path + "/7"}, {"nobody's path", "/hook/nobody"},
		} {
			b.Run(fmt.Sprintf("%s of %d accounts", c.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					routes.Find(c.path)
				}
			})
		}
	}
}

// BenchmarkStep takes and gives back a lease, as every start of a run and every batch of interpretations does.
func BenchmarkStep(b *testing.B) {
	s := State{}
	for _, m := range []any{Install{Offers: []Offer{offer("sms", "1", "sms")}}, StageRoutes{}, StageMethods{}, Publish{Revision: 1}} {
		s, _ = Step(s, kit.In{Msg: m, From: me, Now: now})
	}
	b.ReportAllocs()
	for b.Loop() {
		leased, _ := Step(s, kit.In{Msg: Lease{Channel: "sms", Holder: "sms:home"}, From: me, Now: now})
		Step(leased, kit.In{Msg: Forget{Holder: "sms:home"}, Now: now})
	}
}
