// Package callout is the agent that is a web address: every message is posted to a program of the operator's own, and
// what that answers is sent. In the configuration its kind is http.
//
//	agents:
//	  default:
//	    kind: http
//	    url: https://bot.example.com/turn
//	    secret: ${env:BOT_SECRET}     # whsec_… as in Standard Webhooks; may be left out on a loopback address
//	    history: true                 # send the conversation so far
//	    attachmentMaxMb: 8            # files sent with one message, together; 0 sends only their names
//	    timeout: 2m
//	    parallel: 8
//
// # The request
//
// POST, JSON:
//
//	{"id": "…", "repeated": false, "agent": "default", "account": "bluebubbles:home", "conversation": "…",
//	 "group": false, "sender": {"id": "+15551234567", "name": "Anna"}, "text": "hello",
//	 "attachments": [{"name": "a.png", "type": "image/png", "size": 4, "data": "<base64>"}],
//	 "context": ["Bob reacted with a heart"],
//	 "history": [{"role": "user", "name": "Anna", "text": "…", "at": "2026-01-02T15:04:05Z"}]}
//
// The arrays are always there, except history if it is switched off. An attachment has data, or omitted with the reason.
// repeated says that this id may have been seen before: the gateway was interrupted, or an attempt failed.
//
// With a secret, the headers webhook-id (the id of the turn), webhook-timestamp and webhook-signature are those of
// Standard Webhooks, so that any of its libraries verifies them. The secret is whsec_ and 24 to 64 random bytes in
// base64: echo whsec_$(openssl rand -base64 32)
//
// # The answer
//
// 200 with {"text": "…", "attachments": [{"name": "a.png", "type": "image/png", "data": "<base64>"}]}, either part
// alone, or 204 (or an empty text) to say nothing. Unknown keys are an error, for a misspelt one would swallow an answer.
//
// # Failures
//
// Refused, since trying again would not mend it: every 4xx but 408, 425 and 429, a redirect, another 2xx, an answer
// beyond the limits. Transient: 408, 425, 429, 5xx, an unreachable server, a cut or senseless answer. Those the
// gateway repeats with the same id; it honours Retry-After. 400, 413 and 422 are taken for the message's own fault; every
// other refusal has the agent shown as faulty until it answers again.
package callout

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/backend/remote"
	"holdfast/config"
)

// Name is the kind as in the configuration.
const Name = "http"

// DefaultAttachmentMaxMB bounds the files sent with one message, together, in MiB.
const DefaultAttachmentMaxMB = 8

const maxAttachmentMB = 64

// Lengths of a signing key in bytes, as Standard Webhooks has them.
const (
	minKey = 24
	maxKey = 64
)

const example = "https://bot.example.com/turn"

// Settings of one http agent.
type Settings struct {
	backend.Common
	URL             string        `json:"url" jsonschema:"required,description=where messages are posted"`
	Secret          config.Secret `json:"secret,omitempty" jsonschema:"description=whsec_ and base64; signs each request; required unless url is loopback"`
	History         *bool         `json:"history,omitempty" jsonschema:"description=send the conversation so far"`
	AttachmentMaxMB *int          `json:"attachmentMaxMb,omitempty" jsonschema:"minimum=0,description=MiB of files sent with one message; 0 sends only their names"`
}

func defaults() backend.Settings {
	return &Settings{
		Common: backend.DefaultCommon(Name), History: new(true), AttachmentMaxMB: new(DefaultAttachmentMaxMB),
	}
}

// Validate names every fault.
func (s *Settings) Validate() []config.Problem {
	out := append(s.Common.Validate(), remote.CheckURL("url", s.URL, example)...)
	out = append(out, s.checkSecret()...)
	if mb := s.attachmentMaxMB(); mb < 0 || mb > maxAttachmentMB {
		out = append(out, config.Problem{
			Path: "attachmentMaxMb", Got: fmt.Sprint(mb), Want: fmt.Sprintf("MiB from 0 to %d", maxAttachmentMB),
		})
	}
	return out
}

func (s *Settings) checkSecret() []config.Problem {
	const hint = "make one with: echo whsec_$(openssl rand -base64 32)"
	if s.Secret.IsZero() {
		if u, err := url.Parse(s.URL); err == nil && (u.Hostname() == "" || remote.Loopback(u)) {
			return nil // without a host the fault is the address
		}
		return []config.Problem{{Path: "secret", Want: "a signing secret, because url does not lead to this machine; " + hint}}
	}
	key, err := signingKey(s.Secret)
	switch {
	case err != nil:
		return []config.Problem{{Path: "secret", Got: "something that is not base64", Want: "whsec_ and base64; " + hint}}
	case len(key) < minKey || len(key) > maxKey:
		return []config.Problem{{
			Path: "secret", Got: fmt.Sprintf("a key of %d bytes", len(key)),
			Want: fmt.Sprintf("%d to %d bytes in base64; %s", minKey, maxKey, hint),
		}}
	}
	return nil
}

// signingKey is what the secret stands for. The error does not repeat the secret.
func signingKey(s config.Secret) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
}

func (s *Settings) sendsHistory() bool { return s.History == nil || *s.History }

func (s *Settings) attachmentMaxMB() int {
	if s.AttachmentMaxMB == nil {
		return DefaultAttachmentMaxMB
	}
	return *s.AttachmentMaxMB
}
