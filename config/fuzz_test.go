package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// FuzzLoad: whatever the bytes and the variable, there is either a value or a sorted list of problems that each say
// what would be right; nothing panics, the secret of the environment is in no message, and the same gives the same.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		string(defaultYAML), string(initYAML), envFile, "", "a: [", "a: &x [*x]", "a: {b: ${env:CANARY}}", "? {a: b} : c",
		`{"gateway": {"listen": 1,}, /* x */ "channels": {"a": {"accounts": {"b": {"c": [null, 1e5]}}}}}`,
		"channels: {sms: {path: '${env:CANARY}', groups: {'a.b[0]': {}}}}\nagents: {default: {kind: '${env:CANARY}'}}",
		"channels: {Sms: 1, defaults: , sms: {accounts: {a: {}}, defaultAccount: [b]}}\nbindings: [{match: 3}]",
		"gateway: {listen: '${env:CANARY}', trustedProxies: ['${env:CANARY}'], minFreeMb: 0x10, drainTimeout: .nan}",
		"- !!binary aGk=\n- 2001-01-01\n- !!float 3\n", "\"\\ud800\": \xff", "a: |\n b\n\tc",
	} {
		f.Add([]byte(seed), "HOLDFAST_GATEWAY__LISTEN=:1", false)
		f.Add([]byte(seed), "HOLDFAST_CHANNELS__SMS__ACCOUNTS__A__GROUPS__X=${env:CANARY}", true)
	}
	f.Fuzz(func(t *testing.T, content []byte, variable string, asJSON bool) {
		src := Source{Path: "f.yaml"}
		if asJSON {
			src.Path = "f.json"
		}
		src = src.With(content)
		environ := []string{"CANARY=" + canary, variable}
		c, err := Load(src, environ)
		again, errAgain := Load(src, environ)
		if !reflect.DeepEqual(err, errAgain) || c != nil && c.Hash != again.Hash {
			t.Fatalf("twice the same gave %v and %v", err, errAgain)
		}
		if err == nil {
			for _, ch := range c.Channels {
				for _, n := range ch.Accounts {
					sound(t, n.Decode(newAccount()))
					sound(t, n.Place([]Problem{{Path: "groups[0].x", Got: "x", Want: "w"}}))
				}
			}
			return
		}
		var ps Problems
		if !errors.As(err, &ps) || len(ps) == 0 || c != nil {
			t.Fatalf("got %v, %v", c, err)
		}
		sound(t, ps)
	})
}

func sound(t *testing.T, ps Problems) {
	t.Helper()
	if !reflect.DeepEqual(ps.sorted(), ps) && len(ps) > 0 {
		t.Errorf("not sorted: %v", ps)
	}
	for _, p := range ps {
		if p.Want == "" || p.File != "" && strings.HasPrefix(p.File, "f.") && p.Line > 0 && p.Col < 1 {
			t.Errorf("an incomplete problem: %+v", p)
		}
	}
	if ps != nil && strings.Contains(ps.Error(), canary) {
		t.Errorf("the secret is in %v", ps)
	}
}
