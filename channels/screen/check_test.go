package screen

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/channels"
)

func sign(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

func basicHeader(userAndPassword string) [2]string {
	return [2]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))}
}

func TestLaw12_TheCredentialSelectsTheAccount(t *testing.T) {
	t.Parallel()
	const doc = `{"a":1}`
	home, work := declare("webhook:home", bearer(canary, "old")), declare("webhook:work", bearer(other), hexMAC("key"))
	off := declare("webhook:off", bearer("asleep"))
	off.Disabled = true
	desk := declare("webhook:desk", basicAuth("bob", "pass:word"))
	s := compile(t, home, work, off, desk, declare("webhook:closed"))
	auth := func(v string) [2]string { return [2]string{"authorization", v} }
	for _, tc := range []struct {
		name   string
		head   Head
		action Action
		code   int
		who    channels.Account
	}{
		{"a secret in the header", head("POST", auth("Bearer "+canary)), Accept, 200, "webhook:home"},
		{"the scheme's name in another case", head("POST", auth("bearer "+canary)), Accept, 200, "webhook:home"},
		{"a secret without the scheme's name", head("POST", auth(canary)), Accept, 200, "webhook:home"},
		{"the other secret of a rotation", head("POST", auth("Bearer old")), Accept, 200, "webhook:home"},
		{"a secret in the query", head("POST").with([2]string{"password", other}), Accept, 200, "webhook:work"},
		{"a signature", head("POST", [2]string{"X-Sig", "sha256=" + sign("key", doc)}), Accept, 200, "webhook:work"},
		{"a signature in capitals", head("POST", [2]string{"X-Sig", "sha256=" + strings.ToUpper(sign("key", doc))}), Accept, 200, "webhook:work"},
		{"user and password", head("POST", basicHeader("bob:pass:word")), Accept, 200, "webhook:desk"},
		{"two ways of one account", head("POST", auth("Bearer "+other), [2]string{"X-Sig", "sha256=" + sign("key", doc)}), Accept, 200, "webhook:work"},
		{"an account that the operator switched off", head("POST", auth("Bearer asleep")), Refuse, 503, "webhook:off"},
		{"nothing", head("POST"), Refuse, 401, ""},
		{"lookups that are missing", Head{Method: "POST"}, Refuse, 401, ""},
		{"an empty secret", head("POST", auth("Bearer ")), Refuse, 401, ""},
		{"a wrong secret", head("POST", auth("Bearer nobody")), Refuse, 401, ""},
		{"a secret with something after it", head("POST", auth("Bearer "+canary+" ")), Refuse, 401, ""},
		{"a wrong secret in the place that counts and a right one after it", head("POST", auth("x")).with([2]string{"password", canary}), Refuse, 401, ""},
		{"the header twice", head("POST", auth("Bearer "+canary), auth("Bearer "+canary)), Refuse, 401, ""},
		{"the parameter twice", head("POST").with([2]string{"password", canary}, [2]string{"password", "x"}), Refuse, 401, ""},
		{"a signature without prefix", head("POST", [2]string{"X-Sig", sign("key", doc)}), Refuse, 401, ""},
		{"a signature of something else", head("POST", [2]string{"X-Sig", "sha256=" + sign("key", doc+" ")}), Refuse, 401, ""},
		{"a wrong user", head("POST", basicHeader("eve:pass:word")), Refuse, 401, ""},
		{"a wrong password", head("POST", basicHeader("bob:pass")), Refuse, 401, ""},
		{"credentials that are not base64", head("POST", auth("Basic ***")), Refuse, 401, ""},
		{"credentials of two accounts", head("POST", auth("Bearer "+canary), [2]string{"X-Sig", "sha256=" + sign("key", doc)}), Refuse, 401, ""},
		{"a method that nobody takes", head("GET", auth("Bearer "+canary)), Refuse, 405, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := s.Check(tc.head, []byte(doc), noon)
			if got.Action != tc.action || got.Code != tc.code || got.Account != tc.who {
				t.Errorf("got %s %d for %q (%s), want %s %d for %q", got.Action, got.Code, got.Account, got.Reason, tc.action, tc.code, tc.who)
			}
			if (got.Action == Refuse) != (got.Reason != "") {
				t.Errorf("%s has reason %q", got.Action, got.Reason)
			}
			before := s.Head(tc.head, noon)
			if got.Action == Accept && before.Action != Read {
				t.Errorf("head says %s %d of a request that is accepted", before.Action, before.Code)
			}
		})
	}
}

