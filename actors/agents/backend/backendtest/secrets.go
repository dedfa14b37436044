package backendtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"holdfast/actors/agents/backend"
)

// secrets plants the canary and looks for it wherever something is printed.
func secrets(t *testing.T, kind backend.Kind, fake Fake) {
	t.Run("settings and agent do not print it", func(t *testing.T) {
		s := Decode(t, kind, fake.Settings("http://127.0.0.1:1", Canary))
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, string(text))
		for _, v := range []any{s, kind.Open(s, Env())} {
			clean(t, fmt.Sprintf("%v %+v %#v", v, v, v))
		}
	})
	for name, behave := range echoes(t) {
		t.Run(name, func(t *testing.T) {
			got := newWorld(t, kind, fake, behave).ask(t, Turn("hello"))
			nothing(t, got)
			for err := got.err; err != nil; err = errors.Unwrap(err) {
				clean(t, fmt.Sprintf("%v %+v %#v", err, err, err))
			}
		})
	}
	t.Run("faults in the settings do not repeat it", func(t *testing.T) {
		s := kind.Settings()
		for _, address := range []string{"http://user:" + Canary + "@127.0.0.1/?key=" + Canary + "#" + Canary, "::" + Canary} {
			if err := json.Unmarshal([]byte(fake.Settings(address, " "+Canary+"\n")), s); err != nil {
				t.Fatal(err)
			}
			clean(t, fmt.Sprintf("%+v", s.Validate()))
		}
	})
}

// echoes are servers that repeat the credential in all that they say.
func echoes(t *testing.T) map[string]behaviour {
	out := map[string]behaviour{}
	for _, code := range []int{200, 302, 400, 401, 403, 404, 422, 429, 500, 503} {
		out[fmt.Sprintf("a server that repeats it with status %d", code)] = func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Location", "http://127.0.0.1:1/?key="+Canary)
			w.Header().Set("Content-Type", "text/plain; key="+Canary)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, Canary+" is not a good key: "+Canary)
		}
		out[fmt.Sprintf("a server that repeats it in JSON with status %d", code)] = func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"error":{"message":`+Quote("bad key "+Canary)+`,"`+Canary+`":1}}`)
		}
	}
	out["a stream that repeats it"] = func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"error":`+Quote(Canary)+"}\n\n")
	}
	out["a long page full of it"] = func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, strings.Repeat(Canary, 1000))
	}
	out["a header full of it"] = func(w http.ResponseWriter, _ *http.Request, _ string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 "+Canary+"\r\n"+Canary+"\r\n\r\n")
		_ = conn.Close()
	}
	return out
}

// clean fails the test if the canary, or the better part of it, stands in text.
func clean(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, Canary[6:len(Canary)/2]) {
		t.Errorf("the secret is in: %s", text)
	}
}
