package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/channels"
	"holdfast/config"
	"holdfast/config/edit"
)

// settingsYAML is the file of the tests. No type of these tests knows the section of the secret, so it is masked.
const settingsYAML = "# ours\nlog: {level: debug}\nchannels: {fax: {accounts: {home: {token: c4nary}}}}\n"

// settings gives the world a file of its own.
func (w *World) settings(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "holdfast.yaml")
	if err := os.WriteFile(file, []byte(settingsYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Config = reload.Kinds{}.File(config.Find(file, os.Getenv), nil)
	w.Schema = func() ([]byte, error) { return config.Schema(config.SchemaParts{}) }
}

const callerOfTests = "control/admin.4 uid=1000 pid=42"

var settingsQuestions = []question{
	{
		"a setting", "config.set", `{"path":"log.level","value":"debug","base":"abc"}`, places.Reload,
		reload.Edit{Path: "log.level", Value: []byte(`"debug"`), Options: edit.Options{Base: "abc"}, Caller: callerOfTests},
		slow,
	},
	{
		"the whole removed, whatever is lost", "config.set",
		`{"path":"","value":null,"base":"abc","force":true}`, places.Reload,
		reload.Edit{Value: []byte(`null`), Options: edit.Options{Base: "abc", Force: true}, Caller: callerOfTests},
		slow,
	},
	{
		"a patch, only to see", "config.patch", `{"patch":{"log":{"level":null}},"base":"abc","dryRun":true}`, places.Reload,
		reload.Edit{Patch: true, Value: []byte(`{"log":{"level":null}}`), Options: edit.Options{Base: "abc", Dry: true}, Caller: callerOfTests},
		slow,
	},
}

var settingsAnswers = []rendered{
	{
		"a change that was written", "config.set",
		reload.Edited{
			Result: edit.Result{Hash: "def", Changed: []string{"log.level"}, Warnings: []string{"mind"}},
			Report: &reload.Report{Revision: 2, Generation: 1, Caller: "admin"},
		},
		`{"hash":"def","changed":["log.level"],"warnings":["mind"],"report":{"revision":2,"generation":1,"caller":"admin","began":"0001-01-01T00:00:00Z","took":"0s","units":{}}}`, "",
	},
	{
		"a change that the file had already", "config.patch",
		reload.Edited{Result: edit.Result{Hash: "abc"}},
		`{"hash":"abc","changed":[],"warnings":[]}`, "",
	},
	{
		"a change that was only judged", "config.patch",
		reload.Edited{Result: edit.Result{Hash: "def", Changed: []string{"log.level"}}, Dry: true, Plan: &reload.Plan{Revision: 2, Generation: 1}},
		`{"hash":"def","changed":["log.level"],"warnings":[],"dryRun":true,"plan":{"revision":2,"generation":1,"units":[],"unchanged":0}}`, "",
	},
	{"a change that went wrong as none should", "config.set", reload.Edited{Err: kit.ErrPanic}, "", "panic"},
}

func TestAChangeSaysWhatIsMissing(t *testing.T) {
	base := "base: want the hash that config.get gave with what this change is based on"
	for _, c := range []struct{ name, method, params, want string }{
		{"no path", "config.set", `{"value":1,"base":"x"}`, `path: want the place to change, such as log.level; "" is the whole file`},
		{"no value", "config.set", `{"path":"log.level","base":"x"}`, "value: want what is to stand there; null removes it"},
		{"no base of a setting", "config.set", `{"path":"log.level","value":1}`, base},
		{"no patch", "config.patch", `{"base":"x"}`, `patch: want an object that is merged into the file, such as {"log": {"level": "debug"}}; null removes`},
		{"no base of a patch", "config.patch", `{"patch":{}}`, base},
		{"another key", "config.set", `{"key":"log.level"}`, `params: unknown field "key"; there are path, value, base, force, dryRun`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := refused(t, c.method, c.params); got.Code != CodeParams || got.Message != c.want {
				t.Errorf("got %d %s", got.Code, got.Message)
			}
		})
	}
}

