package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func schema(t *testing.T) (*jsonschema.Schema, string) {
	t.Helper()
	text, err := Schema(SchemaParts{
		Channels: map[string]any{"webhook": newAccount(), "sms": account{}},
		Agents: map[string]any{"echo": struct {
			Kind string `json:"kind"`
		}{}, "openai": &agent{}},
		Plugins: map[string]any{"bell": &ringer{}, "door": nil},
	})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("holdfast.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("holdfast.json")
	if err != nil {
		t.Fatal(err)
	}
	return s, string(text)
}

func check(t *testing.T, s *jsonschema.Schema, content string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(content), &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestTheSchemaAgreesWithLoad(t *testing.T) {
	s, text := schema(t)
	for _, tt := range []struct {
		name, content string
		ok            bool
	}{
		{"the embedded default", string(defaultYAML), true},
		{"a new file", string(initial(nil)), true},
		{"an empty mapping", "{}", true},
		{"all of the core", "gateway: {listen: ':1', trustedProxies: ['::1'], minFreeMb: 1, drainTimeout: 1m30s}\nlog: {level: warn}\nbindings: [{agent: a, match: {channel: sms}}]", true},
		{"settings without accounts", "channels: {sms: {path: /x, defaultAccount: default, groups: {x: {requireMention: true}}}}", true},
		{"a secret alone and a list of them", "channels: {sms: {accounts: {a: {path: /, password: x}, b: {path: /, password: [x, y]}}}}", true},
		{"keys without use", "session: {}\ngateway: {auth: {}}\nchannels: {defaults: {}, sms: {healthMonitor: {}, accounts: {a: {path: /, actions: {}, groups: {x: {tools: {}}}}}}}", true},
		{"plugins, with settings and without", "plugins: {load: {}, entries: {bell: {enabled: true, config: {wait: 1s}}, door: {enabled: false}}}", true},
		{"an unknown plugin", "plugins: {entries: {bel: {enabled: true}}}", false},
		{"an unknown key of a plugin", "plugins: {entries: {bell: {config: {wiat: 1s}}}}", false},
		{"settings of a plugin that takes none", "plugins: {entries: {door: {config: {wait: 1s}}}}", false},
		{"a plugin beside the entries", "plugins: {bell: {enabled: true}}", false},
		{"patterns of files to include", "include: [conf.d/*.yaml, more.yaml]", true},
		{"one pattern that is no list", "include: conf.d/*.yaml", false},
		{"an unknown section", "gatway: {}", false},
		{"an unknown key of the core", "gateway: {listn: x}", false},
		{"an unknown key of an account", "channels: {sms: {accounts: {a: {path: /, pasword: x}}}}", false},
		{"an unknown key without accounts", "channels: {sms: {path: /, pasword: x}}", false},
		{"an unknown key in a group", "channels: {sms: {path: /, groups: {x: {y: 1}}}}", false},
		{"an unknown kind of channel", "channels: {smss: {path: /}}", false},
		{"an unknown kind of agent", "agents: {a: {kind: eco}}", false},
		{"an agent that says nothing", "agents: {a: {}}", false},
		{"a channel without accounts", "channels: {sms: {}}", true},
		{"an agent without a kind", "agents: {a: {model: x}}", false},
		{"a name in capitals", "channels: {sms: {accounts: {A: {path: /}}}}", false},
		{"a missing setting", "channels: {sms: {accounts: {a: {}}}}", false},
		{"a setting beside the accounts", "channels: {sms: {enabled: true, accounts: {a: {path: /}}}}", false},
		{"a number for a duration", "gateway: {drainTimeout: 10}", false},
		{"a duration with a space", "gateway: {drainTimeout: 10 s}", false},
		{"an unknown level", "log: {level: loud}", false},
		{"a number for a secret", "channels: {sms: {path: /, token: 1}}", false},
		{"a binding without an agent", "bindings: [{match: {channel: sms}}]", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := check(t, s, tt.content); (err == nil) != tt.ok {
				t.Errorf("accepted: %v, want %v: %v", err == nil, tt.ok, err)
			}
		})
	}
	if again, _ := Schema(SchemaParts{}); len(again) == 0 || !strings.HasSuffix(text, "\n") {
		t.Error("a schema without kinds cannot be made")
	}
	if _, same := schema(t); same != text {
		t.Error("the schema differs from call to call")
	}
}
