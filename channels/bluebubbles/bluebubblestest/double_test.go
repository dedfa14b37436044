package bluebubblestest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast/channels/bluebubbles/bluebubblestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const chat, peer = "iMessage;-;+15551110000", "+15551110000"

func start(t *testing.T, o bluebubblestest.Options) *bluebubblestest.Server {
	t.Helper()
	s := bluebubblestest.New(o)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); http.DefaultClient.CloseIdleConnections() })
	return s
}

// listener is a webhook's receiver.
type listener struct {
	mu     sync.Mutex
	bodies []map[string]any
	status int
}

func listen(t *testing.T, s *bluebubblestest.Server, events ...string) *listener {
	t.Helper()
	l := &listener{status: http.StatusOK}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.bodies = append(l.bodies, body)
		w.WriteHeader(l.status)
	}))
	t.Cleanup(func() { s.Settle(); hook.Close() })
	s.Register(hook.URL+"/hook?password=x", events...)
	return l
}

// types lists what came, sorted: the order of webhooks means nothing.
func (l *listener) types() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, b := range l.bodies {
		out = append(out, b["type"].(string))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (l *listener) data(i int) map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bodies[i]["data"].(map[string]any)
}

type reply struct {
	status int
	body   map[string]any
	text   string
	allow  string
}

func (r reply) fault() string {
	e, _ := r.body["error"].(map[string]any)
	text, _ := e["message"].(string)
	return text
}

func call(t *testing.T, s *bluebubblestest.Server, method, path, body string) reply {
	t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return raw(t, s, method, path+sep+"password=secret", "application/json", strings.NewReader(body))
}

func raw(t *testing.T, s *bluebubblestest.Server, method, path, kind string, body io.Reader) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+"/api/v1/"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Password", "secret")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	out := reply{status: res.StatusCode, text: string(text), allow: res.Header.Get("Allow")}
	_ = json.Unmarshal(text, &out.body)
	return out
}

func TestWhatTheServerRefuses(t *testing.T) {
	cases := []struct {
		name, method, path, body string
		status                   int
		fault                    string // in error.message
	}{
		{"an unknown path", "GET", "nowhere", "", 404, ""},
		{"the plural of a chat's messages", "GET", "chat/x/messages", "", 405, ""},
		{"a wrong method", "PUT", "message/text", "{}", 405, ""},
		{"malformed JSON", "POST", "message/query", "{", 500, ""},
		{"a limit of nothing", "POST", "message/query", `{"limit":0}`, 400, "The limit must be at least 1."},
		{"a limit above a thousand", "POST", "message/query", `{"limit":1001}`, 400, "The limit may not be greater than 1000."},
		{"a sort order in lower case", "POST", "message/query", `{"sort":"asc"}`, 400, "The selected sort is invalid."},
		{"with as a text", "POST", "message/query", `{"with":"chat"}`, 400, "The with attribute has errors."},
		{"a condition that it does not know", "POST", "message/query", `{"where":[{"statement":"1=1","args":{}}]}`, 500, "SQLITE_ERROR"},
		{"a condition without arguments", "POST", "message/query", `{"where":[{"statement":"message.ROWID > :x"}]}`, 400, "The where attribute has errors."},
		{"a text to nobody", "POST", "message/text", `{"message":"x","tempGuid":"1"}`, 400, "The chatGuid field is required."},
		{"a text by script without a name", "POST", "message/text", `{"chatGuid":"iMessage;-;x","message":"x"}`, 400, "A 'tempGuid' is required when sending via AppleScript"},
		{"an empty text by script", "POST", "message/text", `{"chatGuid":"iMessage;-;x","message":"","tempGuid":"1"}`, 400, "A 'message' is required when sending via AppleScript"},
		{"a text without text", "POST", "message/text", `{"chatGuid":"iMessage;-;x","tempGuid":"1"}`, 400, "The message field must be present (but can be empty)."},
		{"a way of sending that is none", "POST", "message/text", `{"chatGuid":"iMessage;-;x","message":"x","tempGuid":"1","method":"magic"}`, 400, "The selected method is invalid."},
		{"a file as JSON", "POST", "message/attachment", `{"chatGuid":"iMessage;-;x"}`, 400, "Attachment not provided or was empty!"},
		{"the Private API while it is off, before the fields", "POST", "message/react", `{}`, 500, "iMessage Private API is not enabled!"},
		{"typing while it is off", "POST", "chat/x/typing", `{}`, 500, "iMessage Private API is not enabled!"},
		{"a guid with the number of a part", "GET", "message/p:0%2FABC", "", 404, "Message does not exist!"},
		{"an edit of nothing", "POST", "message/ABC/edit", `{"editedMessage":"x","backwardsCompatibilityMessage":"x"}`, 400, "Selected message does not exist!"},
		{"an event that is none", "POST", "webhook", `{"url":"http://x","events":["imessage-aliases-removed"]}`, 400, "Invalid webhook event: imessage-aliases-removed"},
		{"a webhook without events", "POST", "webhook", `{"url":"http://x","events":[]}`, 400, "The events field is required."},
		{"a webhook by number", "GET", "webhook?id=1", "", 500, "Validator"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, bluebubblestest.Options{})
			got := call(t, s, c.method, c.path, c.body)
			if got.status != c.status || !strings.Contains(got.fault(), c.fault) {
				t.Errorf("got %d %q, want %d %q", got.status, got.text, c.status, c.fault)
			}
			if len(s.Faults()) == 0 {
				t.Error("it was not noted as a fault")
			}
		})
	}
}

