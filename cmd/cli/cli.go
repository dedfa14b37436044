// Package cli is the command line: one grammar, one function per command. It starts the gateway, or asks a running one over
// its admin socket, or reads the journal of a stopped one.
//
// Invariants: results go to stdout, everything about them to stderr. --json gives what the method gave, unchanged. A
// command that reads changes nothing. Exit codes are those of package life.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"holdfast/actors/reload"
	"holdfast/cmd/life"
	"holdfast/config"
)

// World is what a command may touch of the process it runs in.
type World struct {
	Kinds   reload.Kinds
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) string
	Environ []string
	Signals <-chan os.Signal // of the run command; nil: those of the process
	Exit    func(int)        // ends the process at once; nil: os.Exit
}

// grammar is every command.
type grammar struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file. Default: $HOLDFAST_CONFIG, ./holdfast.yaml, else the embedded one."`
	Dir    string `name:"state-dir" placeholder:"DIR" help:"State folder of the gateway to talk to. Default: what the configuration says."`
	JSON   bool   `name:"json" help:"Print results as JSON."`

	Run     runCmd     `cmd:"" help:"Start the gateway."`
	Check   checkCmd   `cmd:"" help:"Validate a configuration without starting anything."`
	Schema  schemaCmd  `cmd:"" help:"Print the JSON Schema of the configuration."`
	Init    initCmd    `cmd:"" help:"Write a commented configuration file; an existing one is left alone."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Status   statusCmd   `cmd:"" help:"How the gateway is, account by account."`
	Tree     treeCmd     `cmd:"" help:"Draw every actor as it is now."`
	Routes   routesCmd   `cmd:"" help:"Show who owns which path, and what came there."`
	Reload   reloadCmd   `cmd:"" help:"Read the configuration again, or restart an account, a channel or all."`
	Channels channelsCmd `cmd:"" help:"List, start, stop or restart accounts."`
	Plugins  pluginsCmd  `cmd:"" help:"Show generations, instances and leases."`
	Send     sendCmd     `cmd:"" help:"Start a message to a conversation."`
	Journal  journalCmd  `cmd:"" help:"Look into the journal, running or stopped."`
	Pairing  pairingCmd  `cmd:"" help:"Approve or deny strangers."`
	Call     callCmd     `cmd:"" help:"Call any method of the admin socket."`
	Shutdown shutdownCmd `cmd:"" help:"Drain the gateway and end it."`
}

// failure is an error with its exit code.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// Main runs one command line and returns the exit code.
func Main(args []string, w World) int {
	if w.Exit == nil {
		w.Exit = os.Exit
	}
	var (
		g     grammar
		ended = -1
	)
	parser, err := kong.New(&g, kong.Name("gateway"), kong.Writers(w.Stdout, w.Stderr), kong.UsageOnError(),
		kong.Description("A chat gateway that is never restarted and never loses a message."),
		kong.Exit(func(code int) { ended = code }), kong.BindTo(nil, (*error)(nil)))
	if err != nil {
		fmt.Fprintln(w.Stderr, "gateway: a bug in the grammar:", err)
		return life.ExitBug
	}
	ctx, err := parser.Parse(args)
	if ended >= 0 {
		return ended // --help
	}
	if err != nil {
		fmt.Fprintf(w.Stderr, "gateway: %v\n", err)
		return life.ExitUsage
	}
	err = ctx.Run(&shell{World: w, grammar: &g})
	var f failure
	switch {
	case err == nil:
		return life.ExitOK
	case errors.As(err, &f):
		if f.err != nil {
			fmt.Fprintf(w.Stderr, "gateway: %v\n", f.err)
		}
		return f.code
	}
	fmt.Fprintf(w.Stderr, "gateway: %v\n", err)
	return life.ExitBug
}

// shell is what every command is given.
type shell struct {
	World
	*grammar
}

// load reads the configuration; its problems go to stderr, one per line.
func (s *shell) load(file string) (config.Source, *config.Config, error) {
	src := config.Find(file, s.Getenv)
	cfg, err := config.Load(src, s.Environ)
	if err != nil {
		return src, nil, s.problems(src, err)
	}
	return src, cfg, nil
}

// candidate reads the configuration as the gateway itself would, and says everything that is wrong with it at once.
func (s *shell) candidate(file string) (config.Source, *reload.Candidate, error) {
	src := config.Find(file, s.Getenv)
	c, problems := reload.Read(src, s.Environ, s.Kinds, func(cfg *config.Config) string { return cfg.Gateway.Listen })
	if len(problems) > 0 {
		return src, nil, s.problems(src, problems)
	}
	return src, c, nil
}

func (s *shell) problems(src config.Source, err error) error {
	var list config.Problems
	if !errors.As(err, &list) {
		return failure{life.ExitConfig, err}
	}
	for _, p := range list {
		fmt.Fprintln(s.Stderr, p)
	}
	return failure{life.ExitConfig, fmt.Errorf("%s: %d problem(s); nothing was changed", src, len(list))}
}

// version is the module's, else the commit's.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}
