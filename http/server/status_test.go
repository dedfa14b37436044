package server

import (
	"fmt"
	"strings"
	"testing"
)

// outcome is what a sender must hear.
type outcome struct {
	name, raw string
	code      int
	body      string
	header    map[string]string
	close     bool
}

func (e *edge) check(c outcome) {
	e.t.Helper()
	got := e.ask(c.raw)
	if got.code != c.code || got.body != c.body || got.close != c.close {
		e.t.Errorf("got %d %q, close %t; want %d %q, close %t", got.code, got.body, got.close, c.code, c.body, c.close)
	}
	for _, name := range []string{"Allow", "Retry-After"} {
		if got.header.Get(name) != c.header[name] {
			e.t.Errorf("%s is %q, want %q", name, got.header.Get(name), c.header[name])
		}
	}
}

func run(t *testing.T, e *edge, cases []outcome) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { e.in(t).check(c) })
	}
}

func TestLaw4_APathIsFoundUnderOneCanonicalForm(t *testing.T) {
	e := newEdge(t)
	const nobody, stranger = "nobody owns this path", "no credential fits"
	none := func(name, target string) outcome {
		return outcome{name: name, raw: request("GET", target, ""), code: 404, body: nobody}
	}
	known := func(name, target string) outcome {
		return outcome{name: name, raw: request("POST", target, ""), code: 401, body: stranger}
	}
	run(t, e, []outcome{
		none("a path that nobody owns", "/nobody"),
		none("below a path that owns only itself", "/hook/below"),
		none("two below a path that owns one below", "/ticket/7/8"),
		none("another case", "/HOOK"),
		none("an encoded slash", "/ticket%2F7"),
		none("an encoded slash in lower case", "/ticket%2f7"),
		none("a dot segment", "/x/../hook"),
		none("an encoded dot segment", "/x/%2e%2e/hook"),
		none("a single dot", "/./hook"),
		none("decoded twice it would be known", "/ho%256Fk"),
		none("a NUL", "/hook%00"),
		none("a bad escape", "/hook%zz"),
		none("the root", "/"),
		none("an absolute target without a path", "http://edge"),
		none("metrics", "/metrics"),
		none("debug", "/debug/pprof/"),
		none("what is reserved for later", "/_/x"),
		{name: "no target but a star", raw: "OPTIONS * HTTP/1.1\r\nHost: edge\r\n\r\n", code: 404, body: nobody},
		{name: "a tunnel", raw: "CONNECT edge:443 HTTP/1.1\r\nHost: edge\r\n\r\n", code: 404, body: nobody},
		known("the path itself", "/hook"),
		known("a trailing slash", "/hook/"),
		known("folded slashes", "//hook"),
		known("an encoded letter", "/ho%6Fk"),
		known("an absolute target", "http://edge/hook"),
		known("an absolute target of another host", "http://elsewhere:1/hook"),
		known("with a query", "/hook?password=wrong"),
	})
}

