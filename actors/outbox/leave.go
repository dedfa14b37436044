package outbox

import (
	"maps"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// leave is an account that is not configured any more: what is under way ends by itself, so that it is known what became of
// it. All else is forgotten, and is in the journal.
func (a account) leave() account {
	out := account{cfg: a.cfg, gone: true, lanes: map[string]lane{}, ok: a.ok, cause: a.cause}
	for conversation, l := range a.lanes {
		if l.work != 0 {
			l.held, l.last, l.over = l.held[:1:1], l.held[0].Seq, false
			out.lanes[conversation] = l
		}
	}
	return out
}

// left forgets what has ended of an account that is gone, and with the last of it the account.
func (s State) left(id channels.Account) State {
	a := s.Accounts[id]
	if !a.gone {
		return s
	}
	a.lanes = maps.Clone(a.lanes)
	maps.DeleteFunc(a.lanes, func(_ string, l lane) bool { return l.work == 0 })
	s = s.with(id, a)
	if len(a.lanes) == 0 {
		delete(s.Accounts, id) // of the copy
	}
	return s
}

// settled answers those who wait when nothing is under way for accounts that are gone.
func (s State) settled() (State, []kit.Effect) {
	for _, a := range s.Accounts {
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
