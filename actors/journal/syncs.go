package journal

import (
	"slices"
	"time"

	"holdfast/actors/kit"
)

// lazySync is how long what nobody waits for may lie unsynced.
const lazySync = 100 * time.Millisecond

// syncs decides when a sync begins and who hears of its end. It is a value. One is under way at a time: the disk does one
// after the other, and whoever comes meanwhile shares the one after.
type syncs struct {
	flying  uint64              // the number of the one that is under way; 0: none is
	then    []kit.Effect        // what becomes true when it has ended
	begun   uint64              // the number of the last one that began
	waiting chain[[]kit.Effect] // wait for the next one, and want it now
	riding  chain[[]kit.Effect] // wait for the next one, whenever that is
	wanted  bool                // somebody waits
	loose   bool                // something is in order and no sync that has begun covers it
	armed   bool                // the timer of a lazy sync is under way
}

// rely adds what becomes true with the next sync, and wants it now.
func (s syncs) rely(effects ...kit.Effect) syncs {
	s.waiting, s.wanted = s.waiting.with(effects), true
	return s
}

// ride adds what is to happen after the next sync, whenever that is.
func (s syncs) ride(effects ...kit.Effect) syncs {
	s.riding, s.loose = s.riding.with(effects), true
	return s
}

// wrote says that something was put in order.
func (s syncs) wrote() syncs {
	s.loose = true
	return s
}

// begin begins a sync if one is due, and gives its number; 0 is none.
func (s syncs) begin() (syncs, uint64) {
	if s.flying != 0 || !s.wanted {
		return s, 0
	}
	s.begun++
	s.flying, s.then = s.begun, slices.Concat(append(s.waiting.all(), s.riding.all()...)...)
	s.waiting, s.riding = chain[[]kit.Effect]{}, chain[[]kit.Effect]{}
	s.wanted, s.loose = false, false
	return s, s.begun
}

// ended gives what waited for the sync of that number.
func (s syncs) ended(number uint64) (syncs, []kit.Effect) {
	if number != s.flying {
		return s, nil
	}
	out := s.then
	s.flying, s.then = 0, nil
	return s, out
}

// rest asks for a timer when something is loose that nobody waits for.
func (s syncs) rest(delay time.Duration) (syncs, []kit.Effect) {
	if !s.loose || s.wanted || s.armed {
		return s, nil
	}
	s.armed = true
	return s, []kit.Effect{kit.After{Delay: delay, Msg: lazyOver{}}}
}

// lazy is the end of that timer.
func (s syncs) lazy() syncs {
	s.armed = false
	s.wanted = s.wanted || s.loose
	return s
}

// quiet tells whether nothing is under way and nothing is loose.
func (s syncs) quiet() bool { return s.flying == 0 && !s.wanted && !s.loose }
