package cli

import (
	"errors"
	"strings"
	"testing"
)

func TestAValueIsJSONOrText(t *testing.T) {
	for _, c := range []struct {
		name, text string
		isJSON     bool
		want       string // empty: it is refused
	}{
		{"a word", "debug", false, `"debug"`},
		{"a duration", "30s", false, `"30s"`},
		{"a phone number", "+15551234567", false, `"+15551234567"`},
		{"a reference", "${env:TOKEN}", false, `"${env:TOKEN}"`},
		{"a mask", "***", false, `"***"`},
		{"nothing", "", false, `""`},
		{"a number", "7", false, `7`},
		{"a number that is a text", `"7"`, false, `"7"`},
		{"a truth", "true", false, `true`},
		{"a removal", "null", false, `null`},
		{"a list", `["a", 1]`, false, `["a", 1]`},
		{"a list that is cut off", `["a", 1`, false, ""},
		{"a mapping in another form", `{a: 1}`, false, ""},
		{"a text that is cut off", `"seven`, false, ""},
		{"a word where JSON must be", "debug", true, ""},
		{"nothing where JSON must be", "", true, ""},
		{"JSON where JSON must be", `"debug"`, true, `"debug"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := valueOf(c.text, c.isJSON)
			if string(got) != c.want || (err == nil) == (c.want == "") {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
			if err != nil && c.text != "" && strings.Contains(err.Error(), c.text) {
				t.Errorf("the error tells the value: %v", err)
			}
		})
	}
}

func TestADashReadsStdin(t *testing.T) {
	w := newWindow(grammar{})
	w.Stdin = strings.NewReader("a secret\r\n")
	if got, err := w.given("-"); got != "a secret" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	w.Stdin = broken{}
	if got, err := w.given("text"); got != "text" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := w.given("-"); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

var errBroken = errors.New("broken")

// broken is an input that cannot be read.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }
