package bluebubbles

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const (
	// chatPage and chatMost bound the search through the chats; the server lists the newest first.
	chatPage = 500
	chatMost = 5000
)

// identifier is what names a group without its service.
var identifier = regexp.MustCompile(`^(chat\d+|[0-9a-fA-F]{24,}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})$`)

// target is what an operator typed, taken apart.
type target struct {
	guid       string // as it stands
	row        int64  // number in the chat table
	identifier string
	handle     string // address or number of a person: only a direct chat counts
	service    string // of the handle, lower case; empty: any, iMessage first
}

// parseTarget understands chat_guid:, chat_id:, chat_identifier:, group:, imessage:, sms: and auto: with what follows,
// a chat guid, the identifier of a group, and else an address.
func parseTarget(text string) (target, error) {
	text = strings.TrimSpace(text)
	if rest, ok := cutFold(text, "bluebubbles:"); ok {
		text = rest
	}
	if text == "" {
		return target{}, errors.New("the target is empty: want an address such as +15551234567 or chat_guid:<guid>")
	}
	prefix, rest, _ := strings.Cut(text, ":")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(prefix) {
	case "chat_guid", "guid":
		return target{guid: rest}, nil
	case "chat_id", "chatid", "chat":
		row, err := strconv.ParseInt(rest, 10, 64)
		if err != nil || row < 1 {
			return target{}, fmt.Errorf("the target %q: want chat_id: and a number", text)
		}
		return target{row: row}, nil
	case "chat_identifier":
		return target{identifier: rest}, nil
	case "group":
		return parseTarget(rest)
	case "imessage", "sms":
		return target{handle: handle(rest), service: strings.ToLower(prefix)}, nil
	case "auto":
		return target{handle: handle(rest)}, nil
	}
	switch {
	case strings.Contains(text, ";-;") || strings.Contains(text, ";+;"):
		return target{guid: text}, nil
	case identifier.MatchString(text):
		return target{identifier: text}, nil
	}
	return target{handle: handle(text)}, nil
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return strings.TrimSpace(s[len(prefix):]), true
	}
	return s, false
}

// handle is an address as the server writes it.
func handle(s string) string {
	if strings.Contains(s, "@") {
		return address(s)
	}
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(s)
}

// chat is a conversation as the server lists it.
type chat struct {
	Row          int64  `json:"originalROWID"`
	GUID         string `json:"guid"`
	Identifier   string `json:"chatIdentifier"`
	Participants []struct {
		Address string `json:"address"`
	} `json:"participants"`
}

func (c chat) service() string {
	service, _, _ := strings.Cut(c.GUID, ";")
	return strings.ToLower(service)
}

// matches tells whether the chat is meant.
func (t target) matches(c chat) bool {
	switch {
	case t.row != 0:
		return c.Row == t.row
	case t.identifier != "":
		return strings.EqualFold(c.Identifier, t.identifier)
	case strings.Contains(c.GUID, ";+;"), t.service != "" && c.service() != t.service:
		return false
	}
	return address(c.Identifier) == t.handle || len(c.Participants) == 1 && address(c.Participants[0].Address) == t.handle
}

// Resolve turns what an operator types into the guid of a chat that the server has. It begins no new conversation.
func (c *channel) Resolve(ctx context.Context, text string) (string, error) {
	t, err := parseTarget(text)
	if err != nil {
		return "", fmt.Errorf("resolve the target: %w", err)
	}
	if t.guid != "" {
		var found chat
		if _, err := c.api.do(ctx, get("chat", t.guid), quickCall, &found); err != nil {
			return "", fmt.Errorf("resolve the target: %w", lost(err))
		}
		return found.GUID, nil
	}
	best, err := c.search(ctx, t)
	if err != nil {
		return "", fmt.Errorf("resolve the target: %w", err)
	}
	if best == "" {
		return "", fmt.Errorf("resolve the target: the server has no chat for %q; write to it once with Messages on the Mac", text)
	}
	return best, nil
}

// search goes through the chats. Of several direct chats with a person that of iMessage counts, else the newest.
func (c *channel) search(ctx context.Context, t target) (string, error) {
	best := ""
	for offset := 0; offset < chatMost; offset += chatPage {
		r, err := post(map[string]any{"with": []string{"lastMessage"}, "offset": offset, "limit": chatPage}, "chat", "query")
		if err != nil {
			return "", err
		}
		var chats []chat
		if _, err := c.api.do(ctx, r, lookUpCall, &chats); err != nil {
			return "", err
		}
		for _, one := range chats {
			if !t.matches(one) {
				continue
			}
			if t.handle == "" || one.service() == "imessage" {
				return one.GUID, nil
			}
			if best == "" {
				best = one.GUID
			}
		}
		if len(chats) < chatPage {
			break
		}
	}
	return best, nil
}
