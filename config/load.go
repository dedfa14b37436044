package config

import (
	"fmt"
	"strings"
)

// Load reads a source and lays environ, in the form of os.Environ, over it. The error is Problems: every fault at
// once, sorted by place. What the kinds have to say about their nodes is not among them.
func Load(src Source, environ []string) (*Config, error) {
	c, err := Inspect(src, environ)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Inspect is Load for those who want to say more about a configuration with faults: as long as the content could be read
// at all, the value is there as well, with defaults where the faults are. It must not be used for anything else.
func Inspect(src Source, environ []string) (*Config, error) {
	r, err := read(src, environ)
	if err != nil {
		return nil, err
	}
	if r.root == nil {
		return nil, r.problems.sorted()
	}
	c, problems := r.config(src, r.basis(src, environ))
	if problems = append(problems, r.problems...); len(problems) > 0 {
		return c, problems.sorted()
	}
	return c, nil
}

// reading is a source with everything laid over and resolved, before anything is decoded.
type reading struct {
	written  *value // the file with all that it includes; references are references
	root     *value // nil if the content could not be read at all
	problems Problems
	seen     *seen
}

// read always returns a reading; it is not complete if there is an error.
func read(src Source, environ []string) (*reading, error) {
	r := &reading{seen: newSeen(src.key)}
	file := r.files(src)
	if file == nil {
		return r, nil
	}
	r.written = file.without("include")
	refs := &resolver{folder: src.folder(), environ: lookup(environ), seen: r.seen}
	for _, name := range sortedKeys(refs.environ) {
		if strings.HasPrefix(name, envPrefix) {
			r.seen.note("set", name, refs.environ[name])
		}
	}
	over := readEnviron(environ, file, namedVariables(file))
	merged, err := merge(file, environ, over)
	if err != nil {
		return r, fmt.Errorf("merge the layers of the configuration: %w", err)
	}
	r.root = refs.resolve(merged)
	r.problems = append(append(r.problems, over.problems...), refs.problems...)
	return r, nil
}

// files returns the file with all that it includes; nil if not all of it could be read.
func (r *reading) files(src Source) *value {
	data, problems := src.read(r.seen)
	if problems != nil {
		r.problems = problems
		return nil
	}
	file, problems := parse(src.Path, data)
	r.problems = problems
	if file == nil {
		return nil
	}
	n := &includer{seen: r.seen, folder: src.folder(), main: src.Path, room: MaxContent - len(data)}
	file = n.include(file)
	r.problems = append(r.problems, n.problems...)
	return file
}

// basis is what the reading rests on.
func (r *reading) basis(src Source, environ []string) *Basis {
	return &Basis{
		path: src.Path, environ: fingerprint(src.key, nil, environ...), facts: r.seen.facts, hash: r.seen.sum(), files: r.seen.paths,
	}
}

// config decodes and checks.
func (r *reading) config(src Source, on *Basis) (*Config, Problems) {
	c := &Config{
		Path: src.Path, Files: on.files, Hash: on.hash, basis: on,
		Agents: map[string]Node{}, Channels: map[string]Channel{}, Plugins: map[string]PluginEntry{}, root: r.root,
		written: r.written, folder: src.folder(),
	}
	d := &decoder{}
	var doc document
	d.decode(r.root, &doc)
	c.Gateway, c.Log, c.Messages, c.Bindings = doc.Gateway, doc.Log, doc.Messages, doc.Bindings
	b := &builder{Config: c, problems: d.problems, idle: d.idle}
	b.channels(doc.Channels)
	b.agents(doc.Agents)
	b.plugins(doc.Plugins.Entries)
	b.check()
	c.Unused = b.idle.sorted()
	dir, err := c.stateDir(src)
	if err != nil {
		b.bad("gateway.stateDir", "", "an absolute folder: the working folder cannot be found")
	}
	c.Gateway.StateDir = dir
	return c, b.problems
}
