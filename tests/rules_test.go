package tests

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	maxFile     = 400 // lines
	maxFunction = 60  // lines; in tests, rows of tables do not count
)

// topLevel is all that the root of the repository holds.
var topLevel = []string{
	".ci", ".gitignore", ".golangci.yml", "LICENSE", "Makefile", "README.md", "actors", "channels", "cmd", "config", "go.mod",
	"go.sum", "http", "tests",
}

// plainActorFolders are the folders under actors that are no actors.
var plainActorFolders = []string{"kit", "tree"}

// actorFiles are what the folder of an actor holds. One that is missing is accounted for by a line "// No <file>: <why>."
// at the top of actor.go; without a machine there is no test of it either.
var actorFiles = []string{"messages.go", "machine.go", "actor.go", "machine_test.go", "actor_test.go"}

// reveals are the files in which a secret leaves its type, and why it must.
var reveals = map[string]string{
	"actors/agents/backend/remote/peer.go": "takes the secret out of what a peer said",
	"actors/agents/callout/settings.go":    "decodes the key of signatures",
	"actors/agents/openai/openai.go":       "goes onto the wire",
	"actors/agents/openai/settings.go":     "validates the characters of a header",
	"channels/bluebubbles/client.go":       "goes onto the wire, and out of what the server said",
	"channels/bluebubbles/settings.go":     "validates that it is no reference left over",
	"channels/screen/standard.go":          "decodes the key of signatures",
	"channels/screen/way.go":               "is the key of a MAC",
	"channels/webhook/callback.go":         "is the key of signatures",
	"channels/webhook/settings.go":         "decodes the key of signatures",
	"config/secret.go":                     "is the type itself",
}

func TestTheTopLevelIsExactlyAsFixed(t *testing.T)          { obey(t, topLevelIsFixed) }
func TestAnActorIsAFolderWithFiveFiles(t *testing.T)        { obey(t, actorsAreComplete) }
func TestEveryNetworkMeetsTheContractTest(t *testing.T)     { obey(t, networksAreTested) }
func TestNoFileIsTooLong(t *testing.T)                      { obey(t, filesAreShort) }
func TestNoFunctionIsTooLong(t *testing.T)                  { obey(t, functionsAreShort) }
func TestEveryPackageSaysWhatItIs(t *testing.T)             { obey(t, packagesAreDocumented) }
func TestEveryExportedNameSaysWhatItMeans(t *testing.T)     { obey(t, exportsAreDocumented) }
func TestNobodySleepsUnderActors(t *testing.T)              { obey(t, nobodySleeps) }
func TestNoTestIsSkipped(t *testing.T)                      { obey(t, nothingIsSkipped) }
func TestSecretsLeaveTheirTypeOnlyWhereListed(t *testing.T) { obey(t, secretsStay) }
func TestNothingHappensByImporting(t *testing.T)            { obey(t, nothingInits) }

func topLevelIsFixed(s *source) (out []string) {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return []string{err.Error()}
	}
	found := []string{}
	for _, e := range entries {
		if e.Name() != ".git" && !ignored(s.root, e.Name()) {
			found = append(found, e.Name())
		}
	}
	for _, name := range found {
		if !slices.Contains(topLevel, name) {
			out = append(out, name+" does not belong at the top level: move it below one of its folders")
		}
	}
	for _, name := range topLevel {
		if !slices.Contains(found, name) {
			out = append(out, name+" is missing at the top level")
		}
	}
	return out
}

// ignored tells whether .gitignore names an entry of the root.
func ignored(root, name string) bool {
	file, err := os.Open(filepath.Join(root, ".gitignore"))
	if err != nil {
		return false
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if match, _ := path.Match(strings.Trim(lines.Text(), "/"), name); match {
			return true
		}
	}
	return false
}

