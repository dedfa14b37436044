package openai

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	api "github.com/openai/openai-go"
	"github.com/openai/openai-go/packages/ssestream"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/backend/remote"
)

// Bounds of an answer on the wire, in bytes. They leave room for what a server sends besides the text: reasoning,
// usage, a frame around every token.
const (
	maxWhole  = 8 << 20
	maxStream = 64 << 20
)

// reply gathers one answer.
type reply struct {
	peer   *remote.Peer
	limit  *int // the configured tokens, for the note
	text   strings.Builder
	finish string // why the model stopped; in a stream, empty as long as it has not
}

// whole reads an answer in one piece.
func (r *reply) whole(ctx context.Context, res *http.Response) error {
	data, err := r.peer.ReadAll(ctx, res.Body, maxWhole)
	if err != nil {
		return err
	}
	var got api.ChatCompletion
	if err := json.Unmarshal(data, &got); err != nil {
		return r.peer.Nonsense("answered %q instead of a chat completion, content type %q", r.peer.Short(string(data)), res.Header.Get("Content-Type"))
	}
	if len(got.Choices) == 0 {
		return r.peer.Nonsense("answered without any choice: %s", r.peer.Short(string(data)))
	}
	first := got.Choices[0]
	if first.FinishReason == "" && first.Message.Content == "" && first.Message.Refusal == "" {
		return r.peer.Nonsense("answered with an empty choice: %s", r.peer.Short(string(data)))
	}
	// In one piece an answer is whole even if the server does not say why it ended.
	return r.add(first.Message.Content+first.Message.Refusal, first.FinishReason)
}

// stream reads an answer in pieces up to the one that says why it ended.
func (r *reply) stream(ctx context.Context, body io.ReadCloser) error {
	events := newEvents(remote.Bound(body, maxStream))
	pieces := ssestream.NewStream[api.ChatCompletionChunk](events, nil)
	begun := false
	for r.finish == "" && pieces.Next() {
		for _, c := range pieces.Current().Choices {
			if c.Index != 0 {
				continue // we ask for one
			}
			begun = true
			if err := r.add(c.Delta.Content+c.Delta.Refusal, c.FinishReason); err != nil {
				return err
			}
		}
	}
	switch err := pieces.Err(); {
	case r.finish != "":
		return nil
	case err != nil:
		return r.broken(ctx, events, err)
	case events.done && begun:
		r.finish = "stop" // an explicit end without a reason
		return nil
	case events.done:
		return r.peer.Nonsense("the stream ended without any choice")
	}
	return r.peer.Lost(ctx, io.ErrUnexpectedEOF)
}

// broken tells apart why a stream broke off: the wire, or what was on it.
func (r *reply) broken(ctx context.Context, events *events, err error) error {
	switch {
	case errors.Is(err, remote.ErrTooLong):
		return r.peer.TooLong(maxStream, "lower "+r.peer.Setting("maxTokens"))
	case errors.Is(err, bufio.ErrTooLong):
		return r.peer.TooLong(maxEvent, "see whether this address is the right one")
	case ctx.Err() != nil || events.err != nil:
		return r.peer.Lost(ctx, err)
	}
	return r.peer.Nonsense("the stream broke off: %s", r.peer.Short(err.Error()))
}

func (r *reply) add(text, finish string) error {
	if r.text.Len()+len(text) > backend.MaxText {
		return r.peer.TooLong(backend.MaxText, "lower "+r.peer.Setting("maxTokens"))
	}
	r.text.WriteString(text)
	r.finish = finish
	return nil
}

// answer is what is delivered of a whole reply.
func (r *reply) answer() (backend.Answer, error) {
	// Only now: a character may have come in two pieces.
	text := strings.TrimSpace(strings.ToValidUTF8(r.text.String(), "\uFFFD"))
	switch r.finish {
	case "length":
		if text == "" {
			return backend.Answer{}, r.peer.Unanswerable("the model used up its tokens before it said anything",
				"raise "+r.peer.Setting("maxTokens")+", or the limit of the model at the server")
		}
		return backend.Answer{Text: text + "\n\n" + r.cutNote()}, nil
	case "content_filter":
		return backend.Answer{}, r.peer.Unanswerable("the content filter there stopped the answer", "reword the message, or see the filter's settings")
	case "tool_calls", "function_call":
		return backend.Answer{}, r.peer.Failed("the model called a tool, but it was offered none", "switch off tools at the server, or change "+r.peer.Setting("model"))
	case "error":
		return backend.Answer{}, r.peer.Failed("the model failed in the middle of its answer", "see the server's own log")
	}
	return backend.Answer{Text: text}, nil
}

func (r *reply) cutNote() string {
	if r.limit == nil {
		return "[The answer was cut off at the model's own limit.]"
	}
	return fmt.Sprintf("[The answer was cut off at %d tokens.]", *r.limit)
}
