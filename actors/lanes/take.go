package lanes

import (
	"errors"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// join gives an arrival to the lane of its conversation. A full one leaves it in the journal, all but a /stop.
func (s *step) join(l *lane, a channels.Arrival) {
	room := !l.behind && l.holds() < s.bounds.lane
	if !room && !(isStop(a) && stops(l.queue) < s.bounds.stops) {
		l.leaveBehind(a.Seq)
		return
	}
	s.hold(l, a)
	if l.stage == resting {
		s.goOn(l) // it may come before what the lane looks for
		return
	}
	s.came(l, a)
}

func stops(queue []channels.Arrival) int {
	n := 0
	for _, a := range queue {
		if isStop(a) {
			n++
		}
	}
	return n
}

func isStop(a channels.Arrival) bool {
	name, is := access.Command(a.Text)
	return is && name == access.CommandStop && (a.Kind == channels.Message || a.Kind == channels.Command)
}

// firstIsBehind tells whether what comes first of the conversation is still in the journal.
func (l *lane) firstIsBehind() bool {
	return l.behind && (len(l.queue) == 0 || l.queue[0].Seq > l.from)
}

// leaveBehind leaves an arrival in the journal for the lane's own take.
func (l *lane) leaveBehind(seq uint64) {
	if l.missed == 0 || seq < l.missed {
		l.missed = seq // a take under way may not see it
	}
	if !l.behind {
		l.behind, l.from = true, seq-1
	}
	l.from = min(l.from, seq-1)
}

// topUp takes from the journal what the lane left there, when half of it is free or nothing else can go on.
func (s *step) topUp(l *lane) {
	stuck := len(l.group) == 0 && l.firstIsBehind()
	if !l.behind || l.taking != 0 || s.drain != nil || l.holds() > s.bounds.lane/2 && !stuck {
		return
	}
	l.taking, l.missed = s.next(), 0
	w := s.windows.Of(l.account)
	w.takes++
	s.set(w)
	s.add(kit.Ask{
		To: s.others.Journal, Within: takeWithin, Tag: laneTaken{l.place, l.taking},
		Msg: journal.Take{
			Queue: journal.Queue{Kind: journal.Arrivals, Account: l.account}, After: l.from, Max: max(1, s.bounds.lane-l.holds()),
			Conversation: l.conversation,
		},
	})
}

// laneTaken takes in what the lane took for itself.
func (s *step) laneTaken(tag laneTaken, m kit.Answered) {
	s.visitAny(tag.place, func(l *lane) {
		if l.taking != tag.number {
			return
		}
		l.taking = 0
		taken, _ := m.Msg.(journal.Taken)
		if errors.Join(m.Err, taken.Err) != nil {
			s.add(kit.After{Delay: takePause, Jitter: pauseJitter, Msg: retake{l.place}})
			return
		}
		w := s.windows.Of(l.account)
		l.behind, l.from = taken.More, max(l.from, taken.Last)
		if l.missed != 0 {
			l.behind, l.from = true, min(l.from, l.missed-1)
		}
		for _, a := range taken.Arrivals {
			if w.knows(a.Seq) {
				continue
			}
			s.hold(l, a)
			if l.stage != resting {
				s.came(l, a)
			}
		}
		s.lookOn(l)
	})
	s.tookAway(tag.account)
}

// lookOn goes on after a look, or after the pause that follows one that failed.
func (s *step) lookOn(l *lane) {
	if l.stage == resting {
		s.goOn(l)
		return
	}
	s.topUp(l)
}
