// Package edit changes the configuration file on an explicit call, and only what it was asked to change.
//
// What is read and written is the source form: references stay references, and what the environment lays over it is
// not seen. A change is made by splicing bytes at the places that the YAML library gives: nothing is written anew that
// says already what it should, so comments, order, quotes and line breaks stay. The YAML library alone says what a file
// means: the result is read again by it, and unless that is exactly the old content with the change, it is not written.
//
// Invariants: a write needs the hash of what it is based on, and is refused when the file is another one by then. The
// file is replaced by a rename, so that whoever reads it sees the old or the new one, whole. No value of a secret is in
// what Get returns, nor in any error: what no type knows counts as a secret. A refused write changes nothing.
//
// What is removed takes its own lines with it and the comment at the end of its line; a comment above it stays.
//
// A path is written as in a config.Problem: keys joined by dots, items by their number in brackets, as in
// bindings[0].match.channel. Of keys that have dots in them the longest that is there is meant. A key may also stand in
// brackets and double quotes, as in groups["a.b"].requireMention: then it is meant as it stands, there or not.
package edit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tailscale/hujson"

	"holdfast/config"
)

// Reasons of refusals, for errors.Is. The texts of the errors say what to do.
var (
	ErrInput    = errors.New("the change cannot be made as it is given")               // the value or the path
	ErrMask     = errors.New("a mask cannot be resolved")                              // which secret is meant
	ErrAbsent   = errors.New("nothing stands there")                                   // of Get
	ErrChanged  = errors.New("the configuration was changed in the meantime")          // base is not its hash
	ErrReadOnly = errors.New("the configuration cannot be written here")               // no file, JSON, rights
	ErrPlace    = errors.New("the value cannot be changed where it is used")           // alias, included file
	ErrForm     = errors.New("the file is written in a way that cannot be dealt with") // an unusual way of writing
	ErrLoss     = errors.New("most of the configuration would be lost")                // and Force was not given
	ErrInvalid  = errors.New("the configuration would not be valid")                   // errors.As: config.Problems
)

// File is a configuration file that can be changed. It holds nothing of the file itself, and is a value; calls that
// write must not run at the same time within one process.
type File struct {
	Source config.Source
	// Secrecy tells what may be shown; config.SecrecyOf makes one. Nil: everything but references is masked.
	Secrecy func(keys []string) config.Secrecy
	// Check says what is wrong with a file that is about to be written. Nil: whatever is YAML may be written.
	Check func(content []byte) config.Problems
	// Environ is the environment of the process, as os.Environ gives it: for warnings about what it overrides.
	Environ []string

	disk disk
}

// Reading is what stands at a path.
type Reading struct {
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"` // as in the file, keys in its order, secrets masked
	Hash  string          `json:"hash"`  // of the whole source, for Options.Base; it tells nothing of its content
	File  string          `json:"file,omitempty"`
	Line  int             `json:"line,omitempty"` // where the value begins, from 1; 0 in JSON
}

// Options of a write.
type Options struct {
	Base  string // the hash that was read before; required
	Force bool   // also if most of the file would be lost
	Dry   bool   // everything but the writing
}

// Result of a write.
type Result struct {
	Hash     string   `json:"hash"`     // of the file as it is now, or would be
	Changed  []string `json:"changed"`  // paths that were set or removed; none: the file said so already
	Warnings []string `json:"warnings"` // what may keep the change from having the effect that was meant
}

