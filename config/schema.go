package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// SchemaParts are the settings that only the kinds know: by the name of the kind, its zero settings or a pointer to
// them; for plugins nil if they take none.
type SchemaParts struct {
	Channels map[string]any
	Agents   map[string]any
	Plugins  map[string]any
}

// Schema writes the JSON Schema (draft 2020-12) of a whole configuration file, for editors. It knows every key that
// Load accepts and nothing of what only the values tell; a key that is accepted without use is marked deprecated.
func Schema(parts SchemaParts) ([]byte, error) {
	r := &jsonschema.Reflector{
		Anonymous:                  true,
		DoNotReference:             true,
		RequiredFromJSONSchemaTags: true,
		Mapper:                     written,
	}
	root := r.Reflect(document{})
	root.Title = "Holdfast configuration"
	channels, agents := object(), object()
	for _, kind := range sortedKeys(parts.Channels) {
		channels.Properties.Set(kind, channelSchema(r, parts.Channels[kind]))
	}
	var kinds []*jsonschema.Schema
	for _, kind := range sortedKeys(parts.Agents) {
		one := r.Reflect(parts.Agents[kind])
		one.Version = ""
		one.Properties.Set("kind", &jsonschema.Schema{Const: kind})
		one.Required = []string{"kind"}
		kinds = append(kinds, one)
	}
	agents.AdditionalProperties = &jsonschema.Schema{OneOf: kinds}
	agents.PropertyNames = &jsonschema.Schema{Pattern: nameRule.String()}
	root.Properties.Set("channels", channels)
	root.Properties.Set("agents", agents)
	root.Properties.Set("plugins", pluginsSchema(r, parts.Plugins))
	for _, pattern := range idleKeys {
		if name, ok := strings.CutPrefix(pattern, "channels."); !ok || !strings.Contains(name, "*") {
			admit(root, strings.Split(pattern, "."))
		}
	}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema of the configuration: %w", err)
	}
	return append(out, '\n'), nil
}

// pluginsSchema has the entry of each plugin.
func pluginsSchema(r *jsonschema.Reflector, plugins map[string]any) *jsonschema.Schema {
	section, entries := object(), object()
	for _, name := range sortedKeys(plugins) {
		entry, settings := object(), object()
		if plugins[name] != nil {
			settings = r.Reflect(plugins[name])
			settings.Version = ""
		}
		entry.Properties.Set("enabled", &jsonschema.Schema{Type: "boolean", Description: "false: the plugin offers nothing; default: as it is for the plugin"})
		entry.Properties.Set("config", settings)
		entries.Properties.Set(name, entry)
	}
	section.Properties.Set("entries", entries)
	return section
}

// channelSchema allows both forms of a channel: accounts by name, or the settings of the account default.
func channelSchema(r *jsonschema.Reflector, settings any) *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string", Description: "the account that is meant where none is named"}
	account := accountSchema(r, settings)
	accounts := object()
	accounts.PropertyNames = &jsonschema.Schema{Pattern: nameRule.String()}
	accounts.AdditionalProperties = account
	several := object()
	several.Properties.Set("accounts", accounts)
	several.Properties.Set("defaultAccount", text)
	one := accountSchema(r, settings)
	one.Properties.Set("defaultAccount", text)
	for _, pattern := range idleKeys {
		if name, ok := strings.CutPrefix(pattern, "channels.*."); ok && !strings.Contains(name, ".") {
			admit(several, []string{name})
		}
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{several, one}}
}

func accountSchema(r *jsonschema.Reflector, settings any) *jsonschema.Schema {
	s := r.Reflect(settings)
	s.Version = ""
	for _, pattern := range idleKeys {
		if name, ok := strings.CutPrefix(pattern, "channels.*."); ok {
			admit(s, strings.Split(name, "."))
		}
	}
	return s
}

func object() *jsonschema.Schema {
	return &jsonschema.Schema{
		Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema,
	}
}

// admit adds a key without use, unless it is a setting after all or the section that it belongs to does not exist.
func admit(s *jsonschema.Schema, keys []string) {
	for _, key := range keys[:len(keys)-1] {
		switch {
		case s == nil || s.Properties == nil && key != "*":
			return
		case key == "*":
			s = s.AdditionalProperties
		default:
			s = s.Properties.Value(key)
		}
	}
	last := keys[len(keys)-1]
	if s == nil || s.Properties == nil {
		return
	}
	if _, there := s.Properties.Get(last); !there {
		s.Properties.Set(last, &jsonschema.Schema{Deprecated: true, Description: "accepted, but has no use here"})
	}
}

// written gives the types that are written in another way than Go's reflection says.
func written(t reflect.Type) *jsonschema.Schema {
	secret := &jsonschema.Schema{Type: "string", WriteOnly: true, Description: "best as ${env:NAME} or ${file:/path}"}
	switch {
	case t == durationType:
		return &jsonschema.Schema{
			Type: "string", Pattern: `^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))*$|^0$`,
			Examples: []any{"500ms", "30s", "24h"},
		}
	case t == secretType:
		return secret
	case t == secretListType:
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{secret, {Type: "array", Items: secret}}}
	case t == nodeType:
		return &jsonschema.Schema{Type: "object"}
	case t.Kind() == reflect.Struct && isText(t):
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}
