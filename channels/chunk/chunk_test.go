package chunk

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	const family = "👨\u200d👩\u200d👧" // five runes, one grapheme
	for _, tc := range []struct {
		name  string
		mode  string
		limit int
		text  string
		want  []string
	}{
		{"nothing is no message", Length, 10, "", nil},
		{"white space is no message", Length, 10, " \n\t", nil},
		{"what fits stays as it is", Length, 10, " a\n\nb ", []string{" a\n\nb "}},
		{"a limit below one is none", Length, 0, "a b", []string{"a b"}},
		{"an unknown mode is length", "words", 3, "a b c", []string{"a b", "c"}},
		{"a line's end is better than a later space", Length, 12, "one two\nthree four", []string{"one two", "three four"}},
		{"the last line's end is best", Length, 6, "a\nb\nc\nd", []string{"a\nb\nc", "d"}},
		{"a line's end right at the limit counts", Length, 3, "abc\ndef", []string{"abc", "def"}},
		{"lines may end as on Windows", Length, 4, "abc\r\ndef", []string{"abc", "def"}},
		{"blank lines at a cut go", Length, 5, "abc \n\n\ndef", []string{"abc", "def"}},
		{"the next line keeps its indentation", Length, 6, "- a b\n  - c", []string{"- a b", "  - c"}},
		{"a space is better than nothing", Length, 7, "one two three", []string{"one two", "three"}},
		{"a space that forbids a break is none", Length, 6, "a 10\u00a0km", []string{"a", "10\u00a0km"}},
		{"a word too long is cut", Length, 4, "abcdefghij", []string{"abcd", "efgh", "ij"}},
		{"characters are runes", Length, 3, "äöüäöü", []string{"äöü", "äöü"}},
		{"a grapheme is not cut", Length, 6, "ab" + family + "c", []string{"ab", family + "c"}},
		{"a letter keeps its accents", Length, 2, "abe\u0301", []string{"ab", "e\u0301"}},
		{"a grapheme longer than the limit is", Length, 2, "e\u0301\u0302\u0303", []string{"e\u0301", "\u0302\u0303"}},
		{"a line's end in parentheses is avoided", Length, 12, "aa\nbb (c\ndd) ee", []string{"aa", "bb (c\ndd) ee"}},
		{"unless there is nothing else", Length, 6, "(aa\nbbbb)", []string{"(aa", "bbbb)"}},
		{"a space outside of parentheses is better than a line's end inside", Length, 9, "aa (b\ncc dd)", []string{"aa", "(b\ncc dd)"}},
		{"a smiley opens nothing", Length, 11, "hi :(\nthere\nyou", []string{"hi :(\nthere", "you"}},
		{
			"code is closed and opened again", Length, 24, "```go\nfirst()\nsecond()\nthird()\n```",
			[]string{"```go\nfirst()\n```", "```go\nsecond()\n```", "```go\nthird()\n```"},
		},
		{
			"code keeps its indentation and its blank lines", Length, 24, "```\nif x {\n\n\ty()\n\tz(1, 2)\n}\n```",
			[]string{"```\nif x {\n\n\ty()\n```", "```\n\tz(1, 2)\n}\n```"},
		},
		{
			"the closing line does not stand alone", Length, 22, "```\nabcdef ghijklm\n```\nend",
			[]string{"```\nabcdef ghijklm\n```", "end"},
		},
		{
			"code longer than a line's limit is cut at a space and keeps it", Length, 20, "```\nabcdef ghijklmnop\n```",
			[]string{"```\nabcdef \n```", "```\nghijklmnop\n```"},
		},
		{
			"the opening line goes with its code", Length, 22, "some words\n```\nabcdefghij\n```",
			[]string{"some words", "```\nabcdefghij\n```"},
		},
		{
			"other marks inside are code", Length, 30, "~~~~\n```\n~~~\naaaa bbbb cccc dddd\n~~~~",
			[]string{"~~~~\n```\n~~~\n~~~~", "~~~~\naaaa bbbb cccc dddd\n~~~~"},
		},
		{
			"an opening line longer than half a part keeps its marks", Length, 30, "```language-with-a-name\naaaaaaaaaa\nbbbbbbbbbb\n```",
			[]string{"```language-with-a-name\naa\n```", "```\naaaaaaaa\nbbbbbbbbbb\n```"},
		},
		{
			"parentheses in two blocks of code enclose nothing", Length, 40, "```\n(\n```\n```\n```\n```\n       \n```\n```\n)\n```\n",
			[]string{"```\n(\n```\n```\n```\n```\n       \n```", "```\n)\n```\n"},
		},
		{
			"a closing line longer than its opening goes with the code", Length, 22, "```\nabcdef ghijklm\n``````````\nend",
			[]string{"```\nabcdef ghijklm\n```", "end"},
		},
		{"marks with a word after them close nothing", Newline, 100, "```\n```go\n\nx\n```\n\ny", []string{"```\n```go\n\nx\n```", "y"}},
		{"paragraphs are messages", Newline, 100, "a\nb\n\nc\n \n\nd\n", []string{"a\nb", "c", "d\n"}},
		{"a blank line in code is code", Newline, 100, "a\n\n```\nb\n\nc\n```\n\nd", []string{"a", "```\nb\n\nc\n```", "d"}},
		{"a paragraph too long is cut", Newline, 5, "aaa bbb\n\nc", []string{"aaa", "bbb", "c"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := Split(tc.text, tc.limit, tc.mode)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

// solid is a text without its white space.
func solid(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// prose draws text with all that matters to a cut but code.
func prose() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.StringMatching(`[a-zäé]{1,12}`),
		rapid.SampledFrom([]string{" ", "  ", "\n", "\n\n", "\r\n", "\t", "(", ")", ":(", "\u00a0", "e\u0301", "👨\u200d👩\u200d👧", "🇩🇪🇫🇷", "👋🏽", "\ufeff", "\u0301"}),
		rapid.StringN(1, 8, -1).Filter(func(s string) bool { return !strings.ContainsAny(s, "`~") }),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "pieces"), "")
	})
}

