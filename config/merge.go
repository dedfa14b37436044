package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
)

// merge lays the layers over each other: defaults, file, environment. The result knows the place of every part. What neither
// has a default nor is set by the environment is the file's own and not copied.
func merge(file *value, environ []string, e *overlay) (*value, error) {
	k := koanf.New(delimiter)
	layers := []koanf.Provider{
		structs.Provider(defaults(), "json"),
		confmap.Provider(e.layered(), ""),
		env.Provider(delimiter, env.Opt{
			Prefix:      envPrefix,
			EnvironFunc: func() []string { return environ },
			TransformFunc: func(name, content string) (string, any) {
				return strings.Join(e.trails[name], delimiter), content // what is not in trails is left out
			},
		}),
	}
	for _, layer := range layers {
		if err := k.Load(layer, nil); err != nil {
			return nil, err
		}
	}
	set := map[string]place{}
	for name, trail := range e.trails {
		set[strings.Join(trail, delimiter)] = place{file: name}
	}
	return graft(k.Raw(), nil, file, set), nil
}

// layered is the part of the file that other layers meet.
func (e *overlay) layered() map[string]any {
	out := map[string]any{}
	for _, section := range names(reflect.TypeFor[core]()) {
		if v := e.file.member(section); v.sets() {
			out[section] = v.plain()
		}
	}
	for _, trail := range e.trails {
		e.file.along(trail, out)
	}
	return out
}

// along copies what lies at a trail, and of what is above it only that it is there.
func (v *value) along(trail []string, into map[string]any) {
	m := v.member(trail[0])
	switch {
	case !m.sets():
	case len(trail) == 1 || m.shape != mapping:
		into[trail[0]] = m.plain()
	default:
		below, there := into[trail[0]].(map[string]any)
		if !there {
			below = map[string]any{}
			into[trail[0]] = below
		}
		m.along(trail[1:], below)
	}
}

// graft rebuilds a value from its merged plain form, with the places of the layer that each part came from.
func graft(raw any, trail []string, file *value, set map[string]place) *value {
	v := &value{trail: trail}
	if from, ok := set[strings.Join(trail, delimiter)]; ok {
		v.shape, v.scalar, v.at, v.key, v.env = text, raw, from, from, true
		return v
	}
	members, ok := raw.(map[string]any)
	if !ok {
		return leaf(raw, v, file)
	}
	v.shape = mapping
	for _, key := range ordered(file, members) {
		member, merged := members[key]
		if !merged { // no other layer has it, or it is null and may still turn out to be an unknown key
			v.set(key, file.member(key))
			continue
		}
		v.set(key, graft(member, v.below(key), file.member(key), set))
	}
	switch {
	case file != nil:
		v.at, v.key, v.broken = file.at, file.key, file.broken
	case len(v.keys) > 0: // from the environment or the defaults alone
		v.at, v.key = v.members[v.keys[0]].at, v.members[v.keys[0]].key
	}
	return v
}

func leaf(raw any, v, file *value) *value {
	if file != nil && file.shape != null {
		return file
	}
	if many, ok := raw.([]string); ok { // a default
		v.shape = list
		for i, one := range many {
			v.items = append(v.items, &value{shape: text, scalar: one, trail: v.below(item(i))})
		}
		return v
	}
	v.shape, v.scalar = scalarOf(raw)
	return v
}

// ordered lists the keys as in the file, then the others by name.
func ordered(file *value, members map[string]any) []string {
	var keys []string
	if file != nil {
		keys = slices.Clone(file.keys)
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if file.member(key) == nil {
			keys = append(keys, key)
		}
	}
	return keys
}
