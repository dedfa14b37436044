package config

import (
	"cmp"
	"slices"
	"strings"
)

// Problem is one fault in a configuration: where it is, what stands there, what would be right. It never holds the
// value of a secret.
type Problem struct {
	// File is the file as the operator named it, or the environment variable that set the value; empty for the
	// embedded default.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // from 1; 0 if the place is not in a file
	Col  int    `json:"col,omitempty"`  // from 1, in characters
	Path string `json:"path"`           // keys joined by dots: channels.bluebubbles.accounts.home.password; empty: all of it
	Got  string `json:"got,omitempty"`  // short, never a secret
	Want string `json:"want"`           // what would be right, as an instruction
}

func (p Problem) String() string {
	var parts []string
	if p.File != "" {
		parts = append(parts, place{p.File, p.Line, p.Col}.String())
	}
	if p.Path != "" {
		parts = append(parts, p.Path)
	}
	if p.Got != "" {
		parts = append(parts, "got "+p.Got)
	}
	return strings.Join(append(parts, "want "+p.Want), ": ")
}

// Problems is all that is wrong with one configuration. It is an error when it is not empty.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Join returns both lists as one, sorted by place, each problem once.
func (p Problems) Join(more Problems) Problems { return slices.Concat(p, more).sorted() }

// Beyond is what p says of paths of which said says nothing: whoever judged a value that is not the operator's is not heard.
func (p Problems) Beyond(said Problems) Problems {
	return slices.DeleteFunc(slices.Clone(p), func(one Problem) bool {
		return slices.ContainsFunc(said, func(o Problem) bool { return o.Path == one.Path })
	})
}

// sorted returns the problems in the order of their places, each once; nil if there are none.
func (p Problems) sorted() Problems {
	if len(p) == 0 {
		return nil
	}
	out := slices.Clone(p)
	slices.SortFunc(out, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Got, b.Got), cmp.Compare(a.Want, b.Want),
		)
	})
	return slices.Compact(out)
}
