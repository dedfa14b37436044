package webhook

import (
	"strings"
	"testing"

	"holdfast/channels"
)

// BenchmarkInterpret makes a message out of a document of 1 KiB.
func BenchmarkInterpret(b *testing.B) {
	s := decode(b, `{"auth":{"type":"bearer","secret":"canary-5d10"}}`)
	r := channels.Request{Account: "webhook:home", Seq: 7, ID: "m-1", Form: channels.FormWebhook, Body: []byte(
		`{"id":"m-1","conversation":"c1","sender":"somebody","name":"Some Body","text":"` + strings.Repeat("x", 940) + `"}`,
	)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := interpret(s, r); err != nil {
			b.Fatal(err)
		}
	}
}
