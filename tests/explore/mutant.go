package explore

import (
	"encoding/json"
	"errors"
	"fmt"
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
	// Choice is how a mechanical mutant is chosen in a build that has all of them, as Chosen=Choice in the environment. It is
	// empty for one made by hand.
	Choice string

	at int // where Old stands; 0: wherever it is found
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
	return overlaid(dir, map[string]string{original: file})
}

// overlaid writes what the go command calls an overlay: which file stands for which.
func overlaid(dir string, replace map[string]string) (overlay string, err error) {
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("write an overlay: %w", err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		return "", fmt.Errorf("write an overlay: %w", err)
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

// Searched tells whether the mutant is in a machine of the worlds.
func (m Mutant) Searched() bool {
	return slices.Contains(Machines, path.Base(path.Dir(m.File)))
}
