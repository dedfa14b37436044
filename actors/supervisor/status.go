package supervisor

import "maps"

// Snapshot is the channel as it is now. It calls no code of a network.
func (s State) Snapshot() Snapshot {
	out := Snapshot{Channel: s.Channel, Revision: s.Revision, Accounts: make([]Status, 0, s.rows.byName.Len())}
	for a := range s.rows.all() {
		out.Accounts = append(out.Accounts, a.status())
	}
	return out
}

func (a account) status() Status {
	out := Status{
		Account: a.id, Name: a.name, Phase: a.phase, Since: a.since, Stopped: a.memory.stopped, Disabled: a.read && !a.on,
		Run: a.run.number, Link: a.link, Cause: a.cause, Facts: a.known(), Restarts: a.restarts, Failures: a.fails,
		LastIn: a.lastIn, LastOut: a.lastOut, Webhook: a.want.Masked,
	}
	if a.phase == Pausing {
		out.NextTry = a.next
	}
	if out.Cause == "" {
		out.Cause = a.in.cause
	}
	if a.cand.lease != 0 {
		out.Candidate = a.cand.number
	}
	for _, l := range a.leaving {
		out.Leaving = append(out.Leaving, l.number)
	}
	for _, l := range a.abandoned {
		out.Abandoned = append(out.Abandoned, l.number)
	}
	return out
}

// known is what the network said of itself, and where its server is.
func (a account) known() map[string]string {
	if a.want.Server == "" {
		return a.facts
	}
	out := map[string]string{"server": a.want.Server}
	maps.Copy(out, a.facts)
	return out
}

// phase is the supervisor's own, for the tree.
func (s State) phase() string {
	switch {
	case s.closing:
		return "closing"
	case s.resting:
		return "resting"
	}
	return "up"
}
