package channels

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"holdfast/config"
)

// Codes of errors as JSON-RPC 2.0 has them; from -32000 down they are ours.
const (
	CodeParams  = -32602
	CodeMethod  = -32601
	CodeFailed  = -32000 // it could not be done; the message says why and what to do
	CodeTimeout = -32001 // no answer in time; it may still be carried out
	CodeBusy    = -32002 // too many calls are under way; nothing was begun
)

// CallError is an error of a method as JSON-RPC has it.
type CallError struct {
	Code    int
	Message string // for people: what is wrong and what to do; no secrets
	Data    []byte // JSON; nil for none
}

func (e *CallError) Error() string { return e.Message }

// BadParams says that the caller must ask otherwise: text names the field, what was got, what is wanted.
func BadParams(text string, args ...any) error {
	return &CallError{Code: CodeParams, Message: fmt.Sprintf(text, args...)}
}

// None is the type of params for a method that takes none.
type None struct{}

// NewMethod makes a method of a Go function. Its schemas are made of P and R; params are decoded strictly into a fresh P,
// and the function never sees others. Both are structs with json tags; P is None for a method without params.
func NewMethod[P, R any](name, help string, call func(context.Context, P) (R, error)) Method {
	var (
		params P
		result R
	)
	_, takesNone := any(params).(None)
	m := Method{Name: name, Help: help, Result: Schema(result)}
	if !takesNone {
		m.Params = Schema(params)
	}
	m.Call = func(ctx context.Context, raw []byte) ([]byte, error) {
		var p P
		into := any(&p)
		if takesNone {
			into = nil
		}
		if err := DecodeParams(raw, into); err != nil {
			return nil, BadParams("%v", err)
		}
		r, err := call(ctx, p)
		if err != nil {
			return nil, err
		}
		return json.Marshal(r)
	}
	return m
}

// Reading marks a method that changes nothing.
func (m Method) Reading() Method { m.Reads = true; return m }

// Schema is the JSON Schema of a Go type, given by its zero value; nil has none. A type that has none is a bug, and panics.
func Schema(zero any) []byte {
	if zero == nil {
		return nil
	}
	r := jsonschema.Reflector{DoNotReference: true, Anonymous: true, Mapper: func(t reflect.Type) *jsonschema.Schema {
		if t == reflect.TypeFor[config.Duration]() {
			return &jsonschema.Schema{Type: "string", Examples: []any{"500ms", "30s", "24h"}}
		}
		return nil
	}}
	out, err := json.Marshal(r.Reflect(zero))
	if err != nil {
		panic(fmt.Sprintf("schema of %T: %v", zero, err)) // our own types; a test reads them all
	}
	return out
}

// DecodeParams reads the params of a call strictly into a pointer to a struct with json tags; nil stands for a method that
// takes none. Absent params leave what into points to as it is. The error is in the caller's words.
func DecodeParams(params []byte, into any) error {
	params = bytes.TrimSpace(params)
	empty := slices.Contains([]string{"", "null", "{}", "[]"}, string(params))
	switch {
	case empty:
		return nil
	case into == nil:
		return errors.New("this method takes no params")
	}
	dec := json.NewDecoder(bytes.NewReader(params))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return misread(err, reflect.TypeOf(into).Elem())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("params: want one JSON object and nothing after it")
	}
	return nil
}

// misread says in the caller's words what is wrong with params: the field, what was got, what is wanted.
func misread(err error, t reflect.Type) error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("params: got a JSON %s, want an object with %s", kind.Value, fieldsOf(t))
	case errors.As(err, &kind):
		return fmt.Errorf("%s: got a JSON %s, want %s", kind.Field, kind.Value, wanted(kind.Type))
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return fmt.Errorf("params: unknown field %s; there are %s", name, fieldsOf(t))
	}
	return fmt.Errorf("params: %w", err)
}

// fieldsOf lists the names of the params.
func fieldsOf(t reflect.Type) string {
	var out []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

// wanted names what a field is written as.
func wanted(t reflect.Type) string {
	text := reflect.TypeFor[encoding.TextUnmarshaler]()
	if t.Implements(text) || reflect.PointerTo(t).Implements(text) {
		return "a text"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Uint64:
		return "a number from 0"
	default:
		return "a number"
	}
}
