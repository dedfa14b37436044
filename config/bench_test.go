package config

import (
	"fmt"
	"strings"
	"testing"
)

// accounts is the content of a file with so many of them.
func accounts(n int) string {
	var b strings.Builder
	b.WriteString("agents: {default: {kind: echo}}\nchannels:\n  webhook:\n    accounts:\n")
	for i := range n {
		fmt.Fprintf(&b, "      a%d: {path: /hook/a%d, auth: {type: bearer, secret: secret-of-account-%d}}\n", i, i, i)
	}
	return b.String()
}

var sizes = []int{1, 100, 1000, 10_000}

// BenchmarkLoad reads the configuration of many accounts from its first byte to its last fault.
func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes {
		src := Source{Path: "f.yaml"}.With([]byte(accounts(n)))
		b.Run(fmt.Sprintf("%d accounts", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Load(src, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
