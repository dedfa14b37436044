package edit

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"holdfast/config"
)

func TestLookupFindsThePartOfTheSchema(t *testing.T) {
	schema, err := config.Schema(parts)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, schema, children string
		secret                       bool
	}{
		{"a setting", "log.level", `"enum":["trace"`, "", false},
		{"a section", "log", `"properties"`, "format level", false},
		{"an item of a list", "gateway.trustedProxies[3]", `{"type":"string"}`, "", false},
		{"a list", "bindings", `"array"`, "[]", false},
		{"below an item", "bindings[0].match", `"properties"`, "account channel conversation", false},
		{"a name that the operator gives", "channels.sms.accounts.home.path", `"string"`, "", false},
		{"the account in the short form", "channels.sms.path", `"string"`, "", false},
		{"a secret", "channels.sms.accounts.home.token", `"writeOnly":true`, "", true},
		{"a list of secrets", "channels.sms.accounts.home.password", `"oneOf"`, "[]", true},
		{"a mapping of any names", "channels.sms.accounts.home.headers", `"object"`, "*", false},
		{"what any kind of agent may have", "agents.x.apiKey", `"writeOnly":true`, "", true},
		{"the names of agents", "agents", `"propertyNames"`, "*", false},
		{"a key without use", "session", `"deprecated":true`, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Lookup(schema, tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(got.Schema) || !strings.Contains(string(got.Schema), tt.schema) {
				t.Errorf("got %s, want %s in it", got.Schema, tt.schema)
			}
			if children := strings.Join(names(got.Children), " "); children != tt.children || got.Secret != tt.secret {
				t.Errorf("got children %q, secret %v", children, got.Secret)
			}
		})
	}
	root, err := Lookup(schema, "")
	if err != nil || len(root.Children) < 6 || !strings.Contains(string(root.Schema), "Holdfast configuration") {
		t.Errorf("the whole: got %+v, %v", root.Children, err)
	}
	account, err := Lookup(schema, "channels.sms.accounts.home")
	if err != nil {
		t.Fatal(err)
	}
	marked := map[string]bool{}
	for _, c := range account.Children {
		marked[c.Name] = c.Secret
	}
	if !marked["token"] || !marked["password"] || marked["path"] || marked["headers"] {
		t.Errorf("secrets: %v", marked)
	}
	for path, want := range map[string]string{
		"log.lewel": "format, level", "log.level.x": "there are none", "bindings.x": "[]", "log[0]": "format", "log..x": "empty",
	} {
		if _, err := Lookup(schema, path); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want: %s", path, err, want)
		}
	}
}

func TestLookupFollowsReferencesByOneLevel(t *testing.T) {
	const schema = `{
		"$defs": {"a/b": {"type": "object", "properties": {"x": {"$ref": "#/$defs/c"}, "n.m": {"type": "string"}}, "required": ["x"]},
			"c": {"type": "object", "properties": {"deep": {"$ref": "#/$defs/a~1b"}, "old": {"deprecated": true}}},
			"loop": {"$ref": "#/$defs/loop"}},
		"properties": {"here": {"$ref": "#/$defs/a~1b"}, "loop": {"$ref": "#/$defs/loop"}, "lost": {"$ref": "#/$defs/none"},
			"far": {"$ref": "https://example.com/s"}, "any": true, "free": {"type": "object"}}
	}`
	for _, tt := range []struct{ path, schema, children string }{
		{"here", `{"properties":{"n.m":{"type":"string"},"x":{"$ref":"#/$defs/c"}},"required":["x"],"type":"object"}`, "n.m x"},
		{"here.x.deep.x", `{"properties":{"deep":{"$ref":"#/$defs/a~1b"},"old":{"deprecated":true}},"type":"object"}`, "deep old"},
		{"here.n.m", `{"type":"string"}`, ""},
		{`here["n.m"]`, `{"type":"string"}`, ""},
		{"loop", `{"$ref":"#/$defs/loop"}`, ""},
		{"lost", `{"$ref":"#/$defs/none"}`, ""},
		{"far", `{"$ref":"https://example.com/s"}`, ""},
		{"any", `{}`, ""},
		{"free.whatever", `{}`, ""},
	} {
		got, err := Lookup([]byte(schema), tt.path)
		if err != nil || string(got.Schema) != tt.schema || strings.Join(names(got.Children), " ") != tt.children {
			t.Errorf("%s: got %s, %v, %v", tt.path, got.Schema, got.Children, err)
		}
	}
	if _, err := Lookup([]byte("{"), ""); err == nil {
		t.Error("a schema that is none was read")
	}
}
