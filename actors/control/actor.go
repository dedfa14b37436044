package control

import (
	"context"
	"time"

	"holdfast/actors/kit"
)

// Options of the actor; all of it is fixed for the life of the process.
type Options struct {
	Self   kit.Addr
	Places Places
	World  World
	Stop   func() // begins the end of the process; returns at once
}

// Spec is control ready to be started.
func Spec(o Options) kit.Spec {
	return kit.Def[State]{
		Kind:  "control",
		Core:  true, // nothing else starts it again
		State: State{Self: o.Self},
		Step:  Step,
		Make:  func(what any) kit.Spec { return o.conn(what.(Conn)) }, //nolint:forcetypeassert // Step spawns nothing else
	}.Spec()
}

func (o Options) conn(c Conn) kit.Spec {
	c.Places = o.Places
	return kit.Def[Conn]{
		Kind:  "admin " + c.Peer,
		State: c,
		Step:  StepConn,
		Work: func(_ context.Context, job any) (any, error) {
			l := job.(look) //nolint:forcetypeassert // StepConn has no other job
			h := handlers[l.method]
			if h.stop {
				o.Stop()
				return StopResult{Stopping: true}, nil
			}
			return h.look(o.World, l.params, time.Now())
		},
	}.Spec()
}
