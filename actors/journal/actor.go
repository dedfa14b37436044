package journal

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"holdfast/actors/kit"
)

// Jobs that hold a part of the store; facts.go has the others.
type (
	syncJob struct{ wait func() error }
	readJob struct {
		snapshot *pebble.Snapshot
		question any
	}
)

// shell joins the machine to its store.
type shell struct {
	s         *Store
	m         Machine
	published kit.Map[string, queueCounters] // by the queue's key
	started   bool
}

// queueCounters are those of one queue.
type queueCounters struct {
	queue    Queue
	counters Counters
}

// Spec is the journal's actor on an open store. The store belongs to it from now on. A bug in it ends the process.
func Spec(s *Store) kit.Spec {
	a := &shell{s: s, m: newMachine(s.water)}
	return kit.Batch("journal", true, a.work, a.receive)
}

// receive is one turn: all that waited is one batch.
func (a *shell) receive(c *kit.Context, ins []kit.In) {
	t := &turn{shell: a, c: c}
	if a.s.over.Load() {
		t.tell(broke{}) // what nobody is told of did not happen
		a.publish(c)
		return
	}
	if a.m.phase < shutting {
		t.stage = newStage(a.s, a.s.o.Now())
	}
	if !a.started {
		a.started = true
		t.tell(began{})
	}
	for _, in := range ins {
		t.input(in)
	}
	if t.stage != nil {
		t.seal()
	} else {
		t.release()
	}
	a.publish(c)
}

// publish lets everybody read the counters without asking. Only what has changed is copied, and who reads draws the rest.
func (a *shell) publish(c *kit.Context) {
	statistics := a.statistics()
	c.Publish(a.m.phaseNow().String(), kit.Drawn(func() any { return statistics() }))
}

// statistics are drawn from what never changes.
func (a *shell) statistics() func() Statistics {
	for q := range a.s.moved {
		key := string(booksKey(q))
		if b := a.s.queues[q]; b != nil {
			a.published = a.published.With(key, queueCounters{q, b.copied()})
		} else { // it has another name
			a.published = a.published.Without(key)
		}
	}
	clear(a.s.moved)
	drawn, published := a.m.statistics(nil), a.published
	return func() Statistics {
		drawn := drawn
		drawn.Queues = make(map[Queue]Counters, published.Len())
		for _, c := range published.All() {
			drawn.Queues[c.queue] = c.counters
		}
		return drawn
	}
}

// work does a job beside the actor.
func (a *shell) work(_ context.Context, job any) (any, error) {
	switch j := job.(type) {
	case syncJob:
		if err := j.wait(); err != nil {
			a.s.fatal(err)
			return nil, err
		}
		return nil, nil
	case freeJob:
		free, err := a.s.o.Free(a.s.o.Dir)
		return measured{free, a.s.ballast.there()}, err
	case ballastJob:
		err := a.s.ballast.make()
		return a.s.ballast.there(), err
	case closeJob:
		return nil, a.s.Close()
	case readJob:
		answer := readFrom(j.snapshot, j.question)
		return answer, j.snapshot.Close()
	}
	return nil, fmt.Errorf("no arm for job %T", job)
}

// readFrom answers a long question from a snapshot.
func readFrom(r pebble.Reader, question any) any {
	switch q := question.(type) {
	case List:
		return list(r, q)
	case Show:
		return show(r, q)
	default:
		return verify(r)
	}
}
