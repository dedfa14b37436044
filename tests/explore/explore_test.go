package explore

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/methods"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
)

const root = "../.."

func plan(t *testing.T, name string) Plan {
	t.Helper()
	for _, p := range Plans() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no world %s", name)
	return Plan{}
}

func world(t *testing.T, p Plan) *World {
	t.Helper()
	w, err := p.World()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSmallWorldsKeepTheLaws(t *testing.T) {
	for _, p := range Plans() {
		if !p.Quick {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			out := world(t, p).Search(Limits{States: daily})
			if out.Broken != nil {
				t.Errorf("%s: %s\n%s", out.Broken.Law, out.Broken.What, strings.Join(out.Broken.History, "\n"))
			}
			if !out.Complete && out.States < daily {
				t.Errorf("given up after %d states", out.States)
			}
		})
	}
}

func TestWalksThroughLargerWorldsKeepTheLaws(t *testing.T) {
	for _, p := range Larger() {
		t.Run(p.Name, func(t *testing.T) {
			if _, broken := world(t, p).Walk(Walks{Number: daily / 400, Steps: 200, Seed: 2}); broken != nil {
				t.Errorf("%s: %s\n%s", broken.Law, broken.What, strings.Join(broken.History, "\n"))
			}
		})
	}
}

func TestEveryWorldCanBeMade(t *testing.T) {
	names := map[string]bool{}
	for _, p := range slices.Concat(Plans(), Larger()) {
		if w := world(t, p); len(w.moves(w.Begin)) == 0 {
			t.Errorf("%s: nothing can happen in it", p.Name)
		}
		if names[p.Name] || p.Title == "" {
			t.Errorf("%s: two worlds have this name, or it has no title", p.Name)
		}
		names[p.Name] = true
	}
}

// brokenWorld is a world in which one machine is another than it should be.
func brokenWorld(t *testing.T, at kit.Addr, node Node) *World {
	w := world(t, Plan{Name: "broken", Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}})
	a := *w.Begin.find(at)
	a.node = node
	w.Begin.put(&a)
	return w
}

func TestABrokenMachineIsFoundWithTheShortestHistory(t *testing.T) {
	mute := machine[methods.State]{step: func(s methods.State, in kit.In) (methods.State, []kit.Effect) {
		s, effects := methods.Step(s, in)
		return s, slices.DeleteFunc(effects, func(e kit.Effect) bool { _, is := e.(kit.Answer); return is })
	}}
	out := brokenWorld(t, methodsAt, mute).Search(Limits{})
	if out.Broken == nil || out.Broken.Law != "every question was answered" {
		t.Fatalf("a machine that answers nothing breaks %+v", out.Broken)
	}
	last := out.Broken.History[len(out.Broken.History)-1]
	if len(out.Broken.History) > 20 || !strings.Contains(strings.Join(out.Broken.History, "\n"), "registry answers methods") {
		t.Errorf("the history has %d steps, the last is %s", len(out.Broken.History), last)
	}
}

func TestAPanicIsABrokenLaw(t *testing.T) {
	bad := machine[router.State]{step: func(s router.State, in kit.In) (router.State, []kit.Effect) {
		if _, is := in.Msg.(router.Published); is {
			panic("out of tables")
		}
		return router.Step(s, in)
	}}
	if out := brokenWorld(t, routerAt, bad).Search(Limits{}); out.Broken == nil || !strings.Contains(out.Broken.What, "out of tables") {
		t.Errorf("a panic breaks %+v", out.Broken)
	}
}

func TestAStepThatChangesItsStateIsFoundByAWalk(t *testing.T) {
	type bag struct{ seen map[string]int }
	bad := machine[bag]{step: func(s bag, in kit.In) (bag, []kit.Effect) {
		s.seen["inputs"]++
		_, effects := methods.Step(methods.State{Registry: registryAt}, in)
		return s, effects
	}}
	w := brokenWorld(t, methodsAt, bad)
	a := *w.Begin.find(methodsAt)
	a.state = bag{map[string]int{}}
	stepping{&w.Composition, w.Begin}.settle(&a)
	// One walk only: several at a time would race for what the step should not write to.
	if _, broken := w.Walk(Walks{Number: 1, Steps: 400, Seed: 1}); broken == nil || !strings.Contains(broken.Law, "does not change") {
		t.Errorf("a step that writes into its state breaks %+v", broken)
	}
}

func TestAWalkIsShortenedToWhatBreaksTheLaw(t *testing.T) {
	w := world(t, Larger()[0])
	w.Laws = append(w.Laws, Law{"nobody pauses", func(v View) (broken string) {
		statuses(v, func(s supervisor.Status) {
			if s.Phase == supervisor.Pausing {
				broken = string(s.Account)
			}
		})
		return broken
	}})
	_, broken := w.Walk(Walks{Number: 100, Steps: 200, Seed: 3})
	if broken == nil || broken.Law != "nobody pauses" {
		t.Fatalf("the walks broke %+v", broken)
	}
	taken, again := w.replay(broken.History)
	if again == nil || again.Law != broken.Law || len(taken) != len(broken.History) {
		t.Errorf("the history of %d steps breaks %+v when it is taken again", len(broken.History), again)
	}
	if len(broken.History) > 12 {
		t.Errorf("%d steps are left:\n%s", len(broken.History), strings.Join(broken.History, "\n"))
	}
}

