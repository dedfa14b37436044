package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"holdfast/tests/rig"
)

// settings are those of a gateway.
type settings struct {
	listen   string // default: any port
	webhooks int    // accounts a0, a1, … with a path and a secret of their own
	callback string // of them; empty: answers are fetched
	standard bool   // they are signed, instead of bringing the secret
	bubbles  string // a server of BlueBubbles; empty: there is no such account
	version  int    // of one setting of the last account
	moved    int    // version of the secret of the last account
}

// text is the file. Everything that is not named has its default, except that nobody but a reload looks at the file, and that
// the log says what is wrong and nothing else.
func (s settings) text() string {
	var b strings.Builder
	listen := s.listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	fmt.Fprintf(&b, "gateway: {listen: %q, stateDir: ./state, watch: false}\nlog: {level: warn, format: json}\n", listen)
	fmt.Fprintf(&b, "agents: {default: {kind: echo}}\nchannels:\n")
	if s.bubbles != "" {
		fmt.Fprintf(&b, "  bluebubbles: {accounts: {home: {serverUrl: %q, password: %q, dmPolicy: open, allowFrom: [\"*\"], "+
			"sendReadReceipts: false, typing: false}}}\n", s.bubbles, bubblesWord)
	}
	if s.webhooks > 0 {
		fmt.Fprintf(&b, "  webhook:\n    accounts:\n")
	}
	for i := range s.webhooks {
		fmt.Fprintf(&b, "      a%d: {path: /hook/a%d, auth: %s%s%s}\n", i, i, s.auth(i), s.answers(), s.name(i))
	}
	return b.String()
}

func (s settings) auth(i int) string {
	if s.standard {
		return fmt.Sprintf("{type: standard, secret: %s}", callbackKey)
	}
	return fmt.Sprintf("{type: bearer, secret: %s}", s.secret(i))
}

// secret of an account. That of the last one has versions.
func (s settings) secret(i int) string {
	if i == s.webhooks-1 && s.moved > 0 {
		return fmt.Sprintf("%s-%d-%d", bearerSecret, i, s.moved)
	}
	return fmt.Sprintf("%s-%d", bearerSecret, i)
}

func (s settings) answers() string {
	if s.callback == "" {
		return ""
	}
	return fmt.Sprintf(", callbackUrl: %q, callbackSecret: %s", s.callback, callbackKey)
}

func (s settings) name(i int) string {
	if i == s.webhooks-1 && s.version > 0 {
		return fmt.Sprintf(", name: version %d", s.version)
	}
	return ""
}

// write replaces the file in a folder.
func (s settings) write(dir string) error {
	file := filepath.Join(dir, "holdfast.yaml")
	if err := os.WriteFile(file+".new", []byte(s.text()), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// start starts a gateway in a new folder below the one for state. end ends it and removes the folder.
func (b *bench) start(s settings) (g *rig.Gateway, dir string, end func(), err error) {
	return b.begin(b.command, s.write)
}

// stand starts one of the other servers, which this binary is as well.
func (b *bench) stand(kind string) (g *rig.Gateway, end func(), err error) {
	g, _, end, err = b.begin([]string{b.self, kind}, func(string) error { return nil })
	return g, end, err
}

func (b *bench) begin(command []string, write func(dir string) error) (g *rig.Gateway, dir string, end func(), err error) {
	dir, drop, err := b.folder()
	if err != nil {
		return nil, "", nil, err
	}
	if err = write(dir); err == nil {
		g, err = b.run(rig.Options{Command: command, Dir: dir})
	}
	if err != nil {
		drop()
		return nil, "", nil, err
	}
	return g, dir, func() {
		g.Kill()
		drop()
	}, nil
}

// run starts a process, which is ended with this one.
func (b *bench) run(o rig.Options) (*rig.Gateway, error) {
	g, err := rig.Start(o)
	if err == nil {
		b.atEnd(g.Kill)
	}
	return g, err
}

// folder is a new one below the one for state, which goes with this process at the latest.
func (b *bench) folder() (dir string, drop func(), err error) {
	if dir, err = os.MkdirTemp(b.Dir, "state-"); err != nil {
		return "", nil, err
	}
	drop = func() { os.RemoveAll(dir) }
	b.atEnd(drop)
	return dir, drop, nil
}
