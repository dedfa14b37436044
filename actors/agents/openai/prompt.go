package openai

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"unicode"

	api "github.com/openai/openai-go"

	"holdfast/actors/agents/backend"
	"holdfast/channels"
)

// maxName bounds a sender's name in front of a text, in characters.
const maxName = 64

// readable are the image types that the API takes; anything else makes a server refuse the whole message.
var readable = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// line is one message on its way to the model.
type line struct {
	assistant bool
	text      string
}

// prompt is all that the model is told; nil if there is nothing to ask.
func (a *agent) prompt(t backend.Turn) ([]api.ChatCompletionMessageParamUnion, error) {
	images, notes, err := a.images(t.Attachments)
	if err != nil {
		return nil, err
	}
	last := question(t, notes)
	if last == "" && len(images) == 0 {
		return nil, nil
	}
	lines := merge(append(history(t), line{text: last}))

	var out []api.ChatCompletionMessageParamUnion
	if a.settings.System != "" {
		out = append(out, api.SystemMessage(a.settings.System))
	}
	for i, l := range lines {
		switch {
		case l.assistant:
			out = append(out, api.AssistantMessage(l.text))
		case i == len(lines)-1 && len(images) > 0:
			out = append(out, api.UserMessage(withImages(l.text, images)))
		default:
			out = append(out, api.UserMessage(l.text))
		}
	}
	return out, nil
}

// question is the text of the message to be answered: what happened since the last answer, what was written, and which
// files came with it that the model does not see.
func question(t backend.Turn, notes []string) string {
	var parts []string
	if len(t.Context) > 0 {
		parts = append(parts, "[Since your last answer:]\n- "+strings.Join(t.Context, "\n- "))
	}
	if t.Text != "" {
		parts = append(parts, said(t.Group, cmp.Or(t.Sender.Name, t.Sender.ID), t.Text))
	}
	if len(notes) > 0 {
		parts = append(parts, strings.Join(notes, "\n"))
	}
	return strings.Join(parts, "\n\n")
}

func history(t backend.Turn) []line {
	var out []line
	for _, e := range t.History {
		switch {
		case e.Text == "":
		case e.Role == "assistant":
			out = append(out, line{assistant: true, text: e.Text})
		default:
			out = append(out, line{text: said(t.Group, e.Name, e.Text)})
		}
	}
	return out
}

// merge joins neighbours of the same role.
func merge(lines []line) []line {
	var out []line
	for _, l := range lines {
		if n := len(out); n > 0 && out[n-1].assistant == l.assistant {
			out[n-1].text = strings.TrimSpace(out[n-1].text + "\n\n" + l.text)
			continue
		}
		out = append(out, l)
	}
	return out
}

// said puts the speaker's name in front of what was said in a group. A name is one short line: it must not be able to
// pass for another message.
func said(group bool, name, text string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if r := []rune(name); len(r) > maxName {
		name = string(r[:maxName])
	}
	if !group || name == "" {
		return text
	}
	return name + ": " + text
}

func withImages(text string, images []string) []api.ChatCompletionContentPartUnionParam {
	var out []api.ChatCompletionContentPartUnionParam
	if text != "" {
		out = append(out, api.TextContentPart(text))
	}
	for _, data := range images {
		out = append(out, api.ImageContentPart(api.ChatCompletionContentPartImageImageURLParam{URL: data}))
	}
	return out
}

// images returns those attachments that the model can see, as data URLs, and a note for each of the others.
func (a *agent) images(files []channels.Attachment) (urls, notes []string, err error) {
	left := int64(a.settings.imageMaxMB()) << 20
	for _, file := range files {
		note := func(why string) { notes = append(notes, fmt.Sprintf("[attached file %q%s]", file.Name, why)) }
		if file.Gone != "" {
			note(", which could not be fetched: " + file.Gone)
			continue
		}
		if !strings.HasPrefix(file.Type, "image/") || left <= 0 {
			note(", " + file.Type + ", not shown")
			continue
		}
		data, err := a.env.Read(file, left)
		switch {
		case errors.Is(err, backend.ErrTooLarge):
			note(", too large to be shown")
			continue
		case errors.Is(err, fs.ErrNotExist):
			note(", no longer there")
			continue
		case err != nil:
			return nil, nil, fmt.Errorf("agent %s: %w; see whether the state folder can be read", a.env.Name, err)
		}
		// The content decides the type, not what the platform calls it.
		form := http.DetectContentType(data)
		if !slices.Contains(readable, form) {
			note(", " + file.Type + ", not shown")
			continue
		}
		left -= int64(len(data))
		urls = append(urls, "data:"+form+";base64,"+base64.StdEncoding.EncodeToString(data))
	}
	return urls, notes, nil
}
