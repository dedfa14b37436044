package access

import (
	"strings"

	"holdfast/channels"
)

// anybody in a list lets everybody in.
const anybody = "*"

// Prefixes of entries that name a conversation instead of a sender.
var ofConversation = []string{"chat_guid:", "chat_id:", "chat_identifier:"}

// list is an allow list ready for comparing.
type list struct {
	everybody     bool
	senders       map[string]bool
	conversations map[string]bool
}

func newList(channel string, entries []string) list {
	l := list{senders: map[string]bool{}, conversations: map[string]bool{}}
	for _, e := range entries {
		e = withoutChannel(channel, e)
		if e == anybody {
			l.everybody = true
			continue
		}
		if c, ok := conversationOf(e); ok {
			l.conversations[c] = true
		} else if e = normal(channel, e); e != "" {
			l.senders[e] = true
		}
	}
	return l
}

// holds tells whether the list lets the sender of m in, or everybody in its conversation.
func (l list) holds(m channels.Arrival) bool {
	if l.everybody {
		return true
	}
	if id := normal(m.Account.Channel(), m.Sender.ID); id != "" && l.senders[id] {
		return true
	}
	// A conversation is named as a whole (service;-;identifier) or by its last part.
	last := m.Conversation[strings.LastIndexByte(m.Conversation, ';')+1:]
	return last != "" && (l.conversations[m.Conversation] || l.conversations[last])
}

// normal is the one form in which two spellings of a sender are the same: an e-mail address or a name with @ in lower
// case, a telephone number without spaces, dashes, dots and parentheses, all else as it stands.
func normal(channel, id string) string {
	id = withoutChannel(channel, id)
	if strings.Contains(id, "@") {
		return strings.ToLower(id)
	}
	if digits, ok := telephone(id); ok {
		return digits
	}
	return id
}

// telephone drops what people write between the digits of a number.
func telephone(id string) (string, bool) {
	var out strings.Builder
	digits := 0
	for i, c := range id {
		switch {
		case c >= '0' && c <= '9':
			digits++
			out.WriteRune(c)
		case c == '+' && i == 0:
			out.WriteRune(c)
		case strings.ContainsRune(" -.()\u00a0\u2011", c):
		default:
			return "", false
		}
	}
	return out.String(), digits > 0
}

// withoutChannel takes "bluebubbles:" off an entry, as people copy it from the name of an account.
func withoutChannel(channel, id string) string {
	id = strings.TrimSpace(id)
	if n := len(channel) + 1; len(id) >= n && strings.EqualFold(id[:n], channel+":") {
		return strings.TrimSpace(id[n:])
	}
	return id
}

func conversationOf(entry string) (string, bool) {
	for _, p := range ofConversation {
		if len(entry) > len(p) && strings.EqualFold(entry[:len(p)], p) {
			return strings.TrimSpace(entry[len(p):]), true
		}
	}
	return "", false
}
