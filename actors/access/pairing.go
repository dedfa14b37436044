package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

const (
	validFor    = time.Hour // a code
	maxRequests = 3         // codes of one account at once; further strangers are ignored
	maxDraws    = 5         // codes drawn for one request until one is free
)

// request is a stranger with a code, as the journal keeps it.
type request struct {
	PairingRequest
	// Arrival got the code: if it is asked about again, because its lane did not get to sending, the reply is the same.
	Arrival uint64 `json:"arrival"`
}

// change is what becomes of an account once the journal has it. One is under way per account.
type change struct {
	number uint64
	in     kit.In // the question that it answers
	draws  int
	answer any // given when the change is safe

	forget []string // requests that go, by sender
	put    *request
	let    *Approved
	revoke string // the sender whose approval goes
}

// Tags of a change under way.
type (
	drawing struct {
		account channels.Account
		number  uint64
	}
	writing struct {
		account channels.Account
		number  uint64
	}
)

// draw is the shell's job: a fresh code.
type draw struct{}

// changing begins what may change the account, or keeps it until the change before it is safe.
func (s *step) changing(a account, in kit.In) {
	switch {
	case a.change == nil:
		s.begin(a, in)
	case len(a.changes) >= maxChanges:
		s.fail(in, fmt.Errorf("account %s: the journal does not answer and %d changes wait", a.id, maxChanges))
	default:
		a.changes = append(slices.Clip(a.changes), in)
		s.set(a)
	}
}

func (s *step) begin(a account, in kit.In) {
	s.number++
	c := change{number: s.number, in: in}
	switch m := in.Msg.(type) {
	case Decide:
		s.challenge(a, c, m.Arrival)
	case Approve:
		s.approve(a, c, m)
	case Deny:
		s.deny(a, c, m)
	}
}

// challenge gives a stranger a code, unless there is one already or too many wait.
func (s *step) challenge(a account, c change, m channels.Arrival) {
	sender := normal(a.id.Channel(), m.Sender.ID)
	if r, has := a.requests[sender]; has && s.valid(r) {
		d := Decision{Outcome: Paired, Reason: "the sender has a pairing code and was not approved yet"}
		if r.Arrival == m.Seq {
			d.Reply = invitation(r.PairingRequest)
		}
		s.add(kit.Answer{To: c.in.From, Msg: d})
		return
	}
	waiting := 0
	for _, other := range slices.Sorted(maps.Keys(a.requests)) {
		switch {
		case s.valid(a.requests[other]):
			waiting++
		case other != sender:
			c.forget = append(c.forget, other) // what is not counted now must not come back, whatever the clock shows later
		}
	}
	if waiting >= maxRequests {
		s.add(kit.Answer{To: c.in.From, Msg: Decision{
			Outcome: Paired, Reason: fmt.Sprintf("%d pairing requests wait already; see gateway pairing list", maxRequests),
		}})
		return
	}
	a.change = &c
	s.set(a)
	s.add(kit.Do{Job: draw{}, Tag: drawing{a.id, c.number}})
}

// drawn takes a fresh code. One that is in use somewhere is drawn again, so that a code alone names its account.
func (s *step) drawn(d kit.Done) {
	tag, ours := d.Tag.(drawing)
	a, known := s.accounts.Get(tag.account)
	if !ours || !known || a.change == nil || a.change.number != tag.number {
		return
	}
	c := *a.change
	code, _ := d.Msg.(string)
	c.draws++
	_, err := s.find(code, "")
	switch {
	case d.Err == nil && code != "" && err != nil: // nobody has it
	case d.Err == nil && c.draws < maxDraws:
		a.change = &c
		s.set(a)
		s.add(kit.Do{Job: draw{}, Tag: tag})
		return
	default:
		a.change = nil
		s.set(a)
		s.fail(c.in, fmt.Errorf("account %s: draw a pairing code: %w", a.id, errors.Join(d.Err, errors.New("none is free"))))
		s.next(a.id)
		return
	}
	m := c.in.Msg.(Decide).Arrival
	sender := normal(a.id.Channel(), m.Sender.ID)
	now := s.now.Round(0) // as the journal keeps it, so that a restart changes nothing
	r := request{Arrival: m.Seq, PairingRequest: PairingRequest{
		Account: a.id, Sender: sender, Name: m.Sender.Name, Code: code, Created: now, Expires: now.Add(validFor),
	}}
	c.put = &r
	c.answer = Decision{Outcome: Paired, Reason: "a pairing code was made", Reply: invitation(r.PairingRequest)}
	s.write(a, c, false) // the reply is written after it, so what is lost is lost with the reply
}

func (s *step) approve(a account, c change, m Approve) {
	sender, found := s.holder(a, m.Code)
	switch {
	case !found:
		s.fail(c.in, fmt.Errorf("account %s has no valid pairing code %q; see gateway pairing list", a.id, m.Code))
		return
	case a.approved.Len() >= maxApproved:
		s.fail(c.in, fmt.Errorf("account %s has %d approved senders, the most there can be; use allowFrom", a.id, maxApproved))
		return
	}
	c.forget = []string{sender}
	c.let = &Approved{Account: a.id, Sender: sender, Since: s.now}
	c.answer = Settled{Account: a.id, Sender: sender}
	s.write(a, c, true)
}

