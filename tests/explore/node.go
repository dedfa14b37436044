package explore

import (
	"fmt"
	"runtime/debug"

	"holdfast/actors/kit"
)

// Node is what an actor does. Machines have one way of taking an input, processes that stand for others may have several.
type Node interface {
	// Take gives every way of handling an input. The first one is what happens when nothing is wrong.
	Take(v View, state any, in kit.In) []Way
	// Moves are what the actor may do without having been told to.
	Moves(v View, state any) []Way
	// Ends gives every end that a job of the actor can have; the first one is what happens when nothing is wrong.
	Ends(v View, state any, job any) []Way
	// Show is what the outside sees of a private effect, and what is wrong with that; old is what was seen before.
	Show(old any, e kit.Effect) (shown any, wrong string)
	// Direct says that tells and questions need no queue: the process answers by itself, and when does not matter.
	Direct() bool
	// Alike names a group of direct processes that differ in nothing but their name: of several questions of one actor to
	// members of a group, the first is answered first. Empty: no group.
	Alike() string
	// Relay says that nobody sees when the actor takes what lies first before it, so that it can be at once. In a world of
	// mailboxes nothing comes before what lies there already.
	Relay(mailboxes bool) bool
}

// Way is one thing that can happen.
type Way struct {
	State   any
	Effects []kit.Effect
	Done    kit.Done // of Ends
	Due     bool     // of Moves: it happens without a fault, sooner or later
	Fault   string   // the fault that it takes; empty: none
	Text    string   // for the history, where the message does not say it all
	Silent  bool     // of Take: the question is kept and never answered; of Ends: there is no end
	Late    bool     // of Take: the answer comes after the deadline
	Gone    bool     // the actor has ended; its parent hears it after all that it was told
	Cause   string   // of Gone
	Bug     string   // it panicked
}

// quiet is the part of a node that does nothing by itself.
type quiet struct{}

func (quiet) Moves(View, any) []Way                    { return nil }
func (quiet) Ends(View, any, any) []Way                { return nil }
func (quiet) Show(old any, _ kit.Effect) (any, string) { return old, "" }
func (quiet) Direct() bool                             { return false }
func (quiet) Alike() string                            { return "" }
func (quiet) Relay(bool) bool                          { return false }

// machine is a real one.
type machine[S any] struct {
	quiet
	step func(S, kit.In) (S, []kit.Effect)
	ends func(v View, job any) []Way // of its jobs; the state stays
	show func(old any, e kit.Effect) (any, string)

	relay  bool // always
	prompt bool // in a world of mailboxes
}

func (m machine[S]) Relay(mailboxes bool) bool { return m.relay || m.prompt && mailboxes }

func (m machine[S]) Take(_ View, state any, in kit.In) []Way { return []Way{m.once(state.(S), in)} }

func (m machine[S]) once(state S, in kit.In) (w Way) {
	defer func() {
		if cause := recover(); cause != nil {
			w = Way{State: state, Bug: fmt.Sprintf("a panic: %v\n%s", cause, debug.Stack())}
		}
	}()
	next, effects := m.step(state, in)
	return Way{State: next, Effects: effects}
}

func (m machine[S]) Ends(v View, _ any, job any) []Way { return m.ends(v, job) }

func (m machine[S]) Show(old any, e kit.Effect) (any, string) {
	if m.show == nil {
		return old, ""
	}
	return m.show(old, e)
}

// View is how nodes and laws look at a world.
type View struct{ s *state }

// State is an actor's state; nil if there is none of that address.
func (v View) State(addr kit.Addr) any {
	if a := v.s.find(addr); a != nil {
		return a.state
	}
	return nil
}

// Shown is what the outside sees of an actor's private effects.
func (v View) Shown(addr kit.Addr) any {
	if a := v.s.find(addr); a != nil {
		return a.shown
	}
	return nil
}

// Each visits all actors in the order of their addresses.
func (v View) Each(visit func(addr kit.Addr, state any)) {
	for _, a := range v.s.actors {
		visit(a.addr, a.state)
	}
}

// Unanswered are the questions that somebody owes an answer to.
func (v View) Unanswered() []string {
	var out []string
	for _, q := range v.s.questions {
		if !q.answered {
			out = append(out, fmt.Sprintf("%T from %s to %s", q.msg, q.asker, q.to))
		}
	}
	return out
}

// Faults is how many faults were used up.
func (v View) Faults() int { return v.s.faults }

// Over tells whether a promise with an end, such as a grace, has ended.
func (v View) Over() bool { return v.s.over }