func TestThePasswordIsInTheQueryOnly(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	if got := raw(t, s, "GET", "ping", "", nil); got.status != 401 || got.fault() != "Missing server password!" {
		t.Errorf("by header: %d %q", got.status, got.text)
	}
	if len(s.Faults()) != 1 {
		t.Errorf("faults %v", s.Faults())
	}
	if got := raw(t, s, "GET", "ping?password=wrong", "", nil); got.status != 401 || got.fault() != "Unauthorized" {
		t.Errorf("wrong: %d %q", got.status, got.text)
	}
	for _, query := range []string{"guid=secret", "password=secret&token=x", "token=%20secret"} {
		if got := raw(t, s, "GET", "ping?"+query, "", nil); got.status != 200 || got.body["data"] != "pong" {
			t.Errorf("%s: %d %q", query, got.status, got.text)
		}
	}
	if got := raw(t, s, "GET", "ping?guid=wrong&password=secret", "", nil); got.status != 401 {
		t.Errorf("guid counts before password, but %d", got.status)
	}
}

func TestAnUnknownFieldIsIgnoredAndNoted(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	if got := call(t, s, "POST", "message/query", `{"chat":"x"}`); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
	if len(s.Faults()) != 1 {
		t.Errorf("faults %v", s.Faults())
	}
}

func TestWebhooksAreTrimmedAndFiltered(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	all, only := listen(t, s), listen(t, s, "updated-message")
	guid := s.ReceiveMessage(bluebubblestest.Incoming{Chat: chat, Sender: peer, Text: "hi", Files: []bluebubblestest.File{{Name: "a.heic", Type: "image/heic", Content: []byte("x")}}})
	s.Settle()
	first := all.data(0)
	for _, absent := range []string{"replyToGuid", "associatedMessageEmoji", "chatGuid", "tempGuid"} {
		if _, there := first[absent]; there {
			t.Errorf("new-message has %s", absent)
		}
	}
	if _, there := first["chats"].([]any)[0].(map[string]any)["participants"]; there {
		t.Error("new-message has participants")
	}
	if file := first["attachments"].([]any)[0].(map[string]any); file["transferName"] != "a.heic.jpeg" {
		t.Errorf("the webhook names %v and not the copy", file["transferName"])
	}
	s.Read(guid)
	s.Settle()
	if all.types() != "new-message updated-message" || only.types() != "updated-message" {
		t.Errorf("got %q and %q", all.types(), only.types())
	}
	if _, there := only.data(0)["chats"]; there {
		t.Error("updated-message has chats")
	}
}

func TestAWebhookIsPostedOnceWhateverTheAnswer(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	l := listen(t, s)
	l.status = http.StatusServiceUnavailable
	s.Register("http://127.0.0.1:1/?password=hidden")
	guid := s.Receive(chat, peer, "hi")
	s.Settle()
	if l.types() != "new-message" {
		t.Errorf("got %q", l.types())
	}
	var seen []string
	for _, p := range s.Posts() {
		seen = append(seen, fmt.Sprint(p.Status))
		if p.GUID != guid || p.Type != "new-message" || strings.Contains(p.URL+p.Err, "hidden") || p.Status == 0 && p.Err == "" {
			t.Errorf("the record is %+v", p)
		}
	}
	slices.Sort(seen)
	if strings.Join(seen, " ") != "0 503" {
		t.Errorf("the record has %v", seen)
	}
}

