package reload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/echo"
	"holdfast/channels"
	"holdfast/channels/bluebubbles"
	"holdfast/channels/console"
	"holdfast/channels/webhook"
	"holdfast/config"
)

// plugged has a plugin that is off by default and takes settings, and one whose runs overlap.
var plugged = Kinds{
	Plugins: []channels.Plugin{channels.Plain(bluebubbles.Kind()), console.Plugin(), channels.Plain(webhook.Kind())},
	Agents:  []backend.Kind{echo.Kind()},
}

func candidate(t *testing.T, yaml string) *Candidate {
	t.Helper()
	c, problems := Prepare(read(t, yaml), plugged, listen)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

const plain = `
gateway: {listen: "127.0.0.1:18789", stateDir: /state}
channels:
  webhook:
    accounts:
      a: {path: /a, auth: {type: bearer, secret: one}}
      b: {path: /b, auth: {type: bearer, secret: two}}
agents:
  default: {kind: echo}
`

// lines are a plan as "name change mode: reason".
func lines(p Plan) []string {
	var out []string
	for _, u := range p.Units {
		out = append(out, u.Name+" "+string(u.Change)+" "+string(u.Mode)+": "+u.Reason)
	}
	return out
}

func TestLaw3_WhatAReloadWouldDo(t *testing.T) {
	for name, c := range map[string]struct {
		change []string // pairs of old and new text
		want   []string
		moves  bool // a generation
	}{
		"nothing has changed":          {nil, nil, false},
		"the order and the format":     {[]string{"      a: {path: /a, auth: {type: bearer, secret: one}}\n", "", "secret: two}}", "secret: two}}\n      a:\n        auth: {secret: one, type: bearer}\n        # the path\n        path: /a"}, nil, false},
		"a secret is another":          {[]string{"one", "other"}, []string{"webhook:a change overlap: auth"}, false},
		"a path and a policy":          {[]string{"path: /a,", "path: /moved, dmPolicy: allowlist,"}, []string{"webhook:a change overlap: dmPolicy, path"}, false},
		"an account is disabled":       {[]string{"path: /a,", "path: /a, enabled: false,"}, []string{"webhook:a change overlap: enabled"}, false},
		"a default is written out":     {[]string{"path: /a,", "path: /a, enabled: null,"}, nil, false},
		"an account goes":              {[]string{"      b: {path: /b, auth: {type: bearer, secret: two}}\n", ""}, []string{"webhook:b remove handover: it is not in the configuration any more"}, false},
		"an account comes":             {[]string{"      b:", "      c: {path: /c, auth: {type: bearer, secret: x}}\n      b:"}, []string{"webhook:c add overlap: it is new"}, false},
		"an account is renamed":        {[]string{"      b: {", "      c: {formerly: b, "}, []string{"webhook:c rename handover: it was webhook:b"}, false},
		"one takes another's over":     {[]string{"      b: {path: /b, auth: {type: bearer, secret: two}}\n", "", "a: {", "a: {formerly: b, "}, []string{"webhook:a rename handover: it was webhook:b"}, false},
		"what is gone already":         {[]string{"b: {", "b: {formerly: z, "}, []string{"webhook:b rename handover: it was webhook:z"}, false},
		"a first account of a kind":    {[]string{"channels:\n", "channels:\n  bluebubbles: {accounts: {home: {serverUrl: 'http://127.0.0.1:1', password: p}}}\n"}, []string{"channel bluebubbles add swap: it has a first account", "bluebubbles:home add overlap: it is new"}, false},
		"an agent comes":               {[]string{"agents:\n", "agents:\n  maya: {kind: echo}\n"}, []string{"agent maya add swap: it is new"}, false},
		"an agent changes":             {[]string{"{kind: echo}", "{kind: echo, parallel: 3}"}, []string{"agent default change swap: parallel"}, false},
		"bindings":                     {[]string{"agents:\n", "bindings: [{agent: default, match: {channel: webhook}}]\nagents:\n"}, []string{"bindings change swap: 1 bindings instead of 0, or others"}, false},
		"limits and the log level":     {[]string{`"127.0.0.1:18789"`, `"127.0.0.1:18789", bytesInFlightMb: 5`, "agents:\n", "log: {level: debug}\nagents:\n"}, []string{"gateway.bytesInFlightMb change swap: it is another value", "log.level change swap: it is another value"}, false},
		"the listener":                 {[]string{"18789", "18790"}, []string{"gateway.listen change swap: it is another value"}, false},
		"what a process begins with":   {[]string{"/state", "/elsewhere"}, []string{"gateway.stateDir change restart: the journal is open there"}, false},
		"the outside address":          {[]string{`"127.0.0.1:18789"`, `"127.0.0.1:18789", publicUrl: "https://x.example"`}, []string{"gateway.publicUrl change swap: it is another value"}, false},
		"a plugin is enabled":          {[]string{"channels:\n", "plugins: {entries: {console: {enabled: true}}}\nchannels:\n"}, []string{"plugin console add swap: it is enabled"}, true},
		"a plugin is disabled":         {[]string{"channels:\n", "plugins: {entries: {webhook: {enabled: false}}}\nchannels:\n"}, []string{"plugin webhook remove swap: it is not enabled any more", "webhook:a change overlap: its plugin was enabled or disabled", "webhook:b change overlap: its plugin was enabled or disabled"}, true},
		"a plugin that changes nobody": {[]string{"channels:\n", "plugins: {entries: {bluebubbles: {enabled: false}}}\nchannels:\n"}, []string{"plugin bluebubbles remove swap: it is not enabled any more"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			old, fresh := candidate(t, plain), candidate(t, strings.NewReplacer(c.change...).Replace(plain))
			p := Difference(old, fresh, 7, 3)
			if diff := cmp.Diff(c.want, lines(p)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			generation, revision := uint64(3), uint64(7)
			if c.moves {
				generation++
			}
			if c.want != nil {
				revision++
			}
			if p.Generation != generation || p.Revision != revision {
				t.Errorf("revision %d and generation %d, want %d and %d", p.Revision, p.Generation, revision, generation)
			}
			if back := Difference(fresh, fresh, 8, 4); len(back.Units) != 0 {
				t.Errorf("a configuration differs from itself: %v", lines(back))
			}
		})
	}
}

func TestARenameThatIsDoneMayStayInTheFileOrGo(t *testing.T) {
	before := candidate(t, strings.Replace(plain, "b: {", "b: {formerly: z, ", 1))
	for name, text := range map[string]string{
		"it stays": strings.Replace(plain, "b: {", "b: {formerly: z, ", 1),
		"it goes":  plain,
	} {
		if p := Difference(before, candidate(t, text), 7, 3); len(p.Units) != 0 {
			t.Errorf("%s: the plan is %v", name, lines(p))
		}
	}
}

func TestThePlanOfABootAddsEverything(t *testing.T) {
	p := Difference(nil, candidate(t, plain), 0, 0)
	want := []string{
		"plugin bluebubbles add swap: it is enabled", "plugin webhook add swap: it is enabled", "channel webhook add swap: it has a first account",
		"webhook:a add overlap: it is new", "webhook:b add overlap: it is new", "agent default add swap: it is new",
	}
	if diff := cmp.Diff(want, lines(p)); diff != "" || p.Revision != 1 || p.Generation != 1 {
		t.Errorf("revision %d, generation %d (-want +got):\n%s", p.Revision, p.Generation, diff)
	}
}

func TestLaw12_APlanHasNoValues(t *testing.T) {
	old := candidate(t, strings.ReplaceAll(plain, "one", "canary-1"))
	fresh := candidate(t, strings.ReplaceAll(plain, "one", "canary-2"))
	if text := strings.Join(lines(Difference(old, fresh, 1, 1)), "\n"); strings.Contains(text, "canary") || !strings.Contains(text, "auth") {
		t.Errorf("the plan is\n%s\nwant the name of the setting and no secret", text)
	}
}

func TestAccountsOfAPluginThatIsOff(t *testing.T) {
	const text = "channels: {console: {accounts: {me: {}}}}\nagents: {default: {kind: echo}}\n"
	if _, problems := Prepare(read(t, text), plugged, listen); !strings.Contains(problems.Error(), "plugins.entries.console.enabled: true") {
		t.Errorf("an account of a plugin that nobody enabled: %v", problems)
	}
	off := candidate(t, "plugins: {entries: {console: {enabled: false}, webhook: {enabled: false}}}\nchannels: {console: {accounts: {me: {}}}, webhook: {accounts: {a: {path: /a, auth: {type: bearer, secret: x}}}}}\nagents: {default: {kind: echo}}\n")
	for _, a := range off.Accounts {
		if !a.Off || a.Settings.Shared().On() || len(a.Routes) > 0 && !a.Routes[0].Disabled {
			t.Errorf("%s is %+v, want it disabled with its plugin, its path kept", a.ID, a)
		}
	}
	on := candidate(t, "plugins: {entries: {console: {enabled: true}}}\n"+text)
	if len(on.plugin("console").Offer.Methods) == 0 || on.Accounts[0].Off {
		t.Errorf("the enabled plugin offers %+v", on.plugin("console").Offer)
	}
}

func TestFaultsOfPluginsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"plugins: {entries: {consol: {enabled: true}}}":                       "a plugin called consol",
		"plugins: {entries: {console: {enabled: true, config: {wait: -1s}}}}": "plugins.entries.console.config.wait",
		"plugins: {entries: {webhook: {config: {x: 1}}}}":                     "plugins.entries.webhook.config.x",
	} {
		if _, problems := Prepare(read(t, text+"\nagents: {default: {kind: echo}}\n"), plugged, listen); !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: the problems are %v, want %q", text, problems, want)
		}
	}
}

func TestLaw3_AnAccountThatKeptTheOldSettingsOfItsPluginIsTriedAgain(t *testing.T) {
	candidate := func(with string) *Candidate {
		node, err := config.ParseNode("plugin", []byte(with), nil)
		if err != nil {
			t.Fatal(err)
		}
		return &Candidate{
			Config: &config.Config{}, Plugins: []Plugin{{Name: "webhook", Node: node}},
			Accounts: []Account{{ID: "webhook:a", Plugin: "webhook", With: node, Settings: webhook.Kind().Settings()}},
		}
	}
	before, next := candidate("edition: 1"), candidate("edition: 2")
	kept := next.keeping(before, map[channels.Account]string{"webhook:a": "it was refused"})
	if u, changes := Difference(kept, next, 1, 1).unit("webhook:a"); !changes || u.Change != Alter {
		t.Errorf("the same file once more does %+v to the account, want that it is tried again", u)
	}
	if p := Difference(next, next, 1, 1); len(p.Units) != 0 {
		t.Errorf("what is applied is planned to change: %+v", p.Units)
	}
}
