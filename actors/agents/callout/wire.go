package callout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"holdfast/actors/agents/backend"
	"holdfast/channels"
)

// Bounds of an answer.
const (
	maxAnswer = 16 << 20 // bytes on the wire, files in base64 included
	maxFiles  = 10
	maxName   = 255 // bytes of a file's name
)

// question is the body of a request.
type question struct {
	ID           string           `json:"id"`
	Repeated     bool             `json:"repeated"`
	Agent        string           `json:"agent"`
	Account      channels.Account `json:"account"`
	Conversation string           `json:"conversation"`
	Group        bool             `json:"group"`
	Sender       channels.Sender  `json:"sender"`
	Text         string           `json:"text"`
	Attachments  []sentFile       `json:"attachments"`
	Context      []string         `json:"context"`
	History      *[]backend.Entry `json:"history,omitempty"`
}

// sentFile is one attachment of a message, with its content or with the reason why that is not there.
type sentFile struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Size    int64  `json:"size,omitempty"`
	Data    []byte `json:"data,omitempty"`
	Omitted string `json:"omitted,omitempty"`
}

func (a *agent) question(t backend.Turn) (question, error) {
	q := question{
		ID: t.ID, Repeated: t.Repeated, Agent: t.Agent, Account: t.Account, Conversation: t.Conversation,
		Group: t.Group, Sender: t.Sender, Text: t.Text,
		Attachments: make([]sentFile, 0, len(t.Attachments)), Context: append([]string{}, t.Context...),
	}
	if a.settings.sendsHistory() {
		history := append([]backend.Entry{}, t.History...)
		q.History = &history
	}
	left := int64(a.settings.attachmentMaxMB()) << 20
	for _, file := range t.Attachments {
		sent, err := a.file(file, left)
		if err != nil {
			return question{}, err
		}
		left -= int64(len(sent.Data))
		q.Attachments = append(q.Attachments, sent)
	}
	return q, nil
}

func (a *agent) file(file channels.Attachment, left int64) (sentFile, error) {
	out := sentFile{Name: file.Name, Type: file.Type, Size: file.Size}
	data, err := a.env.Read(file, left)
	switch {
	case file.Gone != "":
		out.Omitted = file.Gone
	case errors.Is(err, backend.ErrTooLarge):
		out.Omitted = fmt.Sprintf("larger than what is left of %d MiB (%s)", a.settings.attachmentMaxMB(), a.peer.Setting("attachmentMaxMb"))
	case errors.Is(err, fs.ErrNotExist):
		out.Omitted = "no longer there"
	case err != nil:
		return sentFile{}, fmt.Errorf("agent %s: %w; see whether the state folder can be read", a.env.Name, err)
	default:
		out.Data, out.Size = data, int64(len(data))
	}
	return out, nil
}

// said is the body of an answer. Text is a pointer because a missing one is a mistake and an empty one is not.
type said struct {
	Text        *string      `json:"text"`
	Attachments []answerFile `json:"attachments"`
}

type answerFile struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data []byte `json:"data"`
}

// answer reads a whole answer. All of it is checked before any file of it is stored.
func (a *agent) answer(ctx context.Context, res *http.Response) (backend.Answer, error) {
	data, err := a.peer.ReadAll(ctx, res.Body, maxAnswer)
	if err != nil {
		return backend.Answer{}, err
	}
	got, err := parse(data)
	if err != nil {
		return backend.Answer{}, a.peer.Nonsense("answered %q, content type %q: %s",
			a.peer.Short(string(data)), res.Header.Get("Content-Type"), a.peer.Short(err.Error()))
	}
	out := backend.Answer{}
	if got.Text != nil {
		out.Text = strings.TrimSpace(*got.Text)
	}
	if len(out.Text) > backend.MaxText {
		return backend.Answer{}, a.peer.TooLong(backend.MaxText, "make the server say less")
	}
	if len(got.Attachments) > 0 && a.env.Store == nil {
		return backend.Answer{}, a.peer.Refused("the answer has files", "make the server send text only: this gateway takes no files from agents")
	}
	for _, file := range got.Attachments {
		hash, err := a.env.Store(bytes.NewReader(file.Data))
		if err != nil {
			return backend.Answer{}, fmt.Errorf("agent %s: storing file %q of the answer: %w; see whether the state folder can be written", a.env.Name, file.Name, err)
		}
		out.Attachments = append(out.Attachments, channels.Attachment{
			Name: file.Name, Type: file.Type, Size: int64(len(file.Data)), Blob: hash,
		})
	}
	return out, nil
}

// parse takes exactly one JSON object of the documented form.
func parse(data []byte) (said, error) {
	var got said
	if !utf8.Valid(data) {
		return got, errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		return got, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return got, errors.New("something follows the JSON object")
	}
	if got.Text == nil && len(got.Attachments) == 0 {
		return got, errors.New("it has neither text nor attachments; answer 204 to say nothing")
	}
	if len(got.Attachments) > maxFiles {
		return got, fmt.Errorf("it has %d attachments, more than %d", len(got.Attachments), maxFiles)
	}
	for i := range got.Attachments {
		if err := got.Attachments[i].check(); err != nil {
			return got, fmt.Errorf("attachment %d: %w", i+1, err)
		}
	}
	return got, nil
}

// check completes a file's type and names what makes it unusable.
func (f *answerFile) check() error {
	bad := func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) }
	switch {
	case f.Name == "" || f.Name == "." || f.Name == ".." || len(f.Name) > maxName || strings.ContainsFunc(f.Name, bad):
		return fmt.Errorf("name must be a plain file name of at most %d bytes", maxName)
	case len(f.Data) == 0:
		return errors.New("data is missing; want the content in base64")
	case f.Type == "":
		f.Type = http.DetectContentType(f.Data)
	}
	if _, _, err := mime.ParseMediaType(f.Type); err != nil {
		return errors.New("type must be a media type such as image/png")
	}
	return nil
}
