package edit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/config"
)

const canary = "hunter2-canary"

// account and agent stand for what kinds bring.
type account struct {
	Path     string            `json:"path"`
	URL      string            `json:"url"`
	Password []config.Secret   `json:"password"`
	Token    config.Secret     `json:"token"`
	Senders  []sender          `json:"senders"`
	Headers  map[string]string `json:"headers"`
	On       bool              `json:"on"`
}

type sender struct {
	Name   string        `json:"name"`
	Secret config.Secret `json:"secret"`
}

var parts = config.SchemaParts{
	Channels: map[string]any{"sms": account{}},
	Agents: map[string]any{"echo": struct {
		Kind string        `json:"kind"`
		Key  config.Secret `json:"apiKey"`
	}{}},
}

// typedFile is a file whose secrets are known from the types above.
func typedFile(content string) File {
	return File{Source: config.Source{Path: "f.yaml"}.With([]byte(content)), Secrecy: config.SecrecyOf(parts)}
}

func TestLaw12_WhatIsReadShowsReferencesAndNoSecret(t *testing.T) {
	for _, tt := range []struct{ name, content, path, want string }{
		{"a secret is masked", "{token: x}", "token", `"***"`},
		{"a secret that is a number is masked", "{token: 1234}", "token", `"***"`},
		{"a reference is shown as it is", "{token: '${env:X}'}", "token", `"${env:X}"`},
		{"a reference to a file is shown as it is", "{token: '${file:/run/x y}'}", "token", `"${file:/run/x y}"`},
		{"what stands beside a reference may be a secret", "{token: 'Bearer ${env:X}'}", "token", `"***"`},
		{"two references are not one", "{token: '${env:X}${env:Y}'}", "token", `"***"`},
		{"what only looks like a reference is masked", "{token: '$${env:X}'}", "token", `"***"`},
		{"a list of secrets is masked item by item", "{password: [a, '${env:B}', c]}", "password", `["***","${env:B}","***"]`},
		{"a secret in place of a list is masked", "{password: a}", "password", `"***"`},
		{"whatever stands in place of a secret is masked", "{token: {a: b, c: [d, true, null]}}", "token", `"***"`},
		{"a setting is shown", "{path: /x, on: true}", "", `{"path":"/x","on":true}`},
		{"an unknown key is masked but for what cannot be a secret", "{x: {y: [a, 1, true, null, '${env:Z}']}}", "x", `{"y":["***","***",true,null,"${env:Z}"]}`},
		{"an address with a password is masked", "{url: 'http://u:p@h/'}", "url", `"***"`},
		{"an address with a query is masked", "{url: 'http://h/?token=x'}", "url", `"***"`},
		{"an address that is none and may hold a password is masked", "{url: 'http://u:p%@h/'}", "url", `"***"`},
		{"an address is shown", "{url: 'http://h:1/p'}", "url", `"http://h:1/p"`},
		{"a header that may be a credential is masked", "{headers: {Authorization: x, Accept: y}}", "headers", `{"Authorization":"***","Accept":"y"}`},
		{"a secret behind an alias is masked", "{senders: [{name: &n x, secret: *n}]}", "senders", `[{"name":"x","secret":"***"}]`},
		{"a tag hides nothing", "{token: !!str x, path: !secret y}", "", `{"token":"***","path":"***"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := "channels.sms.accounts.home"
			if tt.path != "" {
				path += "." + tt.path
			}
			got, err := typedFile("channels: {sms: {accounts: {home: " + tt.content + "}}}").Get(path)
			if err != nil || string(got.Value) != tt.want {
				t.Errorf("got %s, %v, want %s", got.Value, err, tt.want)
			}
		})
	}
	f := typedFile("agents: {a: {kind: echo, apiKey: x, model: y}}\nsession: {store: z}\n")
	f.Secrecy = nil
	if got, err := f.Get(""); err != nil || string(got.Value) != `{"agents":{"a":{"kind":"***","apiKey":"***","model":"***"}},"session":{"store":"***"}}` {
		t.Errorf("without types: got %s, %v", got.Value, err)
	}
}

func TestAMaskMeansUnchanged(t *testing.T) {
	const before = `channels:
  sms:
    accounts:
      home:
        path: /x
        token:   'one'   # the token
        password: ["two", three]
        senders:
          - name: a
            secret: four # of a
          - name: b
            secret: five # of b
`
	change := func(old, now string) string { return strings.Replace(before, old, now, 1) }
	for _, tt := range []struct{ name, path, given, want string }{
		{"in a mapping that is set", "", `{"path": "/y", "token": "***", "password": ["***", "***"], "senders": [{"name": "a", "secret": "***"}, {"name": "b", "secret": "***"}]}`, change("/x", "/y")},
		{"alone", "token", `"***"`, before},
		{"in a list that grows", "password", `["***", "***", "new"]`, change("three]", "three, new]")},
		{"in a list where another one is replaced", "password", `["new", "***"]`, change(`"two"`, `"new"`)},
		{"in an item that is changed", "senders", `[{"name": "c", "secret": "***"}, {"name": "b", "secret": "***"}]`, change("name: a", "name: c")},
		{
			"in an item that moved", "senders", `[{"name": "b", "secret": "***"}]`,
			change("          - name: a\n            secret: four # of a\n", ""),
		},
		{
			"in items that changed places", "senders", `[{"name": "b", "secret": "***"}, {"name": "a", "secret": "***"}]`,
			change("          - name: a\n            secret: four # of a\n", "") + "          - name: a\n            secret: four\n",
		},
		{"beside a new one", "senders", `[{"name": "a", "secret": "***"}, {"name": "c", "secret": "new"}, {"name": "b", "secret": "***"}]`, change(
			"          - name: b", "          - name: c\n            secret: new\n          - name: b",
		)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := typedFile(before)
			got := before
			f.Check = func(content []byte) config.Problems { got = string(content); return nil }
			path := "channels.sms.accounts.home"
			if tt.path != "" {
				path += "." + tt.path
			}
			_, err := f.Set(path, json.RawMessage(tt.given), Options{Base: f.Source.Digest([]byte(before)), Dry: true})
			if err != nil || got != tt.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

func TestAMaskThatMeansNothingIsRefused(t *testing.T) {
	const before = "channels: {sms: {path: /x, token: '" + canary + "', password: [" + canary + ", b], senders: [{name: a, secret: " + canary + "}, {name: b, secret: y}], none: }}\nagents: {a: {apiKey: '${env:X}'}}\n"
	for _, tt := range []struct{ name, path, given string }{
		{"where nothing stands", "channels.sms.accounts", `{"home": {"token": "***"}}`},
		{"where null stands", "channels.sms.none", `"***"`},
		{"where a setting stands", "channels.sms.path", `"***"`},
		{"where a reference stands", "agents.a.apiKey", `"***"`},
		{"in place of a list", "channels.sms.password", `"***"`},
		{"in place of a mapping", "channels.sms", `"***"`},
		{"in a list that shrinks", "channels.sms.password", `["***"]`},
		{"in a list in place of text", "channels.sms.token", `["***"]`},
		{"in a new item", "channels.sms.senders", `[{"name": "a", "secret": "***"}, {"name": "b", "secret": "***"}, {"name": "c", "secret": "***"}]`},
		{"in a new item where the old one moved", "channels.sms.senders", `[{"name": "b", "secret": "***"}, {"name": "c", "secret": "***"}]`},
		{"in items that were changed while the list shrinks", "channels.sms.senders", `[{"name": "c", "secret": "***"}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := typedFile(before)
			_, err := f.Set(tt.path, json.RawMessage(tt.given), Options{Base: f.Source.Digest([]byte(before)), Dry: true, Force: true})
			if !errors.Is(err, ErrMask) || strings.Contains(fmt.Sprint(err), canary) {
				t.Errorf("got %v, want ErrMask", err)
			}
			if strings.HasPrefix(tt.name, "where n") && !strings.Contains(fmt.Sprint(err), "no value stands there") {
				t.Errorf("got %v, want that no value stands there", err)
			}
		})
	}
}

