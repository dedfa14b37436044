package bluebubbles

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"holdfast/channels"
)

// formRow is the form of what a run hands in: one message object of the server's REST interface, without envelope.
const formRow = "row"

// messageTypes are the webhook types that can hold a message. Every other one says nothing that an agent is told.
var messageTypes = []string{"new-message", "updated-message", "message-reaction", "reaction"}

// interpret says what a webhook or a row means. It is pure, and lenient towards relays that reshape the message: names
// and nestings that are known to occur are understood. What is no message at all is an error.
func interpret(_ channels.Settings, req channels.Request) ([]channels.Arrival, error) {
	if !gjson.ValidBytes(req.Body) {
		return nil, errors.New("interpret the message: the body is no JSON")
	}
	root := gjson.ParseBytes(req.Body)
	message := root
	switch req.Form {
	case formRow:
	case channels.FormWebhook:
		kind := root.Get("type").String()
		if kind != "" && !slices.Contains(messageTypes, kind) {
			return nil, nil
		}
		message = messageIn(root)
		if strings.Contains(kind, "reaction") && !pick(message, "associatedMessageType", "associatedMessageEmoji").Exists() {
			return nil, nil
		}
	default:
		return nil, fmt.Errorf("interpret the message: the form %q is unknown", req.Form)
	}
	if !message.IsObject() {
		return nil, errors.New("interpret the message: there is no message object under data")
	}
	r := newRecord(message)
	if r.fromMe || r.itemType != 0 {
		return nil, nil
	}
	out, err := r.arrivals(req.At)
	if err != nil {
		return nil, fmt.Errorf("interpret the message: %w", err)
	}
	for i := range out {
		out[i].Account, out[i].Origin, out[i].At = req.Account, req.Seq, req.At
	}
	return out, nil
}

// messageIn finds the message object of a webhook: under data, or where relays put it; as an object, as JSON in a
// string, or first in a list.
func messageIn(root gjson.Result) gjson.Result {
	message := object(pick(root, "data", "payload", "event", "message"))
	if nested := object(message.Get("message")); nested.IsObject() {
		return nested
	}
	return message
}

func object(v gjson.Result) gjson.Result {
	if v.Type == gjson.String && gjson.Valid(v.Str) {
		v = gjson.Parse(v.Str)
	}
	if v.IsArray() {
		v = v.Get("0")
	}
	return v
}

// pick is the first of the keys that holds something other than null and "".
func pick(v gjson.Result, keys ...string) gjson.Result {
	for _, key := range keys {
		if got := v.Get(key); got.Exists() && got.Type != gjson.Null && (got.Type != gjson.String || got.Str != "") {
			return got
		}
	}
	return gjson.Result{}
}
