package config

import (
	_ "embed"
	"strings"
	"testing"
)

//go:embed testdata/faults.txt
var faultCases string

// Every sort of fault in a file, with its exact place and text.
func TestFaultsInAFile(t *testing.T) {
	cases := strings.Split(faultCases, "\n=== ")[1:]
	if len(cases) < 50 {
		t.Fatalf("only %d cases were found", len(cases))
	}
	for _, one := range cases {
		name, rest, _ := strings.Cut(one, "\n")
		file, want, _ := strings.Cut(rest, "=>\n")
		t.Run(name, func(t *testing.T) {
			c, err := load(file)
			if got, want := faults(t, c, err), strings.TrimSpace(want); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestFilesThatNoEditorWrites(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"text that is no UTF-8", "log: \xff\n", "f.yaml:1:1: want YAML: invalid leading UTF-8 octet"},
		{"a control character", "log: \x00\n", "f.yaml:1:1: want YAML: control characters are not allowed"},
		{
			"a key without end", "log: {" + strings.Repeat("x", maxKey+1) + ": 1}\n",
			"f.yaml:1:7: log: got a key that is empty, too long or has a control character in it: want a printable name of at most 256 bytes",
		},
		{
			"settings nested without end", "session: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n",
			"f.yaml:1:74: session" + strings.Repeat("[0]", 64) + ": got settings nested too deeply: want at most 64 levels",
		},
		{
			"a fault in a long file", strings.Repeat("# "+strings.Repeat("x", 60)+"\n", 2000) + "a:\n  b: 1\n c: 2\nd: 1\n",
			"f.yaml:2003:2: want YAML: did not find expected key",
		},
		{
			"a fault in a file too long to search is told near its block", strings.Repeat("#"+strings.Repeat("x", 500)+"\n", 2000) + "a:\n  b: 1\n c: 2\n",
			"f.yaml:2000:1: want YAML: did not find expected key",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(tt.file)
			if got := faults(t, c, err); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestFaultsInJSON(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{
			"a missing comma", "{\n  \"log\": {}\n  \"gateway\": {}\n}",
			"f.json:3:3: want JSON with comments: keys and text in double quotes",
		},
		{
			"a key without quotes", "{ log: {} }",
			"f.json:1:3: want JSON with comments: keys and text in double quotes",
		},
		{
			"nothing at all", "",
			"f.json:1:1: want JSON with comments: keys and text in double quotes",
		},
		{
			"brackets without end", strings.Repeat("[", 100_000),
			"f.json:1:1: got settings nested too deeply: want JSON with comments: keys and text in double quotes",
		},
		{
			"the same key twice", "{ // ä\n  \"log\": {\"level\": \"info\",\n  \"level\": \"warn\"} }",
			"f.json:3:3: log.level: got the key a second time: want it once; the first is in line 2",
		},
		{
			"a number that is too large", `{"gateway": {"minFreeMb": 1e999}}`,
			"f.json:1:27: gateway.minFreeMb: want a number that fits 64 bits",
		},
		{
			"a place after a wide character counts characters", `{"log": {"level": /* ä */ "x"}}`,
			`f.json:1:27: log.level: got "x": want trace, debug, info, warn, error`,
		},
		{
			"an unknown key", "{\n  \"log\": {\n    \"lewel\": 1,\n  },\n}",
			"f.json:3:5: log.lewel: got an unknown key: want a known key; did you mean level?",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Load(Source{Path: "f.json"}.With([]byte(tt.file)), nil)
			if got := faults(t, c, err); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	c, err := load("log:\n  level: x\n  level: y\n  colour: red\ngateway: {listen: ''}\nagents: {default: {kind: '${env:NONE}'}}\n",
		"HOLDFAST_LOG__COLOUR=1")
	got := faults(t, c, err)
	want := strings.Join([]string{
		"HOLDFAST_LOG__COLOUR: got a name that sets nothing: want a known name; the closest is HOLDFAST_LOG__FORMAT",
		"f.yaml:2:10: log.level: got \"x\": want trace, debug, info, warn, error",
		"f.yaml:3:3: log.level: got the key a second time: want it once; the first is in line 2",
		"f.yaml:4:3: log.colour: got an unknown key: want a known key: level, format",
		"f.yaml:5:19: gateway.listen: got \"\": want host:port such as 127.0.0.1:18789, or :18789 for every interface",
		"f.yaml:6:26: agents.default.kind: got ${env:NONE}, which is not set: want the environment variable NONE to hold the value when the gateway starts",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
