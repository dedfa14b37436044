package all

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryPluginAndEveryKindHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	var names, kinds []string
	for _, p := range Plugins() {
		names = append(names, p.Name)
		if p.Version == "" || p.Offer == nil {
			t.Errorf("%s has no version or offers nothing", p.Name)
		}
		for _, k := range p.Kinds() {
			kinds = append(kinds, k.Name)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || slices.Contains(names, "") {
		t.Errorf("got %q, want names, sorted and each once", names)
	}
	slices.Sort(kinds)
	if len(slices.Compact(slices.Clone(kinds))) != len(kinds) {
		t.Errorf("got the kinds %q, want each once", kinds)
	}
	if !slices.Contains(kinds, "webhook") {
		t.Errorf("got the kinds %q, want webhook among them", kinds)
	}
	if slices.Contains(kinds, "faulty") {
		t.Error("the faulty network is compiled in")
	}
}

func TestWhatAPluginSaysOfItselfIsComplete(t *testing.T) {
	t.Parallel()
	for _, p := range Plugins() {
		settings := p.Defaults()
		if settings != nil {
			if problems := settings.Validate(); len(problems) > 0 {
				t.Errorf("the defaults of %s are refused: %v", p.Name, problems)
			}
		}
		if (settings != nil) != (len(p.Sample) > 0) {
			t.Errorf("%s takes settings: %t, and its sample has %d bytes", p.Name, settings != nil, len(p.Sample))
		}
		for _, m := range p.Offer(settings).Methods {
			switch {
			case !strings.HasPrefix(m.Name, p.Name+"."):
				t.Errorf("the method %s of %s does not begin with the plugin's name", m.Name, p.Name)
			case m.Help == "" || m.Result == nil || m.Call == nil:
				t.Errorf("%s lacks something", m.Name)
			}
		}
	}
}

func TestTwoInstancesHaveSettingsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, p := range Plugins() {
		if p.Settings != nil && p.Defaults() == p.Defaults() {
			t.Errorf("two instances of %s share their settings", p.Name)
		}
	}
}
