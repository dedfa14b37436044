package config

import (
	"reflect"
	"slices"
	"strings"
)

// envPrefix starts the name of every variable that sets something; "__" stands between the keys of its path. Case
// does not count, nor does "_" inside a key: HOLDFAST_GATEWAY__STATE_DIR is gateway.stateDir.
const envPrefix = "HOLDFAST_"

// overlay is what the environment sets: which variable stands for which place.
type overlay struct {
	file     *value
	exempt   map[string]bool     // variables that the configuration names in a reference
	trails   map[string][]string // by variable
	problems Problems
}

// readEnviron finds the place of each variable of ours. Names that stand for nothing are problems: a setting that was
// meant must not be lost to a slip of the pen.
func readEnviron(environ []string, file *value, exempt map[string]bool) *overlay {
	e := &overlay{file: file, exempt: exempt, trails: map[string][]string{}}
	owners := map[string]string{}
	names := map[string]bool{}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, envPrefix) && name != EnvConfig && !exempt[name] {
			names[name] = true
		}
	}
	for _, name := range sortedKeys(names) {
		trail, fault := e.resolve(name)
		if fault != nil {
			e.problems = append(e.problems, *fault)
			continue
		}
		bad := func(want string) {
			e.problems = append(e.problems, Problem{File: name, Path: path(trail), Want: want})
		}
		if other, taken := overlap(trail, owners); taken {
			bad("one variable for one setting; " + other + " sets it too")
			continue
		}
		if section := e.obstacle(trail); section != "" {
			bad("a mapping at " + section + " in the file")
			continue
		}
		owners[strings.Join(trail, delimiter)] = name
		e.trails[name] = trail
	}
	return e
}

// overlap finds a variable whose place is the same, above or below.
func overlap(trail []string, owners map[string]string) (string, bool) {
	mine := strings.Join(trail, delimiter) + delimiter
	for _, theirs := range sortedKeys(owners) {
		if strings.HasPrefix(mine, theirs+delimiter) || strings.HasPrefix(theirs+delimiter, mine) {
			return owners[theirs], true
		}
	}
	return "", false
}

// obstacle finds what the file has where the trail needs a section: the environment must not hide that fault.
func (e *overlay) obstacle(trail []string) string {
	for i := range trail {
		if v := e.file.walk(trail[:i]...); v != nil && v.shape != mapping && v.shape != null {
			return v.path()
		}
	}
	return ""
}

// resolve turns HOLDFAST_A__B into the keys a, b as the configuration spells them.
func (e *overlay) resolve(name string) ([]string, *Problem) {
	unknown := func(want string) *Problem { return &Problem{File: name, Got: "a name that sets nothing", Want: want} }
	var trail []string
	for segment := range strings.SplitSeq(strings.TrimPrefix(name, envPrefix), "__") {
		known, open := e.keys(trail)
		key, ok := match(segment, known)
		switch {
		case ok:
		case open && strings.Trim(segment, "_") != "":
			key = strings.ToLower(segment)
		default:
			return nil, unknown("a known name; the closest is " + closest(name, e.known()))
		}
		trail = append(trail, key)
	}
	if !e.settable(trail) {
		return nil, unknown("the name of one setting, such as " + closest(name, e.known()))
	}
	return trail, nil
}

// keys lists the keys that may stand below a trail; open says that there may be others, which only a kind knows.
func (e *overlay) keys(trail []string) (known []string, open bool) {
	if len(trail) == 0 {
		return []string{"gateway", "log", "messages", "channels", "agents", "plugins"}, false
	}
	if t, core := coreType(trail); core {
		return names(t), false
	}
	switch {
	case trail[0] == "plugins" && len(trail) == 3:
		return names(reflect.TypeFor[PluginEntry]()), false
	case trail[0] == "plugins" && len(trail) > 3 && trail[3] == "enabled":
		return nil, false
	}
	if v := e.file.walk(trail...); v != nil {
		known = slices.Clone(v.keys)
	}
	if trail[0] == "channels" && len(trail) == 2 {
		known = append(known, "accounts", "defaultAccount")
	}
	return known, true
}

// settable tells whether a trail leads to one setting and not to a section.
func (e *overlay) settable(trail []string) bool {
	if t, core := coreType(trail); core {
		return t != nil && len(names(t)) == 0
	}
	least := 3 // agents.<name>.<setting>, channels.<kind>.<setting>
	switch {
	case trail[0] == "channels" && len(trail) > 2 && trail[2] == "accounts":
		least = 5
	case trail[0] == "plugins" && len(trail) > 3 && trail[3] == "enabled":
		least = 4
	case trail[0] == "plugins":
		least = 5 // plugins.entries.<name>.config.<setting>
	}
	v := e.file.walk(trail...)
	return len(trail) >= least && (v == nil || v.shape != mapping)
}

// coreType finds the type at a trail below the sections that this package knows; core is false in the others.
func coreType(trail []string) (t reflect.Type, core bool) {
	if trail[0] == "channels" || trail[0] == "agents" || trail[0] == "plugins" && len(trail) > 1 {
		return nil, false
	}
	t = reflect.TypeFor[document]()
	for _, key := range trail {
		f, ok := fields(t)[key]
		if !ok {
			return nil, true
		}
		t = f
	}
	return t, true
}

// known lists the variables that could have been meant: every core setting, and every setting in the file.
func (e *overlay) known() []string {
	var out []string
	for _, section := range []string{"gateway", "log", "messages"} {
		t, _ := coreType([]string{section})
		for _, trail := range leaves(t, []string{section}) {
			out = append(out, envName(trail))
		}
	}
	for _, section := range []string{"channels", "agents", "plugins"} {
		if v := e.file.member(section); v != nil {
			v.each(func(one *value) {
				if last := one.trail[len(one.trail)-1]; one.shape != mapping && !strings.HasPrefix(last, "[") {
					out = append(out, envName(one.trail))
				}
			})
		}
	}
	return out
}

// leaves lists the settings of a section.
func leaves(t reflect.Type, trail []string) [][]string {
	if len(names(t)) == 0 {
		return [][]string{trail}
	}
	var out [][]string
	for _, key := range names(t) {
		out = append(out, leaves(fields(t)[key], append(slices.Clip(trail), key))...)
	}
	return out
}

func envName(trail []string) string {
	return envPrefix + strings.ToUpper(underscored(strings.Join(trail, "__")))
}

// match finds the key that a segment of a variable's name means: in any case, with "_" for what a name of a variable
// cannot hold, or without what separates words.
func match(segment string, known []string) (string, bool) {
	for _, same := range []func(string) string{strings.ToLower, underscored, folded} {
		for _, key := range known {
			if same(key) == same(segment) {
				return key, true
			}
		}
	}
	return "", false
}

func underscored(s string) string {
	return strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToLower(s))
}

// folded is a key without case and without what separates words.
func folded(s string) string {
	return strings.NewReplacer("-", "", ".", "", "_", "").Replace(strings.ToLower(s))
}
