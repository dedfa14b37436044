package edit

import (
	"encoding/json"
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// written is a document as somebody may have typed it, with the owner of every line: the entry that it belongs to.
type written struct {
	lines  []string
	owners []trail // nil: a comment or blank line
	inline []bool  // the line holds the value of its owner, or the beginning of it
}

func (w *written) add(owner trail, inline bool, line string) {
	w.lines, w.owners, w.inline = append(w.lines, line), append(w.owners, owner), append(w.inline, inline)
}

// typist writes random documents.
type typist struct {
	*rapid.T
	out     *written
	comment int
	step    int
	flush   bool
	shallow bool // a comment that stands deep would be text
}

func (t *typist) coin(label string) bool { return rapid.Bool().Draw(t.T, label) }
func (t *typist) pick(label string, n int) int {
	return rapid.IntRange(0, n-1).Draw(t.T, label)
}

// end is what may follow in a line.
func (t *typist) end() string {
	t.comment++
	switch t.pick("end", 4) {
	case 0:
		return fmt.Sprintf(" # c%d.", t.comment)
	case 1:
		return "  "
	case 2:
		return fmt.Sprintf("   # c%d: [x}.", t.comment)
	}
	return ""
}

// between are lines that belong to nobody.
func (t *typist) between(indent int) {
	depth := indent + 3
	if t.shallow {
		depth = indent + 1
	}
	switch t.pick("between", 8) {
	case 0:
		t.comment++
		t.out.add(nil, false, fmt.Sprintf("%s# c%d.", strings.Repeat(" ", t.pick("depth", depth)), t.comment))
	case 1:
		t.out.add(nil, false, strings.Repeat(" ", t.pick("depth", 3)))
	}
}

var someKeys = []string{"a", "b", "log", "level", "a.b", "c d", "e-f", "é", "x[0]", "y", "null", "12", "#h", "k:v"}

func (t *typist) key(label string, taken map[string]bool) (key, form string) {
	key = rapid.SampledFrom(someKeys).Draw(t.T, label)
	if taken[key] {
		key = fmt.Sprintf("%s%d", key, len(taken))
	}
	taken[key] = true
	switch {
	case strings.ContainsAny(key, "#:[") || t.pick("quote", 5) == 0:
		return key, `"` + key + `"`
	case key == "null" || key[0] == '1' || t.pick("quote", 5) == 0:
		return key, "'" + key + "'"
	}
	return key, key
}

// scalars in ways to write them in one line, in brackets as well.
var scalars = []string{
	"1", "-2.5", "true", "false", "null", "~", "text", `"${file:/a b}"`, `"a\tb # no"`, `'it''s, {x}'`, `""`, `''`,
	`"yes"`, "0x10", "1e3", "http://h:1/p", `"é\u00e9"`, "- x"[2:], "two words", `"[x]"`, "'# c'",
}

// block writes a mapping or list in lines below an owner.
func (t *typist) block(owner trail, indent, depth int, first string) {
	n := 1 + t.pick("entries", 4)
	asList := depth > 0 && t.pick("list", 3) == 0
	taken := map[string]bool{}
	for i := range n {
		prefix := strings.Repeat(" ", indent)
		if i == 0 && first != "" {
			prefix = first
		} else if i > 0 || first == "" {
			t.between(indent)
		}
		if asList {
			t.item(owner.below(item(i)), prefix, indent, depth)
			continue
		}
		key, form := t.key("key", taken)
		t.value(owner.below(key), prefix+form+":", indent, depth, false)
	}
}

func (t *typist) item(owner trail, prefix string, indent, depth int) {
	if depth < 3 && t.pick("compact", 3) == 0 {
		t.block(owner, indent+2, depth+1, prefix+"- ")
		return
	}
	t.value(owner, prefix+"-", indent, depth, true)
}

// value writes what comes after a colon or dash.
func (t *typist) value(owner trail, head string, indent, depth int, inList bool) {
	t.shallow = false
	blanks := strings.Repeat(" ", 1+t.pick("blanks", 3))
	switch kind := t.pick("value", 9); {
	case kind == 0 && depth < 3, kind == 1 && depth < 3:
		t.out.add(owner, false, head+t.end())
		deeper := t.step
		if t.flush && !inList && kind == 0 {
			deeper = max(deeper, 1)
		}
		t.block(owner, indent+deeper, depth+1, "")
	case kind == 2:
		t.out.add(owner, true, head+t.end())
	case kind == 3:
		t.out.add(owner, true, head+blanks+t.flow(depth)+t.end())
	case kind == 4:
		t.text(owner, head+blanks, indent)
	case kind == 5:
		t.folded(owner, head+blanks, indent)
	default:
		t.out.add(owner, true, head+blanks+rapid.SampledFrom(append(scalars, "${env:X}", "a, b", "it's [x]")).Draw(t.T, "scalar")+t.end())
	}
}

// text writes text of the | or > kind.
func (t *typist) text(owner trail, head string, indent int) {
	t.shallow = true
	deeper := strings.Repeat(" ", indent+1+t.pick("deeper", 4))
	t.out.add(owner, true, head+rapid.SampledFrom([]string{"|", "|-", "|+", ">", ">-"}).Draw(t.T, "header")+t.end())
	if t.pick("empty first", 5) == 0 {
		t.out.add(owner, true, "")
	}
	for i := range t.pick("lines", 4) {
		line := deeper + rapid.SampledFrom([]string{"one", "two: 2 # no comment", "- x", "'", "  deep"}).Draw(t.T, "line")
		switch {
		case i == 0:
			line = deeper + "first"
		case t.pick("empty", 5) == 0:
			line = ""
		}
		t.out.add(owner, true, line)
	}
}

// folded writes text, a list or a mapping over several lines.
func (t *typist) folded(owner trail, head string, indent int) {
	deeper := strings.Repeat(" ", indent+1+t.pick("deeper", 4))
	t.comment += 2
	for i, line := range [][]string{
		{"plain", deeper + "text" + t.end()},
		{`"quoted`, "", deeper + `\"text" # c0`},
		{"'a", deeper + "b'" + t.end()},
		{"[", deeper + "1, # a", deeper + "x y", deeper + "]" + t.end()},
		{"{ a: 1,", deeper + "b: {c: [1, 2] , d}, }" + t.end()},
	}[t.pick("folded", 5)] {
		if i == 0 {
			line = head + line
		}
		t.out.add(owner, true, line)
	}
}

// flow writes a mapping or list in brackets in one line.
func (t *typist) flow(depth int) string {
	n := t.pick("entries", 4)
	asList := t.coin("list")
	taken := map[string]bool{}
	var parts []string
	for range n {
		one := rapid.SampledFrom(scalars).Draw(t.T, "scalar")
		if depth < 3 && t.pick("nested", 4) == 0 {
			one = t.flow(depth + 1)
		}
		if !asList {
			_, form := t.key("key", taken)
			one = form + ": " + one
		}
		parts = append(parts, one)
	}
	joined := strings.Join(parts, rapid.SampledFrom([]string{",", ", ", " , "}).Draw(t.T, "comma"))
	if n > 0 && t.pick("trailing", 5) == 0 {
		joined += ","
	}
	space := strings.Repeat(" ", t.pick("space", 2))
	if asList {
		return "[" + space + joined + space + "]"
	}
	return "{" + space + joined + space + "}"
}

// typed draws a document.
func typed(rt *rapid.T) (w *written, content string) {
	t := &typist{T: rt, out: &written{}, step: 1 + rapid.IntRange(0, 4).Draw(rt, "step"), flush: rapid.Bool().Draw(rt, "flush")}
	t.between(0)
	t.block(nil, 0, 0, "")
	t.between(0)
	newline := rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(rt, "newline")
	content = strings.Join(t.out.lines, newline)
	// Text of the | kind at the very end says something else with a line break after it, so nothing can follow it.
	if t.coin("final") || t.shallow {
		content += newline
	}
	if t.pick("bom", 6) == 0 {
		content = "\ufeff" + content
	}
	return t.out, content
}

// given draws a value to be written.
func given(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 9).Draw(t, "given") {
	case 0:
		if depth < 3 {
			out := map[string]any{}
			for range rapid.IntRange(0, 3).Draw(t, "size") {
				out[rapid.SampledFrom(someKeys).Draw(t, "key")] = given(t, depth+1)
			}
			return out
		}
	case 1:
		if depth < 3 {
			out := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "size") {
				out = append(out, given(t, depth+1))
			}
			return out
		}
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return json.Number(rapid.SampledFrom([]string{"0", "-7", "1.5", "1e3", "12345678901", "1E-2"}).Draw(t, "number"))
	case 4:
		return rapid.StringOfN(rapid.RuneFrom([]rune("ab :#-'\"\n\t,[]{}&*!|>%@`é\u2028\u0085\u007f$")), 0, 12, -1).Draw(t, "text")
	case 5:
		return "line one\nline two\n"
	}
	return rapid.SampledFrom([]string{"x", "a b", "yes", "", "5", "~", "null", "${env:NEW}", "+1 555", "*", "a: b", "a\nb", " x", "x ", "--- x", "\ufeffx"}).Draw(t, "word")
}
