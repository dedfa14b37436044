package reload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/methods"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/config"
)

// TestAFileThatBecomesInvalidLeavesTheOldStateServing runs the real registry, router and methods, and probes for the rest.
func TestAFileThatBecomesInvalidLeavesTheOldStateServing(t *testing.T) {
	sys := kittest.New(t)
	cell := &registry.Cell{}
	start := func(name string, spec kit.Spec) kit.Addr {
		t.Helper()
		at, err := sys.Start(name, spec)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	reg := start("registry", registry.Spec(cell))
	others := kittest.NewProbe(t, sys, "others").Answering(func(msg any) any { a, _ := agree(msg); return a })
	boss := kittest.NewProbe(t, sys, "boss").Answering(func(msg any) any { a, _ := agree(msg); return a })

	file := filepath.Join(t.TempDir(), "c.yaml")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Replace(two, "%s", "secret", 1))
	src := config.Find(file, func(string) string { return "" })
	at := start("reload", Spec(Options{
		Places: Places{
			Registry: reg, Router: start("router", router.Spec(reg)), Methods: start("methods", methods.Spec(reg)),
			Journal: others.Addr(), Access: others.Addr(), Agents: others.Addr(), Outbox: others.Addr(), Lanes: others.Addr(),
		},
		Kinds: known, Listen: listen, Source: src, Supervisor: func(string) kit.Spec { return boss.Spec() },
		AgentEnv: func(string) backend.Env { return backend.Env{} },
	}))
	report := func(msg any) Report {
		t.Helper()
		answer, err := sys.Ask(t.Context(), at, msg)
		if err != nil {
			t.Fatal(err)
		}
		return answer.(Report)
	}
	cfg, err := config.Load(src, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := report(Boot{Config: cfg}); r.Err != "" || r.Revision != 1 {
		t.Fatalf("the boot says %+v", r)
	}
	kittest.Wait[supervisor.Apply](boss)
	live := cell.Load()

	write("channels: {webhook: {accounts: {a: {path: nonsense}}}}\nagents: {default: {kind: echo}}")
	if r := report(Reload{Caller: "test"}); len(r.Problems) == 0 || !strings.Contains(r.Problems[0].String(), file) {
		t.Errorf("an invalid file is reported as %+v, want its problems with their place", r)
	}
	if cell.Load() != live {
		t.Error("an invalid file changed what is live")
	}
	if _, _, found := cell.Load().Routes.Find("/a"); !found {
		t.Error("the old path is gone")
	}

	write(strings.NewReplacer("/b", "/moved", "%s", "secret").Replace(two))
	if r := report(Reload{Caller: "test"}); r.Err != "" || r.Revision != 2 {
		t.Errorf("the repaired file is reported as %+v", r)
	}
	for path, want := range map[string]bool{"/a": true, "/moved": true, "/b": true} {
		if _, _, found := cell.Load().Routes.Find(path); found != want {
			t.Errorf("%s found: %v, want %v (the old path is held for its grace)", path, found, want)
		}
	}
}
