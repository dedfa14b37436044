// Package journal is the one place where anything that was accepted lies until it has ended, and the only hand-over between
// the stages of the gateway.
//
// The actor is one writer on one store. All that waits in its mailbox becomes one batch; a batch that somebody must be able
// to rely on is synced before they hear of it. While a sync is under way, further batches are put in order and read, and
// their answers wait for the next one: there is one at a time, and never one per question.
//
// Invariants:
//   - Accepted, and Committed of a step that demands it, are sent after a sync that covers them. A write or a sync of the log
//     that fails is final where it fails (guard.go): the process ends and nobody who waits hears anything.
//   - A step is true as a whole or not at all, also after a crash; a crash loses only a tail of the order of steps. What
//     nobody waits for is synced at most lazySync later.
//   - A number is given once. Numbers rise in the order of acceptance.
//   - Created = done + dead + expired + pending for every queue, in every batch.
//   - An item ends once. A step that touches an ended item does nothing.
//   - A claim is decided here and nowhere else, with the steps of the same batch in sight.
//   - For every subscriber and queue, either a Woken is under way, or the subscriber has looked at the queue since its
//     newest item came.
//
// Ordering: steps take effect in the order in which they reached the mailbox. Questions that came in the same turn are
// answered after the steps of the turn, and see them.
//
// What is decided is pure: Step in machine.go, with steps.go (intake and steps), life.go (closing and the ends of jobs) and
// the values it is made of (syncs.go, wake.go, waiters.go, water.go), and claims.go for the stage. The shell (actor.go,
// turn.go) writes and reads what Step asks for and tells it what came of that (facts.go). What touches Pebble is Store and
// its stage, and is used on the actor's turn only, except for snapshots and the wait for a sync.
package journal
