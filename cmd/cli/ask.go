package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"holdfast/actors/control"
	"holdfast/cmd/life"
	"holdfast/config"
	"holdfast/http/admin"
)

// callWithin is longer than any method takes.
const callWithin = 2 * time.Minute

// stateDir is where the gateway's socket lies. Faults elsewhere in the configuration do not matter: who wants to know how
// a gateway is must not be kept out by the file that it refuses.
func (s *shell) stateDir() (string, error) {
	if s.Dir != "" {
		return s.Dir, nil
	}
	src := config.Find(s.Config, s.Getenv)
	cfg, err := config.Inspect(src, s.Environ)
	var problems config.Problems
	if errors.As(err, &problems); cfg != nil && !slices.ContainsFunc(problems, func(p config.Problem) bool {
		return p.Path == "gateway" || p.Path == "gateway.stateDir"
	}) {
		return cfg.Gateway.StateDir, nil
	}
	return "", s.refuse(problems, "%s: gateway.stateDir cannot be read from it: name the folder with --state-dir", src)
}

// call asks the running gateway and decodes into result. The raw answer comes back for --json.
func (s *shell) call(method string, params, result any) (json.RawMessage, error) {
	dir, err := s.stateDir()
	if err != nil {
		return nil, err
	}
	client, err := admin.Dial(dir)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), callWithin)
	defer cancel()
	var raw json.RawMessage
	if err := client.Call(ctx, method, params, &raw); err != nil {
		return nil, err
	}
	if result == nil {
		return raw, nil
	}
	if err := json.Unmarshal(raw, result); err != nil {
		return nil, fmt.Errorf("%s: the answer is not understood; is the gateway of another version? %w", method, err)
	}
	return raw, nil
}

// show asks and prints: as JSON, or by the command's own words.
func show[R any](s *shell, method string, params any, words func(*R)) error {
	var result R
	raw, err := s.call(method, params, &result)
	if err != nil {
		return err
	}
	if s.JSON {
		return s.print(raw)
	}
	words(&result)
	return nil
}

// encode prints a value as JSON.
func (s *shell) encode(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.print(raw)
}

// print writes JSON so that people can read it too.
func (s *shell) print(raw json.RawMessage) error {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return err
	}
	fmt.Fprintln(s.Stdout, out.String())
	return nil
}

// table prints rows in columns; the first row is the head. What strangers have written stays in its cell.
func (s *shell) table(rows [][]string) {
	w := tabwriter.NewWriter(s.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, printable(cell))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
}

// printable makes one line of a text, without anything that a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

type callCmd struct {
	Method string `arg:"" help:"As rpc.discover lists them."`
	Params string `arg:"" optional:"" help:"JSON object."`
}

// Run calls any method.
func (c callCmd) Run(s *shell) error {
	var params any
	if c.Params != "" {
		if !json.Valid([]byte(c.Params)) {
			return failure{life.ExitUsage, fmt.Errorf("params are no JSON: %s", c.Params)}
		}
		params = json.RawMessage(c.Params)
	}
	raw, err := s.call(c.Method, params, nil)
	if err != nil {
		return err
	}
	return s.print(raw)
}

type shutdownCmd struct{}

// Run ends the gateway.
func (shutdownCmd) Run(s *shell) error {
	return show(s, "shutdown", nil, func(*control.StopResult) { fmt.Fprintln(s.Stdout, "the gateway drains and ends") })
}
