package edit

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// splice replaces a part of a file. Nothing outside of splices is ever touched.
type splice struct {
	from, to int
	with     string
}

// writer collects the splices that make a document say what is wanted.
type writer struct {
	*document
	style   style
	splices []splice
	changed []trail // what was set or removed
}

func (w *writer) put(from, to int, with string) {
	w.splices = append(w.splices, splice{from, to, with})
}

// changes are what was set or removed, with the values before and after.
func (w *writer) changes(wanted *value) []change {
	out := make([]change, len(w.changed))
	for i, keys := range w.changed {
		out[i] = change{keys, w.tree.root.at(keys), wanted.at(keys)}
	}
	return out
}

// apply returns the file with the splices in it. Those that begin at one place keep their order, insertions first.
func (w *writer) apply() (string, error) {
	slices.SortStableFunc(w.splices, func(a, b splice) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return min(a.to-a.from, 1) - min(b.to-b.from, 1)
	})
	var b strings.Builder
	at := 0
	for _, s := range w.splices {
		if s.from < at || s.to < s.from {
			return "", fmt.Errorf("two changes meet in line %d", w.line(s.from))
		}
		b.WriteString(w.text[at:s.from] + s.with)
		at = s.to
	}
	b.WriteString(w.text[at:])
	return b.String(), nil
}

// write makes an entry's value what is wanted. Whatever is equal already keeps its bytes.
func (w *writer) write(e *entry, want *value, path trail) error {
	n := e.node
	if equal(n.value, want) {
		return nil
	}
	if n.yaml.Kind == yaml.AliasNode && (n.value.kind == mapping || n.value.kind == list) {
		return fmt.Errorf("%w: %s stands in line %d as an alias of what is in line %d: change it there, or write it out in place of the alias",
			ErrPlace, path.told(), w.line(n.from), n.yaml.Alias.Line)
	}
	if err := w.shared(n, path); err != nil {
		return err
	}
	switch {
	case n.value.kind == mapping && want.kind == mapping && len(n.entries) > 0:
		return w.mapping(e, want, path)
	case n.value.kind == list && want.kind == list && len(n.entries) > 0:
		return w.list(e, want, path)
	}
	return w.replace(e, want, path)
}

// shared refuses to change what an alias elsewhere repeats.
func (w *writer) shared(n *node, path trail) error {
	name := n.yaml.Anchor
	if lines := w.uses[name]; name != "" && len(lines) > 0 {
		return fmt.Errorf("%w: %s stands in line %d with the anchor &%s, and line %d repeats it: write it out there first",
			ErrPlace, path.told(), w.line(n.from), name, lines[0])
	}
	return nil
}

