package callout

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"holdfast/actors/agents/backend/backendtest"
)

// document is a request as the package documents it. Unknown keys are errors.
type document struct {
	ID           *string `json:"id"`
	Repeated     *bool   `json:"repeated"`
	Agent        *string `json:"agent"`
	Account      *string `json:"account"`
	Conversation *string `json:"conversation"`
	Group        *bool   `json:"group"`
	Sender       *struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"sender"`
	Text        *string `json:"text"`
	Attachments *[]struct {
		Name    string  `json:"name"`
		Type    string  `json:"type"`
		Size    int64   `json:"size"`
		Data    *string `json:"data"`
		Omitted *string `json:"omitted"`
	} `json:"attachments"`
	Context *[]string `json:"context"`
	History *[]struct {
		Role string `json:"role"`
		Name string `json:"name"`
		Text string `json:"text"`
		At   string `json:"at"`
	} `json:"history"`
}

// read judges a request as a strict receiver does: signature first, then form.
func read(r *http.Request, body []byte, secret string) (document, error) {
	var got document
	if r.Method != http.MethodPost || r.URL.Path != "/turn" || r.Header.Get("Content-Type") != "application/json" {
		return got, fmt.Errorf("%s %s, content type %q", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	if secret != "" {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return got, err
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			return got, err
		}
	} else if r.Header.Get("Webhook-Signature") != "" {
		return got, errors.New("signed without a secret")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		return got, err
	}
	if got.ID == nil || got.Repeated == nil || got.Agent == nil || got.Account == nil || got.Conversation == nil || got.Group == nil ||
		got.Sender == nil || got.Text == nil || got.Attachments == nil || got.Context == nil {
		return got, errors.New("a key is missing or null")
	}
	if secret != "" && r.Header.Get("Webhook-Id") != *got.ID {
		return got, fmt.Errorf("webhook-id %q, id %q", r.Header.Get("Webhook-Id"), *got.ID)
	}
	for _, file := range *got.Attachments {
		if (file.Data == nil) == (file.Omitted == nil) {
			return got, fmt.Errorf("attachment %q: want either data or omitted", file.Name)
		}
		if file.Data != nil {
			if _, err := base64.StdEncoding.DecodeString(*file.Data); err != nil {
				return got, err
			}
		}
	}
	return got, nil
}

func hear(r *http.Request, body []byte, secret string) (string, error) {
	got, err := read(r, body, secret)
	if err != nil {
		return "", err
	}
	if got.History == nil {
		return "", errors.New("no history")
	}
	return *got.Text, nil
}

func settingsJSON(address, secret string) string {
	return fmt.Sprintf(`{"kind":"http","url":%s,"secret":%s}`, backendtest.Quote(address+"/turn"), backendtest.Quote(secret))
}

func TestContract(t *testing.T) {
	backendtest.Run(t, Kind(), backendtest.Fake{
		Settings: settingsJSON, Hear: hear,
		Refused: []int{201, 202, 206, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451},
		Passing: []int{408, 425, 429, 500, 502, 503, 504},
		Say: func(w http.ResponseWriter, text string) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"text":`+backendtest.Quote(text)+"}\n")
		},
		Begin: func(w http.ResponseWriter, text string) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, strings.TrimSuffix(`{"text":`+backendtest.Quote(text), `"`))
		},
	})
}
