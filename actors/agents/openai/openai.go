package openai

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	api "github.com/openai/openai-go"
	"github.com/openai/openai-go/option"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/backend/remote"
)

// Kind describes the agent to the gateway.
func Kind() backend.Kind {
	return backend.Kind{Name: Name, Settings: defaults, Open: open}
}

type agent struct {
	settings *Settings
	env      backend.Env
	peer     *remote.Peer
	chat     api.ChatCompletionService
}

func open(s backend.Settings, env backend.Env) backend.Agent {
	a := &agent{settings: s.(*Settings), env: env}
	a.peer = &remote.Peer{
		Agent: env.Name, Place: a.settings.BaseURL, Within: a.settings.Timeout, Secret: a.settings.APIKey,
	}
	a.chat = api.NewChatCompletionService(a.options()...)
	return a
}

// options of every request. The service is made without the SDK's own client, which would read keys and addresses from
// the environment. The list is clipped because the SDK appends to it in every call.
func (a *agent) options() []option.RequestOption {
	out := []option.RequestOption{
		option.WithBaseURL(a.settings.BaseURL),
		option.WithHTTPClient(remote.NewClient()),
		option.WithMaxRetries(0), // the journal tries again
		option.WithMiddleware(a.onlyGood),
		option.WithHeader("User-Agent", remote.UserAgent),
	}
	if !a.settings.APIKey.IsZero() {
		out = append(out, option.WithAPIKey(a.settings.APIKey.Reveal()))
	}
	for _, detail := range []string{"Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version", "Retry-Count", "Timeout"} {
		out = append(out, option.WithHeaderDel("X-Stainless-"+detail)) // what runs here is nobody's business
	}
	if a.settings.streams() {
		out = append(out, option.WithJSONSet("stream", true), option.WithHeader("Accept", "text/event-stream, application/json"))
	}
	return slices.Clip(out)
}

// Turn asks the model once and returns a whole answer or an error.
func (a *agent) Turn(ctx context.Context, t backend.Turn) (backend.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, a.settings.Timeout.D())
	defer cancel()
	if err := ctx.Err(); err != nil {
		return backend.Answer{}, a.peer.Lost(ctx, err)
	}
	messages, err := a.prompt(t)
	if err != nil || messages == nil {
		return backend.Answer{}, err
	}
	var res *http.Response
	_, err = a.chat.New(ctx, a.params(messages), option.WithResponseBodyInto(&res))
	if err != nil {
		return backend.Answer{}, a.failed(ctx, err)
	}
	defer res.Body.Close()

	got := &reply{peer: a.peer, limit: a.settings.MaxTokens}
	// The server decides the form: some answer in one piece although they were asked to stream.
	if form, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); form == "text/event-stream" {
		err = got.stream(ctx, res.Body)
	} else {
		err = got.whole(ctx, res)
	}
	if err != nil {
		return backend.Answer{}, err
	}
	return got.answer()
}

func (a *agent) params(messages []api.ChatCompletionMessageParamUnion) api.ChatCompletionNewParams {
	p := api.ChatCompletionNewParams{Model: a.settings.Model, Messages: messages}
	if a.settings.Temperature != nil {
		p.Temperature = api.Float(*a.settings.Temperature)
	}
	if a.settings.MaxTokens != nil {
		limit := api.Int(int64(*a.settings.MaxTokens))
		if atOpenAI(a.settings.BaseURL) {
			p.MaxCompletionTokens = limit
		} else {
			p.MaxTokens = limit
		}
	}
	return p
}

// atOpenAI tells where the token limit goes by its new name: OpenAI's newer models refuse the old one, and most other
// servers know only that.
func atOpenAI(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := "." + strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".openai.com") || strings.HasSuffix(host, ".openai.azure.com")
}

// failure is an error already in its final words; it passes through the SDK unchanged.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// onlyGood turns every answer but 200 into an error before the SDK looks at it: the SDK reads such a body without a
// bound, loses the status when it is not JSON, and keeps the request, key included, in its error.
func (a *agent) onlyGood(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	res, err := next(req)
	if err != nil || res.StatusCode == http.StatusOK {
		return res, err
	}
	return nil, failure{a.status(res)}
}

func (a *agent) status(res *http.Response) error {
	code, set := res.StatusCode, a.peer.Setting
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return a.peer.Status(res, false, fmt.Sprintf("check %s and what that key may use", set("apiKey")))
	case code == http.StatusNotFound:
		return a.peer.Status(res, false, fmt.Sprintf("check %s (it usually ends in /v1) and %s", set("baseUrl"), set("model")))
	case code == http.StatusTooManyRequests:
		return a.peer.Status(res, true, fmt.Sprintf("wait, lower %s, or raise the limit of the account there", set("parallel")))
	case code == http.StatusRequestTimeout, code == http.StatusConflict, code == http.StatusTooEarly, code >= 500:
		return a.peer.Status(res, true, "see the server's own log")
	case code >= 300 && code < 400:
		return a.peer.Status(res, false, fmt.Sprintf("set %s to the address that it redirects to", set("baseUrl")))
	case code >= 400:
		return a.peer.Status(res, false, fmt.Sprintf("check %s, %s and %s; for a model that sees no images set %s to 0",
			set("model"), set("maxTokens"), set("temperature"), set("imageMaxMb")))
	}
	return a.peer.Status(res, true, "want 200; check "+set("baseUrl"))
}

// failed words what the SDK returns for a request without an answer.
func (a *agent) failed(ctx context.Context, err error) error {
	var f failure
	if errors.As(err, &f) && ctx.Err() == nil {
		return f.error
	}
	return a.peer.Lost(ctx, err)
}
