package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"
)

// reveal writes a value in every way that a log, an error or an answer could.
func reveal(values ...any) string {
	var out bytes.Buffer
	log := zerolog.New(&out)
	for _, v := range values {
		if err, ok := v.(error); ok {
			fmt.Fprintln(&out, err.Error(), errors.Unwrap(err))
			log.Err(err).Send()
		}
		for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "d"} {
			fmt.Fprintf(&out, "%"+verb+"\n", v)
		}
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
			text, err := marshal(v)
			fmt.Fprintln(&out, string(text), err)
		}
		log.Info().Any("v", v).Send()
	}
	return out.String()
}

// A reference stands in every field of the core in turn, where it fits and where it does not, and in an account and an
// agent. Whatever comes of it, the value behind it is nowhere.
func TestLaw12_WhatAReferenceStandsForIsInNoOutput(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "key", canary+"\n")
	var core []string
	for _, section := range []string{"gateway", "log", "messages"} {
		typ, _ := coreType([]string{section})
		for _, trail := range leaves(typ, []string{section}) {
			core = append(core, strings.Join(trail, ": {")+": %s"+strings.Repeat("}", len(trail)-1))
		}
	}
	for _, shape := range append(
		core, "bindings: [{agent: %s}]", "bindings: [{agent: a, match: {channel: %s}}]",
		"bindings: [{agent: default, match: {channel: sms, account: %s}}]",
		"gateway: %s", "bindings: %s", "channels: %s", "agents: %s", "session: %s", "gatway: %s",
		"gateway: {trustedProxies: [%s]}", "messages: {groupChat: {mentionPatterns: [%s]}}",
		"channels: {sms: %s}", "channels: {sms: {accounts: %s}}", "channels: {sms: {accounts: {home: %s}}}",
		"channels: {sms: {defaultAccount: %s, accounts: {home: {}}}}",
		"agents: {default: %s}", "agents: {default: {kind: %s}}", "agents: {default: {kind: echo, x: [%s]}}",
	) {
		for _, ref := range []string{"${env:CANARY}", "x${file:key}", "[a, '${env:CANARY}']", "{a: '${file:key}'}"} {
			quoted := ref
			if ref[0] != '[' && ref[0] != '{' {
				quoted = "'" + ref + "'"
			}
			src := Source{Path: filepath.Join(dir, "f.yaml")}.With(fmt.Appendf(nil, shape, quoted))
			c, err := Load(src, []string{"CANARY=" + canary})
			if c == nil {
				leaks(t, reveal(err))
				continue
			}
			accepted := *c
			// Settings that are no secrets print what they are, wherever that came from.
			accepted.Gateway.AdminGroup, accepted.Gateway.StateDir, accepted.Messages = "", "", Messages{}
			leaks(t, reveal(&accepted, accepted.Agents, accepted.Channels, accepted.Unused, accepted.Files, accepted.Hash))
		}
	}
}

// The same for an account that its kind decodes, with references and with secrets written out.
func TestLaw12_ASecretOfAnAccountIsInNoOutput(t *testing.T) {
	for _, field := range names(reflect.TypeFor[account]()) {
		for _, form := range []string{"%q", "[%q]", "{a: %q}", "[a, {b: %q}]", "[[%q]]"} {
			content := "channels: {sms: {accounts: {home: {" + field + ": " + form + "}}}}\nagents: {default: {kind: echo}}\n"
			environ := []string{"CANARY=" + canary}
			give := []string{"${env:CANARY}"}
			if field == "password" || field == "token" {
				give = append(give, canary)
			}
			for _, text := range give {
				c, err := load(fmt.Sprintf(content, text), environ...)
				if err != nil {
					t.Fatal(err)
				}
				n, a := c.Channels["sms"].Accounts["home"], newAccount()
				ps := n.Decode(a)
				placed := n.Place([]Problem{{Path: field, Got: fmt.Sprintf("%q", canary), Want: "not " + canary}})
				held := struct {
					n Node
					m map[string]Node
				}{n, map[string]Node{"n": n}}
				if text == canary { // the kind's own words: it does not show what it knows to be a secret
					placed = nil
				}
				leaks(t, reveal(c, n, &n, held, ps, placed, a.Password, a.Token, c.Unused))
			}
		}
	}
}

// A secret written out where no key, no type or no syntax fits is not repeated either.
func TestLaw12_ASecretAtAWrongPlaceIsNotRepeated(t *testing.T) {
	for _, content := range []string{
		"pasword: " + canary,
		"password: *" + canary,
		"password: &" + canary + " x",
		"password: {" + canary + "}",
		"password: {{" + canary + "}}",
		"password: !" + canary + " x",
		"password: @" + canary,
		"password: %" + canary,
		"password: \"" + canary,
		"password: " + canary + ": x",
		"password: |\n" + canary,
		"password: [" + canary + "\n",
		"password: '${" + canary + "'",
		"password: '${cmd:" + canary + "}'",
		"token: [" + canary + "]",
		"limits: " + canary,
	} {
		for name, src := range map[string]Source{
			"alone":         Source{Path: "n.yaml"}.With([]byte(content)),
			"in an account": Source{Path: "n.yaml"}.With([]byte("channels: {sms: {accounts: {home: {" + content + "}}}}\n")),
			"as JSON":       Source{Path: "n.json"}.With([]byte(`{"channels": {` + content + `}}`)),
		} {
			c, err := Load(src, nil)
			n, nodeErr := ParseNode("n.yaml", []byte(content), nil)
			ps := n.Decode(newAccount())
			var inFile Problems
			if c != nil {
				inFile = c.Channels["sms"].Accounts["home"].Decode(newAccount())
			}
			if strings.Contains(reveal(err, nodeErr, ps, inFile), "hunter2") {
				t.Errorf("%s %s: %v %v %v %v", content, name, err, nodeErr, ps, inFile)
			}
		}
	}
}
