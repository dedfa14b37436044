package edit

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// style says how new values are written.
type style struct {
	step  int
	flush bool // lists stand as deep as their key
	plain bool // everything in one line, text in double quotes: what is read back the same whatever is around it
}

// flow writes a value in one line, as it may stand in brackets.
func (s style) flow(v *value, quotes yaml.Style) (string, error) {
	lines, err := s.encode(&yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{s.node(v, quotes, true)}})
	return inside(lines, err)
}

// flowEntry writes key: value in one line, as it may stand in braces.
func (s style) flowEntry(key string, v *value) (string, error) {
	pair := []*yaml.Node{s.node(textOf(key), 0, true), s.node(v, 0, true)}
	lines, err := s.encode(&yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: pair})
	return inside(lines, err)
}

// inside takes the brackets off.
func inside(lines []string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if len(lines) != 1 || len(lines[0]) < 2 {
		return "", fmt.Errorf("the value does not go into one line")
	}
	return lines[0][1 : len(lines[0])-1], nil
}

// scalar writes a value that stands alone in a line after its key, in the quotes that stood there.
func (s style) scalar(v *value, quotes yaml.Style) (string, error) {
	if s.plain || v.kind == list || v.kind == mapping || strings.Contains(fmt.Sprint(v.scalar), "\n") {
		return s.flow(v, quotes)
	}
	lines, err := s.encode(s.node(v, quotes, false))
	if err != nil {
		return "", err
	}
	if len(lines) != 1 {
		return s.flow(v, quotes)
	}
	return lines[0], nil
}

// block writes a value, which is no mapping or list without entries, in lines.
func (s style) block(v *value) ([]string, error) { return s.encode(s.node(v, 0, false)) }

// blockEntry writes key: value in lines.
func (s style) blockEntry(key string, v *value) ([]string, error) {
	if s.plain {
		line, err := s.flowEntry(key, v)
		return []string{line}, err
	}
	pair := []*yaml.Node{s.node(textOf(key), 0, false), s.node(v, 0, false)}
	return s.encode(&yaml.Node{Kind: yaml.MappingNode, Content: pair})
}

// blockItem writes an item of a list in lines.
func (s style) blockItem(v *value) ([]string, error) {
	if s.plain {
		line, err := s.flow(v, 0)
		return []string{"- " + line}, err
	}
	return s.encode(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{s.node(v, 0, false)}})
}

func (s style) encode(n *yaml.Node) ([]string, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(max(s.step, 2))
	if s.flush {
		e.CompactSeqIndent()
	}
	if err := e.Encode(n); err != nil {
		return nil, fmt.Errorf("the value cannot be written as YAML")
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("the value cannot be written as YAML")
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n"), nil
}

// node is a value as the library takes it.
func (s style) node(v *value, quotes yaml.Style, flow bool) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v.kind {
	case null:
		n.Value = "null"
	case list:
		n.Kind = yaml.SequenceNode
		for _, one := range v.items {
			n.Content = append(n.Content, s.node(one, 0, flow))
		}
	case mapping:
		n.Kind = yaml.MappingNode
		for _, key := range v.keys {
			n.Content = append(n.Content, s.node(textOf(key), 0, flow), s.node(v.members[key], 0, flow))
		}
	case text:
		s.text(n, v, quotes, flow)
	default:
		n.Value = v.literal
		if n.Value == "" {
			n.Value = fmt.Sprint(v.scalar)
		}
	}
	if n.Kind != yaml.ScalarNode && (flow || s.plain || len(n.Content) == 0) {
		n.Style = yaml.FlowStyle
	}
	return n
}

func (s style) text(n *yaml.Node, v *value, quotes yaml.Style, flow bool) {
	content := v.scalar.(string)
	if v.tag != "" {
		n.Tag, n.Value, n.Style = v.tag, content, yaml.TaggedStyle
		return
	}
	if err := n.Encode(content); err != nil { // the library chooses quotes where they are needed
		n.SetString(content)
	}
	switch {
	case s.plain, flow && strings.ContainsAny(content, "\n\u0085\u2028\u2029"), strings.ContainsAny(content, "\r\u0085\u2028\u2029"):
		n.Style = yaml.DoubleQuotedStyle
	case quotes != 0 && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0:
		n.Style = quotes & (yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle)
	}
}
