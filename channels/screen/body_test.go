package screen

import (
	"strings"
	"testing"

	"holdfast/channels"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, MaxDepth+1) + strings.Repeat(`]`, MaxDepth+1)
	const form = "application/x-www-form-urlencoded"
	for _, tc := range []struct {
		name, contentType, body string
		want                    string // the document, or the reason
		code                    int
	}{
		{"JSON", "application/json", `{"a":1}`, `{"a":1}`, 200},
		{"JSON with white space and a byte order mark", "", "\ufeff \n{\"a\":1}\r\n", `{"a":1}`, 200},
		{"JSON that calls itself text", "text/plain; charset=utf-8", `[1]`, `[1]`, 200},
		{"JSON that calls itself a form", form, `{"a":"b=c&d"}`, `{"a":"b=c&d"}`, 200},
		{"a form", form, `x=1&payload=%7B%22a%22%3A%22%F0%9F%91%8B%22%7D`, `{"a":"👋"}`, 200},
		{"a form with a plus for a space", form, `data=%7B%22a%22%3A%22b+c%22%7D`, `{"a":"b c"}`, 200},
		{"the field preferred over another", form, `data=%7B%7D&payload=%5B%5D`, `[]`, 200},
		{"a form without a content type", "", `message=%7B%7D`, `{}`, 200},
		{"as deep as allowed", "", deep[1 : len(deep)-1], deep[1 : len(deep)-1], 200},
		{"nothing", "application/json", "", ReasonEmpty, 400},
		{"white space", "application/json", " \r\n", ReasonEmpty, 400},
		{"a form with an empty field", form, `payload=`, ReasonEmpty, 400},
		{"a form without the field", form, `other=%7B%7D`, ReasonNotJSON, 400},
		{"a form whose field is no JSON", form, `payload=hello`, ReasonNotJSON, 400},
		{"a form that is none", form, `payload=%zz`, ReasonNotJSON, 400},
		{"a form that calls itself JSON", "application/json", `payload=%7B%7D`, ReasonNotJSON, 400},
		{"a form that calls itself JSON of a kind", "application/cloudevents+json", `payload=%7B%7D`, ReasonNotJSON, 400},
		{"half of a document", "application/json", `{"a":`, ReasonNotJSON, 400},
		{"two documents", "application/json", `{}{}`, ReasonNotJSON, 400},
		{"a bare number", "application/json", `5`, ReasonNotJSON, 400},
		{"a bare text", "application/json", `"hello"`, ReasonNotJSON, 400},
		{"text that is not UTF-8", "application/json", "{\"a\":\"\xff\"}", ReasonNotUTF8, 400},
		{"a form that hides text that is not UTF-8", form, `payload=%7B%22a%22%3A%22%FF%22%7D`, ReasonNotUTF8, 400},
		{"too deep", "application/json", deep, ReasonTooDeep, 400},
		{"as long as allowed", "application/json", `["` + strings.Repeat("x", 4092) + `"]`, `["` + strings.Repeat("x", 4092) + `"]`, 200},
		{"too long for this account", "application/json", `{"a":"` + strings.Repeat("x", 4096) + `"}`, ReasonTooLarge, 413},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := declare("webhook:home", bearer(canary))
			r.Body.Max = 4096
			r.Forms = []channels.Form{{}, {Fields: []string{"payload", "data", "message"}}}
			wide := declare("webhook:wide", bearer(other))
			s := compile(t, r, wide)
			h := head("POST", [2]string{"Authorization", canary}, [2]string{"Content-Type", tc.contentType})
			got := s.Check(h, []byte(tc.body), noon)
			if got.Code != tc.code || got.Account != "webhook:home" {
				t.Fatalf("got %s %d %q for %q, want %d", got.Action, got.Code, got.Reason, got.Account, tc.code)
			}
			if said := string(got.Body) + got.Reason; said != tc.want {
				t.Errorf("got %q, want %q", said, tc.want)
			}
		})
	}
}

func TestOnlyBracketsOutsideOfTextAreDepth(t *testing.T) {
	t.Parallel()
	many := func(text string, n int) string { return strings.Repeat(text, n) }
	const more = MaxDepth + 1
	for _, tc := range []struct {
		name, body string
		want       string // the reason; empty for accepted
	}{
		{"brackets in text", `{"a":"` + many(`[{`, more) + `"}`, ""},
		{"brackets in text after a quote in it", `{"a":"\"` + many(`[{`, more) + `"}`, ""},
		{"a backslash at the end of text", `{"a":"\\","b":` + many(`[`, more) + many(`]`, more) + `}`, ReasonTooDeep},
		{"lists side by side", `[` + many(`[],`, more) + `[]]`, ""},
		{"objects side by side", `[` + many(`{},`, more) + `{}]`, ""},
		{"a list of many numbers", `[` + many(`1,`, more) + `1]`, ""},
		{"objects in objects", many(`{"a":`, more) + `1` + many(`}`, more), ReasonTooDeep},
		{"objects in objects as deep as allowed", many(`{"a":`, MaxDepth) + `1` + many(`}`, MaxDepth), ""},
		{"a long text after deep lists", many(`[`, MaxDepth) + `"` + many(`]`, 9) + `"` + many(`]`, MaxDepth), ""},
		{"more closed than opened", `[` + many(`]`, more) + many(`[`, 9), ReasonNotJSON},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := compile(t, declare("webhook:home", bearer(canary)))
			v := s.Check(head("POST", [2]string{"Authorization", canary}), []byte(tc.body), noon)
			if v.Reason != tc.want || (v.Action == Accept) != (tc.want == "") {
				t.Errorf("got %s %q, want reason %q", v.Action, v.Reason, tc.want)
			}
		})
	}
}

