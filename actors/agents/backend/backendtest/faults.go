package backendtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"holdfast/actors/agents/backend"
	"holdfast/config"
)

func statuses(t *testing.T, kind backend.Kind, fake Fake) {
	check := func(code int, refused bool) {
		for form, page := range map[string]string{
			"text/html":        "<html><body>" + http.StatusText(code) + "</body></html>",
			"application/json": `{"error":{"message":"something about ` + http.StatusText(code) + `"}}`,
		} {
			t.Run(fmt.Sprintf("%d with %s", code, form), func(t *testing.T) {
				w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) {
					w.Header().Set("Content-Type", form)
					w.WriteHeader(code)
					_, _ = io.WriteString(w, page)
				})
				got := w.ask(t, Turn("hello"))
				nothing(t, got)
				if backend.IsRefusal(got.err) != refused {
					t.Errorf("refused is %v, want %v: %v", !refused, refused, got.err)
				}
				if of := code == 400 || code == 413 || code == 422; backend.IsOfMessage(got.err) != of {
					t.Errorf("laid to the message is %v, want %v: %v", !of, of, got.err)
				}
				if !strings.Contains(got.err.Error(), fmt.Sprint(code)) || !strings.Contains(got.err.Error(), "127.0.0.1") {
					t.Errorf("the error does not say what happened where: %v", got.err)
				}
				if n := w.conns.Load(); n != 1 {
					t.Errorf("the server was asked %d times; trying again is the journal's work", n)
				}
			})
		}
	}
	for _, code := range fake.Refused {
		check(code, true)
	}
	for _, code := range fake.Passing {
		check(code, false)
	}
	t.Run("the pause that a server names is passed on", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(http.StatusTooManyRequests)
		})
		got := w.ask(t, Turn("hello"))
		if passing(t, got); backend.PauseOf(got.err) != 17*time.Second {
			t.Errorf("got a pause of %v, want 17s", backend.PauseOf(got.err))
		}
	})
	t.Run("a redirect is not followed", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		})
		got := w.ask(t, Turn("hello"))
		if nothing(t, got); !backend.IsRefusal(got.err) || !strings.Contains(got.err.Error(), "redirects") || w.conns.Load() != 1 {
			t.Errorf("got %v after %d connections, want a refusal that says so after one", got.err, w.conns.Load())
		}
	})
}

// bad are answers with status 200 that are none.
var bad = map[string]struct{ form, body string }{
	"a web page":                        {"text/html; charset=utf-8", "<!doctype html><html><body>It works!</body></html>"},
	"a web page that calls itself JSON": {"application/json", "<html></html>"},
	"an empty body":                     {"application/json", ""},
	"an empty stream":                   {"text/event-stream", ""},
	"an empty object":                   {"application/json", "{}"},
	"null":                              {"application/json", "null"},
	"a list":                            {"application/json", "[]"},
	"half a document":                   {"application/json", `{"text":"hel`},
	"an error under a good status":      {"application/json", `{"error":{"message":"overloaded"}}`},
	"a stream of nonsense":              {"text/event-stream", "data: what?\n\ndata: [DONE]\n\n"},
	"bytes":                             {"application/octet-stream", "\x00\xff\xfe\x01"},
}

// weather is what passes: pages that are no answer, and connections that break.
func weather(t *testing.T, kind backend.Kind, fake Fake) {
	for name, page := range bad {
		t.Run(name+" is not an answer", func(t *testing.T) {
			w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.Header().Set("Content-Type", page.form)
				_, _ = io.WriteString(w, page.body)
			})
			passing(t, w.ask(t, Turn("hello")))
		})
	}
	t.Run("an answer cut in its middle is not delivered", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) {
			fake.Begin(w, "the first half of ")
			cut(w)
		})
		passing(t, w.ask(t, Turn("hello")))
	})
	t.Run("an answer that ends in its middle is not delivered", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) {
			fake.Begin(w, "the first half of ")
		})
		passing(t, w.ask(t, Turn("hello")))
	})
	t.Run("a connection closed without an answer may pass", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(http.ResponseWriter, *http.Request, string) { panic(http.ErrAbortHandler) })
		passing(t, w.ask(t, Turn("hello")))
	})
	t.Run("a server that is not there may pass", func(t *testing.T) {
		s := Decode(t, kind, fake.Settings("http://127.0.0.1:1", Canary))
		passing(t, await(t, begin(t.Context(), kind.Open(s, Env()), Turn("hello"))))
	})
}

