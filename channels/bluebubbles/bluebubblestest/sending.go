package bluebubblestest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	byAppleScript = "apple-script"
	byPrivateAPI  = "private-api"
)

// reactions are all that can be sent; there are no emoji.
var reactions = []string{"love", "like", "dislike", "laugh", "emphasize", "question"}

// sendText makes one row and two events of it, the name of the send in one of them.
func (s *Server) sendText(c *exchange) {
	c.fields("chatGuid", "message", "tempGuid", "method", "effectId", "subject", "selectedMessageGuid", "ddScan", "attributedBody", "partIndex")
	to := c.text("chatGuid", true)
	name := c.text("tempGuid", false)
	by := c.text("method", false)
	text := c.text("message", false)
	reply := c.text("selectedMessageGuid", false)
	for _, key := range []string{"effectId", "subject", "selectedMessageGuid", "ddScan", "attributedBody"} {
		if v := c.body[key]; v != nil && v != "" && v != false {
			by = byPrivateAPI
		}
	}
	if _, there := c.body["message"]; !there && !c.failed {
		c.invalid("The message field must be present (but can be empty).")
	}
	s.checkSend(c, by, name, text == "", "Message")
	if c.failed || !s.ready(c, to, by, "Message Send Error") {
		return
	}
	m := s.insert(&message{chat: to, text: strings.TrimSpace(text), fromMe: true, parts: 1, thread: reply})
	s.went(c, m, Sent{Text: text, TempGUID: name, Method: by, ReplyTo: reply})
	data := s.object(m, shape{chats: true, attachments: true})
	data["tempGuid"] = name
	c.ok("Message sent!", data)
}

// sendFile has no caption: fields of that kind are taken and dropped.
func (s *Server) sendFile(c *exchange) {
	known := []string{"chatGuid", "name", "tempGuid", "method", "isAudioMessage", "partIndex", "effectId", "subject", "selectedMessageGuid", "attributedBody"}
	for key := range c.form {
		if !slices.Contains(known, key) {
			c.fault("%s: the field %q means nothing to the server", c.matched, key)
		}
	}
	if c.upload == nil || len(c.upload.Content) == 0 {
		c.invalid("Attachment not provided or was empty!")
		return
	}
	c.body = map[string]any{}
	for key, value := range maps.All(c.form) {
		c.body[key] = value
	}
	to, title := c.text("chatGuid", true), c.text("name", true)
	name, by := c.text("tempGuid", false), c.text("method", false)
	if c.form["effectId"]+c.form["subject"]+c.form["selectedMessageGuid"]+c.form["attributedBody"] != "" {
		by = byPrivateAPI
	}
	s.checkSend(c, by, name, false, "Attachment")
	if c.failed || !s.ready(c, to, by, "Attachment Send Error") {
		return
	}
	file := &File{Name: title, Type: c.upload.Type, Content: c.upload.Content}
	m := s.insert(&message{chat: to, fromMe: true, parts: 1, files: []*File{file}, thread: c.form["selectedMessageGuid"]})
	s.went(c, m, Sent{File: title, Content: file.Content, TempGUID: name, Method: by, ReplyTo: m.thread})
	c.ok("Attachment sent!", s.object(m, shape{chats: true, attachments: by != byPrivateAPI}))
}

// checkSend is the validation that texts and files share, and the lock on the name.
func (s *Server) checkSend(c *exchange, by, name string, empty bool, what string) {
	switch {
	case c.failed:
	case by != "" && by != byAppleScript && by != byPrivateAPI:
		c.invalid("The selected method is invalid.")
	case by != byPrivateAPI && name == "":
		c.invalid("A 'tempGuid' is required when sending via AppleScript")
	case by != byPrivateAPI && empty:
		c.invalid("A 'message' is required when sending via AppleScript")
	case name != "" && s.flying[name]:
		c.failure(http.StatusBadRequest, "You've made a bad request! Please check your request params & body", "Validation Error",
			what+" is already queued to be sent! (Temp GUID: "+name+")")
	default:
		s.flying[name] = true
		c.flying = name
	}
}

// ready is what fails before anything is sent.
func (s *Server) ready(c *exchange, to, by, title string) bool {
	switch {
	case by == byPrivateAPI && (!s.options.PrivateAPI || !s.options.Helper):
		c.failure(http.StatusInternalServerError, title, "iMessage Error", s.noPrivateAPI())
	case !strings.Contains(to, ";"):
		c.fault("%s: %q is no chat guid", c.matched, to)
		c.failure(http.StatusInternalServerError, title, "iMessage Error", "Invalid chat GUID!")
	default:
		return true
	}
	return false
}

// went writes down what was sent and announces it, twice if the send has a name. Sending ends the typing.
func (s *Server) went(c *exchange, m *message, sent Sent) {
	sent.GUID, sent.Chat, sent.At = m.guid, m.chat, s.options.Now()
	s.sent = append(s.sent, sent)
	c.made = m
	delete(s.typing, m.chat)
	if sent.TempGUID != "" && s.up {
		data := s.object(m, shape{webhook: true, chats: true, attachments: true})
		data["tempGuid"] = sent.TempGUID
		s.emit("new-message", data, m.guid)
	}
	s.announce(m)
}

// sendAgain is the server's own duplicate: a script that timed out and went through is run once more.
func (s *Server) sendAgain(m *message) {
	again := s.insert(&message{chat: m.chat, text: m.text, files: m.files, fromMe: true, parts: 1, thread: m.thread})
	last := s.sent[len(s.sent)-1]
	last.GUID = again.guid
	s.sent = append(s.sent, last)
	s.announce(again)
}

func (s *Server) react(c *exchange) {
	c.fields("chatGuid", "selectedMessageGuid", "reaction", "partIndex")
	to, target, kind := c.text("chatGuid", true), c.text("selectedMessageGuid", true), c.text("reaction", true)
	switch {
	case c.failed:
	case !slices.Contains(reactions, strings.TrimPrefix(kind, "-")):
		c.invalid("The selected reaction is invalid.")
	case s.byGUID(target) == nil:
		c.invalid("Selected message does not exist!")
	default:
		m := s.insert(&message{chat: to, fromMe: true, target: "p:0/" + target, relation: kind, parts: 1})
		s.announce(m)
		c.ok("Reaction sent!", s.object(m, shape{chats: true}))
	}
}

// editMessage answers with success also where nothing happened: the caller has to compare dateEdited.
func (s *Server) editMessage(c *exchange) {
	c.fields("editedMessage", "backwardsCompatibilityMessage", "partIndex")
	text := c.text("editedMessage", true)
	c.text("backwardsCompatibilityMessage", true)
	s.alter(c, "Message Edit Error", "Message edited!", func(m *message) { m.text = text })
}

func (s *Server) unsendMessage(c *exchange) {
	c.fields("partIndex")
	s.alter(c, "Unsend Message Error", "Message unsent!", func(m *message) { m.unsent, m.parts = true, 0 })
}

func (s *Server) alter(c *exchange, title, done string, f func(*message)) {
	m := s.byGUID(c.args[0])
	switch {
	case c.failed:
	case m == nil:
		c.invalid("Selected message does not exist!")
	case !s.options.PrivateAPI || !s.options.Helper:
		c.failure(http.StatusInternalServerError, title, "iMessage Error", s.noPrivateAPI())
	default:
		f(m)
		m.edited = s.options.Now()
		s.announce(m)
		c.ok(done, s.object(m, shape{chats: true}))
	}
}
