package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-viper/mapstructure/v2"
)

var (
	nodeType       = reflect.TypeFor[Node]()
	secretType     = reflect.TypeFor[Secret]()
	secretListType = reflect.TypeFor[[]Secret]()
	durationType   = reflect.TypeFor[Duration]()
	textType       = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isText tells whether a type is written as text.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// decoder carries a value over into Go types. The library does the carrying; what may be carried is decided in the
// hook, which sees each value with its place before the library does and hands on only what fits.
type decoder struct {
	problems Problems
	idle     Problems // keys that are known but have no use here
}

// decode fills into, which holds the defaults. Lists and maps replace theirs; structs keep what is not named.
func (d *decoder) decode(v *value, into any) {
	carrier, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		TagName:    "json",
		Squash:     true,
		MatchName:  func(key, field string) bool { return key == field },
		DecodeHook: d.hook,
		Result:     into,
	})
	if err == nil {
		err = carrier.Decode(v)
	}
	if err != nil { // the library's text may hold the value, so it is not told
		d.bad(v, v.shape.String(), fmt.Sprintf("what fits the settings' type %T", into))
	}
}

func (d *decoder) bad(v *value, got, want string) {
	d.problems = append(d.problems, v.problem(got, want))
}

// hook is called by the library for every value and for every key of a map. A nil result leaves the default.
func (d *decoder) hook(from, to reflect.Value) (any, error) {
	v, ours := from.Interface().(*value)
	if !ours {
		return from.Interface(), nil
	}
	t := to.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		if v.shape == null {
			return nil, nil
		}
		return v, nil // the library comes back with what it points to
	case t == nodeType && v.shape == mapping:
		return Node{v}, nil
	case t == nodeType && v.shape == null && !v.broken:
		empty := *v
		empty.shape = mapping
		return Node{&empty}, nil
	case v.shape == null:
		return nil, nil
	}
	out, want := d.fit(v, to)
	if want != "" && v.broken {
		return nil, nil // already reported for what is in it
	}
	if want != "" {
		got := v.shape.String()
		if v.shape == text && t != secretType && t.Kind() != reflect.Struct {
			got = v.shown()
		}
		d.bad(v, got, want)
		return nil, nil
	}
	return out, nil
}

// fit returns the value in the form that the library carries into to, or what would be right.
func (d *decoder) fit(v *value, to reflect.Value) (out any, want string) {
	t := to.Type()
	if t == nodeType {
		return nil, "a mapping of settings"
	}
	if isText(t) {
		return fitText(v, t)
	}
	switch t.Kind() {
	case reflect.Bool:
		return fitBool(v)
	case reflect.String:
		if v.shape == number || v.shape == boolean {
			return nil, "text: put it in quotes"
		}
		return only(v, text, "text")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fitWhole(v, to)
	case reflect.Float32, reflect.Float64:
		if v.env {
			if f, err := strconv.ParseFloat(v.scalar.(string), 64); err == nil {
				return f, ""
			}
		}
		return only(v, number, "a number")
	case reflect.Slice:
		return d.fitList(v, to)
	case reflect.Map:
		if v.shape != mapping {
			return nil, "a mapping"
		}
		to.SetZero() // or the library would add to the default
		return v.members, ""
	case reflect.Struct:
		if v.shape != mapping {
			return nil, "a mapping of settings"
		}
		return d.known(v, t), ""
	case reflect.Interface:
		return v.plain(), ""
	}
	return nil, "a setting of another type than " + t.String()
}

func only(v *value, s shape, want string) (any, string) {
	if v.shape != s {
		return nil, want
	}
	return v.scalar, ""
}

func fitText(v *value, t reflect.Type) (any, string) {
	want := "text"
	if t == durationType {
		want = wantDuration
	}
	if v.shape != text {
		if t != durationType && (v.shape == number || v.shape == boolean) {
			want += ": put it in quotes"
		}
		return nil, want
	}
	into := reflect.New(t)
	if err := into.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(v.scalar.(string))); err != nil {
		if t != durationType {
			want = "text that is a " + t.Name()
		}
		return nil, want
	}
	return into.Elem().Interface(), ""
}

func fitBool(v *value) (any, string) {
	if v.env {
		switch strings.ToLower(v.scalar.(string)) {
		case "true":
			return true, ""
		case "false":
			return false, ""
		}
	}
	return only(v, boolean, "true or false, without quotes")
}

func fitWhole(v *value, to reflect.Value) (any, string) {
	const want = "a whole number, without quotes"
	var i int64
	switch n := v.scalar.(type) {
	case int64:
		i = n
	case float64:
		if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
			return nil, want
		}
		i = int64(n)
	default:
		var err error
		if !v.env {
			return nil, want
		}
		if i, err = strconv.ParseInt(v.scalar.(string), 10, 64); err != nil {
			return nil, want
		}
	}
	if to.CanUint() {
		if i < 0 || to.OverflowUint(uint64(i)) {
			return nil, "a whole number from 0 that fits " + to.Type().String()
		}
		return i, ""
	}
	if to.OverflowInt(i) {
		return nil, "a whole number that fits " + to.Type().String()
	}
	return i, ""
}

// fitList takes lists; for a list of secrets also one secret, and from the environment words between commas.
func (d *decoder) fitList(v *value, to reflect.Value) (any, string) {
	items := v.items
	switch {
	case v.shape == list:
	case v.shape == text && to.Type() == secretListType:
		items = []*value{v}
	case v.env && to.Type() != secretListType:
		for i, word := range strings.FieldsFunc(v.scalar.(string), func(r rune) bool { return r == ',' }) {
			one := *v
			one.scalar, one.trail = strings.TrimSpace(word), v.below(item(i))
			items = append(items, &one)
		}
	case to.Type() == secretListType:
		return nil, "text or a list of text"
	default:
		return nil, "a list"
	}
	for _, one := range items {
		if one.shape == null && !one.broken {
			d.bad(one, "nothing", "a value, or the line removed")
		}
	}
	to.SetZero() // or the library would write into the default's memory
	if items == nil {
		items = []*value{}
	}
	return items, ""
}

// known returns the members that a struct has fields for, under the names of the fields. The others are problems,
// but for those that have no use here.
func (d *decoder) known(v *value, t reflect.Type) map[string]*value {
	of := fields(t)
	out := make(map[string]*value, len(v.keys))
	for _, key := range v.keys {
		m := v.members[key]
		if _, ok := of[key]; ok {
			out[key] = m
			continue
		}
		if name, ok := match(key, names(t)); ok && m.env {
			out[name] = m
			continue
		}
		if idle(m.trail) {
			d.idle = append(d.idle, m.unused())
			continue
		}
		d.problems = append(d.problems, m.key.problem(m.path(), "an unknown key", wantKey(m.trail, names(t))))
	}
	return out
}

func wantKey(trail, known []string) string {
	if other := renamed(trail); other != "" {
		return other
	}
	if best := meant(trail[len(trail)-1], known); best != "" {
		return "a known key; did you mean " + best + "?"
	}
	return "a known key: " + strings.Join(known, ", ")
}
