package outbox

import (
	"holdfast/actors/kit"
	"holdfast/channels"
)

// leave is an account that is not configured any more: what is under way ends by itself, so that it is known what became of
// it. All else is forgotten, and is in the journal.
func (a account) leave() account {
	out := account{cfg: a.cfg, gone: true, ok: a.ok, cause: a.cause}
	for conversation, l := range a.lanes.All() {
		if l.work != 0 {
			l.held, l.last, l.over = l.held[:1:1], l.held[0].Seq, false
			out.put(conversation, l)
		}
	}
	return out
}

// left forgets what has ended of an account that is gone, and with the last of it the account.
func (s State) left(id channels.Account) State {
	a := s.Accounts.Of(id)
	if !a.gone {
		return s
	}
	for conversation, l := range a.lanes.All() {
		if l.work == 0 {
			a.drop(conversation)
		}
	}
	if a.lanes.Len() == 0 {
		s.Accounts = s.Accounts.Without(id)
		return s
	}
	return s.with(id, a)
}

// settled answers those who wait when nothing is under way for accounts that are gone.
func (s State) settled() (State, []kit.Effect) {
	if len(s.Settles) == 0 {
		return s, nil
	}
	for _, a := range s.Accounts.All() {
		if a.gone {
			return s, nil
		}
	}
	var effects []kit.Effect
	for _, to := range s.Settles {
		effects = append(effects, kit.Answer{To: to, Msg: Settled{}})
	}
	s.Settles = nil
	return s, effects
}
