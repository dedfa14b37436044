package bluebubblestest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// path is one entry of the interface. The first ":" segments are its arguments.
type path struct {
	method  string
	pattern string
	private bool // the Private API is checked before anything else
	handle  func(*Server, *exchange)
}

var paths = []path{
	{"GET", "ping", false, (*Server).ping},
	{"GET", "server/info", false, (*Server).info},
	{"GET", "webhook", false, (*Server).listHooks},
	{"POST", "webhook", false, (*Server).createHook},
	{"DELETE", "webhook/:id", false, (*Server).deleteHook},
	{"POST", "message/query", false, (*Server).queryMessages},
	{"POST", "message/text", false, (*Server).sendText},
	{"POST", "message/attachment", false, (*Server).sendFile},
	{"POST", "message/react", true, (*Server).react},
	{"GET", "message/:guid", false, (*Server).getMessage},
	{"POST", "message/:guid/edit", false, (*Server).editMessage},
	{"POST", "message/:guid/unsend", false, (*Server).unsendMessage},
	{"GET", "attachment/:guid", false, (*Server).getFile},
	{"GET", "attachment/:guid/download", false, (*Server).download},
	{"POST", "chat/query", false, (*Server).queryChats},
	{"GET", "chat/:guid", false, (*Server).getChat},
	{"POST", "chat/:guid/typing", true, (*Server).startTyping},
	{"DELETE", "chat/:guid/typing", true, (*Server).stopTyping},
	{"POST", "chat/:guid/read", true, (*Server).markRead},
	{"DELETE", "chat/:guid/:message", true, (*Server).deleteMessage},
}

const maxBody = 128 << 20

// exchange is one request and its answer. Handlers run with the server's lock held, but for the waiting of a fault.
type exchange struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	query   url.Values
	args    []string
	body    map[string]any
	form    map[string]string // of multipart
	upload  *File
	failed  bool // an answer has been given
	matched string
	status  int
	answer  any
	flying  string // name of the send, until it has ended
	stream  *File  // the answer, instead of JSON
	cutBody bool   // in the middle of stream
	made    *message
}

// serve is routing, parsing and authentication, in the order of the real server: the path without asking who it is,
// the body, the password, the Private API, the handler.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	p, args, allow := match(r)
	w.Header().Set("Date", s.options.Now().UTC().Format(http.TimeFormat)) // the Mac's clock
	s.mu.Lock()
	if p == nil {
		s.fault("%s %s is no path of the server", r.Method, r.URL.Path)
		s.mu.Unlock()
		if len(allow) > 0 {
			w.Header().Set("Allow", strings.Join(allow, ", "))
			w.WriteHeader(http.StatusMethodNotAllowed)
			_, _ = io.WriteString(w, "Method Not Allowed")
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "Not Found")
		return
	}
	s.requests[p.method+" "+p.pattern]++
	hanging := s.hanging
	s.mu.Unlock()
	if hanging {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody)) // else the end of the request is not noticed
		select {
		case <-r.Context().Done():
		case <-s.life.Done():
		}
		return
	}
	c := &exchange{s: s, w: w, r: r, query: r.URL.Query(), args: args, matched: p.method + " " + p.pattern}
	badBody := c.parse()
	s.mu.Lock()
	f := s.next(p.pattern)
	if badBody != nil {
		c.fault("%s: the body cannot be read: %v", c.matched, badBody)
		c.unhandled(badBody.Error())
	} else if c.authenticated() && c.gate(p.private) && !f.instead(c) {
		p.handle(s, c)
		if f != nil && f.Twice && c.made != nil {
			s.sendAgain(c.made)
		}
	}
	s.mu.Unlock()
	f.finish(c)
}

// match finds the path; allow lists the methods if only the method is wrong.
func match(r *http.Request) (found *path, args, allow []string) {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/v1/")
	if !ok {
		return nil, nil, nil
	}
	segments := strings.Split(rest, "/")
	for i := range paths {
		got, ok := fits(paths[i].pattern, segments)
		if !ok {
			continue
		}
		if paths[i].method == r.Method {
			return &paths[i], got, nil
		}
		allow = append(allow, paths[i].method)
	}
	return nil, nil, allow
}

func fits(pattern string, segments []string) (args []string, ok bool) {
	want := strings.Split(pattern, "/")
	if len(want) != len(segments) {
		return nil, false
	}
	for i, w := range want {
		got, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		switch {
		case strings.HasPrefix(w, ":"):
			args = append(args, got)
		case w != got:
			return nil, false
		}
	}
	return args, true
}

