// Package explore composes the real machines of the gateway into small worlds and visits every state that they can reach.
//
// A world is actors, what lies between them, and a budget of faults. Actors are the pure Step functions of registry, router,
// methods, supervisor and reload; everybody else (journal, access, agents, outbox, lanes, runs, the operator) is a small
// process that may answer in every way that its contract allows. Effects are the kit's own data and are performed on
// values, so one state has one successor for everything that could happen next.
//
// Transport is the kit's: one mailbox for each actor, in which messages and answers lie in the order in which they were
// sent, Ended after all that the child told; an answer may come after its deadline, or never; any armed timer may fire at
// any time, also one that is stale. Worlds with Promise set rely on what the kit promises only: tells of one sender to one
// receiver come in order, and every answer has a place of its own. No time passes: machines read one fixed time, and every
// order of timers and messages stands for some speed of the world.
//
// States are known by the hash of a canonical form: numbers that are only compared for equality are named by where they
// occur first, numbers that have an order by their rank; times, texts for people and counters are left out (rules.go).
//
// Reductions keep worlds small, none of which loses a state that a check could refuse:
//   - A timer that would change nothing is not fired: the state with it can do all that the one without it can.
//   - A timer that would change nothing and whose number stands nowhere in the state of its actor is forgotten. Numbers are
//     only compared for equality and fresh ones are higher, so it will not change anything later either.
//   - Router and methods pass on what reload asks of them as soon as it lies before them, and in a world of mailboxes the
//     registry takes what lies before it: nothing else can reach them first, what they do keeps nobody else from anything,
//     and a law about leases that is broken before is broken after.
//   - Access, agents, outbox and lanes differ in nothing but their name and answer in the order in which they were asked.
//   - Journal and those four answer at any time, but what they do happens when the answer is heard.
//
// A deadline that is over while what it waits for is on its way is a fault (slow) and counted as one; once nothing is on its
// way, it is over without one.
//
// That the transport is the kit's is shown by histories that are replayed on real actors (replay_test.go): a world without
// reductions and the kit take the same turns and come to the same states. Of two timers the one that is due first fires first
// there, and the journal answers only where nothing lies before the asker; the search relies on neither.
//
// Invariants: the search is deterministic, also on several processors. The first violation found has the shortest history.
// A world counts as complete only if every state of it was visited.
package explore
