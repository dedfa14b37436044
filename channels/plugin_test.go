package channels

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"holdfast/config"
)

func TestWhetherAPluginIsOn(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, c := range []struct {
		name     string
		optional bool
		said     *bool
		want     bool
	}{
		{"by default it is", false, nil, true},
		{"by default an optional one is not", true, nil, false},
		{"switched off", false, &no, false},
		{"an optional one switched on", true, &yes, true},
		{"switched on, as it is anyway", false, &yes, true},
		{"an optional one switched off, as it is anyway", true, &no, false},
	} {
		if got := (Plugin{Optional: c.optional}).On(c.said); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestAKindAloneIsAPluginThatTakesNoSettings(t *testing.T) {
	t.Parallel()
	p := Plain(Kind{Name: "sms"})
	kinds := p.Kinds()
	if p.Name != "sms" || p.Version != BuiltIn || p.Optional || p.Defaults() != nil || len(kinds) != 1 || kinds[0].Name != "sms" {
		t.Errorf("got %+v with %d kinds", p, len(kinds))
	}
}

type ring struct {
	Bell  string           `json:"bell"`
	Times uint64           `json:"times,omitempty"`
	Loud  bool             `json:"loud,omitempty"`
	For   *config.Duration `json:"for,omitempty"`
}

type rung struct {
	Heard bool `json:"heard"`
}

// method is one whose calls are recorded.
func method(got *[]ring, fault error) Method {
	return NewMethod("bell.ring", "ring a bell", func(_ context.Context, r ring) (rung, error) {
		*got = append(*got, r)
		return rung{Heard: r.Loud}, fault
	})
}

func TestWhatAMethodIsGiven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, params, want, result string }{
		{"all of it", `{"bell":"a","times":2,"loud":true,"for":"1s"}`, `{"bell":"a","times":2,"loud":true,"for":"1s"}`, `{"heard":true}`},
		{"nothing", "", `{"bell":""}`, `{"heard":false}`},
		{"null", "null", `{"bell":""}`, `{"heard":false}`},
		{"an empty list", " [] ", `{"bell":""}`, `{"heard":false}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []ring
			result, err := method(&got, nil).Call(t.Context(), []byte(c.params))
			if err != nil || len(got) != 1 {
				t.Fatalf("%d calls, %v", len(got), err)
			}
			if seen, _ := json.Marshal(got[0]); string(seen) != c.want || string(result) != c.result {
				t.Errorf("got %s and answered %s, want %s and %s", seen, result, c.want, c.result)
			}
		})
	}
}

func TestParamsThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, params, want string }{
		{"an unknown field", `{"bel":"a"}`, `params: unknown field "bel"; there are bell, times, loud, for`},
		{"a number for a text", `{"bell":7}`, "bell: got a JSON number, want a text"},
		{"a text for a number", `{"times":"7"}`, "times: got a JSON string, want a number from 0"},
		{"a text for yes", `{"loud":"yes"}`, "loud: got a JSON string, want true or false"},
		{"a number for a duration", `{"for":7}`, "for: got a JSON number, want a text"},
		{"what is no duration", `{"for":"soon"}`, `params: got "soon", want a duration such as 500ms, 30s or 24h`},
		{"a list", `["a"]`, "params: got a JSON array, want an object with bell, times, loud, for"},
		{"cut JSON", `{"bell":`, "params: unexpected EOF"},
		{"two objects", `{"bell":"a"}{"bell":"b"}`, "params: want one JSON object and nothing after it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []ring
			_, err := method(&got, nil).Call(t.Context(), []byte(c.params))
			var fault *CallError
			if !errors.As(err, &fault) || fault.Code != CodeParams || fault.Message != c.want || len(got) > 0 {
				t.Errorf("got %v after %d calls, want %s", err, len(got), c.want)
			}
		})
	}
}

func TestAMethodWithoutParams(t *testing.T) {
	t.Parallel()
	m := NewMethod("bell.stop", "stop", func(context.Context, None) (rung, error) { return rung{}, nil }).Reading()
	if m.Params != nil || !m.Reads {
		t.Errorf("got %+v, want no schema of params, and that it reads", m)
	}
	if out, err := m.Call(t.Context(), []byte("{}")); err != nil || string(out) != `{"heard":false}` {
		t.Errorf("got %s, %v", out, err)
	}
	var fault *CallError
	if _, err := m.Call(t.Context(), []byte(`{"bell":"a"}`)); !errors.As(err, &fault) || fault.Message != "this method takes no params" {
		t.Errorf("got %v for params", err)
	}
}

func TestAnErrorOfTheFunctionIsTheMethods(t *testing.T) {
	t.Parallel()
	want := errors.New("no bell")
	var got []ring
	m := method(&got, want)
	if out, err := m.Call(t.Context(), nil); !errors.Is(err, want) || out != nil {
		t.Errorf("got %s, %v", out, err)
	}
	if m.Name != "bell.ring" || m.Help != "ring a bell" || m.Reads {
		t.Errorf("got %+v", m)
	}
}

func TestTheSchemaOfAMethod(t *testing.T) {
	t.Parallel()
	var got []ring
	m := method(&got, nil)
	for _, c := range []struct {
		what   string
		schema []byte
		want   []string
	}{
		{"params", m.Params, []string{`"bell":{"type":"string"}`, `"required":["bell"]`, `"for":{"type":"string","examples":["500ms","30s","24h"]}`, `"additionalProperties":false`}},
		{"result", m.Result, []string{`"heard":{"type":"boolean"}`, `"required":["heard"]`}},
	} {
		for _, part := range c.want {
			if !strings.Contains(string(c.schema), part) {
				t.Errorf("the schema of its %s is %s, want in it %s", c.what, c.schema, part)
			}
		}
	}
	if Schema(nil) != nil {
		t.Error("nothing has a schema")
	}
}
