package journal

import (
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// What the shell tells the machine. A fact that answers an effect comes at once, before anything else.
type (
	// began is told once, before all others.
	began struct{}
	// broke says that the store cannot go on. Err is nil when whoever found it out has said so already.
	broke struct{ err error }
	// staged answers write: the step stands in the batch, or err says why nothing of it does. Grown are the queues that it
	// made longer.
	staged struct {
		in    kit.In
		added []uint64
		err   error
		grown []Queue
	}
	// kept answers keepOnly.
	kept struct{ more bool }
	// swept answers sweep. Next is when there will be something to forget; 0 is never.
	swept struct{ next time.Duration }
	// looked answers look.
	looked struct {
		free   uint64
		err    error
		before kit.In
	}
	// sealed says that the turn has no further input, and what its steps came to.
	sealed struct {
		wrote   bool            // they changed something
		size    int             // bytes of that
		touched map[uint64]bool // requests with a ticket whose fate may have changed
		unheld  []string        // blobs that lost a pin
		ageing  bool            // something new will have to be forgotten
	}
	// gave answers give: by has looked at the queue.
	gave struct {
		queue Queue
		by    kit.Addr
	}
	// found answers find.
	found struct {
		ask     Subscribe
		pending []Queue
	}
	// judged answers judge.
	judged struct {
		judge
		answer Answer
	}
	// measured is the end of freeJob.
	measured struct {
		free    uint64
		ballast bool
	}
)

// Timers.
type (
	lazyOver  struct{}
	pollOver  struct{}
	sweepOver struct{}
	keepOn    struct{}
	waitOver  struct{ number uint64 }
)

// Jobs that need nothing of the store's turn, and the tags with which all jobs come back.
type (
	freeJob    struct{}
	ballastJob struct{}
	closeJob   struct{}
	syncTag    struct{ number uint64 }
	readTag    struct {
		from     kit.Return
		question any
	}
)

// Effects that the batch is made of. They are performed at once; all others wait until the batch is in order.
type (
	// write puts a step (Accept, Commit, Resend, Drop, Rename) into the batch. Fact: staged.
	write struct{ in kit.In }
	// keepOnly lets some items of other accounts die. Fact: kept.
	keepOnly struct{ accounts map[channels.Account]bool }
	// sweep forgets some of what is due. Fact: swept.
	sweep struct{}
	// look measures the free space before an Accept is decided. Fact: looked.
	look struct{ before kit.In }
	// dropBallast gives the room that was kept occupied.
	dropBallast struct{}
	// apply puts the batch in order, and begins the sync of that number unless it is 0. What waited for the batch is
	// performed after it.
	apply struct{ sync uint64 }
	// giveUp says that the journal cannot go on.
	giveUp struct{ err error }
)

// Effects that read what is in order.
type (
	// read answers a short question.
	read struct {
		from     kit.Return
		question any
	}
	// give answers Take. Fact: gave.
	give struct {
		from kit.Return
		ask  Take
	}
	// beside has a long question answered from a snapshot, by a job with readTag.
	beside struct {
		from     kit.Return
		question any
	}
	// find looks for queues that have items. Fact: found.
	find struct{ ask Subscribe }
	// judge looks what became of a request. Fact: judged.
	judge struct {
		number uint64 // of the waiter; 0 if it does not wait
		ask    Answers
		from   kit.Return
		last   bool // it is answered whatever became of the request
	}
	// statsTo answers Stats.
	statsTo struct{ from kit.Return }
	// removeBlobs deletes those that nobody holds.
	removeBlobs struct{ hashes []string }
	// wakeUp never leaves the machine: when its time has come, it is a Woken to everybody who has to hear.
	wakeUp struct{ queue Queue }
)

func (write) IsEffect()       {}
func (keepOnly) IsEffect()    {}
func (sweep) IsEffect()       {}
func (look) IsEffect()        {}
func (dropBallast) IsEffect() {}
func (apply) IsEffect()       {}
func (giveUp) IsEffect()      {}
func (read) IsEffect()        {}
func (give) IsEffect()        {}
func (beside) IsEffect()      {}
func (find) IsEffect()        {}
func (judge) IsEffect()       {}
func (statsTo) IsEffect()     {}
func (removeBlobs) IsEffect() {}
func (wakeUp) IsEffect()      {}
