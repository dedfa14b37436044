package edit

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// plainOf reads YAML or JSON into Go's own types, by the library alone.
func plainOf(t interface{ Fatalf(string, ...any) }, content string) any {
	var out any
	if err := yaml.Unmarshal([]byte(strings.TrimPrefix(content, "\ufeff")), &out); err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	return out
}

// numbers of one value count as equal.
var numbers = cmp.FilterValues(func(a, b any) bool { _, ok := asNumber(a); _, also := asNumber(b); return ok && also },
	cmp.Comparer(func(a, b any) bool { x, _ := asNumber(a); y, _ := asNumber(b); return x == y }))

func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// merged is RFC 7396, written once more.
func merged(target, by any) any {
	patch, ok := by.(map[string]any)
	if !ok {
		return by
	}
	out := map[string]any{}
	if old, ok := target.(map[string]any); ok {
		for key, m := range old {
			out[key] = m
		}
	}
	for key, m := range patch {
		if m == nil {
			delete(out, key)
			continue
		}
		out[key] = merged(out[key], m)
	}
	return out
}

// paths lists all places of a value.
func paths(v any, at trail) []trail {
	out := []trail{at}
	switch v := v.(type) {
	case map[string]any:
		for key, m := range v {
			out = append(out, paths(m, at.below(key))...)
		}
	case []any:
		for i, one := range v {
			out = append(out, paths(one, at.below(item(i)))...)
		}
	}
	slices.SortFunc(out, func(a, b trail) int { return slices.Compare(a, b) })
	return out
}

func goAt(v any, keys trail) (any, bool) {
	for _, key := range keys {
		switch in := v.(type) {
		case map[string]any:
			m, ok := in[key]
			if !ok {
				return nil, false
			}
			v = m
		case []any:
			i, ok := index(key)
			if !ok || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// goSet is Set, written once more.
func goSet(v any, keys trail, to any) any {
	if len(keys) == 0 {
		return to
	}
	if in, ok := v.([]any); ok {
		i, _ := index(keys[0])
		out := slices.Clone(in)
		switch {
		case i == len(out):
			return append(out, goSet(nil, keys[1:], to))
		case to == nil && len(keys) == 1:
			return slices.Delete(out, i, i+1)
		}
		out[i] = goSet(out[i], keys[1:], to)
		return out
	}
	out := map[string]any{}
	if in, ok := v.(map[string]any); ok {
		for key, m := range in {
			out[key] = m
		}
	}
	if to == nil && len(keys) == 1 {
		delete(out, keys[0])
		return out
	}
	out[keys[0]] = goSet(out[keys[0]], keys[1:], to)
	return out
}

var blockText = regexp.MustCompile(`(?m)[|>][-+]?[ \t]*(#.*)?\r?$`)

var comments = regexp.MustCompile(`# c\d+[.:]`)

// Any document and any edit: the result says exactly what was meant, and every line that the edit is not about is there
// as it was, in its order.
func TestAnyEditOfAnyDocumentChangesOnlyWhatItIsAbout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, before := typed(t)
		was := plainOf(t, before)
		keys, to := draft(t, was)
		raw := string(mustJSON(to))
		after, err := pure(before, "set "+quotedPath(keys)+" "+raw)
		if errors.Is(err, ErrForm) && blockText.MatchString(before) {
			return // what follows on such text may become a part of it
		}
		if err != nil {
			t.Fatalf("%v\nset %s %s\nin\n%s", err, keys, raw, before)
		}
		want := goSet(was, keys, plainOf(t, raw))
		if diff := cmp.Diff(want, plainOf(t, after), numbers); diff != "" {
			t.Fatalf("set %s %s in\n%s\ngave\n%s\n%s", keys, raw, before, after, diff)
		}
		unrelated(t, w, keys, was, want, before, after)
		if to != nil {
			commentsStay(t, keys, was, want, before, after)
		}
	})
}

// draft draws what to set where: a place that is there or one that could be.
func draft(t *rapid.T, was any) (keys trail, to any) {
	keys = rapid.SampledFrom(paths(was, nil)).Draw(t, "path")
	old, _ := goAt(was, keys)
	if len(keys) == 0 || rapid.IntRange(0, 4).Draw(t, "adds") == 0 {
		switch in := old.(type) {
		case map[string]any:
			keys = keys.below(rapid.SampledFrom([]string{"new", "x.y", "y"}).Draw(t, "new"))
		case []any:
			keys = keys.below(item(len(in)))
		case nil:
			keys = keys.below("new").below("deep")
		}
	}
	if _, there := goAt(was, keys); !there || rapid.IntRange(0, 3).Draw(t, "removes") > 0 {
		to = given(t, 0)
	}
	return keys, to
}

