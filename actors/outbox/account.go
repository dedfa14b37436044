package outbox

import (
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// account is the way out of one account. Its lanes are changed by put and drop alone, which keep the books.
type account struct {
	cfg    Account
	up     bool   // it can send, as its supervisor says; until then no attempt is begun
	gone   bool   // not configured any more: only what was under way is here, to its end
	after  uint64 // everything up to here was looked at
	taking uint64 // number of the take under way; 0: none
	more   bool   // woken, or told that there is more, since the take began
	lanes  kit.Map[string, lane]
	books  books
	ok     time.Time
	cause  string
}

// books are what would otherwise be counted over all lanes of an account after every step.
type books struct {
	held   int                       // replies in memory
	busy   int                       // lanes for whose first reply something is under way
	flight int                       // those of them that have one of the places of the network
	paused int                       // lanes that pause
	ready  kit.Map[uint64, string]   // lanes that could send, by the number of their first reply
	full   kit.Map[string, struct{}] // lanes of which the journal has more than they hold, or may have
}

// lane is one conversation with something to send.
type lane struct {
	held []channels.Reply // the first one may be under way
	last uint64           // highest number held or left out
	over bool             // the journal has more of it than we hold
	work uint64           // number of what is under way for the first one; 0: nothing
	step step
	// Of the first one:
	cause   string        // why the attempt that is being closed did not go out
	after   time.Duration // and the pause that the network asks for
	pause   time.Duration
	paused  bool
	bidden  bool      // the network named the pause: nothing ends it early
	resume  uint64    // number of the pause
	unknown time.Time // since when the outcome of its last attempt is not known
}

// ready is the number of the reply that the lane could send; 0: none.
func (l lane) ready() uint64 {
	if l.work != 0 || l.paused || len(l.held) == 0 {
		return 0
	}
	return l.held[0].Seq
}

// flies tells whether the lane has a place of the network: from the mark of an attempt until what became of it is known. That
// the end is being written down keeps no other lane from sending.
func (l lane) flies() bool { return l.work != 0 && l.step != ending }

// full tells whether a take for all is to leave the lane out.
func (l lane) full() bool { return l.over || len(l.held) >= perLane }

// put replaces a lane, or adds it.
func (a *account) put(conversation string, l lane) {
	old := a.lanes.Of(conversation)
	a.lanes = a.lanes.With(conversation, l)
	a.books = a.books.changed(conversation, old, l)
}

// drop forgets a lane.
func (a *account) drop(conversation string) {
	old := a.lanes.Of(conversation)
	a.lanes = a.lanes.Without(conversation)
	a.books = a.books.changed(conversation, old, lane{})
}

// rest puts a lane back that may have nothing left to do: then it is dropped.
func (a *account) rest(conversation string, l lane) {
	if len(l.held) == 0 && !l.over {
		a.drop(conversation)
		return
	}
	a.put(conversation, l)
}

// changed are the books after a lane has become another one; one that is not there is the zero lane.
func (b books) changed(conversation string, from, to lane) books {
	b.held += len(to.held) - len(from.held)
	b.busy += tally(to.work != 0) - tally(from.work != 0)
	b.flight += tally(to.flies()) - tally(from.flies())
	b.paused += tally(to.paused) - tally(from.paused)
	if was, is := from.ready(), to.ready(); was != is {
		if was != 0 {
			b.ready = b.ready.Without(was)
		}
		if is != 0 {
			b.ready = b.ready.With(is, conversation)
		}
	}
	switch {
	case to.full() && !from.full():
		b.full = b.full.With(conversation, struct{}{})
	case from.full() && !to.full():
		b.full = b.full.Without(conversation)
	}
	return b
}

func tally(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// ready are so many conversations that could send, those first whose reply is the oldest.
func (a account) ready(most int) []string {
	var out []string
	for _, conversation := range a.books.ready.All() {
		if len(out) >= most {
			break
		}
		out = append(out, conversation)
	}
	return out
}
