package bluebubblestest

import (
	"maps"
	"slices"
	"time"
)

// Post is one webhook that was posted and what came back.
type Post struct {
	Type   string // such as new-message
	GUID   string // of the message, if it is about one
	URL    string // without query
	Status int    // 0 if there was no answer
	Err    string // why not
	At     time.Time
}

// Sent is one message that the server was made to send.
type Sent struct {
	GUID     string
	Chat     string
	Text     string
	File     string // name
	Content  []byte // of the file
	TempGUID string
	Method   string
	ReplyTo  string
	At       time.Time
}

// Received is one message from somebody else, whether it was announced or not.
type Received struct {
	GUID   string
	Chat   string
	Sender string
	Text   string
	At     time.Time
}

// Posts lists the webhooks that have been answered or given up.
func (s *Server) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Sent lists the messages sent through the interface, in order.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// Received lists the messages of others, in order: everything that a gateway has to answer, and nothing else.
func (s *Server) Received() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

// Faults lists what a right client would not have done.
func (s *Server) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.faults)
}

// Requests counts the requests by method and path pattern: "POST message/query".
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// Typing tells whether the peer sees somebody typing.
func (s *Server) Typing(chat string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.typing[chat]
}

// Reads counts how often a chat was marked as read.
func (s *Server) Reads(chat string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[chat]
}
