package reload

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
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

// bench is the real registry, router and methods around a reload, and probes for the rest.
type bench struct {
	t    *testing.T
	sys  *kit.System
	cell *registry.Cell
	boss *kittest.Probe
	at   kit.Addr
	file string
	src  config.Source
	ends atomic.Int64 // reloads that finished
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, sys: kittest.New(t), cell: &registry.Cell{}, file: filepath.Join(t.TempDir(), "c.yaml")}
	reg := b.start("registry", registry.Spec(b.cell))
	yes := func(msg any) any {
		if _, tells := msg.(supervisor.Discard); tells {
			return nil
		}
		a, _ := agree(msg)
		return a
	}
	others := kittest.NewProbe(t, b.sys, "others").Answering(yes).Addr()
	b.boss = kittest.NewProbe(t, b.sys, "boss").Answering(yes)
	b.src = config.Find(b.file, func(string) string { return "" })
	b.at = b.start("reload", Spec(Options{
		Places: Places{
			Registry: reg, Router: b.start("router", router.Spec(reg, others, router.Known{})), Methods: b.start("methods", methods.Spec(reg)),
			Journal: others, Access: others, Agents: others, Outbox: others, Lanes: others,
		},
		Kinds: known, Listen: listen, Source: b.src, Supervisor: func(string) kit.Spec { return b.boss.Spec() },
		AgentEnv: func(string) backend.Env { return backend.Env{} }, Finished: func() { b.ends.Add(1) },
	}))
	return b
}

func (b *bench) start(name string, spec kit.Spec) kit.Addr {
	b.t.Helper()
	at, err := b.sys.Start(name, spec)
	if err != nil {
		b.t.Fatal(err)
	}
	return at
}

func (b *bench) write(content string) {
	b.t.Helper()
	if err := os.WriteFile(b.file, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) report(msg any) Report {
	b.t.Helper()
	answer, err := b.sys.Ask(b.t.Context(), b.at, msg)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.(Report)
}

// boot writes a first file and applies it.
func (b *bench) boot(content string) {
	b.t.Helper()
	b.write(content)
	first, problems := Read(b.src, nil, known, func(*config.Config) string { return listen })
	if problems != nil {
		b.t.Fatal(problems)
	}
	if r := b.report(Boot{Candidate: first}); r.Err != "" || r.Revision != 1 {
		b.t.Fatalf("the boot says %+v", r)
	}
	kittest.Wait[supervisor.Apply](b.boss)
}

func TestAFileThatBecomesInvalidLeavesTheOldStateServing(t *testing.T) {
	b := newBench(t)
	b.boot(strings.Replace(two, "%s", "secret", 1))
	live := b.cell.Load()

	b.write("channels: {webhook: {accounts: {a: {path: nonsense}}}}\nagents: {default: {kind: echo}}")
	if r := b.report(Reload{Caller: "test"}); len(r.Problems) == 0 || !strings.Contains(r.Problems[0].String(), b.file) {
		t.Errorf("an invalid file is reported as %+v, want its problems with their place", r)
	}
	if b.cell.Load() != live || b.ends.Load() != 1 {
		t.Errorf("an invalid file changed what is live, or finished (%d reloads did)", b.ends.Load())
	}

	b.write(strings.NewReplacer("/b", "/moved", "%s", "secret").Replace(two))
	if r := b.report(Reload{Caller: "test"}); r.Err != "" || r.Revision != 2 {
		t.Errorf("the repaired file is reported as %+v", r)
	}
	if b.ends.Load() != 2 {
		t.Errorf("%d reloads finished, want the boot and the repaired file", b.ends.Load())
	}
	for path, want := range map[string]bool{"/a": true, "/moved": true, "/b": true, "/c": false} {
		if _, _, found := b.cell.Load().Routes.Find(path); found != want {
			t.Errorf("%s found: %v, want %v (the old path is held for its grace)", path, found, want)
		}
	}
}
