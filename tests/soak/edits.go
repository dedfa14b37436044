package main

import (
	"fmt"
	"slices"
	"time"
)

// edits picks what to change next: every sort in turn, each of another account than before.
type edits struct {
	*editor
	sorts  []sortOf
	turn   int
	last   int // account that was picked
	bases  []string
	at     int           // which of them is served
	levels []string      // of the log
	gap    time.Duration // between two moves of the listener
	moved  time.Time
}

// sortOf is one sort of edit. It runs on a goroutine of its own; an error is the end of the editing.
type sortOf struct {
	name string
	do   func(e *edits, name string) error
}

// everySort is all of them, in the order in which they are met.
var everySort = []sortOf{
	{"settings of an account", (*edits).relabel},
	{"a path moves", (*edits).movePath},
	{"disable", (*edits).disable},
	{"limits", (*edits).limits},
	{"a secret is replaced", (*edits).rotate},
	{"an agent", (*edits).agent},
	{"remove", (*edits).remove},
	{"two paths are swapped", (*edits).swap},
	{"a comment", (*edits).comment},
	{"bindings", (*edits).bind},
	{"the secret file", (*edits).rotateFile},
	{"the included file", (*edits).include},
	{"a plugin", (*edits).plugin},
	{"there and back", (*edits).revert},
	{"the key of answers", (*edits).callback},
	{"the listener moves", (*edits).listen},
}

// next is the next job.
func (e *edits) next() func() {
	one := e.sorts[e.turn%len(e.sorts)]
	e.turn++
	return func() { _ = one.do(e, one.name) } // the only error is that the editing is over
}

// pick takes an account that nobody else edits and that fits; nil if there is none. It is given back with free.
func (e *edits) pick(fits func(*account) bool) *account {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.settings.accounts
	for range all {
		e.last++
		if a := all[e.last%len(all)]; !a.busy && fits(a) {
			a.busy = true
			return a
		}
	}
	return nil
}

func (e *edits) free(accounts ...*account) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range accounts {
		a.busy = false
	}
}

// plain are the accounts that stand in the main file with their secrets, and lonely those of them that share no path.
func plain(a *account) bool  { return !a.included && a.files == nil }
func lonely(a *account) bool { return plain(a) && !a.shares() }

// with picks an account and does something with it; where none is free a comment is written instead.
func (e *edits) with(fits func(*account) bool, do func(*account) error) error {
	a := e.pick(fits)
	if a == nil {
		return e.comment("a comment")
	}
	defer e.free(a)
	return do(a)
}

// settled has senders go over to what is live now, and waits for what they posted before.
func settled(change func(*target), accounts ...*account) {
	var waits []func()
	for _, a := range accounts {
		waits = append(waits, a.follow(change))
	}
	for _, wait := range waits {
		wait()
	}
}

func (e *edits) comment(name string) error {
	_, err := e.save(name, mainFile, func(s *settings) { s.comment++ })
	return err
}

// relabel changes settings that need a new run and nothing else.
func (e *edits) relabel(name string) error {
	return e.with(plain, func(a *account) error {
		_, err := e.save(name, mainFile, func(s *settings) {
			s.comment++
			a.label, a.history = fmt.Sprintf("%s, version %d", a.name, s.comment), 10+s.comment%20
		})
		return err
	})
}

func (e *edits) include(name string) error {
	return e.with(func(a *account) bool { return a.included }, func(a *account) error {
		_, err := e.save(name, includedFile, func(s *settings) {
			s.comment++
			a.label = fmt.Sprintf("%s, included version %d", a.name, s.comment)
		})
		return err
	})
}

// movePath gives an account another path. Its sender follows when that is live; what it has posted until then goes to the
// path that is held.
func (e *edits) movePath(name string) error {
	return e.with(lonely, func(a *account) error {
		const moved = "/moved"
		path := a.path + moved
		if rest, is := cutSuffix(a.path, moved); is {
			path = rest
		}
		if err := e.saveLive(name, mainFile, func(*settings) { a.path = path }); err != nil {
			return err
		}
		settled(func(t *target) { t.path = path }, a)
		return nil
	})
}

func cutSuffix(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n > 0 && s[n:] == suffix {
		return s[:n], true
	}
	return s, false
}

// swap exchanges the paths of two accounts of one kind in one save.
func (e *edits) swap(name string) error {
	return e.with(lonely, func(a *account) error {
		b := e.pick(func(b *account) bool { return lonely(b) && b.kind == a.kind })
		if b == nil {
			return e.comment("a comment")
		}
		defer e.free(b)
		if err := e.saveLive(name, mainFile, func(*settings) { a.path, b.path = b.path, a.path }); err != nil {
			return err
		}
		settleA, settleB := a.follow(func(t *target) { t.path = a.path }), b.follow(func(t *target) { t.path = b.path })
		settleA()
		settleB()
		return nil
	})
}

