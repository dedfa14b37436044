package kittest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
)

// Patience is how long anything here waits before it fails the test; virtual time inside testing/synctest.
const Patience = 10 * time.Second

// Allowance is something that fails a test unless the test is about it.
type Allowance int

const (
	// AllowStray lets tells find nobody.
	AllowStray Allowance = iota
	// AllowPanic lets actors end by a panic, core actors too: their Fatal then only ends the actor.
	AllowPanic
)

// New makes a world for one test. It logs to t. At cleanup it stops all actors, waits until they are gone, and fails t if a
// tell found nobody or an actor panicked before that. Inside testing/synctest, call it with the bubble's own t.
func New(t testing.TB, allow ...Allowance) *kit.System {
	t.Helper()
	w := &watch{t: t, stray: !slices.Contains(allow, AllowStray), panics: !slices.Contains(allow, AllowPanic)}
	sys := kit.New(kit.Options{
		Log:   zerolog.New(w).Level(zerolog.DebugLevel),
		Fatal: func(who kit.Addr, cause string) { w.found(w.panics, "core actor %s panicked: %s", who, cause) },
		Bug:   func(who kit.Addr, cause string) { w.found(w.panics, "actor %s panicked: %s", who, cause) },
		Stray: func(to kit.Addr, msg any) { w.found(w.stray, "a tell of %T found nobody at %q", msg, to) },
	})
	t.Cleanup(func() { w.end(sys) })
	return sys
}

// watch collects what a test must hear of, and is the log's writer.
type watch struct {
	t             testing.TB
	stray, panics bool

	mu     sync.Mutex
	faults []string
	closed bool // t must not be used any more
}

func (w *watch) found(counts bool, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if counts {
		w.faults = append(w.faults, fmt.Sprintf(format, args...))
	}
}

// Write takes one line of log.
func (w *watch) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.t.Log(strings.TrimSuffix(string(line), "\n"))
	}
	return len(line), nil
}

func (w *watch) end(sys *kit.System) {
	w.mu.Lock()
	faults := w.faults // what happens from here on, while actors are stopped in no order, is nobody's fault
	w.mu.Unlock()
	left := stopAll(sys)
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	for _, fault := range faults {
		w.t.Error(fault)
	}
	for _, row := range left {
		w.t.Errorf("actor %s did not stop within %v: it works on %s for %v", row.Addr, Patience, row.InHand, row.HandFor)
	}
}

// stopAll stops every actor and returns those that are still there when patience is over.
func stopAll(sys *kit.System) []kit.Row {
	var left []kit.Row
	Eventually(func() bool {
		left = sys.Table()
		for _, row := range left {
			sys.Stop(row.Addr) // again for what was spawned meanwhile; stopping twice is harmless
		}
		return len(left) == 0
	})
	return left
}

// Eventually looks at a fact until it holds or Patience is over, and tells whether it held. It polls: prefer Probe.Wait or
// synctest.Wait where they can tell.
func Eventually(holds func() bool) bool {
	for deadline := time.Now().Add(Patience); ; <-time.After(time.Millisecond) {
		if holds() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}
