package bluebubbles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
	"holdfast/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret = "pa ss+wörd&1" // needs escaping in every way
	direct = "iMessage;-;+15557654321"
	peerID = "+15557654321"
	group  = "iMessage;+;chat310042"
)

// inbox is a journal in miniature: it decides claims, and keeps what had an effect.
type inbox struct {
	mu      sync.Mutex
	stored  []byte
	claims  map[string]bool
	effects []channels.Arrival
	dead    []error
	raws    int
	takes   int
	fail    error // of the next Take
	last    channels.Condition
	nudges  chan struct{}
	webhook string
	told    chan struct{} // closed and replaced at every change
}

func newInbox() *inbox {
	return &inbox{claims: map[string]bool{}, nudges: make(chan struct{}, 1), told: make(chan struct{})}
}

func (in *inbox) Cursor() []byte {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stored
}

func (in *inbox) Take(ctx context.Context, items []channels.Raw, cursor []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	defer in.tell()
	if err := in.fail; err != nil {
		in.fail = nil
		return err
	}
	in.takes++
	for _, item := range items {
		if in.known(item.Claims) {
			continue
		}
		in.raws++
		in.accept(item.Form, item.Body)
	}
	if cursor != nil {
		in.stored = bytes.Clone(cursor)
	}
	return ctx.Err()
}

func (in *inbox) known(claims []string) bool {
	return len(claims) > 0 && !slices.ContainsFunc(claims, func(c string) bool { return !in.claims[c] })
}

func (in *inbox) Report(c channels.Condition) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.last = c
	in.tell()
}

func (in *inbox) Webhook() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.webhook
}

// move is a new address of the gateway.
func (in *inbox) move(webhook string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.webhook = webhook
}

func (in *inbox) Nudge() <-chan struct{} { return in.nudges }

func (in *inbox) tell() {
	close(in.told)
	in.told = make(chan struct{})
}

// accept interprets a request and decides the claims, as the journal does.
func (in *inbox) accept(form string, body []byte) {
	arrivals, err := interpret(newSettings(), channels.Request{Seq: 1, Account: "bluebubbles:home", At: time.Now(), Form: form, Body: body})
	if err != nil {
		in.dead = append(in.dead, err)
	}
	in.effects = append(in.effects, decide(in.claims, arrivals)...)
}

// decide returns the arrivals that have an effect and takes their claims.
func decide(claims map[string]bool, arrivals []channels.Arrival) []channels.Arrival {
	var out []channels.Arrival
	for _, a := range arrivals {
		if claims[a.Claim()] {
			continue
		}
		claims[a.Claim()] = true
		for _, c := range a.Covers {
			claims[c] = true
		}
		out = append(out, a)
	}
	return out
}

// ServeHTTP is the gateway's webhook: it takes whatever has the password.
func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("password") != secret {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, _ := io.ReadAll(r.Body)
	in.mu.Lock()
	defer in.mu.Unlock()
	defer in.tell()
	in.accept(channels.FormWebhook, body)
}

// of lists the effects of a kind.
func (in *inbox) of(kind channels.ArrivalKind) []channels.Arrival {
	in.mu.Lock()
	defer in.mu.Unlock()
	var out []channels.Arrival
	for _, a := range in.effects {
		if a.Kind == kind {
			out = append(out, a)
		}
	}
	return out
}

func (in *inbox) condition() channels.Condition {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.last
}

// until waits for ok to hold. It looks whenever something came in, and now and then for what comes another way.
func (in *inbox) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		in.mu.Lock()
		told := in.told
		in.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-told:
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("it never came: %s; condition %+v, %d messages", what, in.condition(), len(in.of(channels.Message)))
		}
	}
}

// world is an account and its server.
type world struct {
	*bluebubblestest.Server
	in      *inbox
	logs    *lockedBuffer
	blobs   map[string]string
	channel *channel
	hook    string
	cancel  context.CancelFunc
	ended   chan error
}

