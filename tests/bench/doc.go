// Command bench measures what Holdfast costs: messages accepted a second against a bare server of the same library, messages
// through, starts, memory, reloads. It prints a table and, as its last line, one JSON object, and writes both with machine,
// date and command to tests/BENCH.md.
//
// Everything that is measured is a process of its own: the real gateway, a bare server, the gateway's edge alone, a receiver
// of answers, and the load generator (tests/bench/peer). Servers and generator share the machine.
//
// Invariants:
//   - A ratio compares two figures of the same round, and rounds are the outer loop: what else the machine does at a time
//     meets all rows. A figure is the median of the rounds, with the least and the most beside it.
//   - Every measurement has a server of its own, on a state folder of its own, so that nothing waits in it that belongs to
//     another one.
//   - The gateway runs with its default limits and its default security. Its state is on a disk: a file system in memory is
//     refused, because there a sync costs nothing.
//   - What a target says stands beside the figure. A figure that misses it is no failure of the command; an answer that is not
//     2xx, or a request without an answer, is.
package main
