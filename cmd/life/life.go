// Package life is the life of the gateway's process: it wires the actors, opens the listeners, and ends everything again.
//
// Invariants: what other processes can hold (state folder, port) is taken before any actor starts. Actors start in the
// order of the tree; the listener answers after the first publication. The end follows the message: edge, consumption,
// lanes, outbox, runs, control, journal. Every reason to end takes this one path, also during the boot; its budget is
// gateway.drainTimeout. Only a second signal ends the process at once. The level of the log can change at any time.
package life

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
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
	Level   *Level           // of what Log writes
	Refused bool             // the source is not valid; what boots is the last good configuration
	Signals <-chan os.Signal // each asks for the end
	Exit    func(code int)   // ends the process at once
}

// gateway is what is up while the process lives.
type gateway struct {
	o        Options
	settings config.Gateway // those that the process was started with
	store    *journal.Store
	sys      *kit.System
	cell     *registry.Cell
	began    time.Time
	first    sync.Once   // reason to end
	stop     chan ending // holds it

	listener net.Listener // of the edge, bound before it is made
	edge     *server.Server
	socket   net.Listener
	face     *admin.Server
	ebb      *ebb
	places   places
}

// ending is why the process ends, and the code if all goes well on the way.
type ending struct {
	why  string
	code int
}

// Run lives one whole life, which begins with a configuration that was judged, and returns the exit code. What went wrong
// has been logged, with what to do.
func Run(o Options, first *reload.Candidate) int {
	g := &gateway{o: o, settings: first.Config.Gateway, cell: &registry.Cell{}, ebb: newEbb(), began: time.Now(), stop: make(chan ending, 1)}
	go g.obey()
	if code := g.acquire(); code != ExitOK {
		return code
	}
	if code := g.start(first); code != ExitOK {
		return code
	}
	return g.end(<-g.stop)
}

// acquire takes what only one process can have: the state folder and the port.
func (g *gateway) acquire() int {
	dir, log := g.settings.StateDir, g.o.Log
	store, err := journal.Open(journal.Options{
		Dir: dir, Log: log.With().Str("actor", "journal").Logger(),
		MinFree: max(1, uint64(g.settings.MinFreeMB)<<20), // 0 would stand for a default
		OnFatal: func(err error) {
			log.Error().Err(err).Msg("the journal cannot go on; the process ends. Nothing that was acknowledged is lost: mend the disk and start again")
			g.o.Exit(ExitJournal)
		},
	})
	if err != nil {
		code, do := unopened(err)
		log.Error().Err(err).Str("stateDir", dir).Msg(do)
		return code
	}
	g.store = store
	g.listener, err = server.Listen(g.settings.Listen)
	var unbound *server.BindError
	if errors.As(err, &unbound) {
		log.Error().Err(unbound.Err).Str("listen", unbound.Addr).Msg(unbound.Do)
		_ = store.Close()
		return ExitHeld
	}
	return ExitOK
}

// unopened tells a folder that cannot be had from a journal that cannot be read.
func unopened(err error) (code int, do string) {
	var (
		held journal.ErrLocked
		path *fs.PathError
	)
	switch {
	case errors.As(err, &held):
		return ExitHeld, "another gateway runs on this state folder"
	case errors.Is(err, journal.ErrVersion):
		return ExitJournal, "the journal cannot be read: use the gateway that wrote it, or another gateway.stateDir"
	case errors.As(err, &path):
		return ExitHeld, "the state folder cannot be used"
	}
	return ExitJournal, "the journal cannot be read: restore the state folder from a copy, or use another gateway.stateDir"
}

// sameSignal is how long after the first signal another one is taken for the same: a shell, a supervisor and a terminal may
// each pass one order on.
const sameSignal = 250 * time.Millisecond

// obey takes the first signal for a reason to end, and ends the process at once on a later one.
func (g *gateway) obey() {
	var first time.Time
	for sig := range g.o.Signals {
		switch {
		case first.IsZero():
			first = time.Now()
			g.shutdown(ending{why: sig.String()})
		case time.Since(first) >= sameSignal:
			g.o.Log.Warn().Str("signal", sig.String()).Msg("a second signal: the process ends at once; what was accepted goes on at the next start")
			g.o.Exit(exitOf(sig))
		}
	}
}

// shutdown asks for the end; only the first reason counts.
func (g *gateway) shutdown(e ending) { g.first.Do(func() { g.stop <- e }) }

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
