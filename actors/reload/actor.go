package reload

import (
	"context"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/config"
)

// Options of the actor; all of it is fixed for the life of the process.
type Options struct {
	Places     Places
	Kinds      Kinds
	Listen     string            // the address that the listener really has
	Methods    []registry.Method // the core's own
	Source     config.Source
	Environ    []string
	Supervisor func(channel string) kit.Spec
	AgentEnv   func(name string) backend.Env
	Finished   func() // called after every reload that was not refused; must not wait
}

// load is the job of reading and decoding; config is the boot's, already read.
type load struct{ config *config.Config }

// Spec is the reload actor ready to be started.
func Spec(o Options) kit.Spec {
	return kit.Def[State]{
		Kind:  "reload",
		State: State{Places: o.Places, Phase: Idle, Listen: o.Listen, Methods: o.Methods, AgentEnv: o.AgentEnv},
		Step:  Step,
		Core:  true,
		Work:  func(_ context.Context, job any) (any, error) { return o.Load(job) },
		Make: func(what any) kit.Spec { return o.Supervisor(what.(string)) }, //nolint:forcetypeassert // likewise
		Perform: func(_ *kit.Context, e kit.Effect) {
			if _, ok := e.(finished); ok && o.Finished != nil {
				o.Finished()
			}
		},
		Phase:    func(s State) string { return string(s.Phase) },
		Snapshot: func(s State) any { return Snapshot{Phase: string(s.Phase), Last: s.Last} },
	}.Spec()
}

// Load does the machine's one job: it reads, unless the job brings a configuration, and prepares. It is exported for
// whoever performs the machine's effects without this shell.
func (o Options) Load(job any) (any, error) {
	if boot := job.(load).config; boot != nil { //nolint:forcetypeassert // the machine has no other job
		candidate, problems := Prepare(boot, o.Kinds, o.Listen)
		return loaded{candidate: candidate, problems: problems}, nil
	}
	candidate, problems := Read(o.Source, o.Environ, o.Kinds, func(*config.Config) string { return o.Listen })
	return loaded{candidate: candidate, problems: problems}, nil
}
