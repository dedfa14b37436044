package tests

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"weak"

	"github.com/rs/zerolog"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/echo"
	"holdfast/actors/control"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/channels"
	"holdfast/channels/channeltest/faulty"
	"holdfast/cmd/life"
	"holdfast/config"
	"holdfast/http/admin"
)

// memory is what an instance of the plugin below keeps; whatever reaches it holds the instance.
type memory struct{ used [1 << 12]byte }

// instances are weak pointers to the memories of all instances that were made.
type instances struct {
	mu   sync.Mutex
	made []weak.Pointer[memory]
}

func (i *instances) all() []weak.Pointer[memory] {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]weak.Pointer[memory]{}, i.made...)
}

type noted struct {
	Note string `json:"note,omitempty"`
}

func (*noted) Validate() []config.Problem { return nil }

// remembering is the faulty network as a plugin with settings, a method, and instances that keep something.
func remembering(i *instances) channels.Plugin {
	return channels.Plugin{
		Name: faulty.Name, Version: "1",
		Settings: func() channels.PluginSettings { return &noted{} },
		Offer: func(channels.PluginSettings) channels.Offer {
			m := &memory{}
			i.mu.Lock()
			i.made = append(i.made, weak.Make(m))
			i.mu.Unlock()
			kind := faulty.Kind()
			connect, interpret := kind.Connect, kind.Interpret
			kind.Connect = func(s channels.Settings, env channels.Env) channels.Channel { m.used[0]++; return connect(s, env) }
			kind.Interpret = func(s channels.Settings, r channels.Request) ([]channels.Arrival, error) {
				m.used[1]++
				return interpret(s, r)
			}
			return channels.Offer{Kinds: []channels.Kind{kind}, Methods: []channels.Method{
				channels.NewMethod("faulty.ring", "rings", func(context.Context, channels.None) (noted, error) { m.used[2]++; return noted{}, nil }),
			}}
		},
	}
}

// TestLaw1_AnInstanceThatNobodyUsesIsReallyGone runs the whole gateway in this process. When the settings of a plugin have
// changed and the runs of its old instance have ended, nothing in the gateway reaches that instance any more.
// Reverting actors/supervisor/overlap.go: "s.giveUp(l, …)" in leftEnded, or keeping the old Applied in actors/reload/publish.go,
// makes it fail.
func TestLaw1_AnInstanceThatNobodyUsesIsReallyGone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "holdfast.yaml")
	write := func(note string) {
		text := fmt.Sprintf(`gateway: {listen: "127.0.0.1:0", watch: false, drainTimeout: 2s}
plugins: {entries: {faulty: {config: {note: %s}}}}
channels: {faulty: {accounts: {odd: {secret: c4nary, path: /odd}}}}
agents: {default: {kind: echo}}
`, note)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	source := config.Find(file, os.Getenv)
	var made instances
	call := living(t, source, remembering(&made))
	var s control.Status
	call("status", &s)
	if a := request("http://"+s.Listen+"/odd", "c4nary", message("m", "c")); a.code != 200 {
		t.Fatalf("a message: %d %s", a.code, a.body)
	}
	call("faulty.ring", nil)
	before := made.all()

	write("second")
	var r reload.Report
	call("reload", &r)
	if r.Generation != 2 || r.Units["faulty:odd"].Result != "applied" {
		t.Fatalf("the reload says %+v", r)
	}
	call("faulty.ring", nil)
	eventually(t, "nothing reaches the instances of before", func() (bool, string) {
		runtime.GC()
		left := 0
		for _, p := range before {
			if p.Value() != nil {
				left++
			}
		}
		return left == 0, fmt.Sprintf("%d of %d are reached", left, len(before))
	})
	var d registry.Description
	call("plugins.list", &d)
	var states []string
	for _, i := range d.Instances {
		states = append(states, fmt.Sprintf("%s@%d %s", i.ID.Plugin, i.ID.Number, i.State))
	}
	if got := strings.Join(states, ", "); got != "faulty@2 active, faulty@1 freed" {
		t.Errorf("instances: %s", got)
	}
}

// living runs a gateway in this process until the test ends, and gives its admin socket.
func living(t *testing.T, source config.Source, plugin channels.Plugin) (call func(method string, result any)) {
	t.Helper()
	kinds := reload.Kinds{Plugins: []channels.Plugin{plugin}, Agents: []backend.Kind{echo.Kind()}}
	first, problems := reload.Read(source, nil, kinds, func(cfg *config.Config) string { return cfg.Gateway.Listen })
	if problems != nil {
		t.Fatal(problems)
	}
	stateDir := first.Config.Gateway.StateDir
	signals, ended := make(chan os.Signal, 1), make(chan int, 1)
	go func(first *reload.Candidate) {
		ended <- life.Run(life.Options{
			Source: source, Kinds: kinds,
			Version: "test", Stdout: io.Discard, Log: zerolog.Nop(), Level: life.NewLevel("info"), Signals: signals, Exit: func(int) {},
		}, first)
	}(first)
	var client *admin.Client
	eventually(t, "the gateway is up", func() (bool, string) {
		var err error
		client, err = admin.Dial(stateDir)
		return err == nil, fmt.Sprint(err)
	})
	t.Cleanup(func() {
		_ = client.Close()
		signals <- syscall.SIGTERM
		if code := <-ended; code != 0 {
			t.Errorf("it ended with code %d", code)
		}
	})
	return func(method string, result any) {
		t.Helper()
		if err := client.Call(t.Context(), method, nil, result); err != nil {
			t.Fatal(err)
		}
	}
}
