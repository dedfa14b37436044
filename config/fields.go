package config

import (
	"reflect"
	"strings"
)

// fields maps the keys of a struct to the types of its fields; embedded structs count as if written out. What is no
// struct, or is written as text, has none.
func fields(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	eachField(t, func(key string, f reflect.Type) { out[key] = f })
	return out
}

// names lists the keys of a struct in the order of its fields.
func names(t reflect.Type) []string {
	var out []string
	eachField(t, func(key string, _ reflect.Type) { out = append(out, key) })
	return out
}

func eachField(t reflect.Type, visit func(key string, f reflect.Type)) {
	if t == nil || t.Kind() != reflect.Struct || isText(t) || t == nodeType {
		return
	}
	for f := range t.Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case key == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && key == "" && f.Type.Kind() == reflect.Struct:
			eachField(f.Type, visit)
		case key == "":
			visit(f.Name, f.Type)
		default:
			visit(key, f.Type)
		}
	}
}
