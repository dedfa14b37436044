package openai

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
		done       bool
	}{
		{"events are told apart by blank lines", "data: a\n\ndata: b\n\n", []string{"a", "b"}, false},
		{"a blank after the colon is not data", "data:a\n\ndata:  b\n\n", []string{"a", " b"}, false},
		{"lines of one event keep their ends", "data: a\ndata: b\n\n", []string{"a\nb"}, false},
		{"an event without data is none", "event: ping\n\n: comment\n\nid: 7\nretry: 9\n\ndata: a\n\n", []string{"a"}, false},
		{"the name belongs to its event", "event: x\ndata: a\n\ndata: b\n\n", []string{"x a", "b"}, false},
		{"a name without data is forgotten", "event: x\n\ndata: b\n\n", []string{"b"}, false},
		{"what has no blank line after it is not an event", "data: a\n\ndata: b\n", []string{"a"}, false},
		{"nothing follows the end mark", "data: a\n\ndata: [DONE]\n\ndata: b\n\n", []string{"a"}, true},
		{"the end mark inside of an event is data", "data: a\ndata: [DONE]\n\n", []string{"a\n[DONE]"}, false},
		{"an empty body has no events", "", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEvents(io.NopCloser(strings.NewReader(c.body)))
			var got []string
			for e.Next() {
				got = append(got, strings.TrimPrefix(e.Event().Type+" ", " ")+string(e.Event().Data))
			}
			if !reflect.DeepEqual(got, c.want) || e.done != c.done || e.Err() != nil || e.Next() {
				t.Errorf("got %q, end mark %v, %v", got, e.done, e.Err())
			}
		})
	}
}

func TestEventsTellAFaultOfTheWire(t *testing.T) {
	fault := errors.New("connection reset")
	e := newEvents(io.NopCloser(io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), iotest.ErrReader(fault))))
	if !e.Next() || e.Next() || !errors.Is(e.Err(), fault) || e.Next() {
		t.Errorf("got %q, %v", e.Event().Data, e.Err())
	}
}
