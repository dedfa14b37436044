package config

import (
	"reflect"
	"strings"
)

// Secrecy says what may be shown of a setting as the file has it.
type Secrecy uint8

// What is known of a setting. The zero value shows nothing, so that a setting which no type knows stays hidden.
const (
	Unknown      Secrecy = iota // no type knows the key: it may be anything
	Open                        // a type says that it is no secret
	Confidential                // a type says that it is a Secret
)

// SecrecyOf makes a function that tells by the keys from the root what may be shown of what stands there. An item of a
// list is its number in brackets. What it knows comes from the types alone: those of the kinds, of the plugins and of this
// package.
// A key of an agent is Confidential if any kind of agent has a Secret there, for the kind may be what is being changed.
func SecrecyOf(parts SchemaParts) func(keys []string) Secrecy {
	return func(keys []string) Secrecy {
		switch {
		case len(keys) == 0:
			return Open
		case keys[0] == "channels":
			return secrecyOfChannel(parts.Channels, keys[1:])
		case keys[0] == "agents" && len(keys) > 2:
			return secrecyOfAgent(parts.Agents, keys[2:])
		case keys[0] == "agents":
			return Open
		case keys[0] == "plugins" && len(keys) > 3 && keys[1] == "entries" && keys[3] == "config":
			return secrecyIn(reflect.TypeOf(parts.Plugins[keys[2]]), keys[4:])
		}
		return secrecyIn(reflect.TypeFor[document](), keys)
	}
}

func secrecyOfChannel(kinds map[string]any, keys []string) Secrecy {
	if len(keys) < 2 {
		return Open // a section
	}
	settings, known := kinds[keys[0]]
	switch {
	case keys[1] == "defaultAccount" && len(keys) == 2:
		return Open
	case keys[1] == "accounts" && len(keys) < 4:
		return Open
	case !known:
		return Unknown
	case keys[1] == "accounts":
		return secrecyIn(reflect.TypeOf(settings), keys[3:])
	}
	return secrecyIn(reflect.TypeOf(settings), keys[1:])
}

func secrecyOfAgent(kinds map[string]any, keys []string) Secrecy {
	if len(keys) == 1 && keys[0] == "kind" {
		return Open
	}
	all := Unknown
	for _, settings := range kinds {
		all = max(all, secrecyIn(reflect.TypeOf(settings), keys))
	}
	return all
}

// secrecyIn follows the keys into a type. Below a Secret everything is one; below what takes anything, nothing is known.
func secrecyIn(t reflect.Type, keys []string) Secrecy {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil || t.Kind() == reflect.Interface || t == nodeType:
		return Unknown
	case t == secretType || t == secretListType:
		return Confidential
	case len(keys) == 0:
		return Open
	case isText(t):
		return Unknown
	}
	switch t.Kind() {
	case reflect.Struct:
		return secrecyIn(fields(t)[keys[0]], keys[1:])
	case reflect.Map:
		if t.Elem().Kind() == reflect.String && confidential.MatchString(keys[0]) {
			return Confidential // a header, a variable: named by the operator and not by a type
		}
		return secrecyIn(t.Elem(), keys[1:])
	case reflect.Slice, reflect.Array:
		if strings.HasPrefix(keys[0], "[") {
			return secrecyIn(t.Elem(), keys[1:])
		}
	}
	return Unknown
}
