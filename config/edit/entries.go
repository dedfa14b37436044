package edit

import (
	"fmt"
	"slices"
	"strings"
)

// mapping makes the entries of a mapping what is wanted: what is there is changed where it stands, what is new comes
// after the last entry, what is gone takes only its own lines with it.
func (w *writer) mapping(e *entry, want *value, path trail) error {
	n := e.node
	var gone []*entry
	for _, key := range n.value.keys {
		own, wanted := n.own(key), want.members[key]
		here := path.below(key)
		switch {
		case own == nil && !equal(n.value.members[key], wanted):
			if err := w.inherited(n, here, wanted); err != nil {
				return err
			}
		case own == nil:
		case wanted == nil:
			if err := w.within(own, here); err != nil {
				return err
			}
			gone = append(gone, own)
		default:
			if err := w.write(own, wanted, here); err != nil {
				return err
			}
		}
	}
	if len(gone) == len(n.entries) {
		return w.replace(e, want, path)
	}
	for _, own := range gone {
		w.changed = append(w.changed, path.below(own.key))
	}
	added := slices.DeleteFunc(slices.Clone(want.keys), func(key string) bool {
		return n.own(key) != nil || equal(n.value.members[key], want.members[key])
	})
	if err := w.addKeys(n, want, added, gone, path); err != nil {
		return err
	}
	w.remove(n, gone)
	return nil
}

// inherited tells whether what a merge brings may be overridden by an entry of its own.
func (w *writer) inherited(n *node, path trail, wanted *value) error {
	if wanted != nil && wanted.kind != mapping {
		return nil
	}
	line := w.line(n.from)
	for _, e := range n.entries {
		if e.merge {
			line = w.line(e.from)
		}
	}
	return fmt.Errorf("%w: %s comes from the merge (<<) in line %d: change it where its anchor is, or write it out", ErrPlace, path, line)
}

func (w *writer) addKeys(n *node, want *value, keys []string, gone []*entry, path trail) error {
	var lines []string
	var flow []string
	for _, key := range keys {
		w.changed = append(w.changed, path.below(key))
		if n.flow {
			one, err := w.style.flowEntry(key, want.members[key])
			if err != nil {
				return err
			}
			flow = append(flow, one)
			continue
		}
		some, err := w.style.blockEntry(key, want.members[key])
		if err != nil {
			return err
		}
		lines = append(lines, some...)
	}
	last := n.entries[len(n.entries)-1]
	w.insertAfter(w.tail(last.to(), n.column), lines, n.column)
	w.addFlow(n, flow, gone)
	return nil
}

// addFlow puts entries into brackets, after the last one that stays.
func (w *writer) addFlow(n *node, entries []string, gone []*entry) {
	if len(entries) == 0 {
		return
	}
	last := lastKept(n, gone)
	if n.entries[len(n.entries)-1].comma >= 0 { // there is a comma after the last one, so the one after last stays
		at := n.entries[last].comma + 1
		w.put(at, at, " "+strings.Join(entries, ", "))
		return
	}
	at := n.entries[last].to()
	w.put(at, at, ", "+strings.Join(entries, ", "))
}

func lastKept(n *node, gone []*entry) int {
	last := len(n.entries) - 1
	for last >= 0 && slices.Contains(gone, n.entries[last]) {
		last--
	}
	return last
}

// remove takes entries out; at least one stays.
func (w *writer) remove(n *node, gone []*entry) {
	if len(gone) == 0 {
		return
	}
	if n.flow {
		w.removeFlow(n, gone)
		return
	}
	first := 0
	if e := n.entries[0]; slices.Contains(gone, e) && !w.only(w.begin(e.from), e.from) { // behind a dash
		for slices.Contains(gone, n.entries[first]) {
			first++
		}
		// The next one that stays moves up to the dash, unless something stands between that is not ours.
		from, next := e.from, n.entries[first]
		if w.skip(n.entries[first-1].to()) == next.from && w.line(n.entries[first-1].to())+1 == w.line(next.from) {
			w.put(from, next.from, "")
		} else {
			w.put(from, n.entries[first-1].to(), "")
		}
	}
	for _, e := range n.entries[first:] {
		if slices.Contains(gone, e) {
			w.cut(e.from, e.to())
		}
	}
}

func (w *writer) removeFlow(n *node, gone []*entry) {
	last := lastKept(n, gone)
	for i, e := range n.entries[:last] {
		if !slices.Contains(gone, e) {
			continue
		}
		if next := n.entries[i+1].from; w.line(e.comma) == w.line(next) {
			w.put(e.from, next, "")
		} else {
			w.cut(e.from, e.comma+1)
		}
	}
	if last == len(n.entries)-1 {
		return
	}
	kept, first, end := n.entries[last], n.entries[last+1], n.entries[len(n.entries)-1].to()
	if comma := n.entries[len(n.entries)-1].comma; comma >= 0 { // there is a comma after the last one, and so there will be
		w.cut(first.from, comma+1)
		return
	}
	if w.only(kept.comma+1, first.from) {
		w.put(kept.comma, end, "")
		return
	}
	w.put(kept.comma, kept.comma+1, "")
	w.cut(first.from, end)
}

// list makes the items of a list what is wanted: those that stay the same keep their bytes, wherever they are then;
// between two of those, items are changed one by one, and what is left over is removed or put in.
func (w *writer) list(e *entry, want *value, path trail) error {
	n := e.node
	if len(want.items) == 0 {
		return w.replace(e, want, path)
	}
	var gone []*entry
	i, j := 0, 0
	for _, same := range append(common(n.value.items, want.items), pair{len(n.value.items), len(want.items)}) {
		for ; i < same.old && j < same.now; i, j = i+1, j+1 {
			if err := w.write(n.entries[i], want.items[j], path.below(item(i))); err != nil {
				return err
			}
		}
		for ; i < same.old; i++ {
			if err := w.within(n.entries[i], path.below(item(i))); err != nil {
				return err
			}
			w.changed = append(w.changed, path.below(item(i)))
			gone = append(gone, n.entries[i])
		}
		if err := w.addItems(n, want.items[j:same.now], i, path); err != nil {
			return err
		}
		i, j = same.old+1, same.now+1
	}
	w.remove(n, gone)
	return nil
}

// addItems puts items in before the one that has the number at.
func (w *writer) addItems(n *node, items []*value, at int, path trail) error {
	var lines, flow []string
	for i, one := range items {
		w.changed = append(w.changed, path.below(item(at+i)))
		if n.flow {
			text, err := w.style.flow(one, 0)
			if err != nil {
				return err
			}
			flow = append(flow, text)
			continue
		}
		some, err := w.style.blockItem(one)
		if err != nil {
			return err
		}
		lines = append(lines, some...)
	}
	switch {
	case len(items) == 0:
	case n.flow && at == len(n.entries):
		w.addFlow(n, flow, nil)
	case n.flow:
		w.put(n.entries[at].from, n.entries[at].from, strings.Join(flow, ", ")+", ")
	case at > 0:
		w.insertAfter(w.tail(n.entries[at-1].to(), n.column), lines, n.column)
	default:
		indent := w.newline + strings.Repeat(" ", n.column)
		w.put(n.from, n.from, strings.Join(lines, indent)+indent)
	}
	return nil
}
