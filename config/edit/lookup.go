package edit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Part is what the JSON Schema says of one place of the configuration.
type Part struct {
	Path     string          `json:"path"`
	Schema   json.RawMessage `json:"schema"`   // where a place has several forms: anyOf of them
	Children []Child         `json:"children"` // by name
	Secret   bool            `json:"secret"`   // what stands there is never shown
}

// Child is what may stand below a place.
type Child struct {
	Name       string `json:"name"` // * for any name, [] for any item
	Required   bool   `json:"required,omitempty"`
	Deprecated bool   `json:"deprecated,omitempty"` // accepted without use
	Secret     bool   `json:"secret,omitempty"`
}

// object is one schema as JSON has it.
type object map[string]any

// forms are the keywords that give several forms of one place.
var forms = []string{"anyOf", "oneOf", "allOf"}

// Lookup finds the part of a schema, as config.Schema writes it, for a path of the configuration. References ($ref) into
// the schema are followed on the way, and the one at the place itself is replaced by what it names. The error is
// ErrInput if no setting has that path.
func Lookup(schema []byte, path string) (Part, error) {
	var root object
	if err := json.Unmarshal(schema, &root); err != nil {
		return Part{}, fmt.Errorf("reading the schema: %w", err)
	}
	l := lookup{root}
	at := []object{root}
	for rest := path; rest != ""; {
		key, after, err := nextKey(l.known(at), rest, len(rest) == len(path))
		if err != nil {
			return Part{}, fmt.Errorf("%w: the path %q: %w", ErrInput, path, err)
		}
		below := l.below(at, key)
		if len(below) == 0 {
			known := strings.Join(names(l.children(at)), ", ")
			return Part{}, fmt.Errorf("%w: no setting is called %q: at %q there are %s",
				ErrInput, path, strings.TrimSuffix(path, rest), cmp.Or(known, "none"))
		}
		at, rest = below, after
	}
	return l.part(path, at)
}

func names(children []Child) []string {
	out := make([]string, len(children))
	for i, c := range children {
		out[i] = c.Name
	}
	return out
}

type lookup struct{ root object }

func (l lookup) part(path string, at []object) (Part, error) {
	var distinct []string
	for _, one := range at {
		raw, err := json.Marshal(l.resolve(one))
		if err != nil {
			return Part{}, fmt.Errorf("writing a part of the schema: %w", err)
		}
		if !slices.Contains(distinct, string(raw)) {
			distinct = append(distinct, string(raw))
		}
	}
	schema := distinct[0]
	if len(distinct) > 1 {
		schema = `{"anyOf":[` + strings.Join(distinct, ",") + `]}`
	}
	return Part{Path: path, Schema: json.RawMessage(schema), Children: l.children(at), Secret: l.secret(at)}, nil
}

// resolve follows a reference by one level; all else is as it is.
func (l lookup) resolve(s object) object {
	ref, _ := s["$ref"].(string)
	inside, local := strings.CutPrefix(ref, "#/")
	if !local {
		return s
	}
	at := l.root
	for key := range strings.SplitSeq(inside, "/") {
		next, ok := at[strings.NewReplacer("~1", "/", "~0", "~").Replace(key)].(map[string]any)
		if !ok {
			return s
		}
		at = next
	}
	return at
}

// flat lists the schemas that a place may follow: its own and those of its forms.
func (l lookup) flat(at []object) []object {
	var out []object
	var visit func(s object, depth int)
	visit = func(s object, depth int) {
		if depth > maxDepth { // a schema that names itself
			return
		}
		if to := l.resolve(s); len(s) > 0 && s["$ref"] != nil {
			visit(without(to, s), depth+1)
			return
		}
		out = append(out, s)
		for _, form := range forms {
			some, _ := s[form].([]any)
			for _, one := range some {
				if sub, ok := one.(map[string]any); ok {
					visit(sub, depth+1)
				}
			}
		}
	}
	for _, s := range at {
		visit(s, 0)
	}
	return out
}

// without guards against a reference that leads nowhere.
func without(to, s object) object {
	if to["$ref"] == s["$ref"] {
		return object{}
	}
	return to
}

// below finds what holds for a key or item.
func (l lookup) below(at []object, key string) []object {
	var named, others []object
	for _, s := range l.flat(at) {
		properties, _ := s["properties"].(map[string]any)
		if one, ok := properties[key].(map[string]any); ok {
			named = append(named, one)
			continue
		}
		if _, known := properties[key]; known { // true: anything
			named = append(named, object{})
			continue
		}
		rest := "additionalProperties"
		if isItem(key) {
			rest = "items"
		}
		switch one := s[rest].(type) {
		case map[string]any:
			others = append(others, one)
		case nil:
			if s["type"] == "object" && properties == nil { // a mapping of anything
				others = append(others, object{})
			}
		}
	}
	if len(named) > 0 {
		return named
	}
	return others
}

// known is a mapping with the keys that a place names, for reading paths.
func (l lookup) known(at []object) *value {
	out := &value{kind: mapping}
	for _, s := range l.flat(at) {
		properties, _ := s["properties"].(map[string]any)
		out.keys = append(out.keys, slices.Sorted(maps.Keys(properties))...)
	}
	return out
}

func (l lookup) children(at []object) []Child {
	found := map[string]Child{}
	for _, s := range l.flat(at) {
		properties, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for name, one := range properties {
			sub, _ := one.(map[string]any)
			c := found[name]
			c.Name = name
			c.Required = c.Required || slices.Contains(required, any(name))
			c.Deprecated = c.Deprecated || sub["deprecated"] == true
			c.Secret = c.Secret || l.secret([]object{sub})
			found[name] = c
		}
		for rest, name := range map[string]string{"additionalProperties": "*", "items": "[]"} {
			if sub, ok := s[rest].(map[string]any); ok {
				found[name] = Child{Name: name, Secret: l.secret([]object{sub})}
			}
		}
	}
	out := slices.AppendSeq([]Child{}, maps.Values(found))
	slices.SortFunc(out, func(a, b Child) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// secret tells whether any form of a place is write-only, which is how the schema marks secrets.
func (l lookup) secret(at []object) bool {
	return slices.ContainsFunc(l.flat(at), func(s object) bool { return s["writeOnly"] == true })
}
