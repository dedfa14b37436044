package control

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/channels"
)

// Codes of errors, as channels has them.
const (
	CodeParams  = channels.CodeParams
	CodeMethod  = channels.CodeMethod
	CodeFailed  = channels.CodeFailed
	CodeTimeout = channels.CodeTimeout
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
	look   func(w World, params any, now time.Time) (any, error)
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
		out = append(out, registry.Method{Name: name, Help: h.help, Reads: h.reads, Params: channels.Schema(h.params), Result: channels.Schema(h.result), Owner: owner})
	}
	slices.SortFunc(out, func(a, b registry.Method) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// decode reads params strictly into a fresh value of the handler's type.
func (h handler) decode(params []byte) (any, error) {
	if h.params == nil {
		return nil, channels.DecodeParams(params, nil)
	}
	into := reflect.New(reflect.TypeOf(h.params))
	if err := channels.DecodeParams(params, into.Interface()); err != nil {
		return nil, err
	}
	return into.Elem().Interface(), nil
}
