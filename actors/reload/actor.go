package reload

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/config"
)

// Options of the actor.
type Options struct {
	Places     Places
	Kinds      Kinds
	Listen     string            // the address that the listener really has
	Methods    []registry.Method // the core's own
	Source     config.Source
	Environ    []string
	Listener   Listener
	Supervisor func(channel string) kit.Spec
	AgentEnv   func(name string) backend.Env
	Watch      bool                             // reload when the configuration changes
	Known      *config.Basis                    // what the configuration that boots rests on: the watch need not read it again; may be nil
	Keep       func(copy []byte) error          // keeps the last good configuration; may wait; nil: it is not kept
	Log        zerolog.Logger                   // for what a watch has to say
	Took       func(config.Gateway, config.Log) // called when settings of the process itself are live; must not wait
	Finished   func()                           // called after every reload that did something; must not wait
}

// Listener can be moved while it serves.
type Listener interface {
	// Bind opens an address beside the one that is served. Nothing is answered there yet. It may wait.
	Bind(addr string) (Bound, error)
}

// Bound is a listener that is open and not served. Exactly one of Serve and Close is called, once; neither waits.
type Bound interface {
	Addr() string
	Serve() // answers here from now on; the listener before is let go when it has answered what came to it
	Close()
}

// Jobs beside the actor.
type (
	// load reads and judges the configuration. Its value is a loaded.
	load struct {
		boot   *Candidate // instead of the source
		last   *Candidate // as it was judged before; it is taken again where it holds
		file   string     // instead of the source
		listen string     // gateway.listen as it is applied
		bound  string     // the address that it has
		keep   bool       // it cannot be moved: gateway.listen is taken for what is applied
	}
	// bind opens a listener. Its value is a Bound.
	bind struct{ addr string }
)

// Private effects.
type (
	// finished is the end of every reload that did something.
	finished struct{}
	// took hands over what the process itself uses.
	took struct {
		gateway config.Gateway
		log     config.Log
	}
	// serve and forsake decide what becomes of a listener.
	serve   struct{ bound Bound }
	forsake struct{ bound Bound }
)

func (finished) IsEffect() {}
func (took) IsEffect()     {}
func (serve) IsEffect()    {}
func (forsake) IsEffect()  {}

// unbind gives a listener up, if there is one.
func unbind(what any) []kit.Effect {
	if b, is := what.(Bound); is && b != nil {
		return []kit.Effect{forsake{b}}
	}
	return nil
}

// Spec is the actor ready to be started.
func Spec(o Options) kit.Spec {
	return kit.Def[State]{
		Kind: "reload",
		State: State{
			Places: o.Places, Phase: Idle, Listen: o.Listen, Methods: o.Methods,
			Watches: o.Watch, Keeps: o.Keep != nil,
		},
		Step:     Step,
		Core:     true,
		Work:     o.Work(),
		Make:     func(what any) kit.Spec { return o.Supervisor(what.(string)) }, //nolint:forcetypeassert // the machine spawns nothing else
		Perform:  func(_ *kit.Context, e kit.Effect) { o.perform(e) },
		Phase:    func(s State) string { return string(s.Phase) },
		Snapshot: func(s State) any { return s.snapshot() },
	}.Spec()
}

func (s State) snapshot() Snapshot {
	return Snapshot{Phase: string(s.Phase), Last: s.Last, Refused: s.Refused, Counts: s.Counts, Unapplied: s.Unapplied}
}

// perform does the private effects; none of them waits.
func (o Options) perform(e kit.Effect) {
	switch e := e.(type) {
	case finished:
		if o.Finished != nil {
			o.Finished()
		}
	case took:
		if o.Took != nil {
			o.Took(e.gateway, e.log)
		}
	case serve:
		e.bound.Serve()
	case forsake:
		e.bound.Close()
	default:
		panic(fmt.Sprintf("no arm for effect %T", e))
	}
}

// Work does the jobs of the machine. It is exported for whoever performs the effects without this shell.
func (o Options) Work() kit.Work {
	next := o.watcher()
	return func(ctx context.Context, job any) (any, error) {
		if w, waits := job.(watching); waits {
			return next(ctx, w.known)
		}
		return o.perJob(job)
	}
}

func (o Options) perJob(job any) (any, error) {
	switch job := job.(type) {
	case keeping:
		data, err := job.config.Copy()
		if err != nil {
			return nil, err
		}
		return nil, o.Keep(data)
	case load:
		return o.load(job), nil
	case writing:
		return o.write(job)
	case bind:
		if o.Listener == nil {
			return nil, fmt.Errorf("this listener cannot be moved while the gateway runs")
		}
		return o.Listener.Bind(job.addr)
	}
	panic(fmt.Sprintf("no arm for job %T", job))
}

// load reads and judges. What is as it was when it was judged last is not judged again, and if all of it is, not even parsed.
func (o Options) load(job load) loaded {
	source := o.Source
	if job.file != "" {
		source = source.At(job.file)
	}
	var out loaded
	switch {
	case job.boot != nil && job.boot.listen == job.address(job.boot.Config):
		out.judged = job.boot
	case job.boot != nil:
		out.judged, out.problems = Prepare(job.boot.Config, o.Kinds, job.address(job.boot.Config))
	case !job.keep && job.last.holds(source, o.Environ, job.address):
		out.judged = job.last
	default:
		out.judged, out.problems = readAgain(source, o.Environ, o.Kinds, job.address, job.last)
	}
	out.candidate = out.judged.opened(o.AgentEnv) // it is ours until it is told
	if job.keep || job.file != "" {
		out.judged = nil // another reload may not take it for the configuration
	}
	return out
}

// address is where the outside reaches a configuration: what the listener has stands for what was asked for, as long as that is
// the same.
func (j load) address(cfg *config.Config) string {
	if j.keep {
		cfg.Gateway.Listen = j.listen
	}
	if j.listen == "" || cfg.Gateway.Listen == j.listen {
		return j.bound
	}
	return cfg.Gateway.Listen
}
