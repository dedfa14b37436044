package reload

import (
	"slices"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/outbox"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

// renameWithin is how long the journal may take to give everything of an account to another name.
const renameWithin = time.Minute

// renamed is an account that gets another name.
type renamed struct {
	from, to channels.Account
	done     bool // the journal has it
}

// formerly is what the account was called; empty: nothing else.
func (a Account) formerly() channels.Account {
	if name := a.Settings.Shared().Formerly; name != "" {
		return channels.NewAccount(a.Kind.Name, name)
	}
	return ""
}

// takesOver tells whether the account's old name is given up with the candidate that it is of: it says so for the first time,
// or the old name is still an account. Once it is done, the setting may stay and means nothing.
func (a Account) takesOver(old *Account, applied *Candidate) bool {
	from := a.formerly()
	_, there := applied.account(from)
	return from != "" && (there || old == nil || old.formerly() != from)
}

// formerNames are the faults of what accounts say they were called.
func (c *Candidate) formerNames() config.Problems {
	var problems config.Problems
	said := map[channels.Account]channels.Account{}
	for _, a := range c.Accounts {
		from := a.formerly()
		if from == "" {
			continue
		}
		want := ""
		_, there := c.account(from)
		switch before, twice := said[from]; {
		case from == a.ID:
			want = "the name it had before, not the one it has; leave it out if it never had another"
		case there:
			want = "the name of an account that is not here any more: one account cannot have what another still has"
		case twice:
			want = "a name that no other account says: " + string(before) + " takes over what it had"
		}
		if said[from] = a.ID; want != "" {
			problems = append(problems, a.Node.Place([]config.Problem{{Path: "formerly", Got: from.Name(), Want: want}})...)
		}
	}
	return problems
}

// renames are the accounts that get another name, and those names of them, old and new, that somebody works for now.
func (s State) renames() (pairs []renamed, busy []channels.Account) {
	for _, a := range s.run.next.Accounts {
		u, changes := s.run.plan.unit(string(a.ID))
		if _, stays := s.run.failed[a.ID]; !changes || u.Change != Rename || stays {
			continue
		}
		pairs = append(pairs, renamed{from: a.formerly(), to: a.ID})
		_, old := s.Applied.account(a.formerly())
		if _, fresh := s.Applied.account(a.ID); old || fresh {
			busy = append(busy, a.formerly(), a.ID)
		}
	}
	return pairs, busy
}

// release has nobody begin anything more for accounts that get another name, by either name. What comes in is journaled
// under the new one since the publication, and waits.
func (s State) release(now time.Time) (State, []kit.Effect) {
	if len(s.run.busy) == 0 {
		return s.stage(Releasing, now)
	}
	return s.stage(Releasing, now, s.configuring(s.run.busy)...)
}

// retire ends their runs: calls under way are answered.
func (s State) retire(now time.Time) (State, []kit.Effect) {
	var effects []kit.Effect
	per := s.perChannel(s.run.busy)
	for _, channel := range s.Spawned {
		if slices.ContainsFunc(s.run.busy, func(a channels.Account) bool { return a.Channel() == channel }) {
			effects = append(effects, s.ask(supervisorOf(channel), channel, supervisor.Apply{Revision: s.Revision, Accounts: per[channel]}, applyWithin))
		}
	}
	return s.stage(Retiring, now, effects...)
}

// settled waits until the outbox has written down what became of those calls: then the journal hears of no send under the
// old name any more.
func (s State) settled(now time.Time) (State, []kit.Effect) {
	if len(s.run.busy) == 0 {
		return s.stage(Settling, now)
	}
	return s.stage(Settling, now, s.ask(s.Places.Outbox, "outbox", outbox.Settle{}, stageWithin))
}

// rename has the journal give everything to the new names. Whoever is configured after it finds it there.
func (s State) rename(now time.Time) (State, []kit.Effect) {
	var effects []kit.Effect
	for _, r := range s.run.renames {
		order := journal.Rename{From: r.from, To: r.to, Revision: s.Revision}
		effects = append(effects, s.ask(s.Places.Journal, string(r.to), order, renameWithin))
	}
	return s.stage(Renaming, now, effects...)
}

// bookRenamed notes a rename that is done. The items of one that is not are kept under the old name until it is.
func (s *State) bookRenamed(t tag, m kit.Answered) {
	word, fits := m.Msg.(journal.Committed)
	err := m.Err
	switch {
	case err == nil && !fits:
		err = cause(m)
	case err == nil:
		err = word.Err
	}
	if err != nil {
		s.run = s.run.with(t.what, Verdict{Result: failed, Reason: "its old name's messages and claims stay where they are until the next start: " + err.Error()})
		return
	}
	s.run.renames = slices.Clone(s.run.renames)
	for i, r := range s.run.renames {
		s.run.renames[i].done = r.done || string(r.to) == t.what
	}
}

// unrenamed tells whether an account should have had another's, and has not.
func (a *attempt) unrenamed(id channels.Account) bool {
	return slices.ContainsFunc(a.renames, func(r renamed) bool { return !r.done && r.to == id })
}
