// Package openai is the agent behind any server that speaks OpenAI's chat completions: OpenAI itself, Ollama,
// llama.cpp, vLLM, LM Studio, LiteLLM, OpenRouter and many more.
//
//	agents:
//	  default:
//	    kind: openai
//	    baseUrl: http://127.0.0.1:11434/v1   # up to /v1; /chat/completions is added
//	    model: llama3.2
//	    apiKey: ${env:OPENAI_API_KEY}        # only if the server wants one
//	    system: You are a friendly assistant. Answer in short, plain sentences.
//	    temperature: 0.7                     # 0 to 2; default the server's
//	    maxTokens: 1000                      # of one answer; default the server's
//	    stream: true                         # false for servers that cannot
//	    imageMaxMb: 10                       # images of one message, together; 0 for a model that sees none
//	    timeout: 2m
//	    parallel: 8
//
// # What the model is told
//
// The system prompt; the history; then one message with what happened since the last answer, the text, and the images
// (PNG, JPEG, GIF, WebP) as data URLs. Other attachments are named and not sent. In groups each text begins with its
// sender's name. What people wrote never becomes part of the system prompt. Lines of one role that follow each
// other are one message, because some models insist that the roles take turns.
//
// # What an answer is
//
// Only a whole one: a stream without its end is an error and nothing of it is delivered. An answer that ran into the
// token limit is delivered with a note; one that the server's content filter stopped is a refusal. An empty answer
// sends nothing. So does a message without text, attachments and context: the model is not asked.
//
// # Failures
//
// Refused, since trying again would not mend it: 400, 401, 403, 404, 422, every other 4xx, a redirect, an answer
// beyond the limits. 400, 413, 422 and what the filter or a limit stopped are taken for the message's own fault; every
// other refusal has the agent shown as faulty until it answers again.
//
// Transient: 408, 409, 425, 429, 5xx, an unreachable server, a cut stream, nonsense. The gateway's journal does the
// trying again; the client itself never does. Nothing is read from the environment: not the OPENAI_* names that the SDK
// knows, no proxy.
package openai

import (
	"fmt"
	"net/url"
	"strings"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/backend/remote"
	"holdfast/config"
)

// Name is the kind as in the configuration.
const Name = "openai"

// DefaultImageMaxMB bounds the images of one message, together, in MiB.
const DefaultImageMaxMB = 10

// Settings of one openai agent.
type Settings struct {
	backend.Common
	BaseURL     string        `json:"baseUrl" jsonschema:"required,description=address of the API up to /v1"`
	APIKey      config.Secret `json:"apiKey,omitempty" jsonschema:"description=sent as a bearer token; not needed by most servers of one's own"`
	Model       string        `json:"model" jsonschema:"required,description=as the server names it"`
	System      string        `json:"system,omitempty" jsonschema:"description=the system prompt"`
	Temperature *float64      `json:"temperature,omitempty" jsonschema:"minimum=0,maximum=2"`
	MaxTokens   *int          `json:"maxTokens,omitempty" jsonschema:"minimum=1,description=tokens in one answer"`
	Stream      *bool         `json:"stream,omitempty" jsonschema:"description=take the answer in pieces; a dead server shows sooner"`
	ImageMaxMB  *int          `json:"imageMaxMb,omitempty" jsonschema:"minimum=0,description=MiB of images sent with one message; 0 sends none"`
}

// maxImageMB is as much as any known server takes in one request.
const maxImageMB = 50

func defaults() backend.Settings {
	return &Settings{Common: backend.DefaultCommon(Name), Stream: new(true), ImageMaxMB: new(DefaultImageMaxMB)}
}

// Validate names every fault.
func (s *Settings) Validate() []config.Problem {
	out := append(s.Common.Validate(), s.checkBaseURL()...)
	bad := func(path, got, want string) { out = append(out, config.Problem{Path: path, Got: got, Want: want}) }
	if strings.TrimSpace(s.Model) == "" {
		bad("model", "", "the name of a model as the server knows it, such as llama3.2")
	}
	if strings.ContainsFunc(s.APIKey.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		bad("apiKey", "a key with blanks, line ends or characters beyond ASCII in it", "the key alone; look for a line end in its file")
	}
	if t := s.Temperature; t != nil && !(*t >= 0 && *t <= 2) { // so that NaN is a fault too
		bad("temperature", fmt.Sprint(*t), "a number from 0 to 2")
	}
	if s.MaxTokens != nil && *s.MaxTokens < 1 {
		bad("maxTokens", fmt.Sprint(*s.MaxTokens), "a number of tokens, at least 1; leave it out for the server's default")
	}
	if mb := s.imageMaxMB(); mb < 0 || mb > maxImageMB {
		bad("imageMaxMb", fmt.Sprint(mb), fmt.Sprintf("MiB from 0 to %d", maxImageMB))
	}
	return out
}

func (s *Settings) checkBaseURL() []config.Problem {
	const example = "http://127.0.0.1:11434/v1"
	if out := remote.CheckURL("baseUrl", s.BaseURL, example); out != nil {
		return out
	}
	u, err := url.Parse(s.BaseURL)
	switch {
	case err != nil:
		return nil // CheckURL has said so
	case u.RawQuery != "" || u.ForceQuery:
		return []config.Problem{{Path: "baseUrl", Got: "an address with a query (?…)", Want: "an address without one, such as " + example}}
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/chat/completions"):
		return []config.Problem{{Path: "baseUrl", Got: remote.Show(u), Want: "the address up to /v1: /chat/completions is added to it"}}
	}
	return nil
}

func (s *Settings) streams() bool { return s.Stream == nil || *s.Stream }

func (s *Settings) imageMaxMB() int {
	if s.ImageMaxMB == nil {
		return DefaultImageMaxMB
	}
	return *s.ImageMaxMB
}