// shapes are whole answers of an unusual size or form.
func shapes(t *testing.T, kind backend.Kind, fake Fake) {
	t.Run("an answer without end is given up", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) {
			fake.Begin(w, "blah ")
			if flood(w) {
				t.Error("the agent took all of 256 MiB")
			}
		})
		got := w.ask(t, Turn("hello"))
		if nothing(t, got); !backend.IsOfMessage(got.err) {
			t.Errorf("want a refusal of the message, since the next answer would be no shorter: %v", got.err)
		}
	})
	t.Run("a whole answer longer than an answer may be is refused", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) {
			fake.Say(w, strings.Repeat("x", backend.MaxText+1))
		})
		got := w.ask(t, Turn("hello"))
		if nothing(t, got); !backend.IsOfMessage(got.err) {
			t.Errorf("want a refusal of the message: %v", got.err)
		}
	})
	t.Run("an answer that is not UTF-8 is mended or not delivered", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) { fake.Say(w, "caf\xe9 au lait") })
		if got := w.ask(t, Turn("hello")); got.err != nil {
			passing(t, got)
		} else if !utf8.ValidString(got.answer.Text) || !strings.Contains(got.answer.Text, "au lait") {
			t.Errorf("got %q", got.answer.Text)
		}
	})
	t.Run("an empty answer says nothing", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, _ string) { fake.Say(w, "") })
		if got := w.ask(t, Turn("hello")); got.err != nil || got.answer.Text != "" {
			t.Errorf("got %q, %v", got.answer.Text, got.err)
		}
	})
}

// flood writes until nobody reads any more; true if 256 MiB went through.
func flood(w http.ResponseWriter) bool {
	block := []byte(strings.Repeat("blah ", 13107))
	for range 256 << 20 / len(block) {
		if _, err := w.Write(block); err != nil {
			return false
		}
	}
	return true
}

func ends(t *testing.T, kind backend.Kind, fake Fake) {
	// Two silences: before the first byte, and in the middle of an answer.
	for name, first := range map[string]func(http.ResponseWriter){
		"at once": func(http.ResponseWriter) {},
		"in the middle": func(w http.ResponseWriter) {
			fake.Begin(w, "the first half of ")
			_ = http.NewResponseController(w).Flush()
		},
	} {
		reached := make(chan struct{}, 1)
		hang := func(w http.ResponseWriter, r *http.Request, _ string) {
			first(w)
			reached <- struct{}{}
			<-r.Context().Done()
		}
		t.Run("a turn whose server falls silent "+name+" ends with its context", func(t *testing.T) {
			w := newWorld(t, kind, fake, hang)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			turn := begin(ctx, w.agent, Turn("hello"))
			select {
			case <-reached:
			case got := <-turn:
				t.Fatalf("the turn ended early: %+v", got)
			}
			cancel()
			got := await(t, turn)
			if passing(t, got); !errors.Is(got.err, context.Canceled) {
				t.Errorf("got %v, want the context's own error in it", got.err)
			}
		})
		t.Run("a turn whose server falls silent "+name+" ends by its own deadline", func(t *testing.T) {
			w := newWorld(t, kind, fake, hang, func(s backend.Settings) {
				s.Shared().Timeout = config.Duration(100 * time.Millisecond)
			})
			got := w.ask(t, Turn("hello"))
			if passing(t, got); !errors.Is(got.err, context.DeadlineExceeded) || !strings.Contains(got.err.Error(), "agents.default.timeout") {
				t.Errorf("got %v, want the deadline and the setting named", got.err)
			}
		})
	}
	t.Run("a slow answer is waited for", func(t *testing.T) {
		w := newWorld(t, kind, fake, func(w http.ResponseWriter, _ *http.Request, text string) {
			fake.Say(&dribble{ResponseWriter: w}, "heard "+text)
		})
		if got := w.ask(t, Turn("hello")); got.err != nil || got.answer.Text != "heard hello" {
			t.Errorf("got %q, %v", got.answer.Text, got.err)
		}
	})
}

// dribble sends every three bytes on their own.
type dribble struct{ http.ResponseWriter }

func (d *dribble) Write(data []byte) (int, error) {
	for at := 0; at < len(data); at += 3 {
		if _, err := d.ResponseWriter.Write(data[at:min(at+3, len(data))]); err != nil {
			return at, err
		}
		if err := http.NewResponseController(d.ResponseWriter).Flush(); err != nil {
			return at, err
		}
	}
	return len(data), nil
}
