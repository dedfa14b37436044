// Package actors is the map of everything that owns state. It holds no code.
//
// # The tree
//
//	gateway
//	├── journal          items, claims, state of conversations; one writer; group commit
//	├── control          the operator's calls
//	│   └── admin.4      one per connection
//	├── registry         plugins, instances, generations, leases; publishes what is live
//	├── router           route registrations → route table
//	├── methods          method registrations → method table
//	├── outbox           sends in flight, at most one per conversation
//	├── access           who may talk: policies, pairing
//	├── agents           turns in flight, a limit per agent
//	├── lanes            one lane per busy conversation
//	├── plugins          calls of plugins' methods, each under a lease
//	├── reload           the applied configuration, and the only one that writes its file; its first reload is the boot
//	└── channels
//	    └── bluebubbles  the channel's supervisor: leases, interprets, starts and ends the runs of its accounts
//	        └── home
//	            └── run.7
//
// # The way of a message
//
//	platform ──▶ edge (http/server) ── what is live ──▶ screen ──▶ journal: request pending, synced ──▶ 200
//	  supervisor takes requests, interprets them       ──▶ journal: request done, arrivals pending, ids claimed
//	  lanes takes arrivals: access, attachments, turn  ──▶ journal: arrival done, replies pending, history
//	  outbox takes replies: attempt (synced) ──▶ run   ──▶ journal: receipt, reply done
//
// The journal is the only hand-over: a stage commits, the journal wakes the next one, which takes no more than it can
// hold. Recovery after a crash is this same path.
//
// # Who may know whose messages
//
//	supervisor, lanes, outbox, access → journal     outbox, lanes → supervisor (and the ops of run)
//	supervisor → registry, run                      lanes → access, agents
//	router → registry, journal                      plugins, methods → registry
//	run → journal
//	reload → all that it configures                 control → all
//	registry, journal → nobody
//
// tests/imports_test.go holds this table, and the floors: config < channels < actors < http < cmd.
//
// # How to read an actor
//
// Every folder has the same five files. messages.go is all it takes, answers and publishes. machine.go is what it decides:
// a state and a pure Step, without a clock, a random number or I/O. actor.go is the thin shell. machine_test.go and
// actor_test.go show the one as a table and the other on a real system. Larger machines have more files, named by thought.
// Package kit is what they stand on, and the only one that knows the actor library.
//
// # Decisions
//
//  1. Questions between actors are not the library's futures. A question carries where its answer goes and a number; the
//     answer is a tell. Futures cost ten allocations, race when answered twice, and answer late.
//  2. Addresses are values that only the one who spawned an actor can make; the kit's table resolves them. The library's
//     own addresses can be written to while they are being spawned, which ends in the sender.
//  3. The kit posts into its own mailboxes and not through the library's process table: between the end of an actor and
//     the last of its messages the library drops what comes, silently.
//  4. The end of a child is an ordinary message, sent by its shell after everything that the child told its parent. The
//     library's Terminated overtakes.
//  5. A unit's fingerprint is the revision in which its resolved value last changed. No digest of a secret exists.
//  6. Bodies are streamed at the edge, so that every refusal is decided in one place before a byte of the body is read.
//     The alternative, a hook after the header with a small limit for strangers, reads the body of every stranger first.
//  7. The port is bound before the first reload and served after it: a port that is in use is known before anything has
//     been changed, and early senders wait in the kernel's queue instead of being refused.
//  8. A reply whose outcome cannot be found out is dead, with the reason, and not a fourth state: the operator looks, then
//     resends or drops it.
//  9. A reload proves changed accounts before its publication and tells everybody else after it. Between the two, requests of
//     the changed accounts are held back from being read: what came in by a new route is not read by old settings.
//  10. A publication that is not answered leaves a doubt, and the next reload publishes everything under a higher number: what
//     is live is never guessed.
//  11. Actors that nothing starts again are core: a gateway that lives on without its lanes is silent and looks well.
//  12. Supervisors tell the outbox which accounts are connected, and it begins no attempt for others: one that is written down
//     and refused leaves, after a crash in between, a reply whose outcome nobody knows.
//  13. A reload is handed the candidate that was judged last, a value like any other, and takes from it what it finds alike:
//     all of it when every file has the bytes that it had, else account by account. The alternative, to compare digests of
//     what is applied, would need fingerprints of secrets and forget what was judged and not applied.
package actors