// Get reads what stands at a path; the empty path is the whole. The errors are config.Problems, ErrInput, ErrAbsent and
// ErrForm.
func (f File) Get(path string) (Reading, error) {
	content, err := f.Source.Content()
	if err != nil {
		return Reading{}, fmt.Errorf("reading the configuration: %w", err)
	}
	t, err := f.read(content)
	if err != nil {
		return Reading{}, fmt.Errorf("reading the configuration: %w", err)
	}
	keys, err := readPath(t.root, path)
	if err != nil {
		return Reading{}, err
	}
	v := t.root.at(keys)
	if v == nil {
		return Reading{}, f.absent(content, keys)
	}
	raw, err := json.Marshal(masker{f.Secrecy}.mask(v, keys))
	if err != nil {
		return Reading{}, fmt.Errorf("writing %q as JSON: %w", path, errors.New("it has no form in JSON"))
	}
	return Reading{Path: path, Value: raw, Hash: f.Source.Digest(content), File: f.Source.Path, Line: t.lineOf(keys)}, nil
}

// Set makes a path say value, which is JSON. Null removes, also below a mapping that is given. A mapping replaces the one
// that is there, but what is equal in both keeps its bytes. Missing mappings on the way are made; [n] with n the length of
// a list appends to it. See Options for what else is needed; the errors are those of this package, and config.Problems.
func (f File) Set(path string, given json.RawMessage, o Options) (Result, error) {
	return f.change(given, o, func(root, want *value) (*value, error) {
		keys, err := readPath(root, path)
		if err != nil {
			return nil, err
		}
		want, err = masker{f.Secrecy}.unmask(want, root.at(keys), keys)
		if err != nil {
			return nil, err
		}
		return set(root, keys, want)
	})
}

// Patch merges a JSON object into the file, as RFC 7396 has it: null removes, lists are replaced.
func (f File) Patch(given json.RawMessage, o Options) (Result, error) {
	return f.change(given, o, func(root, by *value) (*value, error) {
		if by.kind != mapping {
			return nil, fmt.Errorf("%w: a patch is an object: {\"log\": {\"level\": \"debug\"}}", ErrInput)
		}
		by, err := masker{f.Secrecy}.unmask(by, root, nil)
		if err != nil {
			return nil, err
		}
		return patch(root, by), nil
	})
}

// change makes a write: what is wanted, the splices, the checks, the saving.
func (f File) change(given json.RawMessage, o Options, want func(root, given *value) (*value, error)) (Result, error) {
	if err := f.writable(); err != nil {
		return Result{}, err
	}
	content, err := f.Source.Content()
	if err != nil {
		return Result{}, fmt.Errorf("reading the configuration: %w", err)
	}
	if o.Base == "" {
		return Result{}, fmt.Errorf("%w: the base is missing: read the configuration and give the hash that comes with it", ErrInput)
	}
	if o.Base != f.Source.Digest(content) {
		return Result{}, fmt.Errorf("%w: the base is not the hash of %s: read it again and make the change to what it says now", ErrChanged, f.Source.Path)
	}
	t, err := f.read(content)
	if err != nil {
		return Result{}, fmt.Errorf("reading the configuration: %w", err)
	}
	d, err := locate(t, string(bytes.TrimPrefix(content, bom)))
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	v, err := readJSON(given)
	if err != nil {
		return Result{}, fmt.Errorf("the value: %w", err)
	}
	wanted, err := want(t.root, v)
	if err != nil {
		return Result{}, err
	}
	if wanted.kind != mapping {
		return Result{}, fmt.Errorf("%w: a configuration is a mapping with keys such as gateway and channels", ErrInput)
	}
	after, changed, err := f.splice(d, wanted)
	if err != nil {
		return Result{}, err
	}
	if bytes.HasPrefix(content, bom) {
		after = append(bytes.Clone(bom), after...)
	}
	return f.save(content, after, changed, d, wanted, o)
}

