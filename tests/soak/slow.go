package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// doing is one thing that was done to the configuration: a save, or a call of reload.
type doing struct {
	what string
	span
}

// stall is a time in which messages were due that waited long.
type stall struct {
	span
	messages int
	worst    time.Duration
	accounts map[string]int
}

const (
	mostStalls = 10                     // of which something is said
	calmAfter  = 100 * time.Millisecond // between two stalls
	lookBack   = time.Second            // what was done so long before a stall may be its reason
)

// stalls are the times of the season in which messages took longer than a bound, those that hurt most first.
func (l *ledger) stalls(of season, bound time.Duration) (out []stall) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.messages {
		took := m.ended.Sub(m.planned)
		if m.season != of || m.ended.IsZero() || took <= bound {
			continue
		}
		if n := len(out) - 1; n < 0 || m.planned.Sub(out[n].to) > calmAfter {
			out = append(out, stall{span: span{m.planned, m.ended}, accounts: map[string]int{}})
		}
		s := &out[len(out)-1]
		s.messages++
		s.accounts[m.account.id()]++
		s.worst = max(s.worst, took)
		if m.ended.After(s.to) {
			s.to = m.ended
		}
	}
	slices.SortStableFunc(out, func(a, b stall) int { return b.messages - a.messages })
	return out[:min(len(out), mostStalls)]
}

// tell says when it was, and what was done to the configuration then.
func (s stall) tell(done []doing) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s to %s: %d messages to %d accounts waited, the longest %v",
		s.from.Format(clock), s.to.Format(clock), s.messages, len(s.accounts), s.worst.Round(time.Millisecond))
	for _, d := range done {
		if d.from.Before(s.to) && d.to.After(s.from.Add(-lookBack)) {
			fmt.Fprintf(&b, "\n    %+5d ms to %+5d ms: %s", d.from.Sub(s.from).Milliseconds(), d.to.Sub(s.from).Milliseconds(), d.what)
		}
	}
	return b.String()
}
