package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/reload"
	"holdfast/tests/rig"
)

// row is one server under one load.
type row struct {
	name  string
	help  string
	post  post
	start func(*bench) (*rig.Gateway, string, func(), error)
	// during runs beside the load until ctx ends; nil: nothing does.
	during func(ctx context.Context, g *rig.Gateway, dir string) error
	own    bool // it is the real gateway, and can be asked
}

// Names of rows.
const (
	bareRow     = "bare"
	routedRow   = "routed"
	askedRow    = "asked"
	acceptRow   = "accept"
	durableRow  = "durable"
	bubblesRow  = "bluebubbles"
	reloadsRow  = "reloads"
	reloadEvery = 100 * time.Millisecond
)

// rows are what the rate of acceptance is measured of. The ceiling is the first.
var rows = []row{
	{name: bareRow, help: "the HTTP library alone, answering 200", post: webhookPost("c{c}"), start: standing(bareServer)},
	{
		name: routedRow, help: "the gateway, posted what it need not keep: a BlueBubbles server's echo of our own messages", post: bubblesPost(true),
		start: gatewayOf(settings{webhooks: 1, bubbles: "http://127.0.0.1:9"}),
	},
	{name: askedRow, help: "the edge, and an actor in the journal's place that keeps nothing", post: webhookPost("c{c}"), start: standing(askedServer)},
	{name: acceptRow, help: "the edge and the journal, synced before 200; nobody takes messages out", post: webhookPost("c{c}"), start: standing(acceptServer)},
	{
		name: durableRow, help: "the gateway, synced before 200, while it answers what it accepted", post: webhookPost("c{c}"),
		start: gatewayOf(settings{webhooks: 2}), own: true,
	},
	{
		name: bubblesRow, help: "the same, posted as a BlueBubbles server does; that server is away", post: bubblesPost(false),
		start: gatewayOf(settings{webhooks: 1, bubbles: "http://127.0.0.1:9"}), own: true,
	},
	{
		name: reloadsRow, help: "the gateway during ten reloads a second, each of which changes another account", post: webhookPost("c{c}"),
		start: gatewayOf(settings{webhooks: 2}), own: true, during: reloading(settings{webhooks: 2}),
	},
}

// rowOf finds a row.
func rowOf(name string) row {
	for _, r := range rows {
		if r.name == name {
			return r
		}
	}
	panic("no row is called " + name)
}

func standing(kind string) func(*bench) (*rig.Gateway, string, func(), error) {
	return func(b *bench) (*rig.Gateway, string, func(), error) {
		g, end, err := b.stand(kind)
		return g, "", end, err
	}
}

func gatewayOf(s settings) func(*bench) (*rig.Gateway, string, func(), error) {
	return func(b *bench) (*rig.Gateway, string, func(), error) { return b.start(s) }
}

// reloading changes a setting of the last account and reloads, ten times a second. A reload that takes longer is not cut: the
// next one is late.
func reloading(s settings) func(context.Context, *rig.Gateway, string) error {
	return func(ctx context.Context, g *rig.Gateway, dir string) error {
		tick := time.NewTicker(reloadEvery)
		defer tick.Stop()
		for s := s; ; s.version++ {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			if _, err := reloaded(g, dir, s); err != nil {
				return err
			}
		}
	}
}

// reloaded writes the settings and has the gateway take them in.
func reloaded(g *rig.Gateway, dir string, s settings) (reload.Report, error) {
	var r reload.Report
	if err := s.write(dir); err != nil {
		return r, err
	}
	if err := g.Call("reload", nil, &r); err != nil {
		return r, fmt.Errorf("reload: %w", err)
	}
	if r.Err != "" {
		return r, fmt.Errorf("the reload was refused: %s %v", r.Err, r.Problems)
	}
	return r, nil
}

// measured is one row at one number of connections, once.
type measured struct {
	answers
	server  float64 // µs of a processor per request
	most    memory
	syncs   uint64 // of the journal, during the load
	commits uint64
	seconds float64 // from before the load to after it
}

// measure starts the row's server, loads it, and ends it.
func (b *bench) measure(r row, p pressure) (m measured, err error) {
	g, dir, end, err := r.start(b)
	if err != nil {
		return m, err
	}
	defer end()
	before, err := look(g, r.own)
	if err != nil {
		return m, err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var beside sync.WaitGroup
	var failed error
	if r.during != nil {
		beside.Go(func() { failed = r.during(ctx, g, dir) })
	}
	stopWatch := make(chan struct{})
	most := watch(g.PID(), stopWatch)
	if m.answers, err = b.load(g, r.post, p); err != nil {
		return m, err
	}
	after, err := look(g, r.own)
	if err != nil {
		return m, err
	}
	close(stopWatch)
	m.most = <-most
	stop()
	beside.Wait()
	m.server = float64((after.cpu - before.cpu).Microseconds()) / float64(max(m.Requests, 1))
	m.syncs, m.commits, m.seconds = after.syncs-before.syncs, after.commits-before.commits, after.at.Sub(before.at).Seconds()
	return m, failed
}

// glance is how far a server is.
type glance struct {
	at             time.Time
	cpu            time.Duration
	syncs, commits uint64
}

func look(g *rig.Gateway, own bool) (out glance, err error) {
	if out.cpu, err = cpuOf(g.PID()); err != nil {
		return out, err
	}
	out.at = time.Now()
	if !own {
		return out, nil
	}
	var s control.Status
	if err := g.Call("status", nil, &s); err != nil {
		return out, fmt.Errorf("ask for the status: %w", err)
	}
	out.syncs, out.commits = s.Journal.Syncs, s.Journal.Commits
	return out, nil
}
