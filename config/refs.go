package config

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// MaxSecretFile is the largest file that a reference may name, in bytes.
const MaxSecretFile = 64 << 10

var (
	reference = regexp.MustCompile(`^(?:env|file):.`)
	// nearReference also fits what looks like one and is none: ${NAME} as other gateways write it, and sources that we
	// do not have.
	nearReference = regexp.MustCompile(`^(?:[A-Za-z_][A-Za-z0-9_]*|[a-z]+:.*)$`)
)

// resolver replaces references in text: ${env:NAME} and ${file:/path}. $${ stands for ${ as it is.
type resolver struct {
	folder   string // of relative paths
	environ  map[string]string
	seen     *seen
	problems Problems
}

// lookup makes a map of an environment; the last of equal names counts, as for a process that is started with it.
func lookup(environ []string) map[string]string {
	out := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, content, ok := strings.Cut(entry, "="); ok {
			out[name] = content
		}
	}
	return out
}

// resolve returns v with every reference replaced. What has none in it is the same value.
func (r *resolver) resolve(v *value) *value {
	switch v.shape {
	case list:
		return r.list(v)
	case mapping:
		return r.mapping(v)
	case text:
		if strings.Contains(v.scalar.(string), "${") {
			out := *v
			r.expand(&out)
			return &out
		}
	}
	return v
}

func (r *resolver) list(v *value) *value {
	out := v
	for i, one := range v.items {
		done := r.resolve(one)
		if done == one {
			continue
		}
		if out == v {
			whole := *v
			out, whole.items = &whole, slices.Clone(v.items)
		}
		out.items[i] = done
	}
	return out
}

func (r *resolver) mapping(v *value) *value {
	out := v
	for _, key := range v.keys {
		done := r.resolve(v.members[key])
		if done == v.members[key] {
			continue
		}
		if out == v {
			whole := *v
			out, whole.members = &whole, maps.Clone(v.members)
		}
		out.members[key] = done
	}
	return out
}

func (r *resolver) expand(v *value) {
	var done strings.Builder
	var refs []string
	rest := v.scalar.(string)
	for {
		before, after, found := strings.Cut(rest, "${")
		name, next, closed := strings.Cut(after, "}")
		switch {
		case !found:
			done.WriteString(rest)
			v.scalar, v.ref = done.String(), strings.Join(refs, " and ")
			return
		case strings.HasSuffix(before, "$"):
			done.WriteString(strings.TrimSuffix(before, "$") + "${")
			rest = after
		case !nearReference.MatchString(name):
			done.WriteString(before + "${")
			rest = after
		case !closed || !reference.MatchString(name):
			r.misread(v)
			return
		default:
			content, ok := r.take(v, name)
			if !ok {
				return
			}
			done.WriteString(before + content)
			refs = append(refs, "${"+name+"}")
			rest = next
		}
	}
}

// misread does not show the text: it may be a password with a dollar in it.
func (r *resolver) misread(v *value) {
	v.shape, v.scalar, v.broken = null, nil, true
	r.problems = append(r.problems, v.problem("", "a reference such as ${env:NAME} or ${file:/path}; write $${ for a plain ${"))
}

// take returns what a reference stands for. The first fault of a text ends it.
func (r *resolver) take(v *value, ref string) (string, bool) {
	var content, fault, want string
	source, name, _ := strings.Cut(ref, ":")
	switch source {
	case "env":
		var there bool
		content, there = r.environ[name]
		want = "the environment variable " + name + " to hold the value when the gateway starts"
		if !there {
			fault = "is not set"
		}
	case "file":
		if !filepath.IsAbs(name) {
			name = filepath.Join(r.folder, name)
		}
		var data []byte
		data, fault = r.seen.file(name, MaxSecretFile)
		content = strings.TrimRight(string(data), "\r\n")
		want = "the file " + name + " to hold the value"
	}
	if fault == "" && content == "" {
		fault = "is empty"
	}
	r.seen.note("reference", ref, content, fault)
	if fault != "" {
		v.shape, v.scalar, v.broken = null, nil, true
		r.problems = append(r.problems, v.problem("${"+ref+"}, which "+fault, want))
		return "", false
	}
	return content, true
}

var envReference = regexp.MustCompile(`\$\{env:([^}]*)\}`)

// namedVariables lists the environment variables that references in v name.
func namedVariables(v *value) map[string]bool {
	out := map[string]bool{}
	v.each(func(one *value) {
		if one.shape == text {
			for _, m := range envReference.FindAllStringSubmatch(one.scalar.(string), -1) {
				out[m[1]] = true
			}
		}
	})
	return out
}
