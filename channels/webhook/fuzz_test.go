package webhook

import (
	"testing"

	"github.com/tidwall/gjson"

	"holdfast/channels"
)

// FuzzInterpret searches for a path of an operator and a document of a sender that end in a panic, or in an arrival
// that nobody could work with.
func FuzzInterpret(f *testing.F) {
	f.Add("text", "from.id", `{"text":"hello","from":{"id":7}}`)
	f.Add("m.#(a==1).b|@reverse", "..0", `{"m":[{"a":1,"b":"x"}]}`)
	f.Add("@pretty:{", "{a,b}.c", `[1,[2]]`)
	f.Fuzz(func(t *testing.T, text, sender, body string) {
		if !gjson.Valid(body) {
			return // the screen lets none of these through
		}
		s := newSettings()
		s.Map = Map{Text: text, Sender: sender, Conversation: sender}
		got, err := interpret(s, channels.Request{Seq: 3, Account: "webhook:home", Body: []byte(body)})
		if (err == nil) != (len(got) == 1) {
			t.Fatalf("%d arrivals and error %v", len(got), err)
		}
		for _, a := range got {
			if a.ID == "" || a.Conversation == "" || a.Sender.ID == "" || a.Text == "" {
				t.Fatalf("an arrival lacks something: %+v", a)
			}
		}
	})
}
