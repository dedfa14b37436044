package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/echo"
	"holdfast/actors/kit"
	"holdfast/actors/methods"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/router"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

// Plan is a world in short.
type Plan struct {
	Name   string
	Title  string
	Quick  bool     // small enough for every day
	Files  []string // versions of the file; the first one is booted
	Steps  []Step
	Faults []string
	Most   int // faults in one history; 0 with Faults: one
	// Promise lets messages of several senders overtake each other wherever the kit does not promise that they do not. Without
	// it every actor has one mailbox, in which messages lie in the order in which they were sent, as the kit has it.
	Promise bool
	Booted  bool // the boot is over, without faults, when the rest begins
	Watch   bool // the file is watched, and a copy of the last good one kept
	// Killed is a channel whose supervisor may end: what is promised of its accounts is not looked at.
	Killed string
	Posts  int // requests that senders may post, to any account of the first file

	path string // of the file; empty: it is never written
}

const listen = "127.0.0.1:18789"

var (
	operatorAt = kit.Named("operator")
	registryAt = kit.Named("registry")
	routerAt   = kit.Named("router")
	methodsAt  = kit.Named("methods")
	reloadAt   = kit.Named("reload")
	journalAt  = kit.Named("journal")
)

// versions are the files of a world, read once.
type versions struct {
	mu      sync.Mutex
	options []reload.Options
	made    []*reload.Candidate // nil: refused
	first   *reload.Candidate   // for the boot, which judges it again with the kinds of its own
	texts   []string
	hashes  []string
	base    config.Source // of a file that is written to
	done    map[string]any
	edits   map[string]edited
	away    func(func()) // where jobs are done
}

func read(path string, files []string) (*versions, error) {
	kinds := reload.Kinds{Plugins: plugins(), Agents: []backend.Kind{echo.Kind()}}
	v := &versions{done: map[string]any{}, edits: map[string]edited{}, texts: files, away: func(do func()) { do() }}
	base := config.Find(cmp.Or(path, "world.yaml"), func(string) string { return "" })
	v.base = base
	for _, file := range files {
		source := base.With([]byte(file))
		v.options = append(v.options, reload.Options{
			AgentEnv: func(string) backend.Env { return backend.Env{} },
			Kinds:    kinds, Listen: listen, Source: source,
		})
		candidate, _ := reload.Read(source, nil, kinds, func(*config.Config) string { return listen })
		hash := config.Look(source, nil, nil).Hash()
		v.made, v.hashes = append(v.made, candidate), append(v.hashes, hash)
	}
	v.first, _ = reload.Read(v.options[0].Source, nil, kinds, func(*config.Config) string { return "elsewhere:0" })
	if v.first == nil {
		return nil, errors.New("a world boots with a file that is refused")
	}
	return v, nil
}