func TestRefusalsComeInOrderAndSayWhatToDo(t *testing.T) {
	e := newEdge(t)
	long := strings.Repeat("x", bodyMost+1)
	chunked := "Transfer-Encoding: chunked"
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(long), long)
	tooLarge := fmt.Sprintf("body too large: at most %d bytes", bodyMost)
	retry := map[string]string{"Retry-After": "5"}
	run(t, e, []outcome{
		{"404 comes before a body is looked at", request("POST", "/nobody", long), 404, "nobody owns this path", nil, true},
		{"405 names the methods", request("PUT", "/hook", ""), 405, "method not taken here", map[string]string{"Allow": "POST"}, false},
		{"405 comes before 413", request("PUT", "/hook", long), 405, "method not taken here", map[string]string{"Allow": "POST"}, true},
		{"405 for HEAD has no body", request("HEAD", "/hook", ""), 405, "", map[string]string{"Allow": "POST"}, false},
		{"413 comes before 401", request("POST", "/hook", long), 413, tooLarge, nil, true},
		{"413 for a proven sender", post("/hook", long), 413, tooLarge, nil, true},
		{"413 for chunks, once it is known", "POST /hook?password=" + canary + " HTTP/1.1\r\nHost: edge\r\n" + chunked + "\r\n\r\n" + chunk, 413, tooLarge, nil, true},
		{"401 comes before the chunks of a stranger", "POST /hook HTTP/1.1\r\nHost: edge\r\n" + chunked + "\r\n\r\n" + chunk, 401, "no credential fits", nil, true},
		{"401 without a credential", request("POST", "/hook", "{}"), 401, "no credential fits", nil, true},
		{"401 with a wrong one", request("POST", "/hook?password=wrong", "{}"), 401, "no credential fits", nil, true},
		{"401 with the right one twice", request("POST", "/hook?password="+canary+"&password="+canary, "{}"), 401, "no credential fits", nil, true},
		{"401 with the right header twice", request("POST", "/hook", "{}", "X-Password: "+canary, "x-password: "+canary), 401, "no credential fits", nil, true},
		{"401 without a signature", request("POST", "/signed", "{}"), 401, "no credential fits", nil, true},
		{"401 with a wrong signature, after the body", request("POST", "/signed", "{}", "X-Signature: 00"), 401, "no credential fits", nil, false},
		{"400 for an empty body", post("/hook", ""), 400, "empty body", nil, false},
		{"400 for no body at all", "POST /hook?password=" + canary + " HTTP/1.1\r\nHost: edge\r\n\r\n", 400, "empty body", nil, false},
		{"400 for what is no JSON", post("/hook", "hello"), 400, "body is not a JSON object or array", nil, false},
		{"400 for what is no UTF-8", post("/hook", "{\"a\":\"\xff\"}"), 400, "body is not valid UTF-8", nil, false},
		{"503 for an account that the operator disabled", post("/off", "{}"), 503, "account disabled by the operator", retry, true},
		{"401 for a stranger there", request("POST", "/off", "{}"), 401, "no credential fits", nil, true},
		{
			"431 for a header that is too large", request("POST", "/hook", "{}", "X-Long: "+strings.Repeat("x", headerMax)), 431,
			"request line and headers too large: at most 8192 bytes", nil, true,
		},
		{
			"431 for a target that is too large", request("GET", "/"+strings.Repeat("x", headerMax), ""), 431,
			"request line and headers too large: at most 8192 bytes", nil, true,
		},
	})
	if got := e.accepts(); len(got) > 0 {
		t.Errorf("the journal got %v", got)
	}
}

func TestWhatCannotBeReadIs400(t *testing.T) {
	e := newEdge(t)
	const unreadable = "this is no HTTP request that can be read"
	bad := func(name, raw string) outcome {
		return outcome{name: name, raw: raw, code: 400, body: unreadable, close: true}
	}
	framed := func(name, header, body, reason string) outcome {
		return outcome{
			name: name, raw: "POST /hook?password=" + canary + " HTTP/1.1\r\nHost: edge\r\n" + header + "\r\n\r\n" + body,
			code: 400, body: reason, close: true,
		}
	}
	const cut, both = "the body is cut or badly framed", "both Content-Length and Transfer-Encoding"
	run(t, e, []outcome{
		bad("junk", "hello\r\n\r\n"),
		bad("HTTP/0.9", "GET /hook\r\n"),
		bad("a version that is none", "GET /hook HTTX/1.1\r\nHost: edge\r\n\r\n"),
		bad("no host", "GET /hook HTTP/1.1\r\n\r\n"),
		bad("two hosts", "GET /hook HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
		bad("a target that does not begin with a slash", "GET hook HTTP/1.1\r\nHost: edge\r\n\r\n"),
		bad("a space in a header's name", "GET /hook HTTP/1.1\r\nHost : edge\r\n\r\n"),
		framed("a negative length", "Content-Length: -1", "{}", unreadable),
		framed("a length that is no number", "Content-Length: 2x", "{}", unreadable),
		framed("two lengths", "Content-Length: 2\r\nContent-Length: 2", "{}", unreadable),
		framed("a coding that is not known", "Transfer-Encoding: gzip", "{}", unreadable),
		framed("both a length and chunks", "Content-Length: 2\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n", both),
		framed("both, the other way round", "transfer-encoding: chunked\r\ncontent-length: 2", "2\r\n{}\r\n0\r\n\r\n", both),
		framed("a length and no coding by name", "Content-Length: 2\r\nTransfer-Encoding: identity", "{}", both),
		framed("a chunk without a size", "Transfer-Encoding: chunked", "x\r\n{}\r\n0\r\n\r\n", cut),
		framed("a chunk longer than its size", "Transfer-Encoding: chunked", "1\r\n{}\r\n0\r\n\r\n", cut),
		framed("a size that is too large", "Transfer-Encoding: chunked", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n", cut),
		{name: "chunks in HTTP/1.0", raw: "POST /hook HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", code: 400, body: unreadable, close: true},
		{name: "a stranger does not learn how his body is framed", raw: "POST /hook HTTP/1.1\r\nHost: edge\r\nContent-Length: 2\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", code: 401, body: "no credential fits", close: true},
	})
	if got := e.accepts(); len(got) > 0 {
		t.Errorf("the journal got %v", got)
	}
}
