package journal

import (
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// What the actor tells itself.
type (
	lazyOver  struct{}
	pollOver  struct{}
	sweepOver struct{}
	keepOn    struct{}
	waitOver  struct{ number uint64 }
)

// Effects of the journal's own.
type (
	wakeUp      struct{ queue Queue }
	removeBlobs struct{ hashes []string }
	giveUp      struct{ err error }
	statsTo     struct{ from kit.Return }
)

func (wakeUp) IsEffect()      {}
func (removeBlobs) IsEffect() {}
func (giveUp) IsEffect()      {}
func (statsTo) IsEffect()     {}

// maxBeside bounds the long questions that are answered at once from snapshots.
const maxBeside = 8

var errBusy = errors.New("too many long questions at once: ask again")

// turn is what one batch of inputs becomes: steps in the stage, in order; effects for when they are in order; and questions,
// which are answered last.
type turn struct {
	m     *machine
	s     *Store
	stage *stage // nil when the store is closed
	now   []kit.Effect
	asked []kit.In
}

func (t *turn) say(e ...kit.Effect) { t.now = append(t.now, e...) }

func (t *turn) answer(in kit.In, msg any) { t.say(kit.Answer{To: in.From, Msg: msg}) }

// take is one input.
func (t *turn) take(in kit.In) {
	if d, is := in.Msg.(kit.Done); is {
		t.done(d)
		return
	}
	if t.m.phase >= closing {
		t.takeClosing(in)
		return
	}
	switch m := in.Msg.(type) {
	case Accept:
		t.accept(in, m)
	case Commit:
		added, err := t.stage.commit(m)
		t.committed(in, added, err, err == nil && relies(m))
	case Resend:
		seq, err := t.stage.resend(m.Seq)
		t.committed(in, []uint64{seq}, err, true)
	case Drop:
		t.committed(in, nil, t.stage.dropItem(m.Seq, m.Reason), true)
	case Keep:
		t.keep(in, m)
	case keepOn:
		t.keepOn()
	case Close:
		t.close(in)
	case lazyOver:
		t.m.syncs.lazy()
	case pollOver:
		t.say(kit.Do{Job: freeJob{}, Tag: freeJob{}})
	case sweepOver:
		t.sweep()
	case Subscribe, Take, GetState, GetCursor, Ours, Answers, Stats, Verify, List, Show, waitOver:
		t.asked = append(t.asked, in)
	default:
		t.say(kit.Unknown{Msg: in.Msg})
	}
	if t.stage.batch.Len() >= bigBatch {
		t.stage.flush()
	}
}

// accept is the one step that is refused when the disk is nearly full.
func (t *turn) accept(in kit.In, m Accept) {
	if t.m.water.stale() {
		t.look()
	}
	if why := t.m.water.why(); why != "" {
		t.answer(in, Accepted{Err: fmt.Errorf("%w: %s", ErrIntake, why)})
		return
	}
	seqs, err := t.stage.accept(m)
	if err != nil {
		t.answer(in, Accepted{Err: err})
		return
	}
	t.s.commits++
	t.m.syncs.rely(kit.Answer{To: in.From, Msg: Accepted{Seqs: seqs}})
	t.m.syncs.rely(t.grown()...)
}

// committed answers a step, at once or after the sync that it relies on.
func (t *turn) committed(in kit.In, added []uint64, err error, relies bool) {
	if err != nil {
		t.answer(in, Committed{Err: err})
		return
	}
	t.s.commits++
	effects := append([]kit.Effect{kit.Answer{To: in.From, Msg: Committed{Added: added}}}, t.grown()...)
	if relies {
		t.m.syncs.rely(effects...)
	} else {
		t.say(effects...)
	}
}

// grown wakes the readers of the queues that the last step made longer.
func (t *turn) grown() []kit.Effect {
	var out []kit.Effect
	for q := range t.stage.grown {
		out = append(out, wakeUp{q})
	}
	return out
}

// keep begins to let the items of removed accounts die. One such order is worked on at a time.
func (t *turn) keep(in kit.In, m Keep) {
	accounts := make(map[channels.Account]bool, len(m.Accounts))
	for _, a := range m.Accounts {
		accounts[a] = true
	}
	t.m.keeps = append(t.m.keeps, keeping{accounts: accounts, from: in.From})
	if len(t.m.keeps) == 1 {
		t.keepOn()
	}
}

func (t *turn) keepOn() {
	if len(t.m.keeps) == 0 {
		return
	}
	first := t.m.keeps[0]
	if !t.stage.keepOnly(first.accounts) {
		t.m.keeps = t.m.keeps[1:]
		t.s.commits++
		t.m.syncs.rely(kit.Answer{To: first.from, Msg: Committed{}})
	}
	if len(t.m.keeps) > 0 {
		t.say(kit.After{Delay: sweepOn, Msg: keepOn{}})
	}
}

func (t *turn) sweep() {
	next := t.stage.sweep()
	if t.m.sweeping = next > 0; t.m.sweeping {
		t.say(kit.After{Delay: next, Msg: sweepOver{}})
	}
}

// look asks for the free space on the actor's own turn, because much was written since the last poll.
func (t *turn) look() {
	free, err := t.s.o.Free(t.s.o.Dir)
	if err != nil {
		t.unmeasured(err)
		return
	}
	t.measured(measured{free, t.m.water.ballast})
}

func (t *turn) unmeasured(err error) {
	t.say(kit.Note{Level: zerolog.WarnLevel, Text: "the free space is not known; the last answer stands", Fields: []any{"error", err.Error()}})
}

func (t *turn) measured(m measured) {
	was := t.m.water.low
	t.m.water.ballast = m.ballast // the file system may have given it without asking
	next, todo := t.m.water.look(m.free)
	t.m.water = next
	switch todo {
	case giveBallast:
		t.m.water.ballast = false
		if err := t.s.ballast.give(); err != nil {
			t.say(kit.Note{Level: zerolog.ErrorLevel, Text: "the disk is full and the ballast stays", Fields: []any{"error", err.Error()}})
		}
	case makeBallast:
		t.say(kit.Do{Job: ballastJob{}, Tag: ballastJob{}})
	case leaveBallast:
	}
	if was != next.low {
		t.say(kit.Note{Level: zerolog.WarnLevel, Text: "intake changed", Fields: []any{"accepting", !next.low, "free", m.free, "why", next.why()}})
	}
}

// done is the end of a job.
func (t *turn) done(d kit.Done) {
	switch tag := d.Tag.(type) {
	case syncTag:
		if d.Err != nil {
			t.say(giveUp{d.Err})
			return
		}
		t.say(t.m.syncs.ended(tag.number)...)
	case freeJob:
		t.polled(d)
	case ballastJob:
		there, _ := d.Msg.(bool)
		t.m.water.ballast = there
		if d.Err != nil {
			t.say(kit.Note{Level: zerolog.WarnLevel, Text: "no ballast for now", Fields: []any{"error", d.Err.Error()}})
		}
	case readTag:
		t.m.beside--
		answer := d.Msg
		if v, is := answer.(Verified); is {
			v.Statistics = t.m.statistics(t.s, v.Statistics.Queues)
			answer = v
		}
		if d.Err != nil {
			answer = refusal(tag.question, d.Err)
		}
		t.say(kit.Answer{To: tag.from, Msg: answer})
	case closeJob:
		t.m.phase = closed
		for _, from := range t.m.closers {
			t.say(kit.Answer{To: from, Msg: Closed{Err: d.Err}})
		}
		t.m.closers = nil
	}
}

func (t *turn) polled(d kit.Done) {
	if t.m.phase >= closing {
		return
	}
	if d.Err != nil {
		t.unmeasured(d.Err)
	} else if m, is := d.Msg.(measured); is {
		t.measured(m)
	}
	pause := pollFree
	if t.m.water.low {
		pause = pollFreeLow
	}
	t.say(kit.After{Delay: pause, Msg: pollOver{}})
}
