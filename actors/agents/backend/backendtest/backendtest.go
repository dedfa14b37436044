// Package backendtest is what every agent backend must do, as tests. A kind that asks a server brings a Fake that
// speaks the wire strictly; the package lets that server be slow, silent, cut, wrong or endless, on a real socket.
//
// What is checked: Open does no I/O; a whole answer or an error, never half of one; refusals are told from what may
// pass; a turn ends with its context and within its own deadline, and leaves nothing running; turns do not disturb
// each other; what a turn is given is not changed; a secret is in no error and in no printed value.
package backendtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/channels"
)

// Patience is how long a test waits for what must happen. Nothing is concluded from it passing but failure.
const Patience = 10 * time.Second

// Canary is the text of a secret that must appear nowhere but on the wire.
const Canary = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmFyeSE="

// Fake is the other side of one kind of agent.
type Fake struct {
	// Settings is one agent's configuration as JSON. Address is the server's, without a trailing slash; secret is to be
	// put wherever the kind has one.
	Settings func(address, secret string) string

	// Hear reads a request strictly and returns the text that it carries. It is nil for a kind that asks no server; then
	// nothing below is used.
	Hear func(r *http.Request, body []byte, secret string) (text string, err error)
	// Say writes a whole good answer.
	Say func(w http.ResponseWriter, text string)
	// Begin writes a good answer up to the middle of its text, so that more text could follow as it stands.
	Begin func(w http.ResponseWriter, text string)

	Refused []int // statuses that trying again does not mend
	Passing []int // statuses that may pass
}

// Run checks one kind.
func Run(t *testing.T, kind backend.Kind, fake Fake) {
	t.Helper()
	t.Run("settings", func(t *testing.T) { settings(t, kind, fake) })
	t.Run("turn", func(t *testing.T) { turns(t, kind, fake) })
	if fake.Hear == nil {
		return
	}
	t.Run("status", func(t *testing.T) { statuses(t, kind, fake) })
	t.Run("weather", func(t *testing.T) { weather(t, kind, fake) })
	t.Run("shape", func(t *testing.T) { shapes(t, kind, fake) })
	t.Run("end", func(t *testing.T) { ends(t, kind, fake) })
	t.Run("secret", func(t *testing.T) { secrets(t, kind, fake) })
}

// Decode makes settings from JSON as strictly as the configuration does, and fails the test on any fault.
func Decode(t *testing.T, kind backend.Kind, text string) backend.Settings {
	t.Helper()
	s := kind.Settings()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		t.Fatalf("decoding settings of kind %s: %v", kind.Name, err)
	}
	if faults := s.Validate(); len(faults) > 0 {
		t.Fatalf("settings of kind %s have faults: %v", kind.Name, faults)
	}
	return s
}

// Turn is an ordinary turn that says text.
func Turn(text string) backend.Turn {
	return backend.Turn{
		ID: "turn-1", Agent: "default", Account: channels.NewAccount("bluebubbles", "home"),
		Conversation: "iMessage;-;+15551234567", Sender: channels.Sender{ID: "+15551234567", Name: "Anna"}, Text: text,
	}
}

// Quote writes text as a JSON string and leaves bytes that are not UTF-8 as they are, which encoding/json would mend.
func Quote(text string) string {
	out := []byte{'"'}
	for _, b := range []byte(text) {
		switch {
		case b == '"' || b == '\\':
			out = append(out, '\\', b)
		case b < ' ':
			out = fmt.Appendf(out, `\u%04x`, b)
		default:
			out = append(out, b)
		}
	}
	return string(append(out, '"'))
}