// Any document and any merge patch: the result is what RFC 7396 says, and comments stay if nothing is taken away.
func TestAnyPatchOfAnyDocumentGivesWhatTheStandardSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, before := typed(t)
		was := plainOf(t, before)
		by := map[string]any{}
		for range rapid.IntRange(1, 3).Draw(t, "places") {
			keys, to := draft(t, was)
			if !slices.ContainsFunc(keys, isItem) {
				by = goSet(by, keys, to).(map[string]any)
				if to == nil {
					by = goSet(by, keys[:len(keys)-1], map[string]any{keys[len(keys)-1]: nil}).(map[string]any)
				}
			}
		}
		raw := string(mustJSON(by))
		after, err := pure(before, "patch "+raw)
		if errors.Is(err, ErrForm) && blockText.MatchString(before) {
			return
		}
		if err != nil {
			t.Fatalf("%v\npatch %s\nin\n%s", err, raw, before)
		}
		if diff := cmp.Diff(merged(was, plainOf(t, raw)), plainOf(t, after), numbers); diff != "" {
			t.Fatalf("patch %s in\n%s\ngave\n%s\n%s", raw, before, after, diff)
		}
	})
}

func mustJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	// What JSON leaves as it is and YAML does not.
	return []byte(strings.NewReplacer("\u007f", `\u007f`, "\u0085", `\u0085`, "\ufeff", `\ufeff`).Replace(b.String()))
}

func quotedPath(keys trail) string {
	var b strings.Builder
	for _, key := range keys {
		if isItem(key) {
			b.WriteString(key)
			continue
		}
		raw, _ := json.Marshal(key)
		b.WriteString("[" + strings.ReplaceAll(string(raw), " ", `\u0020`) + "]")
	}
	return b.String()
}

func unrelated(t *rapid.T, w *written, keys trail, was, want any, before, after string) {
	lines := strings.FieldsFunc(strings.TrimPrefix(after, "\ufeff"), func(r rune) bool { return r == '\n' || r == '\r' })
	at := 0
	for i, line := range w.lines {
		if strings.TrimSpace(line) == "" || !protected(w, i, keys, was, want) {
			continue
		}
		n := slices.Index(lines[at:], line)
		if n < 0 {
			t.Fatalf("set %s changed line %d: %q\n%s\ngave\n%s", keys, i+1, line, before, after)
		}
		at += n + 1
	}
}

// commentsStay holds for edits after which all that was there is there, if with another value.
func commentsStay(t *rapid.T, keys trail, was, want any, before, after string) {
	old, there := goAt(was, keys)
	now, still := goAt(want, keys)
	_, wasMap := old.(map[string]any)
	_, wasList := old.([]any)
	if still && (!there || !wasMap && !wasList) || still && cmp.Equal(old, now) {
		have := comments.FindAllString(after, -1)
		for _, one := range comments.FindAllString(before, -1) {
			if !slices.Contains(have, one) {
				t.Fatalf("set %s lost %q\n%s\ngave\n%s", keys, one, before, after)
			}
		}
	}
}

// protected tells whether an edit has no business in a line.
func protected(w *written, i int, keys trail, was, want any) bool {
	owner := w.owners[i]
	if owner == nil { // a comment stays unless what it stands in goes
		for j := i + 1; j < len(w.lines); j++ {
			if w.owners[j] != nil {
				return protected(w, j, keys, was, want)
			}
		}
		return true
	}
	shared := 0
	for shared < min(len(owner), len(keys)) && owner[shared] == keys[shared] {
		shared++
	}
	switch {
	case shared == len(keys): // at or below what is written
		return false
	case shared < len(owner):
		// An item after one that was removed, or a key that moves up behind a dash.
		return !movesUp(w, i, keys)
	case w.inline[i]:
		return false
	}
	old, _ := goAt(was, owner)
	now, ok := goAt(want, owner)
	return ok && size(old) > 0 && size(now) > 0 && !movesUp(w, i, keys)
}

// movesUp tells whether the line is one that begins with a dash, or follows on one: entries behind a dash change their
// line when the first of them goes.
func movesUp(w *written, i int, keys trail) bool {
	for _, j := range []int{i, i - 1} {
		if j >= 0 && strings.HasPrefix(strings.TrimLeft(w.lines[j], " "), "- ") {
			return true
		}
	}
	first := -1
	for j := i - 1; j >= 0; j-- {
		if len(w.owners[j]) >= len(keys) && slices.Equal(w.owners[j][:len(keys)], keys) {
			first = j
		}
	}
	return first >= 0 && strings.HasPrefix(strings.TrimLeft(w.lines[first], " "), "- ")
}

func size(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return len(v)
	case []any:
		return len(v)
	}
	return 0
}