func (c *exchange) parse() error {
	if c.r.Method == http.MethodGet {
		return nil
	}
	kind := c.r.Header.Get("Content-Type")
	if strings.HasPrefix(kind, "multipart/form-data") {
		return c.parseForm()
	}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody))
	if err != nil || len(body) == 0 {
		return err
	}
	if !strings.HasPrefix(kind, "application/json") {
		return fmt.Errorf("content type %q", kind)
	}
	return json.Unmarshal(body, &c.body)
}

func (c *exchange) parseForm() error {
	parts, err := c.r.MultipartReader()
	if err != nil {
		return err
	}
	c.form = map[string]string{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(io.LimitReader(part, maxBody))
		if err != nil {
			return err
		}
		if part.FileName() == "" {
			c.form[part.FormName()] = string(content)
		} else if part.FormName() == "attachment" {
			c.upload = &File{Name: part.FileName(), Type: part.Header.Get("Content-Type"), Content: content}
		}
	}
}

// authenticated looks at the query and nowhere else.
func (c *exchange) authenticated() bool {
	given := ""
	for _, key := range []string{"guid", "password", "token"} {
		if given == "" {
			given = strings.TrimSpace(c.query.Get(key))
		}
	}
	switch given {
	case "":
		c.fault("%s: there is no password in the query", c.matched)
		c.failure(http.StatusUnauthorized, "You are not authorized to access this resource", "Authentication Error", "Missing server password!")
	case strings.TrimSpace(c.s.options.Password):
		return true
	default:
		c.failure(http.StatusUnauthorized, "You are not authorized to access this resource", "Authentication Error", "Unauthorized")
	}
	return false
}

// gate is the Private API's, which comes before the validation.
func (c *exchange) gate(private bool) bool {
	if !private || c.s.options.PrivateAPI && c.s.options.Helper {
		return true
	}
	c.fault("%s needs the Private API", c.matched)
	c.failure(http.StatusInternalServerError, "Please make sure you have completed the setup for the Private API, and your helper is connected!",
		"iMessage Error", c.s.noPrivateAPI())
	return false
}

func (s *Server) noPrivateAPI() string {
	if !s.options.PrivateAPI {
		return "iMessage Private API is not enabled!"
	}
	return "iMessage Private API Helper is not connected!"
}

func (c *exchange) fault(format string, args ...any) { c.s.fault(format, args...) }

// fields notes the keys of a JSON body that the server would silently ignore.
func (c *exchange) fields(known ...string) {
	for key := range c.body {
		if !slices.Contains(known, key) {
			c.fault("%s: the field %q means nothing to the server", c.matched, key)
		}
	}
}

// text reads a string field.
func (c *exchange) text(key string, required bool) string {
	v, there := c.body[key]
	s, ok := v.(string)
	switch {
	case c.failed:
	case v != nil && !ok:
		c.invalid("The " + key + " must be a string.")
	case required && (!there || s == ""):
		c.invalid("The " + key + " field is required.")
	}
	return s
}

// number reads a numeric field. Text passes, as it does there; ok tells whether it was a number.
func (c *exchange) number(key string, usual float64) (n float64, ok bool) {
	switch v := c.body[key].(type) {
	case nil:
		return usual, true
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		if err == nil {
			c.fault("%s: %s is a text, not a number", c.matched, key)
			return n, false
		}
	}
	if !c.failed {
		c.invalid("The " + key + " must be a number.")
	}
	return usual, true
}

func (c *exchange) ok(message string, data any) {
	c.reply(http.StatusOK, map[string]any{"status": 200, "message": message, "data": data})
}

// invalid is a validation error; a right client makes none.
func (c *exchange) invalid(text string) {
	c.fault("%s: %s", c.matched, text)
	c.failure(http.StatusBadRequest, "You've made a bad request! Please check your request params & body", "Validation Error", text)
}

func (c *exchange) notFound(text string) {
	c.failure(http.StatusNotFound, "The requested resource was not found", "Database Error", text)
}

func (c *exchange) unhandled(text string) {
	c.failure(http.StatusInternalServerError, "An unhandled error has occurred!", "Server Error", text)
}

func (c *exchange) failure(status int, message, kind, text string) {
	c.reply(status, map[string]any{"status": status, "message": message, "error": map[string]any{"type": kind, "message": text}})
}

// reply keeps the first answer; it is written when the lock is free.
func (c *exchange) reply(status int, body any) {
	if !c.failed {
		c.failed, c.status, c.answer = true, status, body
	}
}

// land ends the send: its name is free again.
func (c *exchange) land() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.flying, c.flying)
}

func (c *exchange) write() {
	if c.stream != nil {
		c.writeFile()
		return
	}
	if c.answer == nil {
		return
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(c.status)
	_ = json.NewEncoder(c.w).Encode(c.answer) // the caller may be gone
}
