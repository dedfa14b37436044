package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

// settingsConfig is one as people write it: comments, quotes and order of their own. Nobody watches it.
const settingsConfig = `# The gateway of this house.
gateway:
  listen: "127.0.0.1:%d"   # behind the proxy
  watch: false
  drainTimeout: 3s

channels:
  webhook: {accounts: {other: {path: /other, auth: {secret: 'c4nary-other', type: bearer}}}} # the neighbour's

  bluebubbles:
    accounts:
      home:
        # the Mac in the hall
        serverUrl: %q
        password: "c4nary-wrong"   # from the note on its lid
        dmPolicy: open
        allowFrom: ["*"]
agents: {default: {kind: echo}}
# the end
`

const passwordPath = "channels.bluebubbles.accounts.home.password"

// settings is a gateway whose configuration is changed through the socket. Whatever it says is kept.
type settings struct {
	*gate
	mu   sync.Mutex
	said strings.Builder
}

func newSettings(t *testing.T) *settings {
	t.Helper()
	server := mac(t, bluebubblestest.Options{Password: "c4nary-right"})
	s := &settings{gate: open(t, fmt.Sprintf(settingsConfig, freePort(t), server.URL()))}
	s.until(home, "refuses its password", func(a control.AccountStatus) bool { return a.Phase == supervisor.Refused })
	t.Cleanup(func() {
		if strings.Contains(s.said.String(), canary) {
			t.Errorf("a secret stands in an answer:\n%s", s.said.String())
		}
	})
	return s
}

func (s *settings) try(method string, params, result any) error {
	var raw json.RawMessage
	err := s.admin.Call(context.Background(), method, params, &raw)
	var refused *channels.CallError
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.As(err, &refused) {
		fmt.Fprintln(&s.said, refused.Message, string(refused.Data))
		return refused
	}
	fmt.Fprintln(&s.said, string(raw))
	return errors.Join(err, json.Unmarshal(raw, result))
}

// get reads a place; the hash is that of the file.
func (s *settings) get(path string) (value json.RawMessage, hash string) {
	s.t.Helper()
	var r struct {
		Value json.RawMessage
		Hash  string
	}
	if err := s.try("config.get", map[string]any{"path": path}, &r); err != nil {
		s.t.Fatal(err)
	}
	return r.Value, r.Hash
}

// set changes a place of the file as it is now, and its reload must go well.
func (s *settings) set(path string, value any) (r control.ConfigWriteResult) {
	s.t.Helper()
	_, base := s.get("")
	if err := s.try("config.set", map[string]any{"path": path, "value": value, "base": base}, &r); err != nil {
		s.t.Fatal(err)
	}
	if r.Report == nil || r.Report.Err != "" {
		s.t.Fatalf("the reload of %s: %+v", path, r.Report)
	}
	return r
}

