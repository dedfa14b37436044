package channels

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrPath says that a raw path has no canonical form.
var ErrPath = errors.New("no canonical form")

// reservedPaths belong to the gateway itself; everything below the ones that end in a slash, too.
var reservedPaths = []string{"/", "/healthz", "/readyz", "/metrics", "/debug/", "/_/"}

// Canonical is the one form of a raw path (as on the wire, without the query) under which routes are owned and looked up:
// decoded once, "//" folded, no trailing slash, case kept. An encoded slash, a dot segment, a NUL or a bad escape has no
// canonical form.
func Canonical(raw string) (string, error) {
	if isCanonical(raw) {
		return raw, nil
	}
	return canonicalize(raw)
}

func canonicalize(raw string) (string, error) {
	if !strings.HasPrefix(raw, "/") {
		return "", fmt.Errorf("path %q: it must begin with a slash: %w", raw, ErrPath)
	}
	if strings.Contains(strings.ToLower(raw), "%2f") {
		return "", fmt.Errorf("path %q: an encoded slash is refused: %w", raw, ErrPath)
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return "", fmt.Errorf("path %q: a bad escape: %w", raw, ErrPath)
	}
	if strings.ContainsRune(decoded, 0) {
		return "", fmt.Errorf("path %q: a NUL is refused: %w", raw, ErrPath)
	}
	var out strings.Builder
	for segment := range strings.SplitSeq(decoded, "/") {
		switch segment {
		case "":
			continue
		case ".", "..":
			return "", fmt.Errorf("path %q: a dot segment is refused: %w", raw, ErrPath)
		}
		out.WriteByte('/')
		out.WriteString(segment)
	}
	if out.Len() == 0 {
		return "/", nil
	}
	return out.String(), nil
}

// isCanonical tells, of a path as almost all are, that it is its own canonical form; false of any that has to be looked at.
func isCanonical(raw string) bool {
	segment := 0 // where it begins
	for i := 0; i <= len(raw); i++ {
		if i < len(raw) && raw[i] != '/' {
			if raw[i] == '%' || raw[i] == 0 {
				return false
			}
			continue
		}
		switch {
		case i == 0 && len(raw) > 1:
			segment = 1
			continue
		case i == 0 || segment == 0 || raw[segment:i] == "" || raw[segment:i] == "." || raw[segment:i] == "..":
			return false
		}
		segment = i + 1
	}
	return true
}

// Reserved tells whether a canonical path belongs to the gateway itself.
func Reserved(canonical string) bool {
	for _, r := range reservedPaths {
		if canonical == strings.TrimSuffix(r, "/") || canonical == r || len(r) > 1 && strings.HasSuffix(r, "/") && strings.HasPrefix(canonical, r) {
			return true
		}
	}
	return false
}
