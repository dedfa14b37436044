package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	agentkinds "holdfast/actors/agents/all"
	"holdfast/actors/reload"
	plugins "holdfast/channels/all"
	"holdfast/cmd/cli"
)

// asGateway in the environment makes this test binary the gateway.
const asGateway = "HOLDFAST_TEST_SOAK"

// TestMain runs the tests, or is the gateway that they start.
func TestMain(m *testing.M) {
	if _, gateway := os.LookupEnv(asGateway); !gateway {
		os.Exit(m.Run())
	}
	environ := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, asGateway+"=") })
	os.Exit(cli.Main(os.Args[1:], cli.World{
		Kinds:  reload.Kinds{Plugins: plugins.Plugins(), Agents: agentkinds.All()},
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Environ: environ,
	}))
}

// TestNothingIsLostWhileTheConfigurationChanges is the soak in small. What it needs and how fast it is depends on what else
// the machine does, and is not looked at.
func TestNothingIsLostWhileTheConfigurationChanges(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := options{binary: self, duration: 6 * time.Second, rate: 40, env: []string{asGateway + "="}}
	r, faults, err := o.soak(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range append(r.wrong(), faults...) {
		t.Error(fault)
	}
	if r.Sent == 0 || r.Answered != r.Sent || r.Edits == 0 || r.Reloads == 0 {
		t.Errorf("the run was none: %+v", r)
	}
}
