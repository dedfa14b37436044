package edit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode"
)

// Bounds of what is read; the same as for a load.
const (
	maxDepth = 64
	maxKey   = 256     // bytes of a key
	maxSize  = 100_000 // values, aliases written out
)

// kind is what a value looks like.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	mapping
)

func (k kind) String() string {
	return [...]string{"nothing", "true or false", "a number", "text", "a list", "a mapping"}[k]
}

// value is data without its form: what a file says, or what it is to say. It is never changed once it is complete, so
// that trees share what they have in common.
type value struct {
	kind    kind
	scalar  any    // bool, int64, float64 or string
	literal string // a number as it was written in JSON
	tag     string // of text that has a meaning which we do not know
	items   []*value
	keys    []string // of members, in order
	members map[string]*value
	size    int // values in it, itself counted
}

func textOf(s string) *value { return &value{kind: text, scalar: s, size: 1} }

// member returns nil for what is not there.
func (v *value) member(key string) *value {
	if v == nil {
		return nil
	}
	return v.members[key]
}

// with returns a copy in which a member is set.
func (v *value) with(key string, m *value) *value {
	out := *v
	out.members = maps.Clone(v.members)
	if out.members == nil {
		out.members = map[string]*value{}
	}
	if _, there := out.members[key]; !there {
		out.keys = append(slices.Clip(v.keys), key)
	}
	out.members[key] = m
	return &out
}

// without returns a copy that lacks a member.
func (v *value) without(key string) *value {
	out := *v
	out.members = maps.Clone(v.members)
	delete(out.members, key)
	out.keys = slices.DeleteFunc(slices.Clone(v.keys), func(k string) bool { return k == key })
	return &out
}

// equal compares data: the order of keys and the way a number is written do not count.
func equal(a, b *value) bool {
	switch {
	case a == b:
		return true
	case a == nil || b == nil || a.kind != b.kind || a.tag != b.tag:
		return false
	}
	switch a.kind {
	case null:
		return true
	case number:
		return equalNumbers(a.scalar, b.scalar)
	case list:
		return slices.EqualFunc(a.items, b.items, equal)
	case mapping:
		return maps.EqualFunc(a.members, b.members, equal)
	}
	return a.scalar == b.scalar
}

func equalNumbers(a, b any) bool {
	i, whole := a.(int64)
	j, alsoWhole := b.(int64)
	if whole && alsoWhole {
		return i == j
	}
	return asFloat(a) == asFloat(b)
}

func asFloat(n any) float64 {
	if i, ok := n.(int64); ok {
		return float64(i)
	}
	return n.(float64)
}

// leaves counts the settings in a value: all that is no mapping and no list.
func (v *value) leaves() int {
	n := 0
	for _, one := range v.items {
		n += one.leaves()
	}
	for _, m := range v.members {
		n += m.leaves()
	}
	if v.kind != list && v.kind != mapping {
		n++
	}
	return n
}

// readJSON reads what is to be written. The error says nothing of the content.
func readJSON(raw []byte) (*value, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := readJSONValue(d, 0)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("more follows after the value")
		}
	}
	if err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%w: it is no JSON from byte %d on: give one JSON value, text in double quotes", ErrInput, d.InputOffset())
		}
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	return v, nil
}

func readJSONValue(d *json.Decoder, depth int) (*value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested too deeply: at most %d levels", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case nil:
		return &value{size: 1}, nil
	case bool:
		return &value{kind: boolean, scalar: token, size: 1}, nil
	case string:
		return textOf(token), nil
	case json.Number:
		return numberOf(token.String())
	case json.Delim:
		if token == '[' {
			return readJSONList(d, depth)
		}
	}
	return readJSONMapping(d, depth)
}

func numberOf(literal string) (*value, error) {
	v := &value{kind: number, literal: literal, size: 1}
	if i, err := strconv.ParseInt(literal, 10, 64); err == nil {
		v.scalar = i
		return v, nil
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, errors.New("a number in it does not fit 64 bits: write it as text")
	}
	v.scalar = f
	return v, nil
}

func readJSONList(d *json.Decoder, depth int) (*value, error) {
	v := &value{kind: list, size: 1}
	for d.More() {
		one, err := readJSONValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, one)
		v.size += one.size
	}
	_, err := d.Token()
	return v, err
}

func readJSONMapping(d *json.Decoder, depth int) (*value, error) {
	v := &value{kind: mapping, members: map[string]*value{}, size: 1}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		key := token.(string) // the decoder takes nothing else
		if err := checkKey(key); err != nil {
			return nil, err
		}
		if v.members[key] != nil {
			return nil, fmt.Errorf("it has the key %q twice: give it once", key)
		}
		one, err := readJSONValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		v.keys = append(v.keys, key)
		v.members[key] = one
		v.size += one.size
	}
	_, err := d.Token()
	return v, err
}

// checkKey refuses what a load would refuse.
func checkKey(key string) error {
	if key == "" || len(key) > maxKey || slices.ContainsFunc([]rune(key), unicode.IsControl) {
		return fmt.Errorf("a key is empty, too long or has a control character in it: use a printable name of at most %d bytes", maxKey)
	}
	return nil
}

// MarshalJSON writes the keys in their order. What JSON has no form for becomes text.
func (v *value) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := v.writeJSON(&b)
	return b.Bytes(), err
}

func (v *value) writeJSON(b *bytes.Buffer) error {
	switch v.kind {
	case null:
		b.WriteString("null")
	case list:
		b.WriteByte('[')
		for i, one := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := one.writeJSON(b); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case mapping:
		b.WriteByte('{')
		for i, key := range v.keys {
			if i > 0 {
				b.WriteByte(',')
			}
			name, err := json.Marshal(key)
			if err != nil {
				return err
			}
			b.Write(append(name, ':'))
			if err := v.members[key].writeJSON(b); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	default:
		scalar, err := json.Marshal(v.scalar)
		if err != nil {
			return err
		}
		b.Write(scalar)
	}
	return nil
}
