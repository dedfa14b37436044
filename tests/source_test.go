package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// source is a whole repository as text: every Go file parsed, whether or not it compiles, so that one unfinished package
// hides no fault of another.
type source struct {
	root  string
	fset  *token.FileSet
	files []*goFile // sorted by path
}

// goFile is one Go file.
type goFile struct {
	path  string // from the root, with slashes: actors/kit/shell.go
	dir   string
	name  string
	lines int
	ast   *ast.File
	s     *source
}

// rule is something that holds for all of the source; it returns its violations, each with its place and what to do.
type rule func(s *source) []string

// module is the first part of our own import paths.
const module = "holdfast/"

// repository is this one, read once for all rules.
var repository = sync.OnceValues(func() (*source, error) { return read("..") })

// obey fails the test for every violation of a rule in this repository.
func obey(t *testing.T, r rule) {
	t.Helper()
	s, err := repository()
	if err != nil {
		t.Fatalf("read the repository: %v", err)
	}
	for _, violation := range r(s) {
		t.Error(violation)
	}
}

// read parses every Go file below root, except in folders that belong to tools: testdata, and those that begin with a dot.
func read(root string) (*source, error) {
	s := &source{root: root, fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, file)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && rel != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(rel, ".go") {
			return nil
		}
		return s.add(file, rel)
	})
	return s, err
}

func (s *source) add(file, rel string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	tree, err := parser.ParseFile(s.fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse %s: %w", rel, err)
	}
	s.files = append(s.files, &goFile{
		path: rel, dir: path.Dir(rel), name: path.Base(rel), lines: strings.Count(string(text), "\n"), ast: tree, s: s,
	})
	return nil
}

// below are the files in dir and in all folders below it.
func (s *source) below(dir string) []*goFile {
	return s.only(func(f *goFile) bool { return strings.HasPrefix(f.path, dir+"/") })
}

func (s *source) only(keep func(*goFile) bool) []*goFile {
	var out []*goFile
	for _, f := range s.files {
		if keep(f) {
			out = append(out, f)
		}
	}
	return out
}

// dirs are the folders that hold Go files.
func (s *source) dirs() []string {
	var out []string
	for _, f := range s.files {
		out = append(out, f.dir)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// has tells whether the repository has this Go file.
func (s *source) has(file string) bool {
	return slices.ContainsFunc(s.files, func(f *goFile) bool { return f.path == file })
}

// isTest tells whether only tests see the file: its name says so, or its package is a help for tests.
func (f *goFile) isTest() bool {
	return strings.HasSuffix(f.name, "_test.go") || strings.HasSuffix(f.dir, "test") || f.floor() == "tests"
}

// isGenerated tells whether a program wrote the file.
func (f *goFile) isGenerated() bool { return ast.IsGenerated(f.ast) }

// floor is the first folder of the file's path.
func (f *goFile) floor() string {
	floor, _, _ := strings.Cut(f.path, "/")
	return floor
}

// at says where n is: actors/kit/shell.go:12.
func (f *goFile) at(n ast.Node) string {
	return f.path + ":" + strconv.Itoa(f.s.fset.Position(n.Pos()).Line)
}

// span is how many lines n takes.
func (f *goFile) span(n ast.Node) int {
	return f.s.fset.Position(n.End()).Line - f.s.fset.Position(n.Pos()).Line + 1
}

// imports are the import paths of the file with their nodes.
func (f *goFile) imports() map[string]*ast.ImportSpec {
	out := map[string]*ast.ImportSpec{}
	for _, spec := range f.ast.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil {
			out[name] = spec
		}
	}
	return out
}

// as is the name by which the file knows an imported package; empty if it does not import it.
func (f *goFile) as(pkg string) string {
	spec := f.imports()[pkg]
	switch {
	case spec == nil:
		return ""
	case spec.Name != nil:
		return spec.Name.Name
	default:
		return path.Base(pkg)
	}
}

// inspect visits every node of the file.
func (f *goFile) inspect(visit func(ast.Node)) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if n != nil {
			visit(n)
		}
		return true
	})
}

// calls are the file's uses of the named members of an imported package, called or not.
func (f *goFile) calls(pkg string, members ...string) []*ast.SelectorExpr {
	name := f.as(pkg)
	var out []*ast.SelectorExpr
	f.inspect(func(n ast.Node) {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || name == "" || !slices.Contains(members, sel.Sel.Name) {
			return
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
			out = append(out, sel)
		}
	})
	return out
}

// methods are the file's calls of anything by these names on a value, whatever its type.
func (f *goFile) methods(names ...string) []*ast.CallExpr {
	var out []*ast.CallExpr
	f.inspect(func(n ast.Node) {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains(names, sel.Sel.Name) {
				out = append(out, call)
			}
		}
	})
	return out
}
