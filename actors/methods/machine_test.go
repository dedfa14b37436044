package methods

import (
	"slices"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

func TestRegister(t *testing.T) {
	owner := kit.Named("control")
	for name, c := range map[string]struct {
		names  []string
		kept   []string
		refuse []string
	}{
		"names are lower-case words joined by dots": {[]string{"status", "journal.ls", "a1.b_c"}, []string{"a1.b_c", "journal.ls", "status"}, nil},
		"malformed names are refused":               {[]string{"", "Status", "a..b", ".a", "a.", "a b", "1a"}, nil, []string{"", ".a", "1a", "Status", "a b", "a.", "a..b"}},
		"the second owner of a name is refused":     {[]string{"x", "x"}, []string{"x"}, []string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			var list []registry.Method
			for _, n := range c.names {
				list = append(list, registry.Method{Name: n, Owner: owner})
			}
			s, effects := Step(State{}, kit.In{Msg: Register{Methods: list}, From: kit.ReturnTo(kit.Named("reload"), 1)})
			ask := kittest.Asked[registry.StageMethods](effects)[0]
			var kept []string
			for _, m := range ask.Msg.(registry.StageMethods).Methods.All() {
				kept = append(kept, m.Name)
			}
			slices.Sort(kept)
			if !slices.Equal(kept, c.kept) || s.Count != len(c.kept) {
				t.Errorf("kept %v, want %v", kept, c.kept)
			}
			_, effects = Step(s, kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: registry.Staged{}}})
			answer := kittest.Answers[Registered](effects)[0]
			var refused []string
			for n, why := range answer.Refused {
				if why == "" {
					t.Errorf("%q is refused without a reason", n)
				}
				refused = append(refused, n)
			}
			slices.Sort(refused)
			if !slices.Equal(refused, c.refuse) {
				t.Errorf("refused %q, want %q", refused, c.refuse)
			}
		})
	}
}

func TestOfTwoMethodsOfOneNameTheFirstIsKept(t *testing.T) {
	core, plugin := kit.Named("control"), kit.Named("plugins")
	kept, refused := sift([]registry.Method{{Name: "journal.ls", Owner: core}, {Name: "journal.ls", Owner: plugin}})
	if want := "control answers a method of this name already: rename the later one"; len(kept) != 1 || kept[0].Owner != core || refused["journal.ls"] != want {
		t.Errorf("kept %+v, refused %q, want the core's to be kept and %q", kept, refused, want)
	}
}

func TestAMethodWithoutAnOwnerIsRefused(t *testing.T) {
	if kept, refused := sift([]registry.Method{{Name: "x"}}); len(kept) != 0 || refused["x"] == "" {
		t.Errorf("kept %v, refused %v", kept, refused)
	}
}

func TestARegistryThatDoesNotAnswerIsTheCallersToKnow(t *testing.T) {
	_, effects := Step(State{}, kit.In{Msg: Register{}, From: kit.ReturnTo(kit.Named("reload"), 1)})
	ask := kittest.One[kit.Ask](t, effects)
	_, effects = Step(State{}, kit.In{Msg: kit.Answered{Tag: ask.Tag, Err: kit.ErrLate}})
	if got := kittest.Answers[Registered](effects); len(got) != 1 || got[0].Err == nil {
		t.Errorf("answered %+v, want the error", got)
	}
}

func FuzzSift(f *testing.F) {
	f.Add("a.b", "A")
	f.Fuzz(func(t *testing.T, one, two string) {
		owner := kit.Named("o")
		kept, refused := sift([]registry.Method{{Name: one, Owner: owner}, {Name: two, Owner: owner}})
		for _, m := range kept {
			if !wellFormed.MatchString(m.Name) {
				t.Fatalf("kept %q", m.Name)
			}
		}
		if len(kept) == 2 && one == two || len(kept) == 0 && len(refused) == 0 {
			t.Fatalf("kept %v, refused %v", kept, refused)
		}
	})
}

// FuzzStep looks for a registration that is not answered exactly once, whatever the registry does, and for a message that
// is neither decided nor named as unknown.
func FuzzStep(f *testing.F) {
	f.Add("a.b", uint8(0))
	f.Add("A", uint8(1))
	f.Fuzz(func(t *testing.T, name string, fate uint8) {
		me := kit.ReturnTo(kit.Named("reload"), 1)
		s, effects := Step(State{}, kit.In{Msg: Register{Methods: []registry.Method{{Name: name, Owner: kit.Named("o")}}}, From: me})
		ask := kittest.One[kit.Ask](t, effects)
		fault := []error{nil, kit.ErrLate, kit.ErrGone}[fate%3]
		_, effects = Step(s, kit.In{Msg: kit.Answered{Tag: ask.Tag, Msg: registry.Staged{}, Err: fault}})
		if got := kittest.One[kit.Answer](t, effects); got.To != me || (got.Msg.(Registered).Err != nil) != (fault != nil) {
			t.Fatalf("answered %+v after %v", got, fault)
		}
		if _, effects = Step(s, kit.In{Msg: name}); len(kittest.All[kit.Unknown](effects)) != 1 {
			t.Fatalf("%q became %+v", name, effects)
		}
	})
}
