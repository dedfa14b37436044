package kit

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Context is what performs effects for one actor. It is used on the actor's turn only.
type Context struct {
	sys     *System
	row     *row
	log     zerolog.Logger
	life    context.Context //nolint:containedctx // the life of the actor is what it is
	cancel  context.CancelFunc
	pending map[uint64]question // not answered yet
	alarms  map[any]*time.Timer // deadlines of work beside the actor, by its tag

	children map[Addr]struct{} // spawned, and their Ended has not been taken up

	work    Work
	spec    func(any) Spec
	perform func(*Context, Effect)
}

// question is one that this actor has asked.
type question struct {
	tag      any
	deadline *time.Timer
}

func newContext(s *System, r *row) *Context {
	life, cancel := context.WithCancel(context.Background())
	return &Context{
		sys: s, row: r, life: life, cancel: cancel, log: s.log.With().Stringer("actor", r.addr).Logger(),
		pending: map[uint64]question{}, alarms: map[any]*time.Timer{}, children: map[Addr]struct{}{},
	}
}

// Self is the actor's own address.
func (c *Context) Self() Addr { return c.row.addr }

// Log is the actor's logger.
func (c *Context) Log() zerolog.Logger { return c.log }

// Publish lets others read the phase and a snapshot without asking; for actors made by Batch.
func (c *Context) Publish(phase string, snapshot any) { c.publish(phase, snapshot, nil) }

// publish is the one place in which a change of phase is logged.
func (c *Context) publish(phase string, snapshot, cause any) {
	next, old := view{phase: phase, since: time.Now(), snapshot: snapshot}, c.row.view.Load()
	if old == nil {
		old = &view{since: c.row.since}
	}
	if next.phase == old.phase {
		if snapshot == nil && old.snapshot == nil {
			return
		}
		next.since = old.since
	} else {
		line := c.log.Info().Str("phase", next.phase).Str("from", old.phase)
		if cause != nil {
			line = line.Type("input", cause)
		}
		line.Msg("phase changed")
	}
	c.row.view.Store(&next)
}

// Do performs effects in order.
func (c *Context) Do(effects ...Effect) {
	for _, e := range effects {
		c.do(e)
	}
}

func (c *Context) do(e Effect) {
	switch e := e.(type) {
	case Tell:
		c.sys.deliver(e.To, In{Msg: e.Msg})
	case Answer:
		c.sys.answer(e.To, e.Msg)
	case Ask:
		c.ask(e)
	case After:
		c.after(e)
	case Spawn:
		c.spawn(e)
	case Stop:
		c.sys.Stop(e.Child)
	case Do:
		c.beside(e)
	case Note:
		c.log.WithLevel(e.Level).Fields(e.Fields).Msg(e.Text)
	case Unknown:
		c.log.Debug().Type("input", e.Msg).Msg("an input that fits nothing")
	default:
		if c.perform == nil {
			panic(fmt.Sprintf("no arm for effect %T", e))
		}
		c.perform(c, e)
	}
}

// own wraps what is the actor's own: its first message, and what its timers give it.
type own struct{ msg any }

// reply is an answer on its way to the actor that asked.
type reply struct {
	seq uint64
	msg any
}

// expired is the deadline of a question.
type expired struct{ seq uint64 }

// open turns what lay in the mailbox into what the machine knows, in place; it drops what is stale.
func (c *Context) open(ins []In, now time.Time) []In {
	wanted := ins[:0]
	for _, in := range ins {
		in.Now = now
		switch m := in.Msg.(type) {
		case own:
			in.Msg = m.msg
		case reply:
			q, waits := c.settle(m.seq)
			if !waits {
				continue
			}
			in.Msg = answered(q.tag, m.msg)
		case expired:
			q, waits := c.settle(m.seq)
			if !waits {
				continue
			}
			in.Msg = Answered{Tag: q.tag, Err: ErrLate}
		case Done:
			c.disarm(m.Tag)
		case Ended:
			delete(c.children, m.Child)
		}
		wanted = append(wanted, in)
	}
	return wanted
}

// settle ends a question and tells whether it was open.
func (c *Context) settle(seq uint64) (question, bool) {
	q, waits := c.pending[seq]
	if waits {
		q.deadline.Stop()
		delete(c.pending, seq)
	}
	return q, waits
}

func answered(tag, msg any) Answered {
	if isGone(msg) {
		return Answered{Tag: tag, Err: ErrGone}
	}
	return Answered{Tag: tag, Msg: msg}
}

func (c *Context) ask(e Ask) {
	seq, box := c.sys.asked.Add(1), c.row.box
	c.pending[seq] = question{tag: e.Tag, deadline: time.AfterFunc(e.Within, func() { box.post(In{Msg: expired{seq}}) })}
	c.sys.deliver(e.To, In{Msg: e.Msg, From: Return{to: c.row.addr, seq: seq}})
}

func (c *Context) after(e After) {
	delay := e.Delay
	if e.Jitter > 0 {
		delay += time.Duration(rand.Float64() * e.Jitter * float64(delay))
	}
	box := c.row.box
	alarm := time.AfterFunc(delay, func() { box.post(In{Msg: own{e.Msg}}) })
	if e.For != nil {
		c.alarms[e.For] = alarm
	}
}

// disarm forgets the deadline of work that has ended. One that is in the mailbox already comes nevertheless.
func (c *Context) disarm(tag any) {
	if len(c.alarms) == 0 {
		return
	}
	if alarm, armed := c.alarms[tag]; armed {
		alarm.Stop()
		delete(c.alarms, tag)
	}
}

func (c *Context) spawn(e Spawn) {
	if c.spec == nil {
		panic(fmt.Sprintf("no Make for Spawn of %T", e.What))
	}
	as := e.As
	if as.IsZero() {
		as = c.row.addr.Child(e.Name)
	}
	if _, err := c.sys.spawn(as, c.row.addr, c.spec(e.What)); err != nil {
		panic(err) // names are ours and never used twice
	}
	c.children[as] = struct{}{}
}

// beside holds the only go statement under actors. It recovers, and it ends in exactly one message.
func (c *Context) beside(e Do) {
	if c.work == nil {
		panic(fmt.Sprintf("no Work for Do of %T", e.Job))
	}
	box, work, life, log := c.row.box, c.work, c.life, c.log
	go func() {
		done := Done{Tag: e.Tag, Err: fmt.Errorf("%w: the work ended its goroutine", ErrPanic)}
		defer func() {
			if cause := recover(); cause != nil {
				done.Err = fmt.Errorf("%w: %v", ErrPanic, cause)
				log.Error().Err(done.Err).Type("job", e.Job).Bytes("stack", debug.Stack()).Msg("a bug in work beside the actor")
			}
			box.post(In{Msg: done})
		}()
		msg, err := work(life, e.Job)
		done.Msg, done.Err = msg, err
	}()
}

// stopping ends what the actor began: its work beside it with its deadlines, its questions, its children. It does not wait for the children: a
// hung one must not hold up its parent.
func (c *Context) stopping() {
	c.cancel()
	for seq := range c.pending {
		c.settle(seq)
	}
	for tag := range c.alarms {
		c.disarm(tag)
	}
	byName := func(a, b Addr) int { return strings.Compare(a.id, b.id) }
	for _, child := range slices.SortedFunc(maps.Keys(c.children), byName) {
		c.sys.Stop(child)
	}
}
