package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"holdfast/cmd/life"
	"holdfast/config"
)

type runCmd struct {
	LastGood string `name:"last-good" placeholder:"DIR" help:"If the configuration is not valid, start with the last one that was; it is kept in the state folder DIR."`
}

// Run starts the gateway and returns when it has ended.
func (c runCmd) Run(s *shell) error {
	if s.Dir != "" {
		return failure{life.ExitUsage, errors.New("--state-dir is for talking to a running gateway; set gateway.stateDir in the configuration, or HOLDFAST_GATEWAY__STATE_DIR")}
	}
	src, candidate, err := s.candidate(s.Config)
	invalid := err
	if err != nil && c.LastGood != "" {
		_, candidate, err = s.read(src.At(filepath.Join(c.LastGood, life.LastGood)))
	}
	if err != nil {
		return err
	}
	signals := s.Signals
	if signals == nil {
		signals = stopSignals()
	}
	level := life.NewLevel(candidate.Config.Log.Level)
	log := s.logger(candidate.Config.Log.Format, level)
	if invalid != nil {
		log.Error().Str("config", src.String()).Str("lastGood", candidate.Config.Path).
			Msg("THE CONFIGURATION IS NOT VALID: the gateway starts with the last one that was; mend the file, and it will be taken at once")
	}
	code := life.Run(life.Options{
		Source: src, Environ: s.Environ, Kinds: s.Kinds, Version: version(), Stdout: s.Stdout,
		Log: log, Level: level, Refused: invalid != nil, Signals: signals, Exit: s.Exit,
	}, candidate)
	if code != life.ExitOK {
		return failure{code: code}
	}
	return nil
}

// stopSignals are the process's. A reader of the log who goes away is no reason to end, nor is a terminal that is closed
// under nohup.
func stopSignals() <-chan os.Signal {
	stops := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		stops = append(stops, syscall.SIGHUP)
	}
	own := make(chan os.Signal, 2)
	signal.Notify(own, stops...)
	signal.Ignore(syscall.SIGPIPE)
	return own
}

// logger writes JSON to files and pipes, and what people read to a terminal, from a level on that may change.
func (s *shell) logger(format string, from *life.Level) zerolog.Logger {
	file, isFile := s.Stderr.(*os.File)
	terminal := isFile && isatty.IsTerminal(file.Fd())
	out := s.Stderr
	if format == "console" || format != "json" && terminal {
		out = zerolog.ConsoleWriter{Out: s.Stderr, TimeFormat: time.TimeOnly, NoColor: !terminal}
	}
	return zerolog.New(out).Sample(from).With().Timestamp().Logger()
}

type checkCmd struct {
	File string `arg:"" optional:"" placeholder:"FILE" help:"Default: as for run."`
}

// Run validates everything that run would validate.
func (c checkCmd) Run(s *shell) error {
	src := config.Find(cmp.Or(c.File, s.Config), s.Getenv)
	if s.JSON {
		return s.findings(src)
	}
	_, candidate, err := s.read(src)
	if err != nil {
		return err
	}
	for _, p := range candidate.Config.Unused {
		fmt.Fprintln(s.Stderr, "note:", p)
	}
	fmt.Fprintf(s.Stdout, "%s: good: %d account(s), %d agent(s)\n", src, len(candidate.Accounts), len(candidate.Agents))
	return nil
}

// findings are what check says to a program.
type findings struct {
	File     string           `json:"file,omitempty"` // as the operator named it; empty: the embedded default
	Good     bool             `json:"good"`
	Accounts int              `json:"accounts"`
	Agents   int              `json:"agents"`
	Problems []config.Problem `json:"problems"`
	Notes    []config.Problem `json:"notes"` // keys that do nothing here; no faults
}

// findings says all of it on stdout, good or not.
func (s *shell) findings(src config.Source) error {
	out := findings{File: src.Path, Problems: []config.Problem{}, Notes: []config.Problem{}}
	candidate, problems := s.load(src)
	if len(problems) == 0 {
		out.Good, out.Accounts, out.Agents = true, len(candidate.Accounts), len(candidate.Agents)
		out.Notes = append(out.Notes, candidate.Config.Unused...)
	}
	out.Problems = append(out.Problems, problems...)
	if err := s.encode(out); err != nil || out.Good {
		return err
	}
	return failure{code: life.ExitConfig}
}

type schemaCmd struct{}

// Run prints the schema.
func (schemaCmd) Run(s *shell) error {
	schema, err := config.Schema(s.Kinds.SchemaParts())
	if err != nil {
		return fmt.Errorf("making the schema: %w", err)
	}
	fmt.Fprintln(s.Stdout, string(schema))
	return nil
}

type initCmd struct {
	File string `arg:"" optional:"" default:"holdfast.yaml" placeholder:"FILE"`
}

// Run writes the file.
func (c initCmd) Run(s *shell) error {
	samples := map[string][]byte{}
	for _, p := range s.Kinds.Plugins {
		for _, k := range p.Kinds() {
			samples[k.Name] = k.Sample
		}
	}
	if err := config.Init(c.File, samples); err != nil {
		return err
	}
	if s.JSON {
		return s.encode(map[string]string{"file": c.File})
	}
	fmt.Fprintf(s.Stdout, "%s is written: read it, then gateway check %s, then gateway run -c %s\n", c.File, c.File, c.File)
	return nil
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(s *shell) error {
	if s.JSON {
		return s.encode(map[string]string{"version": version()})
	}
	fmt.Fprintln(s.Stdout, "gateway", version())
	return nil
}