func TestHeadRefusesBeforeABodyIsRead(t *testing.T) {
	t.Parallel()
	off := declare("webhook:off", bearer("asleep"))
	off.Disabled = true
	token := bearer("token")
	token.Places = []channels.Place{{In: "header", Name: "X-Token"}}
	early := compile(t, declare("webhook:home", bearer(canary)), declare("webhook:work", token), off)
	late := compile(t, declare("webhook:home", hexMAC(canary)), declare("webhook:work", bearer(other)))
	auth := func(v string) [2]string { return [2]string{"Authorization", v} }
	for _, tc := range []struct {
		name   string
		screen *Screen
		head   Head
		action Action
		code   int
		who    channels.Account
	}{
		{"the right secret is read", early, head("POST", auth("Bearer "+canary)), Read, 0, "webhook:home"},
		{"a wrong one is not", early, head("POST", auth("Bearer x")), Refuse, 401, ""},
		{"an account switched off says so", early, head("POST", auth("Bearer asleep")), Refuse, 503, "webhook:off"},
		{"two accounts are one too many", early, head("POST", auth(canary), [2]string{"x-token", "token"}), Refuse, 401, ""},
		{"a method that nobody takes", early, head("DELETE"), Refuse, 405, ""},
		{"a signature must be checked with the body", late, head("POST", [2]string{"X-Sig", "sha256=00"}), Read, 0, ""},
		{"an early secret beside a late way", late, head("POST", auth("Bearer "+other)), Read, 0, ""},
		{"neither signature nor secret", late, head("POST"), Refuse, 401, ""},
		{"a wrong secret and no signature", late, head("POST", auth("Bearer x")), Refuse, 401, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := tc.screen.Head(tc.head, noon)
			if got.Action != tc.action || got.Code != tc.code || got.Account != tc.who {
				t.Errorf("got %s %d for %q (%s), want %s %d for %q", got.Action, got.Code, got.Account, got.Reason, tc.action, tc.code, tc.who)
			}
		})
	}
}

func TestLaw12_ARouteWithoutAWayInAdmitsNobody(t *testing.T) {
	t.Parallel()
	s := compile(t, declare("webhook:home"))
	h := head("POST", [2]string{"Authorization", "Bearer "}).with([2]string{"password", ""})
	if v := s.Check(h, []byte(`{}`), noon); v.Action != Refuse || v.Code != 401 {
		t.Errorf("got %s %d, want refused with 401", v.Action, v.Code)
	}
	if v := s.Head(h, noon); v.Action != Refuse || v.Code != 401 {
		t.Errorf("head: got %s %d, want refused with 401", v.Action, v.Code)
	}
}

func TestAuthNoneAdmitsPrograms(t *testing.T) {
	t.Parallel()
	s := compile(t, declare("webhook:home", channels.Auth{Scheme: channels.SchemeNone}))
	if v := s.Check(head("POST"), []byte(`{}`), noon); v.Action != Accept {
		t.Errorf("got %s %d, want accept", v.Action, v.Code)
	}
	if v := s.Check(head("POST", [2]string{"Origin", "https://evil.example"}), []byte(`{}`), noon); v.Code != 401 {
		t.Errorf("got %s %d for a web page, want 401", v.Action, v.Code)
	}
}

func TestBase64Signatures(t *testing.T) {
	t.Parallel()
	a := hexMAC(canary)
	a.HMAC = channels.HMAC{Header: "X-Line-Signature", Encoding: "base64"}
	s := compile(t, declare("line:home", a))
	raw, err := hex.DecodeString(sign(canary, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	good := base64.StdEncoding.EncodeToString(raw)
	for value, want := range map[string]Action{
		good: Accept, strings.ToLower(good): Refuse, strings.TrimRight(good, "="): Refuse, "": Refuse,
	} {
		if v := s.Check(head("POST", [2]string{"X-Line-Signature", value}), []byte(`{}`), noon); v.Action != want {
			t.Errorf("%q: got %s, want %s", value, v.Action, want)
		}
	}
}

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

func TestAVerdictIsACopy(t *testing.T) {
	t.Parallel()
	r := declare("webhook:home", bearer(canary))
	r.Keep = []string{"X-Attempt", "X-Missing"}
	r.ID.Path = "id"
	r.Ack = channels.AckTicket
	s := compile(t, r)
	body := []byte(`{"id":"abc"}`)
	v := s.Check(head("POST", [2]string{"Authorization", canary}, [2]string{"X-Attempt", "2"}), body, noon)
	for i := range body {
		body[i] = 'z'
	}
	want := Verdict{
		Action: Accept, Code: 200, Account: "webhook:home", Ack: channels.AckTicket, ID: "abc",
		Body: []byte(`{"id":"abc"}`), Keep: map[string]string{"x-attempt": "2"},
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

func TestReadingAnswersNeedsNoBody(t *testing.T) {
	t.Parallel()
	r := declare("webhook:home", bearer(canary))
	r.Methods, r.Ack = []string{"GET"}, channels.AckAnswers
	s := compile(t, r)
	v := s.Check(head("GET", [2]string{"Authorization", canary}), nil, noon)
	if v.Action != Accept || v.Ack != channels.AckAnswers || v.Body != nil {
		t.Errorf("got %+v, want accept without a body", v)
	}
	if v := s.Check(head("GET"), nil, noon); v.Code != 401 {
		t.Errorf("got %d for a stranger, want 401", v.Code)
	}
}

func TestLaw12_NoVerdictAndNoScreenShowsASecret(t *testing.T) {
	t.Parallel()
	s := compile(t, declare("webhook:home", bearer(canary)), declare("webhook:work", basicAuth("bob", other)))
	h := head("POST", [2]string{"Authorization", canary})
	for _, shown := range []string{
		fmt.Sprintf("%+v", s.Check(h, []byte(`{}`), noon)), fmt.Sprintf("%+v", s.Check(h, nil, noon)),
		fmt.Sprintf("%+v", s.Head(h, noon)), fmt.Sprintf("%+v %#v", *s, *s.byMethod["POST"].routes[0]),
		fmt.Sprintf("%+v", s.byMethod["POST"].routes[0].ways),
	} {
		if strings.Contains(shown, canary) || strings.Contains(shown, other) {
			t.Errorf("shows a secret: %s", shown)
		}
	}
}
