package webhook

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/channels"
)

func TestInterpretFindsWhatTheMapSelects(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	base := channels.Arrival{
		Account: "webhook:home", Origin: 7, At: at, ID: "request-7", Kind: channels.Message,
		Conversation: "default", Sender: channels.Sender{ID: "default"}, Text: "hello",
	}
	with := func(f func(*channels.Arrival)) channels.Arrival {
		a := base
		f(&a)
		return a
	}
	for _, tc := range []struct {
		name, mapping, id, body string
		want                    channels.Arrival
	}{
		{"only a text", `{}`, "", `{"text":"hello"}`, base},
		{"all that there is", `{}`, "m-1", `{"id":"m-1","conversation":"c","sender":"bob","name":"Bob","text":"hello"}`, with(func(a *channels.Arrival) {
			a.ID, a.Conversation, a.Sender = "m-1", "c", channels.Sender{ID: "bob", Name: "Bob"}
		})},
		{"a sender stands in for the conversation", `{}`, "", `{"sender":"bob","text":"hello"}`, with(func(a *channels.Arrival) {
			a.Conversation, a.Sender.ID = "bob", "bob"
		})},
		{"a conversation stands in for the sender", `{}`, "", `{"conversation":"c","text":"hello"}`, with(func(a *channels.Arrival) {
			a.Conversation, a.Sender.ID = "c", "c"
		})},
		{"numbers are names too", `{}`, "", `{"sender":12345678901234567890,"text":"hello"}`, with(func(a *channels.Arrival) {
			a.Conversation, a.Sender.ID = "12345678901234567890", "12345678901234567890"
		})},
		{"an object is no name", `{}`, "", `{"sender":{"id":"bob"},"text":"hello"}`, base},
		{
			"paths of the operator", `{"text":"m.0.body","sender":"from.id","conversation":"room","name":"from.nick"}`, "",
			`{"m":[{"body":"hello"}],"from":{"id":"bob","nick":"B"},"room":"r1","sender":"eve"}`, with(func(a *channels.Arrival) {
				a.Conversation, a.Sender = "r1", channels.Sender{ID: "bob", Name: "B"}
			}),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := decode(t, `{"map":`+tc.mapping+`,"auth":{"type":"none"}}`)
			got, err := interpret(s, channels.Request{Seq: 7, Account: "webhook:home", At: at, ID: tc.id, Body: []byte(tc.body)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]channels.Arrival{tc.want}, got); diff != "" {
				t.Errorf("arrivals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADocumentWithoutTextSaysWhereItWasLookedFor(t *testing.T) {
	t.Parallel()
	s := decode(t, `{"map":{"text":"m.body"},"auth":{"type":"none"}}`)
	for _, body := range []string{`{}`, `{"m":{"body":""}}`, `{"m":{"body":{"text":"x"}}}`, `{"m":{"body":null}}`, `[]`} {
		_, err := interpret(s, channels.Request{Body: []byte(body)})
		if err == nil || !strings.Contains(err.Error(), `"m.body"`) || !strings.Contains(err.Error(), "map.text") {
			t.Errorf("%s: got %v, want an error that names the path and the setting", body, err)
		}
	}
}

func TestTheIDOfARequest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, settings string
		want           channels.Selector
	}{
		{"stands in the document", `{"auth":{"type":"none"}}`, channels.Selector{Path: "id"}},
		{"stands where the operator says", `{"auth":{"type":"none"},"map":{"id":"m.id"}}`, channels.Selector{Path: "m.id"}},
		{"stands in the header of a signed request", `{"auth":{"type":"standard"}}`, channels.Selector{Header: "webhook-id", Path: "id"}},
		{"stands where the operator says, also of a signed request", `{"auth":{"type":"standard"},"map":{"id":"m.id"}}`, channels.Selector{Path: "m.id"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := routes("webhook:home", decode(t, tc.settings))[0].ID; got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}
