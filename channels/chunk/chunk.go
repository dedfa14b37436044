// Package chunk splits an answer into messages that a network takes.
//
// Characters are runes. What is lost is white space at the cuts and nothing else; what is added are the lines that close
// a code fence before a cut and open it again after it.
//
// Invariants: no part has more characters than the limit, and none is blank. No cut goes through a grapheme (an emoji
// with its modifiers, a letter with its accents), unless one alone is longer than the limit. A part that begins or ends
// in code is a whole code block of its own, as long as the fence's lines take no more than half of the limit.
package chunk

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Modes of splitting, as the setting chunkMode names them.
const (
	// Length cuts only where the limit forces it: at the last line's end outside parentheses, else at the last white
	// space, else between two graphemes.
	Length = "length"
	// Newline makes every paragraph a message of its own, and cuts those that are too long like Length.
	Newline = "newline"
)

// Split returns the parts of text in order; none for a blank text. A limit below 1 is none. Every mode but Newline is
// Length.
func Split(text string, limit int, mode string) []string {
	if mode != Newline {
		return byLength(text, limit)
	}
	var out []string
	for _, p := range paragraphs(text) {
		out = append(out, byLength(p, limit)...)
	}
	return out
}

// paragraphs cuts at blank lines outside of code.
func paragraphs(text string) []string {
	var out []string
	var open *fence
	start := 0
	for at := 0; at < len(text); {
		line, end := lineAt(text, at)
		open = open.after(line)
		if open == nil && strings.TrimSpace(line) == "" {
			out = append(out, strings.TrimRight(text[start:at], "\r\n"))
			start = end
		}
		at = end
	}
	return append(out, text[start:])
}

// lineAt returns the line that begins at a place, without its end, and where the next one begins.
func lineAt(text string, at int) (line string, next int) {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return strings.TrimSuffix(text[at:at+i], "\r"), at + i + 1
	}
	return text[at:], len(text)
}

// fence is a code block that is open at some place; nil is none.
type fence struct {
	marker string // ``` or ~~~, as long as it was written
	line   string // the whole opening line
}

var opening = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})([^`]*)$")

// after returns the fence that is open after a line.
func (f *fence) after(line string) *fence {
	if f != nil {
		if f.closedBy(line) {
			return nil
		}
		return f
	}
	if m := opening.FindStringSubmatch(line); m != nil {
		return &fence{marker: m[1], line: line}
	}
	return nil
}

// closedBy: the closing line has the same marks, at least as many, and nothing else.
func (f *fence) closedBy(line string) bool {
	marks := strings.TrimSpace(line)
	return strings.HasPrefix(marks, f.marker) && strings.Trim(marks, f.marker[:1]) == ""
}

// within returns the fence as it can be opened again in a part of limit characters: whole, without what follows the
// marks, or not at all.
func (f *fence) within(limit int) *fence {
	if f == nil {
		return nil
	}
	for _, line := range []string{f.line, f.marker} {
		if utf8.RuneCountInString(line)+utf8.RuneCountInString(f.marker)+2 <= limit/2 {
			return &fence{marker: f.marker, line: line}
		}
	}
	return nil
}

// head opens the fence at the beginning of a part.
func (f *fence) head() string {
	if f == nil {
		return ""
	}
	return f.line + "\n"
}

// tail closes the fence at the end of a part.
func (f *fence) tail(part string) string {
	switch {
	case f == nil:
		return ""
	case strings.HasSuffix(part, "\n"):
		return f.marker
	default:
		return "\n" + f.marker
	}
}