// refused is the error of a call that asks nobody.
func refused(t *testing.T, method, params string) registry.CallError {
	t.Helper()
	_, effects := StepConn(admin4, kit.In{Msg: registry.Call{Method: method, Params: []byte(params)}, From: asker})
	for _, e := range effects {
		if a, answers := e.(kit.Answer); answers && a.Msg.(registry.Called).Err != nil {
			return *a.Msg.(registry.Called).Err
		}
	}
	t.Fatalf("%s %s: %+v", method, params, effects)
	return registry.CallError{}
}

func TestARefusedChangeHasACodeAndAReasonForPrograms(t *testing.T) {
	problems := config.Problems{{File: "f.yaml", Line: 3, Path: "log.level", Got: "loud", Want: "debug"}}
	for _, c := range []struct {
		reason string
		err    error
		code   int
	}{
		{"input", fmt.Errorf("%w: the path", edit.ErrInput), CodeParams},
		{"mask", edit.ErrMask, CodeParams},
		{"absent", edit.ErrAbsent, CodeFailed},
		{"changed", edit.ErrChanged, CodeChanged},
		{"readOnly", edit.ErrReadOnly, CodeFailed},
		{"place", edit.ErrPlace, CodeFailed},
		{"form", edit.ErrForm, CodeFailed},
		{"loss", edit.ErrLoss, CodeFailed},
		{"invalid", fmt.Errorf("%w: %w", edit.ErrInvalid, problems), CodeInvalid},
		{"invalid", fmt.Errorf("reading the configuration: %w", problems), CodeInvalid},
		{"busy", reload.ErrBusy, channels.CodeBusy},
	} {
		t.Run(c.reason, func(t *testing.T) {
			got := answered(t, "config.set", kit.Answered{Msg: reload.Edited{Err: c.err}}).Err
			if got == nil || got.Code != c.code || got.Message != c.err.Error() {
				t.Fatalf("got %+v, want code %d", got, c.code)
			}
			var data SettingsFault
			if err := json.Unmarshal(got.Data, &data); err != nil || data.Reason != c.reason {
				t.Errorf("the data is %s", got.Data)
			}
			if want := errors.As(c.err, new(config.Problems)); (len(data.Problems) == 1 && data.Problems[0] == problems[0]) != want {
				t.Errorf("the problems are %+v", data.Problems)
			}
		})
	}
}

// What can be read of the configuration, as it is given to a caller.
func TestTheConfigurationIsReadBesideTheActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		conn := d.open()
		for _, c := range []struct{ name, method, params, want string }{
			{"a setting", "config.get", `{"path":"log.level"}`, `"value":"debug"`},
			{"its place", "config.get", `{"path":"log.level"}`, `"line":2`},
			{"the whole", "config.get", ``, `"value":{"log":{"level":"debug"},"channels":`},
			{"a secret", "config.get", `{"path":"channels.fax.accounts.home.token"}`, `"value":"***"`},
			{"the schema", "config.schema", ``, `"title":"Holdfast configuration"`},
			{"a part of the schema", "config.schema.lookup", `{"path":"log.level"}`, `"path":"log.level"`},
			{"the top of the schema", "config.schema.lookup", ``, `{"name":"gateway"}`},
		} {
			got := d.call(conn, c.method, c.params)
			if got.Err != nil || !strings.Contains(string(got.Result), c.want) || strings.Contains(string(got.Result), "c4nary") {
				t.Errorf("%s: got %.300s, %+v, want %s", c.name, got.Result, got.Err, c.want)
				continue
			}
			fits(t, c.method, got.Result)
		}
		for _, c := range []struct{ name, method, params, reason string }{
			{"nothing there", "config.get", `{"path":"log.format"}`, "absent"},
			{"a path that is none", "config.get", `{"path":"log[x]"}`, "input"},
			{"no such setting", "config.schema.lookup", `{"path":"log.colour"}`, "input"},
		} {
			got := d.call(conn, c.method, c.params)
			if got.Err == nil || !strings.Contains(string(got.Err.Data), `"reason":"`+c.reason+`"`) {
				t.Errorf("%s: got %s, %+v", c.name, got.Result, got.Err)
			}
		}
	})
}
