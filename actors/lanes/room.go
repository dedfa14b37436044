package lanes

import "holdfast/channels"

// makeRoom lets a lane that pauses go, so that another conversation of the agent gets one. What has just come always may
// ask for that. What was left out before takes turns: a scan lets at most as many lanes go as there are, and the next one
// goes on with the first that was refused, so that however many conversations are blocked, each is tried again and again
// and none is tried more often than if it paused in memory.
func (s *step) makeRoom(w window, agent string, seq uint64) bool {
	if seq < w.due {
		return false
	}
	again := seq <= w.known
	if again && w.evicted >= s.bounds.lanes || !s.evict(w.id, agent) {
		if w.refused == 0 {
			w.refused = seq
			s.set(w)
		}
		return false
	}
	w = s.windows.Of(w.id)
	w.evicted++
	s.set(w)
	return true
}

// evict forgets the lane of an agent that has tried most often of those that pause. It comes back by the scan.
func (s *step) evict(id channels.Account, agent string) bool {
	var tired *lane
	it := s.blocked.Iterator()
	it.Seek(place{account: id})
	for !it.Done() {
		p, _, _ := it.Next()
		if p.account != id {
			break
		}
		l, _ := s.lanes.Get(p)
		if l.stage == pausing && l.agent == agent && l.commit == nil && (tired == nil || l.attempts > tired.attempts) {
			tired = l
		}
	}
	if tired == nil {
		return false
	}
	first := tired.seqs()[0] // what pauses has a group
	if tired.behind {
		first = min(first, tired.from+1)
	}
	s.visitAny(tired.place, func(l *lane) { l.gone, l.evicted = true, true })
	s.leaveOut(id, first)
	return true
}
