// Command search exhausts the small worlds of package explore, walks through the larger ones, counts which inputs of the
// machines were given, and has every defect made by hand found. It builds itself for that: once with coverage, and once for
// every defect, each laid over the sources of one build. Its last line is one JSON object.
//
// It exits 1 if a law was broken, a world was not exhausted, or a defect was not found.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"holdfast/tests/explore"
)

// result is the last line.
type result struct {
	Worlds       int     `json:"worlds"`
	States       int     `json:"states"`
	Complete     bool    `json:"complete"`
	ArmsCovered  int     `json:"arms_covered"`
	ArmsTotal    int     `json:"arms_total"`
	Mutants      int     `json:"mutants"`
	MutantsFound int     `json:"mutants_found"`
	Violations   int     `json:"violations"`
	Seconds      float64 `json:"seconds"`
}

func main() {
	w := work{}
	worker := flag.Bool("worker", false, "only search, and write what was found as JSON, one line for each world")
	guards := flag.Bool("guards", false, "try every guard of every machine, dropped and always taken, instead of the defects made by hand; survivors are listed")
	flag.BoolVar(&w.quick, "quick", false, "the smallest worlds and a few defects only")
	flag.StringVar(&w.only, "worlds", "", "only worlds with these names, separated by commas")
	flag.StringVar(&w.ahead, "ahead", "", "the world to begin with")
	flag.BoolVar(&w.first, "first", false, "end with the first violation")
	flag.IntVar(&w.walks, "walks", 500, "walks through each of the larger worlds")
	flag.IntVar(&w.limit, "limit", 1_000_000, "states of one world after which it is given up")
	flag.StringVar(&w.ask, "ask", bySearch, "who looks for a defect in a machine of the worlds: tests (of its own package), search, or both")
	match := flag.String("match", "", "only defects, or guards, of whose name this regular expression is a part")
	flag.Parse()
	if *worker {
		if err := w.search(os.Stdout); err != nil {
			fatal(err)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx, w, *guards, *match)
	if err != nil {
		fatal(err)
	}
	if !ok {
		stop()
		os.Exit(1)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "search:", err)
	os.Exit(1)
}

// run does it all and tells whether all is well.
func run(ctx context.Context, w work, guards bool, match string) (bool, error) {
	began := time.Now()
	b, err := newBench(ctx)
	if err != nil {
		return false, err
	}
	defer b.close()
	var r result
	if !guards && match == "" {
		if err := b.worlds(ctx, w, &r); err != nil {
			return false, err
		}
	}
	mutants, err := chosen(b.root, w.quick, guards, match)
	if err != nil {
		return false, err
	}
	survivors, err := b.mutants(ctx, w, mutants)
	if err != nil {
		return false, err
	}
	r.Mutants, r.MutantsFound = len(mutants), len(mutants)-len(survivors)
	r.Seconds = float64(time.Since(began).Milliseconds()) / 1000
	line, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	fmt.Println(string(line))
	return r.Violations == 0 && (guards || r.Complete && len(survivors) == 0), nil
}

// chosen are the defects to try. Of those made by hand, every sixth is tried every day.
func chosen(root string, quick, guards bool, match string) ([]explore.Mutant, error) {
	all := explore.Defects()
	if guards {
		var err error
		if all, err = explore.Guards(root); err != nil {
			return nil, err
		}
	} else if err := explore.Check(root, all); err != nil {
		return nil, err
	}
	wanted, err := regexp.Compile(match)
	if err != nil {
		return nil, fmt.Errorf("-match: %w", err)
	}
	var out []explore.Mutant
	for i, m := range all {
		if wanted.MatchString(m.Name) && (!quick || guards || i%6 == 0) {
			out = append(out, m)
		}
	}
	return out, nil
}

// moduleRoot is the folder of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}