// habits are what the poller of the real server makes of what happens: the types of webhooks, sorted.
var habits = []struct {
	name string
	do   func(s *bluebubblestest.Server)
	want string
}{
	{"everything that happens to a message is an update", func(s *bluebubblestest.Server) {
		guid := s.Receive(chat, peer, "hi")
		s.Edit(guid, "ho")
		s.Read(guid)
		s.Unsend(guid)
	}, "new-message updated-message updated-message updated-message"},
	{"an attachment that joins is not announced", func(s *bluebubblestest.Server) {
		guid := s.ReceiveMessage(bluebubblestest.Incoming{Chat: chat, Sender: peer, LateFiles: true})
		s.JoinFiles(guid, bluebubblestest.File{Name: "a"})
	}, "new-message"},
	{"after an hour an update is a new message again, and what was taken back comes by itself", func(s *bluebubblestest.Server) {
		guid, back := s.Receive(chat, peer, "hi"), s.Receive(chat, peer, "oops")
		s.Unsend(back)
		s.HourPasses()
		s.Read(guid)
	}, "new-message new-message new-message new-message updated-message"},
	{"of one poll only the newest hundred are announced", func(s *bluebubblestest.Server) {
		s.Together(func() {
			for range 130 {
				s.Receive(chat, peer, "hi")
			}
		})
	}, strings.TrimSpace(strings.Repeat("new-message ", 100))},
	{"a group change is two events", func(s *bluebubblestest.Server) {
		s.RenameGroup("iMessage;+;chat1", "x")
	}, "group-name-change new-message"},
	{"what came while it was down is never announced", func(s *bluebubblestest.Server) {
		s.Stop()
		s.Receive(chat, peer, "hi")
		_ = s.Start()
	}, "hello-world"},
	{"a send with a name is two events", func(s *bluebubblestest.Server) {
		res, err := http.Post(s.URL()+"/api/v1/message/text?password=secret", "application/json", strings.NewReader(`{"chatGuid":"`+chat+`","message":"x","tempGuid":"1"}`))
		if err == nil {
			_ = res.Body.Close()
		}
	}, "new-message new-message"},
	{"reading is told", func(s *bluebubblestest.Server) {
		s.SetPrivateAPI(true, true)
		s.Receive(chat, peer, "hi")
		res, err := http.Post(s.URL()+"/api/v1/chat/iMessage%3B-%3B%2B15551110000/read?password=secret", "application/json", nil)
		if err == nil {
			_ = res.Body.Close()
		}
	}, "chat-read-status-changed new-message updated-message"},
}

func TestTheHabitsOfThePoller(t *testing.T) {
	for _, c := range habits {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, bluebubblestest.Options{})
			l := listen(t, s)
			c.do(s)
			s.Settle()
			if got := l.types(); got != c.want {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
			if f := s.Faults(); len(f) > 0 {
				t.Errorf("faults %v", f)
			}
		})
	}
}

func TestWebhooksCanBeReordered(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	l := listen(t, s)
	s.Hold()
	guid := s.Receive(chat, peer, "one")
	s.Edit(guid, "two")
	if s.Held() != 2 || l.types() != "" {
		t.Fatalf("held %d, posted %q", s.Held(), l.types())
	}
	s.Release()
	if l.data(0)["text"] != "two" || l.data(1)["text"] != "one" {
		t.Error("the order is as before")
	}
}

func TestQueries(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	at := time.UnixMilli(1700000000500).Add(700 * time.Microsecond)
	for i := range 150 {
		s.ReceiveMessage(bluebubblestest.Incoming{Chat: chat, Sender: peer, Text: fmt.Sprint(i), Sent: at.Add(-time.Duration(i) * time.Second), FromMe: i%2 == 1})
	}
	cases := []struct {
		name, body string
		count      int
		total      float64
	}{
		{"a hundred by default", `{}`, 100, 150},
		{"up to a thousand", `{"limit":1000}`, 150, 150},
		{"from an offset", `{"limit":1000,"offset":140}`, 10, 150},
		{"after is inclusive, on floored milliseconds", `{"after":1700000000500}`, 1, 1},
		{"before a floored millisecond misses the message", `{"before":1700000000500,"limit":1000}`, 149, 149},
		{"a bound as text finds nothing", `{"after":"1700000000500"}`, 0, 0},
		{"rows above a number", `{"where":[{"statement":"message.ROWID > :a","args":{"a":140}}]}`, 10, 10},
		{"several conditions all hold", `{"where":[{"statement":"message.ROWID > :a","args":{"a":140}},{"statement":"message.is_from_me = :m","args":{"m":1}}]}`, 5, 5},
		{"of an unknown chat", `{"chatGuid":"iMessage;-;x"}`, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := call(t, s, "POST", "message/query", c.body)
			list, _ := got.body["data"].([]any)
			meta, _ := got.body["metadata"].(map[string]any)
			total, _ := meta["total"].(float64)
			if got.status != 200 || len(list) != c.count || total != c.total {
				t.Errorf("got %d, %d of %v, want %d of %v", got.status, len(list), total, c.count, c.total)
			}
		})
	}
	first := func(body string) map[string]any {
		return call(t, s, "POST", "message/query", body).body["data"].([]any)[0].(map[string]any)
	}
	if m := first(`{}`); m["text"] != "0" || len(m["chats"].([]any)) != 0 {
		t.Errorf("the newest by date comes first, without chats: %v", m)
	}
	if m := first(`{"sort":"ASC","with":["chat"]}`); m["text"] != "149" || len(m["chats"].([]any)) != 1 {
		t.Errorf("the oldest by date with its chat: %v", m)
	}
}
