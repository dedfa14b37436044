// Package server is the HTTP edge: it judges each request by what is live at that moment and hands what is accepted to the
// journal.
//
// Invariants:
//   - The live value is loaded once per judgement and forgotten with the answer. Nothing of it is stored, the settings of the
//     edge neither: who waits for room asks again what the limit is, and the time for a request is read with its first byte.
//   - A request that has no owner, or whose credential is refused by header or query alone, is answered before its body is
//     read, and its connection ends with the answer.
//   - 2xx on intake follows the journal's word that the request is safe, or a skip that the route itself declares.
//   - A request that proves itself is never answered 429: only refusals of strangers count against their peer. Bodies in
//     memory are bounded in bytes; who proves himself waits for room, up to the bound that the journal has as well.
//   - The edge moves to another address without losing a request: the new one is bound beside the old one and then served
//     instead, and the old one is answered until nobody is on the way to it. Shutdown ends them all.
//   - No answer is given by default: every branch sets a status. The library answers 200 where an error handler sets none.
//   - Nothing is logged per refusal. Refusals are counted and summed up in one line per interval.
//
// Decision: bodies are streamed, and there is no HeaderReceived hook. That hook sees the header alone, cannot answer, and
// cannot keep the library from reading the body. With StreamRequestBody the handler is called with the header and an unread
// body, so one place decides everything in one order. The library reads ahead min(MaxRequestBodySize, length, 8 KiB) of a
// body of known length before it calls the handler, and waits for that; MaxRequestBodySize is therefore one byte (the real
// limit is the route's, and it is checked here). What remains of it: a sender who announces a body and sends not one byte of
// it hears 408 when his time is over, whatever he would have heard else. A body that is chunked, or announced with
// Expect: 100-continue, is not waited for.
//
// The library does not tell a body that is complete from one whose sender hung up in between, hides a deadline that passed
// inside a chunk, and lets connections live on when a shutdown takes too long. The edge wraps its connections to know.
package server
