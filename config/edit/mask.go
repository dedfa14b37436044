package edit

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"holdfast/config"
)

// Mask stands for a secret in what is read. In what is written it means: as it is.
const Mask = "***"

// masker knows what may be shown.
type masker struct {
	secrecy func(keys []string) config.Secrecy
}

// whole fits text that is one reference and nothing else: where a secret is, not what it is.
var whole = regexp.MustCompile(`^\$\{(env|file):[^{}]+\}$`)

// mask returns what may be shown of a value.
func (m masker) mask(v *value, at trail) *value {
	switch v.kind {
	case list:
		out := *v
		out.items = make([]*value, len(v.items))
		for i, one := range v.items {
			out.items[i] = m.mask(one, at.below(item(i)))
		}
		return &out
	case mapping:
		if m.known(at) == config.Confidential { // its keys may be what was meant as the secret
			return textOf(Mask)
		}
		out := *v
		out.members = make(map[string]*value, len(v.members))
		for key, one := range v.members {
			out.members[key] = m.mask(one, at.below(key))
		}
		return &out
	case null:
		return v
	}
	if m.hides(v, at) {
		return textOf(Mask)
	}
	return v
}

func (m masker) known(at trail) config.Secrecy {
	if m.secrecy == nil {
		return config.Unknown
	}
	return m.secrecy(at)
}

// hides tells whether a scalar must not be shown.
func (m masker) hides(v *value, at trail) bool {
	content, isText := v.scalar.(string)
	if isText && whole.MatchString(content) {
		return false
	}
	switch m.known(at) {
	case config.Open:
		return isText && (v.tag != "" || revealing(content))
	case config.Confidential:
		return true
	}
	return v.kind != boolean
}

// revealing tells whether an address carries what may be a credential.
func revealing(content string) bool {
	if !strings.Contains(content, "://") {
		return false
	}
	u, err := url.Parse(content)
	if err != nil {
		return strings.ContainsAny(content, "@?")
	}
	return u.User != nil || u.RawQuery != ""
}

// masked tells whether there is a mask in a value.
func masked(v *value) bool {
	if v.kind == text && v.scalar == Mask {
		return true
	}
	for _, one := range v.items {
		if masked(one) {
			return true
		}
	}
	for _, one := range v.members {
		if masked(one) {
			return true
		}
	}
	return false
}

// unmask puts what stands in the file in place of masks.
func (m masker) unmask(want, old *value, at trail) (*value, error) {
	if !masked(want) {
		return want, nil
	}
	switch want.kind {
	case mapping:
		out := want
		for _, key := range want.keys {
			one, err := m.unmask(want.members[key], old.member(key), at.below(key))
			if err != nil {
				return nil, err
			}
			out = out.with(key, one)
		}
		return out, nil
	case list:
		return m.unmaskList(want, old, at)
	}
	if old == nil || old.kind == null {
		return nil, fmt.Errorf("%w: %s is given as %s, which means unchanged, but no value stands there: give one", ErrMask, at.told(), Mask)
	}
	if shown := m.mask(old, at); shown.scalar != Mask {
		return nil, fmt.Errorf("%w: %s is given as %s, which means unchanged, but it was not read as that: give it as it was read", ErrMask, at.told(), Mask)
	}
	return old, nil
}

// unmaskList finds out which item each masked one was: the one that looks the same, wherever it stood; else the one at
// the same place, if the list has as many items as before. Where that leaves a doubt, nothing is taken for granted: a
// secret must not end up beside a name that it does not belong to.
func (m masker) unmaskList(want, old *value, at trail) (*value, error) {
	out := *want
	out.items = append([]*value{}, want.items...)
	if old == nil || old.kind != list {
		old = &value{kind: list}
	}
	shown := m.mask(old, at)
	for i, one := range want.items {
		if !masked(one) {
			continue
		}
		var same []int
		for j := range shown.items {
			if equal(shown.items[j], one) {
				same = append(same, j)
			}
		}
		var from int
		switch {
		case len(same) == 1:
			from = same[0]
		case len(same) > 1 && i < len(old.items) && len(want.items) >= len(old.items) && equal(shown.items[i], one):
			from = i
		case len(same) == 0 && i < len(old.items) && len(want.items) == len(old.items) && !has(want.items, shown.items[i]):
			from = i
		case len(same) == 0 && len(old.items) == 0 && one.kind == text:
			_, err := m.unmask(one, nil, at.below(item(i)))
			return nil, err
		default:
			return nil, fmt.Errorf("%w: it is not certain which item of %s the masked %s was: write the items one by one, by their paths",
				ErrMask, at.told(), item(i))
		}
		kept, err := m.unmask(one, old.items[from], at.below(item(from)))
		if err != nil {
			return nil, err
		}
		out.items[i] = kept
	}
	return &out, nil
}

func has(items []*value, one *value) bool {
	for _, other := range items {
		if equal(other, one) {
			return true
		}
	}
	return false
}
