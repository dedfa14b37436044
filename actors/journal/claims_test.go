package journal

import (
	"testing"
	"time"
)

func TestAClaimIsDecidedByTheBatchBeforeTheStore(t *testing.T) {
	at := func(n int64) time.Time { return time.Unix(0, n) }
	batch := claims{"here": 10}
	cases := []struct {
		name   string
		key    string
		stored int64
		now    int64
		keep   time.Duration
		free   bool
		until  int64
	}{
		{"what the batch holds is taken", "here", 0, 9, 5, false, 0},
		{"the batch speaks before the store", "here", 99, 10, 5, true, 15},
		{"what the store holds is taken", "there", 10, 9, 5, false, 0},
		{"it is free from the moment at which it ends", "there", 10, 10, 5, true, 15},
		{"nobody has heard of it", "there", 0, 9, 5, true, 14},
		{"a clock that is set back holds it longer", "there", 10, 2, 5, false, 0},
		{"kept for no time, it is only looked at", "there", 0, 9, 0, true, 0},
		{"kept for less than that, too", "there", 0, 9, -1, true, 0},
		{"looking finds what is taken", "here", 0, 9, 0, false, 0},
		{"nothing is kept for ever", "there", 0, 9, longestKeep + 1, true, 9 + int64(longestKeep)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			free, until := batch.decide([]byte(c.key), c.stored, at(c.now), c.keep)
			if free != c.free || until != c.until {
				t.Errorf("free %v until %d, want %v until %d", free, until, c.free, c.until)
			}
			if len(batch) != 1 {
				t.Errorf("deciding changed the batch: %v", batch)
			}
		})
	}
}