// perform has the real job done with one version of the file. The same job has always the same value, so that states can
// be compared.
func (v *versions) perform(version int, job any) (any, error) {
	key := fmt.Sprint(version, typeName(reflect.TypeOf(job)))
	for field := range reflect.ValueOf(job).NumField() {
		if f := reflect.ValueOf(job).Field(field); f.Kind() == reflect.Pointer {
			key += fmt.Sprint(" ", f.IsNil())
		} else {
			key += fmt.Sprint(" ", f)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done[key] == nil {
		var made any
		var err error
		v.away(func() { made, err = v.options[version].Work()(context.Background(), job) })
		if err != nil {
			return nil, err
		}
		v.done[key] = made
	}
	return v.done[key], nil
}

// World composes what the plan says.
func (p Plan) World() (*World, error) {
	files, err := read(p.path, p.Files)
	if err != nil {
		return nil, fmt.Errorf("world %s: %w", p.Name, err)
	}
	most := p.Most
	if most == 0 && len(p.Faults) > 0 {
		most = 1
	}
	w := &World{Name: p.Name, Title: p.Title, Faults: p.Faults, Most: most, Class: classify, Composition: Composition{canon: rules(), Make: spawned}}
	for i, hash := range files.hashes {
		w.canon.words[hash] = fmt.Sprint("version ", i)
	}
	w.Laws, w.Still, w.Quiet, w.Rest = laws(), stillLaws(), quietLaws(files), restLaws(files)
	if p.Killed != "" {
		w.Quiet, w.Rest, w.Restless = w.Quiet[:2], nil, true
	}
	w.Begin = p.begin(w, files)
	if p.Booted {
		w.Begin = w.settled(w.Begin)
	}
	return w, nil
}

// begin has all core actors there and the boot ordered.
func (p Plan) begin(w *World, files *versions) *state {
	s := stepping{&w.Composition, &state{mailboxes: !p.Promise}}
	start := func(addr kit.Addr, node Node, first any) { s.settle(&actor{addr: addr, node: node, state: first}) }
	start(registryAt, machine[registry.State]{step: registry.Step, show: showLive(files), prompt: true}, registry.State{})
	start(routerAt, machine[router.State]{step: router.Step, relay: true}, router.State{Registry: registryAt, Journal: journalAt})
	start(methodsAt, machine[methods.State]{step: methods.Step, relay: true}, methods.State{Registry: registryAt})
	start(journalAt, ledger{accounts: accounts(files.made[0])}, books{posts: p.Posts})
	places := reload.Places{Registry: registryAt, Router: routerAt, Methods: methodsAt, Journal: journalAt}
	for name, place := range map[string]*kit.Addr{"access": &places.Access, "agents": &places.Agents, "outbox": &places.Outbox, "lanes": &places.Lanes} {
		*place = kit.Named(name)
		start(*place, configured{}, told{})
	}
	start(reloadAt, machine[reload.State]{step: reload.Step, ends: working(files), show: showDoors}, reload.State{
		Places: places, Phase: reload.Idle, Listen: listen,
		Methods: []registry.Method{{Name: "status", Owner: kit.Named("control")}}, Watches: p.Watch, Keeps: p.Watch,
	})
	start(operatorAt, person{steps: p.Steps, files: files}, hands{asked: 1})
	s.perform(operatorAt, kit.Ask{To: reloadAt, Msg: reload.Boot{Candidate: files.first}, Tag: "order"})
	return s.state
}

// working ends the jobs of a reload.
func working(files *versions) func(v View, job any) []Way {
	return func(v View, job any) []Way {
		h := v.State(operatorAt).(hands)
		fields := reflect.ValueOf(job)
		cannot := func(text string) Way { return Way{Done: kit.Done{Err: errDisk}, Fault: disk, Text: text} }
		switch name := typeName(fields.Type()); name {
		case "reload.bind": // a listener is opened
			d := door{addr: fields.FieldByName("addr").String()}
			return []Way{
				{Done: kit.Done{Msg: reload.Bound(d)}, Effects: []kit.Effect{opened{d}}, Text: "it is open"},
				cannot("the port is in use"),
			}
		case "reload.keeping": // a copy is written
			return []Way{{Text: "it is written"}, cannot("it cannot be written")}
		case "reload.watching": // the file is another than the one known; until then there is no end
			if fields.FieldByName("known").String() == files.hashes[h.file] {
				return nil
			}
		}
		if typeName(fields.Type()) == "reload.writing" {
			return files.write(h.file, job)
		}
		msg, err := files.perform(h.file, job)
		return []Way{
			{Done: kit.Done{Msg: msg, Err: err}, Text: fmt.Sprintf("version %d", h.file)},
			cannot("the file cannot be read"),
			{Fault: hang, Silent: true, Text: "the disk does not answer"},
		}
	}
}

// door is a listener that a reload opened.
type door struct {
	addr string
	end  func() // of a real one; nil: it is played
}

// Addr is where it listens.
func (d door) Addr() string { return d.addr }

// Serve and Close are effects of the machine, and in a world played as such.
func (d door) Serve() { d.Close() }

// Close ends what a real one counts.
func (d door) Close() {
	if d.end != nil {
		d.end()
	}
}

// opened is the effect of a job that opened a door.
type opened struct{ door }

func (opened) IsEffect() {}

// showDoors follows each listener that was opened to the one end that it may have. What is shown is how many have none.
func showDoors(old any, e kit.Effect) (any, string) {
	open, _ := old.(int)
	switch name := typeName(reflect.TypeOf(e)); name {
	case "explore.opened":
		return open + 1, ""
	case "reload.serve", "reload.forsake":
		if open == 0 {
			return open, "law 7: a listener is served or closed a second time"
		}
		return open - 1, ""
	case "reload.finished", "reload.took":
		return open, ""
	default:
		return open, fmt.Sprintf("the reload has an effect %s that nobody knows", name)
	}
}

// spawned makes what machines spawn: supervisors and runs.
func spawned(as, parent kit.Addr, what any) (Node, any, any) {
	switch what := what.(type) {
	case string:
		node := machine[supervisor.State]{step: supervisor.Step, ends: interpreting}
		return node, supervisor.New(what, supervisor.Places{Self: as, Registry: registryAt, Journal: journalAt, Outbox: kit.Named("outbox")}), supervisor.Begin{}
	case run.Start:
		return played{supervisor: parent}, life{
			account: what.Account, number: what.Number, settings: what.Settings.(*settings), edition: what.Kind.Limits.Text,
			apart: what.Candidate,
		}, nil
	}
	panic(fmt.Sprintf("nobody knows how to make a %T", what))
}

// interpreting ends the job of finding out what a request means.
func interpreting(View, any) []Way {
	return []Way{
		{Done: kit.Done{Msg: supervisor.Interpreted{}}, Text: "it means nothing"},
		{Done: kit.Done{Err: errBug}, Fault: plugin, Text: "it panics"},
	}
}

// errBug is how the kit tells of work that panics.
var errBug = fmt.Errorf("%w: a bug", kit.ErrPanic)

// classify tells timers apart by their names.
func classify(timer any) class {
	switch name := typeName(reflect.TypeOf(timer)); {
	case strings.HasSuffix(name, ".pauseOver"), strings.HasSuffix(name, ".intakeDue"), strings.HasSuffix(name, ".memoryDue"),
		strings.HasSuffix(name, ".watchDue"):
		return pause
	case strings.HasSuffix(name, ".graceOver"):
		return hold
	}
	return deadline
}

func accounts(c *reload.Candidate) []channels.Account {
	var out []channels.Account
	for _, a := range c.Accounts {
		out = append(out, a.ID)
	}
	return out
}

// seen is what the edge sees: what is live, and every path that ever was.
type seen struct {
	live *registry.Live
	ever map[string]bool // path and account
}

// showLive takes a publication to the edge, and looks at what depends on it alone.
func showLive(files *versions) func(old any, e kit.Effect) (any, string) {
	return func(old any, e kit.Effect) (any, string) {
		field := reflect.ValueOf(e).FieldByName("live")
		if !field.IsValid() {
			return old, fmt.Sprintf("the registry has an effect %T that nobody knows", e)
		}
		next := seen{live: (*registry.Live)(field.UnsafePointer()), ever: map[string]bool{}}
		for _, endpoint := range next.live.Routes.All() {
			for _, a := range endpoint.Accounts {
				next.ever[endpoint.Path+" "+string(a)] = true
			}
		}
		before, _ := old.(seen)
		for path := range before.ever {
			next.ever[path] = true
		}
		return next, published(files, before.live, next.live)
	}
}
