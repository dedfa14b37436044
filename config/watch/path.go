package watch

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks bounds the symbolic links of one path, as the operating system does.
const maxLinks = 40

// plan is what to watch for a set of paths.
type plan struct {
	folders map[string]bool // to be watched
	names   map[string]bool // in them: these matter
	whole   map[string]bool // folders in which everything matters
}

// planFor follows each path to where it leads now.
func planFor(paths []string) plan {
	p := plan{folders: map[string]bool{}, names: map[string]bool{}, whole: map[string]bool{}}
	for _, path := range paths {
		if abs, err := filepath.Abs(path); err == nil { // else there is no working folder, and nothing to be found
			p.follow(abs)
		}
	}
	return p
}

// follow goes down an absolute path name by name, through links as the operating system would.
func (p plan) follow(path string) {
	at, rest := split(path)
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		switch {
		case err != nil: // it is noticed when it comes
			p.watch(at, next)
			return
		case info.Mode().Type() == fs.ModeSymlink:
			p.watch(at, next)
			target, err := os.Readlink(next)
			if links++; err != nil || links > maxLinks {
				return
			}
			root, names := split(target)
			if root != "" {
				at = root
			}
			rest = append(names, rest...)
		case len(rest) > 0 && info.IsDir():
			at = next
		default:
			p.watch(at, next)
			if info.IsDir() {
				p.folders[next], p.whole[next] = true, true
			}
			return
		}
	}
	p.folders[at], p.whole[at] = true, true // a link led to the root or upwards
}

func (p plan) watch(folder, name string) { p.folders[folder], p.names[name] = true, true }

// split takes a path apart. The root is empty if the path is relative.
func split(path string) (root string, names []string) {
	if filepath.IsAbs(path) {
		root = filepath.VolumeName(path) + string(filepath.Separator)
		path = path[len(root):]
	}
	return root, strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
}
