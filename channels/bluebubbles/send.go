package bluebubbles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"

	"holdfast/channels"
)

// Ways in which the server makes Messages send.
const (
	byAppleScript = "apple-script"
	byPrivateAPI  = "private-api"
)

// sentMessage is what the server answers to a send, as far as it matters.
type sentMessage struct {
	GUID    string `json:"guid"`
	Error   int    `json:"error"` // Apple's; 0 is none
	Created int64  `json:"dateCreated"`
}

// Send delivers a reply: its text, then its files, each a message of its own on the server. The receipt is that of the
// first. A failure after the first is of unknown outcome, whatever the server said: part of the reply is out.
func (c *channel) Send(ctx context.Context, r channels.Reply) (channels.Receipt, error) {
	if strings.TrimSpace(r.Text) == "" && len(r.Attachments) == 0 {
		return channels.Receipt{}, &channels.Failure{Outcome: channels.Rejected, Err: errors.New("send: the reply is empty")}
	}
	info, err := c.known(ctx)
	if err != nil { // only a question was asked
		c.lookNow()
		return channels.Receipt{}, &channels.Failure{Outcome: channels.NotSent, Err: fmt.Errorf("send: %w", err)}
	}
	var first channels.Receipt
	for i, piece := range c.pieces(r, info) {
		receipt, err := piece(ctx)
		if err != nil {
			c.lookNow()
		}
		switch {
		case err != nil && i > 0:
			//nolint:errorlint // wrapped, the failure of a later part would pass for that of the whole message
			return channels.Receipt{}, fmt.Errorf("send: part %d failed after the first went out: %v", i+1, err)
		case err != nil:
			return channels.Receipt{}, fmt.Errorf("send: %w", outcome(err))
		case i == 0:
			first = receipt
		}
	}
	return first, nil
}

type piece func(ctx context.Context) (channels.Receipt, error)

func (c *channel) pieces(r channels.Reply, info serverInfo) []piece {
	var out []piece
	if strings.TrimSpace(r.Text) != "" {
		out = append(out, func(ctx context.Context) (channels.Receipt, error) { return c.sendText(ctx, r, info) })
	}
	for i, file := range r.Attachments {
		out = append(out, func(ctx context.Context) (channels.Receipt, error) {
			return c.sendFile(ctx, r, file, tempGUID(r, i+1), info)
		})
	}
	return out
}

// tempGUID names a piece of a reply, the same in every attempt: the server refuses a second send of the name while the
// first is in flight. It forgets the name afterwards, so this is no protection against sending twice.
func tempGUID(r channels.Reply, piece int) string {
	name := r.Nonce
	if name == "" {
		name = fmt.Sprintf("%s-%d", r.Account, r.Seq)
	}
	return fmt.Sprintf("holdfast-%s-%d", name, piece)
}

func method(info serverInfo) string { return choose(info.private(), byPrivateAPI, byAppleScript) }

func (c *channel) sendText(ctx context.Context, r channels.Reply, info serverInfo) (channels.Receipt, error) {
	body := map[string]any{
		"chatGuid": r.Conversation,
		"tempGuid": tempGUID(r, 0),
		"message":  r.Text,
		"method":   method(info),
	}
	if r.ReplyTo != "" && info.private() { // without the Private API the server would switch to it and fail
		body["selectedMessageGuid"] = bare(r.ReplyTo)
	}
	request, err := post(body, "message", "text")
	if err != nil {
		return channels.Receipt{}, err
	}
	return c.deliver(ctx, request, c.settings.SendTimeout.D())
}

// sendFile uploads one attachment. The server has no caption: a text is a message of its own.
func (c *channel) sendFile(ctx context.Context, r channels.Reply, file channels.Attachment, temp string, info serverInfo) (channels.Receipt, error) {
	content, err := c.env.Blob(file.Blob)
	if err != nil {
		kind := channels.NotSent
		if errors.Is(err, fs.ErrNotExist) {
			kind = channels.Rejected
		}
		return channels.Receipt{}, &channels.Failure{Outcome: kind, Err: fmt.Errorf("open attachment %s: %w", file.Name, err)}
	}
	defer content.Close()
	fields := []field{{"chatGuid", r.Conversation}, {"name", fileName(file)}, {"tempGuid", temp}, {"method", method(info)}}
	if r.ReplyTo != "" && info.private() {
		fields = append(fields, field{"selectedMessageGuid", bare(r.ReplyTo)})
	}
	request, err := upload(fields, file, content)
	if err != nil {
		return channels.Receipt{}, err
	}
	return c.deliver(ctx, request, max(attachmentSend, c.settings.SendTimeout.D()))
}

func (c *channel) deliver(ctx context.Context, request call, within time.Duration) (channels.Receipt, error) {
	var sent sentMessage
	request.send = true
	if _, err := c.api.do(ctx, request, within, &sent); err != nil {
		return channels.Receipt{}, err
	}
	switch {
	case sent.Error != 0:
		return channels.Receipt{}, failedByApple(sent, nil)
	case sent.GUID == "":
		return channels.Receipt{}, &noAnswer{step: request.String(), reached: true, err: errors.New("it names no message")}
	}
	return channels.Receipt{ID: sent.GUID, At: time.UnixMilli(sent.Created).UTC()}, nil
}

// fileName is the name under which the server stores a file, and by which Find knows it again.
func fileName(file channels.Attachment) string {
	name := path.Base(strings.ReplaceAll(file.Name, `\`, "/"))
	if name == "." || name == "/" {
		return "attachment"
	}
	return name
}

type field struct{ name, value string }

// upload frames a file as multipart/form-data without holding it in memory.
func upload(fields []field, file channels.Attachment, content io.Reader) (call, error) {
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	for _, f := range fields {
		if err := form.WriteField(f.name, f.value); err != nil {
			return call{}, fmt.Errorf("frame attachment %s: %w", file.Name, err)
		}
	}
	if _, err := form.CreateFormFile("attachment", fileName(file)); err != nil {
		return call{}, fmt.Errorf("frame attachment %s: %w", file.Name, err)
	}
	head := bytes.Clone(frame.Bytes())
	frame.Reset()
	if err := form.Close(); err != nil {
		return call{}, fmt.Errorf("frame attachment %s: %w", file.Name, err)
	}
	length := int64(-1)
	if file.Size > 0 {
		length = int64(len(head)) + file.Size + int64(frame.Len())
	}
	return call{
		method: http.MethodPost, path: []string{"message", "attachment"}, kind: form.FormDataContentType(),
		body: io.MultiReader(bytes.NewReader(head), content, &frame), length: length,
	}, nil
}
