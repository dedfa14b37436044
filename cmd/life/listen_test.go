package life

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/http/server"
)

func TestTheEdgeBindsFurtherAddressesForAReload(t *testing.T) {
	first, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	edge := server.New(server.Options{Live: &registry.Cell{}, Log: zerolog.Nop(), Listener: first})
	defer func() { _ = edge.Shutdown(t.Context()) }()
	var all reload.Listener = addresses{edge}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()

	if b, err := all.Bind(taken.Addr().String()); b != nil || !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "set gateway.listen to another port") {
		t.Errorf("a port of another process: %v, %v", b, err)
	}
	b, err := all.Bind("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if edge.Addr() != first.Addr().String() {
		t.Errorf("%s is served before it is told", edge.Addr())
	}
	if b.Serve(); edge.Addr() != b.Addr() {
		t.Errorf("%s is served, want %s", edge.Addr(), b.Addr())
	}
}
