package edit

import (
	"fmt"
	"slices"
)

// set returns root with a value at the keys. What is missing on the way becomes a mapping; null removes.
func set(root *value, keys trail, to *value) (*value, error) {
	return setBelow(root, keys, 0, bare(to))
}

func setBelow(v *value, keys trail, depth int, to *value) (*value, error) {
	if depth == len(keys) {
		return to, nil
	}
	if depth >= maxDepth {
		return nil, fmt.Errorf("%w: the path is too deep: at most %d levels", ErrInput, maxDepth)
	}
	removes := to.kind == null
	if v == nil || v.kind == null {
		v = &value{kind: mapping, members: map[string]*value{}, size: 1}
	}
	key, here := keys[depth], keys[:depth]
	switch v.kind {
	case list:
		return setItem(v, keys, depth, to)
	case mapping:
	default:
		return nil, fmt.Errorf("%w: %s is %s and has nothing below it: set it as a whole", ErrInput, here.told(), v.kind)
	}
	if isItem(key) && v.members[key] == nil {
		return nil, fmt.Errorf("%w: %s is a mapping, and %s is the number of an item: name a key", ErrInput, here.told(), key)
	}
	if removes && v.members[key] == nil {
		return nil, fmt.Errorf("%w: nothing stands at %s that could be removed", ErrInput, keys[:depth+1].told())
	}
	if removes && depth+1 == len(keys) {
		return v.without(key), nil
	}
	below, err := setBelow(v.members[key], keys, depth+1, to)
	if err != nil {
		return nil, err
	}
	return v.with(key, below), nil
}

func setItem(v *value, keys trail, depth int, to *value) (*value, error) {
	i, ok := index(keys[depth])
	if !ok || i > len(v.items) || i == len(v.items) && to.kind == null {
		return nil, fmt.Errorf("%w: %s is a list of %d: name an item by its number, as in [0]; [%d] appends",
			ErrInput, keys[:depth].told(), len(v.items), len(v.items))
	}
	out := *v
	out.items = slices.Clone(v.items)
	if to.kind == null && depth+1 == len(keys) {
		out.items = slices.Delete(out.items, i, i+1)
		return &out, nil
	}
	if i == len(v.items) {
		out.items = append(out.items, nil)
	}
	below, err := setBelow(out.items[i], keys, depth+1, to)
	out.items[i] = below
	return &out, err
}

// bare drops members that are null: they say nothing. Items that are null are items.
func bare(v *value) *value {
	switch v.kind {
	case mapping:
		out := &value{kind: mapping, members: map[string]*value{}, size: 1}
		for _, key := range v.keys {
			if m := bare(v.members[key]); m.kind != null {
				out = out.with(key, m)
			}
		}
		return out
	case list:
		out := *v
		out.items = make([]*value, len(v.items))
		for i, one := range v.items {
			out.items[i] = bare(one)
		}
		return &out
	}
	return v
}

// patch is the merge patch of RFC 7396: members of mappings are merged, null removes, all else replaces.
func patch(v, by *value) *value {
	if by.kind != mapping {
		return by
	}
	if v == nil || v.kind != mapping {
		v = &value{kind: mapping, members: map[string]*value{}, size: 1}
	}
	for _, key := range by.keys {
		switch m := by.members[key]; {
		case m.kind != null:
			v = v.with(key, patch(v.members[key], m))
		case v.members[key] != nil:
			v = v.without(key)
		}
	}
	return v
}
