package journal

import (
	"context"
	"fmt"
	"maps"

	"github.com/cockroachdb/pebble/v2"
	"github.com/rs/zerolog"

	"holdfast/actors/kit"
)

// Jobs that are done beside the actor, and the tags with which they come back.
type (
	syncJob  struct{ wait func() error }
	syncTag  struct{ number uint64 }
	measured struct {
		free    uint64
		ballast bool
	}
	freeJob    struct{}
	ballastJob struct{}
	closeJob   struct{}
	readJob    struct {
		snapshot *pebble.Snapshot
		question any
	}
	readTag struct {
		from     kit.Return
		question any
	}
)

// shell joins the machine to its store.
type shell struct {
	s         *Store
	m         machine
	published map[Queue]Counters
	started   bool
}

// Spec is the journal's actor on an open store. The store belongs to it from now on. A bug in it ends the process.
func Spec(s *Store) kit.Spec {
	a := &shell{s: s, m: machine{water: s.water}, published: map[Queue]Counters{}}
	return kit.Batch("journal", true, a.work, a.receive)
}

// receive is one turn: the steps become one batch, then the questions are answered from what is in order.
func (a *shell) receive(c *kit.Context, ins []kit.In) {
	if a.s.over.Load() {
		a.m.phase = failed
		a.publish(c)
		return // the process is ending; what nobody is told of did not happen
	}
	t := &turn{m: &a.m, s: a.s}
	if !a.started {
		a.started = true
		t.now = append(t.now, kit.After{Delay: pollFree, Msg: pollOver{}}, kit.After{Delay: sweepSoonest, Msg: sweepOver{}})
		a.m.sweeping = true
	}
	if !a.m.shutting {
		t.stage = newStage(a.s, a.s.o.Now())
	}
	for _, in := range ins {
		t.take(in)
	}
	if t.stage != nil && !a.write(c, t) {
		return
	}
	a.perform(c, t.answers())
	a.perform(c, a.m.rest())
	a.publish(c)
}

// write puts the turn's batch in order and begins a sync if one is due. It is false when the journal cannot go on.
func (a *shell) write(c *kit.Context, t *turn) bool {
	g := t.stage
	g.seal()
	if g.err != nil {
		return a.fail(c, g.err)
	}
	if g.wrote || !g.batch.Empty() {
		a.m.syncs.wrote()
	}
	size := g.size + g.batch.Len()
	due := a.m.syncs.due()
	if !due && g.batch.Empty() {
		_ = g.batch.Close() // it holds nothing
	} else {
		wait, err := a.s.apply(g.batch, due)
		if err != nil {
			return a.fail(c, err)
		}
		if due {
			c.Do(kit.Do{Job: syncJob{wait}, Tag: syncTag{a.m.syncs.begun}})
		}
	}
	a.m.water = a.m.water.wrote(uint64(size))
	if err := a.s.freshen(); err != nil {
		return a.fail(c, err)
	}
	return true
}

// fail is the end: nobody who waits hears anything more.
func (a *shell) fail(c *kit.Context, err error) bool {
	a.m.phase = failed
	a.s.fatal(err)
	a.publish(c)
	return false
}

// perform does the journal's own effects and leaves the rest to the kit.
func (a *shell) perform(c *kit.Context, effects []kit.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case wakeUp:
			c.Do(a.m.wakes.came(e.queue)...)
		case removeBlobs:
			a.removeBlobs(c, e.hashes)
		case statsTo:
			c.Do(kit.Answer{To: e.from, Msg: a.statistics()})
		case giveUp:
			a.fail(c, e.err)
		default:
			c.Do(e)
		}
	}
}

func (a *shell) removeBlobs(c *kit.Context, hashes []string) {
	for _, hash := range hashes {
		held, err := a.s.pinned(hash)
		if err == nil && !held {
			err = a.s.blobs.remove(hash)
		}
		if err != nil {
			c.Do(kit.Note{Level: zerolog.WarnLevel, Text: "an attachment stays until the next start", Fields: []any{"error", err.Error()}})
		}
	}
}

// publish lets everybody read the counters without asking. Only what has changed is copied.
func (a *shell) publish(c *kit.Context) {
	c.Publish(a.m.phaseNow().String(), a.statistics())
}

func (a *shell) statistics() Statistics {
	next := maps.Clone(a.published)
	for q, b := range a.s.queues {
		if b.changed {
			next[q] = b.copied()
			b.changed = false
		}
	}
	a.published = next
	return a.m.statistics(a.s, next)
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
