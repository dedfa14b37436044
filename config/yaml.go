package config

import (
	"bytes"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Bounds that nothing real comes near.
const (
	maxDepth = 64  // levels of settings
	maxKey   = 256 // bytes of a key
)

// reader turns one document into a value and collects what is wrong with it.
type reader struct {
	name     string
	problems Problems
}

func (r *reader) bad(at place, trail []string, got, want string) {
	r.problems = append(r.problems, at.problem(path(trail), got, want))
}

// readYAML returns nil if the text is not YAML at all.
func readYAML(name string, data []byte) (*value, Problems) {
	r := &reader{name: name}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF): // empty, or nothing but comments
		return &value{shape: mapping, at: place{name, 1, 1}, key: place{name, 1, 1}}, nil
	case err != nil:
		return nil, Problems{syntax(name, data, err)}
	}
	root := r.node(doc.Content[0], nil, 0)
	switch err := decoder.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.problems = append(r.problems, syntax(name, data, err))
	default:
		r.bad(r.place(&more), nil, "a second document", "one document: remove the line --- and what follows")
	}
	return root, r.problems
}

func (r *reader) place(n *yaml.Node) place { return place{r.name, n.Line, n.Column} }

func (r *reader) node(n *yaml.Node, trail []string, depth int) *value {
	v := &value{at: r.place(n), key: r.place(n), trail: trail}
	switch {
	case depth > maxDepth:
		r.bad(v.at, trail, "settings nested too deeply", "at most "+strconv.Itoa(maxDepth)+" levels")
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.bad(v.at, trail, "an anchor or alias", "the settings written out; text that begins with & or * in quotes")
	case n.Kind == yaml.MappingNode:
		v.shape = mapping
		r.mapping(n, v, depth)
	case n.Kind == yaml.SequenceNode:
		v.shape = list
		for i, one := range n.Content {
			v.items = append(v.items, r.node(one, v.below(item(i)), depth+1))
		}
	default:
		r.scalar(n, v)
	}
	return v
}

func (r *reader) mapping(n *yaml.Node, v *value, depth int) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, at := n.Content[i], r.place(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			v.broken = true
			r.bad(at, v.trail, "a key that is not text", "a name; text that begins with { or [ in quotes")
			continue
		}
		if key.ShortTag() == "!!merge" {
			r.bad(at, v.trail, "a merge key <<", "the settings written out")
			continue
		}
		r.add(v, key.Value, at, func(trail []string) *value { return r.node(n.Content[i+1], trail, depth+1) })
	}
}

// add puts a member into v unless its name cannot stand or was there before.
func (r *reader) add(v *value, key string, at place, read func(trail []string) *value) {
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, unicode.IsControl) {
		r.bad(at, v.trail, "a key that is empty, too long or has a control character in it",
			"a printable name of at most "+strconv.Itoa(maxKey)+" bytes")
		return
	}
	trail := v.below(key)
	if first := v.member(key); first != nil {
		r.bad(at, trail, "the key a second time", "it once; the first is in line "+strconv.Itoa(first.key.line))
		return
	}
	m := read(trail)
	m.key = at
	v.set(key, m)
}

func (r *reader) scalar(n *yaml.Node, v *value) {
	switch n.ShortTag() {
	case "!!null":
		return
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			v.shape, v.scalar = boolean, b
			return
		}
	case "!!int", "!!float":
		if f, ok := yamlNumber(n); ok {
			v.shape, v.scalar = number, f
			return
		}
	case "!!str", "!!timestamp":
		v.shape, v.scalar = text, n.Value
		return
	}
	v.broken = true
	r.bad(v.at, v.trail, "", "text, a number, true or false, without a tag")
}

// yamlNumber gives whole numbers as int64 and everything else as float64; infinity and not-a-number are none.
func yamlNumber(n *yaml.Node) (any, bool) {
	var i int64
	if n.Decode(&i) == nil && n.ShortTag() == "!!int" {
		return i, true
	}
	var f float64
	if n.Decode(&f) != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, false
	}
	return f, true
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntax makes a fault of what the YAML library says. The library's words are constants but for one that quotes the
// text, so that one is replaced.
func syntax(name string, data []byte, err error) Problem {
	told, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if m := yamlLine.FindStringSubmatch(told); m != nil {
		line, _ = strconv.Atoi(m[1])
		told = told[len(m[0]):]
	}
	if strings.HasPrefix(told, "unknown anchor") {
		told = "text that begins with * must be in quotes"
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	line = brokenLine(data, lines, line)
	col := 1
	if line <= len(lines) {
		col += len(lines[line-1]) - len(bytes.TrimLeft(lines[line-1], " "))
	}
	return Problem{File: name, Line: line, Col: col, Want: "YAML: " + told}
}

// brokenLine finds the line in which a document stops being YAML: the one after the longest beginning that is. The
// library's own number, told, is often that of the enclosing block. Each try reads the file again, so large files are
// searched in strides first, and very large ones keep the number told.
func brokenLine(data []byte, lines [][]byte, told int) int {
	const budget = 8 << 20 // bytes read in all tries
	stride := 1
	if len(lines)*len(data) > budget {
		stride += int(math.Sqrt(float64(len(lines))))
	}
	if len(lines)/stride*len(data) > budget {
		return told
	}
	reads := func(n int) bool {
		var node yaml.Node
		return n == 0 || yaml.Unmarshal(bytes.Join(lines[:n], nil), &node) == nil
	}
	from := (len(lines) - 1) / stride * stride
	for !reads(from) {
		from -= stride
	}
	to := min(from+stride, len(lines)) - 1
	for to > from && !reads(to) {
		to--
	}
	return to + 1
}
