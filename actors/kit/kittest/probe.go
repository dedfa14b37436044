package kittest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"holdfast/actors/kit"
)

// Probe is an actor that plays the other side: it records what it is told and asked, answers by a function of the test, and
// performs effects on demand. All its methods are for the test's own goroutine.
type Probe struct {
	t    testing.TB
	sys  *kit.System
	addr kit.Addr

	mu      sync.Mutex
	ins     []kit.In
	answer  func(msg any) any
	changed chan struct{} // closed and replaced with every record
}

// NewProbe starts a probe under the given name.
func NewProbe(t testing.TB, sys *kit.System, name string) *Probe {
	t.Helper()
	p := &Probe{t: t, sys: sys, changed: make(chan struct{})}
	addr, err := sys.Start(name, p.Spec())
	if err != nil {
		t.Fatalf("start the probe: %v", err)
	}
	p.addr = addr
	return p
}

// Addr is where the probe listens.
func (p *Probe) Addr() kit.Addr { return p.addr }

// Spec is the probe as a definition, for a Make of the actor under test whose children the probe plays. Every actor made
// of it records into this probe.
func (p *Probe) Spec() kit.Spec {
	return kit.Def[struct{}]{
		Kind: "probe",
		Step: p.step,
		Make: func(what any) kit.Spec { return what.(kit.Spec) },
	}.Spec()
}

// Answering sets how the probe answers questions from now on; nil from answer leaves the question open. Without it the probe
// answers nothing. The function runs on the probe's turn: it must not call the probe.
func (p *Probe) Answering(answer func(msg any) any) *Probe {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
	return p
}

// perform asks the probe to perform effects; it is answered when they have been performed.
type perform struct{ effects []kit.Effect }

// Perform has the probe perform effects, in order: tell, ask (what comes back is recorded), answer a question that was left
// open, spawn (What must be a kit.Spec), stop. It returns when they have been performed.
func (p *Probe) Perform(effects ...kit.Effect) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), Patience)
	defer cancel()
	if _, err := p.sys.Ask(ctx, p.addr, perform{effects}); err != nil {
		p.t.Fatalf("perform as %s: %v", p.addr, err)
	}
}

// Child spawns an actor below the probe, which so hears of its end, and returns its address.
func (p *Probe) Child(name string, what kit.Spec) kit.Addr {
	p.t.Helper()
	p.Perform(kit.Spawn{Name: name, What: what})
	return p.addr.Child(name)
}

// Ins is a copy of all that was recorded, in order, with the Returns of questions.
func (p *Probe) Ins() []kit.In {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ins)
}

// Messages is a copy of all messages recorded, in order.
func (p *Probe) Messages() []any {
	ins := p.Ins()
	out := make([]any, len(ins))
	for i, in := range ins {
		out[i] = in.Msg
	}
	return out
}

// Forget drops what was recorded so far, so that Wait looks only at what comes.
func (p *Probe) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ins = nil
}

// Wait returns the first recorded message that matches, as it is there already or comes within Patience; else the test fails
// at once, showing what did come.
func (p *Probe) Wait(match func(msg any) bool) any {
	p.t.Helper()
	return p.WaitIn(match).Msg
}

// WaitIn is Wait with all of the input, so that an open question can be answered later.
func (p *Probe) WaitIn(match func(msg any) bool) kit.In {
	p.t.Helper()
	late := time.NewTimer(Patience)
	defer late.Stop()
	for {
		p.mu.Lock()
		ins, changed := p.ins, p.changed
		p.mu.Unlock()
		if i := slices.IndexFunc(ins, func(in kit.In) bool { return match(in.Msg) }); i >= 0 {
			return ins[i]
		}
		select {
		case <-changed:
		case <-late.C:
			p.t.Fatalf("%s waited %v in vain; it was told %#v", p.addr, Patience, p.Messages())
		}
	}
}

// Wait returns the first message of type M that the probe was told and for which all of match hold. It fails the test after
// Patience.
func Wait[M any](p *Probe, match ...func(M) bool) M {
	p.t.Helper()
	return p.Wait(func(msg any) bool {
		m, fits := msg.(M)
		for _, holds := range match {
			fits = fits && holds(m)
		}
		return fits
	}).(M)
}

func (p *Probe) step(s struct{}, in kit.In) (struct{}, []kit.Effect) {
	if m, ok := in.Msg.(perform); ok {
		return s, append(slices.Clone(m.effects), kit.Answer{To: in.From, Msg: struct{}{}})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ins = append(p.ins, in)
	close(p.changed)
	p.changed = make(chan struct{})
	if in.From.IsZero() || p.answer == nil {
		return s, nil
	}
	if answer := p.answer(in.Msg); answer != nil {
		return s, []kit.Effect{kit.Answer{To: in.From, Msg: answer}}
	}
	return s, nil
}
