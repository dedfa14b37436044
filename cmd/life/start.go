package life

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/methods"
	"holdfast/actors/outbox"
	"holdfast/actors/plugins"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/router"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/actors/tree"
	"holdfast/channels"
	"holdfast/config"
	"holdfast/http/admin"
	"holdfast/http/server"
)

// bootWithin is how long the first reload may take before the process gives up.
const bootWithin = time.Minute

// places are the addresses of the core: fixed names, known before anything runs.
type places struct {
	journal, control, registry, router, methods, outbox, lanes, access, agents, plugins, reload kit.Addr
}

var core = places{
	journal: kit.Named("journal"), control: kit.Named("control"), registry: kit.Named("registry"), router: kit.Named("router"),
	methods: kit.Named("methods"), outbox: kit.Named("outbox"), lanes: kit.Named("lanes"), access: kit.Named("access"),
	agents: kit.Named("agents"), plugins: kit.Named("plugins"), reload: kit.Named("reload"),
}

// start brings the tree up in its order and runs the first reload.
func (g *gateway) start(first *reload.Candidate) int {
	g.places = core
	g.sys = kit.New(kit.Options{Log: g.o.Log, Fatal: func(who kit.Addr, cause string) {
		g.o.Log.Error().Str("actor", who.String()).Str("cause", cause).
			Msg("a core actor failed; the process ends. What was accepted goes on at the next start; please report this")
		g.o.Exit(ExitCore)
	}})
	g.edge = g.newEdge()
	for _, a := range g.tree(first.Config.Basis()) {
		if _, err := g.sys.Start(a.at.String(), a.spec); err != nil {
			g.o.Log.Error().Err(err).Str("actor", a.at.String()).Msg("a bug: the tree does not start; please report this")
			return ExitFailed
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), bootWithin)
	defer cancel()
	report, err := tell[reload.Report](ctx, g.sys, g.places.reload, reload.Boot{Candidate: first})
	if err != nil || report.Err != "" {
		g.o.Log.Error().Err(err).Str("cause", report.Err).Msg("the gateway could not boot")
		if len(report.Problems) > 0 {
			return g.end(ending{"the configuration is refused", ExitConfig})
		}
		return g.end(ending{"the boot failed", ExitFailed})
	}
	if !g.open() {
		return g.end(ending{"the admin socket cannot be opened", ExitHeld})
	}
	if g.o.Refused { // it is read once more, so that the status says what is wrong with it
		g.sys.Tell(g.places.reload, reload.Reload{Caller: "boot"})
	}
	g.greet(report, first)
	return ExitOK
}

type actor struct {
	at   kit.Addr
	spec kit.Spec
}

// tree is the core from top to bottom, in the order in which it starts. Supervisors are the children of reload, which
// starts and ends them; they are shown under channels. known is what the configuration that boots rests on.
func (g *gateway) tree(known *config.Basis) []actor {
	p := g.places
	return []actor{
		{p.journal, journal.Spec(g.store)},
		{p.control, control.Spec(control.Options{
			Self: p.control, World: g.desk(), Stop: func() { g.shutdown(ending{why: "shutdown was called"}) },
			Places: control.Places{Reload: p.reload, Journal: p.journal, Access: p.access, Outbox: p.outbox},
		})},
		{p.registry, registry.Spec(g.cell)},
		{p.router, router.Spec(p.registry, p.journal, g.paths())},
		{p.methods, methods.Spec(p.registry)},
		{p.outbox, outbox.Spec(p.outbox, p.journal)},
		{p.access, access.Spec(p.journal)},
		{p.agents, agents.Spec()},
		{p.lanes, lanes.Spec(lanes.Others{Self: p.lanes, Journal: p.journal, Access: p.access, Agents: p.agents})},
		{p.plugins, plugins.Spec(p.registry)},
		{p.reload, reload.Spec(g.reload(known))},
	}
}

