package edit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// trail is a path taken apart: keys, and items as [0].
type trail []string

func (t trail) String() string {
	var b strings.Builder
	for i, key := range t {
		switch {
		case isItem(key):
			b.WriteString(key)
			continue
		case strings.ContainsAny(key, `.["`):
			quoted, _ := json.Marshal(key) // text always marshals
			b.WriteString("[" + string(quoted) + "]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		b.WriteString(key)
	}
	return b.String()
}

func item(i int) string { return "[" + strconv.Itoa(i) + "]" }

func isItem(key string) bool {
	_, ok := index(key)
	return ok
}

func index(key string) (int, bool) {
	inner, open := strings.CutPrefix(key, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !open || !closed || inner == "" || strings.Trim(inner, "0123456789") != "" {
		return 0, false
	}
	i, err := strconv.Atoi(inner)
	return i, err == nil
}

// told is the path for a message.
func (t trail) told() string {
	if len(t) == 0 {
		return "the file"
	}
	return t.String()
}

// below never shares memory that another append could write to.
func (t trail) below(key string) trail { return append(t[:len(t):len(t)], key) }

// readPath takes a path apart, with root to tell where keys with dots end.
func readPath(root *value, path string) (trail, error) {
	var out trail
	for rest := path; rest != ""; {
		key, after, err := nextKey(root.at(out), rest, len(out) == 0)
		if err != nil {
			return nil, fmt.Errorf("%w: the path %q: %w", ErrInput, path, err)
		}
		out, rest = append(out, key), after
	}
	return out, nil
}

// at returns what stands at the keys, or nil.
func (v *value) at(keys trail) *value {
	for _, key := range keys {
		if v == nil {
			return nil
		}
		if i, ok := index(key); ok && v.kind == list {
			if i >= len(v.items) {
				return nil
			}
			v = v.items[i]
			continue
		}
		v = v.members[key]
	}
	return v
}

// nextKey takes the first key off a path.
func nextKey(at *value, rest string, first bool) (key, after string, err error) {
	if strings.HasPrefix(rest, "[") {
		return bracketed(rest)
	}
	if !first {
		if rest[0] != '.' {
			return "", "", fmt.Errorf("a dot is missing before %q", rest)
		}
		rest = rest[1:]
	}
	if at != nil {
		for _, known := range at.keys {
			left, ok := strings.CutPrefix(rest, known)
			if ok && len(known) > len(key) && (left == "" || left[0] == '.' || left[0] == '[') {
				key, after = known, left
			}
		}
	}
	if key == "" {
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		key, after = rest[:end], rest[end:]
	}
	return key, after, checkKey(key)
}

// bracketed reads [0] and ["a.b"].
func bracketed(rest string) (key, after string, err error) {
	if strings.HasPrefix(rest, `["`) {
		d := json.NewDecoder(strings.NewReader(rest[1:]))
		if d.Decode(&key) == nil {
			if left, ok := strings.CutPrefix(rest[1+int(d.InputOffset()):], "]"); ok {
				return key, left, checkKey(key)
			}
		}
		return "", "", errors.New(`a key in brackets is written as ["a.b"]`)
	}
	end := strings.IndexByte(rest, ']')
	if end < 0 || !isItem(rest[:end+1]) {
		return "", "", errors.New(`brackets hold the number of an item, as in [0], or a key in double quotes`)
	}
	return rest[:end+1], rest[end+1:], nil
}
