package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard is what a server was sent.
type heard struct {
	mu     sync.Mutex
	bodies map[string]int
	paths  map[string]int
	conns  map[string]bool
}

// listening is a server that notes what it hears and then does what it is told.
func listening(t *testing.T, then func(http.ResponseWriter, *http.Request)) (*heard, string) {
	t.Helper()
	h := &heard{bodies: map[string]int{}, paths: map[string]int{}, conns: map[string]bool{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		h.bodies[string(body)]++
		h.paths[r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Kind")]++
		h.conns[r.RemoteAddr] = true
		h.mu.Unlock()
		if then != nil {
			then(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return h, s.URL
}

// played is a run of the command and its last line.
func played(t *testing.T, f flags) result {
	t.Helper()
	if f.Timeout == 0 {
		f.Timeout = 10 * time.Second
	}
	var out bytes.Buffer
	if err := f.run(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r result
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatalf("the last line is no result: %v\n%s", err, out.String())
	}
	return r
}

func TestEveryRequestIsSentAsTheFlagsSay(t *testing.T) {
	h, url := listening(t, nil)
	r := played(t, flags{
		URL: url + "/in/{n}?conn={c}", Method: "PUT", Header: []string{"X-Kind: a:b"}, Body: `{"n":{n}}`, Connections: 3, Duration: time.Minute,
		Requests: 50, First: 1000,
	})
	if r.Answers != 50 || r.Requests != 50 || r.Non2xx != 0 || r.Failed != 0 || r.Statuses["200"] != 50 || r.Rate <= 0 {
		t.Errorf("the result is %+v", r)
	}
	if len(h.bodies) != 50 || h.bodies[`{"n":000000001000}`] != 1 || h.bodies[`{"n":000000001049}`] != 1 || len(h.conns) != 3 {
		t.Errorf("%d bodies came over %d connections: %v", len(h.bodies), len(h.conns), h.bodies)
	}
	for path := range h.paths {
		if !strings.HasPrefix(path, "PUT /in/00000000") || !strings.HasSuffix(path, " a:b") || !strings.Contains(path, "?conn=0000") {
			t.Errorf("a request was %s", path)
		}
	}
}

// TestAPauseOfTheServerShowsInEverythingThatWasDueInIt is the point of a constant rate: over one connection of which one
// answer takes long, many requests are late, and not only one.
func TestAPauseOfTheServerShowsInEverythingThatWasDueInIt(t *testing.T) {
	const pause = 300 * time.Millisecond
	var once sync.Once
	_, url := listening(t, func(http.ResponseWriter, *http.Request) {
		once.Do(func() { <-time.After(pause) })
	})
	r := played(t, flags{URL: url, Method: "POST", Connections: 1, Rate: 100, Requests: 60, Duration: time.Minute})
	if r.Answers != 60 || r.Failed != 0 {
		t.Fatalf("the result is %+v", r)
	}
	// The first one is late by the pause, and those that were due in it by what was left of it.
	if r.Max < 299 || r.P90 < 100 {
		t.Errorf("p90 is %.1f ms and the most %.1f ms: the requests that were due in the pause do not show it", r.P90, r.Max)
	}
}

func TestThePlannedInstantIsInTheRequest(t *testing.T) {
	h, url := listening(t, nil)
	before := time.Now().UnixMicro()
	played(t, flags{URL: url, Method: "POST", Body: "{t}", Connections: 1, Rate: 1000, Requests: 20, Duration: time.Minute})
	after := time.Now().UnixMicro()
	if len(h.bodies) != 20 {
		t.Errorf("%d instants for 20 requests", len(h.bodies))
	}
	for body := range h.bodies {
		if us, err := strconv.ParseInt(body, 10, 64); err != nil || us < before || us > after {
			t.Errorf("the instant %s is not between %d and %d: %v", body, before, after, err)
		}
	}
}

func TestWhatIsNoSuccessIsCounted(t *testing.T) {
	n := 0
	_, url := listening(t, func(w http.ResponseWriter, r *http.Request) {
		switch n++; n {
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 4:
			panic(http.ErrAbortHandler) // the connection is cut
		}
	})
	r := played(t, flags{URL: url, Method: "POST", Body: "x", Connections: 1, Duration: time.Minute, Requests: 6})
	if r.Statuses["200"] != 4 || r.Statuses["503"] != 1 || r.Non2xx != 1 || r.Failed != 1 || len(r.Errors) != 1 || r.Requests != 6 {
		t.Errorf("the result is %+v", r)
	}
}

func TestAServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	gone := make(chan struct{})
	_, url := listening(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-gone:
		case <-r.Context().Done():
		}
	})
	defer close(gone)
	r := played(t, flags{URL: url, Method: "POST", Body: "x", Connections: 1, Duration: time.Minute, Requests: 1, Timeout: 50 * time.Millisecond})
	if r.Errors["no answer in time"] != 1 || r.Answers != 0 {
		t.Errorf("the result is %+v", r)
	}
}

func TestARequestIsWrittenOnce(t *testing.T) {
	for _, c := range []struct{ name, url, method, body, want string }{
		{"a post with marks", "http://h:1/a?k={c}", "POST", "{n}{t}", "POST /a?k=00000 HTTP/1.1\r\nHost: h:1\r\nX: 1\r\nContent-Length: 28\r\n\r\n" + strings.Repeat("0", 28)},
		{"a post without a body", "http://h/", "POST", "", "POST / HTTP/1.1\r\nHost: h\r\nX: 1\r\nContent-Length: 0\r\n\r\n"},
		{"a get", "http://h", "GET", "", "GET / HTTP/1.1\r\nHost: h\r\nX: 1\r\n\r\n"},
		{"a query without a path", "http://h?a=b", "GET", "", "GET /?a=b HTTP/1.1\r\nHost: h\r\nX: 1\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := newWire(c.url, c.method, []string{"X: 1"}, []byte(c.body), false)
			if err != nil || string(w.raw) != c.want {
				t.Errorf("%q, %v; want %q", w.raw, err, c.want)
			}
		})
	}
	for _, bad := range []struct{ url, header string }{{"ftp://h", "X: 1"}, {"http://h", "no value"}, {"http://h", "X: 1\r\nY: 2"}} {
		if _, err := newWire(bad.url, "GET", []string{bad.header}, nil, false); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestErrorsHaveFewNames(t *testing.T) {
	if got := sortOf(errors.New("x")); got != `read: "x"` {
		t.Error(got)
	}
}

// TestTheGeneratorKnowsNothingOfTheGateway: another one is measured with it as well.
func TestTheGeneratorKnowsNothingOfTheGateway(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			if strings.HasPrefix(i.Path.Value, `"holdfast/`) {
				t.Errorf("%s imports %s", file, i.Path.Value)
			}
		}
	}
}
