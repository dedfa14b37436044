package config

import (
	"encoding"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// shape is what a value looks like, whatever format it was written in.
type shape uint8

const (
	null shape = iota
	boolean
	number
	text
	list
	mapping
)

func (s shape) String() string {
	return [...]string{"nothing", "true or false", "a number", "text", "a list", "a mapping"}[s]
}

// place is where something stands. The file of what the environment set is the variable's name, without a line.
type place struct {
	file      string
	line, col int
}

func (p place) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.col)
}

// value is one place of a configuration with all that lies below it. It is never changed once its tree is complete.
type value struct {
	shape   shape
	scalar  any // bool, int64, float64 or string
	items   []*value
	keys    []string // of members, in the order of the file
	members map[string]*value

	trail  []string // the keys from the root to here; an item of a list has its number in brackets
	at     place    // the value
	key    place    // its key; where there is none, the same as at
	env    bool     // an environment variable set it, so it is text whatever it should be
	ref    string   // the references in it, as written; the text is then a secret
	broken bool     // a reference in it was not resolved; the fault is already reported
}

// delimiter joins trails for koanf; keys with control characters are refused, so none contains it.
const delimiter = "\x1f"

// path writes a trail as people read it: a.b[0].c
func path(trail []string) string {
	var b strings.Builder
	for i, key := range trail {
		if i > 0 && !strings.HasPrefix(key, "[") {
			b.WriteByte('.')
		}
		b.WriteString(key)
	}
	return b.String()
}

func (v *value) path() string { return path(v.trail) }

// below returns the trail of a member or item. It never shares memory that another append could write to.
func (v *value) below(key string) []string { return append(slices.Clip(v.trail), key) }

func item(i int) string { return "[" + strconv.Itoa(i) + "]" }

// member returns nil for what is not there, also below nil and below what is no mapping.
func (v *value) member(key string) *value {
	if v == nil {
		return nil
	}
	return v.members[key]
}

// sets tells whether there is a value; null is none.
func (v *value) sets() bool { return v != nil && v.shape != null }

// walk returns what lies at the keys, or nil.
func (v *value) walk(keys ...string) *value {
	for _, key := range keys {
		v = v.member(key)
	}
	return v
}

// set adds or replaces a member.
func (v *value) set(key string, m *value) {
	if v.members == nil {
		v.members = map[string]*value{}
	}
	if _, there := v.members[key]; !there {
		v.keys = append(v.keys, key)
	}
	v.members[key] = m
}

// without returns a copy that lacks one member.
func (v *value) without(key string) *value {
	out := *v
	out.keys, out.members = nil, nil
	for _, other := range v.keys {
		if other != key {
			out.set(other, v.members[other])
		}
	}
	return &out
}

// each visits v and all below it in the order of the file.
func (v *value) each(visit func(*value)) {
	visit(v)
	for _, one := range v.items {
		one.each(visit)
	}
	for _, key := range v.keys {
		v.members[key].each(visit)
	}
}

// plain is the value in Go's own types. Members that are null are left out: saying nothing changes nothing.
func (v *value) plain() any {
	switch v.shape {
	case null:
		return nil
	case list:
		out := make([]any, len(v.items))
		for i, one := range v.items {
			out[i] = one.plain()
		}
		return out
	case mapping:
		out := make(map[string]any, len(v.keys))
		for key, m := range v.members {
			if m.shape != null {
				out[key] = m.plain()
			}
		}
		return out
	default:
		return v.scalar
	}
}

// problem is a fault of the value itself. Got may be empty.
func (v *value) problem(got, want string) Problem { return v.at.problem(v.path(), got, want) }

func (p place) problem(path, got, want string) Problem {
	return Problem{File: p.file, Line: p.line, Col: p.col, Path: path, Got: got, Want: want}
}

// confidential are names under which people keep what nobody should read in a log, also where we expect none.
var confidential = regexp.MustCompile(`(?i)pass|secret|token|key|auth|cred|sign`)

// shown is what a message may tell of the value: a reference as it was written, a short scalar as it stands, else only
// what sort of thing it is.
func (v *value) shown() string {
	const most = 40
	switch {
	case v.ref != "":
		return v.ref
	case slices.ContainsFunc(v.trail, confidential.MatchString):
		return v.shape.String()
	case v.shape == text:
		s := v.scalar.(string)
		if r := []rune(s); len(r) > most {
			s = string(r[:most]) + "…"
		}
		return strconv.Quote(s)
	case v.shape == number, v.shape == boolean:
		return fmt.Sprint(v.scalar)
	}
	return v.shape.String()
}

// scalarOf makes a leaf of one of Go's own values: a default or the text of an environment variable.
func scalarOf(raw any) (shape, any) {
	switch raw := raw.(type) {
	case nil:
		return null, nil
	case bool:
		return boolean, raw
	case int:
		return number, int64(raw)
	case int64, float64:
		return number, raw
	case encoding.TextMarshaler:
		written, _ := raw.MarshalText() // a Duration: never fails
		return text, string(written)
	}
	return text, fmt.Sprint(raw)
}
