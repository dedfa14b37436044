package all

import (
	"slices"
	"testing"
)

func TestEveryKindHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	var names []string
	for _, k := range All() {
		names = append(names, k.Name)
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || slices.Contains(names, "") {
		t.Errorf("got %q, want names, sorted and each once", names)
	}
	if !slices.Contains(names, "webhook") {
		t.Errorf("got %q, want webhook among them", names)
	}
	if slices.Contains(names, "faulty") {
		t.Error("the faulty network is compiled in")
	}
}