// save checks the new content and puts it in the place of the old.
func (f File) save(before, after []byte, changed []change, d *document, wanted *value, o Options) (Result, error) {
	warnings, err := f.elsewhere(before, d, changed)
	if err != nil {
		return Result{}, err
	}
	if err := f.sound(before, after, d.tree.root, wanted, o.Force); err != nil {
		return Result{}, err
	}
	out := Result{Hash: f.Source.Digest(after), Changed: []string{}, Warnings: warnings}
	for _, one := range changed {
		out.Changed = append(out.Changed, one.keys.String())
	}
	if o.Dry || len(changed) == 0 {
		return out, nil
	}
	more, err := f.disk.replace(f.Source, o.Base, after)
	if err != nil {
		return Result{}, err
	}
	out.Warnings = append(out.Warnings, more...)
	return out, nil
}

// writable refuses what has no form that we can change.
func (f File) writable() error {
	switch {
	case f.Source.Path == "":
		return fmt.Errorf("%w: it is %s, which is no file: write one with gateway init and start with -c FILE", ErrReadOnly, f.Source)
	case f.Source.JSON():
		return fmt.Errorf("%w: %s is JSON, which is only read: edit it by hand, or keep the configuration as YAML", ErrReadOnly, f.Source.Path)
	}
	return nil
}

var bom = []byte("\ufeff")

// read reads what a file says. One that cannot be read is told as a load would tell it.
func (f File) read(content []byte) (*tree, error) {
	content = bytes.TrimPrefix(content, bom)
	var t *tree
	var err error
	if f.Source.JSON() {
		t, err = readJSONTree(content)
	} else {
		t, err = readTree(f.Source.Path, string(content))
	}
	var syntax errSyntax
	if errors.As(err, &syntax) {
		if c, problems := config.Inspect(f.Source.With(content), f.Environ); c == nil && problems != nil {
			return nil, problems
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return t, nil
}

// readJSONTree reads JSON with comments, which has no lines then.
func readJSONTree(content []byte) (*tree, error) {
	standard, err := hujson.Standardize(content)
	if err != nil {
		return nil, errSyntax{err}
	}
	v, err := readJSON(standard)
	if err != nil {
		return nil, errSyntax{err}
	}
	return &tree{root: v}, nil
}

// splice makes the content that says what is wanted, first as one would write it, then in the form that depends least on
// what is around it.
func (f File) splice(d *document, wanted *value) ([]byte, []change, error) {
	var last error
	for _, plain := range []bool{false, true} {
		w := &writer{document: d, style: style{step: d.step, flush: d.flush, plain: plain}}
		err := w.write(d.root, wanted, nil)
		if errors.Is(err, ErrPlace) {
			return nil, nil, err
		}
		var after string
		if err == nil {
			after, err = w.apply()
		}
		if err == nil {
			err = says(d.name, after, wanted)
		}
		if err == nil {
			return []byte(after), w.changes(wanted), nil
		}
		last = err
	}
	return nil, nil, fmt.Errorf("%w: %w: edit %s by hand", ErrForm, last, d.name)
}

// says reads a result again and compares it with what it is to say.
func says(name, content string, wanted *value) error {
	t, err := readTree(name, content)
	var syntax errSyntax
	switch {
	case errors.As(err, &syntax):
		return errors.New("the result would be no YAML")
	case err != nil:
		return err
	case !equal(t.root, wanted):
		return errors.New("the result would say something else as well")
	}
	return nil
}

// few is how many settings a file may have and still lose most of them without being asked twice.
const few = 6

// sound refuses a result that is not valid or has lost most of the file.
func (f File) sound(before, after []byte, was, wanted *value, force bool) error {
	if len(after) > config.MaxFile {
		return fmt.Errorf("%w: it would be larger than %d KiB", ErrInvalid, config.MaxFile>>10)
	}
	had, has := was.leaves(), wanted.leaves()
	if !force && had > few && (2*has < had || 2*len(after) < len(before)) {
		return fmt.Errorf("%w: of %d settings %d would be left: give force if that is meant", ErrLoss, had, has)
	}
	if f.Check == nil {
		return nil
	}
	if problems := f.Check(after); len(problems) > 0 {
		return fmt.Errorf("%w: %w", ErrInvalid, problems)
	}
	return nil
}
