package explore

import (
	"fmt"
	"slices"

	"holdfast/actors/kit"
	"holdfast/actors/supervisor"
)

// stillLaws hold wherever nothing happens before somebody's patience is over. They are about what would come right then, and
// too late: a deadline is there for what hangs, and nobody may wait for it who could go on.
func stillLaws() []Law {
	return []Law{
		{"law 8: a run is let in as soon as nothing of those before it reaches the journal", letIn},
		{"law 8: no run of an account that is stopped by hand goes on", stoppedEnds},
		{"law 8: whoever waits for what is so already is answered", answeredWhenSo},
	}
}

// letIn: whatever hangs of a run that has said its last keeps nothing of the next one from the journal.
func letIn(v View) (broken string) {
	statuses(v, func(s supervisor.Status) {
		var now life
		before := false
		lives(v, func(l life) {
			switch {
			case l.account != s.Account:
			case l.number == s.Run:
				now = l
			default:
				before = before || l.current()
			}
		})
		if now.apart && now.wanted() && !before {
			broken = fmt.Sprintf("run.%d of %s is not let in, and nothing of a run before it reaches the journal", now.number, now.account)
		}
	})
	return broken
}

// stoppedEnds: a run that was made for settings to come is none of those that may stay.
func stoppedEnds(v View) (broken string) {
	statuses(v, func(s supervisor.Status) {
		lives(v, func(l life) {
			if s.Stopped && l.account == s.Account && l.wanted() {
				broken = fmt.Sprintf("%s is stopped, and nobody has told run.%d to end", l.account, l.number)
			}
		})
	})
	return broken
}

// answeredWhenSo: an order is answered as soon as it is carried out, and an Apply as soon as all of its accounts are up, unless
// the supervisor itself waits for an answer, or for the time to write something down again.
func answeredWhenSo(v View) string {
	for _, q := range v.s.questions {
		s, is := v.State(q.to).(supervisor.State)
		if !is || q.answered || q.silent || occupied(v, q.to) {
			continue
		}
		accounts := s.Snapshot().Accounts
		so := false
		switch m := q.msg.(type) {
		case supervisor.Apply:
			down := func(a supervisor.Status) bool { return a.Phase != supervisor.Running }
			so = len(accounts) == len(m.Accounts) && !slices.ContainsFunc(accounts, down)
		case supervisor.Order:
			kept := v.State(journalAt).(books).row(m.Account)
			so = slices.ContainsFunc(accounts, func(a supervisor.Status) bool {
				return a.Account == m.Account && (m.Do == "stop" && a.Phase == supervisor.Off && kept.stopped || m.Do != "stop" && a.Phase == supervisor.Running)
			})
		}
		if so {
			return fmt.Sprintf("%s waits for the answer to %s, and all of it is done", q.asker, describe(q.msg))
		}
	}
	return ""
}

// occupied tells whether an actor waits for an answer, or makes a pause.
func occupied(v View, addr kit.Addr) bool {
	return slices.ContainsFunc(v.s.questions, func(q question) bool { return q.asker == addr }) ||
		slices.ContainsFunc(v.s.timers, func(t timer) bool { return t.owner == addr && classify(t.msg) == pause })
}