func TestASearchIsTheSameEveryTime(t *testing.T) {
	p := plan(t, "reload-waits")
	first, second := world(t, p).Search(Limits{States: daily}), world(t, p).Search(Limits{States: daily})
	if first != second {
		t.Errorf("%+v, then %+v", first, second)
	}
}

// rested are the states of the actors wherever nothing is under way.
func rested(t *testing.T, p Plan, whole bool) map[digest]bool {
	w := world(t, p)
	w.whole = whole
	w.Class = func(timer any) class {
		if typeName(reflect.TypeOf(timer)) == "reload.again" {
			return never // without reductions the timers of one try after the other would pile up for ever
		}
		return classify(timer)
	}
	w.Rest = nil // which is what those tries bring about
	out := map[digest]bool{}
	outcome := w.Search(Limits{rests: func(s *state) {
		only := state{actors: s.actors, faults: s.faults}
		out[only.id()] = true
	}})
	if outcome.Broken != nil || !outcome.Complete {
		t.Fatalf("%+v", outcome)
	}
	t.Logf("%d states, %d at rest", outcome.States, len(out))
	return out
}

func TestReductionsLoseNothing(t *testing.T) {
	for _, p := range []Plan{
		{Name: "boot", Files: []string{file(homeOne)}, Faults: []string{crash, hang}},
		{Name: "reload", Files: []string{file(homeOne), file(homeTwo)}, Steps: []Step{{File: 1}}, Booted: true, Faults: []string{crash}},
		{Name: "handover", Files: []string{file(soleOne), file(soleTwo)}, Steps: []Step{{File: 1}}, Booted: true, Faults: []string{hang}},
		{Name: "moved", Files: []string{file(homeOne), file(homeAway)}, Steps: []Step{{File: 1}}, Booted: true},
	} {
		t.Run(p.Name, func(t *testing.T) {
			reduced, whole := rested(t, p, false), rested(t, p, true)
			if !maps.Equal(reduced, whole) {
				t.Errorf("%d states at rest with reductions, %d without", len(reduced), len(whole))
			}
		})
	}
}

func TestDefectsFitTheSources(t *testing.T) {
	if err := Check(root, Defects()); err != nil {
		t.Error(err)
	}
	names := map[string]bool{}
	for _, m := range Defects() {
		if names[m.Name] {
			t.Errorf("two defects are called %q", m.Name)
		}
		names[m.Name] = true
		if !slices.ContainsFunc(Plans(), func(p Plan) bool { return m.In == "" || p.Name == m.In }) {
			t.Errorf("%q shows in %s, and there is no such world", m.Name, m.In)
		}
	}
	if err := Check(root, []Mutant{{Name: "gone", File: "actors/methods/machine.go", Old: "no such text"}}); err == nil {
		t.Error("a defect that fits nothing is taken")
	}
}

func TestAMutantIsLaidOverTheSources(t *testing.T) {
	guards, err := Guards(root)
	if err != nil || len(guards) < 100 {
		t.Fatalf("%d guards, %v", len(guards), err)
	}
	for _, m := range []Mutant{Defects()[0], guards[0], guards[len(guards)-1]} {
		dir := t.TempDir()
		overlay, err := m.Apply(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		changed, err := os.ReadFile(filepath.Join(dir, "mutant.go"))
		if err != nil || !strings.Contains(string(changed), m.New) {
			t.Errorf("%s: %v", m.Name, err)
		}
		if text, err := os.ReadFile(overlay); err != nil || !strings.Contains(string(text), filepath.Base(m.File)) {
			t.Errorf("the overlay is %s, %v", text, err)
		}
	}
}

func TestABuildWithAllGuardsIsTheOneThatIsChosen(t *testing.T) {
	source := "package p\n\nfunc f(a, b bool) int {\n\tif all(func() bool { if a { return b }; return false }) {\n\t\treturn 1\n\t}\n" +
		"\tswitch {\n\tcase a && b:\n\t\treturn 2\n\t}\n\treturn 3\n}\n"
	guards, err := guardsOf("p.go", source)
	if err != nil || len(guards) != 6 {
		t.Fatalf("%d guards, %v", len(guards), err)
	}
	for i := range guards {
		guards[i].Choice = strconv.Itoa(i + 1)
	}
	text := together(source, guards)
	for _, want := range []string{
		`if (mutantChosen != "1" && ((mutantChosen == "2" || (all(func() bool { if`,
		`if (mutantChosen != "3" && ((mutantChosen == "4" || (a)))) { return b }`,
		`return false }))))) {`,
		`case (mutantChosen != "5" && ((mutantChosen == "6" || (a && b)))):`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

func TestAnArmIsCoveredIfAStatementOfItWas(t *testing.T) {
	arms, err := Arms(root)
	if err != nil || len(arms) < 60 {
		t.Fatalf("%d arms, %v", len(arms), err)
	}
	a := &arms[3]
	inside := fmt.Sprintf("mode: set\nholdfast/%s:%d.%d,%d.1 1 %%d\n", a.File, a.from.Line, a.from.Column+1, a.to.Line)
	for _, count := range []int{0, 1} {
		if err := cover(arms, strings.NewReader(fmt.Sprintf(inside, count))); err != nil || a.Covered != (count > 0) {
			t.Errorf("a count of %d covers %t, %v", count, a.Covered, err)
		}
	}
	if arms[4].Covered || arms[2].Covered {
		t.Error("the arms beside it are covered")
	}
}
