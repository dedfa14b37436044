package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"sync"

	"holdfast/channels/bluebubbles/bluebubblestest"
)

// Names of the kinds, and of the ways in which webhooks are signed.
const (
	webhooks    = "webhook"
	bubbles     = "bluebubbles"
	standard    = "standard"
	hmacs       = "hmac"
	perKind     = 10 // accounts that carry load
	perAccount  = 8  // conversations
	sharedHook  = "/hook/shared"
	sharedMacs  = "/bluebubbles-webhook"
	callbackKey = "whsec_"
)

// account is one that carries load: what the configuration says of it, and what its sender knows.
type account struct {
	kind     string
	name     string
	scheme   string   // of a webhook
	included bool     // it stands in the included file
	secrets  []string // all that are accepted from the sender
	files    []string // or the files that hold them
	path     string
	label    string
	history  int
	callback string // signs the answers of a webhook
	server   *bluebubblestest.Server
	busy     bool // an edit of it is under way; it is the editor's

	mu     sync.Mutex
	target *target
	keys   []string // that may have signed an answer
}

// target is where a sender posts and with what.
type target struct {
	base   string // scheme, host and port
	path   string
	secret string
	flying sync.WaitGroup // posts without an answer
}

func (a *account) id() string { return a.kind + ":" + a.name }

// newSecret is one of the kind that the scheme needs.
func newSecret(scheme string) string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails
	if scheme == standard {
		return callbackKey + base64.StdEncoding.EncodeToString(raw)
	}
	return hex.EncodeToString(raw)
}

// newAccounts are those that carry load: some with a path of their own and some that share one, with secrets in the file
// and in files of their own, in the file itself and in an included one.
func newAccounts() (out []*account) {
	for i := range perKind {
		w := &account{kind: webhooks, name: fmt.Sprintf("w%d", i), scheme: standard, path: fmt.Sprintf("/hook/w%d", i), callback: newSecret(standard)}
		if i%2 == 1 {
			w.scheme = hmacs
		}
		b := &account{kind: bubbles, name: fmt.Sprintf("b%d", i), path: fmt.Sprintf("/bubbles/b%d", i)}
		if i >= perKind-2 {
			w.path = sharedHook
		}
		if i >= perKind-4 {
			b.path = sharedMacs
		}
		for _, a := range []*account{w, b} {
			a.included = i == 2 || i == 3
			a.history = 20
			a.keys = []string{a.callback}
			a.secrets = []string{newSecret(a.scheme)}
			if i == 4 || i == 5 {
				a.files = []string{"secrets/" + a.name + "-a", "secrets/" + a.name + "-b"}
				a.secrets = append(a.secrets, newSecret(a.scheme))
			}
			out = append(out, a)
		}
	}
	return out
}

// shares tells whether another account has the path as well.
func (a *account) shares() bool { return a.path == sharedHook || a.path == sharedMacs }

// follow lets the sender post elsewhere or with another secret from now on. What it returns waits until everything that was
// posted as before has been answered.
func (a *account) follow(change func(*target)) (settle func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := &target{}
	old := a.target
	if old != nil {
		next.base, next.path, next.secret = old.base, old.path, old.secret
	}
	change(next)
	a.target = next
	if a.server != nil {
		return a.server.Repoint(next.base + next.path + "?password=" + next.secret)
	}
	return func() {
		if old != nil {
			old.flying.Wait()
		}
	}
}

// aim is where to post now. The caller says when it has been answered.
func (a *account) aim() *target {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.target.flying.Add(1)
	return a.target
}

// expect has answers signed with a further secret be accepted.
func (a *account) expect(secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = append(a.keys, secret)
}

func (a *account) expected() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.keys...)
}
