package edit

import "go.yaml.in/yaml/v3"

// mapping finds the entries of a mapping, in lines or in braces.
func (d *document) mapping(n *node, y *yaml.Node) error {
	at := n.from
	if n.flow {
		if d.byteAt(at) != '{' {
			return d.unclear(at)
		}
		at++
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		e, err := d.key(n, y.Content[i], at)
		if err != nil {
			return err
		}
		if err := d.entry(e, y.Content[i+1], e.after); err != nil {
			return err
		}
		n.entries = append(n.entries, e)
		if at = e.to(); n.flow {
			at = d.commaAfter(e)
		}
		d.habits(e)
	}
	return d.close(n, at, '}')
}

// habits notes how the file is indented. The outermost mapping speaks last.
func (d *document) habits(e *entry) {
	switch {
	case !e.node.isBlock():
	case e.node.value.kind == list:
		d.flush = e.node.column == e.column
	case e.node.value.kind == mapping && e.node.column > e.column:
		d.step = e.node.column - e.column
	}
}

// key finds a key and its colon.
func (d *document) key(n *node, y *yaml.Node, at int) (*entry, error) {
	from := d.skip(at)
	e := &entry{key: y.Value, flow: n.flow, merge: y.ShortTag() == "!!merge", from: from, column: d.column(from), comma: -1}
	if !n.flow && e.column != n.column {
		return nil, d.unclear(from)
	}
	name := entry{flow: n.flow}
	if err := d.entry(&name, y, from); err != nil {
		return nil, err
	}
	e.after = name.node.to
	if e.after == from { // the empty key, or one that a question mark announces
		return nil, d.unclear(from)
	}
	if colon := d.blanks(e.after); d.byteAt(colon) == ':' {
		e.after = colon + 1
	} else if e.bare = n.flow; !e.bare {
		return nil, d.unclear(from)
	}
	return e, nil
}

// sequence finds the items of a list, behind dashes or in brackets.
func (d *document) sequence(n *node, y *yaml.Node) error {
	at := n.from
	if n.flow {
		if d.byteAt(at) != '[' {
			return d.unclear(at)
		}
		at++
	}
	for _, one := range y.Content {
		from := d.skip(at)
		e := &entry{list: true, flow: n.flow, from: from, after: from, column: d.column(from), comma: -1}
		if !n.flow {
			if d.byteAt(from) != '-' || e.column != n.column {
				return d.unclear(from)
			}
			e.after++
		}
		if err := d.entry(e, one, e.after); err != nil {
			return err
		}
		n.entries = append(n.entries, e)
		if at = e.to(); n.flow {
			at = d.commaAfter(e)
		}
	}
	return d.close(n, at, ']')
}

// commaAfter finds the comma after an entry in brackets and returns where to go on.
func (d *document) commaAfter(e *entry) int {
	if at := d.skip(e.to()); d.byteAt(at) == ',' {
		e.comma = at
		return at + 1
	}
	return e.to()
}

// close finds the end of a collection.
func (d *document) close(n *node, at int, bracket byte) error {
	n.to = at
	if !n.flow {
		return nil
	}
	if n.to = d.skip(at); d.byteAt(n.to) != bracket {
		return d.unclear(n.from)
	}
	n.to++
	return nil
}
