// Package kittest is what the tests of actors stand on: a system that fails the test for what it must not do, a probe that
// plays the other side of a conversation, and questions about the effects of one Step.
//
// Invariants:
//   - A test that used New leaves no actor behind, and fails if a tell found nobody or an actor panicked, unless it said that
//     this is what it is about (AllowStray, AllowPanic).
//   - A probe records what it is told in the order in which it was told, whole and for ever.
//   - Nothing here sleeps for a fixed time: everything waits for a fact with a deadline, so it works with real time and inside
//     testing/synctest alike.
package kittest
