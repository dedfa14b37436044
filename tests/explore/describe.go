package explore

import (
	"fmt"
	"reflect"
	"strings"
)

// describe says what a message is: its type and what little it takes to tell it from others.
func describe(msg any) string {
	if msg == nil {
		return "nothing"
	}
	v := reflect.ValueOf(msg)
	name := typeName(v.Type())
	if v.Kind() != reflect.Struct {
		return name
	}
	if parts := scalars(v); len(parts) > 0 {
		return name + "{" + strings.Join(parts, " ") + "}"
	}
	return name
}

// scalars are the short fields that say something.
func scalars(v reflect.Value) []string {
	var parts []string
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch f.Kind() {
		case reflect.String:
			if f.Len() > 0 && f.Len() <= 120 {
				parts = append(parts, fmt.Sprintf("%s=%s", name, f.String()))
			}
		case reflect.Uint64:
			if f.Uint() != 0 {
				parts = append(parts, fmt.Sprintf("%s=%d", name, f.Uint()))
			}
		case reflect.Bool:
			if f.Bool() {
				parts = append(parts, name)
			}
		case reflect.Interface:
			if !f.IsNil() && f.Elem().Kind() == reflect.Struct {
				parts = append(parts, name+"="+typeName(f.Elem().Type()))
			} else if !f.IsNil() && name == "Err" {
				parts = append(parts, "Err")
			}
		case reflect.Struct:
			if v.Type().Field(i).Anonymous {
				parts = append(parts, scalars(f)...)
			}
		}
	}
	return parts
}
