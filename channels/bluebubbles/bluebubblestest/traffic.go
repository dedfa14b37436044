package bluebubblestest

import (
	"slices"
	"time"
)

// Incoming is a message from somebody else, or one that the Mac's user wrote.
type Incoming struct {
	Chat    string // guid
	Sender  string // address; empty for FromMe
	Text    string
	Subject string
	Files   []File
	ReplyTo string    // guid of the message that began the thread
	Sent    time.Time // the sender's clock; default now
	Balloon string    // bundle of an app
	Target  string    // associatedMessageGuid, raw: p:0/<guid>
	Kind    string    // associatedMessageType: love, -love, 2006, …
	Item    int       // itemType; not 0 for a change of a group
	FromMe  bool
	GUID    string // default a new one

	LateFiles bool // the files join the row with JoinFiles only
	LateChat  bool // the chat joins the row with JoinChat only
}

// Receive is a message from somebody: a row, and a webhook for everyone registered. It returns the guid.
func (s *Server) Receive(chat, sender, text string) string {
	return s.ReceiveMessage(Incoming{Chat: chat, Sender: sender, Text: text})
}

// ReceiveMessage is Receive with all that a message may have.
func (s *Server) ReceiveMessage(in Incoming) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &message{
		guid: in.GUID, text: in.Text, subject: in.Subject, sender: in.Sender, chat: in.Chat, fromMe: in.FromMe,
		created: in.Sent, parts: 1, itemType: in.Item, balloon: in.Balloon, target: in.Target, relation: in.Kind,
		thread: in.ReplyTo, unjoined: in.LateChat,
	}
	if !in.LateFiles {
		m.files = pointers(in.Files)
	}
	s.insert(m)
	if !in.FromMe && in.Item == 0 && in.Kind == "" {
		s.received = append(s.received, Received{GUID: m.guid, Chat: m.chat, Sender: m.sender, Text: m.text, At: s.options.Now()})
	}
	s.announce(m)
	return m.guid
}

// Edit changes the text of a message.
func (s *Server) Edit(guid, text string) {
	s.change(guid, func(m *message) { m.text, m.edited = text, s.options.Now() })
}

// Unsend takes a message back.
func (s *Server) Unsend(guid string) {
	s.change(guid, func(m *message) { m.unsent, m.files, m.parts, m.edited = true, nil, 0, s.options.Now() })
}

// Read is what somebody's reading of a message brings: a date, and an update.
func (s *Server) Read(guid string) {
	s.change(guid, func(m *message) { m.read = s.options.Now() })
}

// JoinFiles is the attachments of a message coming into the database after it. That alone is not announced.
func (s *Server) JoinFiles(guid string, files ...File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.byGUID(guid)
	m.files = append(m.files, pointers(files)...)
	s.number(m)
}

// JoinChat is the chat of a message coming into the database after it.
func (s *Server) JoinChat(guid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byGUID(guid).unjoined = false
}

// Download is a missing file arriving on the Mac's disk.
func (s *Server) Download(guid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.byGUID(guid).files {
		f.Missing = false
	}
}

// RenameGroup is a change of a group: an event of its own, and a row that is announced as a message.
func (s *Server) RenameGroup(chat, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chatOf(chat).name = name
	m := s.insert(&message{chat: chat, sender: "+15550000000", itemType: 2, title: name, parts: 0})
	s.emit("group-name-change", s.object(m, shape{webhook: true, chats: true}), m.guid)
	s.announce(m)
}

// Announce makes the server look at a message: new-message if its memory of it is gone, else updated-message.
func (s *Server) Announce(guid string) { s.change(guid, func(*message) {}) }

// Event posts any event, such as typing-indicator.
func (s *Server) Event(kind string, data any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(kind, data, "")
}

// HourPasses empties the server's memory of what it announced: the next thing that happens to a message is new-message
// again. What was taken back is announced again at once.
func (s *Server) HourPasses() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.seen)
	for _, m := range s.table {
		if m.unsent {
			s.announce(m)
		}
	}
}

// Together runs f and then polls once for all rows that it made: of more than a hundred only the newest hundred are
// announced.
func (s *Server) Together(f func()) {
	s.mu.Lock()
	s.together = []*message{}
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.together
	s.together = nil
	slices.SortStableFunc(rows, func(a, b *message) int { return a.created.Compare(b.created) })
	if len(rows) > pollLimit {
		for _, m := range rows[:len(rows)-pollLimit] {
			s.seen[m.guid] = true
		}
		rows = rows[len(rows)-pollLimit:]
	}
	for _, m := range rows {
		s.announce(m)
	}
}

// pollLimit is how many rows one poll of the real server sees.
const pollLimit = 100

// Delete removes a message from the table.
func (s *Server) Delete(guid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = slices.DeleteFunc(s.table, func(m *message) bool { return m.guid == guid })
}

// ReplaceDatabase begins a new table: no messages, row numbers from 1.
func (s *Server) ReplaceDatabase() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table, s.lastRow = nil, 0
	clear(s.seen)
}

// SkipRows leaves a gap in the row numbers.
func (s *Server) SkipRows(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastRow += n
}

func (s *Server) change(guid string, f func(*message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.byGUID(guid)
	f(m)
	s.announce(m)
}

// announce is what a poll does with a row that it has to tell about.
func (s *Server) announce(m *message) {
	if s.together != nil {
		if !slices.Contains(s.together, m) {
			s.together = append(s.together, m)
		}
		return
	}
	if !s.up {
		return
	}
	kind := "updated-message"
	if !s.seen[m.guid] {
		kind = "new-message"
	}
	s.seen[m.guid] = true
	s.emit(kind, s.object(m, shape{webhook: true, chats: kind == "new-message", attachments: true}), m.guid)
}

func pointers(files []File) []*File {
	var out []*File
	for _, f := range files {
		out = append(out, &f)
	}
	return out
}
