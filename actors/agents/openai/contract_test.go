package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"holdfast/actors/agents/backend/backendtest"
)

// wire is a request as the API defines it. Unknown keys are errors.
type wire struct {
	Model               string    `json:"model"`
	Messages            []message `json:"messages"`
	Stream              bool      `json:"stream"`
	Temperature         *float64  `json:"temperature"`
	MaxTokens           *int      `json:"max_tokens"`
	MaxCompletionTokens *int      `json:"max_completion_tokens"`
}

type message struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
}

// content is text, or text and images.
type content struct {
	text   string
	images []string
}

func (c *content) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &c.text) == nil {
		return nil
	}
	var parts []struct {
		Type  string  `json:"type"`
		Text  *string `json:"text"`
		Image *struct {
			URL string `json:"url"`
		} `json:"image_url"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&parts); err != nil {
		return err
	}
	for _, p := range parts {
		switch {
		case p.Type == "text" && p.Text != nil && *p.Text != "" && p.Image == nil:
			c.text += *p.Text
		case p.Type == "image_url" && p.Image != nil && p.Text == nil:
			c.images = append(c.images, p.Image.URL)
		default:
			return fmt.Errorf("a part of type %q", p.Type)
		}
	}
	return nil
}

// read judges a request as a strict server does.
func read(r *http.Request, body []byte, secret string) (wire, error) {
	var got wire
	if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" || r.URL.RawQuery != "" {
		return got, fmt.Errorf("%s %s", r.Method, r.URL)
	}
	if form := r.Header.Get("Content-Type"); form != "application/json" {
		return got, fmt.Errorf("content type %q", form)
	}
	if auth := r.Header.Values("Authorization"); secret == "" && len(auth) > 0 || secret != "" && (len(auth) != 1 || auth[0] != "Bearer "+secret) {
		return got, fmt.Errorf("authorization %q", auth)
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Stainless") || strings.HasPrefix(name, "Openai-") {
			return got, fmt.Errorf("header %s says more than it must", name)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		return got, err
	}
	if got.Model != "llama3.2" || len(got.Messages) == 0 {
		return got, fmt.Errorf("model %q, %d messages", got.Model, len(got.Messages))
	}
	for i, m := range got.Messages {
		switch {
		case m.Role == "system" && i == 0, m.Role == "user", m.Role == "assistant" && len(m.Content.images) == 0:
		default:
			return got, fmt.Errorf("message %d has role %q", i, m.Role)
		}
		if i > 0 && m.Role == got.Messages[i-1].Role {
			return got, fmt.Errorf("messages %d and %d have the same role", i-1, i)
		}
		if m.Content.text == "" && len(m.Content.images) == 0 {
			return got, fmt.Errorf("message %d is empty", i)
		}
	}
	if last := got.Messages[len(got.Messages)-1]; last.Role != "user" {
		return got, errors.New("the last message is not the user's")
	}
	return got, nil
}

func hear(r *http.Request, body []byte, secret string) (string, error) {
	got, err := read(r, body, secret)
	if err != nil {
		return "", err
	}
	return got.Messages[len(got.Messages)-1].Content.text, nil
}

func settingsJSON(stream bool) func(address, secret string) string {
	return func(address, secret string) string {
		return fmt.Sprintf(`{"kind":"openai","baseUrl":%s,"apiKey":%s,"model":"llama3.2","system":"Be kind.","stream":%v}`,
			backendtest.Quote(address+"/v1"), backendtest.Quote(secret), stream)
	}
}

func put(w http.ResponseWriter, form, body string) {
	w.Header().Set("Content-Type", form)
	_, _ = io.WriteString(w, body)
}

const frame = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"llama3.2","choices":[{"index":0,"delta":`

// piece is one event with a part of the text.
func piece(text string) string {
	return "data: " + frame + `{"role":"assistant","content":` + backendtest.Quote(text) + "},\"finish_reason\":null}]}\n\n"
}

// finish is the event that says why the answer ended, usage and the end mark.
func finish(why string) string {
	return "data: " + frame + `{},"finish_reason":"` + why + "\"}]}\n\n" +
		`data: {"id":"c1","object":"chat.completion.chunk","choices":[],"usage":{"total_tokens":5}}` + "\n\ndata: [DONE]\n\n"
}

// completion is an answer in one piece.
func completion(text, why string) string {
	return `{"id":"c1","object":"chat.completion","created":1,"model":"llama3.2","choices":[{"index":0,"message":{"role":"assistant","content":` +
		backendtest.Quote(text) + `},"logprobs":null,"finish_reason":"` + why + `"}],"usage":{"total_tokens":5}}`
}

var (
	refused = []int{400, 401, 402, 403, 404, 405, 413, 415, 422}
	passing = []int{408, 409, 425, 429, 500, 502, 503, 504, 529}
)

func TestContractOfStreams(t *testing.T) {
	backendtest.Run(t, Kind(), backendtest.Fake{
		Settings: settingsJSON(true), Hear: hear, Refused: refused, Passing: passing,
		Say: func(w http.ResponseWriter, text string) {
			half := len(text) / 2 // may lie in the middle of a character
			put(w, "text/event-stream; charset=utf-8", ": a comment\n\n"+piece(text[:half])+": another\n\n"+piece(text[half:])+finish("stop"))
		},
		Begin: func(w http.ResponseWriter, text string) {
			put(w, "text/event-stream", piece(text)+strings.TrimSuffix(piece(text), "\"},\"finish_reason\":null}]}\n\n"))
		},
	})
}

func TestContractOfAnswersInOnePiece(t *testing.T) {
	backendtest.Run(t, Kind(), backendtest.Fake{
		Settings: settingsJSON(false), Hear: hear, Refused: refused, Passing: passing,
		Say: func(w http.ResponseWriter, text string) { put(w, "application/json", completion(text, "stop")) },
		Begin: func(w http.ResponseWriter, text string) {
			whole := completion(text, "stop")
			put(w, "application/json", whole[:strings.Index(whole, text)+len(text)])
		},
	})
}
