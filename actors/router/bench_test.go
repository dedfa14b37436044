package router

import (
	"fmt"
	"testing"

	"holdfast/actors/kit"
)

// BenchmarkStep registers the claims of many accounts again, of which one has another password: what a reload costs here.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{1, 1000} {
		var claims []Claim
		for i := range n {
			claims = append(claims, claim(fmt.Sprintf("webhook:a%d", i), fmt.Sprintf("/hook/a%d", i), fmt.Sprint("secret-", i)))
		}
		s, _ := live(State{}, claims...)
		claims[0] = claim("webhook:a0", "/hook/a0", "another")
		b.Run(fmt.Sprintf("%d accounts", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Step(s, kit.In{Msg: Register{Claims: claims, Listen: "127.0.0.1:1"}, From: me, Now: now})
			}
		})
	}
}
