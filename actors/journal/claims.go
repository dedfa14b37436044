package journal

import "time"

// longestKeep bounds how long anything that ends by itself is kept.
const longestKeep = 10 * 365 * 24 * time.Hour

// claims are those that were made in a batch which cannot be read back yet: key to the time at which they end. They stand
// above what the store says.
type claims map[string]int64

// decide says whether a claim is free at now, when the store has it held until stored (0: it knows nothing), and until when
// it is held from now on. Until is 0 when nothing is to be written: the claim is taken, or it is kept for no time and was
// only looked at. It changes nothing: who writes the claim adds it.
func (c claims) decide(key []byte, stored int64, now time.Time, keep time.Duration) (free bool, until int64) {
	held := stored
	if here, known := c[string(key)]; known {
		held = here
	}
	switch {
	case held > now.UnixNano():
		return false, 0
	case keep <= 0:
		return true, 0
	}
	return true, endOf(now, keep)
}

// endOf is when something that is kept from now on is to be forgotten.
func endOf(now time.Time, keep time.Duration) int64 {
	return now.Add(min(keep, longestKeep)).UnixNano()
}
