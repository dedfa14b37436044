package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// report is what is told at the end.
type report struct {
	began   time.Time
	machine machine
	tables  []*table
	figures map[string]any // the last line
	targets [][]string
}

// table is one of it.
type table struct {
	title string
	head  []string
	rows  [][]string
	notes []string
}

// table begins one.
func (r *report) table(title string, head ...string) *table {
	t := &table{title: title, head: head}
	r.tables = append(r.tables, t)
	return t
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// write prints it in Markdown, which people can read as well: columns are as wide as they have to be.
func (t *table) write(out io.Writer) {
	wide := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, text := range row {
			wide[i] = max(wide[i], utf8.RuneCountInString(text))
		}
	}
	line := func(row []string) {
		for i, text := range row {
			fmt.Fprint(out, "| ", text, strings.Repeat(" ", wide[i]-utf8.RuneCountInString(text)), " ")
		}
		fmt.Fprintln(out, "|")
	}
	fmt.Fprintf(out, "\n%s:\n\n", t.title)
	line(t.head)
	for i := range wide {
		fmt.Fprint(out, "|", strings.Repeat("-", wide[i]+2))
	}
	fmt.Fprintln(out, "|")
	for _, row := range t.rows {
		line(row)
	}
	if len(t.notes) > 0 {
		fmt.Fprintln(out)
	}
	for _, n := range t.notes {
		fmt.Fprintln(out, "-", n)
	}
}

// figure is one key of the last line.
func (r *report) figure(key string, value float64) { r.figures[key] = shortened(value) }

// side is on which side of a target a figure should be.
type side string

const (
	atLeast side = "at least"
	atMost  side = "at most"
)

// target is a key of the last line that something is expected of.
func (r *report) target(key string, value float64, s side, want float64) {
	r.figure(key, value)
	verdict := "yes"
	if s == atLeast && value < want || s == atMost && value > want {
		verdict = "no"
	}
	r.targets = append(r.targets, []string{key, fmt.Sprint(shortened(value)), fmt.Sprintf("%s %g", s, want), verdict})
}

// shortened has four figures that count, or no fraction.
func shortened(f float64) float64 {
	if f == 0 || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	scale := math.Pow(10, max(0, 3-math.Floor(math.Log10(math.Abs(f)))))
	return math.Round(f*scale) / scale
}

// end prints everything, writes the file after a whole run, and prints the last line.
func (r *report) end(b *bench) error {
	if len(r.targets) > 0 {
		t := r.table("Targets, for two cores that are shared with the load; they are no test", "figure", "is", "expected", "met")
		t.rows = r.targets
	}
	r.figures["machine"], r.figures["date"] = r.machine.String(), r.began.UTC().Format(time.RFC3339)
	r.figures["seconds"] = shortened(time.Since(r.began).Seconds())
	line, err := json.Marshal(r.figures)
	if err != nil {
		return err
	}
	for _, t := range r.tables {
		t.write(os.Stdout)
	}
	if !b.Quick && b.Only == "" {
		if err := r.save(b.Out, string(line)); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	fmt.Println()
	fmt.Println(string(line))
	return nil
}

// save writes the file.
func (r *report) save(file, line string) error {
	var s strings.Builder
	fmt.Fprintf(&s, "# Benchmarks\n\nWritten by `make bench` (%s) on %s, in %.0f s.\n\nMachine: %s. Servers and load share it.\n",
		strings.Join(os.Args, " "), r.began.UTC().Format(time.RFC1123), time.Since(r.began).Seconds(), r.machine)
	for _, t := range r.tables {
		t.write(&s)
	}
	fmt.Fprintf(&s, "\nThe last line of the command:\n\n```json\n%s\n```\n", line)
	return os.WriteFile(file, []byte(s.String()), 0o644)
}
