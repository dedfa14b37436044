package chunk

import (
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// byLength cuts where the limit forces it.
func byLength(text string, limit int) []string {
	var out []string
	add := func(head, content, tail string) {
		if strings.TrimSpace(content) != "" {
			out = append(out, head+content+tail)
		}
	}
	rest, left := text, utf8.RuneCountInString(text)
	var open *fence // to be opened again where rest begins
	for {
		head := open.head()
		room := limit - utf8.RuneCountInString(head)
		if limit < 1 || left <= room {
			add(head, rest, "")
			return out
		}
		c := cutWithin(rest, room, limit, open)
		content := c.part(rest)
		add(head, content, c.open.tail(content))
		left -= utf8.RuneCountInString(rest[:c.next])
		rest, open = rest[c.next:], c.open
		if c.closed {
			open = nil
		}
	}
}

// cut is a place where a text is divided.
type cut struct {
	at     int    // the part ends here
	next   int    // the rest begins here; what lies between is dropped
	open   *fence // open at the cut: the part closes it
	closed bool   // the text itself closed the fence right after the cut, so the rest does not open it again
}

// part is what stands before the cut; white space at its end is worth keeping only in code.
func (c cut) part(rest string) string {
	if c.open != nil {
		return rest[:c.at]
	}
	end, at := 0, 0
	for g := range graphemes(rest[:c.at]) {
		if at += len(g); !blank(g) {
			end = at
		}
	}
	return rest[:end]
}

// cutWithin divides rest so that the part has at most room characters, closing line included. How long that line is
// shows only when the place is found, so the place is looked for until the line fits too.
func cutWithin(rest string, room, limit int, open *fence) cut {
	for reserve := 0; ; {
		c := cutAt(rest, room-reserve, limit, open, open != nil || reserve > 0)
		needed := utf8.RuneCountInString(c.open.tail(""))
		if needed <= reserve {
			return c
		}
		reserve = needed
	}
}

// cutAt divides rest so that what is taken from it has at most room characters.
func cutAt(rest string, room, limit int, open *fence, code bool) cut {
	at := breakBefore(rest, 0, room, code)
	now, from := fenceAt(rest, at, open)
	if begin, bare := bareOpening(rest, from, at); bare && now != nil {
		if strings.TrimSpace(rest[:from]) != "" {
			return outside(rest, from) // the opening line goes with its code
		}
		at = breakBefore(rest, begin, room, true)
		now, _ = fenceAt(rest, at, open)
	}
	if now = now.within(limit); now == nil {
		return outside(rest, at)
	}
	return inside(rest, at, now)
}

// bareOpening tells whether nothing but an opening line stands between from and at, and where the code after it begins.
func bareOpening(rest string, from, at int) (code int, bare bool) {
	if from < 0 {
		return 0, false
	}
	_, code = lineAt(rest, from)
	return code, strings.TrimSpace(rest[min(code, at):at]) == ""
}

// outside drops the white space around a cut, but keeps how far the next line is indented.
func outside(rest string, at int) cut {
	next := at
	for g := range graphemes(rest[at:]) {
		if !blank(g) {
			break
		}
		next += len(g)
	}
	if i := strings.LastIndexByte(rest[at:next], '\n'); i >= 0 {
		next = at + i + 1
	}
	return cut{at: at, next: next}
}

// inside drops one line's end and nothing else: the rest is code. If the code ends there, its closing line is taken for
// the one that the part is given.
func inside(rest string, at int, open *fence) cut {
	c := cut{at: at, next: at, open: open}
	switch {
	case strings.HasPrefix(rest[at:], "\r\n"):
		c.next += 2
	case strings.HasPrefix(rest[at:], "\n"):
		c.next++
	default:
		return c
	}
	if line, next := lineAt(rest, c.next); open.closedBy(line) {
		c.next, c.closed = next, true
	}
	return c
}

// fenceAt returns the fence that is open at a place of rest, and where its opening line begins there; -1 if that
// stands before rest.
func fenceAt(rest string, place int, open *fence) (now *fence, from int) {
	now, from = open, -1
	for at := 0; at < place; {
		line, next := lineAt(rest, at)
		if at+len(line) > place {
			break // cut through the line: it is no line yet
		}
		before := now
		if now = now.after(line); before == nil && now != nil {
			from = at
		}
		at = next
	}
	return now, from
}

// breakBefore finds the best place to cut among the first room characters of rest: behind after, where there is one, and
// at least one character from the beginning.
func breakBefore(rest string, after, room int, code bool) int {
	room = max(room, 1)
	hard, end := hardBreak(rest, room)
	inParens := func(int) bool { return false } // code has its own, and its lines end where they end
	if !code {
		inParens = parens(rest[:end])
	}
	var best [4]int // the last place of each kind
	at, seen := 0, false
	for g := range graphemes(rest) {
		if at > hard {
			break
		}
		kind, breaks := breakKind(g)
		if breaks && seen {
			place := at
			if code && kind == space {
				place += len(g) // in code a space belongs to what follows it as much as to what is before
			}
			if inParens(at) {
				kind += enclosed
			}
			if place > after && place <= hard {
				best[kind] = place
			}
		}
		seen = seen || !blank(g)
		at += len(g)
	}
	for _, place := range best {
		if place > 0 {
			return place
		}
	}
	return hard
}

// hardBreak returns the last place between two graphemes within room characters, and a place about twice as far, up to
// which parentheses are looked for. A grapheme longer than room is cut between two runes.
func hardBreak(rest string, room int) (hard, end int) {
	n := 0
	for g := range graphemes(rest) {
		if n += utf8.RuneCountInString(g); n > room {
			break
		}
		hard += len(g)
	}
	if hard == 0 {
		for range room {
			_, size := utf8.DecodeRuneInString(rest[hard:])
			hard += size
		}
	}
	return hard, min(2*hard, len(rest))
}

// Kinds of places to cut at, best first; enclosed is added for those in parentheses.
const (
	lineEnd = iota
	space
	enclosed
)

// breakKind tells whether a text may be cut before a grapheme.
func breakKind(g string) (kind int, breaks bool) {
	switch g {
	case "\n", "\r\n":
		return lineEnd, true
	case "\u00a0", "\u202f":
		return 0, false // spaces that forbid a break
	default:
		return space, blank(g)
	}
}

// blank tells whether a grapheme is white space: of a space that carries an accent it is not.
func blank(g string) bool { return strings.TrimSpace(g) == "" }

// graphemes iterates over what a reader takes for one character.
func graphemes(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for state := -1; text != ""; {
			var g string
			g, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
			if !yield(g) {
				return
			}
		}
	}
}

// parens returns a test for places between a parenthesis and the one that closes it. One that is never closed is a
// smiley and encloses nothing.
func parens(text string) func(at int) bool {
	if !strings.Contains(text, ")") {
		return func(int) bool { return false }
	}
	var opened []int
	depth := make([]int, len(text)+1) // first as differences, then summed up
	for i := range len(text) {
		switch text[i] {
		case '(':
			opened = append(opened, i)
		case ')':
			if last := len(opened) - 1; last >= 0 {
				depth[opened[last]]++
				depth[i]--
				opened = opened[:last]
			}
		}
	}
	for i := 1; i < len(depth); i++ {
		depth[i] += depth[i-1]
	}
	return func(at int) bool { return at < len(depth) && depth[at] > 0 }
}
