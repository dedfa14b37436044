package edit

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// source is the text of a file, without a byte order mark, and where its lines begin. The YAML library says where each
// value begins; this finds where it ends. It knows only what a value of a known kind looks like and never guesses a
// structure: what it finds is compared with what the library read.
type source struct {
	text  string
	lines []int // offsets
}

func newSource(text string) *source {
	s := &source{text: text, lines: []int{0}}
	for at := 0; at < len(text); {
		n := s.breakAt(at)
		if n == 0 {
			at++
			continue
		}
		at += n
		s.lines = append(s.lines, at)
	}
	return s
}

// breakAt is the length of the line break at an offset, 0 if there is none. The library takes more for breaks than
// editors do.
func (s *source) breakAt(at int) int {
	rest := s.text[at:]
	switch {
	case strings.HasPrefix(rest, "\r\n"):
		return 2
	case strings.HasPrefix(rest, "\n"), strings.HasPrefix(rest, "\r"):
		return 1
	case strings.HasPrefix(rest, "\u0085"):
		return len("\u0085")
	case strings.HasPrefix(rest, "\u2028"), strings.HasPrefix(rest, "\u2029"):
		return len("\u2028")
	}
	return 0
}

// byteAt is 0 at the end.
func (s *source) byteAt(at int) byte {
	if at >= len(s.text) {
		return 0
	}
	return s.text[at]
}

// line is the number of the line of an offset, from 1.
func (s *source) line(at int) int {
	return sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > at })
}

// begin is where the line of an offset begins.
func (s *source) begin(at int) int { return s.lines[s.line(at)-1] }

// column counts the characters before an offset in its line.
func (s *source) column(at int) int { return utf8.RuneCountInString(s.text[s.begin(at):at]) }

// offset is where the library means with a line and a column, both from 1; -1 if that is nowhere.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.lines) {
		return -1
	}
	at := s.lines[line-1]
	for ; column > 1 && at < len(s.text); column-- {
		_, n := utf8.DecodeRuneInString(s.text[at:])
		at += n
	}
	return at
}

// end is where the line of an offset ends, before its break.
func (s *source) end(at int) int {
	for at < len(s.text) && s.breakAt(at) == 0 {
		at++
	}
	return at
}

// next is where the line after that of an offset begins, or the end.
func (s *source) next(at int) int {
	at = s.end(at)
	if at < len(s.text) {
		at += s.breakAt(at)
	}
	return at
}

// blanks skips spaces and tabs.
func (s *source) blanks(at int) int {
	for s.byteAt(at) == ' ' || s.byteAt(at) == '\t' {
		at++
	}
	return at
}

// skip goes on to the next thing that is no white space and no comment.
func (s *source) skip(at int) int {
	for at < len(s.text) {
		after := s.blanks(at)
		switch {
		case s.byteAt(after) == '#' && (after > at || after == 0 || after == s.begin(after)):
			at = s.end(after)
		case after < len(s.text) && s.breakAt(after) > 0:
			at = after + s.breakAt(after)
		default:
			return after
		}
	}
	return at
}

// tail is where what belongs to an entry in a column ends that itself ends at an offset: comments that follow and stand
// deeper belong to it.
func (s *source) tail(at, column int) int {
	for next := s.next(at); next < len(s.text); next = s.next(next) {
		first := s.blanks(next)
		if first >= len(s.text) || s.breakAt(first) > 0 {
			continue
		}
		if s.byteAt(first) != '#' || s.column(first) <= column {
			break
		}
		at = first
	}
	return at
}

// only tells whether nothing but blanks stands between two offsets.
func (s *source) only(from, to int) bool { return from <= to && s.blanks(from) >= to }

// last tells whether nothing but blanks and a comment follows in the line.
func (s *source) last(at int) bool {
	after := s.blanks(at)
	return after >= len(s.text) || s.breakAt(after) > 0 || s.byteAt(after) == '#' && after > at
}

// properties skips an anchor and a tag, each with the white space that follows it, if a value comes after them; to is
// where the last of them ends.
func (s *source) properties(at int) (to, value int) {
	to, value = at, at
	for s.byteAt(value) == '&' || s.byteAt(value) == '!' {
		to = value
		for to < len(s.text) && !strings.ContainsRune(" \t,[]{}", rune(s.text[to])) && s.breakAt(to) == 0 {
			to++
		}
		value = s.skip(to)
	}
	return to, value
}

// quoted is where the text in quotes that begins at an offset ends.
func (s *source) quoted(at int, quote byte) (int, bool) {
	if s.byteAt(at) != quote {
		return 0, false
	}
	for at++; at < len(s.text); at++ {
		switch {
		case quote == '"' && s.text[at] == '\\':
			at++
		case quote == '\'' && s.text[at] == quote && s.byteAt(at+1) == quote:
			at++
		case s.text[at] == quote:
			return at + 1, true
		}
	}
	return 0, false
}

// foldable is what plain text may lose or change at its line breaks.
const foldable = " \t\r\n\u0085\u2028\u2029"

// plain is where the plain text that begins at an offset and reads as content ends.
func (s *source) plain(at int, content string) (int, bool) {
	for i, word := range strings.FieldsFunc(content, func(r rune) bool { return strings.ContainsRune(foldable, r) }) {
		if i > 0 {
			rest := s.text[at:]
			at += len(rest) - len(strings.TrimLeft(rest, foldable))
		}
		if !strings.HasPrefix(s.text[at:], word) {
			return 0, false
		}
		at += len(word)
	}
	return at, true
}

// block measures a text of the | or > kind. indent is the column of the entry that it belongs to, -1 for none: head is
// where its indicators end, body where its first line begins, to where the last line that is part of it ends.
func (s *source) block(at, indent int) (head, body, to int, ok bool) {
	if c := s.byteAt(at); c != '|' && c != '>' {
		return 0, 0, 0, false
	}
	explicit, keep := 0, false
	for head = at + 1; strings.IndexByte("+-123456789", s.byteAt(head)) >= 0 && head < len(s.text); head++ {
		switch c := s.text[head]; c {
		case '+':
			keep = true
		case '-':
		default:
			explicit = int(c - '0')
		}
	}
	body = s.next(head)
	least := max(indent+1, 1)
	if explicit > 0 {
		least = max(indent, 0) + explicit
	} else {
		least = max(least, s.firstIndent(body))
	}
	to = s.end(head)
	for at := body; at < len(s.text); at = s.next(at) {
		first := at
		for first < at+least && s.byteAt(first) == ' ' {
			first++
		}
		empty := first >= len(s.text) || s.breakAt(first) > 0
		if !empty && first < at+least {
			break
		}
		if !empty || keep {
			to = s.end(at)
		}
	}
	return head, body, to, true
}

// firstIndent is how deep the first line from an offset on that is not empty stands, or a deeper empty one before it.
func (s *source) firstIndent(at int) int {
	deepest := 0
	for ; at < len(s.text); at = s.next(at) {
		first := at
		for s.byteAt(first) == ' ' {
			first++
		}
		deepest = max(deepest, first-at)
		if first >= len(s.text) || s.breakAt(first) == 0 {
			break
		}
	}
	return deepest
}
