package edit

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"holdfast/config"
)

// lineOf is the line in which what stands at the keys begins; 0 if that is not known.
func (t *tree) lineOf(keys trail) int {
	at := t.doc
	for _, key := range keys {
		if at != nil && at.Kind == yaml.AliasNode {
			at = at.Alias
		}
		at = below(at, key)
	}
	if at == nil {
		return 0
	}
	return at.Line
}

// below is the node of a key or item, or nil.
func below(y *yaml.Node, key string) *yaml.Node {
	switch {
	case y == nil:
	case y.Kind == yaml.SequenceNode:
		if i, ok := index(key); ok && i < len(y.Content) {
			return y.Content[i]
		}
	case y.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(y.Content); i += 2 {
			if y.Content[i].Value == key {
				return y.Content[i+1]
			}
		}
	}
	return nil
}

// locator tells where a load found what a path means: File is the file, or the variable if there is no Line.
type locator func(keys trail) config.Problem

// locator loads the content, with whatever it includes and the environment says.
func (f File) locator(content []byte) (locator, error) {
	c, err := config.Inspect(f.Source.With(content), f.Environ)
	if c == nil {
		return nil, fmt.Errorf("looking where the settings stand: %w", err)
	}
	known := map[string]config.Problem{}
	return func(keys trail) config.Problem {
		path := dotted(keys)
		at, ok := known[path]
		if !ok {
			at = c.Place([]config.Problem{{Path: path}})[0]
			known[path] = at
		}
		return at
	}, nil
}

// absent is the error of Get. It says where else a setting comes from.
func (f File) absent(content []byte, keys trail) error {
	told := "its default holds"
	where, err := f.locator(content)
	if err == nil && len(keys) > 0 {
		at, above := where(keys), where(keys[:len(keys)-1])
		switch {
		case same(at, above) || at.File == "" || at.File == f.Source.Path:
		case at.Line == 0:
			told = "the environment variable " + at.File + " sets it"
		default:
			told = fmt.Sprintf("it stands in %s, line %d", at.File, at.Line)
		}
	}
	return fmt.Errorf("%w: %s is not in %s: %s", ErrAbsent, keys, f.named(), told)
}

// elsewhere refuses changes of what stands in another file than the source and names what the environment overrides.
func (f File) elsewhere(content []byte, d *document, changed []change) ([]string, error) {
	where, err := f.locator(content)
	if err != nil {
		return nil, err
	}
	warnings := []string{}
	for _, one := range changed {
		for _, keys := range one.leaves() {
			warning, err := settled(where, f.Source.Path, d.tree.root, keys)
			if err != nil {
				return nil, err
			}
			if warning != "" {
				warnings = append(warnings, warning)
			}
		}
	}
	return warnings, nil
}

// dotted writes keys as config.Problem does, in which dots inside of keys are not marked.
func dotted(keys trail) string {
	var b strings.Builder
	for i, key := range keys {
		if i > 0 && !strings.HasPrefix(key, "[") {
			b.WriteByte('.')
		}
		b.WriteString(key)
	}
	return b.String()
}

// same tells whether two places are one: then the lower one is not there, for a load names what would hold it.
func same(a, b config.Problem) bool { return a.File == b.File && a.Line == b.Line && a.Col == b.Col }

// settled judges one setting that is to be written into the source. own is what the source has.
func settled(where locator, source string, own *value, keys trail) (warning string, err error) {
	for depth := len(keys); depth > 0; depth-- {
		here := keys[:depth]
		at, above := where(here), where(here[:depth-1])
		if same(at, above) {
			continue // nothing is there, so what holds it was told
		}
		switch {
		case at.File == "" || at.File == source:
		case at.Line == 0 && depth == len(keys):
			return fmt.Sprintf("%s is set by the environment variable %s, which overrides the file: unset it, or change it there", here, at.File), nil
		case at.Line == 0:
		case depth == len(keys) || own.at(here) == nil:
			return "", fmt.Errorf("%w: %s stands in %s, line %d: edit that file", ErrPlace, here, at.File, at.Line)
		}
		return "", nil
	}
	return "", nil
}

// change is what a write did to one place: what was there, what is there now. Either may be nil.
type change struct {
	keys     trail
	was, now *value
}

// leaves are the settings that a change sets or removes.
func (c change) leaves() []trail {
	var out []trail
	var visit func(keys trail, was, now *value)
	visit = func(keys trail, was, now *value) {
		if was != nil && now != nil && equal(was, now) {
			return
		}
		below := false
		for _, side := range []*value{was, now} {
			if side == nil {
				continue
			}
			for _, key := range side.keys {
				if side == now && was.member(key) != nil {
					continue // seen on the other side
				}
				below = true
				visit(keys.below(key), was.member(key), now.member(key))
			}
		}
		if !below {
			out = append(out, keys)
		}
	}
	visit(c.keys, c.was, c.now)
	return out
}

func (f File) named() string {
	if f.Source.Path == "" {
		return f.Source.By
	}
	return f.Source.Path
}
