package openai

import (
	"bufio"
	"bytes"
	"io"

	"github.com/openai/openai-go/packages/ssestream"
)

// maxEvent bounds one line of a stream, in bytes.
const maxEvent = 1 << 20

// endMark is what servers send after the last piece.
const endMark = "[DONE]"

// events reads server-sent events for the SDK's stream. The SDK's own reader takes a comment between two events, which
// servers send to keep a connection alive, for an event with broken JSON; and it does not tell whether the end mark
// was seen, without which a cut stream looks like a whole one.
type events struct {
	body  io.Closer
	lines *bufio.Scanner
	event ssestream.Event
	done  bool  // the end mark was seen
	err   error // of the wire
}

var _ ssestream.Decoder = (*events)(nil)

func newEvents(body io.ReadCloser) *events {
	e := &events{body: body, lines: bufio.NewScanner(body)}
	e.lines.Buffer(nil, maxEvent)
	return e
}

// Next moves to the next event that has data. It is false at the end mark, at the end of the body and on an error. An
// event whose closing blank line is missing is not one, but the end mark counts without it.
func (e *events) Next() bool {
	if e.done || e.err != nil {
		return false
	}
	var data []byte
	kind, fields := "", 0
	for e.lines.Scan() {
		line := e.lines.Bytes()
		if len(line) == 0 {
			if fields == 0 {
				kind = ""
				continue
			}
			e.event = ssestream.Event{Type: kind, Data: data}
			return true
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			kind = string(value)
		case "data":
			if fields == 0 && string(bytes.TrimSpace(value)) == endMark {
				e.done = true
				return false
			}
			if fields++; fields > 1 {
				data = append(data, '\n')
			}
			data = append(data, value...)
		}
	}
	e.err = e.lines.Err()
	return false
}

// Event is the one that Next moved to.
func (e *events) Event() ssestream.Event { return e.event }

// Err is the error of the wire that ended the stream, if any.
func (e *events) Err() error { return e.err }

// Close ends the connection.
func (e *events) Close() error { return e.body.Close() }
