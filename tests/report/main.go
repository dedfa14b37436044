// Command report reads the output of go test -json and prints what a person wants to see of it: a line per package, all
// that a failed test said, every skipped test by name, and one closing line with the counts. With -noskips a skipped test
// is a failure. It exits 1 when something failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// line is one event of go test -json.
type line struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// tally is what was counted so far.
type tally struct {
	passed, failed, skipped int
	output                  map[string]*strings.Builder // of tests that have not ended
	out                     io.Writer
}

func main() {
	noSkips := flag.Bool("noskips", false, "a skipped test is a failure")
	flag.Parse()
	t := tally{output: map[string]*strings.Builder{}, out: os.Stdout}
	if err := t.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "report: reading the test output:", err)
		os.Exit(1)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	if t.failed > 0 || t.passed == 0 || *noSkips && t.skipped > 0 {
		os.Exit(1)
	}
}

func (t *tally) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		raw, err := lines.ReadBytes('\n')
		if len(raw) > 0 {
			var l line
			if json.Unmarshal(raw, &l) != nil {
				_, _ = t.out.Write(raw) // not an event: what the go command itself has to say
			} else {
				t.take(l)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *tally) take(l line) {
	key := l.Package + " " + l.Test
	switch l.Action {
	case "output":
		if t.output[key] == nil {
			t.output[key] = &strings.Builder{}
		}
		t.output[key].WriteString(l.Output)
	case "build-output":
		fmt.Fprint(t.out, l.Output)
	case "build-fail":
		t.failed++
	case "pass", "fail", "skip":
		t.ended(l, key)
	}
}

func (t *tally) ended(l line, key string) {
	said := ""
	if b := t.output[key]; b != nil {
		said = b.String()
	}
	delete(t.output, key)
	if l.Test == "" && l.Action == "skip" {
		return // a package without tests
	}
	if l.Test == "" {
		fmt.Fprintf(t.out, "%-4s %s (%.1fs)\n", l.Action, l.Package, l.Elapsed)
		if l.Action == "fail" {
			t.failed++
			fmt.Fprint(t.out, said)
		}
		return
	}
	switch l.Action {
	case "pass":
		t.passed++
	case "skip":
		t.skipped++
		fmt.Fprintf(t.out, "SKIP %s %s\n%s", l.Package, l.Test, said)
	case "fail":
		t.failed++
		fmt.Fprintf(t.out, "FAIL %s %s\n%s", l.Package, l.Test, said)
	}
}
