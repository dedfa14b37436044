// Command peer is a load generator for any HTTP server: so many connections, one method, headers and body, at a constant rate
// or as fast as answers come, for a while. It prints a table and, as its last line, one JSON object.
//
// It knows nothing of the server it measures and imports nothing of this module, so that another gateway can be measured
// with the very same process.
//
// Invariants:
//   - At a constant rate, request n is planned for a fixed instant, whatever became of those before, and its latency counts
//     from that instant: a server that pauses shows the pause in everything that was due in it.
//   - Flat out, each connection sends when its last answer is in, so latency counts from the send: it says how long an answer
//     takes at that many connections, and nothing about a queue in front of them.
//   - A connection has at most one request under way. One that fails is an error and never sent again.
//   - Nothing is made for a request but its bytes on the wire, so that the machine is the server's. What the generator itself
//     needed of the processor is part of the result.
//
// In the address, in headers and in the body, {n} stands for a number of twelve digits that no other request of the run has,
// {c} for the number of the connection in five digits, and {t} for the planned instant in microseconds of Unix time, so that
// whoever gets what a message causes knows how long it took.
package main
