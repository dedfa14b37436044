// Package agents gives turns to agent backends: so many at once per agent, first come, first served, each with a deadline.
//
// Invariants:
//   - Every Turn is answered exactly once, at the latest when its agent's time-out after its beginning is over, whatever the
//     backend does. A backend that ignores its context keeps its goroutine and is shown as stuck.
//   - At most Parallel calls of an agent run; at most as many again are stuck while slots are still given. Beyond that every
//     stuck call costs a slot, and when no slot is left turns are answered at once with what is wrong.
//   - A turn keeps the agent it began with; one that waits gets the agent that its name stands for when it begins.
//   - A panic of a backend is a transient error of that turn and of nothing else.
package agents

import (
	"context"
	"fmt"
	"sync"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
)

type (
	// job is one call of a backend.
	job struct {
		number uint64
		agent  backend.Agent
		turn   backend.Turn
		within time.Duration
	}
	// open makes a call cancellable, before it starts; cancel cancels it.
	open   struct{ number uint64 }
	cancel struct{ number uint64 }
)

func (open) IsEffect()   {}
func (cancel) IsEffect() {}

// Spec is the actor, knowing no agent yet.
func Spec() kit.Spec {
	running := &cancels{of: map[uint64]context.CancelFunc{}, ctx: map[uint64]context.Context{}}
	return kit.Def[State]{
		Kind:     "agents",
		Core:     true, // nothing else starts it again
		State:    NewState(),
		Step:     Step,
		Work:     running.work,
		Perform:  running.perform,
		Snapshot: func(s State) any { return kit.Drawn(func() any { return s.snapshot() }) },
	}.Spec()
}

// cancels are the contexts of the calls under way, by number: shared by the actor's turn, which opens and cancels, and
// the calls, which close their own.
type cancels struct {
	mu  sync.Mutex
	of  map[uint64]context.CancelFunc
	ctx map[uint64]context.Context
}

func (r *cancels) perform(_ *kit.Context, e kit.Effect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := e.(type) {
	case open:
		r.ctx[e.number], r.of[e.number] = context.WithCancel(context.Background())
	case cancel:
		if end, running := r.of[e.number]; running {
			end()
		}
	default:
		panic(fmt.Sprintf("no arm for effect %T", e))
	}
}

// work calls the backend. The call ends with its deadline, with cancel, or with the actor.
func (r *cancels) work(life context.Context, what any) (any, error) {
	j := what.(job)
	r.mu.Lock()
	opened, end := r.ctx[j.number], r.of[j.number]
	r.mu.Unlock()
	defer func() {
		end()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.ctx, j.number)
		delete(r.of, j.number)
	}()
	defer context.AfterFunc(life, end)()
	ctx, done := context.WithTimeout(opened, j.within)
	defer done()
	return j.agent.Turn(ctx, j.turn)
}

// snapshot lists the agents of the revision by name, and removed ones that still have calls.
func (s State) snapshot() Snapshot {
	var out Snapshot
	for _, p := range s.pools.All() {
		out.Agents = append(out.Agents, Status{
			Name: p.Name, Kind: p.Kind, Running: p.running, Waiting: p.waiting.Len(), Parallel: p.Parallel, Stuck: p.stuck + p.old,
			Hung: p.capacity() == 0, Failures: p.failures, Refusing: p.refusing, Refusals: p.refusals, LastErr: p.lastErr, LastOK: p.lastOK,
		})
	}
	return out
}
