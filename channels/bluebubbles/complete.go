package bluebubbles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"holdfast/channels"
)

// completeTries is how often a message without content is read again before it is taken to have none.
const completeTries = 5

// Complete asks the server for what an arrival lacks: the chat that updates do not name, and attachments that come
// into the database after their message. What it finds is as of now: an edit since then is in it.
func (c *channel) Complete(ctx context.Context, a channels.Arrival, try int) (channels.Arrival, error) {
	r := get("message", a.ID)
	r.query = url.Values{"with": {"chats,attachments"}}
	var body json.RawMessage
	if _, err := c.api.do(ctx, r, lookUpCall, &body); err != nil {
		return a, fmt.Errorf("complete the message: %w", lost(err))
	}
	m := newRecord(gjson.ParseBytes(body))
	a = m.fill(a)
	switch {
	case !a.Incomplete || try < completeTries:
		return a, nil
	case a.Conversation == "":
		return a, &channels.Failure{Outcome: channels.Rejected, Err: fmt.Errorf("complete the message: the server does not say in which chat %s is", a.ID)}
	case a.Sender.ID == "":
		return a, &channels.Failure{Outcome: channels.Rejected, Err: fmt.Errorf("complete the message: the server does not say who sent %s", a.ID)}
	}
	a.Incomplete = false
	return a, nil
}

// fill gives an arrival what the record knows.
func (r record) fill(a channels.Arrival) channels.Arrival {
	if r.chat != "" {
		a.Conversation, a.Group = r.chat, r.group
	}
	if a.Sender.ID == "" {
		a.Sender = r.sender
	}
	if a.Sent.IsZero() {
		a.Sent = r.created
	}
	a.Incomplete = a.Conversation == "" || a.Sender.ID == ""
	switch {
	case a.Kind == channels.Message && r.isRetracted():
		a.Text, a.Attachments = "", nil // taken back before anybody answered
	case a.Kind == channels.Message:
		now := r.message()[0]
		a.ReplyTo, a.Text, a.Attachments = now.ReplyTo, now.Text, now.Attachments
		a.Covers = union(a.Covers, now.Covers)
		a.Incomplete = a.Incomplete || now.Incomplete
	case strings.HasPrefix(a.Version, versionEdit) && r.text != "":
		a.Text = r.text
	}
	return a
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// Fetch streams an attachment. Its size is not known before its end. A file that is not on the Mac's disk yet is a
// failure to try again.
func (c *channel) Fetch(ctx context.Context, a channels.Attachment) (io.ReadCloser, error) {
	res, err := c.api.open(ctx, get("attachment", a.ID, "download"))
	if err != nil {
		return nil, fmt.Errorf("fetch attachment %s: %w", a.Name, lost(err))
	}
	return res.Body, nil
}

// lost turns the server's "there is no such thing" into a final failure.
func lost(err error) error {
	var bad *badAnswer
	if errors.As(err, &bad) && bad.status == http.StatusNotFound && bad.enveloped {
		return &channels.Failure{Outcome: channels.Rejected, Err: err}
	}
	return err
}
