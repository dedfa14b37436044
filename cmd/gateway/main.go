// Command gateway is the whole of Holdfast: the gateway itself and the client of its admin socket.
package main

import (
	"os"

	agentkinds "holdfast/actors/agents/all"
	"holdfast/actors/reload"
	plugins "holdfast/channels/all"
	"holdfast/cmd/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.World{
		Kinds:  reload.Kinds{Plugins: plugins.Plugins(), Agents: agentkinds.All()},
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Environ: os.Environ(),
	}))
}
