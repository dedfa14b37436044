package webhook

import (
	"cmp"
	"fmt"

	"github.com/tidwall/gjson"

	"holdfast/channels"
)

// everyone is the conversation and the sender of a document that names neither.
const everyone = "default"

// interpret makes one message out of one document. The request's id is the message's; a request without one is a
// message of its own, and then the journal's number tells it from all others.
func interpret(settings channels.Settings, r channels.Request) ([]channels.Arrival, error) {
	s := settings.(*Settings)
	doc := gjson.ParseBytes(r.Body)
	at := func(path, byDefault string) string { return plain(doc.Get(cmp.Or(path, byDefault))) }

	text := at(s.Map.Text, "text")
	if text == "" {
		return nil, fmt.Errorf("interpret a webhook: there is no text at %q: set map.text to where the sender puts it", cmp.Or(s.Map.Text, "text"))
	}
	sender, conversation := at(s.Map.Sender, "sender"), at(s.Map.Conversation, "conversation")
	return []channels.Arrival{{
		Account: r.Account, Origin: r.Seq, At: r.At,
		ID:           cmp.Or(r.ID, fmt.Sprintf("request-%d", r.Seq)),
		Kind:         channels.Message,
		Conversation: cmp.Or(conversation, sender, everyone),
		Sender:       channels.Sender{ID: cmp.Or(sender, conversation, everyone), Name: at(s.Map.Name, "name")},
		Text:         text,
	}}, nil
}

// plain is a value as text. An object or a list is none: the path stops too early.
func plain(v gjson.Result) string {
	if v.IsObject() || v.IsArray() {
		return ""
	}
	return v.String()
}
