package explore

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Chosen is the variable of the environment that says which mutant a build with all guards is.
const Chosen = "EXPLORE_MUTANT"

// alone are machines that worlds only play: of their mutants none shows in a search.
var alone = []string{"run", "outbox", "lanes", "access", "agents", "journal"}

// Guards are the mechanical mutants: every condition of every machine, once never and once always true.
func Guards(root string) ([]Mutant, error) {
	var out []Mutant
	for _, machine := range slices.Concat(Machines, alone) {
		files, err := Sources(root, machine)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
			if err != nil {
				return nil, fmt.Errorf("guards of %s: %w", file, err)
			}
			guards, err := guardsOf(file, string(source))
			if err != nil {
				return nil, err
			}
			out = append(out, guards...)
		}
	}
	for i := range out {
		out[i].Choice = strconv.Itoa(i + 1)
	}
	return out, nil
}

// guardsOf are the mutants of one file, two for each condition.
func guardsOf(file, source string) ([]Mutant, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, 0)
	if err != nil {
		return nil, fmt.Errorf("guards of %s: %w", file, err)
	}
	var out []Mutant
	add := func(cond ast.Expr) {
		from, to := set.Position(cond.Pos()), set.Position(cond.End())
		text := source[from.Offset:to.Offset]
		for _, always := range []string{"false && ", "true || "} {
			out = append(out, Mutant{
				Name: fmt.Sprintf("%s:%d: %s(%s)", file, from.Line, always, strings.Join(strings.Fields(text), " ")),
				File: file, Old: text, New: always + "(" + text + ")", at: from.Offset,
			})
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			add(n.Cond)
		case *ast.SwitchStmt:
			if n.Tag != nil {
				return true
			}
			for _, stmt := range n.Body.List {
				for _, cond := range stmt.(*ast.CaseClause).List {
					add(cond)
				}
			}
		}
		return true
	})
	return out, nil
}

// Together makes the overlay of one build that can be each of these guards, by its Choice: what is built once is asked about
// all of them.
func Together(root, dir string, guards []Mutant) (overlay string, err error) {
	files, replace := map[string][]Mutant{}, map[string]string{}
	for _, g := range guards {
		files[g.File] = append(files[g.File], g)
	}
	put := func(original, text string) error {
		file := filepath.Join(dir, strings.ReplaceAll(original, "/", "-"))
		replace[filepath.Join(root, filepath.FromSlash(original))] = file
		return os.WriteFile(file, []byte(text), 0o600)
	}
	for file, guards := range files {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return "", fmt.Errorf("put the guards together: %w", err)
		}
		if err := put(file, together(string(source), guards)); err != nil {
			return "", fmt.Errorf("put the guards together: %w", err)
		}
		folder := path.Dir(file)
		if err := put(folder+"/mutant_chosen.go", fmt.Sprintf(choosing, path.Base(folder), Chosen)); err != nil {
			return "", fmt.Errorf("put the guards together: %w", err)
		}
	}
	return overlaid(dir, replace)
}

// choosing is the file beside the sources in which the choice is read.
const choosing = "package %s\n\nimport \"os\"\n\nvar mutantChosen = os.Getenv(%q)\n"

// together lays all guards of a file over its source.
func together(source string, guards []Mutant) string {
	type insertion struct {
		at   int
		text string
	}
	var all []insertion
	for _, g := range guards {
		before := fmt.Sprintf("mutantChosen != %q && (", g.Choice)
		if strings.HasPrefix(g.New, "true") {
			before = fmt.Sprintf("mutantChosen == %q || (", g.Choice)
		}
		all = append(all, insertion{g.at, "(" + before}, insertion{g.at + len(g.Old), "))"})
	}
	slices.SortStableFunc(all, func(a, b insertion) int { return cmp.Compare(a.at, b.at) })
	var out strings.Builder
	at := 0
	for _, i := range all {
		out.WriteString(source[at:i.at] + i.text)
		at = i.at
	}
	return out.String() + source[at:]
}
