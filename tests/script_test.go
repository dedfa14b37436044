package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"holdfast/tests/rig"
)

// TestScripts runs the sessions in testdata/script, which read like an operator's terminal. They know the commands of
// testscript and these:
//
//	gateway ARGS…             a command of the gateway, which succeeds
//	exits CODE gateway ARGS…  one that ends with this code
//	start [VAR=VALUE…] [ARGS…]  gateway run in the background, until it listens: $URL says where, $PID is the process;
//	                          what it prints comes into run.out and run.log; $GATEWAY is the binary
//	signal NAME               sends the process TERM, INT, HUP or KILL
//	insist NAME               sends it again and again until the process is gone
//	ends CODE                 waits until the process is gone
//	until PATTERN FILE        waits until a file has a match
//	until PATTERN gateway ARGS…  asks until stdout has a match
//	capture VAR PATTERN       takes the first group of a match out of stdout
//	snapshot DIR, unchanged DIR  compares a folder with itself, to the byte and the time stamp
//
// The commands of senders and peers are in script_peers_test.go.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv(asGateway, "")
			env.Setenv(listenVar, "127.0.0.1:0")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a second per command otherwise
			binary, err := os.Executable()
			env.Setenv("GATEWAY", binary)
			env.Values[underWay] = &session{snapshots: map[string]string{}}
			return err
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("there is no such condition")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"gateway": gatewayCmd, "exits": exitsCmd, "start": startCmd, "signal": signalCmd, "insist": insistCmd, "ends": endsCmd,
			"until": untilCmd, "capture": captureCmd, "snapshot": snapshotCmd, "unchanged": unchangedCmd,
			"post": postCmd, "get": getCmd, "trickle": trickleCmd, "raw": rawCmd, "load": loadCmd, "loaded": loadedCmd,
			"peer": peerCmd, "mac": macCmd, "public": publicCmd, "journal-format": journalFormatCmd,
		},
	})
}

// listenVar puts every gateway of a script on a port that the system chooses.
const listenVar = "HOLDFAST_GATEWAY__LISTEN"

// underWay is where a script keeps its session.
const underWay = "session"

// session is what a script has under way.
type session struct {
	run       *rig.Gateway
	load      *load
	snapshots map[string]string
}

func sessionOf(ts *testscript.TestScript) *session { return ts.Value(underWay).(*session) }

// running is the gateway that start has started.
func running(ts *testscript.TestScript) *rig.Gateway {
	g := sessionOf(ts).run
	if g == nil {
		ts.Fatalf("no gateway was started")
	}
	return g
}

func want(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

// command runs a command of the gateway to its end and returns the exit code.
func command(ts *testscript.TestScript, args []string) int {
	var ended *exec.ExitError
	err := ts.Exec(ts.Getenv("GATEWAY"), args...)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		return ended.ExitCode()
	}
	ts.Fatalf("gateway %s: %v", strings.Join(args, " "), err)
	return -1
}

func gatewayCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg, "gateway ARGS…")
	if code := command(ts, args); code != 0 {
		ts.Fatalf("exit code %d, want 0", code)
	}
}

func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 2 && args[1] == "gateway", "exits CODE gateway ARGS…")
	if code := command(ts, args[2:]); strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func startCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg, "start [VAR=VALUE…] [ARGS…] [run FLAGS…]")
	log, err := os.Create(ts.MkAbs("run.log"))
	ts.Check(err)
	o := rig.Options{
		Command: []string{ts.Getenv("GATEWAY")}, Dir: ts.MkAbs("."), Log: log,
		Env: []string{asGateway + "=", byHand, listenVar + "=" + ts.Getenv(listenVar)},
	}
	for _, arg := range args {
		name, _, isVar := strings.Cut(arg, "=")
		switch {
		case o.Flags != nil:
			o.Flags = append(o.Flags, arg)
		case arg == "run":
			o.Flags = []string{}
		case isVar && name == strings.ToUpper(name):
			o.Env = append(o.Env, arg)
		default:
			o.Command = append(o.Command, arg)
		}
	}
	g, err := rig.Start(o)
	ts.Check(err)
	sessionOf(ts).run = g
	ts.Defer(func() { g.Kill(); log.Close() })
	ts.Setenv("URL", g.URL)
	ts.Setenv("PID", strconv.Itoa(g.PID()))
}

func signalOf(ts *testscript.TestScript, neg bool, args []string) syscall.Signal {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}
	want(ts, !neg && len(args) == 1 && signals[args[0]] != 0, "signal or insist TERM|INT|HUP|KILL")
	return signals[args[0]]
}

func signalCmd(ts *testscript.TestScript, neg bool, args []string) {
	running(ts).Signal(signalOf(ts, neg, args))
}

func insistCmd(ts *testscript.TestScript, neg bool, args []string) {
	g, sig := running(ts), signalOf(ts, neg, args)
	until(ts, "the process ends", func() bool {
		g.Signal(sig)
		return g.Ended()
	})
}

func endsCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "ends CODE")
	g := running(ts)
	if code := g.Wait(); strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s\n%s", code, args[0], tail(g.Log()))
	}
	ts.Check(os.WriteFile(ts.MkAbs("run.out"), []byte(g.Output()), 0o600))
}

// until polls until ok.
func until(ts *testscript.TestScript, what string, ok func() bool) {
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func untilCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && (len(args) == 2 || len(args) > 2 && args[1] == "gateway"), "until PATTERN FILE, or until PATTERN gateway ARGS…")
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	until(ts, args[0], func() bool {
		if len(args) == 2 {
			return pattern.MatchString(text(ts, args[1]))
		}
		command(ts, args[2:])
		return pattern.MatchString(ts.ReadFile("stdout"))
	})
}

// text is what a file holds by now, if it is there.
func text(ts *testscript.TestScript, file string) string {
	if file == "run.out" {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(running(ts).Output()), 0o600))
	}
	content, err := os.ReadFile(ts.MkAbs(file))
	if !errors.Is(err, os.ErrNotExist) {
		ts.Check(err)
	}
	return string(content)
}

func captureCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "capture VAR PATTERN")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("stdout has no match with one group of %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

func snapshotCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "snapshot DIR")
	sessionOf(ts).snapshots[args[0]] = listing(ts, ts.MkAbs(args[0]))
}

func unchangedCmd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "unchanged DIR")
	if before, now := sessionOf(ts).snapshots[args[0]], listing(ts, ts.MkAbs(args[0])); before != now {
		ts.Fatalf("%s was\n%s\nand is\n%s", args[0], before, now)
	}
}

// listing is everything that can be seen of a folder: names, modes, sizes, time stamps, digests.
func listing(ts *testscript.TestScript, dir string) string {
	var out strings.Builder
	ts.Check(filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		line, err := describe(path, d)
		out.WriteString(line + "\n")
		return err
	}))
	return out.String()
}
