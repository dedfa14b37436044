// Package rig starts real gateway processes for tests and demonstrations, in a folder of their own, and talks to them as an
// operator and as a sender would.
//
// Invariants: nothing outside Dir is touched. A gateway is found by what it prints, so port 0 works. Stop and Kill return
// when the process is gone.
package rig

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"holdfast/http/admin"
)

// StartWithin is how long a gateway may take to listen.
const StartWithin = 60 * time.Second

// Options of a gateway.
type Options struct {
	Command []string // the binary and what comes before "run"
	Flags   []string // and after it
	Dir     string   // working folder; the configuration is written there, and the state folder is below it
	Config  string   // YAML; empty: the file that is there, or the embedded default
	Env     []string // added to a bare environment
	Log     io.Writer
}

// Gateway is one process.
type Gateway struct {
	URL   string // http://127.0.0.1:port
	State string
	o     Options
	cmd   *exec.Cmd
	log   *Buffer
	out   *Buffer
	ended chan struct{}
	err   error
}

// Buffer is a log that can be read while it is written.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
	tee io.Writer
}

// Write appends.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tee != nil {
		_, _ = b.tee.Write(p)
	}
	return b.buf.Write(p)
}

// String is everything so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Env is a bare environment: what the runtime needs and nothing of ours.
func Env(more ...string) []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HOLDFAST_") {
			out = append(out, kv)
		}
	}
	return append(out, more...)
}

// Start writes the configuration, starts the process and waits until it listens.
func Start(o Options) (*Gateway, error) {
	file := filepath.Join(o.Dir, "holdfast.yaml")
	if o.Config != "" {
		if err := os.WriteFile(file, []byte(o.Config), 0o600); err != nil {
			return nil, err
		}
	}
	g := &Gateway{o: o, State: filepath.Join(o.Dir, "state"), log: &Buffer{tee: o.Log}, out: &Buffer{}, ended: make(chan struct{})}
	g.cmd = exec.Command(o.Command[0], slices.Concat(o.Command[1:], []string{"run"}, o.Flags)...)
	g.cmd.Dir, g.cmd.Env, g.cmd.Stderr = o.Dir, Env(o.Env...), g.log
	stdout, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	lines := make(chan string, 64)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			_, _ = g.out.Write(append(s.Bytes(), '\n'))
			lines <- s.Text()
		}
	}()
	go func() {
		g.err = g.cmd.Wait()
		close(g.ended)
	}()
	return g, g.listening(lines)
}

var listens = regexp.MustCompile(`listens on (http://[^, ]+)`)

func (g *Gateway) listening(lines <-chan string) error {
	deadline := time.After(StartWithin)
	for {
		select {
		case line, more := <-lines:
			if !more {
				<-g.ended
				return fmt.Errorf("the gateway ended before it listened: %w\n%s", g.exitError(), g.log)
			}
			if m := listens.FindStringSubmatch(line); m != nil {
				g.URL = m[1]
				go func() {
					for range lines { //nolint:revive // what else it prints is in Output
					}
				}()
				return nil
			}
		case <-deadline:
			g.Kill()
			return fmt.Errorf("the gateway did not listen within %s\n%s", StartWithin, g.log)
		}
	}
}

func (g *Gateway) exitError() error {
	if g.err == nil {
		return errors.New("with exit code 0")
	}
	return g.err
}

// Call calls a method of the admin socket.
func (g *Gateway) Call(method string, params, result any) error {
	c, err := admin.Dial(g.State)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return c.Call(ctx, method, params, result)
}

// Log is what the process wrote to stderr so far.
func (g *Gateway) Log() string { return g.log.String() }

// Output is what the process wrote to stdout so far.
func (g *Gateway) Output() string { return g.out.String() }

// PID is the process.
func (g *Gateway) PID() int { return g.cmd.Process.Pid }

// Signal sends a signal.
func (g *Gateway) Signal(s syscall.Signal) { _ = g.cmd.Process.Signal(s) }

// Stop asks the process to end and returns its exit code; -1 if a signal ended it.
func (g *Gateway) Stop() int {
	g.Signal(syscall.SIGTERM)
	return g.Wait()
}

// Kill ends the process as a crash would.
func (g *Gateway) Kill() {
	g.Signal(syscall.SIGKILL)
	<-g.ended
}

// Wait returns the exit code when the process is gone; one that does not end is killed and its code is -1.
func (g *Gateway) Wait() int {
	select {
	case <-g.ended:
	case <-time.After(StartWithin):
		g.Kill()
	}
	return g.cmd.ProcessState.ExitCode()
}

// Ended tells whether the process is gone.
func (g *Gateway) Ended() bool {
	select {
	case <-g.ended:
		return true
	default:
		return false
	}
}
