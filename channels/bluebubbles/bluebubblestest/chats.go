package bluebubblestest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// readWindow is how young a message is whose reading the server still tells.
const readWindow = 30 * time.Second

func (s *Server) queryChats(c *exchange) {
	c.fields("with", "sort", "offset", "limit", "guid")
	c.list("with")
	offset, _ := c.number("offset", 0)
	limit, _ := c.number("limit", mostRows)
	switch {
	case c.failed:
	case limit < 1:
		c.invalid("The limit must be at least 1.")
	case limit > mostRows:
		c.invalid("The limit may not be greater than 1000.")
	}
	if c.failed {
		return
	}
	var list []*chat
	for _, one := range s.chats {
		if len(one.participants) > 0 {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b *chat) int { return int(b.row - a.row) })
	list = list[min(int(offset), len(list)):]
	data := []any{}
	for _, one := range list[:min(int(limit), len(list))] {
		data = append(data, s.withParticipants(one, true))
	}
	c.reply(http.StatusOK, map[string]any{
		"status": 200, "message": "Success", "data": data,
		"metadata": map[string]any{"count": len(data), "total": len(s.chats), "offset": offset, "limit": limit},
	})
}

func (s *Server) getChat(c *exchange) {
	one := s.chats[c.args[0]]
	if one == nil {
		c.notFound("Chat does not exist!")
		return
	}
	c.ok("Success", s.withParticipants(one, strings.Contains(c.query.Get("with"), "participants")))
}

func (s *Server) withParticipants(one *chat, show bool) map[string]any {
	out := s.chatObject(one, false)
	people := []any{}
	for _, p := range one.participants {
		if show {
			people = append(people, map[string]any{"address": p, "service": "iMessage"})
		}
	}
	out["participants"] = people
	return out
}

// AddChat makes a chat known that has no message yet.
func (s *Server) AddChat(guid string, participants ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chatOf(guid, participants...)
}

func (s *Server) startTyping(c *exchange) {
	s.typing[c.args[0]] = true
	c.ok("Successfully started typing!", nil)
}

// stopTyping starts it, in the version that the double is by default, and says the opposite.
func (s *Server) stopTyping(c *exchange) {
	s.typing[c.args[0]] = !s.options.StopTyping
	c.ok("Successfully stopped typing!", nil)
}

// markRead makes updates of messages that came just before.
func (s *Server) markRead(c *exchange) {
	s.reads[c.args[0]]++
	now := s.options.Now()
	s.emit("chat-read-status-changed", map[string]any{"chatGuid": c.args[0], "read": true}, "")
	for _, m := range s.table {
		if m.chat == c.args[0] && !m.fromMe && m.read.IsZero() {
			m.read = now
			if now.Sub(m.created) < readWindow {
				s.announce(m)
			}
		}
	}
	c.ok("Successfully marked chat as read!", nil)
}

func (s *Server) deleteMessage(c *exchange) {
	s.table = slices.DeleteFunc(s.table, func(m *message) bool { return m.chat == c.args[0] && m.guid == c.args[1] })
	c.ok("Successfully deleted message!", nil)
}

func (s *Server) getFile(c *exchange) {
	f := s.file(c.args[0])
	if f == nil {
		c.notFound("Attachment does not exist!")
		return
	}
	c.ok("Success", map[string]any{"guid": f.guid, "transferName": f.Name, "mimeType": f.Type, "totalBytes": len(f.Content)})
}

// download knows two ways of not having a file: unknown, and not on the disk yet.
func (s *Server) download(c *exchange) {
	f := s.file(c.args[0])
	switch {
	case f == nil && s.options.PrivateAPI:
		c.unhandled("Cannot read properties of null (reading 'filePath')")
	case f == nil:
		c.notFound("Attachment does not exist!")
	case f.Missing:
		c.failure(http.StatusInternalServerError, "The server has encountered an error", "Server Error", "Attachment does not exist in disk!")
	default:
		c.stream = f
	}
}
