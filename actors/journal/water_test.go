package journal

import "testing"

func TestTheWatermarkDecides(t *testing.T) {
	const mib = 1 << 20
	open := water{min: 64 * mib, ballast: true}
	low := water{min: 64 * mib, ballast: true, low: true}
	bare := water{min: 64 * mib, low: true}
	cases := []struct {
		name string
		is   water
		free uint64
		low  bool
		todo order
	}{
		{"plenty", open, 1000 * mib, false, leaveBallast},
		{"just enough", open, 64 * mib, false, leaveBallast},
		{"below the mark", open, 64*mib - 1, true, leaveBallast},
		{"back above the mark, not far enough", low, 79 * mib, true, leaveBallast},
		{"back with a quarter to spare", low, 80 * mib, false, leaveBallast},
		{"really full", low, 8*mib - 1, true, giveBallast},
		{"full, and nothing to give", bare, 1, true, leaveBallast},
		{"room, but not for the ballast too", bare, 95 * mib, false, leaveBallast},
		{"room for the ballast", bare, 96 * mib, false, makeBallast},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, todo := c.is.look(c.free)
			if got.low != c.low || todo != c.todo || (got.why() != "") != c.low {
				t.Fatalf("low %v todo %v why %q", got.low, todo, got.why())
			}
		})
	}
}