// A secret stands in every form in a file that is read and changed, and that has faults. It is in no answer and no error.
func TestLaw12_ASecretOfTheFileIsInNoAnswerAndNoError(t *testing.T) {
	for _, form := range []string{
		"token: %s", "token: \"%s\"", "token: '%s'", "token: |\n        %s\n        x", "token: >\n        %s", "token: &a %s", "token: !x %s",
		"password: [%s, %s]", "password:\n      - %s", "password: {a: %s}", "password: {%s}", "token: {%s: {%s: x}}", "unknown: %s", "unknown: [[%s]]", "url: http://u:%s@h/",
		"url: http://h/?x=%s", "headers: {X-Api-Key: %s}", "token: *%s", "token: &%s x", "token: [%s", "token: \"%s", "token: @%s", "token: %%%s",
		"token: {%s}: x", "token: %s\n      token: %s", "token: |\n     %s\n    y: z", "password: [%s]: b", "<<: %s", "<<: *%s",
		"<<: [%s]", "token: !!binary %s", "token: !!int %s", "token: %s: x", "token: x\n---\na: %s", "token: \t%s\t", "token: !%s x",
	} {
		var content strings.Builder
		content.WriteString("log: {level: info}\nchannels:\n  sms:\n      path: /x\n      ")
		content.WriteString(strings.ReplaceAll(strings.ReplaceAll(form, "%s", canary), "%%", "%") + "\n")
		f := typedFile(content.String())
		o := Options{Base: f.Source.Digest([]byte(content.String())), Dry: true}
		var told []any
		for _, path := range []string{"", "channels.sms", "channels.sms.token", "channels.sms.password[0]", "channels.sms.token.x", "nowhere"} {
			r, err := f.Get(path)
			told = append(told, string(r.Value), r, err)
			for _, given := range []string{`"***"`, `null`, `{"a": ["***"]}`, `["***", 1]`, `5`} {
				result, err := f.Set(path, json.RawMessage(given), o)
				told = append(told, result, err)
			}
		}
		result, err := f.Patch(json.RawMessage(`{"log": {"level": "debug"}, "channels": {"sms": {"token": "***", "path": "***"}}}`), o)
		told = append(told, result, err)
		if all := fmt.Sprintf("%v %+v", told, told); strings.Contains(all, "hunter2") {
			t.Errorf("%s: the secret is in\n%s", form, all)
		}
	}
}

// What is to be written may be a secret too.
func TestLaw12_ASecretThatIsGivenIsInNoError(t *testing.T) {
	const before = "log: {level: info}\nchannels: {sms: {token: x}}\n"
	for _, given := range []string{`"` + canary, `{"` + `a": ` + canary, `["` + canary + `"`, `"` + canary + `" x`, `{"token": {"x": "` + canary + `"}, "token": 1}`, canary} {
		f := typedFile(before)
		_, err := f.Set("channels.sms.token", json.RawMessage(given), Options{Base: f.Source.Digest([]byte(before)), Dry: true})
		if !errors.Is(err, ErrInput) || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: got %v", given, err)
		}
	}
}
