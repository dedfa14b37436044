// Package access decides who may talk to an account, and keeps the senders that were let in by a pairing code.
//
// Invariants:
//   - Every question is answered exactly once; one that comes before its account is loaded waits.
//   - Who is not named by a list, a policy or an approval is not allowed: what is unknown is denied.
//   - An approval holds in direct chats only, and not where dmPolicy is allowlist.
//   - A code or an approval counts once the journal has it; the answer to the operator comes after that.
//   - At most three codes of an account wait, each for an hour, and a stranger hears of a code once.
package access

import (
	"context"
	"crypto/rand"
	"fmt"

	"holdfast/actors/kit"
)

const (
	// alphabet has no letter or digit that is taken for another one. Its 32 signs make every byte fair.
	alphabet   = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	codeLength = 8
)

// Spec is the actor, knowing no account yet. What it keeps is kept in the journal.
func Spec(journal kit.Addr) kit.Spec {
	return kit.Def[State]{
		Kind:     "access",
		Core:     true, // nothing else starts it again
		State:    NewState(journal),
		Step:     Step,
		Work:     work,
		Snapshot: func(s State) any { return kit.Drawn(func() any { return s.snapshot() }) },
	}.Spec()
}

// work draws a code.
func work(_ context.Context, what any) (any, error) {
	if _, ok := what.(draw); !ok {
		return nil, fmt.Errorf("no such work: %T", what)
	}
	raw := make([]byte, codeLength)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	for i, b := range raw {
		raw[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(raw), nil
}

// snapshot counts per account, by name. Requests that have run out count until the next change.
func (s State) snapshot() Snapshot {
	var out Snapshot
	for id, a := range s.accounts.All() {
		out.Accounts = append(out.Accounts, Status{
			Account: id, Requests: len(a.requests), Approved: a.approved.Len(), Loaded: a.load == 0, Err: a.err,
		})
	}
	return out
}
