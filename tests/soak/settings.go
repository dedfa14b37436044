package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Files of the configuration, below the folder.
const (
	mainFile     = "holdfast.yaml"
	includedFile = "conf.d/more.json"
)

// settings are what the files say.
type settings struct {
	sink     string // where answers of webhooks go
	listen   string
	level    string
	inFlight int
	timeout  string
	prefix   string // of the agent called helper
	helper   bool   // there is one
	bound    int    // this many webhook accounts are bound to it
	console  bool
	wait     string // of the console
	comment  int
	accounts []*account
	spares   []*spare
	secrets  map[string]string // by file
}

// spare is an account that carries no load, so that it may be disabled and removed.
type spare struct {
	kind    string
	name    string
	there   bool
	enabled bool
	server  string
}

// text is the content of a file. Everything is said in such an order that a file which is not whole yet is refused: the agent
// that has to be there is the last word of the main file, and the included one is a single JSON object.
func (s *settings) text(file string) string {
	switch file {
	case mainFile:
		return s.main()
	case includedFile:
		return line(map[string]any{"channels": map[string]any{
			webhooks: map[string]any{"accounts": s.list(webhooks, true)},
			bubbles:  map[string]any{"accounts": s.list(bubbles, true)},
		}}) + "\n"
	}
	return s.secrets[file] + "\n"
}

func (s *settings) main() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# This comment was written for the %dth time.", s.comment)
	say("include: [%s]", includedFile)
	say("gateway: {listen: %q, stateDir: ./state, bytesInFlightMb: %d, requestTimeout: %s}", s.listen, s.inFlight, s.timeout)
	say("log: {level: %s, format: json}", s.level)
	say("plugins: {entries: {console: {enabled: %t, config: {wait: %s}}}}", s.console, s.wait)
	say("channels:")
	say("  console: {accounts: {desk: {name: the desk}}}")
	for _, kind := range []string{bubbles, webhooks} {
		say("  %s:\n    accounts:", kind)
		list := s.list(kind, false)
		for _, name := range names(list) {
			say("      %s: %s", name, line(list[name]))
		}
	}
	say("bindings:%s", s.bindings())
	say("agents:")
	if s.helper {
		say("  helper: {kind: echo, prefix: %q}", s.prefix)
	}
	say("  default: {kind: echo}")
	return b.String()
}

func (s *settings) bindings() string {
	if !s.helper || s.bound == 0 {
		return " []"
	}
	var b strings.Builder
	for i := range s.bound {
		fmt.Fprintf(&b, "\n  - {agent: helper, match: {channel: webhook, account: w%d}}", i)
	}
	return b.String()
}

// list is the accounts of a kind that stand in the included file, or those that do not.
func (s *settings) list(kind string, included bool) map[string]any {
	out := map[string]any{}
	for _, a := range s.accounts {
		if a.kind == kind && a.included == included {
			out[a.name] = a.said(s.sink)
		}
	}
	for _, one := range s.spares {
		if one.kind == kind && one.there && !included {
			out[one.name] = one.said()
		}
	}
	return out
}

func (a *account) said(sink string) map[string]any {
	secrets := slices.Clone(a.secrets)
	for i, file := range a.files {
		secrets[i] = "${file:" + file + "}"
	}
	out := map[string]any{"name": a.label, "dmPolicy": "open", "allowFrom": []string{"*"}, "dmHistoryLimit": a.history}
	if a.kind == webhooks {
		out["path"] = a.path
		out["auth"] = map[string]any{"type": a.scheme, "secrets": secrets}
		out["callbackUrl"], out["callbackSecret"] = sink+"/"+a.name, a.callback
		return out
	}
	out["serverUrl"] = a.server.URL()
	out["webhookPath"] = a.path
	out["password"] = append([]string{passwordOf(a.name)}, secrets...)
	out["sendReadReceipts"], out["typing"] = false, false
	return out
}

// passwordOf is what a BlueBubbles server wants. It stays; what its webhooks bring changes.
func passwordOf(name string) string { return "server-" + name }

func (one *spare) said() map[string]any {
	out := map[string]any{"enabled": one.enabled, "dmPolicy": "open", "allowFrom": []string{"*"}}
	if one.kind == webhooks {
		out["path"] = "/spare/" + one.name
		out["auth"] = map[string]any{"type": "bearer", "secrets": []string{"spare-" + one.name}}
		return out
	}
	out["serverUrl"], out["password"], out["webhookPath"] = one.server, passwordOf(one.name), "/spare/"+one.name
	return out
}

// files are all of them, those that others name first.
func (s *settings) files() []string {
	return append(append(names(s.secrets), includedFile), mainFile)
}

// in is a file's place.
func in(dir, file string) string { return filepath.Join(dir, filepath.FromSlash(file)) }

func names[V any](m map[string]V) (out []string) {
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// line is a value in JSON, which is YAML as well.
func line(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of what is written here it cannot be
	}
	return string(text)
}
