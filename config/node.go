package config

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Node is the settings of one account or one agent as they were written, with references resolved. Its kind decodes
// it. A Node never changes and prints as its path only, because it may hold secrets. The zero Node sets nothing.
type Node struct{ v *value }

// ParseNode reads the settings of one account or agent that stand alone, as YAML: a sample, or what a plugin states.
// References are resolved against environ; relative files start at the working folder. The error is Problems.
func ParseNode(name string, content []byte, environ []string) (Node, error) {
	v, problems := readYAML(name, content)
	if v == nil {
		return Node{}, problems.sorted()
	}
	if v.shape != mapping && v.shape != null {
		problems = append(problems, v.problem(v.shape.String(), "a mapping of settings"))
	}
	r := &resolver{environ: lookup(environ), seen: newSeen(nil)}
	v = r.resolve(v)
	if problems = append(problems, r.problems...); len(problems) > 0 {
		return Node{}, problems.sorted()
	}
	return Node{v}, nil
}

// tree is never nil.
func (n Node) tree() *value {
	if n.v == nil {
		return &value{shape: mapping}
	}
	return n.v
}

// Path names the node in the configuration: channels.bluebubbles.accounts.home.
func (n Node) Path() string { return n.tree().path() }

// Kind is what the key kind says, or nothing.
func (n Node) Kind() string {
	for _, key := range n.tree().keys {
		if m := n.v.members[key]; m.shape == text && (key == "kind" || m.env && strings.EqualFold(key, "kind")) {
			return m.scalar.(string)
		}
	}
	return ""
}

// Decode fills into, a pointer to a struct that holds the defaults. Lists and maps replace the default; what is not
// named keeps it. The rules are strict: keys have fields (json tags; embedded structs count as written out), and text,
// numbers and booleans are not turned into each other, except what an environment variable set. A list of Secret may
// be written as one. Types that unmarshal text are given the text. Nothing is returned if all of it fits.
func (n Node) Decode(into any) Problems {
	d := &decoder{}
	d.decode(n.tree(), into)
	return d.problems.sorted()
}

// Place completes problems whose paths are relative to the node, such as "password" or "allowFrom[0]": it gives them
// the full path and the place of the setting, or of the node if the setting is missing. What came from a reference is
// taken out of their texts.
func (n Node) Place(ps []Problem) Problems {
	out := make(Problems, len(ps))
	for i, p := range ps {
		out[i] = n.tree().locate(p)
	}
	return out.sorted()
}

// Equal tells whether two nodes set the same, references resolved, whatever the order and the format they were written
// in. Text is compared in constant time.
func (n Node) Equal(other Node) bool { return n.tree().equal(other.tree()) }

// Alike tells whether two nodes are one in all that a kind could see or find fault with when it decodes them: whoever has
// decoded one need not decode the other. It is stricter than Equal: a key without a value counts, and so does what the
// environment set. Only the place in a file does not.
func (n Node) Alike(other Node) bool {
	mine, theirs := n.tree(), other.tree()
	return slices.Equal(mine.trail, theirs.trail) && mine.alike(theirs)
}

// Changed names the settings of the first level that two nodes set differently, sorted; none if they are Equal. Names only:
// values may be secrets.
func (n Node) Changed(other Node) []string {
	mine, theirs := n.tree(), other.tree()
	if mine.equal(theirs) {
		return nil
	}
	var out []string
	for _, key := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(mine.keys, theirs.keys)))) {
		a, b := mine.member(key), theirs.member(key)
		switch {
		case !a.sets() && !b.sets():
		case !a.sets() || !b.sets() || !a.equal(b):
			out = append(out, key)
		}
	}
	return out
}

// Format writes the path for every verb.
func (n Node) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }

func (n Node) String() string   { return "settings of " + n.Path() }
func (n Node) GoString() string { return n.String() }

// MarshalText writes the path; it also serves JSON.
func (n Node) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// locate completes a problem whose path is relative to v.
func (v *value) locate(p Problem) Problem {
	at, exact := v.find(p.Path)
	exact = exact || at.shape != mapping && at.shape != list // one secret where the kind sees a list of them
	where := at.key
	if exact && at.shape != mapping {
		where = at.at
	}
	full := v.path()
	switch {
	case full == "":
		full = p.Path
	case p.Path != "" && !strings.HasPrefix(p.Path, "["):
		full += "." + p.Path
	default:
		full += p.Path
	}
	p = where.problem(full, p.Got, p.Want)
	if exact && at.shape != mapping && p.Got != "" { // what a kind says of a mapping is its name
		at.each(func(one *value) {
			if one.ref != "" {
				p.Got = one.ref
			}
		})
	}
	v.each(func(one *value) {
		if one.ref != "" {
			p.Got, p.Want = one.scrub(p.Got), one.scrub(p.Want)
		}
	})
	return p
}

// scrub takes the secret out of a message, also where the message quotes it.
func (v *value) scrub(message string) string {
	secret := v.scalar.(string)
	quoted := strconv.Quote(secret)
	message = strings.ReplaceAll(message, secret, mask)
	return strings.ReplaceAll(message, quoted[1:len(quoted)-1], mask)
}

// find returns what lies at a dotted path, or the deepest part of it that there is. A key may itself have dots in it:
// the longest that fits is taken.
func (v *value) find(dotted string) (at *value, exact bool) {
	rest := strings.TrimPrefix(dotted, ".")
	if rest == "" {
		return v, true
	}
	for i, one := range v.items {
		if after, ok := strings.CutPrefix(rest, item(i)); ok {
			return one.find(after)
		}
	}
	longest := -1
	for i, key := range v.keys {
		after, ok := strings.CutPrefix(rest, key)
		if ok && (after == "" || after[0] == '.' || after[0] == '[') && (longest < 0 || len(key) > len(v.keys[longest])) {
			longest = i
		}
	}
	if longest < 0 {
		return v, false
	}
	key := v.keys[longest]
	return v.members[key].find(rest[len(key):])
}