// newWorld starts a server; the account does not run yet. At the end the server must have seen no fault.
func newWorld(t *testing.T, options bluebubblestest.Options) *world {
	t.Helper()
	options.Password = secret
	w := &world{Server: bluebubblestest.New(options), in: newInbox(), logs: &lockedBuffer{}, blobs: map[string]string{}}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	gateway := httptest.NewServer(w.in)
	w.hook = gateway.URL + "/bluebubbles-webhook"
	w.in.move(w.hook)
	t.Cleanup(func() {
		w.stop(t)
		w.Close()
		gateway.Close()
		if faults := w.Faults(); len(faults) > 0 {
			t.Errorf("the server saw faults: %s", strings.Join(faults, "; "))
		}
		if text := w.logs.String(); leaks(text) {
			t.Errorf("the password is in the log: %s", text)
		}
	})
	w.connect()
	return w
}

// connect makes a new life of the account.
func (w *world) connect() {
	s := newSettings()
	s.ServerURL = w.URL() + "/"
	s.Password = []config.Secret{config.NewSecret(secret)}
	w.channel = newChannel(s, channels.Env{
		Account: "bluebubbles:home", Run: 1, Log: zerolog.New(w.logs).Level(zerolog.DebugLevel),
		Blob: func(hash string) (io.ReadCloser, error) {
			content, ok := w.blobs[hash]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return io.NopCloser(strings.NewReader(content)), nil
		},
	})
	w.channel.pace = pace{probe: 20 * time.Millisecond, reconcile: time.Hour, webhook: time.Hour, firstTry: 5 * time.Millisecond, lastTry: 20 * time.Millisecond}
}

// run starts the account and waits until it is connected and has read the table.
func (w *world) run(t *testing.T) {
	t.Helper()
	w.begin(t)
	w.in.until(t, "connected", func() bool { return w.in.condition().Link == channels.Connected })
}

func (w *world) begin(t *testing.T) {
	t.Helper()
	w.in.mu.Lock()
	w.in.last = channels.Condition{} // not that of an earlier run
	w.in.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan error, 1)
	ended, c := w.ended, w.channel
	go func() { ended <- c.Run(ctx, w.in) }()
}

// stop ends the run; it must end cleanly.
func (w *world) stop(t *testing.T) {
	t.Helper()
	if w.cancel == nil {
		w.channel.api.close()
		return
	}
	w.cancel()
	if err := <-w.ended; err != nil {
		t.Errorf("Run returned %v after its context had ended", err)
	}
	w.cancel = nil
}

// restart is a new life of the account with the stored cursor.
func (w *world) restart(t *testing.T) {
	t.Helper()
	w.stop(t)
	w.connect()
	w.run(t)
}

func (w *world) nudge() { w.in.nudges <- struct{}{} }

// same compares what the server received with what had the effect of a message.
func (w *world) same(t *testing.T) {
	t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, r := range w.Received() {
		want[r.GUID]++
	}
	for _, a := range w.in.of(channels.Message) {
		got[a.ID]++
	}
	if fmt.Sprint(want) != fmt.Sprint(got) {
		t.Fatalf("the server received %d messages, %d started a turn\nserver %v\nturns  %v", len(want), len(got), want, got)
	}
}

// all waits until every message that the server received started a turn.
func (w *world) all(t *testing.T) {
	t.Helper()
	w.in.until(t, "all messages", func() bool { return len(w.in.of(channels.Message)) >= len(w.Received()) })
	w.same(t)
}

// leaks tells whether a text holds the password in any form.
func leaks(text string) bool {
	for _, form := range []string{secret, "pa+ss%2Bw%C3%B6rd%261", "pa%20ss+w%C3%B6rd&1", "ss+wörd", "w%C3%B6rd"} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func outcomeIs(t *testing.T, err error, want channels.Outcome) {
	t.Helper()
	if err == nil {
		t.Fatal("got no error")
	}
	if got := channels.OutcomeOf(err); got != want {
		t.Fatalf("the outcome is %d, want %d, of: %v", got, want, err)
	}
	if leaks(err.Error()) || leaks(fmt.Sprintf("%+v", err)) {
		t.Fatalf("the error holds the password: %+v", err)
	}
}

func refused(err error) bool {
	var r *channels.Refusal
	return errors.As(err, &r)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
