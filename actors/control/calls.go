package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/config"
)

// Codes of errors as JSON-RPC 2.0 has them; below -32000 they are ours.
const (
	CodeParams  = -32602
	CodeMethod  = -32601
	CodeFailed  = -32000 // the gateway could not do it; the message says why and what to do
	CodeTimeout = -32001 // no answer in time; the order may still be carried out
)

// handler is one method. Either it asks the owner of the state, or it looks at what everybody may read.
type handler struct {
	help   string
	reads  bool
	params any // zero value; nil takes none
	result any // zero value, for the schema

	within time.Duration // of ask
	ask    func(p Places, params any) (to kit.Addr, msg any, err error)
	render func(answer any) (any, error) // turns the owner's answer into the result
	look   func(w World, now time.Time) any
	byName bool // the owner is found by a name that the caller gives
	stop   bool // ends the process
}

// Places are the actors that methods talk to.
type Places struct {
	Reload, Journal, Access, Outbox kit.Addr
}

// Methods is the core's part of the method table, by name; owner gets the calls.
func Methods(owner kit.Addr) []registry.Method {
	var out []registry.Method
	for name, h := range handlers {
		out = append(out, registry.Method{Name: name, Help: h.help, Reads: h.reads, Params: schema(h.params), Result: schema(h.result), Owner: owner})
	}
	slices.SortFunc(out, func(a, b registry.Method) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// schema reflects a Go type; nil has none.
func schema(zero any) []byte {
	if zero == nil {
		return nil
	}
	r := jsonschema.Reflector{DoNotReference: true, Anonymous: true, Mapper: func(t reflect.Type) *jsonschema.Schema {
		if t == reflect.TypeFor[config.Duration]() {
			return &jsonschema.Schema{Type: "string", Description: "a duration such as 1m30s"}
		}
		return nil
	}}
	out, err := json.Marshal(r.Reflect(zero))
	if err != nil {
		panic(fmt.Sprintf("schema of %T: %v", zero, err)) // our own types; a test reads them all
	}
	return out
}

// decode reads params strictly into a fresh value of the handler's type.
func (h handler) decode(params []byte) (any, error) {
	params = bytes.TrimSpace(params)
	empty := slices.Contains([]string{"", "null", "{}", "[]"}, string(params))
	if h.params == nil {
		if !empty {
			return nil, errors.New("this method takes no params")
		}
		return nil, nil //nolint:nilnil // a method without params
	}
	into := reflect.New(reflect.TypeOf(h.params))
	if empty {
		return into.Elem().Interface(), nil
	}
	dec := json.NewDecoder(bytes.NewReader(params))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into.Interface()); err != nil {
		return nil, h.misread(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("params: want one JSON object and nothing after it")
	}
	return into.Elem().Interface(), nil
}

// misread says in the caller's words what is wrong with params: the field, what was got, what is wanted.
func (h handler) misread(err error) error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("params: got a JSON %s, want an object with %s", kind.Value, h.fields())
	case errors.As(err, &kind):
		return fmt.Errorf("%s: got a JSON %s, want a %s", kind.Field, kind.Value, wanted(kind.Type))
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return fmt.Errorf("params: unknown field %s; there are %s", name, h.fields())
	}
	return fmt.Errorf("params: %w", err)
}

// fields lists the names of the params.
func (h handler) fields() string {
	var out []string
	for f := range reflect.TypeOf(h.params).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

// wanted names the kind of a field.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Uint64:
		return "number from 0"
	default:
		return "number"
	}
}
