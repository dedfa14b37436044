//go:build !race

package explore

// daily bounds the states of one world in the ordinary tests; make explore visits them all.
const daily = 4000

// replayed is how many histories are replayed on real actors.
const replayed = 1000
