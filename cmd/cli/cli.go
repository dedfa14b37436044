// Package cli is the command line: one grammar, one function per command. It starts the gateway, or asks a running one over
// its admin socket, or reads the journal of a stopped one.
//
// Invariants: results go to stdout, everything about them to stderr. --json gives what the method gave, unchanged; who
// asks nobody has a form of their own. A command that reads changes nothing. Exit codes are those of package life.
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
	Stdin   io.Reader // nil: the process's
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
	Plan     planCmd     `cmd:"" help:"Say what a reload would change, and how, before anything happens."`
	Settings configCmd   `cmd:"" name:"config" help:"Read and change the configuration file of the running gateway."`
	Channels channelsCmd `cmd:"" help:"List, start, stop or restart accounts."`
	Plugins  pluginsCmd  `cmd:"" help:"Show generations, instances and leases."`
	Send     sendCmd     `cmd:"" help:"Start a message to a conversation."`
	Journal  journalCmd  `cmd:"" help:"Look into the journal, running or stopped."`
	Pairing  pairingCmd  `cmd:"" help:"Approve or deny strangers."`
	Call     callCmd     `cmd:"" help:"Call any method of the admin socket."`
	Shutdown shutdownCmd `cmd:"" help:"Drain the gateway and end it."`
}

// failure is an error with its exit code. Without an error it has been said already what went wrong.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return fmt.Sprintf("exit code %d: %v", f.code, f.err) }
func (f failure) Unwrap() error { return f.err }

// Main runs one command line and returns the exit code.
func Main(args []string, w World) int {
	if w.Exit == nil {
		w.Exit = os.Exit
	}
	var (
		g      grammar
		helped = false
	)
	parser, err := kong.New(&g, kong.Name("gateway"), kong.Writers(w.Stdout, w.Stderr),
		kong.Description("A chat gateway that is never restarted and never loses a message."),
		kong.Exit(func(int) { helped = true }))
	if err != nil {
		fmt.Fprintln(w.Stderr, "gateway: a bug in the grammar:", err)
		return life.ExitFailed
	}
	ctx, err := parser.Parse(args)
	switch {
	case helped:
		return life.ExitOK
	case err != nil:
		fmt.Fprintf(w.Stderr, "gateway: %v; gateway --help lists the commands\n", err)
		return life.ExitUsage
	}
	return w.ended(ctx.Run(&shell{World: w, grammar: &g}))
}

// ended says how a command ended and gives the exit code.
func (w World) ended(err error) int {
	if err == nil {
		return life.ExitOK
	}
	f := failure{life.ExitFailed, err}
	errors.As(err, &f)
	if f.err != nil {
		fmt.Fprintf(w.Stderr, "gateway: %v\n", f.err)
	}
	return f.code
}

// shell is what every command is given.
type shell struct {
	World
	*grammar
}

// candidate reads the configuration as the gateway itself would, and says everything that is wrong with it at once.
func (s *shell) candidate(file string) (config.Source, *reload.Candidate, error) {
	return s.read(config.Find(file, s.Getenv))
}

func (s *shell) read(src config.Source) (config.Source, *reload.Candidate, error) {
	c, problems := s.load(src)
	if len(problems) > 0 {
		return src, nil, s.refuse(problems, "%s: %d problem(s); nothing was changed", src, len(problems))
	}
	return src, c, nil
}

// load reads a configuration, or gives all that is wrong with it.
func (s *shell) load(src config.Source) (*reload.Candidate, config.Problems) {
	return reload.Read(src, s.Environ, s.Kinds, func(cfg *config.Config) string { return cfg.Gateway.Listen })
}

// refuse lists problems, one a line, before the error.
func (s *shell) refuse(problems config.Problems, format string, args ...any) error {
	for _, p := range problems {
		fmt.Fprintln(s.Stderr, p)
	}
	return failure{life.ExitConfig, fmt.Errorf(format, args...)}
}

// version is what the toolchain has stamped into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}
