//go:build !race

package journal_test

// crowd is how many arrivals wait in a lane that is blocked.
const crowd = 100_000
