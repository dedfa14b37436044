package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"holdfast/tests/explore"
)

const (
	command = "./tests/explore/search"
	module  = "holdfast/actors/"
)

// bench builds workers and runs them.
type bench struct {
	root string // of the module
	dir  string // for what is built
	live bool   // a terminal is there

	together map[string]string        // the builds that can be any guard: tests by their folder, and the worker
	within   map[string]time.Duration // how long those tests may take
	slow     map[string]string        // which of them are slow
}

func newBench(ctx context.Context) (*bench, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "explore-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for what is built: %w", err)
	}
	return &bench{root: root, dir: dir, live: isatty.IsTerminal(os.Stderr.Fd())}, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// build makes a worker.
func (b *bench) build(ctx context.Context, name string, flags ...string) (string, error) {
	file := filepath.Join(b.dir, name)
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", file}, flags...), command)...)
	cmd.Dir = b.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build a worker: %w\n%s", err, out)
	}
	return file, nil
}

// worlds has all worlds searched, with coverage.
func (b *bench) worlds(ctx context.Context, w work, r *result) error {
	packages := []string{strings.Replace(command, "./", "holdfast/", 1)} // without the command itself nothing is written
	for _, m := range explore.Machines {
		packages = append(packages, module+m)
	}
	worker, err := b.build(ctx, "covered", "-cover", "-coverpkg="+strings.Join(packages, ","))
	if err != nil {
		return err
	}
	data := filepath.Join(b.dir, "coverage")
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("make a folder for the coverage: %w", err)
	}
	r.Complete = true
	err = b.follow(ctx, worker, w, []string{"GOCOVERDIR=" + data}, func(n news) { b.tell(n, r) })
	if err != nil {
		return err
	}
	return b.arms(ctx, data, r)
}

// follow runs a worker and hands on what it says.
func (b *bench) follow(ctx context.Context, worker string, w work, environ []string, each func(news)) error {
	cmd := exec.CommandContext(ctx, worker, w.args()...)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("run a worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run a worker: %w", err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var n news
		if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
			return errors.Join(fmt.Errorf("a worker said %q: %w", lines.Text(), err), cmd.Wait())
		}
		each(n)
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		return fmt.Errorf("run a worker: %w", err)
	}
	return nil
}

// tell shows what a worker says and counts it.
func (b *bench) tell(n news, r *result) {
	if !n.Done {
		b.progress("%s: %d states", n.World, n.States)
		return
	}
	b.progress("")
	switch {
	case n.Walks > 0:
		fmt.Printf("%-18s %9d walks   %s\n", n.World, n.Walks, n.Title)
	case n.Complete:
		r.Worlds++
		fmt.Printf("%-18s %9d states  %s\n", n.World, n.States, n.Title)
	default:
		r.Worlds++
		fmt.Printf("%-18s %9d states  %s (not all of it)\n", n.World, n.States, n.Title)
	}
	r.States += n.States
	r.Complete = r.Complete && n.Complete
	if n.Broken != nil {
		r.Violations++
		fmt.Printf("  BROKEN %s: %s\n  %s\n", n.Broken.Law, n.Broken.What, strings.Join(n.Broken.History, "\n  "))
	}
}

// progress is one line that is written over; nothing without a terminal.
func (b *bench) progress(format string, args ...any) {
	if b.live {
		fmt.Fprintf(os.Stderr, "\r\x1b[K"+format, args...)
	}
}

// arms counts the inputs that were given.
func (b *bench) arms(ctx context.Context, data string, r *result) error {
	profile := filepath.Join(b.dir, "profile")
	if out, err := exec.CommandContext(ctx, "go", "tool", "covdata", "textfmt", "-i="+data, "-o="+profile).CombinedOutput(); err != nil {
		return fmt.Errorf("read the coverage: %w\n%s", err, out)
	}
	arms, err := explore.Arms(b.root)
	if err != nil {
		return err
	}
	if err := explore.Cover(arms, profile); err != nil {
		return err
	}
	for _, a := range arms {
		if r.ArmsTotal++; a.Covered {
			r.ArmsCovered++
		} else {
			fmt.Printf("never taken: %s:%d: case %s\n", a.File, a.Line, a.Text)
		}
	}
	return nil
}