// rotate replaces a secret as an operator does: both are accepted, the sender goes over, the old one is taken out.
func (e *edits) rotate(name string) error {
	return e.with(plain, func(a *account) error {
		fresh := newSecret(a.scheme)
		if err := e.saveLive(name, mainFile, func(*settings) { a.secrets = append(slices.Clone(a.secrets), fresh) }); err != nil {
			return err
		}
		settled(func(t *target) { t.secret = fresh }, a)
		return e.saveLive(name, mainFile, func(*settings) { a.secrets = []string{fresh} })
	})
}

// rotateFile does the same where each secret stands in a file: the one that is not in use is replaced.
func (e *edits) rotateFile(name string) error {
	return e.with(func(a *account) bool { return a.files != nil }, func(a *account) error {
		fresh := newSecret(a.scheme)
		a.mu.Lock()
		unused := 0
		if a.target.secret == a.secrets[0] {
			unused = 1
		}
		a.mu.Unlock()
		file := a.files[unused]
		if err := e.saveLive(name, file, func(s *settings) { a.secrets[unused], s.secrets[file] = fresh, fresh }); err != nil {
			return err
		}
		settled(func(t *target) { t.secret = fresh }, a)
		return nil
	})
}

// callback replaces the secret that answers are signed with; the receiver knows both.
func (e *edits) callback(name string) error {
	return e.with(func(a *account) bool { return plain(a) && a.kind == webhooks }, func(a *account) error {
		fresh := newSecret(standard)
		a.expect(fresh)
		_, err := e.save(name, mainFile, func(*settings) { a.callback = fresh })
		return err
	})
}

func (e *edits) limits(name string) error {
	_, err := e.save(name, mainFile, func(s *settings) {
		s.comment++
		s.inFlight, s.timeout = 48+s.comment%3*16, fmt.Sprintf("%ds", 20+s.comment%3*10)
		s.level = e.levels[s.comment%len(e.levels)]
	})
	return err
}

// agent changes how the second agent answers, and has it come and go.
func (e *edits) agent(name string) error {
	_, err := e.save(name, mainFile, func(s *settings) {
		s.comment++
		s.helper = s.comment%4 != 0
		s.prefix = fmt.Sprintf("%d: ", s.comment)
	})
	return err
}

func (e *edits) bind(name string) error {
	_, err := e.save(name, mainFile, func(s *settings) { s.bound = (s.bound + 1) % 4 })
	return err
}

// plugin has the console go and come, and come with other settings.
func (e *edits) plugin(name string) error {
	_, err := e.save(name, mainFile, func(s *settings) {
		s.comment++
		s.console, s.wait = !s.console, fmt.Sprintf("%ds", 10+s.comment%20)
	})
	return err
}

// disable switches an account off or on that carries no load.
func (e *edits) disable(name string) error {
	_, err := e.save(name, mainFile, func(s *settings) {
		s.comment++
		one := s.spares[s.comment%len(s.spares)]
		one.there, one.enabled = true, !one.enabled
	})
	return err
}

func (e *edits) remove(name string) error {
	_, err := e.save(name, mainFile, func(s *settings) {
		s.comment++
		one := s.spares[s.comment%len(s.spares)]
		one.there = !one.there
	})
	return err
}

// revert changes something and takes it back at once, so that it may never have been live.
func (e *edits) revert(name string) error {
	return e.with(plain, func(a *account) error {
		label := a.label
		if _, err := e.save(name, mainFile, func(*settings) { a.label = "not for long" }); err != nil {
			return err
		}
		_, err := e.save(name, mainFile, func(*settings) { a.label = label })
		return err
	})
}

// listen moves the listener to the next of its addresses. All senders follow when it is there. It stays for a while, as it
// would: the address before is let go meanwhile.
func (e *edits) listen(name string) error {
	e.mu.Lock()
	early := time.Since(e.moved) < e.gap
	if !early {
		e.moved = time.Now().Add(time.Hour) // until it has
	}
	e.mu.Unlock()
	if early {
		return e.comment("a comment")
	}
	e.at++
	base := e.bases[e.at%len(e.bases)]
	if err := e.saveLive(name, mainFile, func(s *settings) { s.listen = base }); err != nil {
		return err
	}
	settled(func(t *target) { t.base = "http://" + base }, e.settings.accounts...)
	e.mu.Lock()
	e.moved = time.Now()
	e.mu.Unlock()
	return nil
}
