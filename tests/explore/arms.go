package explore

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Machines are the packages whose Step functions are searched, below actors.
var Machines = []string{"registry", "router", "methods", "reload", "supervisor"}

// Arm is one case of a type switch of a machine: one kind of input, answer, tag or timer that it can be given.
type Arm struct {
	File    string // from the root of the module
	Line    int
	Text    string // what stands behind case
	Covered bool

	from, to token.Position
}

// Sources are the files of a machine that decide: all but its tests and its shell.
func Sources(root, machine string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "actors", machine, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("look for the files of %s: %w", machine, err)
	}
	var out []string
	for _, file := range files {
		if name := filepath.Base(file); !strings.HasSuffix(name, "_test.go") && name != "actor.go" {
			out = append(out, filepath.ToSlash(strings.TrimPrefix(file, root+string(filepath.Separator))))
		}
	}
	return out, nil
}

// Arms finds the arms of all machines.
func Arms(root string) ([]Arm, error) {
	var out []Arm
	for _, m := range Machines {
		files, err := Sources(root, m)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			arms, err := armsOf(root, file)
			if err != nil {
				return nil, err
			}
			out = append(out, arms...)
		}
	}
	return out, nil
}

func armsOf(root, file string) ([]Arm, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, filepath.Join(root, file), nil, 0)
	if err != nil {
		return nil, fmt.Errorf("read the arms of %s: %w", file, err)
	}
	var out []Arm
	ast.Inspect(parsed, func(n ast.Node) bool {
		sw, is := n.(*ast.TypeSwitchStmt)
		if !is {
			return true
		}
		for _, stmt := range sw.Body.List {
			c := stmt.(*ast.CaseClause)
			if c.List == nil {
				continue // what fits nothing is no arm
			}
			var names []string
			for _, t := range c.List {
				names = append(names, typeText(t))
			}
			out = append(out, Arm{
				File: file, Line: set.Position(c.Pos()).Line, Text: strings.Join(names, ", "),
				from: set.Position(c.Colon), to: set.Position(c.End()),
			})
		}
		return true
	})
	return out, nil
}

func typeText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return typeText(e.X) + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	default:
		return fmt.Sprintf("%T", e)
	}
}

// Cover marks the arms that a coverage profile has entered.
func Cover(arms []Arm, profile string) error {
	f, err := os.Open(profile)
	if err != nil {
		return fmt.Errorf("read the coverage: %w", err)
	}
	defer f.Close()
	return cover(arms, f)
}

func cover(arms []Arm, profile io.Reader) error {
	lines := bufio.NewScanner(profile)
	for lines.Scan() {
		name, rest, is := strings.Cut(lines.Text(), ":")
		var line, col, toLine, toCol, statements, count int
		if _, err := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d", &line, &col, &toLine, &toCol, &statements, &count); !is || err != nil || count == 0 {
			continue
		}
		for i := range arms {
			a := &arms[i]
			if strings.HasSuffix(name, "/"+a.File) && after(line, col, a.from) && !after(line, col, a.to) {
				a.Covered = true
			}
		}
	}
	return lines.Err()
}

func after(line, col int, p token.Position) bool {
	return line > p.Line || line == p.Line && col >= p.Column
}
