package channeltest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// pollNetwork is the other side: a long poll whose next question acknowledges the last answer.
type pollNetwork struct {
	ended chan struct{}

	mu                                    sync.Mutex
	contacts, brought, acknowledged, sent int
	hanging                               bool
}

func pollPeer(t *testing.T) Peer {
	t.Helper()
	n := &pollNetwork{ended: make(chan struct{})}
	server := httptest.NewServer(n)
	t.Cleanup(func() { close(n.ended); server.Close() })
	count := func(which *int) func() int {
		return func() int {
			n.mu.Lock()
			defer n.mu.Unlock()
			return *which
		}
	}
	settings := func(secret string) string { return fmt.Sprintf(`{"url":%q,"secret":%q}`, server.URL, secret) }
	return Peer{
		Settings: settings(Canary), Refused: settings(Canary + "x"), Conversation: "c",
		Contacts: count(&n.contacts), Sent: count(&n.sent), Acknowledged: count(&n.acknowledged),
		Down:  func() { _ = server.Listener.Close(); server.CloseClientConnections() },
		Hang:  func() { n.change(func() { n.hanging = true }) },
		Bring: func() { n.change(func() { n.brought++ }) },
	}
}

func (n *pollNetwork) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

func (n *pollNetwork) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.change(func() { n.contacts++ })
	if r.Header.Get("Authorization") != Canary {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	quiet := time.NewTimer(20 * time.Millisecond)
	defer quiet.Stop()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !n.answers(w, r.URL.Path, after) {
		select {
		case <-look.C:
		case <-quiet.C:
			if !n.hangs() {
				return
			}
		case <-r.Context().Done():
			return
		case <-n.ended:
			return
		}
	}
}

func (n *pollNetwork) hangs() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hanging
}

// answers tells whether the answer is complete.
func (n *pollNetwork) answers(w http.ResponseWriter, path string, after int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.hanging:
		return false
	case path == "/send":
		n.sent++
		return true
	}
	n.acknowledged = max(n.acknowledged, after)
	if n.brought > after || (flaw == "acknowledges at once" && n.brought > 0) {
		_, _ = io.WriteString(w, `{"n":1,"text":"hi"}`)
		return true
	}
	return false
}
