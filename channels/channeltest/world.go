package channeltest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"holdfast/channels"
	"holdfast/config"
)

// account is whose contract is checked.
const account channels.Account = "contract:home"

// world is one account of the kind beside one network, for one test.
type world struct {
	peer  Peer
	inbox *Inbox
	link  channels.Channel
	log   *journal
	ctx   context.Context //nolint:containedctx // of the run, which the test ends
	end   context.CancelFunc
	over  chan error // receives what Run returned
}

// newWorld connects, but does not run. When the test is over, nothing must be left of it and nothing must have shown
// the secret.
func newWorld(t *testing.T, kind channels.Kind, fake Fake, pick func(Peer) string) *world {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			t.Errorf("something is left running: %v", err)
		}
	})
	w := &world{peer: fake.Peer(t), inbox: NewInbox(nil), log: &journal{}, over: make(chan error, 1)}
	s := Decode(t, kind, pick(w.peer))
	w.ctx, w.end = context.WithCancel(t.Context())
	w.link = kind.Connect(s, channels.Env{
		Account: account, Run: 1,
		Log: zerolog.New(w.log).Level(zerolog.TraceLevel),
	})
	t.Cleanup(func() {
		for _, c := range w.inbox.Conditions() {
			w.shows(t, "a report", c)
		}
		w.shows(t, "the log", w.log.String())
		w.shows(t, "the settings", s)
		w.shows(t, "the connection", w.link)
	})
	return w
}

// usual picks the settings that the network takes.
func usual(p Peer) string { return p.Settings }

// start begins Run. The test's end ends it and waits for it.
func (w *world) start(t *testing.T) {
	t.Helper()
	go func() { w.over <- w.link.Run(w.ctx, w.inbox) }()
	t.Cleanup(w.end)
}

// ended waits for Run to return.
func (w *world) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-w.over:
		if err != nil {
			w.shows(t, "the error of Run", err)
		}
		return err
	case <-time.After(Patience):
		t.Fatalf("Run has not returned after %s", Patience)
		return nil
	}
}

// stop ends the run in good order.
func (w *world) stop(t *testing.T) {
	t.Helper()
	w.end()
	if err := w.ended(t); err != nil {
		t.Errorf("Run returned %v after its context had ended, want nil", err)
	}
}

// shows fails the test if a value prints the secret in any of the usual ways.
func (w *world) shows(t *testing.T, what string, value any) {
	t.Helper()
	texts := []string{fmt.Sprintf("%v", value), fmt.Sprintf("%+v", value), fmt.Sprintf("%#v", value)}
	if err, ok := value.(error); ok {
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		if strings.Contains(text, core) {
			t.Errorf("%s shows the secret: %s", what, text)
			return
		}
	}
}

// core is the part of Canary that stays the same when it is escaped for a URL.
var core = strings.Trim(strings.TrimPrefix(Canary, "whsec_"), "=")

// decode is Decode without Validate.
func decode(t *testing.T, kind channels.Kind, text string, environ []string) channels.Settings {
	t.Helper()
	node, err := config.ParseNode(kind.Name, []byte(text), environ)
	if err != nil {
		t.Fatalf("reading settings of %s: %v", kind.Name, err)
	}
	s := kind.Settings()
	for _, p := range node.Decode(s) {
		t.Errorf("decoding settings of %s: %s", kind.Name, p)
	}
	if t.Failed() {
		t.FailNow()
	}
	return s
}

// journal keeps log lines.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}
