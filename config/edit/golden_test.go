package edit

import (
	_ "embed"
	"encoding/json"
	"errors"
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
	cases := strings.Split(edits, "=== ")[1:]
	if len(cases) < 50 {
		t.Fatalf("only %d cases were found", len(cases))
	}
	for _, one := range cases {
		name, rest, _ := strings.Cut(one, "\n")
		before, rest, _ := strings.Cut(rest, "--- ")
		call, want, _ := strings.Cut(rest, "\n")
		t.Run(name, func(t *testing.T) {
			got, err := pure(before, call)
			if err != nil {
				got = "! " + err.Error() + "\n"
			}
			if got != want {
				t.Errorf("%s\ngives\n%s\nwant\n%s", call, got, want)
			}
		})
	}
}

// What a table of lines cannot show.
func TestEditsKeepEveryByte(t *testing.T) {
	for _, tt := range []struct{ name, before, call, want string }{
		{"lines that end as on Windows", "a: 1 # x\r\nb:\r\n  c: 2\r\n", `patch {"a": 2, "b": {"d": [1]}}`, "a: 2 # x\r\nb:\r\n  c: 2\r\n  d:\r\n    - 1\r\n"},
		{"an entry that goes from such lines", "a: 1 # x\r\nb: 2\r\n", `set a null`, "b: 2\r\n"},
		{"text in such lines", "a: |\r\n  x\r\nb: 1\r\n", `set a "y\nz\n"`, "a: |\r\n  y\r\n  z\r\nb: 1\r\n"},
		{"lines that end in two ways", "a: 1\nb: 2\r\nc: 3\n", `patch {"b": 5, "d": 4}`, "a: 1\nb: 5\r\nc: 3\nd: 4\n"},
		{"a file without a last line break", "a: 1\nb: 2", `set a 3`, "a: 3\nb: 2"},
		{"a key after a last line without a break", "a: 1", `set b 2`, "a: 1\nb: 2"},
		{"a key after a last comment without a break", "a: 1 # x", `set b 2`, "a: 1 # x\nb: 2"},
		{"the last key of a file without a last line break goes", "a: 1\nb: 2", `set b null`, "a: 1\n"},
		{"a byte order mark", "\ufeffa: 1\n", `set b 2`, "\ufeffa: 1\nb: 2\n"},
		{"a byte order mark before nothing", "\ufeff", `set b 2`, "\ufeffb: 2\n"},
		{"an empty file", "", `set a.b 2`, "a:\n  b: 2\n"},
		{"tabs before comments and at ends", "a: 1\t# x\t\nb: 2 \t \n", `patch {"a": 2, "b": 3}`, "a: 2\t# x\t\nb: 3 \t \n"},
		{"blank lines at the end", "a: 1\n\n\n", `set b 2`, "a: 1\nb: 2\n\n\n"},
		{"text that keeps its blank lines at the end", "a: |+\n  x\n\n\n", `set b 2`, "a: |+\n  x\n\n\nb: 2\n"},
		{"wide characters before a value in brackets", "ä: {é😀: 1, b: 2}\n", `set ä.b 3`, "ä: {é😀: 1, b: 3}\n"},
		{"a line break that only the library takes for one", "a: 'x\u2028y'\nb: 1\n", `set b 2`, "a: 'x\u2028y'\nb: 2\n"},
		{"control characters are written as escapes", "a: 1\n", `set a "\u0000\u0007\u007f\u0085\ufeff"`, "a: \"\\0\\a\\x7F\\N\\uFEFF\"\n"},
		{"text that looks like something else", "{}\n", `patch {"a": "yes", "b": "1", "c": "null", "d": "0x1", "e": "2001-01-01", "f": "", "g": "- x", "h": "a: b", "i": "~"}`, "a: \"yes\"\nb: \"1\"\nc: \"null\"\nd: \"0x1\"\ne: \"2001-01-01\"\nf: \"\"\ng: '- x'\nh: 'a: b'\ni: \"~\"\n"},
		{"deep indentation", "a:\n        b:\n                c: 1\n", `patch {"a": {"b": {"d": {"e": 1}}}}`, "a:\n        b:\n                c: 1\n                d:\n                        e: 1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := pure(tt.before, tt.call); err != nil || got != tt.want {
				t.Errorf("got %q, %v\nwant %q", got, err, tt.want)
			}
		})
	}
}

// If what we find is not what the library read, nothing is changed: here it is given another text.
func TestAPlaceThatIsNotWhereTheLibrarySaysIsSeen(t *testing.T) {
	for name, tt := range map[string][2]string{
		"more follows":           {"a: x\n", "a: x\nb: 1\n"},
		"it stands elsewhere":    {"a:  x\n", "a: x\n"},
		"it is another text":     {"a: x\n", "a: y\n"},
		"a quote is missing":     {"a: 'x'\n", "a: 'x\n"},
		"a bracket is missing":   {"a: [x]\n", "a: [x \n"},
		"a dash is missing":      {"- x\n", "  x\n"},
		"a colon is missing":     {"a: x\n", "a  x\n"},
		"a key stands elsewhere": {"a: x\nb: y\n", "a: x\n b: y\n"},
		"there is no block":      {"a: |\n  x\n", "a: x\n"},
		"there is no alias":      {"a: &x 1\nb: *x\n", "a: &x 1\nb: +x\n"},
	} {
		read, err := readTree("f.yaml", tt[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := locate(read, tt[1]); !errors.Is(err, errUnclear) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAFileThatCannotBeReadIsToldAsALoadWould(t *testing.T) {
	for file, content := range map[string]string{"f.yaml": "log:\n  level: [\n", "f.json": "{\"log\":\n x}"} {
		f := File{Source: config.Source{Path: file}.With([]byte(content))}
		_, err := f.Get("")
		var problems config.Problems
		if !errors.As(err, &problems) || problems[0].File != file || problems[0].Line < 2 {
			t.Errorf("%s: got %v", file, err)
		}
	}
}

// What a small file can stand for is bounded.
func TestAFileThatGrowsWhileItIsReadIsRefused(t *testing.T) {
	laughs := "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"
	for i := range 8 {
		name, before := string(rune('b'+i)), string(rune('a'+i))
		laughs += name + ": &" + name + " [" + strings.Repeat("*"+before+", ", 10) + "]\n"
	}
	for name, tt := range map[string][2]string{
		"aliases of aliases":      {laughs, "at most 100000 values"},
		"deep brackets":           {"a: " + strings.Repeat("[", 80) + strings.Repeat("]", 80), "at most 64 levels"},
		"a key that is a mapping": {"{{a: b}: c}", "a key that is not text"},
	} {
		if _, err := pure(tt[0], "set x 1"); !errors.Is(err, ErrForm) || !strings.Contains(err.Error(), tt[1]) {
			t.Errorf("%s: got %v, want: %s", name, err, tt[1])
		}
	}
}

// Text that ends with the file would say something else if anything followed it: that is seen, and nothing is written.
func TestAResultThatWouldSayMoreThanAskedIsRefused(t *testing.T) {
	for name, tt := range map[string][2]string{
		"a key after text without a last line break": {"a: |\n  x", `set b 2`},
		"a comment that would become text":           {"a: |\n  x\nb: 1\n  # note\n", `set b null`},
	} {
		got, err := pure(tt[0], tt[1])
		if !errors.Is(err, ErrForm) || got != "" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}
