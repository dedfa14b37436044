package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"holdfast/tests/explore"
)

// mutants tries every defect and names those that nobody found.
func (b *bench) mutants(ctx context.Context, w work, all []explore.Mutant) (survivors []string, err error) {
	if err := b.buildTogether(ctx, w, all); err != nil {
		return nil, err
	}
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		next = make(chan explore.Mutant)
		done int
	)
	for k := range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for m := range next {
				began := time.Now()
				found, fault := b.try(ctx, w, fmt.Sprint("mutant", k), m)
				mu.Lock()
				done++
				b.progress("")
				switch {
				case fault != nil:
					err = errors.Join(err, fault)
				case found == "":
					survivors = append(survivors, m.Name)
					fmt.Printf("NOT FOUND  %s (%.1f s)\n", m.Name, time.Since(began).Seconds())
				default:
					fmt.Printf("found      %s: %s (%.1f s)\n", m.Name, found, time.Since(began).Seconds())
				}
				b.progress("%d of %d defects", done, len(all))
				mu.Unlock()
			}
		})
	}
	for _, m := range all {
		next <- m
	}
	close(next)
	wg.Wait()
	b.progress("")
	return survivors, err
}

// searched names the worker among the builds that can be any guard.
const searched = "worker"

// buildTogether builds what can be any of the guards: the tests of their packages, and a worker if the search is asked.
func (b *bench) buildTogether(ctx context.Context, w work, all []explore.Mutant) error {
	folders := map[string]bool{}
	var guards []explore.Mutant
	for _, m := range all {
		if m.Choice != "" {
			guards = append(guards, m)
			folders[path.Dir(m.File)] = folders[path.Dir(m.File)] || m.Searched()
		}
	}
	if len(guards) == 0 {
		return nil
	}
	overlay, err := explore.Together(b.root, b.dir, guards)
	if err != nil {
		return err
	}
	b.together, b.within, b.slow = map[string]string{}, map[string]time.Duration{}, map[string]string{}
	for folder, inWorlds := range folders {
		file := filepath.Join(b.dir, path.Base(folder)+".test")
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", file, "./"+folder)
		cmd.Dir = b.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the tests of %s: %w\n%s", folder, err, out)
		}
		b.together[folder] = file
		began := time.Now()
		out, err := b.testing(ctx, folder, "", testsWithin, "-test.v").CombinedOutput()
		if err != nil {
			return fmt.Errorf("the tests of %s fail without a defect: %w\n%s", folder, err, out)
		}
		b.within[folder] = shortest + times*time.Since(began)
		b.slow[folder] = slow(string(out))
		if inWorlds && w.asks(bySearch) && b.together[searched] == "" {
			if b.together[searched], err = b.build(ctx, searched, "-overlay", overlay); err != nil {
				return err
			}
		}
	}
	return nil
}

// try has a defect looked for by those who are asked.
func (b *bench) try(ctx context.Context, w work, name string, m explore.Mutant) (found string, err error) {
	var overlay string
	if m.Choice == "" {
		dir, err := os.MkdirTemp(b.dir, name)
		if err != nil {
			return "", fmt.Errorf("make a folder for a defect: %w", err)
		}
		defer os.RemoveAll(dir)
		if overlay, err = m.Apply(b.root, dir); err != nil {
			return "", err
		}
	}
	if w.asks(byTests) || !m.Searched() {
		if found, err := b.tested(ctx, overlay, m); found != "" || err != nil {
			return found, err
		}
	}
	if !w.asks(bySearch) || !m.Searched() {
		return "", nil
	}
	worker := b.together[searched]
	if overlay != "" {
		if worker, err = b.build(ctx, name, "-overlay", overlay); err != nil {
			return "", fmt.Errorf("mutant %q: %w", m.Name, err)
		}
	}
	w.first, w.ahead, w.walks = true, m.In, min(w.walks, 100)
	fault := b.follow(ctx, worker, w, []string{"GOMAXPROCS=1", chosenAs(m.Choice)}, func(n news) {
		if n.Broken != nil {
			found = n.Broken.Law + ", in " + n.World
		}
	})
	if fault != nil && found == "" && ctx.Err() == nil {
		return "the search itself ended: " + fault.Error(), nil
	}
	return found, ctx.Err()
}

// chosenAs is the environment of a build with all guards in which it is this one.
func chosenAs(choice string) string { return explore.Chosen + "=" + choice }

// Tests of a machine that goes round in a circle do not end by themselves.
const (
	testsWithin = time.Minute     // bounds the tests of one package
	shortest    = 5 * time.Second // and those of a guard by this,
	times       = 5               // and so many times what they take without a defect
)

// testing are the tests of a package in the build that can be any guard of it; none of them if choice is empty.
func (b *bench) testing(ctx context.Context, folder, choice string, within time.Duration, flags ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.together[folder], append(flags, "-test.failfast", "-test.timeout", within.String())...)
	cmd.Dir = filepath.Join(b.root, filepath.FromSlash(folder))
	cmd.Env = append(os.Environ(), chosenAs(choice))
	return cmd
}

// tested has the machine's own tests look for a defect, which take a second where a search takes many.
func (b *bench) tested(ctx context.Context, overlay string, m explore.Mutant) (found string, err error) {
	folder := path.Dir(m.File)
	if m.Choice != "" {
		return b.guarded(ctx, folder, m)
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-failfast", "-overlay", overlay, "-timeout", testsWithin.String(), "./"+folder)
	cmd.Dir = b.root
	return ended(ctx, cmd, m)
}

// guarded asks the tests of a guard's package, the slow ones only if the others find nothing.
func (b *bench) guarded(ctx context.Context, folder string, m explore.Mutant) (found string, err error) {
	parts := [][]string{{"-test.skip", b.slow[folder]}, {"-test.run", b.slow[folder]}}
	if b.slow[folder] == "" {
		parts = [][]string{nil}
	}
	for _, flags := range parts {
		found, err = ended(ctx, b.testing(ctx, folder, m.Choice, b.within[folder], flags...), m)
		if found == endless { // or the processor was with somebody else
			found, err = ended(ctx, b.testing(ctx, folder, m.Choice, b.within[folder], flags...), m)
		}
		if found != "" || err != nil {
			break
		}
	}
	return found, err
}

// passed is the line of a test that passed, with its seconds.
var passed = regexp.MustCompile(`(?m)^--- PASS: (\w+) \((\d+)\.\d+s\)$`)

// slow are the tests that took a second or more, as an expression for their names; empty: none did.
func slow(out string) string {
	var names []string
	for _, line := range passed.FindAllStringSubmatch(out, -1) {
		if line[2] != "0" {
			names = append(names, line[1])
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// ended runs tests and says how they ended; nothing if they passed.
func ended(ctx context.Context, cmd *exec.Cmd, m explore.Mutant) (found string, err error) {
	out, fault := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case fault == nil:
		return "", nil
	case strings.Contains(string(out), "[build failed]") || strings.Contains(string(out), "[setup failed]"):
		return "", fmt.Errorf("mutant %q: %s", m.Name, out)
	case strings.Contains(string(out), "panic: test timed out"):
		return endless, nil
	}
	if name := failed.FindStringSubmatch(string(out)); name != nil {
		return "its own test " + name[1], nil
	}
	return "its own tests", nil
}

const endless = "its own tests did not end"

// failed is the line of a test that failed.
var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
