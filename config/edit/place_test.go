package edit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/config"
)

func TestTheEnvironmentThatOverridesIsTold(t *testing.T) {
	const before = "log: {level: info}\nagents: {default: {kind: echo}}\ngateway: {}\n"
	f := File{Source: config.Source{Path: "f.yaml"}.With([]byte(before)), Environ: []string{
		"HOLDFAST_LOG__LEVEL=warn", "HOLDFAST_GATEWAY__LISTEN=:1", "HOLDFAST_GATEWAY__TRUSTED_PROXIES=10.0.0.1",
	}}
	for _, tt := range []struct {
		name, patch string
		want        []string
	}{
		{"a setting that it overrides", `{"log": {"level": "debug"}}`, []string{"log.level HOLDFAST_LOG__LEVEL"}},
		{"a setting beside it", `{"log": {"format": "json"}}`, nil},
		{"a setting that is new in the file", `{"gateway": {"listen": ":2", "stateDir": "x"}}`, []string{"gateway.listen HOLDFAST_GATEWAY__LISTEN"}},
		{"a list", `{"gateway": {"trustedProxies": ["10.0.0.2"]}}`, []string{"gateway.trustedProxies HOLDFAST_GATEWAY__TRUSTED_PROXIES"}},
		{"a setting that goes", `{"log": {"level": null, "format": "json"}}`, []string{"log.level HOLDFAST_LOG__LEVEL"}},
		{"a section that goes", `{"log": null}`, []string{"log.level HOLDFAST_LOG__LEVEL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := f.Patch(json.RawMessage(tt.patch), Options{Base: f.Source.Digest([]byte(before)), Dry: true})
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, w := range got.Warnings {
				words := strings.Fields(strings.ReplaceAll(w, ",", ""))
				told = append(told, words[0]+" "+words[7])
			}
			if !slices.Equal(told, tt.want) {
				t.Errorf("got %q, want %q", got.Warnings, tt.want)
			}
		})
	}
	_, err := f.Get("gateway.listen")
	if !errors.Is(err, ErrAbsent) || !strings.Contains(fmt.Sprint(err), "HOLDFAST_GATEWAY__LISTEN sets it") {
		t.Errorf("got %v", err)
	}
}

// What a load says of a main file and one that it includes: the included one has the account away, and settings of home.
func TestWhatStandsInAnotherFileIsNotWritten(t *testing.T) {
	own := mustRead(t, "log: {level: info}\nchannels: {sms: {accounts: {home: {path: /x}}}}\n")
	in := func(file string, line int) config.Problem { return config.Problem{File: file, Line: line, Col: 1} }
	places := map[string]config.Problem{
		"": in("f.yaml", 1), "log": in("f.yaml", 1), "log.level": in("f.yaml", 2), "channels": in("f.yaml", 3), "channels.sms": in("f.yaml", 4),
		"channels.sms.accounts": in("conf.d/a.yaml", 1), "channels.sms.accounts.home": in("conf.d/a.yaml", 2),
		"channels.sms.accounts.home.path": in("f.yaml", 5), "channels.sms.accounts.home.token": in("conf.d/a.yaml", 4),
		"channels.sms.accounts.away": in("conf.d/a.yaml", 6), "channels.sms.accounts.away.path": in("conf.d/a.yaml", 7),
		"log.format": {File: "HOLDFAST_LOG__FORMAT"},
	}
	where := func(keys trail) config.Problem {
		for depth := len(keys); ; depth-- { // a load names the deepest place that there is
			if at, ok := places[dotted(keys[:depth])]; ok {
				return at
			}
		}
	}
	for _, tt := range []struct{ name, path, refused, warned string }{
		{"a setting of the file", "log.level", "", ""},
		{"a setting that is nowhere", "log.colour", "", ""},
		{"a section that is nowhere", "agents.default.kind", "", ""},
		{"a setting of the file in a mapping that both have", "channels.sms.accounts.home.path", "", ""},
		{"a new setting in a mapping that both have", "channels.sms.accounts.home.on", "", ""},
		{"a new account where both have some", "channels.sms.accounts.third.path", "", ""},
		{"a setting of the other file", "channels.sms.accounts.home.token", "conf.d/a.yaml, line 4", ""},
		{"a setting of a mapping of the other file", "channels.sms.accounts.away.path", "conf.d/a.yaml, line 7", ""},
		{"a new setting in a mapping of the other file", "channels.sms.accounts.away.on", "conf.d/a.yaml, line 6", ""},
		{"what the environment sets", "log.format", "", "HOLDFAST_LOG__FORMAT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			warning, err := settled(where, "f.yaml", own, strings.Split(tt.path, "."))
			if errors.Is(err, ErrPlace) != (tt.refused != "") || !strings.Contains(fmt.Sprint(err), tt.refused) {
				t.Errorf("got %v, want %q", err, tt.refused)
			}
			if (warning != "") != (tt.warned != "") || !strings.Contains(warning, tt.warned) {
				t.Errorf("warned %q, want %q", warning, tt.warned)
			}
		})
	}
}

