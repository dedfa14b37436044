package edit

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"holdfast/config"
)

//go:embed testdata/edits.txt
var edits string

// pure makes an edit of content without a file and gives the new content, or the error.
func pure(content, call string) (string, error) {
	f := File{
		Source:  config.Source{Path: "f.yaml"}.With([]byte(content)),
		Secrecy: func([]string) config.Secrecy { return config.Open },
	}
	var after string
	f.Check = func(content []byte) config.Problems {
		after = string(content)
		return nil
	}
	o := Options{Base: f.Source.Digest([]byte(content)), Dry: true, Force: true}
	verb, rest, _ := strings.Cut(call, " ")
	var err error
	if verb == "patch" {
		_, err = f.Patch(json.RawMessage(rest), o)
	} else {
		path, given, _ := strings.Cut(rest, " ")
		_, err = f.Set(path, json.RawMessage(given), o)
	}
	return after, err
}

func TestGoldenEdits(t *testing.T) {
	var out strings.Builder
	for _, one := range strings.Split(edits, "=== ")[1:] {
		name, rest, _ := strings.Cut(one, "\n")
		before, rest, _ := strings.Cut(rest, "--- ")
		call, want, _ := strings.Cut(rest, "\n")
		got, err := pure(before, call)
		if err != nil {
			got = "! " + err.Error() + "\n"
		}
		fmt.Fprintf(&out, "=== %s\n%s--- %s\n%s", name, before, call, got)
		t.Run(name, func(t *testing.T) {
			if got != want {
				t.Errorf("%s\ngives\n%s\nwant\n%s", call, got, want)
			}
		})
	}
	if os.Getenv("GOLDEN") != "" {
		os.WriteFile("testdata/edits.txt", []byte(out.String()), 0o644)
	}
}
