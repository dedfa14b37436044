package tests

import (
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	agentkinds "holdfast/actors/agents/all"
	"holdfast/actors/reload"
	"holdfast/channels"
	plugins "holdfast/channels/all"
	"holdfast/channels/channeltest/faulty"
	"holdfast/cmd/cli"
)

// asGateway in the environment makes this test binary the gateway: the real one, with the network that misbehaves on demand
// beside the others, and a log in which a trap can be laid. Its value names the accounts of that network whose hung calls
// SIGUSR1 lets go.
const asGateway = "HOLDFAST_TEST_MAIN"

// TestMain runs the tests, or is the gateway that they start.
func TestMain(m *testing.M) {
	hung, gateway := os.LookupEnv(asGateway)
	if !gateway {
		os.Exit(m.Run())
	}
	release := make(chan os.Signal, 1)
	signal.Notify(release, syscall.SIGUSR1)
	go func() {
		for range release {
			for name := range strings.SplitSeq(hung, ",") {
				faulty.Release(channels.Account(name))
			}
		}
	}()
	environ := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, asGateway+"=") })
	os.Exit(cli.Main(os.Args[1:], cli.World{
		Kinds:  reload.Kinds{Plugins: append(plugins.Plugins(), channels.Plain(faulty.Kind())), Agents: agentkinds.All()},
		Stdout: os.Stdout, Stderr: trap{os.Stderr}, Getenv: os.Getenv, Environ: environ,
	}))
}
