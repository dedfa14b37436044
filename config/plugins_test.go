package config

import (
	"strings"
	"testing"
)

// ringer stands for what a plugin's own settings are.
type ringer struct {
	Wait  Duration `json:"wait,omitempty"`
	Token Secret   `json:"token,omitzero"`
}

func TestWhatIsSaidOfPlugins(t *testing.T) {
	c := mustLoad(t, `
plugins:
  entries:
    bell: { enabled: true, config: { wait: 10s, token: "${env:BELL}" } }
    door: { enabled: false }
    lamp:
`, "BELL=ding")
	for _, tt := range []struct {
		name    string
		enabled any // true, false or nil
		wait    string
		token   string
	}{
		{"bell", true, "10s", "ding"},
		{"door", false, "3s", ""},
		{"lamp", nil, "3s", ""},
		{"nowhere", nil, "3s", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, r := c.Plugin(tt.name), ringer{Wait: Duration(3e9)}
			if e.Enabled == nil != (tt.enabled == nil) || e.Enabled != nil && *e.Enabled != tt.enabled {
				t.Errorf("enabled is %v, want %v", e.Enabled, tt.enabled)
			}
			if ps := e.Config.Decode(&r); ps != nil || r.Wait.String() != tt.wait || r.Token.Reveal() != tt.token {
				t.Errorf("got %s and %d letters of a token, %v", r.Wait, len(r.Token.Reveal()), ps)
			}
		})
	}
	if _, said := c.Plugins["nowhere"]; said || len(c.Plugins) != 3 {
		t.Errorf("entries are %v, want those of the file and no others", c.Plugins)
	}
}

func TestAFaultOfAPluginsSettingsHasAPlace(t *testing.T) {
	c := mustLoad(t, "plugins:\n  entries:\n    bell:\n      config: {wait: 1s}\n    door: {enabled: true}\n")
	missing := []Problem{{Path: "token", Want: "a token"}}
	for name, want := range map[string]string{
		"bell":    "f.yaml:4:7: plugins.entries.bell.config.token: want a token",
		"door":    "f.yaml:5:5: plugins.entries.door.config.token: want a token",
		"nowhere": "plugins.entries.nowhere.config.token: want a token",
	} {
		if got := c.Plugin(name).Config.Place(missing).Error(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestFaultsInPlugins(t *testing.T) {
	for _, tt := range []struct{ name, content, want string }{
		{
			"a plugin beside the entries", "plugins: {bell: {enabled: true}}",
			"f.yaml:1:11: plugins.bell: got an unknown key: want a known key: entries",
		},
		{
			"a key that an entry has not", "plugins: {entries: {bell: {enable: true}}}",
			"f.yaml:1:28: plugins.entries.bell.enable: got an unknown key: want a known key; did you mean enabled?",
		},
		{
			"a word for yes", "plugins: {entries: {bell: {enabled: 'on'}}}",
			`f.yaml:1:37: plugins.entries.bell.enabled: got "on": want true or false, without quotes`,
		},
		{
			"settings that are none", "plugins: {entries: {bell: {config: [1]}}}",
			"f.yaml:1:36: plugins.entries.bell.config: got a list: want a mapping of settings",
		},
		{
			"an entry that is none", "plugins: {entries: {bell: true}}",
			"f.yaml:1:27: plugins.entries.bell: got true or false: want a mapping of settings",
		},
		{
			"a name in capitals", "plugins: {entries: {Bell: {}}}",
			"f.yaml:1:21: plugins.entries.Bell: got the name Bell: want a name of at most 63 of a-z, 0-9, '.', '_' and '-' that starts with a letter or digit",
		},
		{
			"a list of plugins to allow", "plugins: {allow: [bell]}",
			"f.yaml:1:11: plugins.allow: got an unknown key: want plugins.entries.<name>.enabled, for each plugin",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(tt.content)
			if got := faults(t, c, err); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestPluginsInTheEnvironment(t *testing.T) {
	const file = "plugins: {entries: {bell: {config: {lampOn: 1s, group: {x: 1}}}}}"
	c := mustLoad(t, file,
		"HOLDFAST_PLUGINS__ENTRIES__BELL__ENABLED=true", "HOLDFAST_PLUGINS__ENTRIES__BELL__CONFIG__LAMP_ON=9s",
		"HOLDFAST_PLUGINS__ENTRIES__DOOR__ENABLED=false", "HOLDFAST_PLUGINS__ENTRIES__DOOR__CONFIG__WAIT=5s")
	var bell struct {
		LampOn Duration       `json:"lampOn"`
		Group  map[string]int `json:"group"`
	}
	var door ringer
	if ps := c.Plugin("bell").Config.Decode(&bell); ps != nil || bell.LampOn.String() != "9s" || !*c.Plugin("bell").Enabled {
		t.Errorf("bell is %+v, %v", bell, ps)
	}
	if ps := c.Plugin("door").Config.Decode(&door); ps != nil || door.Wait.String() != "5s" || *c.Plugin("door").Enabled {
		t.Errorf("door is %+v, %v", door, ps)
	}
	const closest = "; the closest is HOLDFAST_PLUGINS__ENTRIES__BELL__CONFIG__LAMPON"
	for name, want := range map[string]string{
		"HOLDFAST_PLUGINS__BELL__ENABLED=true":                   "a known name",
		"HOLDFAST_PLUGINS__ENTRIES__BELL__ENABLE=true":           "a known name",
		"HOLDFAST_PLUGINS__ENTRIES__BELL=x":                      "the name of one setting",
		"HOLDFAST_PLUGINS__ENTRIES__BELL__CONFIG=x":              "the name of one setting",
		"HOLDFAST_PLUGINS__ENTRIES__BELL__CONFIG__GROUP=x":       "the name of one setting",
		"HOLDFAST_PLUGINS__ENTRIES__DOOR__CONFIG=x":              "the name of one setting",
		"HOLDFAST_PLUGINS__ENTRIES__BEL__CONFG__LAMPON=1s":       "a known name" + closest,
		"HOLDFAST_PLUGINS__ENTRIES__BELL__ENABLED__X__LAMPON=1s": "a known name",
	} {
		c, err := load(file, name)
		if got := faults(t, c, err); !strings.Contains(got, "got a name that sets nothing: want "+want) {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}
