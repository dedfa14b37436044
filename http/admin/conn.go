package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/creachadair/jrpc2"
	"golang.org/x/sync/semaphore"

	"holdfast/actors/control"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
)

// conn is one client: lines in, lines out.
type conn struct {
	net.Conn
	o      Options
	who    peer
	to     kit.Addr            // control's child for this connection
	room   *semaphore.Weighted // for calls that are under way or whose answer is not written yet
	calls  sync.WaitGroup
	writes sync.Mutex
}

func newConn(c net.Conn, o Options, who peer) *conn {
	return &conn{Conn: c, o: o, who: who, room: semaphore.NewWeighted(callsMax)}
}

// live is the whole life of a connection, from the child of control that is spawned for it to the last answer.
func (c *conn) live(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !c.begin(ctx) {
		refuse(c, "the gateway is starting or stopping: try again")
		return
	}
	defer c.o.System.Tell(c.o.Control, control.Close{Conn: c.to})
	switch err := c.read(ctx); {
	case errors.Is(err, bufio.ErrTooLong):
		c.write(failed(nil, &jrpc2.Error{Code: jrpc2.ParseError, Message: fmt.Sprintf("a line is longer than %d bytes", frameMax)}))
	case err != nil:
		cancel() // nobody is there to hear the answers
	}
	c.calls.Wait()
}

// hush reads no more, as if the client had half-closed: what it has asked is still answered.
func (c *conn) hush() {
	if half, ok := c.Conn.(interface{ CloseRead() error }); ok {
		_ = half.CloseRead()
	}
}

func (c *conn) begin(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	answer, err := c.o.System.Ask(ctx, c.o.Control, control.Open{Peer: c.who.String()})
	opened, ok := answer.(control.Opened)
	c.to = opened.Conn
	return err == nil && ok
}

// read takes lines until the client has no more; the last one needs no newline. Nil is a half-close: the client still
// listens, as far as one can know.
func (c *conn) read(ctx context.Context) error {
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, frameMax)
	for lines.Scan() {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			if err := c.take(ctx, bytes.Clone(line)); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// take begins the calls of one line, when there is room for them. It returns an error when the connection ends.
func (c *conn) take(ctx context.Context, line []byte) error {
	requests, batch, fault := parse(line)
	n := int64(max(len(requests), 1))
	if err := c.room.Acquire(ctx, n); err != nil {
		return err
	}
	c.calls.Go(func() {
		defer c.room.Release(n)
		if fault != nil {
			c.write(failed(nil, fault))
			return
		}
		c.answer(ctx, requests, batch)
	})
	return nil
}

// parse reads one call or a batch.
func parse(line []byte) (requests []*jrpc2.ParsedRequest, batch bool, fault *jrpc2.Error) {
	if !json.Valid(line) {
		return nil, false, &jrpc2.Error{Code: jrpc2.ParseError, Message: "this line is not JSON: want one call, such as " +
			`{"jsonrpc":"2.0","id":1,"method":"status"}`}
	}
	requests, err := jrpc2.ParseRequests(line)
	if err != nil || len(requests) == 0 || len(requests) > callsMax {
		return nil, false, &jrpc2.Error{Code: jrpc2.InvalidRequest, Message: fmt.Sprintf("want one call, or a batch of 1 to %d", callsMax)}
	}
	return requests, requests[0].Batch, nil
}

// answer carries the calls out beside each other and writes their answers in one line: none for notifications.
func (c *conn) answer(ctx context.Context, requests []*jrpc2.ParsedRequest, batch bool) {
	all := make([]*reply, len(requests))
	var each sync.WaitGroup
	for i, r := range requests {
		each.Go(func() { all[i] = c.call(ctx, r) })
	}
	each.Wait()
	var out []*reply
	for _, r := range all {
		if r != nil {
			out = append(out, r)
		}
	}
	switch {
	case len(out) == 0:
	case batch:
		c.write(out)
	default:
		c.write(out[0])
	}
}

// call is one call from its request to its answer; nil for a notification that was understood.
func (c *conn) call(ctx context.Context, r *jrpc2.ParsedRequest) *reply {
	id := json.RawMessage(r.ID)
	switch {
	case r.Error != nil:
		return failed(id, r.Error)
	case r.Method == "":
		return failed(id, &jrpc2.Error{Code: jrpc2.InvalidRequest, Message: "the call names no method"})
	}
	result, fault := c.ask(ctx, r.Method, r.Params)
	switch {
	case len(id) == 0:
		return nil
	case fault != nil:
		return failed(id, fault)
	}
	return &reply{Version: jrpc2.Version, ID: id, Result: result}
}

// ask looks the method up in the live table and asks its owner; ours are answered by this connection's child of control.
func (c *conn) ask(ctx context.Context, name string, params []byte) (json.RawMessage, *jrpc2.Error) {
	method, known := c.o.Live.Load().Methods.Find(name)
	if !known {
		return nil, &jrpc2.Error{Code: jrpc2.MethodNotFound, Message: fmt.Sprintf("unknown method %q; rpc.discover lists them", name)}
	}
	to := method.Owner
	if to == c.o.Control {
		to = c.to
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	answer, err := c.o.System.Ask(ctx, to, registry.Call{Method: name, Params: params, Caller: c.to.String() + " " + c.who.String()})
	called, ok := answer.(registry.Called)
	switch {
	case errors.Is(err, kit.ErrGone):
		return nil, &jrpc2.Error{Code: control.CodeFailed, Message: name + ": who answers it is gone: the gateway is reloading or stopping; try again"}
	case err != nil:
		return nil, &jrpc2.Error{Code: control.CodeTimeout, Message: name + ": no answer in time; it may still be carried out: see status and tree"}
	case !ok:
		return nil, &jrpc2.Error{Code: control.CodeFailed, Message: name + ": a bug: its owner gave an answer of another kind"}
	case called.Err != nil:
		return nil, &jrpc2.Error{Code: jrpc2.Code(called.Err.Code), Message: called.Err.Message, Data: called.Err.Data}
	case len(called.Result) == 0:
		return json.RawMessage("null"), nil
	}
	return called.Result, nil
}

// reply is one answer as JSON-RPC has it.
type reply struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *jrpc2.Error    `json:"error,omitempty"`
}

// failed is an answer that is an error; without an id where that could not be read.
func failed(id json.RawMessage, fault *jrpc2.Error) *reply {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	return &reply{Version: jrpc2.Version, ID: id, Error: fault}
}

// lineOf writes a reply, or the replies of a batch, as one line.
func lineOf(what any) []byte {
	line, err := json.Marshal(what)
	if err != nil {
		line, _ = json.Marshal(failed(nil, &jrpc2.Error{Code: control.CodeFailed, Message: "a bug: an answer cannot be written: " + err.Error()}))
	}
	return append(line, '\n')
}

// write sends one line. Who cannot be written to any more is not read either.
func (c *conn) write(what any) {
	c.writes.Lock()
	defer c.writes.Unlock()
	if _, err := c.Write(lineOf(what)); err != nil {
		_ = c.Close()
	}
}
