package tests

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
)

// floors from the lowest up. A package imports its own floor and those below.
var floors = []string{"config", "channels", "actors", "http", "cmd"}

// knows says whose messages an actor may know besides its own and those of everybody (kit). What is not here knows nobody.
// The journal and the registry stand at the bottom: both are known and know nobody, so neither can wait for the other.
// What the outbox and the lanes ask of a supervisor are a run's ops, in the run's words; a run hands in what its connection
// brings to the journal itself; a reload tells the journal which accounts there are, and the router which paths.
var knows = map[string][]string{
	"access":     {"journal"},
	"control":    {"access", "agents", "journal", "lanes", "methods", "outbox", "plugins", "registry", "reload", "router", "run", "supervisor", "tree"},
	"lanes":      {"access", "agents", "journal", "run", "supervisor"},
	"methods":    {"registry"},
	"outbox":     {"journal", "run", "supervisor"},
	"plugins":    {"registry"},
	"reload":     {"access", "agents", "journal", "lanes", "methods", "outbox", "registry", "router", "supervisor"},
	"router":     {"journal", "registry"},
	"run":        {"journal"},
	"supervisor": {"journal", "registry", "run"},
}

// library is the actor library.
const library = "github.com/asynkron/protoactor-go"

// goStatements are the files outside the kit that may hold a go statement, with the reason.
var goStatements = map[string]string{}

func TestAPackageImportsItsOwnFloorAndThoseBelow(t *testing.T) { obey(t, floorsHold) }
func TestNobodyImportsTests(t *testing.T)                      { obey(t, testsAreOnTop) }
func TestHTTPIsAShelfWithoutAFileOfItsOwn(t *testing.T)        { obey(t, httpIsAShelf) }
func TestANetworkKnowsNoOtherNetwork(t *testing.T)             { obey(t, networksStandAlone) }
func TestAnActorKnowsOnlyTheMessagesItMay(t *testing.T)        { obey(t, actorsKnow) }
func TestTheKitKnowsNoActor(t *testing.T)                      { obey(t, kitKnowsNobody) }
func TestOnlyTheKitKnowsTheActorLibrary(t *testing.T)          { obey(t, libraryIsHidden) }
func TestMachinesArePure(t *testing.T)                         { obey(t, machinesArePure) }
func TestOnlyTheKitStartsGoroutinesUnderActors(t *testing.T)   { obey(t, kitStartsGoroutines) }
func TestLogsAreInjected(t *testing.T)                         { obey(t, logsAreInjected) }

func floorsHold(s *source) (out []string) {
	for _, f := range s.files {
		own := slices.Index(floors, f.floor())
		for _, name := range imported(f) {
			floor, _, _ := strings.Cut(strings.TrimPrefix(name, module), "/")
			if their := slices.Index(floors, floor); own >= 0 && their > own {
				out = append(out, fmt.Sprintf("%s imports %s: %s is a floor above %s", f.at(f.imports()[name]), name, floor, f.floor()))
			}
		}
	}
	return out
}

func testsAreOnTop(s *source) (out []string) {
	for _, f := range s.files {
		for _, name := range imported(f) {
			if f.floor() != "tests" && strings.HasPrefix(name+"/", module+"tests/") {
				out = append(out, fmt.Sprintf("%s imports %s: only tests may", f.at(f.imports()[name]), name))
			}
		}
	}
	return out
}

func httpIsAShelf(s *source) (out []string) {
	for _, f := range s.only(func(f *goFile) bool { return f.dir == "http" }) {
		out = append(out, f.path+": http has no Go file of its own; every edge is a folder below it")
	}
	return out
}

// networks are the folders of channels that offer a kind: they have a function Kind, or Plugin.
func (s *source) networks() (out []string) {
	for _, f := range s.below("channels") {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && !f.isTest() && fn.Recv == nil && (fn.Name.Name == "Kind" || fn.Name.Name == "Plugin") && !slices.Contains(out, f.dir) {
				out = append(out, f.dir)
			}
		}
	}
	return out
}

