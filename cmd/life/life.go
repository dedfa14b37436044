// Package life is the life of the gateway's process: it wires the actors, opens the listeners, and ends everything again.
//
// Invariants: what can fail because of somebody else (configuration, state folder, port) fails before anything is changed.
// Actors start in the order of the tree; the listener answers after the first publication. The end follows the message:
// edge, consumption, lanes, outbox, runs, control, journal. All stop signals take this one path; its budget is
// gateway.drainTimeout. A second signal ends the process at once.
package life

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/config"
	"holdfast/http/admin"
	"holdfast/http/server"
)

// Options of a life.
type Options struct {
	Source  config.Source
	Environ []string
	Kinds   reload.Kinds
	Version string
	Stdout  io.Writer // for people: what listens where, and what to try
	Log     zerolog.Logger
	Signals <-chan os.Signal
	Exit    func(code int) // ends the process at once
}

// gateway is what is up while the process lives.
type gateway struct {
	o     Options
	cfg   *config.Config
	store *journal.Store
	sys   *kit.System
	cell  *registry.Cell
	began time.Time
	stops sync.Once
	ask   chan string // why the process should end

	listener net.Listener
	edge     *server.Server
	socket   net.Listener
	face     *admin.Server
	served   sync.WaitGroup
	places   places
}

// Run lives one whole life and returns the exit code. What went wrong has been logged, with what to do.
func Run(o Options, cfg *config.Config) int {
	g := &gateway{o: o, cfg: cfg, cell: &registry.Cell{}, began: time.Now(), ask: make(chan string, 1)}
	if code := g.acquire(); code != ExitOK {
		return code
	}
	if code := g.start(); code != ExitOK {
		return code
	}
	why := g.wait()
	return g.end(why)
}

// acquire takes what only one process can have: the state folder and the port.
func (g *gateway) acquire() int {
	store, err := journal.Open(journal.Options{
		Dir: g.cfg.Gateway.StateDir, Log: g.o.Log.With().Str("actor", "journal").Logger(),
		MinFree: uint64(g.cfg.Gateway.MinFreeMB) << 20, OnFatal: func(err error) {
			g.o.Log.Error().Err(err).Msg("the journal cannot go on; the process ends. Nothing that was acknowledged is lost: mend the disk and start again")
			g.o.Exit(ExitJournal)
		},
	})
	var held journal.ErrLocked
	switch {
	case errors.As(err, &held):
		g.o.Log.Error().Str("stateDir", g.cfg.Gateway.StateDir).Msg(held.Error())
		return ExitHeld
	case errors.Is(err, journal.ErrVersion):
		g.o.Log.Error().Err(err).Str("stateDir", g.cfg.Gateway.StateDir).Msg("the journal cannot be read; use the gateway that wrote it, or another gateway.stateDir")
		return ExitJournal
	case err != nil:
		g.o.Log.Error().Err(err).Str("stateDir", g.cfg.Gateway.StateDir).Msg("the state folder cannot be used")
		return ExitHeld
	}
	g.store = store
	g.listener, err = net.Listen("tcp", g.cfg.Gateway.Listen)
	if err != nil {
		why := "gateway.listen cannot be used"
		if errors.Is(err, syscall.EADDRINUSE) {
			why = "another process listens there: stop it, or set gateway.listen to another port"
		}
		g.o.Log.Error().Err(err).Str("listen", g.cfg.Gateway.Listen).Msg(why)
		_ = store.Close()
		return ExitHeld
	}
	return ExitOK
}

// sameSignal is how long after the first signal another one is taken for the same: a shell, a supervisor and a terminal may
// each pass one order on.
const sameSignal = 250 * time.Millisecond

// wait returns when the process should end: a signal, or the method shutdown. From then on a second signal ends it at once.
func (g *gateway) wait() string {
	var why string
	select {
	case sig := <-g.o.Signals:
		why = sig.String()
	case why = <-g.ask:
	}
	first := time.Now()
	go func() {
		for sig := range g.o.Signals {
			if time.Since(first) < sameSignal {
				continue
			}
			g.o.Log.Warn().Str("signal", sig.String()).Msg("a second signal: the process ends at once; what was accepted goes on at the next start")
			if sig == syscall.SIGTERM {
				g.o.Exit(ExitTERM)
			}
			g.o.Exit(ExitINT)
		}
	}()
	return why
}

// shutdown asks for the end; only the first word counts.
func (g *gateway) shutdown(why string) { g.stops.Do(func() { g.ask <- why }) }

// tell is a question with an answer of type A from outside all actors.
func tell[A any](ctx context.Context, sys *kit.System, to kit.Addr, msg any) (A, error) {
	answer, err := sys.Ask(ctx, to, msg)
	if err != nil {
		var none A
		return none, fmt.Errorf("%s: %w", to, err)
	}
	a, ok := answer.(A)
	if !ok {
		return a, fmt.Errorf("%s: a bug: it answered %T", to, answer)
	}
	return a, nil
}
