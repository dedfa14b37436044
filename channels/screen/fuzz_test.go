package screen

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"holdfast/channels"
	"holdfast/config"
)

// FuzzStranger searches for a request that is let in by a path whose secrets it cannot know: they are drawn anew in
// every process. Its seeds are requests that are right under other secrets.
func FuzzStranger(f *testing.F) {
	std := channels.Auth{Scheme: channels.SchemeStandard, Secrets: []config.Secret{
		config.NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text()))), config.NewSecret(base64.StdEncoding.EncodeToString([]byte(rand.Text()))),
	}}
	s := compile(f, declare("webhook:shared", bearer(rand.Text(), rand.Text())), declare("webhook:basic", basicAuth("bob", rand.Text())),
		declare("webhook:mac", hexMAC(rand.Text())), declare("webhook:standard", std), declare("webhook:closed"))
	f.Add("POST", "Bearer "+canary, "", "", "", "", []byte(`{}`), int64(0))
	f.Add("POST", "Basic Ym9iOnN0YXBsZQ==", canary, "", "", "", []byte(`{}`), int64(0))
	f.Add("POST", "", "", "sha256="+sign(canary, `{}`), "", "", []byte(`{}`), int64(0))
	for _, v := range readVectors(f) {
		if len(v.Headers) > 2 {
			f.Add("POST", "", "", "", v.Headers[1][1], v.Headers[2][1], []byte(v.Body), v.Now)
		}
	}
	f.Fuzz(func(t *testing.T, method, auth, query, sig, stamp, signature string, body []byte, now int64) {
		h := head(method, [2]string{"Authorization", auth}, [2]string{"X-Sig", sig}, [2]string{"webhook-id", "m"},
			[2]string{"webhook-timestamp", stamp}, [2]string{"webhook-signature", signature}).with([2]string{"password", query})
		at := time.Unix(now, 0)
		s.Head(h, at)
		if v := s.Check(h, body, at); v.Action != Refuse || v.Account != "" || v.Code < 400 {
			t.Fatalf("a stranger got %s %d as %q", v.Action, v.Code, v.Account)
		}
	})
}

// FuzzBody searches, among requests of the right sender, for one that panics, that is answered with a status that the
// screen does not have, or that is accepted with a body that a strict reader of JSON refuses.
func FuzzBody(f *testing.F) {
	r := declare("webhook:home", bearer(canary))
	r.Forms = []channels.Form{{}, {Fields: []string{"payload", "data"}}}
	r.Skip = []channels.Match{{Path: "type", NotIn: []string{"message"}}, {Path: "a.#.b|@reverse|0", In: []string{"1"}}}
	r.ID = channels.Selector{Header: "X-Id", Path: "data.id"}
	s := compile(f, r)
	f.Add("", "", []byte(`{"type":"message","data":{"id":1}}`))
	f.Add("application/x-www-form-urlencoded", "a", []byte(`payload=%5B%5D`))
	f.Add("application/json", "", []byte("\ufeff {\"a\":[{\"b\":1}]}"))
	f.Add("text/plain", "", []byte("{\"a\":\"\xff\\ud800\"}"))
	f.Add("text/plain", "", bytes.Repeat([]byte("["), MaxDepth+2))
	f.Fuzz(func(t *testing.T, kind, id string, body []byte) {
		h := head("POST", [2]string{"Authorization", canary}, [2]string{"Content-Type", kind}, [2]string{"X-Id", id})
		v := s.Check(h, body, noon)
		switch {
		case v.Action == Refuse && (v.Code == 400 || v.Code == 413) && v.Reason != "":
		case v.Action == Skip && v.Code == 200:
		case v.Action == Accept && v.Code == 200:
			if !json.Valid(v.Body) || !utf8.Valid(v.Body) || !bytes.ContainsAny(v.Body[:1], "{[") {
				t.Fatalf("accepted a body that is no JSON document: %q", v.Body)
			}
			if len(v.ID) > MaxID {
				t.Fatalf("the id has %d bytes", len(v.ID))
			}
		default:
			t.Fatalf("got %s %d %q", v.Action, v.Code, v.Reason)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	message := []byte(`{"type":"new-message","data":{"guid":"A1","text":"` + string(bytes.Repeat([]byte("hello "), 150)) + `"}}`)
	with := func(r channels.Route) channels.Route {
		r.ID.Path = "data.guid"
		r.Skip = []channels.Match{{Path: "type", In: []string{"typing-indicator"}}}
		return r
	}
	stamp := noon.Unix()
	std := readVectors(b)[0]
	for _, bc := range []struct {
		name string
		s    *Screen
		h    Head
		body []byte
		now  time.Time
	}{
		{"secret in the query", compile(b, with(declare("a:a", bearer(canary)))), head("POST").with([2]string{"password", canary}), message, noon},
		{"one of eight accounts", compile(b, eight()...), head("POST").with([2]string{"password", canary}), message, noon},
		{"hmac", compile(b, with(declare("a:a", hexMAC(canary)))), head("POST", [2]string{"X-Sig", "sha256=" + sign(canary, string(message))}), message, noon},
		{"standard webhooks", compile(b, std.route()), head("POST", std.Headers...), []byte(std.Body), time.Unix(std.Now, 0)},
		{"stranger", compile(b, with(declare("a:a", bearer(canary)))), head("POST").with([2]string{"password", "x"}), message, time.Unix(stamp, 0)},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bc.s.Check(bc.h, bc.body, bc.now)
			}
		})
	}
}

// eight accounts on one path; the last one's secret is the canary.
func eight() []channels.Route {
	var out []channels.Route
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		out = append(out, declare(channels.NewAccount("a", name), bearer("secret-of-"+name)))
	}
	return append(out, declare("a:h", bearer(canary)))
}
