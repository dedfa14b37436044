package control

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/channels"
)

// Conn is one connection. It never changes: what is under way stands in the tags of the questions.
type Conn struct {
	Self   kit.Addr
	Peer   string
	Places Places
}

// calling is the tag of a question or a look: who waits, for which method.
type calling struct {
	from   kit.Return
	method string
}

// look is the job of reading what everybody may read.
type look struct {
	method string
	params any // decoded
}

// StepConn carries calls out.
func StepConn(s Conn, in kit.In) (Conn, []kit.Effect) {
	switch m := in.Msg.(type) {
	case registry.Call:
		return s.call(m, in)
	case kit.Answered:
		if t, ok := m.Tag.(calling); ok {
			return s, []kit.Effect{kit.Answer{To: t.from, Msg: handlers[t.method].answered(t.method, m)}}
		}
	case kit.Done:
		if t, ok := m.Tag.(calling); ok {
			return s, []kit.Effect{kit.Answer{To: t.from, Msg: called(m.Msg, m.Err)}}
		}
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

func (s Conn) call(m registry.Call, in kit.In) (Conn, []kit.Effect) {
	refuse := func(code int, err error) (Conn, []kit.Effect) {
		return s, []kit.Effect{kit.Answer{To: in.From, Msg: registry.Called{Err: &registry.CallError{Code: code, Message: err.Error()}}}}
	}
	h, known := handlers[m.Method]
	if !known {
		return refuse(CodeMethod, fmt.Errorf("unknown method: %s; rpc.discover lists them", m.Method))
	}
	params, err := h.decode(m.Params)
	if err != nil {
		return refuse(CodeParams, err)
	}
	var effects []kit.Effect
	if !h.reads {
		effects = append(effects, kit.Note{Level: zerolog.InfoLevel, Text: "order", Fields: []any{"method", m.Method, "caller", s.caller()}})
	}
	tag := calling{from: in.From, method: m.Method}
	if h.ask == nil {
		return s, append(effects, kit.Do{Job: look{m.Method, params}, Tag: tag})
	}
	to, msg, err := h.ask(s.Places, params)
	if err != nil {
		return refuse(CodeParams, err)
	}
	switch order := msg.(type) {
	case reload.Reload:
		order.Caller = s.caller()
		msg = order
	case reload.Edit:
		order.Caller = s.caller()
		msg = order
	}
	return s, append(effects, kit.Ask{To: to, Msg: msg, Within: h.within, Tag: tag})
}

// caller is how this connection is named in reports.
func (s Conn) caller() string { return s.Self.String() + " " + s.Peer }

func (h handler) answered(method string, m kit.Answered) registry.Called {
	switch {
	case errors.Is(m.Err, kit.ErrLate):
		return registry.Called{Err: &registry.CallError{
			Code:    CodeTimeout,
			Message: method + ": no answer in time; it may still be carried out: see status and tree",
		}}
	case m.Err != nil:
		return registry.Called{Err: &registry.CallError{Code: CodeFailed, Message: method + ": " + h.gone()}}
	}
	result, err := h.render(m.Msg)
	return called(result, err)
}

// gone says what it means that nobody has the address asked.
func (h handler) gone() string {
	if h.byName {
		return "there is no channel of that name; channels.list shows the accounts"
	}
	return "who answers it is gone: the gateway is stopping, or its log says why"
}

// called turns a result into its wire form.
func called(result any, err error) registry.Called {
	var own *channels.CallError
	switch {
	case errors.As(err, &own):
		return registry.Called{Err: &registry.CallError{Code: own.Code, Message: own.Message, Data: own.Data}}
	case err != nil:
		return registry.Called{Err: &registry.CallError{Code: CodeFailed, Message: err.Error()}}
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return registry.Called{Err: &registry.CallError{Code: CodeFailed, Message: fmt.Sprintf("a bug: the result cannot be written: %v", err)}}
	}
	return registry.Called{Result: raw}
}
