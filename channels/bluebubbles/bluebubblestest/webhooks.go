package bluebubblestest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type hook struct {
	id      int
	url     string
	events  []string
	created time.Time
	flying  *sync.WaitGroup // posts that have not been answered
}

// event is one thing to post, already written.
type event struct {
	kind string
	guid string
	body []byte
}

// selectable are the events that a webhook may name.
var selectable = []string{
	"*", "new-message", "updated-message", "message-send-error", "group-name-change", "group-icon-changed",
	"group-icon-removed", "participant-removed", "participant-added", "participant-left", "chat-read-status-changed",
	"typing-indicator", "scheduled-message-error", "server-update", "new-server", "new-findmy-location", "hello-world",
	"incoming-facetime", "ft-call-status-changed", "imessage-alias-removed",
}

// Register adds a webhook as its user would in the app; without events it gets all of them.
func (s *Server) Register(address string, events ...string) {
	if len(events) == 0 {
		events = []string{"*"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addHook(address, events)
}

func (s *Server) addHook(address string, events []string) hook {
	for _, h := range s.hooks {
		if h.url == address {
			return h // its events stay as they are
		}
	}
	s.lastHook++
	h := hook{id: s.lastHook, url: address, events: events, created: s.options.Now(), flying: &sync.WaitGroup{}}
	s.hooks = append(s.hooks, h)
	return h
}

// Repoint gives every webhook another address, as its user would: what happens from now on is posted there. The function
// that it returns waits until what was posted to the old ones has been answered.
func (s *Server) Repoint(address string) (settle func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := slices.Clone(s.hooks)
	for i := range s.hooks {
		s.hooks[i].url, s.hooks[i].flying = address, &sync.WaitGroup{}
	}
	return func() {
		for _, h := range old {
			h.flying.Wait()
		}
	}
}

// Hold keeps webhooks back until Release.
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = true
}

// Release posts what was held, one after the other, in the order given by positions in the list of what was held; a
// position may come twice. Without positions everything is posted, the latest first.
func (s *Server) Release(order ...int) {
	s.mu.Lock()
	held := s.held
	s.held, s.holding = nil, false
	if len(order) == 0 {
		for i := range held {
			order = append(order, len(held)-1-i)
		}
	}
	hooks := slices.Clone(s.hooks)
	s.mu.Unlock()
	for _, i := range order {
		for _, h := range hooks {
			if h.wants(held[i].kind) {
				s.post(h, held[i])
			}
		}
	}
}

// Held is how many webhooks are kept back.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

// Settle waits until every post that was begun has been answered. Others may begin meanwhile.
func (s *Server) Settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.posting > 0 {
		s.answered.Wait()
	}
}

// over counts a post that has been answered.
func (s *Server) over(h hook) {
	h.flying.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting--
	s.answered.Broadcast()
}

// emit posts to everyone who wants the event and waits for nobody. The lock is held.
func (s *Server) emit(kind string, data any, guid string) {
	body, err := json.Marshal(map[string]any{"type": kind, "data": data})
	if err != nil {
		s.fault("the double cannot write %s: %v", kind, err)
		return
	}
	e := event{kind: kind, guid: guid, body: body}
	if s.holding {
		s.held = append(s.held, e)
		return
	}
	for _, h := range s.hooks {
		if h.wants(kind) {
			h.flying.Add(1)
			s.posting++
			go func() {
				defer s.over(h)
				s.post(h, e)
			}()
		}
	}
}

func (h hook) wants(kind string) bool {
	return slices.Contains(h.events, "*") || slices.Contains(h.events, kind)
}

// post is the one attempt. The answer's body is ignored, and so is its status, but for the record.
func (s *Server) post(h hook, e event) {
	p := Post{Type: e.kind, GUID: e.guid, At: s.options.Now()}
	p.URL, _, _ = strings.Cut(h.url, "?")
	req, err := http.NewRequestWithContext(s.life, http.MethodPost, h.url, bytes.NewReader(e.body))
	if err == nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/plain, */*")
		req.Header.Set("User-Agent", "axios/1.7.2")
		var res *http.Response
		if res, err = s.client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			p.Status = res.StatusCode
		}
	}
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err // the address holds the password
		}
		p.Err = err.Error()
	}
	s.mu.Lock()
	s.posts = append(s.posts, p)
	told := s.options.OnPost
	s.mu.Unlock()
	if told != nil {
		told(p)
	}
}

// followPosts follows like the real server: 307 and 308 keep the body, 301 and 302 turn it into a GET.
func followPosts(_ *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return http.ErrUseLastResponse
	}
	return nil
}

func (s *Server) listHooks(c *exchange) {
	if c.query.Has("id") {
		c.fault("GET webhook?id= never works")
		c.unhandled("Validator `number` is not defined!")
		return
	}
	out := []any{}
	for _, h := range s.hooks {
		if want := c.query.Get("url"); want == "" || want == h.url {
			out = append(out, h.object())
		}
	}
	if len(out) == 0 && c.query.Get("url") != "" {
		c.unhandled("Cannot read properties of null")
		return
	}
	c.ok("Success", out)
}

func (s *Server) createHook(c *exchange) {
	c.fields("url", "events")
	address := c.text("url", true)
	var events []string
	if c.failed {
		return
	}
	if !strings.HasPrefix(address, "http") {
		c.invalid("The url format is invalid.")
		return
	}
	if raw, ok := c.body["events"].([]any); ok {
		for _, e := range raw {
			name, _ := e.(string)
			if !slices.Contains(selectable, name) {
				c.invalid("Invalid webhook event: " + name)
				return
			}
			events = append(events, name)
		}
	}
	if len(events) == 0 {
		c.invalid("The events field is required.")
		return
	}
	c.ok("Successfully created webhook!", s.addHook(address, events).object())
}

func (s *Server) deleteHook(c *exchange) {
	for i, h := range s.hooks {
		if c.args[0] == strconv.Itoa(h.id) {
			s.hooks = slices.Delete(s.hooks, i, i+1)
			c.ok("Successfully deleted webhook!", nil)
			return
		}
	}
	c.notFound("Webhook does not exist!")
}

func (h hook) object() map[string]any {
	return map[string]any{"id": h.id, "url": h.url, "events": h.events, "created": h.created.UTC().Format(time.RFC3339)}
}
