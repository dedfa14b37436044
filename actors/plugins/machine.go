// Package plugins answers the calls of methods that compiled-in plugins offer. It is the owner of all of them in the method
// table, and knows none: for every call it asks the registry for a lease on the instance that offers the method now.
//
// Invariants:
//   - Every call is answered exactly once, at the latest when callWithin and a little more is over, whatever the plugin does.
//   - Plugin code runs under a lease, from before it is entered until it has returned. So a call ends on the instance that it
//     began on; one that does not return keeps its instance, and is shown among its holders.
//   - At most maxCalls calls of one plugin are under way, those counted that are answered and do not return. A plugin that
//     hangs takes nothing from another one.
//   - A panic in a method is an error of that call and of nothing else.
package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/channels"
)

const (
	// maxCalls bounds the calls of one plugin that have not returned.
	maxCalls = 64
	// leaseWithin is how long the registry may take to answer; it does no I/O.
	leaseWithin = 10 * time.Second
	// callWithin is how long a call may take: its context ends then.
	callWithin = time.Minute
	// returnWithin is how long it may take after that to return what it has; then it is answered for.
	returnWithin = 2 * time.Second
)

// State is a value; Step never changes the one it is given.
type State struct {
	Registry kit.Addr
	Count    uint64 // calls ever; the newest has this number
	Calls    map[uint64]call
}

// phase of a call. The last one had its answer.
type phase uint8

const (
	leasing phase = iota // the registry owes a lease
	running              // the plugin's code runs
	late                 // it had its time, was answered for, and still runs
)

// call is one that has not returned.
type call struct {
	phase  phase
	method string
	holder string // of its lease, as people see it
	caller string
	params []byte // until it begins
	from   kit.Return
	lease  registry.LeaseID
}

// job is the plugin's code at work.
type job struct {
	call   func(ctx context.Context, params []byte) ([]byte, error)
	params []byte
}

// Tags of what is asked and done for a call.
type (
	borrowing struct{ number uint64 }
	calling   struct{ number uint64 }
)

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case registry.Call:
		return s.begin(m, in.From)
	case kit.Answered:
		if t, ok := m.Tag.(borrowing); ok {
			return s.leased(t.number, m)
		}
	case kit.Done:
		if t, ok := m.Tag.(calling); ok {
			return s.returned(t.number, m)
		}
	case overdue:
		return s.overdue(m.number)
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

// with is the state with one call as it is now.
func (s State) with(number uint64, c call) State {
	s.Calls = maps.Clone(s.Calls)
	if s.Calls == nil {
		s.Calls = map[uint64]call{}
	}
	s.Calls[number] = c
	return s
}

func (s State) without(number uint64) State {
	s.Calls = maps.Clone(s.Calls)
	delete(s.Calls, number)
	return s
}

// plugin is the name that a method begins with.
func plugin(method string) string {
	name, _, _ := strings.Cut(method, ".")
	return name
}

// begin asks for a lease, if the plugin has not too many calls under way.
func (s State) begin(m registry.Call, from kit.Return) (State, []kit.Effect) {
	under, hung := 0, 0
	for _, c := range s.Calls {
		if plugin(c.method) == plugin(m.Method) {
			under++
		}
		if plugin(c.method) == plugin(m.Method) && c.phase == late {
			hung++
		}
	}
	if under >= maxCalls {
		text := fmt.Sprintf("%s: busy: %d calls of plugin %s are under way; call again when one has ended", m.Method, under, plugin(m.Method))
		if hung > 0 {
			text = fmt.Sprintf("%s: busy: %d calls of plugin %s are under way, %d of which do not end: see gateway plugins, and restart the gateway if they never do",
				m.Method, under, plugin(m.Method), hung)
		}
		return s, []kit.Effect{refuse(from, channels.CodeBusy, text)}
	}
	s.Count++
	holder := fmt.Sprintf("call.%d %s of %s", s.Count, m.Method, m.Caller)
	s = s.with(s.Count, call{method: m.Method, holder: holder, caller: m.Caller, params: m.Params, from: from})
	return s, []kit.Effect{kit.Ask{
		To: s.Registry, Msg: registry.Lease{Method: m.Method, Holder: holder}, Within: leaseWithin, Tag: borrowing{s.Count},
	}}
}

