package explore

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// differences shows in what the canonical forms of two values differ, as far as anybody would read.
func differences(c *canon, world, real any) string {
	const most = 12
	there, here := sketch(c, world), sketch(c, real)
	var out []string
	for _, line := range there {
		if !slices.Contains(here, line) {
			out = append(out, "  world "+line)
		}
	}
	for _, line := range here {
		if !slices.Contains(there, line) {
			out = append(out, "  real  "+line)
		}
	}
	if len(out) == 0 {
		return "  only numbers that stand for something else"
	}
	return strings.Join(out[:min(len(out), most)], "\n")
}

// sketch is a value by the rules of canonical forms, one line for each part. Numbers are as they are.
func sketch(c *canon, v any) []string {
	var out []string
	c.sketch(&out, "", reflect.ValueOf(&v).Elem())
	return out
}

func (c *canon) sketch(out *[]string, path string, v reflect.Value) {
	line := func(value any) { *out = append(*out, fmt.Sprintf("%s = %v", strings.TrimPrefix(path, "."), value)) }
	name, _, _ := strings.Cut(typeName(v.Type()), "[")
	if c.types[name] != nil && v.CanAddr() {
		w := writer{canon: c}
		c.encoder(v.Type())(&w, v)
		line(fmt.Sprintf("%s %x %v", name, w.fixed[0], w.slots))
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return
		}
		inner := v.Elem()
		if v.Kind() == reflect.Interface {
			path += "(" + typeName(inner.Type()) + ")"
		}
		c.sketch(out, path, inner)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !c.skip[typeName(v.Type())+"."+f.Name] && !c.skip[strings.Split(typeName(v.Type()), ".")[0]+".*."+f.Name] {
				c.sketch(out, path+"."+f.Name, v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			c.sketch(out, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Map:
		for i := v.MapRange(); i.Next(); {
			c.sketch(out, fmt.Sprintf("%s[%v]", path, i.Key()), i.Value())
		}
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
	default:
		line(v)
	}
}
