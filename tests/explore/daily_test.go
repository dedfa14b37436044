//go:build !race

package explore

// daily bounds the states of one world in the ordinary tests; make explore visits them all.
const daily = 4000
