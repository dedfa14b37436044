// Package kit is what every actor stands on, and the only package that knows the actor library.
//
// An actor is a machine and a shell. The machine is a value and a pure function, Step(state, In) → (state, effects): no
// clock, no random number, no I/O, no actor library. The shell is Def: it feeds the machine and performs its effects.
// Effects are data (Tell, Ask, Answer, After, Spawn, Stop, Do, Note), so that a search can perform them too.
//
// Invariants:
//   - A message given to Tell, Ask or TryAsk is handled, or its sender learns that it was not: a mailbox that closes hands
//     what is left to the system, which answers questions with ErrGone and counts the rest. Nothing vanishes.
//   - Tells of one sender to one receiver arrive in order. Answers are tells, so they keep that order as well.
//   - Every question is answered exactly once: by the other side, by its deadline, or by ErrGone. Later answers are dropped.
//   - A panic in Step ends the actor, or, in a core actor, the process. No actor is ever restarted: a new life has a new name.
//   - A Stop does not wait for children: they are stopped, and a hung one hangs alone, shown in the table.
//   - The parent hears of the end of a child exactly once, as Ended, after all that the child told it.
//   - There is one go statement in all of actors; it is here, it recovers, and it ends in exactly one message.
//
// What the library does by default, and why each rule is as it is, stands in traps_test.go and
// traps_messages_test.go as tests.
package kit
