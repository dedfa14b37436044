package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"holdfast/tests/explore"
)

// work says what a worker does.
type work struct {
	quick bool
	only  string
	first bool
	walks int
	limit int
	tests bool // of the machine's own package come first
}

// args hands the work to a worker of its own.
func (w work) args() []string {
	return []string{
		"-worker", fmt.Sprintf("-quick=%t", w.quick), "-worlds=" + w.only, fmt.Sprintf("-first=%t", w.first),
		fmt.Sprintf("-walks=%d", w.walks), fmt.Sprintf("-limit=%d", w.limit),
	}
}

// news is one line of a worker: how far a world is, or what came of it.
type news struct {
	World    string             `json:"world"`
	Title    string             `json:"title"`
	States   int                `json:"states"`
	Walks    int                `json:"walks,omitempty"`
	Done     bool               `json:"done"`
	Complete bool               `json:"complete"`
	Broken   *explore.Violation `json:"broken,omitempty"`
}

// search goes through the worlds, smallest first, and writes what it finds.
func (w work) search(out io.Writer) error {
	debug.SetGCPercent(300) // little lives long, and there is memory
	lines := json.NewEncoder(out)
	plans := explore.Plans()
	slices.SortStableFunc(plans, func(a, b explore.Plan) int { return rank(a) - rank(b) })
	for _, p := range plans {
		if !w.wants(p) {
			continue
		}
		world, err := p.World()
		if err != nil {
			return err
		}
		n := news{World: p.Name, Title: p.Title}
		said := time.Now()
		outcome := world.Search(explore.Limits{States: w.limit, Progress: func(states, _ int) {
			if n.States = states; time.Since(said) > time.Second {
				said = time.Now()
				_ = lines.Encode(n)
			}
		}})
		n.States, n.Complete, n.Broken, n.Done = outcome.States, outcome.Complete, outcome.Broken, true
		if err := lines.Encode(n); err != nil {
			return err
		}
		if n.Broken != nil && w.first {
			return nil
		}
	}
	return w.walk(lines)
}

// walk goes through the larger worlds at random.
func (w work) walk(lines *json.Encoder) error {
	number := w.walks
	if w.quick {
		number /= 20
	}
	for _, p := range explore.Larger() {
		if w.only != "" && !w.wants(p) {
			continue
		}
		world, err := p.World()
		if err != nil {
			return err
		}
		done, broken := world.Walk(explore.Walks{Number: number, Steps: 300, Seed: 1})
		if err := lines.Encode(news{World: p.Name, Title: p.Title, Walks: done, Done: true, Complete: true, Broken: broken}); err != nil {
			return err
		}
		if broken != nil && w.first {
			return nil
		}
	}
	return nil
}

func rank(p explore.Plan) int {
	if p.Quick {
		return 0
	}
	return 1
}

func (w work) wants(p explore.Plan) bool {
	if w.only != "" {
		return slices.Contains(strings.Split(w.only, ","), p.Name)
	}
	return p.Quick || !w.quick
}
