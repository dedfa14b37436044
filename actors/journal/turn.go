package journal

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
)

// turn performs what the machine decides about one batch of inputs. Steps go into the stage, what they came to goes back to
// the machine, and everything else waits until the batch is in order.
type turn struct {
	*shell
	c       *kit.Context
	stage   *stage // nil when the store is closed
	later   []kit.Effect
	inOrder bool
}

// input is one of those that waited. A batch that has become big is put in order early.
func (t *turn) input(in kit.In) {
	t.take(in)
	if t.stage != nil && t.stage.batch.Len() >= bigBatch {
		t.stage.flush()
	}
}

// take has the machine decide, and does what it says.
func (t *turn) take(in kit.In) {
	next, effects := Step(t.m, in)
	t.m = next
	for _, e := range effects {
		t.perform(e)
	}
}

// tell lets the machine know of a fact.
func (t *turn) tell(fact any) { t.take(kit.In{Msg: fact}) }

// perform does the effects that the batch is made of. When the journal cannot go on, the batch is never in order, and what
// waited for it never happens.
func (t *turn) perform(e kit.Effect) {
	switch e := e.(type) {
	case write:
		t.write(e.in)
	case keepOnly:
		t.tell(kept{more: t.stage.keepOnly(e.accounts)})
	case sweep:
		t.tell(swept{next: t.stage.sweep()})
	case look:
		free, err := t.s.o.Free(t.s.o.Dir)
		t.tell(looked{free: free, err: err, before: e.before})
	case dropBallast:
		if err := t.s.ballast.give(); err != nil {
			t.c.Do(kit.Note{Level: zerolog.ErrorLevel, Text: "the disk is full and the ballast stays", Fields: []any{"error", err.Error()}})
		}
	case apply:
		t.apply(e.sync)
	case giveUp:
		t.s.fatal(e.err)
	default:
		if t.inOrder {
			t.show(e)
		} else {
			t.later = append(t.later, e)
		}
	}
}

// write puts one step into the batch.
func (t *turn) write(in kit.In) {
	var (
		added []uint64
		err   error
	)
	switch m := in.Msg.(type) {
	case Accept:
		added, err = t.stage.accept(m)
	case Commit:
		added, err = t.stage.commit(m)
	case Resend:
		var seq uint64
		seq, err = t.stage.resend(m.Seq)
		added = []uint64{seq}
	case Drop:
		err = t.stage.dropItem(m.Seq, m.Reason)
	case Rename:
		err = t.stage.rename(m)
	default:
		panic(fmt.Sprintf("no arm for step %T", in.Msg))
	}
	t.tell(staged{in: in, added: added, err: err, grown: t.stage.grown})
}

// seal completes the batch and lets the machine decide what follows.
func (t *turn) seal() {
	g := t.stage
	g.seal()
	if g.err != nil {
		t.tell(broke{g.err})
		return
	}
	t.tell(sealed{
		wrote: g.wrote || !g.batch.Empty(), size: g.size + g.batch.Len(),
		touched: g.touched, unheld: slices.Sorted(maps.Keys(g.unheld)), ageing: g.ageing,
	})
}

// apply puts the batch in order, and performs what waited for that.
func (t *turn) apply(sync uint64) {
	g := t.stage
	if sync == 0 && g.batch.Empty() {
		_ = g.batch.Close() // it holds nothing
	} else {
		wait, err := t.s.apply(g.batch, sync != 0)
		if err != nil {
			t.tell(broke{err})
			return
		}
		if sync != 0 {
			t.c.Do(kit.Do{Job: syncJob{wait}, Tag: syncTag{sync}})
		}
	}
	if err := t.s.freshen(); err != nil {
		t.tell(broke{err})
		return
	}
	t.release()
}

// release performs what waited for the batch.
func (t *turn) release() {
	t.inOrder = true
	for _, e := range t.later {
		t.show(e)
	}
}

// show does the effects that read what is in order, and leaves the rest to the kit.
func (t *turn) show(e kit.Effect) {
	switch e := e.(type) {
	case read:
		t.c.Do(kit.Answer{To: e.from, Msg: t.s.read(e.question)})
	case give:
		t.c.Do(kit.Answer{To: e.from, Msg: t.s.take(e.ask)})
		t.tell(gave{queue: e.ask.Queue, by: e.from.To()})
	case beside:
		t.c.Do(kit.Do{Job: readJob{t.s.db.NewSnapshot(), e.question}, Tag: readTag(e)})
	case find:
		t.tell(found{ask: e.ask, pending: t.s.pending()})
	case judge:
		t.tell(judged{judge: e, answer: t.s.answer(e.ask)})
	case statsTo:
		t.c.Do(kit.Answer{To: e.from, Msg: t.statistics()()})
	case removeBlobs:
		t.removeBlobs(e.hashes)
	default:
		t.c.Do(e)
	}
}

func (t *turn) removeBlobs(hashes []string) {
	for _, hash := range hashes {
		held, err := t.s.pinned(hash)
		if err == nil && !held {
			err = t.s.blobs.remove(hash)
		}
		if err != nil {
			t.c.Do(kit.Note{Level: zerolog.WarnLevel, Text: "an attachment stays until the next start", Fields: []any{"error", err.Error()}})
		}
	}
}
