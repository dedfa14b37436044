package explore

import (
	"fmt"
	"sync"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
	"holdfast/actors/methods"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/router"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
)

// twin is a world of real actors: the kit's own system, the actors' own shells. Those who are played in a world are played in
// it, too: their nodes are given what the kit brought them, and what they decide is performed by the kit.
//
// It stands still between turns: an actor goes on only when it is told to.
type twin struct {
	sys     *kit.System
	cell    registry.Cell
	outside outside
	alter   func([]kit.Effect) []kit.Effect // what the kit is to do wrongly; nil: nothing

	mu     sync.Mutex
	holds  map[kit.Addr]*still
	parts  map[kit.Addr]*part
	faults []string           // of core actors
	due    map[time.Time]bool // moments at which something is due
	over   bool
}

// begun starts the actors of a world as the gateway does.
func begun(p Plan, begin *state) *twin {
	t := &twin{holds: map[kit.Addr]*still{}, parts: map[kit.Addr]*part{}, due: map[time.Time]bool{}}
	t.outside = outside{files: begin.find(operatorAt).node.(person).files, path: p.path}
	t.sys = kit.New(kit.Options{
		Log:   zerolog.Nop(),
		Fatal: func(who kit.Addr, cause string) { t.fault("core actor %s ends: %s", who, cause) },
		Turn:  t.turn,
	})
	t.outside.save(0)
	t.start(registryAt, registry.Spec(&t.cell))
	t.start(routerAt, router.Spec(registryAt, journalAt, router.Known{}))
	t.start(methodsAt, methods.Spec(registryAt))
	for _, a := range begin.actors {
		if a.node.Direct() {
			t.start(a.addr, t.played(a.addr, a.node, a.state))
		}
	}
	t.start(reloadAt, reload.Spec(t.options(begin.find(reloadAt).state.(reload.State))))
	synctest.Wait()
	return t
}

func (t *twin) start(at kit.Addr, what kit.Spec) {
	if _, err := t.sys.Start(at.String(), what); err != nil {
		panic(err)
	}
}

func (t *twin) options(s reload.State) reload.Options {
	o := reload.Options{
		Places: s.Places, Listen: s.Listen, Methods: s.Methods, Watch: s.Watches,
		Kinds: t.outside.kinds(), Source: t.outside.files.base, Listener: &t.outside,
		AgentEnv: func(string) backend.Env { return backend.Env{} },
		Supervisor: func(channel string) kit.Spec {
			places := supervisor.Places{Self: kit.Named("channels/" + channel), Registry: registryAt, Journal: journalAt, Outbox: kit.Named("outbox")}
			return supervisor.Spec(channel, places, func(start run.Start) kit.Spec {
				at := places.Self.Child(start.Name())
				node, first, _ := spawned(at, places.Self, start)
				return t.played(at, node, first)
			})
		},
	}
	if s.Keeps {
		o.Keep = func([]byte) error { return t.outside.broken }
	}
	return o
}

// played makes somebody who is played.
func (t *twin) played(at kit.Addr, node Node, first any) kit.Spec {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parts[at] = &part{node: node, state: first}
	return kit.Def[struct{}]{
		Kind: "played", First: born{},
		Step: func(s struct{}, _ kit.In) (struct{}, []kit.Effect) { return s, nil },
	}.Spec()
}

func (t *twin) fault(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, fmt.Sprintf(format, args...))
}

// close ends all actors, whatever they are on.
func (t *twin) close() {
	t.mu.Lock()
	t.over = true
	for _, h := range t.holds {
		if h.orders != nil {
			close(h.orders)
			h.orders = nil
		}
	}
	t.mu.Unlock()
	for rows := t.sys.Table(); len(rows) > 0; rows = t.sys.Table() {
		for _, row := range rows {
			t.sys.Stop(row.Addr)
		}
		synctest.Wait()
	}
}
