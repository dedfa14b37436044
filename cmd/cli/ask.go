package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"holdfast/http/admin"
)

// callWithin is longer than any method takes.
const callWithin = 2 * time.Minute

// stateDir is where the gateway's socket lies.
func (s *shell) stateDir() (string, error) {
	if s.Dir != "" {
		return s.Dir, nil
	}
	_, cfg, err := s.load(s.Config)
	if err != nil {
		return "", err
	}
	return cfg.Gateway.StateDir, nil
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
	if s.JSON || words == nil {
		return s.print(raw)
	}
	words(&result)
	return nil
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

// table prints rows in columns; the first row is the head.
func (s *shell) table(rows [][]string) {
	w := tabwriter.NewWriter(s.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
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
			return failure{2, fmt.Errorf("params are no JSON: %s", c.Params)}
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
	return show(s, "shutdown", nil, func(*struct{}) { fmt.Fprintln(s.Stdout, "the gateway drains and ends") })
}
