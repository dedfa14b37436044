package callout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/backend/remote"
)

// Kind describes the agent to the gateway.
func Kind() backend.Kind {
	return backend.Kind{
		Name: Name, Settings: defaults, Open: open,
		History: func(s backend.Settings) bool { return s.(*Settings).sendsHistory() },
	}
}

type agent struct {
	settings *Settings
	env      backend.Env
	peer     *remote.Peer
	client   *http.Client
}

func open(s backend.Settings, env backend.Env) backend.Agent {
	a := &agent{settings: s.(*Settings), env: env, client: remote.NewClient()}
	a.peer = &remote.Peer{Agent: env.Name, Within: a.settings.Timeout, Secret: a.settings.Secret}
	if u, err := url.Parse(a.settings.URL); err == nil {
		a.peer.Place = remote.Show(u)
	}
	return a
}

// Turn posts the message once and returns a whole answer or an error.
func (a *agent) Turn(ctx context.Context, t backend.Turn) (backend.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, a.settings.Timeout.D())
	defer cancel()
	if err := ctx.Err(); err != nil {
		return backend.Answer{}, a.peer.Lost(ctx, err)
	}
	body, err := a.body(t)
	if err != nil {
		return backend.Answer{}, err
	}
	req, err := a.request(ctx, t.ID, body)
	if err != nil {
		return backend.Answer{}, err
	}
	res, err := a.client.Do(req)
	if err != nil {
		return backend.Answer{}, a.peer.Lost(ctx, err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusNoContent:
		return backend.Answer{}, nil
	case http.StatusOK:
		return a.answer(ctx, res)
	}
	return backend.Answer{}, a.status(res)
}

func (a *agent) body(t backend.Turn) ([]byte, error) {
	q, err := a.question(t)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, a.peer.Unanswerable("the message cannot be written as JSON: "+err.Error(), "report this as a bug")
	}
	return body, nil
}

// request is signed anew for every attempt: the receiver checks how old the signature is, and tells attempts of one
// turn by their id.
func (a *agent) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.settings.URL, bytes.NewReader(body))
	if err != nil {
		return nil, a.peer.Refused("the address cannot be used", "check "+a.peer.Setting("url"))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", remote.UserAgent)
	if a.settings.Secret.IsZero() {
		return req, nil
	}
	key, err := signingKey(a.settings.Secret)
	if err != nil {
		return nil, a.peer.Refused("the secret is not base64", "check "+a.peer.Setting("secret"))
	}
	now := time.Now()
	signer, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return nil, a.peer.Refused("the request cannot be signed", "check "+a.peer.Setting("secret"))
	}
	signature, err := signer.Sign(id, now, body)
	if err != nil {
		return nil, a.peer.Refused("the request cannot be signed", "check "+a.peer.Setting("secret"))
	}
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return req, nil
}

func (a *agent) status(res *http.Response) error {
	code, set := res.StatusCode, a.peer.Setting
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return a.peer.Status(res, false, fmt.Sprintf("check that %s is the one that the receiver verifies with, and both clocks", set("secret")))
	case code == http.StatusNotFound:
		return a.peer.Status(res, false, "check "+set("url"))
	case code == http.StatusTooManyRequests:
		return a.peer.Status(res, true, "wait, or lower "+set("parallel"))
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		return a.peer.Status(res, true, "see the server's own log")
	case code >= 300 && code < 400:
		return a.peer.Status(res, false, fmt.Sprintf("set %s to the address that it redirects to", set("url")))
	case code >= 400:
		return a.peer.Status(res, false, "see the server's own log for what it dislikes")
	}
	return a.peer.Status(res, false, "make it answer 200 with JSON, or 204 for no answer")
}
