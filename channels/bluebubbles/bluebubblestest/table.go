package bluebubblestest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// File is an attachment.
type File struct {
	Name    string
	Type    string // MIME
	Content []byte
	Missing bool // on record, but not on the Mac's disk yet

	guid string
	row  int64
}

// message is one row. Times are on the nanosecond clock of the database.
type message struct {
	row      int64
	guid     string
	text     string
	unsent   bool
	subject  string
	sender   string // empty for our own
	chat     string
	files    []*File
	fromMe   bool
	error    int
	created  time.Time
	read     time.Time
	deliver  time.Time
	edited   time.Time
	parts    int
	itemType int
	group    int // groupActionType
	title    string
	balloon  string
	target   string // associatedMessageGuid, raw
	relation string // associatedMessageType
	thread   string
	unjoined bool // the row is there before its chat is
}

type chat struct {
	row          int64
	guid         string
	name         string
	participants []string
}

func (c *chat) isGroup() bool { return strings.Contains(c.guid, ";+;") }

func (c *chat) identifier() string { return c.guid[strings.LastIndexByte(c.guid, ';')+1:] }

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

// chatOf finds a chat or makes it.
func (s *Server) chatOf(guid string, people ...string) *chat {
	c := s.chats[guid]
	if c == nil {
		c = &chat{row: int64(len(s.chats) + 1), guid: guid}
		s.chats[guid] = c
	}
	for _, p := range people {
		if p != "" && !slices.Contains(c.participants, p) {
			c.participants = append(c.participants, p)
		}
	}
	return c
}

// insert gives a row its number and guid.
func (s *Server) insert(m *message) *message {
	s.lastRow++
	m.row = s.lastRow
	if m.guid == "" {
		m.guid = newGUID()
	}
	if m.created.IsZero() {
		m.created = s.options.Now()
	}
	s.number(m)
	s.chatOf(m.chat, m.sender)
	s.table = append(s.table, m)
	return m
}

func (s *Server) number(m *message) {
	for i, f := range m.files {
		f.guid, f.row = fmt.Sprintf("at_%d_%s", i, m.guid), m.row*100+int64(i)
	}
}

func (s *Server) byGUID(guid string) *message {
	for _, m := range s.table {
		if m.guid == guid {
			return m
		}
	}
	return nil
}

// file finds an attachment by its guid or, as the real server, by the last 36 characters of it.
func (s *Server) file(guid string) *File {
	if len(guid) < 36 {
		return nil
	}
	for _, m := range s.table {
		for _, f := range m.files {
			if strings.HasSuffix(f.guid, guid[len(guid)-36:]) && (len(guid) == 36 || f.guid == guid) {
				return f
			}
		}
	}
	return nil
}

// shape says which form of a message is wanted. That of webhooks is trimmed; that of REST has more keys and holds chats
// and attachments only where asked for.
type shape struct {
	webhook     bool
	chats       bool
	attachments bool
	convert     bool
}

// object is a message as JSON.
func (s *Server) object(m *message, as shape) map[string]any {
	out := map[string]any{
		"originalROWID": m.row, "guid": m.guid, "text": m.text, "attributedBody": nil,
		"handle": nil, "handleId": 0, "otherHandle": 0, "attachments": []any{},
		"subject": orNull(m.subject), "error": m.error,
		"dateCreated": m.created.UnixMilli(), "dateRead": ms(m.read), "dateDelivered": ms(m.deliver),
		"isDelivered": !m.fromMe || !m.deliver.IsZero(), "isFromMe": m.fromMe,
		"hasDdResults": false, "isArchived": false, "itemType": m.itemType,
		"groupTitle": orNull(m.title), "groupActionType": m.group, "balloonBundleId": orNull(m.balloon),
		"associatedMessageGuid": orNull(m.target), "associatedMessageType": orNull(m.relation),
		"expressiveSendStyleId": nil, "threadOriginatorGuid": orNull(m.thread), "hasPayloadData": m.balloon != "",
		"messageSummaryInfo": nil, "payloadData": nil,
		"dateEdited": ms(m.edited), "dateRetracted": nil, "partCount": m.parts,
	}
	if m.unsent {
		out["text"] = nil
	}
	if m.sender != "" {
		out["handle"] = map[string]any{"originalROWID": 12, "address": m.sender, "service": "iMessage", "uncanonicalizedId": nil, "country": "us"}
		out["handleId"] = 12
	}
	if as.attachments {
		out["attachments"] = s.files(m, as)
	}
	switch {
	case as.chats:
		out["chats"] = s.chatsOf(m, as)
	case !as.webhook:
		out["chats"] = []any{}
	}
	if !as.webhook {
		for _, key := range []string{"isDelayed", "isAutoReply", "isSystemMessage", "isServiceMessage", "isForward", "isCorrupt", "isSpam", "isExpired", "isAudioMessage"} {
			out[key] = false
		}
		out["country"], out["replyToGuid"], out["threadOriginatorPart"], out["datePlayed"] = nil, nil, nil, nil
	}
	return out
}

func (s *Server) files(m *message, as shape) []any {
	out := []any{}
	for _, f := range m.files {
		name, kind := f.Name, f.Type
		if (as.webhook || as.convert) && kind == "image/heic" {
			name, kind = name+".jpeg", "image/jpeg"
		}
		one := map[string]any{
			"originalROWID": f.row, "guid": f.guid, "uti": "public.data", "mimeType": kind, "transferName": name,
			"totalBytes": len(f.Content), "height": 0, "width": 0, "metadata": nil,
		}
		if !as.webhook {
			one["transferState"], one["isOutgoing"], one["hideAttachment"], one["isSticker"] = 5, m.fromMe, false, false
		}
		out = append(out, one)
	}
	return out
}

func (s *Server) chatsOf(m *message, as shape) []any {
	if m.unjoined {
		return []any{}
	}
	return []any{s.chatObject(s.chatOf(m.chat), as.webhook)}
}

func (s *Server) chatObject(c *chat, webhook bool) map[string]any {
	out := map[string]any{
		"originalROWID": c.row, "guid": c.guid, "style": 45, "chatIdentifier": c.identifier(), "isArchived": false, "displayName": c.name,
	}
	if c.isGroup() {
		out["style"] = 43
	}
	if !webhook {
		out["isFiltered"], out["groupId"], out["properties"], out["lastAddressedHandle"] = false, nil, nil, nil
	}
	return out
}

func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
