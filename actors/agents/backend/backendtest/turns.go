package backendtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/channels"
)

func settings(t *testing.T, kind backend.Kind, fake Fake) {
	if kind.Name == "" || kind.Settings == nil || kind.Open == nil {
		t.Fatalf("kind %q lacks a part", kind.Name)
	}
	t.Run("say their kind and carry the defaults", func(t *testing.T) {
		got, want := *kind.Settings().Shared(), backend.DefaultCommon(kind.Name)
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("are made anew for every agent", func(t *testing.T) {
		kind.Settings().Shared().Parallel = 77
		if got := kind.Settings().Shared().Parallel; got == 77 {
			t.Error("a change of one agent's settings shows in another's")
		}
	})
	t.Run("name the faults of the shared keys", func(t *testing.T) {
		s := Decode(t, kind, fake.Settings("http://127.0.0.1:1", Canary))
		s.Shared().Parallel, s.Shared().Timeout = 0, -1
		seen := map[string]bool{}
		for _, p := range s.Validate() {
			seen[p.Path] = true
			if p.Want == "" {
				t.Errorf("%s: the fault does not say what is wanted", p.Path)
			}
		}
		if !seen["parallel"] || !seen["timeout"] {
			t.Errorf("got faults %v, want parallel and timeout among them", seen)
		}
	})
	t.Run("survive being written, but for secrets", func(t *testing.T) {
		s := Decode(t, kind, fake.Settings("http://127.0.0.1:1", ""))
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again := kind.Settings()
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), `"***"`, `""`)), again); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(s, again) {
			t.Errorf("got %+v, want %+v", again, s)
		}
	})
}

// full is a turn with all that a turn can have, but for files that can be read.
func full(text string) backend.Turn {
	turn := Turn(text)
	turn.Repeated, turn.Group = true, true
	turn.Attachments = []channels.Attachment{{Name: "lost.png", Type: "image/png", Gone: "the server deleted it"}}
	turn.Context = []string{"Bob reacted with a heart"}
	turn.History = []backend.Entry{
		{Role: "user", Name: "Bob", Text: "hi"}, {Role: "assistant", Text: "hello"}, {Role: "user", Name: "Cem", Text: ""},
	}
	return turn
}

func turns(t *testing.T, kind backend.Kind, fake Fake) {
	reply := func(w http.ResponseWriter, _ *http.Request, text string) { fake.Say(w, "heard "+text) }
	t.Run("opening an agent touches nobody", func(t *testing.T) {
		if w := newWorld(t, kind, fake, reply); w.conns.Load() != 0 {
			t.Errorf("the server saw %d connections", w.conns.Load())
		}
	})
	t.Run("a message is answered", func(t *testing.T) {
		w := newWorld(t, kind, fake, reply)
		got := w.ask(t, Turn("good morning, \"world\" \U0001F30D\nsecond line"))
		if got.err != nil || !strings.Contains(got.answer.Text, "good morning, \"world\" \U0001F30D\nsecond line") {
			t.Errorf("got %q, %v", got.answer.Text, got.err)
		}
	})
	t.Run("a turn with everything is answered and not changed", func(t *testing.T) {
		w := newWorld(t, kind, fake, reply)
		turn := full("what now?")
		got := w.ask(t, turn)
		if got.err != nil || !strings.Contains(got.answer.Text, "what now?") {
			t.Errorf("got %q, %v", got.answer.Text, got.err)
		}
		if !reflect.DeepEqual(turn, full("what now?")) {
			t.Errorf("the turn was changed: %+v", turn)
		}
	})
	t.Run("text that is not UTF-8 does no harm", func(t *testing.T) {
		w := newWorld(t, kind, fake, reply)
		if got := w.ask(t, Turn("caf\xe9 \x00 \u2028")); got.err != nil || !strings.Contains(got.answer.Text, "caf") {
			t.Errorf("got %q, %v", got.answer.Text, got.err)
		}
	})
	t.Run("a turn whose context has ended asks nobody", func(t *testing.T) {
		w := newWorld(t, kind, fake, reply)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		passing(t, await(t, begin(ctx, w.agent, Turn("hello"))))
		if w.conns.Load() != 0 {
			t.Error("the server was asked")
		}
	})
	t.Run("turns at the same time get each their own answer", func(t *testing.T) { together(t, newWorld(t, kind, fake, reply)) })
}

func together(t *testing.T, w world) {
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			text := fmt.Sprintf("message <%d>", i)
			turn := full(text)
			turn.ID = fmt.Sprintf("turn-%d", i)
			if got, err := w.agent.Turn(t.Context(), turn); err != nil || !strings.Contains(got.Text, text) {
				t.Errorf("asked %q, got %q, %v", text, got.Text, err)
			}
		})
	}
	all.Wait()
}