func actorsAreComplete(s *source) (out []string) {
	for _, name := range children(s, "actors") {
		dir := "actors/" + name
		if slices.Contains(plainActorFolders, name) {
			continue
		}
		if !s.has(dir + "/actor.go") {
			out = append(out, dir+" has no actor.go: an actor is a folder with one, and actors holds nothing else")
			continue
		}
		excused := excuses(s, dir+"/actor.go")
		if excused["machine.go"] {
			excused["machine_test.go"] = true
		}
		for _, file := range actorFiles {
			if !s.has(dir+"/"+file) && !excused[file] {
				out = append(out, fmt.Sprintf("%s is missing; if it must be, say so at the top of actor.go: // No %s: <why>.", dir+"/"+file, file))
			}
		}
	}
	return out
}

// children are the folders directly below dir that hold Go files, at any depth.
func children(s *source, dir string) []string {
	names := map[string]bool{}
	for _, f := range s.below(dir) {
		if name, _, below := strings.Cut(strings.TrimPrefix(f.path, dir+"/"), "/"); below {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// excuses are the files for whose absence a file's comments give a reason.
func excuses(s *source, file string) map[string]bool {
	out := map[string]bool{}
	for _, f := range s.only(func(f *goFile) bool { return f.path == file }) {
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				rest, ok := strings.CutPrefix(c.Text, "// No ")
				if name, why, colon := strings.Cut(rest, ": "); ok && colon && why != "" {
					out[name] = true
				}
			}
		}
	}
	return out
}

func networksAreTested(s *source) (out []string) {
	for _, dir := range s.networks() {
		tested := slices.ContainsFunc(s.below(dir), func(f *goFile) bool {
			return strings.HasSuffix(f.name, "_test.go") && len(f.calls(module+"channels/channeltest", "Run")) > 0
		})
		if !tested {
			out = append(out, dir+": no test calls channeltest.Run; every network passes the same contract test")
		}
	}
	return out
}

func filesAreShort(s *source) (out []string) {
	for _, f := range s.files {
		if f.lines > maxFile && !f.isGenerated() {
			out = append(out, fmt.Sprintf("%s has %d lines, at most %d: split it by its thoughts", f.path, f.lines, maxFile))
		}
	}
	return out
}

func functionsAreShort(s *source) (out []string) {
	for _, f := range s.files {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || f.isGenerated() {
				continue
			}
			lines := f.span(fn)
			if f.isTest() {
				lines -= rows(f, fn)
			}
			if lines > maxFunction {
				out = append(out, fmt.Sprintf("%s %s has %d lines, at most %d: one thought each", f.at(fn), fn.Name.Name, lines, maxFunction))
			}
		}
	}
	return out
}

// rows counts the lines of tables (literals of slices and maps) in a test.
func rows(f *goFile, fn *ast.FuncDecl) (lines int) {
	ast.Inspect(fn, func(n ast.Node) bool {
		table, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		switch table.Type.(type) {
		case *ast.ArrayType, *ast.MapType:
			lines += f.span(table) - 1
			return false
		}
		return true
	})
	return lines
}

func packagesAreDocumented(s *source) (out []string) {
	for _, dir := range s.dirs() {
		files := s.only(func(f *goFile) bool { return f.dir == dir && !strings.HasSuffix(f.name, "_test.go") })
		documented := slices.ContainsFunc(files, func(f *goFile) bool { return f.ast.Doc.Text() != "" })
		if len(files) > 0 && !documented {
			out = append(out, dir+": no file says what the package is and which invariants it keeps")
		}
	}
	return out
}

func exportsAreDocumented(s *source) (out []string) {
	for _, f := range s.files {
		if strings.HasSuffix(f.name, "_test.go") || f.isGenerated() {
			continue
		}
		for _, d := range f.ast.Decls {
			for _, id := range undocumented(d) {
				out = append(out, fmt.Sprintf("%s %s is exported and nothing says what it means", f.at(id), id.Name))
			}
		}
	}
	return out
}

// wellKnown are methods whose meaning their interface gives.
var wellKnown = []string{"Error", "Unwrap", "Is", "String", "GoString", "Len", "Less", "Swap", "MarshalZerologObject"}