func TestABodyMayBeAsLongAsThePathAllows(t *testing.T) {
	t.Parallel()
	r := declare("webhook:home", bearer(canary))
	r.Body.Max = 8
	s := compile(t, r)
	h := head("POST", [2]string{"Authorization", canary})
	for body, want := range map[string]int{`{"a":12}`: 200, `{"a":123}`: 413} {
		if v := s.Check(h, []byte(body), noon); v.Code != want {
			t.Errorf("%s: got %d, want %d", body, v.Code, want)
		}
	}
	if v := s.Check(head("POST"), []byte(`{"a":123}`), noon); v.Code != 413 {
		t.Errorf("a stranger's body too long: got %d, want 413 before anybody asks who it is", v.Code)
	}
}

func TestARouteThatTakesOnlyFormsRefusesJSON(t *testing.T) {
	t.Parallel()
	r := declare("webhook:home", bearer(canary))
	r.Forms = []channels.Form{{Fields: []string{"payload"}}}
	s := compile(t, r)
	h := head("POST", [2]string{"Authorization", canary})
	if v := s.Check(h, []byte(`{}`), noon); v.Code != 400 {
		t.Errorf("got %s %d, want 400", v.Action, v.Code)
	}
}

func TestWhatNobodyKeepsIsSkipped(t *testing.T) {
	t.Parallel()
	r := declare("bluebubbles:home", bearer(canary))
	r.Skip = []channels.Match{
		{Path: "type", In: []string{"typing-indicator", "7"}},
		{Path: "data.kind", NotIn: []string{"message", ""}},
	}
	s := compile(t, r)
	h := head("POST", [2]string{"Authorization", canary})
	for body, want := range map[string]Action{
		`{"type":"typing-indicator"}`:                       Skip,
		`{"type":7}`:                                        Skip,
		`{"type":"new-message"}`:                            Accept,
		`{"data":{"kind":"ping"}}`:                          Skip,
		`{"data":{"kind":"message"}}`:                       Accept,
		`{"data":{"kind":""}}`:                              Accept,
		`{"data":{}}`:                                       Accept,
		`{"type":"new-message","data":{"kind":"reaction"}}`: Skip,
	} {
		v := s.Check(h, []byte(body), noon)
		if v.Action != want || v.Code != 200 {
			t.Errorf("%s: got %s %d, want %s 200", body, v.Action, v.Code, want)
		}
		if v.Action == Skip && v.Body != nil {
			t.Errorf("%s: is skipped and has a body", body)
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("i", MaxID+1)
	for _, tc := range []struct {
		name     string
		selector channels.Selector
		header   [][2]string
		body     string
		want     string
	}{
		{"by path", channels.Selector{Path: "data.guid"}, nil, `{"data":{"guid":"A-1"}}`, "A-1"},
		{"a number keeps its digits", channels.Selector{Path: "id"}, nil, `{"id":9007199254740993}`, "9007199254740993"},
		{"by header", channels.Selector{Header: "webhook-id"}, [][2]string{{"Webhook-Id", "m1"}}, `{}`, "m1"},
		{"the header first", channels.Selector{Header: "webhook-id", Path: "id"}, [][2]string{{"Webhook-Id", "m1"}}, `{"id":"b"}`, "m1"},
		{"the path when the header is missing", channels.Selector{Header: "webhook-id", Path: "id"}, nil, `{"id":"b"}`, "b"},
		{"Svix's own name for it", channels.Selector{Header: "webhook-id"}, [][2]string{{"svix-id", "m1"}}, `{}`, "m1"},
		{"a header there twice is none", channels.Selector{Header: "webhook-id"}, [][2]string{{"Webhook-Id", "m1"}, {"Webhook-Id", "m2"}}, `{}`, ""},
		{"an object is none", channels.Selector{Path: "id"}, nil, `{"id":{"a":1}}`, ""},
		{"a null is none", channels.Selector{Path: "id"}, nil, `{"id":null}`, ""},
		{"as long as allowed", channels.Selector{Path: "id"}, nil, `{"id":"` + long[1:] + `"}`, long[1:]},
		{"no selector", channels.Selector{}, nil, `{"id":"b"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := declare("webhook:home", bearer(canary))
			r.ID = tc.selector
			s := compile(t, r)
			h := head("POST", append(tc.header, [2]string{"Authorization", canary})...)
			if v := s.Check(h, []byte(tc.body), noon); v.Action != Accept || v.ID != tc.want {
				t.Errorf("got %s with id %q, want accept with %q", v.Action, v.ID, tc.want)
			}
		})
	}
	r := declare("webhook:home", bearer(canary))
	r.ID.Path = "id"
	s := compile(t, r)
	h := head("POST", [2]string{"Authorization", canary})
	one, two := s.Check(h, []byte(`{"id":"`+long+`"}`), noon).ID, s.Check(h, []byte(`{"id":"`+long+`2"}`), noon).ID
	if len(one) > MaxID || one == two || !strings.HasPrefix(one, "sha256:") {
		t.Errorf("long ids became %q and %q, want two short ones", one, two)
	}
}
