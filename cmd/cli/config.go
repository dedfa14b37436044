package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"holdfast/actors/control"
	"holdfast/channels"
	"holdfast/cmd/life"
	"holdfast/config/edit"
	"holdfast/http/admin"
)

type configCmd struct {
	Get   configGetCmd   `cmd:"" help:"Print what the configuration file of the running gateway says; secrets are ***."`
	Set   configSetCmd   `cmd:"" help:"Make one place of it say something else, and reload."`
	Patch configPatchCmd `cmd:"" help:"Merge a JSON object into it (RFC 7396), and reload."`
}

type configGetCmd struct {
	Path string `arg:"" optional:"" help:"Such as log.level, bindings[0].agent, or groups[\"a.b\"] for a key with dots. Default: the whole."`
}

// Run prints the value on stdout, text without quotes, and its place and the hash of the file on stderr.
func (c configGetCmd) Run(s *shell) error {
	var r edit.Reading
	raw, err := s.settings("config.get", control.ConfigGetParams{Path: c.Path}, &r)
	switch {
	case err != nil:
		return err
	case s.JSON:
		return s.print(raw)
	}
	var text string
	if json.Unmarshal(r.Value, &text) == nil && text == printable(text) && string(r.Value) != "null" {
		fmt.Fprintln(s.Stdout, text)
	} else if err := s.print(r.Value); err != nil {
		return err
	}
	fmt.Fprintf(s.Stderr, "%s, hash %s\n", placeOf(r), r.Hash)
	return nil
}

// placeOf is where a reading stands.
func placeOf(r edit.Reading) string {
	switch {
	case r.File == "":
		return "the embedded default"
	case r.Line == 0:
		return r.File
	}
	return fmt.Sprintf("%s:%d", r.File, r.Line)
}

// writing are the flags of both ways to write.
type writing struct {
	Base   string `placeholder:"HASH" help:"Write only if the file still has this hash, as config get showed it. Default: that of the file now."`
	Force  bool   `help:"Write also if most of the file would be lost."`
	DryRun bool   `name:"dry-run" help:"Write nothing: judge the change, and say what it would do."`
}

type configSetCmd struct {
	Path      string `arg:"" help:"As for get. What is missing on the way is made; [n] with n the length of a list appends."`
	Value     string `arg:"" help:"JSON, or text without quotes: debug, 30s, true, 7, '\"7\"', '[\"a\", \"b\"]'. null removes, - reads stdin, *** leaves a secret as it is."`
	JSONValue bool   `name:"json-value" help:"The value is JSON: what is none is refused, and not taken for text."`
	writing
}

// Run writes one place.
func (c configSetCmd) Run(s *shell) error {
	text, err := s.given(c.Value)
	if err != nil {
		return err
	}
	value, err := valueOf(text, c.JSONValue)
	if err != nil {
		return failure{life.ExitUsage, err}
	}
	base, err := s.base(c.Base)
	if err != nil {
		return err
	}
	return s.written("config.set", control.ConfigSetParams{Path: &c.Path, Value: value, Base: base, Force: c.Force, DryRun: c.DryRun})
}

// valueOf reads a value as people write it. What begins like JSON and is none is more likely a slip than a text.
func valueOf(text string, isJSON bool) (json.RawMessage, error) {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text), nil
	}
	if isJSON || text != "" && strings.ContainsRune(`{["`, rune(text[0])) {
		return nil, errors.New("the value is no JSON: mend it, or put it in double quotes within the shell's if it is a text")
	}
	return json.Marshal(text)
}

type configPatchCmd struct {
	Patch string `arg:"" placeholder:"JSON" help:"An object such as '{\"log\": {\"level\": \"debug\"}}'; null removes, lists are replaced, - reads stdin."`
	writing
}

// Run merges.
func (c configPatchCmd) Run(s *shell) error {
	text, err := s.given(c.Patch)
	switch {
	case err != nil:
		return err
	case !json.Valid([]byte(text)):
		return failure{life.ExitUsage, errors.New(`the patch is no JSON: want an object such as {"log": {"level": "debug"}}`)}
	}
	base, err := s.base(c.Base)
	if err != nil {
		return err
	}
	return s.written("config.patch", control.ConfigPatchParams{Patch: json.RawMessage(text), Base: base, Force: c.Force, DryRun: c.DryRun})
}

// given is an argument, or stdin where it is a dash, without the newline at its end: so a secret need not stand in a command.
func (s *shell) given(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	in := s.Stdin
	if in == nil {
		in = os.Stdin
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return "", fmt.Errorf("reading stdin: %w", err)
	}
	return string(bytes.TrimRight(text, "\r\n")), nil
}

// base is the hash that was given, or that of the file as it is.
func (s *shell) base(said string) (string, error) {
	if said != "" {
		return said, nil
	}
	var r edit.Reading
	_, err := s.settings("config.get", control.ConfigGetParams{}, &r)
	return r.Hash, err
}

// written asks for a change and prints what became of it.
func (s *shell) written(method string, params any) error {
	var r control.ConfigWriteResult
	raw, err := s.settings(method, params, &r)
	switch {
	case err != nil:
		return err
	case s.JSON:
		if err := s.print(raw); err != nil || r.Report == nil {
			return err
		}
		return s.outcome(*r.Report)
	}
	for _, w := range r.Warnings {
		fmt.Fprintln(s.Stderr, "note:", printable(w))
	}
	if len(r.Changed) == 0 {
		fmt.Fprintln(s.Stdout, "nothing changed: the file says so already")
		return nil
	}
	did := "changed"
	if r.DryRun {
		did = "would change"
	}
	for _, path := range r.Changed {
		fmt.Fprintln(s.Stdout, did, printable(path))
	}
	switch {
	case r.Plan != nil:
		s.plan(*r.Plan)
	case r.Report != nil:
		return s.reported(nil, *r.Report)
	}
	return nil
}

// settings asks a running gateway about its configuration. Problems are listed one a line, and give exit code 78.
func (s *shell) settings(method string, params, result any) (json.RawMessage, error) {
	raw, err := s.call(method, params, result)
	var (
		refused *channels.CallError
		fault   control.SettingsFault
	)
	switch {
	case errors.Is(err, admin.ErrNotRunning):
		return nil, fmt.Errorf("%w; without a gateway, change the file with an editor and judge it with gateway check", err)
	case errors.As(err, &refused) && json.Unmarshal(refused.Data, &fault) == nil && len(fault.Problems) > 0:
		return nil, s.refuse(fault.Problems, "the configuration is refused: %d problem(s); nothing was changed", len(fault.Problems))
	}
	return raw, err
}
