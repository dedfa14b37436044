package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// bench is the command line, and what every measurement is given.
type bench struct {
	Gateway string `default:"bin/gateway" help:"The gateway's binary."`
	Peer    string `default:"bin/peer" help:"The load generator's binary."`
	Dir     string `default:"bin" help:"Where folders with state are made, and removed again. It must be on a disk."`
	Out     string `default:"tests/BENCH.md" help:"Where the results of a whole run are written."`
	Quick   bool   `help:"One short round, smaller numbers; nothing is written."`
	Only    string `placeholder:"PART" help:"One part only, nothing is written: ${parts}."`
	Rounds  int    `default:"5" help:"Rounds."`
	Profile string `placeholder:"DIR" help:"Measure nothing: leave profiles of the durable path under load in this folder."`

	self    string   // this binary: it is the other servers as well
	command []string // that starts a gateway
	out     *report

	mu   sync.Mutex
	ends []func() // of what must not outlive this process; each may be called twice
}

// atEnd has something be done when the process is interrupted.
func (b *bench) atEnd(end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ends = append(b.ends, end)
}

// interrupted ends everything that was started, latest first, and this process.
func (b *bench) interrupted(signals <-chan os.Signal) {
	<-signals
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, end := range slices.Backward(b.ends) {
		end()
	}
	os.Exit(130)
}

func main() {
	if code, served := serve(os.Args[1:]); served {
		os.Exit(code)
	}
	b := &bench{out: &report{began: time.Now(), figures: map[string]any{}}}
	kong.Parse(b, kong.Name("bench"), kong.Description("Measures the gateway. The last line is one JSON object."), kong.Vars{"parts": partNames()})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go b.interrupted(signals)
	if err := b.measureAll(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parts are what is measured, in this order.
var parts = []struct {
	name    string
	measure func(*bench) error
	main    bool // it is a part of a quick run
}{
	{"accept", (*bench).accept, true},
	{"through", (*bench).through, true},
	{"starts", (*bench).starts, true},
	{"sizes", (*bench).sizes, true},
	{"conversations", (*bench).conversations, false},
}

func partNames() string {
	var names string
	for i, p := range parts {
		if i > 0 {
			names += ", "
		}
		names += p.name
	}
	return names
}

// measureAll measures everything, or makes profiles.
func (b *bench) measureAll() error {
	if err := b.prepare(); err != nil {
		return err
	}
	if b.Profile != "" {
		return b.profiles()
	}
	found := false
	for _, p := range parts {
		if b.Only != p.name && (b.Only != "" || b.Quick && !p.main) {
			continue
		}
		found = true
		began := time.Now()
		if err := p.measure(b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("%s took %.1f s\n\n", p.name, time.Since(began).Seconds())
	}
	if !found {
		return fmt.Errorf("there is no part %q: want one of %s", b.Only, partNames())
	}
	return b.out.end(b)
}

// prepare finds the binaries and looks at the disk.
func (b *bench) prepare() error {
	for _, path := range []*string{&b.Gateway, &b.Peer, &b.Dir, &b.Profile} {
		if *path == "" {
			continue
		}
		whole, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = whole
	}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	b.command = []string{b.Gateway}
	if b.Quick {
		b.Rounds = 1
	}
	if b.out.machine, err = machineOf(b.Dir); err != nil {
		return err
	}
	size, err := os.Stat(b.Gateway)
	if err != nil {
		return fmt.Errorf("find the gateway: %w: make build makes it", err)
	}
	fmt.Println(b.out.machine)
	b.out.figure("binary_mb", megabytes(size.Size()))
	return nil
}

// pick is the first in a quick run, else the second.
func pick[T any](b *bench, quick, whole T) T {
	if b.Quick {
		return quick
	}
	return whole
}
