package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDecodeFillsWhatIsNamedAndKeepsTheRest(t *testing.T) {
	yes := true
	for _, tt := range []struct {
		name, yaml string
		want       func(a *account)
	}{
		{"nothing keeps the defaults", "", func(*account) {}},
		{"null keeps the default", "dmPolicy:\nallowFrom:\nlimits:\ngroups:\n", func(*account) {}},
		{"a key of an embedded struct", "dmPolicy: open", func(a *account) { a.DMPolicy = "open" }},
		{"a pointer", "enabled: true", func(a *account) { a.Enabled = &yes }},
		{"a shorter list replaces the default", "allowFrom: [x]", func(a *account) { a.AllowFrom = []string{"x"} }},
		{"a longer list replaces the default", "allowFrom: [x, y, z]", func(a *account) { a.AllowFrom = []string{"x", "y", "z"} }},
		{"an empty list replaces the default", "allowFrom: []", func(a *account) { a.AllowFrom = []string{} }},
		{"a struct keeps what is not named in it", "limits: {text: 1}", func(a *account) { a.Limits = limits{1, "length"} }},
		{"a map with any keys", "groups: {'*': {requireMention: true}, 'a.b;c/d': }", func(a *account) {
			a.Groups = map[string]group{"*": {&yes}, "a.b;c/d": {}}
		}},
		{"a duration", "expireAfter: 24h", func(a *account) { a.Expire = Duration(24 * 3600e9) }},
		{"one secret for a list of them", "password: x", func(a *account) { a.Password = []Secret{NewSecret("x")} }},
		{"a list of secrets", "password: [x, y]", func(a *account) { a.Password = []Secret{NewSecret("x"), NewSecret("y")} }},
		{"a secret alone", "token: x", func(a *account) { a.Token = NewSecret("x") }},
		{"a whole number for a fraction", "ratio: 2", func(a *account) { a.Ratio = 2 }},
		{"a whole number written as a fraction", "port: 1e3", func(a *account) { a.Port = 1000 }},
		{"anything where anything goes", "extra: {a: [1, x, true, 1.5], b: {c: }}", func(a *account) {
			a.Extra = map[string]any{"a": []any{int64(1), "x", true, 1.5}, "b": map[string]any{}}
		}},
		{"a date is text", "path: 2026-11-23", func(a *account) { a.Path = "2026-11-23" }},
		{"a word that was once a boolean is text", "path: yes", func(a *account) { a.Path = "yes" }},
		{"keys that are known from elsewhere do nothing", "markdown: {x: 1}", func(*account) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, want := newAccount(), newAccount()
			tt.want(want)
			content := tt.yaml
			n := node(t, content)
			if strings.Contains(tt.name, "elsewhere") { // only below a channel
				n = mustLoad(t, "channels: {sms: {"+content+"}}\nagents: {default: {kind: echo}}").Channels["sms"].Accounts["default"]
			}
			if ps := n.Decode(got); ps != nil {
				t.Fatalf("Decode: %v", ps)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestDecodeNeverWritesIntoADefault(t *testing.T) {
	shared := []string{"a", "b"}
	groups := map[string]group{"g": {}}
	a := &account{common: common{AllowFrom: shared, Groups: groups}}
	if ps := node(t, "allowFrom: [x]\ngroups: {h: {}}").Decode(a); ps != nil {
		t.Fatal(ps)
	}
	if shared[0] != "a" || len(groups) != 1 {
		t.Errorf("the defaults became %v and %v", shared, groups)
	}
}

func TestFaultsOfANode(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"an unknown key", "paht: /x", "n.yaml:1:1: paht: got an unknown key: want a known key; did you mean path?"},
		{"an unknown key in a struct", "limits: {texts: 1}", "n.yaml:1:10: limits.texts: got an unknown key: want a known key; did you mean text?"},
		{"an unknown key in a map's struct", "groups: {a.b: {mention: true}}", "n.yaml:1:16: groups.a.b.mention: got an unknown key: want a known key: requireMention"},
		{"the name of a field without a key", "Skipped: x", "n.yaml:1:1: Skipped: got an unknown key: want a known key: " +
			"enabled, dmPolicy, allowFrom, groups, expireAfter, mediaMaxMb, path, auth, password, token, ratio, port, limits, extra"},
		{"a key in another case", "Path: /x", "n.yaml:1:1: Path: got an unknown key: want a known key; did you mean path?"},
		{"text for a boolean", "enabled: 'true'", `n.yaml:1:10: enabled: got "true": want true or false, without quotes`},
		{"a number for a boolean", "enabled: 1", "n.yaml:1:10: enabled: got a number: want true or false, without quotes"},
		{"a telephone number without quotes", "allowFrom: [+15551234567]", "n.yaml:1:13: allowFrom[0]: got a number: want text: put it in quotes"},
		{"text for a list", "allowFrom: x", `n.yaml:1:12: allowFrom: got "x": want a list`},
		{"a list for text", "path: [a]", "n.yaml:1:7: path: got a list: want text"},
		{"a mapping for a secret", "token: {a: hunter2}", "n.yaml:1:8: token: got a mapping: want text"},
		{"a number for a secret", "token: 4711", "n.yaml:1:8: token: got a number: want text: put it in quotes"},
		{"a number among secrets", "password: [x, 4711]", "n.yaml:1:15: password[1]: got a number: want text: put it in quotes"},
		{"a mapping for secrets", "password: {hunter2}", "n.yaml:1:11: password: got a mapping: want text or a list of text"},
		{"a number that does not fit", "port: 70000", "n.yaml:1:7: port: got a number: want a whole number from 0 that fits uint16"},
		{"a negative number", "port: -1", "n.yaml:1:7: port: got a number: want a whole number from 0 that fits uint16"},
		{"text for a fraction", "ratio: much", `n.yaml:1:8: ratio: got "much": want a number`},
		{"a list for a struct", "limits: []", "n.yaml:1:9: limits: got a list: want a mapping of settings"},
		{"text for a map", "groups: all", `n.yaml:1:9: groups: got "all": want a mapping`},
		{"long text is cut", "expireAfter: " + strings.Repeat("x", 50), `n.yaml:1:14: expireAfter: got "` + strings.Repeat("x", 40) + `…": want a duration such as 500ms, 30s or 24h`},
		{"text under a name like a secret's is not shown", "limits: {passphrase: hunter2}\nextra: hunter2", "n.yaml:1:10: limits.passphrase: got an unknown key: want a known key: text, mode\n" +
			`n.yaml:2:8: extra: got "hunter2": want a mapping`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := node(t, tt.yaml).Decode(newAccount()).Error(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestTypesThatAreEasyToGetWrong(t *testing.T) {
	type odd struct {
		Small    int8   `json:"small"`
		A        string `json:"a"`
		B        string `json:"A"`
		KeyCount int    `json:"keyCount"`
	}
	var got odd
	if ps := node(t, "small: -128\nA: x\n").Decode(&got); ps != nil || got != (odd{Small: -128, B: "x"}) {
		t.Errorf("got %+v, %v", got, ps)
	}
	want := "n.yaml:1:8: small: got a number: want a whole number that fits int8\n" +
		"n.yaml:2:11: keyCount: got text: want a whole number, without quotes"
	if got := node(t, "small: 128\nkeyCount: hunter2").Decode(&odd{}).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestProblemsAreSortedAndToldOnce(t *testing.T) {
	ps := Problems{{File: "b", Line: 1, Want: "w"}, {File: "a", Line: 2, Want: "w"}, {File: "a", Line: 1, Col: 2, Want: "w"}, {File: "a", Line: 2, Want: "w"}}
	want := "a:1:2: want w\na:2:0: want w\nb:1:0: want w"
	if got := ps.sorted().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if ps[0].File != "b" {
		t.Error("sorting changed the list that was given")
	}
}

func TestPlace(t *testing.T) {
	c := mustLoad(t, `channels:
  sms:
    accounts:
      home:
        path: /x
        password: ${env:P}
        allowFrom:
          - a
          - b-${env:P}
        groups:
          chat.1:
            requireMention: true
          chat: {}
agents: {default: {kind: echo}}
`, "P=hunter2")
	n := c.Channels["sms"].Accounts["home"]
	for _, tt := range []struct {
		name string
		give Problem
		want string
	}{
		{
			"a setting is told where its value stands",
			Problem{Path: "path", Got: `"/x"`, Want: "w"},
			`f.yaml:5:15: channels.sms.accounts.home.path: got "/x": want w`,
		},
		{
			"an item of a list",
			Problem{Path: "allowFrom[0]", Got: "a", Want: "w"},
			"f.yaml:8:13: channels.sms.accounts.home.allowFrom[0]: got a: want w",
		},
		{
			"an item that is not there",
			Problem{Path: "allowFrom[7]", Want: "w"},
			"f.yaml:7:9: channels.sms.accounts.home.allowFrom[7]: want w",
		},
		{
			"a missing setting is told where the account stands",
			Problem{Path: "serverUrl", Want: "w"},
			"f.yaml:4:7: channels.sms.accounts.home.serverUrl: want w",
		},
		{
			"the account itself",
			Problem{Want: "w"},
			"f.yaml:4:7: channels.sms.accounts.home: want w",
		},
		{
			"a key with a dot in it",
			Problem{Path: "groups.chat.1.requireMention", Want: "w"},
			"f.yaml:12:29: channels.sms.accounts.home.groups.chat.1.requireMention: want w",
		},
		{
			"the shorter key beside it",
			Problem{Path: "groups.chat.requireMention", Want: "w"},
			"f.yaml:13:11: channels.sms.accounts.home.groups.chat.requireMention: want w",
		},
		{
			"one secret where the kind sees a list",
			Problem{Path: "password[0]", Got: "one", Want: "w"},
			"f.yaml:6:19: channels.sms.accounts.home.password[0]: got ${env:P}: want w",
		},
		{
			"a secret is shown as its reference",
			Problem{Path: "password", Got: "hunter2", Want: "not hunter2"},
			"f.yaml:6:19: channels.sms.accounts.home.password: got ${env:P}: want not ***",
		},
		{
			"a list with a secret in it too",
			Problem{Path: "allowFrom", Got: "[a b-hunter2]", Want: "w"},
			"f.yaml:8:11: channels.sms.accounts.home.allowFrom: got ${env:P}: want w",
		},
		{
			"a secret in the words about another setting",
			Problem{Path: "path", Got: `"hunter2"`, Want: "w"},
			`f.yaml:5:15: channels.sms.accounts.home.path: got "***": want w`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := n.Place([]Problem{tt.give}).Error()
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	if got := n.Place([]Problem{}); got != nil {
		t.Errorf("no problems became %v", got)
	}
	got := c.Place([]Problem{{Path: "channels.sms", Got: "sms", Want: "a known kind"}}).Error()
	if want := "f.yaml:2:3: channels.sms: got sms: want a known kind"; got != want {
		t.Errorf("from the root: got %s, want %s", got, want)
	}
}

func TestEqual(t *testing.T) {
	const base = "path: /x\npassword: ${env:P}\nallowFrom: [a, b]\nlimits: {text: 1, mode: x}\n"
	parse := func(content, p string) Node {
		t.Helper()
		n, err := ParseNode("n.yaml", []byte(content), []string{"P=" + p})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, tt := range []struct {
		name, other, p string
		want, alike    bool
	}{
		{"the same text", base, "s", true, true},
		{"another order and form", "limits:\n  mode: 'x'\n  text: 1 # one\nallowFrom:\n- a\n- b\npassword: ${env:P}\npath: \"/x\"\n", "s", true, true},
		{"the secret written out", strings.Replace(base, "${env:P}", "s", 1), "s", true, true},
		{"a whole number with a point", strings.Replace(base, "text: 1", "text: 1.0", 1), "s", true, false},
		{"a null more, which may be a key that nobody knows", base + "token:\n", "s", true, false},
		{"a null more inside", strings.Replace(base, "mode: x", "mode: x, b: null", 1), "s", true, false},
		{"another number with a point", strings.Replace(base, "text: 1", "text: 1.5", 1), "s", false, false},
		{"another secret behind the same reference", base, "t", false, false},
		{"another value", strings.Replace(base, "/x", "/y", 1), "s", false, false},
		{"another order of a list", strings.Replace(base, "a, b", "b, a", 1), "s", false, false},
		{"a list that is longer", strings.Replace(base, "a, b", "a, b, c", 1), "s", false, false},
		{"text for a number", strings.Replace(base, "text: 1", "text: '1'", 1), "s", false, false},
		{"a key more", base + "token: x\n", "s", false, false},
		{"a key less", strings.Replace(base, "path: /x\n", "", 1), "s", false, false},
		{"another key with the value of one", strings.Replace(base, "path: /x", "page: /x", 1), "s", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := parse(base, "s"), parse(tt.other, tt.p)
			if got := []bool{a.Equal(b), b.Equal(a), a.Alike(b), b.Alike(a)}; !slices.Equal(got, []bool{tt.want, tt.want, tt.alike, tt.alike}) {
				t.Errorf("equal from both sides, alike from both sides: got %v, want %v and %v", got, tt.want, tt.alike)
			}
		})
	}
	if !(Node{}).Equal(parse("", "")) {
		t.Error("the zero node is not equal to an empty one")
	}
}

func TestKind(t *testing.T) {
	for _, tt := range []struct{ yaml, want string }{
		{"kind: echo", "echo"}, {"Kind: echo", ""}, {"kind: 3", ""}, {"model: x", ""}, {"", ""},
	} {
		if got := node(t, tt.yaml).Kind(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.yaml, got, tt.want)
		}
	}
	if got := (Node{}).Kind() + (Node{}).Path(); got != "" {
		t.Errorf("the zero node: got %q", got)
	}
}

func TestParseNodeRefusesWhatIsNoMapping(t *testing.T) {
	for _, tt := range []struct{ yaml, want string }{
		{"- a", "n.yaml:1:1: got a list: want a mapping of settings"},
		{"a: [", "n.yaml:1:1: want YAML: did not find expected node content"},
		{"a: ${env:NO}", "n.yaml:1:4: a: got ${env:NO}, which is not set: want the environment variable NO to hold the value when the gateway starts"},
	} {
		if _, err := ParseNode("n.yaml", []byte(tt.yaml), nil); fmt.Sprint(err) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.yaml, err, tt.want)
		}
	}
}
