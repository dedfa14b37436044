package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"holdfast/actors/reload"
	"holdfast/tests/rig"
)

// Rates of what is done to the configuration while it is edited.
const (
	editEvery   = 250 * time.Millisecond
	reloadEvery = time.Second / 6
	reloadsMost = 16 // calls without an answer at a time
)

// editor changes the files and calls for reloads. An edit is a job of one or more saves, which may wait until one is live.
// Jobs take turns.
type editor struct {
	dir     string
	gateway *rig.Gateway
	turns   chan struct{}
	stopped context.Context //nolint:containedctx // the end of the editing, which jobs wait for besides their turns

	mu       sync.Mutex // of the settings and files
	settings *settings
	edits    int
	saved    map[string]int // by sort of edit
	writing  []span         // during which a file was not whole

	books   sync.Mutex
	applied time.Time // everything that was saved before is live
	change  *sync.Cond
	reloads int
	refused int
	faults  []string
	done    []doing
	pending sync.WaitGroup
}

// span is a time from and to.
type span struct{ from, to time.Time }

func newEditor(ctx context.Context, dir string, s *settings, g *rig.Gateway) *editor {
	e := &editor{dir: dir, gateway: g, turns: make(chan struct{}), stopped: ctx, settings: s, saved: map[string]int{}}
	e.change = sync.NewCond(&e.books)
	context.AfterFunc(ctx, e.wake)
	return e
}

// wake has jobs that wait look again. The lock is taken so that none of them misses it.
func (e *editor) wake() {
	e.books.Lock()
	defer e.books.Unlock()
	e.change.Broadcast()
}

var errStopped = errors.New("the editing is over")

// save waits for a turn, changes the settings, and saves the file that holds them. It returns when that was.
func (e *editor) save(what, file string, edit func(*settings)) (time.Time, error) {
	select {
	case <-e.turns:
	case <-e.stopped.Done():
		return time.Time{}, errStopped
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	edit(e.settings)
	how := ways[e.edits%len(ways)]
	if strings.HasPrefix(file, "secrets/") {
		how = ways[1] // half a secret is a secret as well
	}
	began := time.Now()
	err := how.save(in(e.dir, file), e.settings.text(file))
	ended := time.Now()
	if !how.whole {
		e.writing = append(e.writing, span{began, ended})
	}
	e.note("saved "+how.name+": "+what, began, ended)
	e.edits++
	e.saved[what]++
	if err != nil {
		e.fault("save %s %s: %v", file, how.name, err)
	}
	return ended, nil
}

// note keeps what was done to the configuration.
func (e *editor) note(what string, from, to time.Time) {
	e.books.Lock()
	defer e.books.Unlock()
	e.done = append(e.done, doing{what, span{from, to}})
}

// live waits until what was saved at a time is live.
func (e *editor) live(saved time.Time) error {
	e.books.Lock()
	defer e.books.Unlock()
	for !e.applied.After(saved) {
		if e.stopped.Err() != nil {
			return errStopped
		}
		e.change.Wait()
	}
	return nil
}

// saveLive is save and live.
func (e *editor) saveLive(what, file string, edit func(*settings)) error {
	at, err := e.save(what, file, edit)
	if err != nil {
		return err
	}
	return e.live(at)
}

// edit begins jobs and gives turns, until ctx ends. A job that waits for a turn comes before a new one.
func (e *editor) edit(ctx context.Context, next func() func()) {
	tick := time.NewTicker(editEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case e.turns <- struct{}{}:
			continue
		default:
		}
		job := next()
		e.pending.Go(job)
		select {
		case e.turns <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// reload calls for reloads at a constant rate until ctx ends, and returns when all have been answered.
func (e *editor) reload(ctx context.Context) {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	var calls sync.WaitGroup
	defer calls.Wait()
	room := make(chan struct{}, reloadsMost)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case room <- struct{}{}:
		default:
			continue
		}
		calls.Go(func() {
			defer func() { <-room }()
			e.reloadOnce()
		})
	}
}

// reloadOnce calls for one and judges it.
func (e *editor) reloadOnce() {
	began := time.Now()
	var r reload.Report
	err := e.gateway.Call("reload", nil, &r)
	ended := time.Now()
	whole := e.whole(began, ended)
	e.note(fmt.Sprintf("reload: %d units, %s", len(r.Units), r.Err), began, ended)
	e.books.Lock()
	defer e.books.Unlock()
	if err != nil {
		e.faultLocked("reload: %v", err)
		return
	}
	e.reloads++
	switch {
	case r.Err != "" && whole:
		e.faultLocked("a whole configuration was refused at %s: %s %v", began.Format(clock), r.Err, r.Problems)
	case r.Err != "":
		e.refused++
	default:
		for unit, v := range r.Units {
			if v.Result == "failed" {
				e.faultLocked("reload at %s: %s failed: %s", began.Format(clock), unit, v.Reason)
			}
		}
		if began.After(e.applied) {
			e.applied = began
		}
		e.change.Broadcast()
	}
}

// whole tells whether every file was whole during all of that time.
func (e *editor) whole(from, to time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.writing {
		if w.from.Before(to) && from.Before(w.to) {
			return false
		}
	}
	return true
}

// fault notes what should not be.
func (e *editor) fault(format string, args ...any) {
	e.books.Lock()
	defer e.books.Unlock()
	e.faultLocked(format, args...)
}

func (e *editor) faultLocked(format string, args ...any) {
	e.faults = append(e.faults, fmt.Sprintf(format, args...))
}

// begin writes every file for the first time.
func begin(dir string, s *settings) error {
	for _, folder := range []string{"secrets", "conf.d"} {
		if err := os.MkdirAll(in(dir, folder), 0o700); err != nil {
			return err
		}
	}
	for _, file := range s.files() {
		if err := os.WriteFile(in(dir, file), []byte(s.text(file)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// count is how many files have been saved.
func (e *editor) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.edits
}
