package reload

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkPrepare judges the configuration of many accounts, as every reload does before anything changes.
func BenchmarkPrepare(b *testing.B) {
	for _, n := range []int{1, 1000} {
		var yaml strings.Builder
		yaml.WriteString("agents: {default: {kind: echo}}\nchannels:\n  webhook:\n    accounts:\n")
		for i := range n {
			fmt.Fprintf(&yaml, "      a%d: {path: /hook/a%d, auth: {type: bearer, secret: secret-%d}}\n", i, i, i)
		}
		cfg := read(b, yaml.String())
		b.Run(fmt.Sprintf("%d accounts", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, problems := Prepare(cfg, known, listen); len(problems) > 0 {
					b.Fatal(problems)
				}
			}
		})
	}
}
