package lanes

import (
	"errors"
	"slices"
	"time"

	"github.com/benbjohnson/immutable"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

// bounds are what one account holds in memory at most. What they leave out stays in the journal and is looked for again.
type bounds struct {
	lanes      int // busy conversations per agent, so that a slow agent leaves room for the others
	unresolved int // arrivals whose conversation the network is asked for
	lane       int // arrivals of one conversation
	stops      int // /stop of one conversation that are seen beyond that, for they overtake
	page       int // arrivals of one Take
}

// defaults bound every State but those of tests.
func defaults() bounds { return bounds{lanes: 128, unresolved: 32, lane: 16, stops: 4, page: 64} }

const (
	takeWithin  = 10 * time.Second
	takePause   = time.Second      // after a Take that failed
	rescanPause = 30 * time.Second // until what was left out is looked for again
)

// window is what is known of one account's queue. Of every pending arrival one of these is true:
//
//	(1) it is held by a lane;
//	(2) its number is above after: it is taken next;
//	(3) its lane is behind, from a number below it: the lane takes it itself when it has room;
//	(4) low is set and not above it: it was left out, and the scan goes back to low later.
type window struct {
	id      channels.Account
	config  Account
	removed bool // not in the revision any more; lanes end what they have begun

	after  uint64 // scanned up to here
	seen   uint64 // ever scanned up to here
	taking uint64 // number of the take under way; 0: none
	more   bool   // there is more above after
	again  bool   // go back to low when the take under way has ended
	low    uint64 // lowest number left out; 0: none
	armed  bool   // the timer that goes back to low

	// Who makes room for whom when lanes are full; see room.go.
	known   uint64 // what is above has never been seen before the page in hand
	due     uint64 // in this scan nothing below makes others go
	refused uint64 // the first that was due and found no room; 0: none
	evicted int    // lanes that went in this scan

	held       *immutable.SortedMap[uint64, time.Time] // acceptance of what lanes hold, by number
	lanes      kit.Map[string, int]                    // busy conversations, by agent
	unresolved int

	unable unable // what the network has said it cannot do

	takes int      // under way, lanes' own included
	ended []uint64 // what ended meanwhile: an answer may still name it
}

// unable are signs that the network of an account cannot show. It says so of the first one, and is not asked again until the
// next Configure, which may bring another network: three calls of each message would be for nothing.
type unable struct{ typing, reads bool }

func (s *step) set(w window) { s.windows = s.windows.With(w.id, w) }

// look is for a wake-up of the journal: there is something above after.
func (s *step) look(id channels.Account) {
	w, known := s.windows.Get(id)
	if !known {
		return // Configure looks by itself
	}
	w.more = true
	s.set(w)
	s.scan(id)
}

// scan takes the next page, unless one is on its way.
func (s *step) scan(id channels.Account) {
	w, known := s.windows.Get(id)
	if !known || w.removed || s.drain != nil || w.taking != 0 || !w.more {
		return
	}
	w.taking, w.more = s.next(), false
	w.takes++
	s.set(w)
	skip := s.behind(w)
	s.add(kit.Ask{
		To: s.others.Journal, Within: takeWithin, Tag: scanned{id, w.taking, skip},
		Msg: journal.Take{Queue: journal.Queue{Kind: journal.Arrivals, Account: id}, After: w.after, Max: s.bounds.page, Skip: skip},
	})
}

// behind are the conversations that would take nothing from a page that was seen before, since their lanes look for
// themselves. On first sight they are not left out, or a /stop would wait behind what it is to stop.
func (s *step) behind(w window) []string {
	if w.after >= w.seen {
		return nil
	}
	var out []string
	it := s.lanes.Iterator()
	it.Seek(place{account: w.id})
	for !it.Done() {
		p, l, _ := it.Next()
		if p.account != w.id {
			break
		}
		if l.behind && l.from <= w.after {
			out = append(out, p.conversation)
		}
	}
	return out
}

// pageTaken takes a page of the journal's in.
func (s *step) pageTaken(tag scanned, m kit.Answered) {
	w, known := s.windows.Get(tag.account)
	if !known || w.taking != tag.number {
		return
	}
	taken, _ := m.Msg.(journal.Taken)
	w.taking = 0
	seen := w.seen
	failed := errors.Join(m.Err, taken.Err) != nil
	if failed {
		w.more = true
	} else {
		w.after, w.more, w.known = max(w.after, taken.Last), w.more || taken.More, seen
		w.seen = max(w.seen, w.after)
	}
	s.set(w)
	if s.drain == nil && !w.removed {
		for _, a := range taken.Arrivals {
			s.admit(a)
		}
	}
	if taken.Last > seen {
		s.skipped(w.id, tag.skip, seen+1)
	}
	s.tookAway(tag.account)
	w = s.windows.Of(tag.account)
	switch {
	case w.again:
		s.rescan(w.id, false)
	case failed:
		s.add(kit.After{Delay: takePause, Jitter: pauseJitter, Msg: scanOn{w.id}})
	default:
		s.scan(w.id)
	}
}

// skipped remembers that a page went on to numbers never seen before without some conversations: what is new of them
// may have come after their lanes looked.
func (s *step) skipped(id channels.Account, conversations []string, from uint64) {
	for _, c := range conversations {
		p := place{account: id, conversation: c}
		if _, busy := s.lanes.Get(p); !busy {
			s.leaveOut(id, from)
			continue
		}
		s.visitAny(p, func(l *lane) { l.leaveBehind(from) })
	}
}

// tookAway ends one take in the books: when none is under way, nothing that has ended can come up again.
func (s *step) tookAway(id channels.Account) {
	w, known := s.windows.Get(id)
	if !known {
		return
	}
	if w.takes = max(0, w.takes-1); w.takes == 0 {
		w.ended = nil
	}
	s.set(w)
}

// knows tells whether an arrival is held already, or has ended since the journal was asked.
func (w window) knows(seq uint64) bool {
	_, held := w.held.Get(seq)
	return held || slices.Contains(w.ended, seq)
}

// admit finds a lane for an arrival, or leaves it in the journal for later.
func (s *step) admit(a channels.Arrival) {
	w := s.windows.Of(a.Account)
	if w.id == "" || w.knows(a.Seq) {
		return
	}
	if a.Conversation == "" {
		s.admitUnresolved(w, a)
		return
	}
	p := place{account: a.Account, conversation: a.Conversation}
	if _, busy := s.lanes.Get(p); busy {
		s.visitAny(p, func(l *lane) { s.join(l, a) })
		return
	}
	agent := s.agentOf(p)
	if w.lanes.Of(agent) >= s.bounds.lanes && !s.makeRoom(w, agent, a.Seq) {
		s.leaveOut(w.id, a.Seq)
		return
	}
	s.open(&lane{place: p, agent: agent}, a)
}

// open makes a lane for an arrival. While something of the account was left out it may be of this conversation and come
// first: then the lane takes from there by itself.
func (s *step) open(l *lane, a channels.Arrival) {
	w := s.windows.Of(l.account)
	w.lanes = counted(w.lanes, l.agent, 1)
	s.set(w)
	if w.low != 0 && w.low < a.Seq {
		l.behind, l.from = true, w.low-1
	} else {
		s.hold(l, a)
	}
	s.goOn(l)
	s.put(nil, l)
}

func (s *step) admitUnresolved(w window, a channels.Arrival) {
	if w.unresolved >= s.bounds.unresolved {
		s.leaveOut(w.id, a.Seq)
		return
	}
	w.unresolved++
	s.set(w)
	l := &lane{place: place{account: a.Account, seq: a.Seq}, group: []channels.Arrival{a}}
	s.held(l, a)
	s.resolve(l)
	s.put(nil, l)
}

// moved finds the lane of an arrival whose conversation is known now. While the scan is below it, others of that
// conversation may come first, and a page on its way may have left the conversation out: it is looked for again.
func (s *step) moved(a channels.Arrival) {
	if w := s.windows.Of(a.Account); a.Seq > w.after {
		s.leaveOut(w.id, a.Seq)
		return
	}
	s.admit(a)
}

// leaveOut remembers that an arrival was left in the journal.
func (s *step) leaveOut(id channels.Account, seq uint64) {
	w := s.windows.Of(id)
	if w.low == 0 || seq < w.low {
		w.low = seq
	}
	if !w.armed {
		w.armed = true
		s.add(kit.After{Delay: rescanPause, Jitter: pauseJitter, Msg: rescan{id}})
	}
	s.set(w)
}

// rescan goes back to what was left out.
func (s *step) rescan(id channels.Account, timer bool) {
	w, known := s.windows.Get(id)
	if !known {
		return
	}
	if timer {
		w.armed = false
	}
	w.again = w.low != 0 && w.taking != 0
	if w.low != 0 && w.taking == 0 {
		w.after, w.low, w.more = min(w.after, w.low-1), 0, true
		w.due, w.refused, w.evicted = w.refused, 0, 0
	}
	s.set(w)
	s.scan(id)
}

// hold puts an arrival into its lane, at its place.
func (s *step) hold(l *lane, a channels.Arrival) {
	at, _ := slices.BinarySearchFunc(l.queue, a.Seq, func(q channels.Arrival, seq uint64) int {
		if q.Seq < seq {
			return -1
		}
		return 1
	})
	l.queue = slices.Insert(slices.Clone(l.queue), at, a)
	s.held(l, a)
}

func (s *step) held(l *lane, a channels.Arrival) {
	w := s.windows.Of(l.account)
	w.held = w.held.Set(a.Seq, a.At)
	s.set(w)
}

// release lets go of arrivals that ended, or that stay in the journal.
func (s *step) release(l *lane, seqs ...uint64) {
	w := s.windows.Of(l.account)
	for _, seq := range seqs {
		w.held = w.held.Delete(seq)
	}
	s.set(w)
}

// over remembers that arrivals have ended, for takes that were asked before.
func (s *step) over(l *lane, seqs ...uint64) {
	s.release(l, seqs...)
	if w := s.windows.Of(l.account); w.takes > 0 {
		w.ended = slices.Concat(w.ended, seqs)
		s.set(w)
	}
}

// left keeps the books of a lane that is gone, and fills the room it leaves.
func (s *step) left(l *lane) {
	w := s.windows.Of(l.account)
	var room bool
	if l.seq != 0 {
		w.unresolved--
		room = w.unresolved == s.bounds.unresolved/2
	} else {
		w.lanes = counted(w.lanes, l.agent, -1)
		room = w.lanes.Of(l.agent) == s.bounds.lanes/2
	}
	s.set(w)
	if room && !l.evicted {
		s.rescan(w.id, false)
	}
	s.forget(w.id)
}

// forget lets go of an account that was removed and has no lane any more.
func (s *step) forget(id channels.Account) {
	if w := s.windows.Of(id); w.removed && w.unresolved == 0 && w.lanes.Len() == 0 {
		s.windows = s.windows.Without(id)
	}
}