func (g *gateway) reload(known *config.Basis) reload.Options {
	p := g.places
	return reload.Options{
		Places: reload.Places{
			Registry: p.registry, Router: p.router, Methods: p.methods, Journal: p.journal, Access: p.access,
			Agents: p.agents, Outbox: p.outbox, Lanes: p.lanes, Plugins: p.plugins,
		},
		Kinds: g.o.Kinds, Listen: g.edge.Addr(), Methods: control.Methods(p.control),
		Source: g.o.Source, Environ: g.o.Environ, Watch: g.settings.Watch, Known: known, Keep: g.keep,
		Listener:   addresses{g.edge},
		Took:       func(_ config.Gateway, log config.Log) { g.o.Level.Set(log.Level) },
		Log:        g.o.Log.With().Str("actor", "reload").Logger(),
		Supervisor: g.supervisor,
		AgentEnv:   g.agentEnv,
		Finished: func() {
			tree.Log(g.o.Log, g.sys.Table())
			g.ebb.later()
		},
	}
}

// paths are those of the last run. Without them the gateway starts as if it had never run: who knows a path that was moved
// hears 404.
func (g *gateway) paths() router.Known {
	known, err := router.Recall(g.store.Value)
	if err != nil {
		g.o.Log.Error().Err(err).Msg("paths that were moved lately are not held: senders that use them hear 404 until they are told the new ones")
	}
	return known
}

// LastGood is the name of the copy of the last good configuration in the state folder.
const LastGood = "last-good.json"

// keep writes the copy. It holds what the configuration file holds, so nobody else may read it.
func (g *gateway) keep(data []byte) error {
	if err := renameio.WriteFile(filepath.Join(g.settings.StateDir, LastGood), data, 0o600); err != nil {
		return fmt.Errorf("keeping the last good configuration: %w", err)
	}
	return nil
}

// answerFileMax is the largest file that an agent may answer with, in bytes.
const answerFileMax = 64 << 20

func (g *gateway) agentEnv(name string) backend.Env {
	blobs := g.store.Blobs()
	return backend.Env{Name: name, Blob: blobs.Open, Store: func(r io.Reader) (string, error) {
		hash, _, err := blobs.Put(r, answerFileMax)
		return hash, err
	}}
}

func (g *gateway) supervisor(channel string) kit.Spec {
	p := g.places
	self := kit.Named("channels/" + channel)
	return supervisor.Spec(channel, supervisor.Places{Self: self, Registry: p.registry, Journal: p.journal, Outbox: p.outbox}, func(start run.Start) kit.Spec {
		return run.Spec(start, p.journal, self, g.sys, g.store.Blobs(), g.o.Log)
	})
}

// desk is the world with the configuration file, for the operator's calls.
func (g *gateway) desk() control.World {
	w := g.world()
	w.Config = g.o.Kinds.File(g.o.Source, g.o.Environ)
	w.Schema = sync.OnceValues(func() ([]byte, error) { return config.Schema(g.o.Kinds.SchemaParts()) })
	return w
}

func (g *gateway) world() control.World {
	return control.World{System: g.sys, Live: g.cell, Started: g.began, Version: g.o.Version, Listen: g.edge.Addr}
}

// newEdge is the edge of the port that is held. It answers nothing before it is opened.
func (g *gateway) newEdge() *server.Server {
	return server.New(server.Options{
		System: g.sys, Live: g.cell, Journal: g.places.journal, Log: g.o.Log.With().Str("actor", "edge").Logger(),
		Listener: g.listener,
		Health: func() server.Health {
			s := g.world().Look(time.Now())
			return server.Health{Ready: s.Ready, Health: s.Health, Version: s.Version}
		},
		Missed: func(account channels.Account) {
			g.sys.Tell(kit.Named("channels/"+account.Channel()), supervisor.Missed{Account: account})
		},
	})
}

// open lets the outside in: the admin socket, then the listener.
func (g *gateway) open() bool {
	var err error
	if g.socket, err = admin.Listen(g.settings.StateDir, g.settings.AdminGroup); err != nil {
		g.o.Log.Error().Err(err).Msg("the admin socket cannot be opened")
		return false
	}
	g.face = admin.New(admin.Options{
		System: g.sys, Live: g.cell, Control: g.places.control, Group: g.settings.AdminGroup,
		Log: g.o.Log.With().Str("actor", "admin").Logger(),
	})
	go g.face.Serve(g.socket)
	go func() {
		if err := g.edge.Serve(); err != nil {
			g.o.Log.Error().Err(err).Msg("the listener failed; the process ends")
			g.shutdown(ending{"the listener failed", ExitHeld})
		}
	}()
	return true
}