func refuse(to kit.Return, code int, text string) kit.Effect {
	return kit.Answer{To: to, Msg: registry.Called{Err: &registry.CallError{Code: code, Message: text}}}
}

// leased enters the plugin's code.
func (s State) leased(number uint64, m kit.Answered) (State, []kit.Effect) {
	c, known := s.Calls[number]
	if !known {
		return s, []kit.Effect{kit.Unknown{Msg: m}}
	}
	lease, fits := m.Msg.(registry.Leased)
	switch {
	case m.Err != nil: // a lease that was given and not heard of is given back
		return s.without(number), []kit.Effect{
			kit.Tell{To: s.Registry, Msg: registry.Forget{Holder: c.holder}},
			refuse(c.from, channels.CodeFailed, c.method+": the registry did not answer: the gateway is stopping, or its log says why"),
		}
	case !fits:
		return s.without(number), []kit.Effect{refuse(c.from, channels.CodeFailed, fmt.Sprintf("%s: a bug: the registry answered with %T", c.method, m.Msg))}
	case lease.Err != nil:
		return s.without(number), []kit.Effect{refuse(c.from, channels.CodeMethod, fmt.Sprintf("unknown method: %s: %v any more; rpc.discover lists the methods", c.method, lease.Err))}
	}
	var effects []kit.Effect
	if !lease.Method.Reads {
		effects = append(effects, kit.Note{Level: zerolog.InfoLevel, Text: "order", Fields: []any{"method", c.method, "caller", c.caller}})
	}
	effects = append(effects,
		kit.Do{Job: job{call: lease.Method.Call, params: c.params}, Tag: calling{number}},
		kit.After{Delay: callWithin + returnWithin, Msg: overdue{number}, For: calling{number}})
	c.phase, c.lease, c.params = running, lease.Lease, nil
	return s.with(number, c), effects
}

// overdue answers for a call that does not return.
func (s State) overdue(number uint64) (State, []kit.Effect) {
	c, known := s.Calls[number]
	if !known || c.phase != running {
		return s, nil
	}
	c.phase = late
	return s.with(number, c), []kit.Effect{
		refuse(c.from, channels.CodeTimeout, c.tooLong()),
		kit.Note{Level: zerolog.WarnLevel, Text: "a call of a plugin does not end; it keeps its instance", Fields: []any{"method", c.method, "holder", c.holder}},
	}
}

func (c call) tooLong() string {
	return fmt.Sprintf("%s: no answer within %s; it may still be carried out", c.method, callWithin)
}

// returned is the end of the plugin's code: it is left by now.
func (s State) returned(number uint64, m kit.Done) (State, []kit.Effect) {
	c, known := s.Calls[number]
	if !known {
		return s, []kit.Effect{kit.Unknown{Msg: m}}
	}
	effects := []kit.Effect{kit.Tell{To: s.Registry, Msg: registry.Release{Lease: c.lease}}}
	if c.phase == running {
		effects = append(effects, kit.Answer{To: c.from, Msg: c.called(m)})
	}
	return s.without(number), effects
}

// called is the answer to a call that returned in time.
func (c call) called(m kit.Done) registry.Called {
	var own *channels.CallError
	failed := func(code int, text string) registry.Called {
		return registry.Called{Err: &registry.CallError{Code: code, Message: text}}
	}
	switch {
	case m.Err == nil:
		result, _ := m.Msg.([]byte)
		return registry.Called{Result: result}
	case errors.As(m.Err, &own):
		return registry.Called{Err: &registry.CallError{Code: own.Code, Message: own.Message, Data: own.Data}}
	case errors.Is(m.Err, kit.ErrPanic):
		return failed(channels.CodeFailed, fmt.Sprintf("%s: a bug in plugin %s, whose stack is in the gateway's log; please report it", c.method, plugin(c.method)))
	case errors.Is(m.Err, context.DeadlineExceeded):
		return failed(channels.CodeTimeout, c.tooLong())
	}
	return failed(channels.CodeFailed, c.method+": "+m.Err.Error())
}