// within refuses to remove what holds an anchor that is in use.
func (w *writer) within(e *entry, path trail) error {
	if err := w.shared(e.node, path); err != nil {
		return err
	}
	for _, one := range e.node.entries {
		if err := w.within(one, path); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a value anew.
func (w *writer) replace(e *entry, want *value, path trail) error {
	if err := w.within(e, path); err != nil {
		return err
	}
	w.changed = append(w.changed, path)
	if n := e.node; n.yaml.Style&yaml.TaggedStyle != 0 && n.yaml.Anchor == "" && e.after >= 0 {
		w.put(e.after, w.announced(e), "") // the tag was about the old value
	}
	if !e.flow && !w.style.plain && (want.kind == mapping || want.kind == list) && len(want.keys)+len(want.items) > 0 {
		lines, err := w.style.block(want)
		if err != nil {
			return err
		}
		w.replaceByBlock(e, lines)
		return nil
	}
	if lines, ok := w.blockText(e.node, want); ok {
		w.put(e.node.body, w.bodyEnd(e.node), lines)
		return nil
	}
	quotes := e.node.yaml.Style
	if e.node.yaml.Kind != yaml.ScalarNode {
		quotes = 0
	}
	render := w.style.scalar
	if e.flow {
		render = w.style.flow
	}
	line, err := render(want, quotes)
	if err != nil {
		return err
	}
	w.replaceByLine(e, line)
	return nil
}

// replaceByLine puts a value into the line of its key.
func (w *writer) replaceByLine(e *entry, line string) {
	n := e.node
	switch {
	case e.bare:
		w.put(e.after, e.after, ": "+line)
	case n.from == n.to && e.after < 0: // a file without settings
		w.insertAfter(len(w.text), []string{line}, 0)
	case n.from == n.to && (!e.list || !e.flow):
		w.put(n.to, n.to, " "+line)
	case n.head > 0: // a comment behind the indicators stays
		w.put(n.from, n.head, line)
		w.put(n.body, w.bodyEnd(n), "")
	case n.isBlock() && e.after >= 0 && !w.inline(e):
		w.put(w.announced(e), w.announced(e), " "+line)
		w.cut(n.from, n.to)
	default:
		w.put(n.from, n.to, line)
	}
}

// announced is where what comes before a value ends: the colon or dash, or an anchor or tag behind it.
func (w *writer) announced(e *entry) int {
	y := e.node.yaml
	if y.Anchor == "" && y.Style&yaml.TaggedStyle == 0 {
		return e.after
	}
	to, _ := w.properties(w.skip(e.after))
	return to
}

// replaceByBlock puts lines below a key, or behind a dash.
func (w *writer) replaceByBlock(e *entry, lines []string) {
	n := e.node
	switch {
	case e.after < 0 && n.from == n.to:
		w.insertAfter(len(w.text), lines, 0)
	case e.after < 0:
		w.put(n.from, n.to, strings.Join(lines, w.newline))
	case e.list:
		w.replaceItem(e, lines)
	default:
		indent := e.column + w.style.step
		from := w.announced(e)
		switch {
		case n.head > 0:
			w.put(from, n.head, "")
			w.put(n.body, w.bodyEnd(n), "")
			w.insertAfter(n.head, lines, indent)
		case n.isBlock() && !w.inline(e):
			w.insertAfter(from, lines, indent)
			w.cut(n.from, n.to)
		default:
			w.put(from, n.to, "")
			w.insertAfter(n.to, lines, indent)
		}
	}
}

func (w *writer) replaceItem(e *entry, lines []string) {
	n, from := e.node, w.announced(e)
	switch {
	case n.head > 0 || n.from == n.to || !w.inline(e):
		w.put(from, from, " "+lines[0])
		w.insertAfter(from, lines[1:], e.column+2)
		switch {
		case n.head > 0:
			w.put(n.from, n.head, "")
			w.put(n.body, w.bodyEnd(n), "")
		case n.from < n.to:
			w.cut(n.from, n.to)
		}
	default:
		w.put(n.from, n.to, lines[0])
		w.insertAfter(n.to, lines[1:], n.column)
	}
}

// insertAfter puts lines after the line of an offset.
func (w *writer) insertAfter(at int, lines []string, indent int) {
	if len(lines) == 0 {
		return
	}
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteString(w.newline)
		}
		if line != "" {
			b.WriteString(strings.Repeat(" ", indent) + line)
		}
	}
	end := w.end(at)
	switch {
	case end < len(w.text):
		end += w.breakAt(end)
		w.put(end, end, b.String()+w.newline)
	case end == w.begin(end): // the file ends with a line break, or is empty
		w.put(end, end, b.String()+w.newline)
	default:
		w.put(end, end, w.newline+b.String())
	}
}

// cut removes what stands between two offsets: whole lines with the comment at their end if nothing else stands in them,
// else just that.
func (w *writer) cut(from, to int) {
	if w.only(w.begin(from), from) && w.last(to) {
		w.put(w.begin(from), max(w.next(to), to), "")
		return
	}
	w.put(from, to, "")
}

// bodyEnd is where the lines of a text of the | or > kind end, with the last break.
func (w *writer) bodyEnd(n *node) int { return max(w.next(n.to), n.body) }

// blockText writes text in the form of the text of the | or > kind that stands there.
func (w *writer) blockText(n *node, want *value) (string, bool) {
	content, ok := want.scalar.(string)
	if n.head == 0 || n.to <= n.body || !ok || w.style.plain || want.tag != "" || content == "" || strings.ContainsAny(content, "\r\t\u0085\u2028\u2029") {
		return "", false
	}
	header := w.text[n.from:n.head]
	content, ended := strings.CutSuffix(content, "\n")
	if strings.Contains(header, "-") == ended || strings.HasSuffix(content, "\n") || strings.ContainsAny(header, "+123456789") {
		return "", false
	}
	if header[0] == '>' {
		content = strings.ReplaceAll(content, "\n", "\n\n")
	}
	first := w.firstIndent(n.body)
	var b strings.Builder
	for line := range strings.SplitSeq(content, "\n") {
		if line != "" {
			b.WriteString(strings.Repeat(" ", first) + line)
		}
		b.WriteString(w.newline)
	}
	if w.next(n.to) == w.end(n.to) { // the file ends without a line break
		return strings.TrimSuffix(b.String(), w.newline), true
	}
	return b.String(), true
}