func (s *step) deny(a account, c change, m Deny) {
	sender := normal(a.id.Channel(), m.Sender)
	if m.Code != "" {
		holder, found := s.holder(a, m.Code)
		if !found {
			s.fail(c.in, fmt.Errorf("account %s has no valid pairing code %q; see gateway pairing list", a.id, m.Code))
			return
		}
		sender, c.forget = holder, []string{holder}
	} else if _, approved := a.approved.Get(sender); approved {
		c.revoke = sender
	} else {
		s.fail(c.in, fmt.Errorf("account %s has not approved %q; see gateway pairing list", a.id, m.Sender))
		return
	}
	c.answer = Settled{Account: a.id, Sender: sender}
	s.write(a, c, true)
}

// write commits a change.
func (s *step) write(a account, c change, sync bool) {
	var ops []journal.Op
	for _, sender := range c.forget {
		ops = append(ops, journal.SetState{Name: pairingPrefix + sender})
	}
	if c.put != nil {
		ops = append(ops, journal.SetState{Name: pairingPrefix + c.put.Sender, Value: encode(c.put)})
	}
	if c.let != nil {
		ops = append(ops, journal.SetState{Name: approvedPrefix + c.let.Sender, Value: encode(c.let)})
	}
	if c.revoke != "" {
		ops = append(ops, journal.SetState{Name: approvedPrefix + c.revoke})
	}
	a.change = &c
	s.set(a)
	s.add(kit.Ask{
		To: s.journal, Msg: journal.Commit{Account: a.id, Ops: ops, Sync: sync}, Within: journalWithin,
		Tag: writing{a.id, c.number},
	})
}

// encode writes our own flat types, which cannot fail.
func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

// written makes a change true and answers for it. One that failed may have been made or not: the journal is asked.
func (s *step) written(tag writing, m kit.Answered) {
	a, known := s.accounts.Get(tag.account)
	if !known || a.change == nil || a.change.number != tag.number {
		return
	}
	c := *a.change
	a.change = nil
	committed, _ := m.Msg.(journal.Committed)
	if err := errors.Join(m.Err, committed.Err); err != nil {
		a.waiting, a.changes = slices.Concat(a.waiting, a.changes), nil
		s.fail(c.in, fmt.Errorf("account %s: keep the change in the journal: %w", a.id, err))
		s.read(a)
		return
	}
	a.requests = maps.Clone(a.requests)
	for _, sender := range c.forget {
		delete(a.requests, sender)
	}
	if c.put != nil {
		a.requests[c.put.Sender] = *c.put
	}
	if c.let != nil {
		a.approved = a.approved.Set(c.let.Sender, *c.let)
	}
	if c.revoke != "" {
		a.approved = a.approved.Delete(c.revoke)
	}
	s.set(a)
	s.add(kit.Answer{To: c.in.From, Msg: c.answer})
	s.next(a.id)
}

// next goes on with the changes that waited, until one is under way or none is left. They are asked anew: what they
// found when they came may have changed.
func (s *step) next(id channels.Account) {
	for {
		a := s.accounts.Of(id)
		if a.change != nil || len(a.changes) == 0 {
			return
		}
		in := a.changes[0]
		a.changes = a.changes[1:]
		s.set(a)
		s.question(in)
	}
}

// valid tells whether a code is good. One from a later time is not, but for a correction of the clock: where the clock was
// set back, it would be good until the clock had come to its end again.
func (s *step) valid(r request) bool {
	return s.now.Before(r.Expires) && s.now.After(r.Created.Add(-validFor))
}

// holder is the sender that a code was given to.
func (s *step) holder(a account, code string) (string, bool) {
	code = strings.ToUpper(strings.TrimSpace(code))
	for sender, r := range a.requests {
		if r.Code == code && s.valid(r) {
			return sender, true
		}
	}
	return "", false
}

// find is the one account with such a code, or with such an approved sender if there is no code.
func (s *step) find(code, sender string) (channels.Account, error) {
	var found []channels.Account
	for id, a := range s.accounts.All() {
		_, has := s.holder(a, code)
		if code == "" && a.approved != nil {
			_, has = a.approved.Get(normal(id.Channel(), sender))
		}
		if has {
			found = append(found, id)
		}
	}
	what := "the pairing code " + code
	if code == "" {
		what = "the approved sender " + sender
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no account has %s; see gateway pairing list", what)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("several accounts have %s (%v); name one", what, found)
}

// list answers with what waits and who was approved, by account and sender. Accounts that are not loaded are left out.
func (s *step) list(m ListPairing, from kit.Return) {
	var out PairingList
	for id, a := range s.accounts.All() {
		if m.Account != "" && m.Account != id || a.load != 0 {
			continue
		}
		for _, sender := range slices.Sorted(maps.Keys(a.requests)) {
			if r := a.requests[sender]; s.valid(r) {
				out.Requests = append(out.Requests, r.PairingRequest)
			}
		}
		for it := a.approved.Iterator(); !it.Done(); {
			_, p, _ := it.Next()
			out.Approved = append(out.Approved, p)
		}
	}
	s.add(kit.Answer{To: from, Msg: out})
}

// invitation is what a stranger is told.
func invitation(r PairingRequest) string {
	return fmt.Sprintf(`I do not know you yet, so nobody has read your message.

Your id here: %s
Your pairing code: %s

To be let in, ask the owner to run:
gateway pairing approve %s %s`, r.Sender, r.Code, r.Account, r.Code)
}