func mustRead(t *testing.T, content string) *value {
	t.Helper()
	read, err := readTree("f.yaml", content)
	if err != nil {
		t.Fatal(err)
	}
	return read.root
}

func TestPathsAreReadAsProblemsWriteThem(t *testing.T) {
	root := mustRead(t, "a: {b: {c: 2}, b.c: {d: 1}, b.c.: 7, 'x[0]': 3, l: [{y: 4}, [5]]}\n")
	for _, tt := range []struct{ name, path, want string }{
		{"nothing is the whole", "", ""},
		{"keys", "a.b", "a|b"},
		{"the longest key that is there", "a.b.c.d", "a|b.c|d"},
		{"a key in brackets is as it stands", `a["b"].c`, "a|b|c"},
		{"a key in brackets that is not there", `a["n.m"].c`, "a|n.m|c"},
		{"a key with an escape", `["\u0061"]["\"]"]`, `a|"]`},
		{"an item", "a.l[0].y", "a|l|[0]|y"},
		{"an item of an item", "a.l[1][0]", "a|l|[1]|[0]"},
		{"a key that looks like an item", "a.x[0]", "a|x[0]"},
		{"keys that are not there", "n.m[3].o", "n|m|[3]|o"},
		{"two dots", "a..b", "!"},
		{"a dot at the end", "a.", "!"},
		{"a dot at the beginning", ".a", "!"},
		{"no dot after an item", "a.l[0]y", "!"},
		{"a bracket that stays open", "a.l[0", "!"},
		{"a bracket without a number", "a.l[x]", "!"},
		{"a number that is none", "a.l[-1]", "!"},
		{"quotes that stay open", `a["b`, "!"},
		{"quotes without a bracket after them", `a["b"`, "!"},
		{"a control character", "a.\x01", "!"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := readPath(root, tt.path)
			got := strings.Join(keys, "|")
			if errors.Is(err, ErrInput) {
				got = "!"
			}
			if got != tt.want {
				t.Errorf("%s: got %s, %v, want %s", tt.path, got, err, tt.want)
			}
			if tt.path == `a["b"].c` {
				return // without brackets it means the key with the dot
			}
			if again, err := readPath(root, keys.String()); err != nil || !slices.Equal(again, keys) {
				t.Errorf("%s is read as %v, %v", keys, again, err)
			}
		})
	}
}

func TestChangesThatCannotBeMade(t *testing.T) {
	const before = "a: {b: 1}\nl: [1, 2]\ns: text\n"
	for _, tt := range []struct{ name, call, want string }{
		{"below text", `set s.x 1`, "s is text and has nothing below it"},
		{"an item that is too far", `set l[3] 1`, "l is a list of 2"},
		{"a key of a list", `set l.x 1`, "l is a list of 2"},
		{"an item of a mapping", `set a[0] 1`, "a is a mapping"},
		{"to remove what is not there", `set a.c null`, "nothing stands at a.c"},
		{"to remove below what is not there", `set x.y.z null`, "nothing stands at x"},
		{"to remove an item that is not there", `set l[2] null`, "l is a list of 2"},
		{"to put a list in the place of everything", `set  [1]`, "a configuration is a mapping"},
		{"to remove everything", `set  null`, "a configuration is a mapping"},
		{"a patch that is no object", `patch [1]`, "a patch is an object"},
		{"no JSON", `set a {`, "no JSON"},
		{"two values", `set a 1 2`, "more follows"},
		{"a key twice", `patch {"x": 1, "x": 2}`, `the key "x" twice`},
		{"a key without a name", `patch {"": 1}`, "a key is empty"},
		{"a number without end", `set a 1e999`, "does not fit 64 bits"},
		{"a value nested too deeply", `set a ` + strings.Repeat("[", 70) + strings.Repeat("]", 70), "nested too deeply"},
		{"a path nested too deeply", `set a` + strings.Repeat(".x", 70) + ` 1`, "too"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pure(before, tt.call)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want: %s", err, tt.want)
			}
		})
	}
}
