package bluebubbles

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/channels"
	"holdfast/channels/screen"
	"holdfast/config"
)

func compiled(t *testing.T) *screen.Screen {
	t.Helper()
	s := goodSettings()
	s.Password = []config.Secret{config.NewSecret(secret), config.NewSecret("old")}
	compiled, err := screen.Compile(Kind().Routes("bluebubbles:home", s))
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func head(header map[string]string, query url.Values) screen.Head {
	return screen.Head{
		Method: "POST",
		Header: func(name string) (string, int) {
			v, ok := header[strings.ToLower(name)]
			if !ok {
				return "", 0
			}
			return v, 1
		},
		Query: func(name string) (string, int) { return query.Get(name), len(query[name]) },
	}
}

func TestThePasswordIsFoundWhereSendersPutIt(t *testing.T) {
	cases := []struct {
		name   string
		header map[string]string
		query  url.Values
		want   bool
	}{
		{"in the query, as the server sends it", nil, url.Values{"password": {secret}}, true},
		{"in the query under the server's other names", nil, url.Values{"guid": {secret}}, true},
		{"in the query as token", nil, url.Values{"token": {"old"}}, true},
		{"in a header of relays", map[string]string{"x-password": secret}, nil, true},
		{"in another header of relays", map[string]string{"x-guid": "old"}, nil, true},
		{"as a bearer", map[string]string{"authorization": "Bearer " + secret}, nil, true},
		{"a wrong one", nil, url.Values{"password": {"wrong"}}, false},
		{"none", nil, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := compiled(t).Check(head(c.header, c.query), []byte(`{"type":"new-message","data":{"guid":"A"}}`), time.Now())
			if got := v.Action == screen.Accept; got != c.want || got && (v.ID != "A" || v.Account != "bluebubbles:home") {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// TestWhatTheScreenSkipsSaysNothing: what is answered 200 and not kept must be nothing that an agent would be told.
func TestWhatTheScreenSkipsSaysNothing(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	s := compiled(t)
	var skipped []string
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v := s.Check(head(nil, url.Values{"password": {secret}}), body, accepted)
		if v.Action != screen.Skip {
			continue
		}
		skipped = append(skipped, name)
		if arrivals, err := interpret(newSettings(), request(channels.FormWebhook, body)); err != nil || len(arrivals) > 0 {
			t.Errorf("%s is skipped, but it means %+v, %v", name, arrivals, err)
		}
	}
	for _, want := range []string{"typing", "chat_read", "hello_world", "send_error", "own_typed_on_mac", "own_with_temp_guid", "update_delivered_own", "group_renamed", "group_renamed_event", "participant_added"} {
		if !slices.Contains(skipped, want) {
			t.Errorf("%s is not skipped", want)
		}
	}
}

func TestAFormIsUnderstood(t *testing.T) {
	body := url.Values{"payload": {`{"type":"new-message","data":{"guid":"A"}}`}}.Encode()
	v := compiled(t).Check(head(map[string]string{"content-type": "application/x-www-form-urlencoded"}, url.Values{"password": {secret}}), []byte(body), time.Now())
	if v.Action != screen.Accept || v.ID != "A" {
		t.Fatalf("got %+v", v)
	}
}
