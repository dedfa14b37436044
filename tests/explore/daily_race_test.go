//go:build race

package explore

// daily bounds the states of one world in the ordinary tests. The search shares nothing but what it has locks for, and the
// detector slows it down ten times.
const daily = 400

// replayed is how many histories are replayed on real actors.
const replayed = 100
