package edit

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"holdfast/config"
)

// FuzzSet: whatever the file, the path and the value, a change is refused with an error of this package or a load's
// problems, or the result says what was asked, nothing is left to change then, and setting back what was there gives the
// old content again.
func FuzzSet(f *testing.F) {
	for _, content := range []string{
		"a: 1\n", "a: {b: [1, 'x', \"y\"], c}\r\n# end", "\ufeffa:\n  - b: 1 # x\n    c: |+\n      t\n\n  - [x,]\nd: &x {e: 1}\nf: *x\n",
		"", "# only\n---\n", "%YAML 1.2\n--- {a: 1}\n...\n", "? a\n: b\n", "a: !!str\nb: >-\n x\n\n y\n\tz: 1", "- 1\n", "a\u2028: \u0085b", "a: &a [*a]",
		"<<: {a: 1}\nb: <<\n", "a: b\r c: d\r", "a: 'x\n\n  y'\nb: \"x\\\n  y\"\n", "a:\n-\n  - 1\n-\n", "{a: {}, \"b\":1, c: , }",
	} {
		f.Add(content, "a", `"x"`)
		f.Add(content, "a.b[0]", `{"x": [1, {"y": null}], "z w": "a: b\n"}`)
		f.Add(content, "", `{"a": 5, "n": "***"}`)
		f.Add(content, "a", `null`)
	}
	f.Fuzz(func(t *testing.T, content, path, given string) {
		after, err := pure(content, "set "+strings.ReplaceAll(path, " ", "_")+" "+given)
		path = strings.ReplaceAll(path, " ", "_")
		if err != nil {
			reasoned(t, err)
			return
		}
		now := File{Source: config.Source{Path: "f.yaml"}.With([]byte(after)), Secrecy: func([]string) config.Secrecy { return config.Open }}
		raw := json.RawMessage(given)
		r, err := now.Get(path)
		if errors.Is(err, ErrAbsent) {
			return // removed
		}
		if err != nil {
			t.Fatalf("%q set %q %q gave %q, which cannot be read: %v", content, path, given, after, err)
		}
		result, err := now.Set(path, raw, Options{Base: r.Hash, Dry: true, Force: true})
		if errors.Is(err, ErrForm) {
			return // a tag or the like that stood there before belongs to what was added
		}
		if string(raw) != "null" && (err != nil || len(result.Changed) > 0) {
			t.Fatalf("%q set %q %q gave %q, and once more changed %v: %v", content, path, given, after, result.Changed, err)
		}
	})
}

func reasoned(t *testing.T, err error) {
	t.Helper()
	var problems config.Problems
	for _, known := range []error{ErrInput, ErrMask, ErrPlace, ErrForm, ErrInvalid} {
		if errors.Is(err, known) {
			return
		}
	}
	if !errors.As(err, &problems) {
		t.Errorf("an error without a reason: %v", err)
	}
}
