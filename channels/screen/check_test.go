package screen

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"holdfast/channels"
	"holdfast/config"
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
	signed := compile(t, declare("webhook:home", channels.Auth{
		Scheme: channels.SchemeStandard, Secrets: []config.Secret{config.NewSecret("whsec_c2VjcmV0")}, Window: time.Minute,
	}))
	stamped := func(at time.Time) Head {
		return head("POST", [2]string{"webhook-id", "m"}, [2]string{"webhook-signature", "v1,x"},
			[2]string{"webhook-timestamp", strconv.FormatInt(at.Unix(), 10)})
	}
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
		{"a fresh stamp must be checked with the body", signed, stamped(noon.Add(time.Minute)), Read, 0, ""},
		{"a stale stamp needs no body", signed, stamped(noon.Add(-61 * time.Second)), Refuse, 401, ""},
		{"a stamp without a signature needs none either", signed, head("POST", [2]string{"webhook-timestamp", "1"}), Refuse, 401, ""},
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

func TestAVerdictHasTheDocumentAsItCame(t *testing.T) {
	t.Parallel()
	r := declare("webhook:home", bearer(canary))
	r.Keep = []string{"X-Attempt", "X-Missing"}
	r.ID.Path = "id"
	r.Ack = channels.AckTicket
	s := compile(t, r)
	body := []byte(`{"id":"abc"}`)
	v := s.Check(head("POST", [2]string{"Authorization", canary}, [2]string{"X-Attempt", "2"}), body, noon)
	if &v.Body[0] != &body[0] {
		t.Error("the document was copied")
	}
	want := Verdict{
		Action: Accept, Code: 200, Account: "webhook:home", Ack: channels.AckTicket, ID: "abc",
		Body: []byte(`{"id":"abc"}`), Keep: map[string]string{"x-attempt": "2"},
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

// What is looked up lies in the server's memory, which the next request on the connection writes to.
func TestWhatAVerdictKeepsOutlivesTheRequest(t *testing.T) {
	t.Parallel()
	r := declare("webhook:home", bearer(canary))
	r.Keep, r.ID = []string{"X-Attempt"}, channels.Selector{Header: "X-Id"}
	memory := map[string][]byte{"Authorization": []byte(canary), "X-Attempt": []byte("2"), "X-Id": []byte("abc")}
	lent := Head{Method: "POST", Header: func(name string) (string, int) {
		value := memory[http.CanonicalHeaderKey(name)]
		return unsafe.String(unsafe.SliceData(value), len(value)), min(len(value), 1)
	}}
	v := compile(t, r).Check(lent, []byte(`{}`), noon)
	for _, value := range memory {
		for i := range value {
			value[i] = 'z'
		}
	}
	if v.Action != Accept || v.ID != "abc" || v.Keep["x-attempt"] != "2" {
		t.Errorf("the verdict became id %q, kept %v", v.ID, v.Keep)
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
