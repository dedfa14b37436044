//go:build race

package journal_test

// crowd is how many arrivals wait in a lane that is blocked. They come and are taken one after the other, so that more of them
// show the detector nothing.
const crowd = 10_000
