package bluebubbles

import (
	"os"
	"testing"

	"holdfast/channels"
)

// BenchmarkInterpret makes messages out of webhooks as servers post them.
func BenchmarkInterpret(b *testing.B) {
	for _, name := range []string{"message_direct", "message_audio"} {
		body, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			b.Fatal(err)
		}
		r := request(channels.FormWebhook, body)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := interpret(nil, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
