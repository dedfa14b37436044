package edit

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tree is what a file says, as the YAML library reads it, without the places.
type tree struct {
	name   string
	doc    *yaml.Node // nil if there is nothing but comments
	root   *value
	values map[*yaml.Node]*value
	uses   map[string][]int // lines of aliases by anchor
}

// errSyntax keeps the words of the library apart from ours: they may hold what is in the file.
type errSyntax struct{ err error }

func (errSyntax) Error() string { return "it is no YAML" }

// readTree reads a file without its byte order mark.
func readTree(name, content string) (*tree, error) {
	t := &tree{name: name, values: map[*yaml.Node]*value{}, uses: map[string][]int{}}
	t.root = &value{kind: mapping, members: map[string]*value{}, size: 1}
	decoder := yaml.NewDecoder(strings.NewReader(content))
	var doc, more yaml.Node
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return t, nil
	case err != nil:
		return nil, errSyntax{err}
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, t.fault(&more, "a second document begins: remove the line --- and what follows")
	}
	v, err := t.value(doc.Content[0], 0)
	switch {
	case err != nil:
		return nil, err
	case v.kind == null && unwritten(doc.Content[0]):
		return t, nil
	case v.kind != null: // an empty mapping says the same
		t.root = v
	}
	t.doc = doc.Content[0]
	t.values[t.doc] = t.root
	return t, nil
}

func (t *tree) fault(y *yaml.Node, told string) error {
	return fmt.Errorf("%s: line %d: %s", t.name, max(y.Line, 1), told)
}

// unwritten tells whether there is no value where one could be.
func unwritten(y *yaml.Node) bool {
	return y.Kind == yaml.ScalarNode && y.Value == "" && y.Style&^yaml.TaggedStyle == 0
}

// value reads a node and all below it. Aliases and merges are written out, within the bound of maxSize.
func (t *tree) value(y *yaml.Node, depth int) (*value, error) {
	if depth > maxDepth {
		return nil, t.fault(y, fmt.Sprintf("nested too deeply: at most %d levels", maxDepth))
	}
	var v *value
	var err error
	switch y.Kind {
	case yaml.MappingNode:
		v, err = t.mapping(y, depth)
	case yaml.SequenceNode:
		v = &value{kind: list, size: 1}
		for _, one := range y.Content {
			below, err := t.value(one, depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, below)
			v.size += below.size
		}
	case yaml.AliasNode:
		if v = t.values[y.Alias]; v == nil {
			return nil, t.fault(y, "an alias of what it stands in: write it out")
		}
		t.uses[y.Value] = append(t.uses[y.Value], y.Line)
	default:
		v = scalarValue(y)
	}
	if err == nil && v.size > maxSize {
		err = t.fault(y, fmt.Sprintf("too much is written there: at most %d values", maxSize))
	}
	t.values[y] = v
	return v, err
}

func (t *tree) mapping(y *yaml.Node, depth int) (*value, error) {
	v := &value{kind: mapping, members: map[string]*value{}, size: 1}
	own := map[string]int{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		if key.Kind != yaml.ScalarNode {
			return nil, t.fault(key, "a key that is not text: put text that begins with { or [ in quotes")
		}
		below, err := t.value(y.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if key.ShortTag() == "!!merge" {
			if err := t.merge(v, key, below); err != nil {
				return nil, err
			}
			continue
		}
		if first, twice := own[key.Value]; twice {
			return nil, t.fault(key, fmt.Sprintf("a key stands there a second time: keep one; the first is in line %d", first))
		}
		own[key.Value] = key.Line
		v.put(key.Value, below)
	}
	return v, nil
}

// put is only for values that are being read.
func (v *value) put(key string, m *value) {
	if v.members[key] == nil {
		v.keys = append(v.keys, key)
	}
	v.members[key] = m
	v.size += m.size
}

func (t *tree) merge(v *value, key *yaml.Node, from *value) error {
	several := []*value{from}
	if from.kind == list {
		several = from.items
	}
	for _, one := range several {
		if one.kind != mapping {
			return t.fault(key, "<< merges what is no mapping: write the settings out")
		}
		for _, name := range one.keys {
			if v.members[name] == nil {
				v.put(name, one.members[name])
			}
		}
	}
	return nil
}

func scalarValue(y *yaml.Node) *value {
	v := textOf(y.Value)
	switch y.ShortTag() {
	case "!!null":
		return &value{size: 1}
	case "!!bool":
		var b bool
		if y.Decode(&b) == nil {
			v.kind, v.scalar = boolean, b
			return v
		}
	case "!!int", "!!float":
		var i int64
		var f float64
		if y.ShortTag() == "!!int" && y.Decode(&i) == nil {
			v.kind, v.scalar = number, i
			return v
		}
		if y.Decode(&f) == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			v.kind, v.scalar = number, f
			return v
		}
	case "!!str", "!!timestamp":
		return v
	}
	v.tag = y.ShortTag()
	return v
}
