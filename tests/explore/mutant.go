package explore

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Mutant is one defect in a machine: a text that stands once in a file, and what stands there instead.
type Mutant struct {
	Name string
	File string // from the root of the module
	Old  string
	New  string
	In   string // the world to search first, because it shows there; empty: any
	at   int    // where Old stands; 0: wherever it is found
}

// Apply makes the overlay of a build in which the defect is there. It writes below dir and touches nothing else.
func (m Mutant) Apply(root, dir string) (overlay string, err error) {
	original := filepath.Join(root, filepath.FromSlash(m.File))
	source, err := os.ReadFile(original)
	if err != nil {
		return "", fmt.Errorf("mutant %q: %w", m.Name, err)
	}
	changed, err := m.change(string(source))
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "mutant.go")
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		return "", fmt.Errorf("mutant %q: %w", m.Name, err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	if err != nil {
		return "", fmt.Errorf("mutant %q: %w", m.Name, err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		return "", fmt.Errorf("mutant %q: %w", m.Name, err)
	}
	return overlay, nil
}

func (m Mutant) change(source string) (string, error) {
	if m.at > 0 {
		return source[:m.at] + m.New + source[m.at+len(m.Old):], nil
	}
	if n := strings.Count(source, m.Old); n != 1 {
		return "", fmt.Errorf("mutant %q: what it changes stands %d times in %s, want once: bring it up to date", m.Name, n, m.File)
	}
	return strings.Replace(source, m.Old, m.New, 1), nil
}

// Check tells which mutants do not fit the sources any more.
func Check(root string, mutants []Mutant) error {
	var all []error
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
		if err == nil {
			_, err = m.change(string(source))
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// alone are machines that worlds only play: of their mutants none shows in a search.
var alone = []string{"run", "outbox", "lanes", "access", "agents", "journal"}

// Searched tells whether the mutant is in a machine of the worlds.
func (m Mutant) Searched() bool {
	return slices.Contains(Machines, path.Base(path.Dir(m.File)))
}

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
	return out, nil
}

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