func networksStandAlone(s *source) (out []string) {
	networks := s.networks()
	for _, f := range s.below("channels") {
		for _, name := range imported(f) {
			other := strings.TrimPrefix(name, module)
			if slices.Contains(networks, other) && f.dir != other && !strings.HasPrefix(f.dir, other+"/") && !f.isGenerated() {
				out = append(out, fmt.Sprintf("%s imports %s: adding or removing a network must touch one folder", f.at(f.imports()[name]), name))
			}
		}
	}
	return out
}

func actorsKnow(s *source) (out []string) {
	for _, f := range s.below("actors") {
		own := actorOf(f.path)
		if f.isTest() || own == "kit" {
			continue
		}
		for _, name := range imported(f) {
			other := actorOf(strings.TrimPrefix(name, module) + "/")
			if other == "" || other == own || other == "kit" || slices.Contains(knows[own], other) {
				continue
			}
			out = append(out, fmt.Sprintf("%s imports %s: %s may know the messages of %s", f.at(f.imports()[name]), name, own, list(knows[own])))
		}
	}
	return out
}

func kitKnowsNobody(s *source) (out []string) {
	for _, f := range s.below("actors/kit") {
		for _, name := range imported(f) {
			if !strings.HasPrefix(name+"/", module+"actors/kit/") {
				out = append(out, fmt.Sprintf("%s imports %s: the kit knows nobody, for everybody knows the kit", f.at(f.imports()[name]), name))
			}
		}
	}
	return out
}

func libraryIsHidden(s *source) (out []string) {
	for _, f := range s.files {
		for name, spec := range f.imports() {
			if strings.HasPrefix(name+"/", library+"/") && f.dir != "actors/kit" {
				out = append(out, fmt.Sprintf("%s imports the actor library: only actors/kit knows its traps; use the kit", f.at(spec)))
			}
		}
	}
	return out
}

// machinesArePure holds every machine.go, and what it was split into (machine_*.go), to its promise.
func machinesArePure(s *source) (out []string) {
	impure := []string{"crypto/rand", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec", "sync", "sync/atomic", "syscall"}
	for _, f := range s.below("actors") {
		if !strings.HasPrefix(f.name, "machine") || f.isTest() {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(f.imports())) {
			if slices.Contains(impure, name) {
				out = append(out, fmt.Sprintf("%s imports %s: a machine does no I/O, draws no random number, takes no lock; make it an effect", f.at(f.imports()[name]), name))
			}
		}
		for _, sel := range f.calls("time", "Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep") {
			out = append(out, fmt.Sprintf("%s uses time.%s: a machine has no clock but kit.In.Now, and no timer but kit.After", f.at(sel), sel.Sel.Name))
		}
	}
	return out
}

// kitStartsGoroutines looks for go statements and for what starts a goroutine under another name.
func kitStartsGoroutines(s *source) (out []string) {
	for _, f := range s.below("actors") {
		if f.isTest() || f.dir == "actors/kit" || goStatements[f.path] != "" {
			continue
		}
		found := func(n ast.Node, what string) {
			out = append(out, fmt.Sprintf("%s %s: only the kit starts goroutines under actors; use the effects kit.Do and kit.After", f.at(n), what))
		}
		f.inspect(func(n ast.Node) {
			if g, ok := n.(*ast.GoStmt); ok {
				found(g, "has a go statement")
			}
		})
		for _, call := range f.methods("Go", "TryGo") {
			found(call, "calls Go")
		}
		for _, sel := range f.calls("time", "AfterFunc") {
			found(sel, "uses time.AfterFunc")
		}
	}
	for file := range goStatements {
		if !s.has(file) {
			out = append(out, file+" is excepted from the rule about go statements and does not exist")
		}
	}
	return out
}

func logsAreInjected(s *source) (out []string) {
	for _, f := range s.files {
		if spec := f.imports()["github.com/rs/zerolog/log"]; spec != nil {
			out = append(out, f.at(spec)+" imports the global logger: a logger is given to whoever logs")
		}
	}
	return out
}

// imported are the file's imports of our own module, sorted.
func imported(f *goFile) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(f.imports())), func(name string) bool { return !strings.HasPrefix(name, module) })
}

// actorOf is the folder directly below actors to which a path belongs; empty if it belongs to none.
func actorOf(file string) string {
	rest, ok := strings.CutPrefix(file, "actors/")
	name, _, below := strings.Cut(rest, "/")
	if !ok || !below {
		return ""
	}
	return name
}

func list(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}
