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
	ahead string // of all others
	first bool
	walks int
	limit int
	ask   string
}

// byTests and bySearch are who can be asked about a defect; the tests, of the machine's own package, come first.
const (
	byTests  = "tests"
	bySearch = "search"
)

// asks tells whether they are asked about a defect in a machine that is searched.
func (w work) asks(whom string) bool { return w.ask == "both" || w.ask == whom }

// args hands the work to a worker of its own.
func (w work) args() []string {
	return []string{
		"-worker", fmt.Sprintf("-quick=%t", w.quick), "-worlds=" + w.only, "-ahead=" + w.ahead, fmt.Sprintf("-first=%t", w.first),
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
	ahead := plans(func(p explore.Plan) bool { return p.Name == w.ahead })
	small := plans(func(p explore.Plan) bool { return p.Name != w.ahead && p.Quick })
	large := plans(func(p explore.Plan) bool { return p.Name != w.ahead && !p.Quick })
	parts := []func(*json.Encoder) (bool, error){w.exhaust(ahead), w.exhaust(small), w.exhaust(large), w.walk}
	if w.first {
		parts[2], parts[3] = parts[3], parts[2] // a defect is rather found by chance than by the largest worlds
	}
	for _, part := range parts {
		if broken, err := part(lines); err != nil || broken && w.first {
			return err
		}
	}
	return nil
}

// plans are the small worlds of one sort.
func plans(are func(explore.Plan) bool) []explore.Plan {
	return slices.DeleteFunc(explore.Plans(), func(p explore.Plan) bool { return !are(p) })
}

// exhaust visits all states of worlds, and tells whether a law is broken.
func (w work) exhaust(plans []explore.Plan) func(*json.Encoder) (bool, error) {
	return func(lines *json.Encoder) (broken bool, err error) {
		for _, p := range plans {
			if !w.wants(p) {
				continue
			}
			n, err := w.world(p, lines)
			if err != nil {
				return false, err
			}
			if broken = broken || n.Broken != nil; broken && w.first {
				break
			}
		}
		return broken, nil
	}
}

// world visits all states of one world.
func (w work) world(p explore.Plan, lines *json.Encoder) (news, error) {
	n := news{World: p.Name, Title: p.Title}
	world, err := p.World()
	if err != nil {
		return n, err
	}
	said := time.Now()
	outcome := world.Search(explore.Limits{States: w.limit, Progress: func(states, _ int) {
		if n.States = states; time.Since(said) > time.Second {
			said = time.Now()
			_ = lines.Encode(n)
		}
	}})
	n.States, n.Complete, n.Broken, n.Done = outcome.States, outcome.Complete, outcome.Broken, true
	return n, lines.Encode(n)
}

// walk goes through the larger worlds at random.
func (w work) walk(lines *json.Encoder) (found bool, err error) {
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
			return false, err
		}
		done, broken := world.Walk(explore.Walks{Number: number, Steps: 300, Seed: 1})
		if err := lines.Encode(news{World: p.Name, Title: p.Title, Walks: done, Done: true, Complete: true, Broken: broken}); err != nil {
			return false, err
		}
		if found = found || broken != nil; found && w.first {
			break
		}
	}
	return found, nil
}

func (w work) wants(p explore.Plan) bool {
	if w.only != "" {
		return slices.Contains(strings.Split(w.only, ","), p.Name)
	}
	return p.Quick || !w.quick
}
