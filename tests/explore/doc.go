// Package explore composes the real machines of the gateway into small worlds and visits every state that they can reach.
//
// A world is actors, what lies between them, and a budget of faults. Actors are the pure Step functions of registry, router,
// methods, supervisor and reload; everybody else (journal, access, agents, outbox, lanes, runs, the operator) is a small
// process that may answer in every way that its contract allows. Effects are the kit's own data and are performed on
// values, so one state has one successor for everything that could happen next.
//
// Transport is the kit's, and where the kit promises less than it does, it is the promise: tells of one sender to one
// receiver come in order, Ended after all that the child told; every answer to a question has a place of its own and comes
// whenever it likes, after its deadline or never; any armed timer may fire at any time, also one that is stale. No time
// passes: machines read one fixed time, and every order of timers and messages stands for some speed of the world.
//
// States are known by the hash of a canonical form: numbers that are only compared for equality are named by where they
// occur first, numbers that have an order by their rank; times, texts for people and counters are left out (rules.go).
//
// Two reductions keep worlds small, both of them without losing a state that a check could refuse:
//   - A timer that would change nothing is not fired: the state with it can do all that the one without it can.
//   - A timer that would change nothing and whose number stands nowhere in the state of its actor is forgotten. Numbers are
//     only compared for equality and fresh ones are higher, so it will not change anything later either.
//
// Invariants: the search is deterministic, also on several processors. The first violation found has the shortest history.
// A world counts as complete only if every state of it was visited.
package explore
