package channels

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLaw4_APathHasOneCanonicalForm(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"as it stands", "/hook", "/hook"},
		{"the case is kept", "/Hook", "/Hook"},
		{"a trailing slash is dropped", "/hook/", "/hook"},
		{"slashes are folded", "//a///b//", "/a/b"},
		{"the root", "/", "/"},
		{"nothing but slashes", "///", "/"},
		{"an escape is decoded", "/ho%6Fk", "/hook"},
		{"an escape is decoded once", "/ho%256Fk", "/ho%6Fk"},
		{"an escaped percent sign in front of a slash's number", "/a%252Fb", "/a%2Fb"},
		{"a space", "/a%20b", "/a b"},
		{"a plus is a plus", "/a+b", "/a+b"},
		{"a question mark that is part of the path", "/a%3Fb", "/a?b"},
		{"dots inside of a segment", "/a..b/...", "/a..b/..."},
		{"letters of other scripts", "/%C3%A9", "/é"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Canonical(c.raw); err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestLaw4_APathWithoutACanonicalFormIsRefused(t *testing.T) {
	for _, c := range []struct{ name, raw, why string }{
		{"empty", "", "it must begin with a slash"},
		{"no slash in front", "hook", "it must begin with a slash"},
		{"an encoded slash", "/a%2Fb", "an encoded slash is refused"},
		{"an encoded slash in lower case", "/a%2fb", "an encoded slash is refused"},
		{"a dot", "/./a", "a dot segment is refused"},
		{"two dots", "/a/..", "a dot segment is refused"},
		{"an encoded dot", "/%2e/a", "a dot segment is refused"},
		{"a half encoded pair of dots", "/.%2E/a", "a dot segment is refused"},
		{"a NUL", "/a%00", "a NUL is refused"},
		{"a bad escape", "/a%zz", "a bad escape"},
		{"a cut escape", "/a%2", "a bad escape"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Canonical(c.raw)
			if got != "" || !errors.Is(err, ErrPath) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("got %q, %v, want %q", got, err, c.why)
			}
		})
	}
}

func TestReservedPathsBelongToTheGateway(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/healthz": true, "/readyz": true, "/metrics": true, "/debug": true, "/debug/pprof": true, "/_": true, "/_/x/y": true,
		"/hook": false, "/healthz2": false, "/healthz/x": false, "/debugger": false, "/_x": false, "/a/_/b": false, "/Healthz": false,
	} {
		if got := Reserved(path); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
	}
}

// FuzzCanonical looks for a raw path with two meanings: what is canonical is found again from any way of writing it, and
// never names something above or beside itself.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{"/", "/hook", "//a/%2e%2e/b", "/a%2Fb", "/%25%32%46", "/a%00", "/é", "/%ff", "hook", "/a/./b/", "/a%252fb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if made, err := canonicalize(raw); isCanonical(raw) && (err != nil || made != raw) {
			t.Fatalf("%q passes for canonical, and is %q, %v", raw, made, err)
		}
		got, err := Canonical(raw)
		if err != nil {
			if got != "" || !errors.Is(err, ErrPath) {
				t.Fatalf("%q: %q with %v", raw, got, err)
			}
			return
		}
		if !strings.HasPrefix(got, "/") || got != "/" && strings.HasSuffix(got, "/") || strings.Contains(got, "//") || strings.ContainsRune(got, 0) {
			t.Fatalf("%q: %q is not in form", raw, got)
		}
		for _, segment := range strings.Split(got, "/") {
			if segment == "." || segment == ".." {
				t.Fatalf("%q: %q has a dot segment", raw, got)
			}
		}
		for _, again := range []string{written(got), written(got) + "/", "/" + written(got), written(got) + "//"} {
			if back, err := Canonical(again); err != nil || back != got {
				t.Fatalf("%q: %q written as %q is %q, %v", raw, got, again, back, err)
			}
		}
		if !strings.Contains(raw, "%") && utf8.ValidString(raw) && strings.Trim(raw, "/") != "" && !strings.Contains(raw, "//") &&
			got != strings.TrimSuffix(raw, "/") {
			t.Fatalf("%q: nothing needed a change, got %q", raw, got)
		}
	})
}

// written is the canonical path on the wire, each segment with all its escapes.
func written(canonical string) string {
	var out []string
	for _, segment := range strings.Split(canonical, "/") {
		out = append(out, url.PathEscape(segment))
	}
	return strings.Join(out, "/")
}
