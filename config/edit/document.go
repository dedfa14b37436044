package edit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// errUnclear is the reason of a refusal: the file is written in a way in which we cannot find every place again.
var errUnclear = errors.New("is written in a form that cannot be changed in place: write it as ordinary keys and values first")

// document is a file with the place of everything in it.
type document struct {
	*tree
	*source
	root    *entry // its node has no place if there is nothing but comments
	newline string // as the first line ends
	step    int    // columns from a key to those below it
	flush   bool   // lists stand as deep as the key that they belong to
}

// node is one value of a document.
type node struct {
	yaml     *yaml.Node
	value    *value
	from, to int // the value without an anchor or tag; both where it would stand if nothing is written
	column   int // of from
	flow     bool
	entries  []*entry
	// head is where the indicators of a text of the | or > kind end and body where its first line begins; else 0.
	head, body int
}

// entry is one entry of a mapping or list, or the root.
type entry struct {
	key    string
	list   bool
	flow   bool // stands in brackets
	merge  bool // <<
	bare   bool // a key without colon
	from   int  // where the entry begins: its key, its dash, or the value in brackets
	after  int  // where what announces the value ends: the colon, the dash; -1 for the root
	column int  // of from; -1 for the root
	comma  int  // the comma that follows, or -1
	node   *node
}

// to is where the entry ends.
func (e *entry) to() int { return max(e.after, e.node.to) }

// own returns the entry of a key that stands in the mapping itself.
func (n *node) own(key string) *entry {
	i := slices.IndexFunc(n.entries, func(e *entry) bool { return !e.list && !e.merge && e.key == key })
	if i < 0 {
		return nil
	}
	return n.entries[i]
}

func (n *node) isBlock() bool {
	return !n.flow && (n.yaml.Kind == yaml.MappingNode || n.yaml.Kind == yaml.SequenceNode)
}

// inline tells whether the value begins in the line of what announces it.
func (d *document) inline(e *entry) bool {
	return e.after < 0 || e.node.from == e.node.to || d.begin(e.node.from) <= e.after
}

// locate finds the places of all that a tree has. The error wraps errUnclear.
func locate(t *tree, content string) (*document, error) {
	d := &document{tree: t, source: newSource(content), newline: "\n", step: 2}
	if end := d.end(0); end < len(content) {
		d.newline = content[end : end+d.breakAt(end)]
	}
	if t.doc == nil {
		end := len(content)
		d.root = &entry{after: -1, column: -1, from: end, comma: -1}
		d.root.node = &node{yaml: &yaml.Node{}, value: t.root, from: end, to: end}
		return d, nil
	}
	return d, d.whole()
}

// whole reads from the first to the last byte, so that whatever was not understood is noticed.
func (d *document) whole() error {
	at := d.skip(0)
	for d.byteAt(at) == '%' && at == d.begin(at) {
		at = d.skip(d.next(at))
	}
	if d.marker(at, "---") {
		at += len("---")
	}
	d.root = &entry{after: -1, column: -1, from: at, comma: -1}
	if err := d.entry(d.root, d.doc, at); err != nil {
		return err
	}
	rest := d.skip(d.root.node.to)
	if rest < len(d.text) && !d.marker(rest, "...") {
		return d.unclear(rest)
	}
	return nil
}

func (d *document) marker(at int, mark string) bool {
	after := at + len(mark)
	return at == d.begin(at) && strings.HasPrefix(d.text[at:], mark) &&
		(after == len(d.text) || d.blanks(after) > after || d.breakAt(after) > 0)
}

func (d *document) unclear(at int) error {
	return fmt.Errorf("%s: line %d %w", d.name, d.line(at), errUnclear)
}

// entry finds the value of an entry, which begins somewhere after at.
func (d *document) entry(e *entry, y *yaml.Node, at int) error {
	n := &node{yaml: y, value: d.values[y], flow: e.flow || y.Style&yaml.FlowStyle != 0}
	e.node = n
	ends := at // of an anchor and a tag
	n.from = d.skip(at)
	proper := y.Anchor != "" || y.Style&yaml.TaggedStyle != 0
	if proper {
		ends, n.from = d.properties(n.from)
	}
	if unwritten(y) {
		n.from, n.to = ends, ends
		n.column = d.column(n.from)
		return nil
	}
	n.column = d.column(n.from)
	switch y.Kind {
	case yaml.MappingNode:
		return d.mapping(n, y)
	case yaml.SequenceNode:
		return d.sequence(n, y)
	}
	if !d.scalar(n, y, e.column) || !proper && d.offset(y.Line, y.Column) != n.from {
		return d.unclear(n.from)
	}
	return nil
}

// scalar finds the end of a value that has nothing below it; false if it does not look as the library says.
func (d *document) scalar(n *node, y *yaml.Node, indent int) (ok bool) {
	switch {
	case y.Kind == yaml.AliasNode:
		n.to = n.from + 1 + len(y.Value)
		return strings.HasPrefix(d.text[n.from:], "*"+y.Value)
	case y.Style&yaml.DoubleQuotedStyle != 0:
		n.to, ok = d.quoted(n.from, '"')
	case y.Style&yaml.SingleQuotedStyle != 0:
		n.to, ok = d.quoted(n.from, '\'')
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.head, n.body, n.to, ok = d.block(n.from, indent)
	default:
		n.to, ok = d.plain(n.from, y.Value)
	}
	return ok
}
