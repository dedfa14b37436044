package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"holdfast/actors/agents/backend"
	"holdfast/config"
)

const canary = "canary/of-twenty-two+x"

func peer() *Peer {
	return &Peer{Agent: "default", Place: "http://host/v1", Within: config.Duration(time.Minute), Secret: config.NewSecret(canary)}
}

func TestCheckURL(t *testing.T) {
	for _, c := range []struct {
		name, address string
		good          bool
	}{
		{"http will do", "http://host:1/path?query=1", true},
		{"https will do", "https://[::1]/", true},
		{"nothing is not an address", "", false},
		{"a host alone is not an address", "host:8080", false},
		{"a path alone is not an address", "/v1", false},
		{"another scheme is not one", "unix:///run/x.sock", false},
		{"credentials do not belong there", "http://u:" + canary + "@host/", false},
		{"a fragment goes nowhere", "http://host/#" + canary, false},
		{"a control character is not part of one", "http://host/\x01" + canary, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := CheckURL("url", c.address, "http://example.com")
			if (len(got) == 0) != c.good {
				t.Errorf("got %v", got)
			}
			if strings.Contains(fmt.Sprint(got), canary) {
				t.Errorf("the fault repeats what may be a credential: %v", got)
			}
		})
	}
}

func TestShowAndLoopback(t *testing.T) {
	for address, want := range map[string]struct {
		shown    string
		loopback bool
	}{
		"http://user:pass@127.0.0.1:8/a/b?c=d#e": {"http://127.0.0.1:8/a/b", true},
		"http://LOCALHOST./":                     {"http://LOCALHOST./", true},
		"http://[::1]":                           {"http://[::1]", true},
		"http://[::ffff:127.9.9.9]/":             {"http://[::ffff:127.9.9.9]/", true},
		"https://localhost.example.com/":         {"https://localhost.example.com/", false},
		"https://10.0.0.1/":                      {"https://10.0.0.1/", false},
		"https://0.0.0.0/":                       {"https://0.0.0.0/", false},
		"mailto:someone":                         {"mailto:…", false},
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if Show(u) != want.shown || Loopback(u) != want.loopback {
			t.Errorf("%s: got %s, %v, want %+v", address, Show(u), Loopback(u), want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-3": 0, "7": 7 * time.Second, "99999999999": time.Hour, "3601": time.Hour,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Minute).Format(http.TimeFormat):     0,
		now.Add(48 * time.Hour).Format(http.TimeFormat):   time.Hour,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}

func TestBound(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int64
		want  string
		err   error
	}{
		{"less than the limit is read whole", 6, "hello", nil},
		{"the limit itself is read whole", 5, "hello", nil},
		{"one byte more is an error", 4, "hell", ErrTooLong},
		{"nothing may be the limit", 0, "", ErrTooLong},
	} {
		for form, wrap := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with its end": iotest.DataErrReader,
		} {
			t.Run(c.name+", "+form, func(t *testing.T) {
				body := Bound(io.NopCloser(wrap(strings.NewReader("hello"))), c.limit)
				got, err := io.ReadAll(body)
				if string(got) != c.want || !errors.Is(err, c.err) {
					t.Errorf("got %q, %v, want %q, %v", got, err, c.want, c.err)
				}
				if n, again := body.Read(make([]byte, 8)); c.err != nil && (n != 0 || !errors.Is(again, c.err)) {
					t.Errorf("after the error: got %d bytes, %v", n, again)
				}
			})
		}
	}
}

func answerOf(code int, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func TestStatusRepeatsTheServersReason(t *testing.T) {
	for _, c := range []struct {
		name string
		code int
		body string
		want string
	}{
		{"OpenAI's form", 400, `{"error":{"message":"no such model","type":"x"}}`, `answered 400 Bad Request ("no such model"); do it`},
		{"Ollama's form", 404, `{"error":"model not found"}`, `answered 404 Not Found ("model not found"); do it`},
		{"a plain message", 400, `{"message":"bad"}`, `answered 400 Bad Request ("bad"); do it`},
		{"FastAPI's form", 422, `{"detail":"too long"}`, `answered 422 Unprocessable Entity ("too long"); do it`},
		{"any other JSON as it is", 400, `{"code":7}`, `answered 400 Bad Request ("{\"code\":7}"); do it`},
		{"text in one line", 500, "\n\x1b[31mno\t\tmemory\n", `answered 500 Internal Server Error ("[31mno memory"); do it`},
		{"nothing is nothing", 503, "", `answered 503 Service Unavailable; do it`},
		{"a rejected credential is not talked about", 401, "your key is almost right", `answered 401 Unauthorized; do it`},
		{"nor one that may not", 403, "your key is almost right", `answered 403 Forbidden; do it`},
		{"a secret is masked", 400, "key " + canary + "!", `answered 400 Bad Request ("key ***!"); do it`},
		{"a secret that JSON wrote in its own way is masked", 400, `{"error":"key canary\/of-twenty-two\u002bx!"}`, `answered 400 Bad Request ("key ***!"); do it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := peer().Status(answerOf(c.code, c.body), false, "do it")
			if want := "asking http://host/v1: " + c.want; err.Error() != want || !backend.IsRefusal(err) {
				t.Errorf("got  %v\nwant %v", err, want)
			}
		})
	}
}

func TestALongReasonIsShortAndKeepsNoPartOfASecret(t *testing.T) {
	// The secret lies at every offset around the bound of what is read, and around the bound of what is shown.
	for _, at := range []int{maxRead, maxExcerpt} {
		for shift := range len(canary) + 2 {
			body := "x" + strings.Repeat("é", (at-shift)/2) + canary + strings.Repeat(" ", maxRead)
			got := peer().Status(answerOf(500, body), true, "wait").Error()
			if len(got) > maxExcerpt+200 || !utf8.ValidString(got) || strings.Contains(got, `\x`) || strings.Contains(got, canary[:4]) {
				t.Fatalf("shift %d: got %d bytes: %s", shift, len(got), got)
			}
		}
	}
	// Leaving out blanks makes text shorter, which must not bring the cut end of what was read into view.
	for cut := range len(canary) {
		got := peer().Status(answerOf(500, strings.Repeat(" ", maxRead-cut)+canary), true, "wait").Error()
		if strings.Contains(got, canary[:max(cut, 3)]) {
			t.Fatalf("cut after %d bytes: got %s", cut, got)
		}
	}
}

func TestLost(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithTimeout(t.Context(), -1)
	defer cancelLate()
	wire := &url.Error{Op: "Post", URL: "http://host/v1?token=" + canary, Err: errors.New("connection refused")}
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want string
		is   error
	}{
		{"a turn that was ended says so", ended, wire, "the turn was ended", context.Canceled},
		{"a turn out of time names the setting", late, wire, "agents.default.timeout (now 1m0s)", context.DeadlineExceeded},
		{"a cut connection says so", t.Context(), io.ErrUnexpectedEOF, "cut before the answer was whole", nil},
		{"a server that closes says so", t.Context(), &url.Error{Op: "Post", URL: wire.URL, Err: io.EOF}, "cut before the answer was whole", nil},
		{"any other fault is named without the query", t.Context(), wire, "asking http://host/v1: connection refused; see whether", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := peer().Lost(c.ctx, c.err)
			if !strings.Contains(got.Error(), c.want) || strings.Contains(got.Error(), canary) || backend.IsRefusal(got) {
				t.Errorf("got %v, want %q", got, c.want)
			}
			if c.is != nil && !errors.Is(got, c.is) {
				t.Errorf("got %v, want %v in it", got, c.is)
			}
		})
	}
}

func TestTheClientGoesStraightToItsAddress(t *testing.T) {
	// The standard library never sends loopback addresses through a proxy, so no test on this machine would see one.
	if NewClient().Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy from the environment would see messages and credentials")
	}
}