// undocumented are the exported names of a declaration without a comment of their own or of their group. The members of an
// enumeration may leave it to their type.
func undocumented(d ast.Decl) (out []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		marker := d.Recv != nil && (len(d.Body.List) == 0 || slices.Contains(wellKnown, d.Name.Name) || !exportedReceiver(d))
		if d.Doc.Text() == "" && d.Name.IsExported() && !marker {
			out = append(out, d.Name)
		}
	case *ast.GenDecl:
		if enumeration(d) {
			return nil
		}
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if d.Doc.Text()+spec.Doc.Text()+spec.Comment.Text() == "" && spec.Name.IsExported() {
					out = append(out, spec.Name)
				}
			case *ast.ValueSpec:
				if d.Doc.Text()+spec.Doc.Text()+spec.Comment.Text() == "" {
					out = append(out, slices.DeleteFunc(slices.Clone(spec.Names), func(id *ast.Ident) bool { return !id.IsExported() })...)
				}
			}
		}
	}
	return out
}

func enumeration(d *ast.GenDecl) bool {
	first, ok := d.Specs[0].(*ast.ValueSpec)
	return ok && d.Tok == token.CONST && d.Lparen.IsValid() && first.Type != nil
}

func exportedReceiver(d *ast.FuncDecl) bool {
	switch t := ast.Unparen(d.Recv.List[0].Type).(type) {
	case *ast.StarExpr:
		return exportedType(t.X)
	default:
		return exportedType(t)
	}
}

func exportedType(t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.IndexExpr:
		return exportedType(t.X)
	case *ast.IndexListExpr:
		return exportedType(t.X)
	case *ast.Ident:
		return t.IsExported()
	default:
		return true
	}
}

func nobodySleeps(s *source) (out []string) {
	for _, f := range s.below("actors") {
		for _, sel := range f.calls("time", "Sleep") {
			if !strings.HasSuffix(f.name, "_test.go") {
				out = append(out, f.at(sel)+" sleeps: an actor waits by kit.After, work beside it by a timer and its context")
			}
		}
	}
	return out
}

func nothingIsSkipped(s *source) (out []string) {
	for _, f := range s.files {
		for _, call := range f.methods("Skip", "Skipf", "SkipNow") {
			if f.isTest() {
				out = append(out, f.at(call)+" skips a test: make it run, or delete it")
			}
		}
	}
	return out
}

// secretsStay looks for every use of Reveal, called or passed on. Tests may look at secrets.
func secretsStay(s *source) (out []string) {
	used := map[string]bool{}
	for _, f := range s.only(func(f *goFile) bool { return !f.isTest() }) {
		f.inspect(func(n ast.Node) {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Reveal" {
				return
			}
			used[f.path] = true
			if reveals[f.path] == "" {
				out = append(out, f.at(sel)+" reveals a secret: compare with Secret.Equal; if it must go onto the wire or into a MAC, add the file to the list with the reason")
			}
		})
		out = append(out, compared(f)...)
	}
	for file := range reveals {
		if s.has(file) && !used[file] {
			out = append(out, file+" is on the list of files that reveal secrets and reveals none: take it off")
		}
	}
	return out
}

// compared are comparisons of a revealed secret, which would tell by their time how much of it was right.
func compared(f *goFile) (out []string) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		cmp, ok := n.(*ast.BinaryExpr)
		if !ok || cmp.Op != token.EQL && cmp.Op != token.NEQ {
			return true
		}
		for _, side := range []ast.Expr{cmp.X, cmp.Y} {
			if call, ok := side.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Reveal" {
					out = append(out, f.at(cmp)+" compares a secret with an operator: use Secret.Equal, or IsZero")
				}
			}
		}
		return true
	})
	return out
}

func nothingInits(s *source) (out []string) {
	for _, f := range s.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				out = append(out, f.at(fn)+" has an init: nothing happens by importing a package")
			}
		}
	}
	return out
}
