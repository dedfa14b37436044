package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"holdfast/channels"
)

// maxAnswer is how much of a callback's answer is read, in bytes; nothing in it matters, but a connection whose answer
// was read can be used again.
const maxAnswer = 64 << 10

// Callback is what is posted for each part of an answer. It is the same in every attempt.
type Callback struct {
	ID           string `json:"id"` // of the reply; also in the header webhook-id
	Account      string `json:"account"`
	Conversation string `json:"conversation"`
	Text         string `json:"text"`
	Part         int    `json:"part"` // from 1
	Parts        int    `json:"parts"`
	ReplyTo      string `json:"replyTo,omitempty"` // the sender's id of the message that is answered
	Request      uint64 `json:"request,omitempty"` // the ticket of the request that is answered
	Notice       bool   `json:"notice,omitempty"`  // from the gateway itself, not from an agent
	Files        []File `json:"attachments,omitempty"`
}

// File is an attachment with its content, or with the reason why that is not there.
type File struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data []byte `json:"data,omitempty"` // base64 in JSON
	Gone string `json:"gone,omitempty"`
}

// newClient follows no redirects: a signed answer goes where the operator said and nowhere else.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: parallel, IdleConnTimeout: idleFor,
			TLSHandshakeTimeout: 10 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post delivers one reply.
//
// Every outcome that leaves open whether the reply arrived - a time-out, a connection cut, a 5xx - counts as not sent
// and so is tried again. Elsewhere that would risk saying things twice; here the reply has one id for all attempts,
// which is the receiver's means to know a repeat, and the sender of a webhook is expected to try again.
func (l *link) post(ctx context.Context, r channels.Reply) (channels.Receipt, error) {
	id := cmp.Or(r.Nonce, fmt.Sprintf("reply-%d", r.Seq))
	body, err := json.Marshal(l.callback(id, r))
	if err != nil {
		return channels.Receipt{}, notSent(0, fmt.Errorf("write the callback: %w", err))
	}
	now := time.Now()
	req, err := l.sign(ctx, id, body, now)
	if err != nil {
		return channels.Receipt{}, &channels.Failure{Outcome: channels.Rejected, Err: err}
	}
	res, err := l.client.Do(req)
	if err != nil {
		return channels.Receipt{}, notSent(0, fmt.Errorf("post the callback to %s: %w", req.URL.Host, withoutURL(err)))
	}
	defer func() { _ = res.Body.Close() }() // it was only read from
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer)
	if err := judge(res, req.URL.Host, now); err != nil {
		return channels.Receipt{}, err
	}
	return channels.Receipt{ID: id, At: now}, nil
}

// callback is the body, the same in every attempt. A file that cannot be had does not hold the text back.
func (l *link) callback(id string, r channels.Reply) Callback {
	out := Callback{
		ID: id, Account: string(r.Account), Conversation: r.Conversation, Text: r.Text, Part: r.Part, Parts: r.Parts,
		ReplyTo: r.ReplyTo, Request: r.Origin, Notice: r.Notice,
	}
	for _, a := range r.Attachments {
		f := File{Name: a.Name, Type: a.Type, Gone: a.Gone}
		if f.Gone == "" {
			f.Data, f.Gone = l.content(a)
		}
		out.Files = append(out.Files, f)
	}
	return out
}

// content reads an attachment from the state folder, or says why that cannot be done.
func (l *link) content(a channels.Attachment) (data []byte, gone string) {
	if l.env.Blob == nil {
		return nil, "the gateway keeps no files"
	}
	f, err := l.env.Blob(a.Blob)
	if err != nil {
		l.env.Log.Warn().Err(err).Str("attachment", a.Name).Msg("a reply goes out without its attachment")
		return nil, "the stored file cannot be opened"
	}
	defer func() { _ = f.Close() }() // it was only read from
	data, err = io.ReadAll(io.LimitReader(f, AttachmentLimit+1))
	switch {
	case err != nil:
		l.env.Log.Warn().Err(err).Str("attachment", a.Name).Msg("a reply goes out without its attachment")
		return nil, "the stored file cannot be read"
	case len(data) > AttachmentLimit:
		return nil, "the file is larger than a callback carries"
	}
	return data, ""
}

// sign makes the request, signed as of now.
func (l *link) sign(ctx context.Context, id string, body []byte, now time.Time) (*http.Request, error) {
	key, err := standardwebhooks.NewWebhook(l.settings.CallbackSecret.Reveal())
	if err != nil {
		return nil, errors.New("sign the callback: callbackSecret is not whsec_ and base64")
	}
	signature, err := key.Sign(id, now, body)
	if err != nil {
		return nil, errors.New("sign the callback: callbackSecret cannot sign")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.settings.CallbackURL.Reveal(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the callback: callbackUrl: %w", withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "holdfast")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	return req, nil
}

// judge says what the callback's status means for the reply; nil is delivered.
func judge(res *http.Response, host string, now time.Time) error {
	err := fmt.Errorf("post the callback: %s answered %d", host, res.StatusCode)
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return notSent(retryAfter(res.Header.Get("Retry-After"), now), err)
	case code < 400:
		err = fmt.Errorf("%w: redirects are not followed, set callbackUrl to where it leads", err)
	}
	return &channels.Failure{Outcome: channels.Rejected, Err: err}
}

func notSent(after time.Duration, err error) error {
	return &channels.Failure{Outcome: channels.NotSent, After: after, Err: err}
}

// retryAfter reads both forms of the header; 0 if there is none to be had.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 24); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// withoutURL takes the URL out of an error: its query may hold what is nobody else's business.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
