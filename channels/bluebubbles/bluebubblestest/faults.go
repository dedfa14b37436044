package bluebubblestest

import (
	"net/http"
)

// Fault is something that goes wrong with the next request to a path. Inject adds it to the script.
type Fault struct {
	Path  string // pattern: message/text, attachment/:guid/download
	Times int    // how many requests; 0 is one

	Skip    bool   // the request has no effect; else it does what it should
	Twice   bool   // a send makes two messages
	Status  int    // of the answer; 0 leaves the answer as it is
	Message string // of the envelope
	Detail  string // error.message
	Plain   string // the answer is this text and no envelope
	Data    any    // of the envelope; "data":null if nil

	Wait    <-chan struct{} // the effect is there, the answer comes when this is closed
	Cut     bool            // the connection ends before the answer
	CutBody bool            // the connection ends in the middle of a download
	Matches string          // a send answers with this other message of ours
	Header  map[string]string
}

// Faults of sends that the real server is known for; Path is theirs to choose.
var (
	// SentUnmatched: the message went out, the server could not find it.
	SentUnmatched = Fault{Status: http.StatusInternalServerError, Message: "Message Send Error", Detail: "Failed to send message! See attached message error code."}
	// NotSent: the script failed before anything left.
	NotSent = Fault{Skip: true, Status: http.StatusInternalServerError, Message: "Message Send Error", Detail: "Messages got an error: Can’t get chat id."}
	// SentTimeout: the answer took too long, the work went on.
	SentTimeout = Fault{Status: http.StatusGatewayTimeout, Message: "The request timed-out after 300000!", Detail: "The server took too long to respond and has timed-out!"}
	// SentCut: the message went out, the connection ended.
	SentCut = Fault{Cut: true}
)

// On is the fault for a path.
func (f Fault) On(path string) Fault {
	f.Path = path
	return f
}

// Inject adds a fault to the script.
func (s *Server) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, &f)
}

// next takes the fault for a path from the script; nil if there is none.
func (s *Server) next(path string) *Fault {
	for _, f := range s.script {
		if f.Path == path && f.Times > 0 {
			f.Times--
			return f
		}
	}
	return nil
}

// instead tells whether the fault takes the place of the handler.
func (f *Fault) instead(c *exchange) bool {
	return f != nil && f.Skip
}

// finish answers, without the lock.
func (f *Fault) finish(c *exchange) {
	if f == nil {
		c.land()
		c.write()
		return
	}
	if f.Wait != nil {
		select {
		case <-f.Wait:
		case <-c.s.life.Done():
		}
	}
	c.land()
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	for key, value := range f.Header {
		c.w.Header().Set(key, value)
	}
	c.cutBody = f.CutBody
	switch {
	case f.Plain != "":
		c.w.WriteHeader(f.Status)
		_, _ = c.w.Write([]byte(f.Plain))
		return
	case f.Status != 0:
		c.stream = nil
		c.status, c.answer = f.Status, map[string]any{
			"status": f.Status, "message": f.Message, "data": f.Data,
			"error": map[string]any{"type": "iMessage Error", "message": f.Detail},
		}
	case f.Matches != "":
		c.s.mu.Lock()
		c.answer = map[string]any{"status": 200, "message": "Message sent!", "data": c.s.object(c.s.byGUID(f.Matches), shape{chats: true, attachments: true})}
		c.s.mu.Unlock()
	}
	c.write()
}

// chunk is how much of a download is written at once.
const chunk = 1 << 10

// writeFile streams a file in small pieces without a length, and only half of it if the fault wants that.
func (c *exchange) writeFile() {
	c.w.Header().Set("Content-Type", c.stream.Type)
	rest := c.stream.Content
	if c.cutBody {
		rest = rest[:len(rest)/2]
	}
	for len(rest) > 0 {
		n := min(chunk, len(rest))
		if _, err := c.w.Write(rest[:n]); err != nil {
			return
		}
		_ = http.NewResponseController(c.w).Flush() // the caller may be gone
		rest = rest[n:]
	}
	if c.cutBody {
		panic(http.ErrAbortHandler)
	}
}
