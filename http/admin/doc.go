// Package admin is the operator's face: newline-delimited JSON-RPC 2.0 on a unix socket in the state folder, and the
// client of it. It is thin enough for nc -U by hand.
//
// Invariants: only root, our own user and the members of one configured group get in, by the kernel's word (peer
// credentials). The socket has mode 0600, or 0660 with a group. A client that half-closes still gets every answer. Answers
// come as they are ready, not in the order of the calls. What can be called is what the live method table says at that
// moment; a connection stores none of it. Lines, connections, the calls of one connection and the time of a call are
// bounded: a client that does not read its answers is not read either.
//
// Decision: requests are parsed by the library and served by us. The library's own server drops the answers of calls under
// way when a client half-closes, queues without bound, and lets a notification hold up the calls behind it.
package admin