func (s *settings) text() string {
	s.t.Helper()
	text, err := os.ReadFile(s.file())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// A password is set while the gateway runs and nobody watches the file: it takes effect at once, its own bytes are all that
// changes in the file, and the account beside it is not touched.
// Reverting actors/reload/edit.go: "s.wish(" after a write makes it fail.
func TestLaw11_APasswordIsSetThroughTheSocket(t *testing.T) {
	t.Parallel()
	s := newSettings(t)
	s.until("webhook:other", "is green", green)
	text, other := s.text(), s.account("webhook:other")
	info, err := os.Stat(s.file())
	if err != nil {
		t.Fatal(err)
	}
	if shown, _ := s.get(passwordPath); string(shown) != `"***"` {
		t.Errorf("the password is shown as %s", shown)
	}
	r := s.set(passwordPath, "c4nary-right")
	if v := r.Report.Units[string(home)]; v.Result != "applied" || r.Report.Units["webhook:other"].Result != "unchanged" {
		t.Errorf("the report is %+v", r.Report)
	}
	s.until(home, "is green", green)
	for password, code := range map[string]int{"c4nary-right": 200, "c4nary-wrong": 401} {
		if a := s.post("/bluebubbles-webhook?password="+password, "", `{"type":"typing-indicator","data":{}}`); a.code != code {
			t.Errorf("with %s: %d %s", password, a.code, a.body)
		}
	}
	if now := s.account("webhook:other"); now.Run != other.Run || now.Since != other.Since || now.Restarts != other.Restarts {
		t.Errorf("the other account was %+v and is %+v", other, now)
	}
	if want := strings.Replace(text, `"c4nary-wrong"`, `"c4nary-right"`, 1); s.text() != want {
		t.Errorf("the file is\n%s\nwant\n%s", s.text(), want)
	}
	if now, err := os.Stat(s.file()); err != nil || now.Mode() != info.Mode() {
		t.Errorf("the file may be read by others: %v, %v", now, err)
	}
}

// What was read with masks is written back with masks and one change: the secrets stay.
// Reverting config/edit/mask.go: "unmask" to give what it is given makes it fail.
func TestLaw12_AMaskLeavesTheSecretAsItIs(t *testing.T) {
	t.Parallel()
	s := newSettings(t)
	text := s.text()
	all, base := s.get("channels.bluebubbles.accounts")
	accounts := map[string]map[string]any{}
	if err := json.Unmarshal(all, &accounts); err != nil || accounts["home"]["password"] != "***" {
		t.Fatalf("%s: %v", all, err)
	}
	accounts["home"]["dmPolicy"], accounts["home"]["allowFrom"] = "allowlist", []string{anna}
	var r control.ConfigWriteResult
	params := map[string]any{"path": "channels.bluebubbles.accounts", "value": accounts, "base": base}
	if err := s.try("config.set", params, &r); err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("dmPolicy: open", "dmPolicy: allowlist", `["*"]`, fmt.Sprintf("[%q]", anna)).Replace(text)
	if s.text() != want {
		t.Errorf("the file is\n%s\nwant\n%s", s.text(), want)
	}
	err := s.try("config.set", map[string]any{"path": "channels.bluebubbles.accounts.work", "value": accounts["home"], "base": r.Hash}, &r)
	if reason(err) != "mask" || s.text() != want {
		t.Errorf("a mask where nothing was: %v\n%s", err, s.text())
	}
}

// reason is the word for programs in an error.
func reason(err error) string {
	var (
		refused *channels.CallError
		fault   control.SettingsFault
	)
	if errors.As(err, &refused) {
		_ = json.Unmarshal(refused.Data, &fault)
	}
	return fault.Reason
}

// Many who have read the same file write it at once: one is heard, the others are told to read again, and the file says what
// the one said.
// Reverting config/edit/edit.go: "o.Base != f.Source.Digest(content)" and replace.go: "src.Digest(now) != base" makes it fail:
// either alone is enough where all writes go through one queue.
func TestLaw11_OfManyWritersOneIsHeard(t *testing.T) {
	t.Parallel()
	s := newSettings(t)
	_, base := s.get("")
	var (
		all  sync.WaitGroup
		wins = make(chan int, 8)
	)
	for n := range cap(wins) {
		all.Go(func() {
			var r control.ConfigWriteResult
			err := s.try("config.patch", map[string]any{"patch": map[string]any{"gateway": map[string]any{"minFreeMb": 100 + n}}, "base": base}, &r)
			var refused *channels.CallError
			switch {
			case err == nil:
				wins <- n
			case !errors.As(err, &refused) || refused.Code != control.CodeChanged || reason(err) != "changed" || !strings.Contains(err.Error(), "read it again"):
				t.Errorf("writer %d: %v", n, err)
			}
		})
	}
	all.Wait()
	if len(wins) != 1 {
		t.Fatalf("%d writers were heard", len(wins))
	}
	if value, _ := s.get("gateway.minFreeMb"); string(value) != fmt.Sprint(100+<-wins) {
		t.Errorf("the file says %s", value)
	}
}

// What would not be valid is not written, with its place; and a secret that was given in the wrong place is not told.
// Reverting actors/reload/edit.go: "file.Check" makes it fail.
func TestLaw11_WhatIsNotValidIsNotWritten(t *testing.T) {
	t.Parallel()
	s := newSettings(t)
	before, text := s.digest(), s.text()
	for _, c := range []struct {
		name, path string
		value      any
		want       string
	}{
		{"a secret that is a mapping", passwordPath, map[string]string{"now": "c4nary-mapping"}, "line"},
		{"a secret under a key that nobody has", "channels.bluebubbles.accounts.home.pasword", "c4nary-key", "did you mean password?"},
		{"a secret for a section", "channels.bluebubbles.accounts.home", "c4nary-section", "line"},
		{"a path that another account has", "channels.webhook.accounts.other.path", "/healthz", "belongs to the gateway"},
		{"a policy that nobody has", "channels.bluebubbles.accounts.home.dmPolicy", "everybody", "pairing, allowlist, open or disabled"},
		{"an agent of no kind", "agents.default.kind", "oracle", "one of "},
	} {
		_, base := s.get("")
		var r control.ConfigWriteResult
		err := s.try("config.set", map[string]any{"path": c.path, "value": c.value, "base": base}, &r)
		var (
			refused *channels.CallError
			fault   control.SettingsFault
		)
		if !errors.As(err, &refused) || refused.Code != control.CodeInvalid || json.Unmarshal(refused.Data, &fault) != nil ||
			len(fault.Problems) == 0 || fault.Problems[0].Line == 0 || !strings.Contains(string(refused.Data), c.want) {
			t.Errorf("%s: %v %+v", c.name, err, fault)
		}
	}
	if s.text() != text || s.digest() != before {
		t.Errorf("the file is\n%s\nwant\n%s", s.text(), text)
	}
}
