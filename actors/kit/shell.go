package kit

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// slowTurn is how long a turn may take before it is reported with the type of its input.
const slowTurn = 100 * time.Millisecond

// Def makes an actor of a machine whose state is S.
type Def[S any] struct {
	Kind  string // shown in the tree and the log
	State S
	Step  func(S, In) (S, []Effect)
	First any // the first message, given before all others

	Work    Work                       // performs Do; needed only by machines that use it
	Make    func(what any) Spec        // performs Spawn; likewise
	Perform func(c *Context, e Effect) // performs the actor's private effects, on its turn

	Phase    func(S) string // one word for the tree; a change is logged
	Snapshot func(S) any    // what others may read without asking; must be immutable; Drawn if it is large

	// Core ends the process when Step panics. Otherwise only the actor ends, and its parent hears of it.
	Core bool
}

// Spec is an actor ready to be spawned.
type Spec struct {
	kind  string
	first any
	whole bool
	core  bool
	make  func(*Context) receiver
}

// receiver is what a shell feeds: one input at a time, or all that waits.
type receiver interface{ receive(ins []In) }

// Spec closes the definition over its type.
func (d Def[S]) Spec() Spec {
	return Spec{kind: d.Kind, first: d.First, core: d.Core, make: func(c *Context) receiver {
		c.work, c.spec, c.perform = d.Work, d.Make, d.Perform
		m := &machine[S]{def: d, state: d.State, ctx: c}
		m.publish(nil)
		return m
	}}
}

// Batch makes an actor that takes all that waits in one turn (group commit). It has no machine in the kit's sense: receive
// gets the inputs in order and performs effects through the context. The slice is used again after the turn: receive keeps
// its elements, never the slice.
func Batch(kind string, core bool, work Work, receive func(c *Context, ins []In)) Spec {
	return Spec{kind: kind, whole: true, core: core, make: func(c *Context) receiver {
		c.work = work
		return batchFunc{c, receive}
	}}
}

type batchFunc struct {
	ctx *Context
	fn  func(*Context, []In)
}

func (b batchFunc) receive(ins []In) { b.fn(b.ctx, ins) }

type machine[S any] struct {
	def   Def[S]
	state S
	ctx   *Context
}

// receive publishes before it performs: who hears of a change finds it in the tree.
func (m *machine[S]) receive(ins []In) {
	for _, in := range ins {
		next, effects := m.def.Step(m.state, in)
		m.state = next
		m.publish(in.Msg)
		if turn := m.ctx.sys.turn; turn != nil {
			turn(m.ctx, in, next, effects)
		} else {
			m.ctx.Do(effects...)
		}
	}
}

func (m *machine[S]) publish(cause any) {
	if m.def.Phase == nil && m.def.Snapshot == nil {
		return
	}
	var (
		phase    string
		snapshot any
	)
	if m.def.Phase != nil {
		phase = m.def.Phase(m.state)
	}
	if m.def.Snapshot != nil {
		snapshot = m.def.Snapshot(m.state)
	}
	m.ctx.publish(phase, snapshot, cause)
}

// shell is the only thing the library calls.
type shell struct {
	ctx   *Context
	core  bool
	recv  receiver
	cause string // of the end, if it was not asked for
}

func newShell(s *System, r *row, what Spec) *shell {
	c := newContext(s, r)
	return &shell{ctx: c, core: what.core, recv: what.make(c)}
}

// Receive has no logic: the library's life cycle here, everything else to the receiver.
func (sh *shell) Receive(lib actor.Context) {
	switch m := lib.Message().(type) {
	case *batch:
		sh.turn(m.ins)
	case *actor.Stopping:
		sh.guard(sh.ctx.stopping)
	case *actor.Stopped:
		sh.guard(sh.stopped)
	}
}

func (sh *shell) turn(ins []In) {
	began, finished := time.Now(), false
	ins = sh.ctx.open(ins, began)
	if len(ins) == 0 {
		return
	}
	defer func() {
		if !finished {
			sh.failed(recover(), ins)
		}
	}()
	first := ins[0].Msg
	sh.recv.receive(ins)
	finished = true
	if took := time.Since(began); took > slowTurn {
		sh.ctx.log.Warn().Type("input", first).Dur("took", took).Msg("slow turn")
	}
}

// failed ends the actor after a turn that did not return; whoever asked hears ErrGone. What the turn had answered before
// stays answered: a second answer is dropped.
func (sh *shell) failed(cause any, ins []In) {
	sh.cause = describe(cause)
	sh.ctx.log.Error().Str("cause", sh.cause).Type("input", ins[0].Msg).Bytes("stack", debug.Stack()).
		Msg("a bug: the actor ends")
	sh.ctx.sys.bug(sh.ctx.row.addr, sh.cause)
	if sh.core {
		sh.ctx.sys.fatal(sh.ctx.row.addr, sh.cause)
	}
	for _, in := range ins {
		sh.ctx.sys.answer(in.From, ErrGone)
	}
	sh.ctx.row.stop()
}

// guard keeps a panic during the end from hiding the end.
func (sh *shell) guard(f func()) {
	defer func() {
		if cause := recover(); cause != nil {
			sh.ctx.log.Error().Str("cause", describe(cause)).Bytes("stack", debug.Stack()).Msg("a bug while stopping")
			sh.ctx.sys.bug(sh.ctx.row.addr, describe(cause))
		}
	}()
	f()
}

// stopped takes the actor off the table before its mailbox closes: from here on senders are told that nobody is there.
// The parent hears last.
func (sh *shell) stopped() {
	r := sh.ctx.row
	sh.ctx.sys.forget(r)
	r.box.close()
	if !r.parent.IsZero() {
		sh.ctx.sys.deliver(r.parent, In{Msg: Ended{Child: r.addr, Cause: sh.cause}})
	}
}

// describe never returns an empty text: an empty cause stands for an end that was asked for.
func describe(cause any) string {
	if cause == nil {
		return "the goroutine ended inside a turn"
	}
	if text := fmt.Sprint(cause); text != "" {
		return text
	}
	return "panic without a text"
}
