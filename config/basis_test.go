package config

import (
	"errors"
	"os"
	"slices"
	"testing"
)

// TestALookAgainSeesWhatAFirstLookSees: whatever happens to the files, looking again from what is known finds what somebody
// finds who knows nothing, and where nothing is other than it was, it is the known that is returned.
func TestALookAgainSeesWhatAFirstLookSees(t *testing.T) {
	unpack(t, "-- f.yaml --\ninclude: ['d/*/*.yaml', e.yaml]\nlog: {level: '${file:key}'}\n-- d/1/a.yaml --\n-- e.yaml --\n-- key --\ninfo\n")
	src, environ := Find("f.yaml", nil), []string{"A=warn"}
	known := Look(src, environ, nil)
	put := func(name, content string) func() error {
		return func() error { return os.WriteFile(name, []byte(content), 0o600) }
	}
	for _, step := range []struct {
		name   string
		change func() error
		same   bool
	}{
		{"nothing happens", func() error { return nil }, true},
		{"the file is saved with the same bytes", func() error {
			return os.WriteFile("f.yaml", []byte("include: ['d/*/*.yaml', e.yaml]\nlog: {level: '${file:key}'}\n"), 0o600)
		}, true},
		{"a file appears that nothing names", put("other", "x"), true},
		{"a secret is rotated", put("key", "warn\n"), false},
		{"a secret goes away", func() error { return os.Remove("key") }, false},
		{"it is back", put("key", "info\n"), false},
		{"an included file changes", put("e.yaml", "# x\n"), false},
		{"a file that fits a pattern appears", put("d/1/b.yaml", ""), false},
		{"it gets another name", func() error { return os.Rename("d/1/b.yaml", "d/1/c.yaml") }, false},
		{"a folder appears in which a pattern may fit", func() error { return os.Mkdir("d/2", 0o700) }, false},
		{"a file that does not fit appears in it", put("d/2/a.txt", ""), true},
		{"a file becomes a folder", func() error { return errors.Join(os.Remove("e.yaml"), os.Rename("d/2", "e.yaml")) }, false},
		{"and cannot be one: nothing happens", func() error { return nil }, true},
		{"the file is no YAML any more", put("f.yaml", "["), false},
		{"and stays so", func() error { return nil }, true},
		{"the file is gone", func() error { return os.Remove("f.yaml") }, false},
		{"and stays away", func() error { return nil }, true},
		{"the file is back", put("f.yaml", "log: {level: '${env:A}'}\n"), false},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		now, first := Look(src, environ, known), Look(src, environ, nil)
		if now.Hash() != first.Hash() || !slices.Equal(now.Files(), first.Files()) {
			t.Errorf("%s: got %s %v, want %s %v", step.name, now.Hash(), now.Files(), first.Hash(), first.Files())
		}
		if same := now == known; same != step.same {
			t.Errorf("%s: the known one holds: %v, want %v", step.name, same, step.same)
		}
		known = now
	}
	if Look(src, []string{"A=y"}, known) == known {
		t.Error("another environment: the known one holds")
	}
	if Look(Find("f.yaml", nil), environ, known) == known {
		t.Error("another source: the known one holds")
	}
	const content = "log: {level: '${env:A}'}\n"
	if err := os.WriteFile("g.yaml", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if Look(src.At("g.yaml"), environ, known) == known {
		t.Error("the same content at another place: the known one holds")
	}
	if candidate := src.With([]byte(content)); Look(candidate, environ, known) != known {
		t.Error("the same content as a candidate: the known one does not hold")
	}
	c, err := Load(src, environ)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Holds(src, environ) || Look(src, environ, c.Basis()) != c.Basis() {
		t.Error("what a load rests on does not hold right after it")
	}
}

// looked is the hash and the files of a first look.
func looked(src Source, environ []string) (hash string, files []string) {
	b := Look(src, environ, nil)
	return b.Hash(), b.Files()
}
