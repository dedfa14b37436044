// Package admin is the operator's face: newline-delimited JSON-RPC 2.0 on a unix socket in the state folder, and the
// client of it. It is thin enough for nc -U by hand.
//
// Invariants: only root, our own user and the members of one configured group get in, by the kernel's word (peer
// credentials). The socket has mode 0600, or 0660 with a group. A client that half-closes still gets every answer. What
// can be called is what the live method table says at that moment; a connection stores none of it. Frames, connections
// and the time of a call are bounded.
package admin
