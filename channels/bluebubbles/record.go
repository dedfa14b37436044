package bluebubbles

import (
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"holdfast/channels"
)

const (
	styleGroup = 43
	// lastMoment is the end of the year 9999, in milliseconds.
	lastMoment = 253402300800000
	// placeholder stands in a text where an attachment is.
	placeholder = "\uFFFC"
	// linkBalloon is the preview of a link; its text is the link.
	linkBalloon = "com.apple.messages.URLBalloonProvider"
	// previewFile ends the name of what belongs to a preview and is no file that somebody sent.
	previewFile = ".pluginPayloadAttachment"
)

// partPrefix is how the server names a part of a message, or a balloon, where another message refers to it.
var partPrefix = regexp.MustCompile(`^(p:\d+/|bp:)`)

// record is one message as the server has it at one moment.
type record struct {
	guid     string
	text     string
	fromMe   bool
	itemType int64 // 0 is a message; everything else tells of a change of the group

	created   time.Time
	edited    time.Time
	retracted time.Time
	parts     int64 // -1 if not said
	chat      string
	group     bool
	sender    channels.Sender
	service   string // of the sender's address: iMessage, SMS, RCS
	replyTo   string
	balloon   string

	associated  string // guid of the message that a tapback or a preview belongs to
	association string // what it is to that message, as said by the server
	emoji       string

	attachments []channels.Attachment
}

func newRecord(m gjson.Result) record {
	r := record{
		guid:        bare(pick(m, "guid", "id", "messageId").String()),
		text:        text(m),
		fromMe:      pick(m, "isFromMe", "is_from_me").Bool(),
		itemType:    pick(m, "itemType").Int(),
		created:     moment(pick(m, "dateCreated", "date", "timestamp")),
		edited:      moment(pick(m, "dateEdited")),
		retracted:   moment(pick(m, "dateRetracted")),
		parts:       -1,
		service:     pick(m, "handle.service").String(),
		replyTo:     bare(pick(m, "threadOriginatorGuid", "replyToGuid", "replyToMessageGuid", "selectedMessageGuid").String()),
		balloon:     pick(m, "balloonBundleId").String(),
		associated:  bare(pick(m, "associatedMessageGuid").String()),
		association: pick(m, "associatedMessageType").String(),
		emoji:       pick(m, "associatedMessageEmoji").String(),
	}
	if parts := pick(m, "partCount"); parts.Exists() {
		r.parts = parts.Int()
	}
	r.setChat(m)
	r.setSender(m)
	for _, a := range m.Get("attachments").Array() {
		if file, ok := attachment(a); ok {
			r.attachments = append(r.attachments, file)
		}
	}
	return r
}

// text is what was written, a subject line above it.
func text(m gjson.Result) string {
	clean := func(v gjson.Result) string {
		return strings.TrimSpace(strings.ReplaceAll(v.String(), placeholder, ""))
	}
	body, subject := clean(pick(m, "text", "body")), clean(pick(m, "subject"))
	if subject == "" || body == "" {
		return subject + body
	}
	return subject + "\n" + body
}

// setChat takes the guid exactly as the server says it. The guid tells a group better than any flag.
func (r *record) setChat(m gjson.Result) {
	r.chat = pick(m, "chats.0.guid", "chatGuid", "chat_guid", "chat.guid").String()
	switch {
	case strings.Contains(r.chat, ";+;"):
		r.group = true
	case !strings.Contains(r.chat, ";-;"):
		r.group = pick(m, "chats.0.style", "chat.style").Int() == styleGroup || pick(m, "isGroup").Bool()
	}
}

// setSender also understands the names of relays. In a direct chat the guid names the peer.
func (r *record) setSender(m gjson.Result) {
	handle := pick(m, "handle", "sender")
	id := handle
	if handle.IsObject() {
		id = pick(handle, "address", "handle", "id")
		r.sender.Name = pick(handle, "displayName", "name").String()
	}
	if id.String() == "" {
		id = pick(m, "senderId", "from")
	}
	r.sender.ID = address(id.String())
	if r.sender.ID == "" {
		_, peer, _ := strings.Cut(r.chat, ";-;")
		r.sender.ID = address(peer)
	}
}

// address is a handle as allow lists name it.
func address(s string) string {
	s = strings.TrimSpace(s)
	if strings.Contains(s, "@") {
		return strings.ToLower(s)
	}
	return s
}

// attachment reads one file. The server hands out a copy instead of formats that only Apple shows; a webhook names the
// copy already, a row the original.
func attachment(a gjson.Result) (channels.Attachment, bool) {
	file := channels.Attachment{
		ID:   pick(a, "guid", "id").String(),
		Name: pick(a, "transferName", "name", "filename").String(),
		Type: pick(a, "mimeType", "mime_type").String(),
		Size: max(0, pick(a, "totalBytes").Int()),
	}
	if file.ID == "" || strings.HasSuffix(file.Name, previewFile) || a.Get("hideAttachment").Bool() {
		return channels.Attachment{}, false
	}
	switch file.Type {
	case "":
		file.Type = "application/octet-stream"
	case "image/heic", "image/heif", "image/tiff":
		file.Name, file.Type = file.Name+".jpeg", "image/jpeg"
	case "audio/x-caf":
		file.Name, file.Type = file.Name+".mp3", "audio/mpeg"
	}
	if file.Name == "" {
		file.Name = "attachment"
	}
	return file, true
}

// bare is a message's own guid, whatever part of it was named.
func bare(guid string) string { return partPrefix.ReplaceAllString(strings.TrimSpace(guid), "") }

// moment reads a time in milliseconds, or in seconds where it would else be long ago. What no calendar has, and JSON
// cannot write, is no time.
func moment(v gjson.Result) time.Time {
	n := v.Int()
	if n > 0 && n <= 1e12 {
		n *= 1000
	}
	if n <= 0 || n >= lastMoment {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
