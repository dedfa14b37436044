package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
)

// Bounds of what one configuration includes.
const (
	MaxIncluded = 256      // files
	MaxContent  = 16 << 20 // bytes of the file and of all that it includes
)

// includer lays the files that a file names under include beside it. They are parts of one configuration, not layers:
// each setting stands in one of them, so their order means nothing.
type includer struct {
	seen     *seen
	folder   string // of the file, where relative patterns start
	main     string // the file itself
	room     int    // bytes that may still be read
	taken    map[string]bool
	whole    bool // everything that was named could be read
	problems Problems
}

// include returns the file with all that it includes, or nil if a part of that could not be read: what would be missing
// from it would look like faults of the rest.
func (n *includer) include(file *value) *value {
	key := file.member("include")
	n.taken, n.whole = map[string]bool{filepath.Clean(n.main): true}, true
	const want = "a list of files or patterns such as [conf.d/*.yaml]"
	switch {
	case key == nil || key.shape == null:
		return file
	case key.shape != list:
		n.bad(key, key.shape.String(), want)
		return nil
	}
	for _, one := range key.items {
		if one.shape != text || one.scalar == "" {
			n.bad(one, one.shown(), want)
			continue
		}
		for _, path := range n.expand(one) {
			if part := n.read(one, path); part != nil {
				file = n.join(file, part)
			}
		}
	}
	if !n.whole {
		return nil
	}
	return file
}

// bad is a fault that leaves a part of the configuration unread.
func (n *includer) bad(at *value, got, want string) {
	n.problems, n.whole = append(n.problems, at.problem(got, want)), false
}

// expand lists the files that a pattern stands for and that have not been read yet.
func (n *includer) expand(pattern *value) []string {
	files, fault, want := n.seen.pattern(n.folder, pattern.scalar.(string))
	if fault != "" {
		n.bad(pattern, fault, want)
	}
	var fresh []string
	for _, path := range files {
		if n.taken[path] {
			continue
		}
		if len(n.taken) > MaxIncluded { // the file itself is among them
			n.bad(pattern, fmt.Sprintf("more than %d files", MaxIncluded), "fewer files included; several may become one")
			break
		}
		n.taken[path] = true
		fresh = append(fresh, path)
	}
	return fresh
}

// read returns nil if there is nothing to join.
func (n *includer) read(pattern *value, path string) *value {
	data, fault := n.seen.file(path, MaxFile)
	if fault != "" {
		n.bad(pattern, path+", a file that "+fault, "only readable configuration files here")
		return nil
	}
	if n.room -= len(data); n.room < 0 {
		n.bad(pattern, fmt.Sprintf("more than %d MiB in all", MaxContent>>20), "a smaller configuration")
		return nil
	}
	part, problems := parse(path, data)
	n.problems = append(n.problems, problems...)
	if part == nil {
		n.whole = false
		return nil
	}
	if inner := part.member("include"); inner != nil {
		n.problems = append(n.problems, inner.key.problem("include", "a file that is included and includes others",
			"all patterns in "+n.main))
		part = part.without("include")
	}
	return part
}

// join adds b to a. A setting that both have is a fault, even if both say the same: whoever changes it later
// must find one place.
func (n *includer) join(a, b *value) *value {
	switch {
	case b.shape == null:
		return a
	case a.shape == null:
		return b
	case a.shape != mapping || b.shape != mapping:
		want := "it in one place only"
		if a.shape == list && b.shape == list {
			want += ": lists are not joined"
		}
		n.problems = append(n.problems, b.key.problem(b.path(), "a setting that is also at "+a.key.String(), want))
		return a
	}
	for _, key := range b.keys {
		m := b.members[key]
		if mine := a.member(key); mine != nil {
			m = n.join(mine, m)
		}
		a.set(key, m)
	}
	return a
}

// parse reads the content of one file, whose name tells its format. It returns nil if it is not of that format, or no
// mapping.
func parse(path string, data []byte) (*value, Problems) {
	read := readYAML
	if isJSON(path) {
		read = readJSON
	}
	file, problems := read(path, bytes.TrimPrefix(data, []byte("\ufeff"))) // a byte order mark
	switch {
	case file == nil:
		return nil, problems
	case file.shape == null:
		file.shape = mapping
	case file.shape != mapping:
		return nil, append(problems, file.problem(file.shape.String(), "a mapping with keys such as gateway and channels"))
	}
	return file, problems
}

// isJSON tells by the name whether the content is JSON with comments; everything else is YAML.
func isJSON(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json", ".jsonc", ".json5":
		return true
	}
	return false
}
