package config

import (
	"encoding/hex"
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
	c, problems := r.config(src)
	if problems = append(problems, r.problems...); len(problems) > 0 {
		return c, problems.sorted()
	}
	return c, nil
}

// Sum is the hash that Load would give, and exists also for a configuration with faults, so that the same faults need
// not be told twice. It reads all that Load reads.
func Sum(src Source, environ []string) string {
	r, err := read(src, environ)
	if err != nil {
		return ""
	}
	return r.hash
}

// reading is a source with everything laid over and resolved, before anything is decoded.
type reading struct {
	root     *value // nil if the content could not be read at all
	problems Problems
	hash     string
}

func read(src Source, environ []string) (*reading, error) {
	content, problems := src.read()
	r := &reading{problems: problems}
	refs := &resolver{folder: src.folder(), environ: lookup(environ), found: map[string]string{}}
	set := map[string]string{}
	defer func() { r.hash = hex.EncodeToString(hash(src.key, content, set, refs.found)) }()
	if problems != nil {
		return r, nil
	}
	parse := readYAML
	if src.isJSON() {
		parse = readJSON
	}
	file, problems := parse(src.Path, content)
	r.problems = append(r.problems, problems...)
	switch {
	case file == nil:
		return r, nil
	case file.shape == null:
		file.shape = mapping
	case file.shape != mapping:
		r.problems = append(r.problems, file.problem(file.shape.String(), "a mapping with keys such as gateway and channels"))
		return r, nil
	}
	for name, content := range refs.environ {
		if strings.HasPrefix(name, envPrefix) {
			set[name] = content
		}
	}
	over := readEnviron(environ, file, namedVariables(file))
	merged, err := merge(file, environ, over)
	if err != nil {
		return nil, fmt.Errorf("merge the layers of the configuration: %w", err)
	}
	r.root = refs.resolve(merged)
	r.problems = append(append(r.problems, over.problems...), refs.problems...)
	return r, nil
}

// config decodes and checks.
func (r *reading) config(src Source) (*Config, Problems) {
	c := &Config{root: r.root, Path: src.Path, Hash: r.hash, Agents: map[string]Node{}, Channels: map[string]Channel{}, Plugins: map[string]PluginEntry{}}
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
