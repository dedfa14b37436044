package callout

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/backend/backendtest"
	"holdfast/channels"
	"holdfast/config"
)

const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// receiver starts a program on loopback that answers every request the same way, and keeps the last request.
func receiver(t *testing.T, status int, body string) (address string, last *document) {
	t.Helper()
	return receiverWith(t, secret, status, body)
}

// receiverWith is a receiver that verifies with another secret, or with none.
func receiverWith(t *testing.T, secret string, status int, body string) (address string, last *document) {
	t.Helper()
	last = new(document)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, err := read(r, text, secret)
		if err != nil {
			t.Errorf("the receiver does not understand the request: %v\n%s", err, text)
		}
		*last = got
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, last
}

// blobs are the stored attachments by hash.
func blobs(content map[string]string) func(string) (io.ReadCloser, error) {
	return func(hash string) (io.ReadCloser, error) {
		if text, ok := content[hash]; ok {
			return io.NopCloser(strings.NewReader(text)), nil
		}
		return nil, fs.ErrNotExist
	}
}

func ask(t *testing.T, s *Settings, env backend.Env, turn backend.Turn) (backend.Answer, error) {
	t.Helper()
	env.Name = "default"
	return Kind().Open(s, env).Turn(t.Context(), turn)
}

func TestAnswers(t *testing.T) {
	file := func(name, form, data string) string {
		return fmt.Sprintf(`{"name":%s,"type":%q,"data":%q}`, backendtest.Quote(name), form, data)
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   backend.Answer
		fails  string // part of the error; empty: none
	}{
		{"text is the answer", 200, `{"text":"hello"}`, backend.Answer{Text: "hello"}, ""},
		{"204 says nothing", 204, "", backend.Answer{}, ""},
		{"an empty text says nothing", 200, `{"text":""}`, backend.Answer{}, ""},
		{"blanks alone say nothing", 200, `{"text":" \n"}`, backend.Answer{}, ""},
		{
			"a file is stored and sent", 200, `{"attachments":[` + file("a.png", "image/png", "AQID") + `]}`,
			backend.Answer{Attachments: []channels.Attachment{{Name: "a.png", Type: "image/png", Size: 3, Blob: "stored-1"}}},
			"",
		},
		{
			"a file without a type gets one", 200, `{"text":"see","attachments":[{"name":"a.txt","data":"aGVsbG8="}]}`,
			backend.Answer{Text: "see", Attachments: []channels.Attachment{{Name: "a.txt", Type: "text/plain; charset=utf-8", Size: 5, Blob: "stored-1"}}},
			"",
		},
		{"a misspelt key is named", 200, `{"message":"hello"}`, backend.Answer{}, `unknown field "message"`},
		{"null is not a text", 200, `{"text":null}`, backend.Answer{}, "neither text nor attachments"},
		{"two documents are not one", 200, `{"text":"a"}{"text":"b"}`, backend.Answer{}, "something follows"},
		{"bytes that are not UTF-8 are not a text", 200, "{\"text\":\"caf\xe9\"}", backend.Answer{}, "not UTF-8"},
		{"a number is not a text", 200, `{"text":7}`, backend.Answer{}, "number"},
		{"a path is not a file's name", 200, `{"attachments":[` + file("../a.png", "image/png", "AQID") + `]}`, backend.Answer{}, "attachment 1: name"},
		{"nor is the folder above", 200, `{"attachments":[` + file("..", "image/png", "AQID") + `]}`, backend.Answer{}, "attachment 1: name"},
		{"nor is a page of text", 200, `{"attachments":[` + file(strings.Repeat("n", 256), "image/png", "AQID") + `]}`, backend.Answer{}, "attachment 1: name"},
		{"a line end is not part of a file's name", 200, `{"attachments":[` + file("a\n.png", "image/png", "AQID") + `]}`, backend.Answer{}, "attachment 1: name"},
		{"a file has content", 200, `{"attachments":[` + file("a.png", "image/png", "") + `]}`, backend.Answer{}, "data is missing"},
		{"content is base64", 200, `{"attachments":[` + file("a.png", "image/png", "!") + `]}`, backend.Answer{}, "base64"},
		{"a type is a media type", 200, `{"attachments":[` + file("a.png", "image png", "AQID") + `]}`, backend.Answer{}, "media type"},
		{"eleven files are too many", 200, `{"attachments":[` + strings.Repeat(file("a", "text/plain", "AQID")+",", 10) + file("a", "text/plain", "AQID") + `]}`, backend.Answer{}, "more than 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, _ := receiver(t, c.status, c.body)
			stored := 0
			env := backend.Env{Store: func(content io.Reader) (string, error) {
				stored++
				_, err := io.ReadAll(content)
				return fmt.Sprintf("stored-%d", stored), err
			}}
			got, err := ask(t, backendtest.Decode(t, Kind(), settingsJSON(address, secret)).(*Settings), env, backendtest.Turn("hi"))
			if c.fails == "" {
				if err != nil || !reflect.DeepEqual(got, c.want) {
					t.Errorf("got %+v, %v, want %+v", got, err, c.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.fails) || backend.IsRefusal(err) || stored != 0 {
				t.Errorf("got %v, want a transient error with %q and nothing stored (%d)", err, c.fails, stored)
			}
		})
	}
}

func TestFilesOfAnAnswerNeedAPlace(t *testing.T) {
	address, _ := receiver(t, 200, `{"text":"see","attachments":[{"name":"a.txt","data":"aGVsbG8="}]}`)
	s := backendtest.Decode(t, Kind(), settingsJSON(address, secret)).(*Settings)
	if _, err := ask(t, s, backend.Env{}, backendtest.Turn("hi")); !backend.IsRefusal(err) {
		t.Errorf("without a place for files: got %v, want a refusal", err)
	}
	full := errors.New("no space left on device")
	_, err := ask(t, s, backend.Env{Store: func(io.Reader) (string, error) { return "", full }}, backendtest.Turn("hi"))
	if !errors.Is(err, full) || backend.IsRefusal(err) {
		t.Errorf("with a full disk: got %v, want it as an error that may pass", err)
	}
}

func TestQuestion(t *testing.T) {
	address, last := receiver(t, 204, "")
	s := backendtest.Decode(t, Kind(), settingsJSON(address, secret)).(*Settings)
	s.AttachmentMaxMB = new(1)
	turn := backendtest.Turn("hello")
	turn.ID, turn.Repeated, turn.Group = "t-7", true, true
	turn.Context = []string{"Bob left"}
	turn.History = []backend.Entry{{Role: "user", Name: "Bob", Text: "hi"}}
	turn.Attachments = []channels.Attachment{
		{Name: "a.bin", Type: "application/x", Blob: "small"},
		{Name: "big.bin", Type: "application/x", Blob: "big"},
		{Name: "b.bin", Type: "application/x", Blob: "small"},
		{Name: "gone.bin", Gone: "the server deleted it"},
		{Name: "lost.bin", Blob: "nowhere"},
	}
	env := backend.Env{Blob: blobs(map[string]string{"small": "abc", "big": strings.Repeat("x", 1<<20)})}
	if _, err := ask(t, s, env, turn); err != nil {
		t.Fatal(err)
	}
	if *last.ID != "t-7" || !*last.Repeated || !*last.Group || *last.Agent != "default" || *last.Account != "bluebubbles:home" ||
		*last.Conversation != turn.Conversation || last.Sender.ID != "+15551234567" || last.Sender.Name != "Anna" || *last.Text != "hello" {
		t.Errorf("got %+v", *last)
	}
	if (*last.Context)[0] != "Bob left" || (*last.History)[0].Name != "Bob" || (*last.History)[0].Role != "user" {
		t.Errorf("got context %v, history %v", *last.Context, *last.History)
	}
	var files []string
	for _, f := range *last.Attachments {
		if f.Data != nil {
			data, _ := base64.StdEncoding.DecodeString(*f.Data)
			files = append(files, fmt.Sprintf("%s=%s/%d", f.Name, data, f.Size))
		} else {
			files = append(files, f.Name+": "+*f.Omitted)
		}
	}
	want := []string{
		"a.bin=abc/3", "big.bin: larger than what is left of 1 MiB (agents.default.attachmentMaxMb)", "b.bin=abc/3",
		"gone.bin: the server deleted it", "lost.bin: no longer there",
	}
	if !reflect.DeepEqual(files, want) {
		t.Errorf("got files %q, want %q", files, want)
	}
}

func TestHistoryIsSentOnlyIfWanted(t *testing.T) {
	address, last := receiver(t, 204, "")
	s := backendtest.Decode(t, Kind(), settingsJSON(address, secret)).(*Settings)
	if _, err := ask(t, s, backend.Env{}, backendtest.Turn("hi")); err != nil || last.History == nil || len(*last.History) != 0 {
		t.Errorf("by default: got %v, %v, want an empty list", last.History, err)
	}
	s.History = new(false)
	if _, err := ask(t, s, backend.Env{}, backendtest.Turn("hi")); err != nil || last.History != nil {
		t.Errorf("switched off: got %v, %v, want no key", last.History, err)
	}
	if Kind().WantsHistory(s) || !Kind().WantsHistory(defaults()) {
		t.Error("what is sent is not what the gateway is told to read")
	}
}

func TestWithoutASecretNothingIsSigned(t *testing.T) {
	address, last := receiverWith(t, "", 200, `{"text":"hello"}`)
	s := backendtest.Decode(t, Kind(), settingsJSON(address, "")).(*Settings)
	if got, err := ask(t, s, backend.Env{}, backendtest.Turn("hi")); err != nil || got.Text != "hello" || *last.Text != "hi" {
		t.Errorf("got %q, %v", got.Text, err)
	}
}

func TestADiskThatFailsMayPass(t *testing.T) {
	s := backendtest.Decode(t, Kind(), settingsJSON("http://127.0.0.1:1", secret)).(*Settings)
	turn := backendtest.Turn("see")
	turn.Attachments = []channels.Attachment{{Name: "a.png", Blob: "a"}}
	if _, err := ask(t, s, backendtest.Env(), turn); err == nil || backend.IsRefusal(err) || !strings.Contains(err.Error(), "on fire") {
		t.Errorf("got %v, want the disk's own error", err)
	}
}

func TestSettingsNameTheirFaults(t *testing.T) {
	key := func(n int) config.Secret {
		return config.NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n))))
	}
	for _, c := range []struct {
		name   string
		change func(*Settings)
		want   string // paths of the faults
	}{
		{"a signed address has none", func(*Settings) {}, ""},
		{"a loopback address needs no secret", func(s *Settings) { s.URL, s.Secret = "http://localhost:9/turn", config.Secret{} }, ""},
		{"nor does one of the other loopback addresses", func(s *Settings) { s.URL, s.Secret = "http://[::1]:9/", config.Secret{} }, ""},
		{"any other address needs one", func(s *Settings) { s.Secret = config.Secret{} }, "secret"},
		{"a name that looks like loopback is not", func(s *Settings) { s.URL, s.Secret = "http://127.0.0.1.example.com/", config.Secret{} }, "secret"},
		{"the prefix of a secret may be left out", func(s *Settings) { s.Secret = config.NewSecret(strings.TrimPrefix(secret, "whsec_")) }, ""},
		{"a password is not a signing key", func(s *Settings) { s.Secret = config.NewSecret("correct horse battery staple") }, "secret"},
		{"a short key is too weak", func(s *Settings) { s.Secret = key(23) }, "secret"},
		{"the shortest key will do", func(s *Settings) { s.Secret = key(24) }, ""},
		{"the longest key will do", func(s *Settings) { s.Secret = key(64) }, ""},
		{"a longer key is not one", func(s *Settings) { s.Secret = key(65) }, "secret"},
		{"without an address there is one fault", func(s *Settings) { s.URL, s.Secret = "", config.Secret{} }, "url"},
		{"an address is http", func(s *Settings) { s.URL = "ftp://example.com/" }, "url"},
		{"an address has no password", func(s *Settings) { s.URL = "https://u:p@example.com/" }, "url"},
		{"a query is part of an address", func(s *Settings) { s.URL = "https://example.com/?bot=1" }, ""},
		{"files are bounded below", func(s *Settings) { s.AttachmentMaxMB = new(-1) }, "attachmentMaxMb"},
		{"files are bounded above", func(s *Settings) { s.AttachmentMaxMB = new(65) }, "attachmentMaxMb"},
		{"all faults are named at once", func(s *Settings) { s.Parallel, s.Secret, s.AttachmentMaxMB = 0, key(1), new(-1) }, "parallel secret attachmentMaxMb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := defaults().(*Settings)
			s.URL, s.Secret = "https://bot.example.com/turn", config.NewSecret(secret)
			c.change(s)
			var paths []string
			for _, p := range s.Validate() {
				paths = append(paths, p.Path)
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("got faults at %q, want %q: %v", got, c.want, s.Validate())
			}
		})
	}
}
