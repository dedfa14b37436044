package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	agentkinds "holdfast/actors/agents/all"
	"holdfast/actors/reload"
	plugins "holdfast/channels/all"
	"holdfast/cmd/cli"
)

// Profiles, by the names that the runtime has for them, and what the one of the processor is called.
var (
	runtimeProfiles = []string{"heap", "allocs", "mutex", "block", "goroutine"}
	cpuProfile      = "cpu.pprof"
)

// How much is written down: one of so many contended locks, and waits by the nanosecond.
const (
	mutexFraction = 10
	blockRate     = 10_000
)

// profiled is the gateway, the same code as that of the binary that is shipped, with the runtime's profiles around it: the
// product itself has no way to ask for them. On SIGUSR1 it writes them into a folder, and goes on.
func profiled(dir string, args []string) int {
	runtime.SetMutexProfileFraction(mutexFraction)
	runtime.SetBlockProfileRate(blockRate)
	asked := make(chan os.Signal, 2)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		if err := profile(dir, asked); err != nil {
			fmt.Fprintln(os.Stderr, "profiles:", err)
		}
	}()
	return cli.Main(args, cli.World{
		Kinds:  reload.Kinds{Plugins: plugins.Plugins(), Agents: agentkinds.All()},
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Environ: os.Environ(),
	})
}

// profile measures the processor from the first signal to the second, and writes the other profiles then.
func profile(dir string, asked <-chan os.Signal) error {
	<-asked
	cpu, err := os.Create(filepath.Join(dir, cpuProfile))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return errors.Join(err, cpu.Close())
	}
	<-asked
	pprof.StopCPUProfile()
	errs := []error{cpu.Close()}
	for _, name := range runtimeProfiles {
		f, err := os.Create(filepath.Join(dir, name+".pprof"))
		if err != nil {
			return err
		}
		errs = append(errs, pprof.Lookup(name).WriteTo(f, 0), f.Close())
	}
	// The last file is the sign that all are whole.
	done, err := os.Create(filepath.Join(dir, doneFile))
	return errors.Join(append(errs, err, done.Close())...)
}

// doneFile is there when all profiles are.
const doneFile = "done"

// profiles runs the gateway under load at 256 connections and has it write them.
func (b *bench) profiles() error {
	if err := os.MkdirAll(b.Profile, 0o755); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(b.Profile, doneFile))
	g, _, end, err := b.begin([]string{b.self, profiledServer, b.Profile}, settings{webhooks: 2}.write)
	if err != nil {
		return err
	}
	defer end()
	during := pick(b, 3*time.Second, 15*time.Second)
	const begin = time.Second
	time.AfterFunc(begin, func() { g.Signal(syscall.SIGUSR1) })
	a, err := b.load(g, webhookPost("c{c}"), pressure{connections: 256, during: begin + during})
	if err != nil {
		return err
	}
	g.Signal(syscall.SIGUSR1)
	if err := appears(filepath.Join(b.Profile, doneFile), time.Minute); err != nil {
		return err
	}
	fmt.Printf("%.0f messages a second were accepted; the profiles are in %s: go tool pprof -top %s\n", a.Rate, b.Profile,
		filepath.Join(b.Profile, cpuProfile))
	return nil
}

// appears waits for a file.
func appears(file string, within time.Duration) error {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			return os.Remove(file)
		}
	}
	return fmt.Errorf("%s did not appear within %s", file, within)
}