func modes() *rapid.Generator[string] { return rapid.SampledFrom([]string{Length, Newline}) }

func TestNothingIsLostButWhiteSpace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, limit, mode := prose().Draw(t, "text"), rapid.IntRange(1, 40).Draw(t, "limit"), modes().Draw(t, "mode")
		parts := Split(text, limit, mode)
		for _, p := range parts {
			if n := utf8.RuneCountInString(p); n > limit {
				t.Fatalf("%q has %d characters, limit %d", p, n, limit)
			}
			if strings.TrimSpace(p) == "" {
				t.Fatalf("a blank part in %q", parts)
			}
		}
		if got, want := solid(strings.Join(parts, "")), solid(text); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestNoCutGoesThroughAGrapheme(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, limit, mode := prose().Draw(t, "text"), rapid.IntRange(8, 40).Draw(t, "limit"), modes().Draw(t, "mode")
		boundary, longest := map[int]bool{0: true}, 0
		for at, g := 0, uniseg.NewGraphemes(text); g.Next(); {
			at += len(g.Str())
			boundary[at] = true
			longest = max(longest, utf8.RuneCountInString(g.Str()))
		}
		if longest > limit {
			return // one longer than the limit may be cut
		}
		for from, parts := 0, Split(text, limit, mode); len(parts) > 0; parts = parts[1:] {
			i := strings.Index(text[from:], parts[0])
			if i < 0 {
				t.Fatalf("%q does not stand in the text after byte %d", parts[0], from)
			}
			from += i
			if !boundary[from] || !boundary[from+len(parts[0])] {
				t.Fatalf("%q begins or ends inside a grapheme", parts[0])
			}
			from += len(parts[0])
		}
	})
}

func TestEveryPartOfCodeIsAWholeBlock(t *testing.T) {
	t.Parallel()
	block := rapid.Custom(func(t *rapid.T) string {
		marker := rapid.SampledFrom([]string{"```", "~~~", "````"}).Draw(t, "marker")
		info := rapid.SampledFrom([]string{"", "go", "json"}).Draw(t, "info")
		lines := rapid.SliceOfN(rapid.StringMatching(`[ \t]{0,3}[a-z(){} ]{0,30}`), 0, 12).Draw(t, "lines")
		return marker + info + "\n" + strings.Join(append(lines, ""), "\n") + marker + "\n"
	})
	words := rapid.StringMatching(`([a-z]{1,10} ){1,20}\n{1,2}`)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.OneOf(block, words), 1, 5).Draw(t, "pieces"), "")
		limit, mode := rapid.IntRange(40, 120).Draw(t, "limit"), modes().Draw(t, "mode")
		parts := Split(text, limit, mode)
		for _, p := range parts {
			if n := utf8.RuneCountInString(p); n > limit {
				t.Fatalf("%q has %d characters, limit %d", p, n, limit)
			}
			var open *fence
			for line := range strings.Lines(p) {
				open = open.after(strings.TrimRight(line, "\n"))
			}
			if open != nil {
				t.Fatalf("%q leaves code open", p)
			}
		}
		if got, want := solid(withoutFences(parts...)), solid(withoutFences(text)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// withoutFences joins texts without the lines that open and close code.
func withoutFences(texts ...string) string {
	var out strings.Builder
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "```") && !strings.HasPrefix(line, "~~~") {
				out.WriteString(line)
			}
		}
	}
	return out.String()
}

func FuzzSplit(f *testing.F) {
	f.Add("a ```\nb\n```", 7, true)
	f.Add("\xff\xfe(\n", 1, false)
	f.Fuzz(func(t *testing.T, text string, limit int, newline bool) {
		limit = 1 + int(uint(limit)%200)
		mode := Length
		if newline {
			mode = Newline
		}
		for _, p := range Split(text, limit, mode) {
			if n := utf8.RuneCountInString(p); n > limit {
				t.Fatalf("%q has %d characters, limit %d", p, n, limit)
			}
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	text := strings.Repeat("A line (of prose) that ends somewhere.\nAnd another one.\n\n", 2000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Split(text, 4000, Length)
	}
}
