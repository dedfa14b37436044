package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxFolders bounds the folders that one pattern looks into.
const maxFolders = 1024

// expansion finds the files that a pattern stands for.
//
// The wildcards are those of a shell, * ? [a-z], each within one name; they do not fit a dot that begins a name, because
// such files are what editors and Kubernetes leave beside the real ones. A pattern with wildcards may fit nothing, but
// the folder that it begins with must be there: while it is being replaced, a configuration without all that is
// in it must not be taken for what the operator wants.
type expansion struct {
	looked  []string // files and folders, there or not
	folders int
	found   []string
	fault   string
	want    string
}

// files returns what is there, sorted folder by folder, also if there is a fault.
func (x *expansion) files(folder, pattern string) (found []string, fault, want string) {
	const plain = "a pattern such as conf.d/*.yaml"
	_, err := filepath.Match(pattern, "")
	switch {
	case err != nil:
		return nil, short(pattern), plain + ": [ stands for itself as [[]"
	case strings.Contains(pattern, "**"):
		return nil, short(pattern), plain + ": * stays within one folder"
	case strings.Contains(pattern, "${"):
		return nil, "a reference in a pattern", plain + ": references are resolved later"
	}
	if filepath.IsAbs(pattern) {
		folder = filepath.VolumeName(pattern) + string(filepath.Separator)
		pattern = pattern[len(folder):]
	}
	names := strings.FieldsFunc(pattern, func(r rune) bool { return r == '/' || r == filepath.Separator })
	x.walk(folder, names, false)
	return x.found, x.fault, x.want
}

// walk follows the names of a pattern from a path on. Below a wildcard, what does not exist is no fault.
func (x *expansion) walk(at string, names []string, wild bool) {
	switch {
	case len(names) == 0:
		x.found = append(x.found, at)
	case strings.ContainsAny(names[0], "*?["):
		x.list(at, names, wild)
	default:
		next := filepath.Join(at, names[0])
		if wild {
			x.looked = append(x.looked, next)
			if _, err := os.Lstat(next); missing(err) {
				return
			}
		}
		x.walk(next, names[1:], wild)
	}
}

// list goes on with every name in a folder that fits.
func (x *expansion) list(at string, names []string, wild bool) {
	x.looked = append(x.looked, at)
	if x.folders++; x.folders > maxFolders {
		x.fault, x.want = fmt.Sprintf("a pattern that leads into more than %d folders", maxFolders), "one that leads into fewer"
		return
	}
	entries, err := os.ReadDir(at)
	switch {
	case wild && missing(err):
		return
	case missing(err):
		x.fault, x.want = at+", a folder that does not exist", "that folder, or the line removed"
		return
	case err != nil:
		x.fault, x.want = at+", a folder that cannot be read", "a folder that this user may read"
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		fits, _ := filepath.Match(names[0], name) // the pattern has been checked
		if fits && (name[0] != '.' || names[0][0] == '.') {
			x.walk(filepath.Join(at, name), names[1:], true)
		}
	}
}

func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
