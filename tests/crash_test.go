package tests

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

// hookConfig is one webhook account, sink, whose answers are posted to a sink.
const hookConfig = `gateway: {listen: "127.0.0.1:%d", drainTimeout: 3s}
channels:
  webhook:
    accounts:
      sink: {path: /sink, auth: {type: bearer, secret: %q}, callbackUrl: %q, callbackSecret: %q}
agents:
  default: {kind: echo}
`

const (
	hookSecret = canary + "-hook"
	sinkSecret = "whsec_YzRuYXJ5LWM0bmFyeS1jNG5hcnktYzRuYXJ5"
	sinkHook   = "webhook:sink"
)

// newHook starts a gateway with the account sink and waits until it is green.
func newHook(t *testing.T) (*gate, *sink) {
	t.Helper()
	k := newSink(t)
	g := open(t, fmt.Sprintf(hookConfig, freePort(t), hookSecret, k.URL, sinkSecret))
	g.until(sinkHook, "is green", green)
	return g, k
}

// message is the body of a post.
func message(id, conversation string) string {
	return fmt.Sprintf(`{"id":%q,"conversation":%q,"sender":"tester","text":"text of %s"}`, id, conversation, id)
}

// posting posts messages until it is stopped, and remembers those that were answered 2xx. An answer that the gateway may not
// give is a failure of the test; no answer at all is none.
type posting struct {
	t    *testing.T
	url  string
	stop atomic.Bool
	done sync.WaitGroup
	mu   sync.Mutex
	ids  map[string]bool
	n    atomic.Int64 // answered 2xx
}

func begin(t *testing.T, url string, senders int) *posting {
	l := &posting{t: t, url: url, ids: map[string]bool{}}
	for s := range senders {
		l.done.Go(func() {
			for i := 0; !l.stop.Load(); i++ {
				l.one(fmt.Sprintf("m-%d-%d", s, i), fmt.Sprintf("chat-%d", s))
			}
		})
	}
	t.Cleanup(func() { l.end() })
	return l
}

func (l *posting) one(id, conversation string) {
	a := request(l.url, hookSecret, message(id, conversation))
	switch {
	case a.code >= 200 && a.code < 300:
		l.mu.Lock()
		l.ids[id] = true
		l.mu.Unlock()
		l.n.Add(1)
	case a.code == 0 || a.code == http.StatusServiceUnavailable && strings.Contains(a.body, "stopping"):
		time.Sleep(5 * time.Millisecond) // nobody listens at the moment, or no more
	default:
		l.t.Errorf("%s was answered %d %s", id, a.code, a.body)
		l.stop.Store(true)
	}
}

// more waits until so many further messages were accepted.
func (l *posting) more(n int64) {
	l.t.Helper()
	want := l.n.Load() + n
	eventually(l.t, "messages are accepted", func() (bool, string) { return l.n.Load() >= want || l.t.Failed(), fmt.Sprint(l.n.Load()) })
}

// end returns what was accepted.
func (l *posting) end() map[string]bool {
	l.stop.Store(true)
	l.done.Wait()
	return l.ids
}

// G1: a restart lost what had been answered 200.
// SIGKILL at random points under load: every message that was answered 2xx has exactly one answer at the sink.
// Reverting channels/webhook/webhook.go: Find's "false, nil" makes it fail.
func TestG1_WhatWasAcceptedSurvivesEveryKill(t *testing.T) {
	t.Parallel()
	g, k := newHook(t)
	k.slowDown(40 * time.Millisecond) // so that a kill meets replies of which nobody knows yet whether they came
	l := begin(t, g.URL+"/sink", 4)
	for life := range 15 {
		if life%3 == 0 {
			k.another(t) // the next kill meets sends, not only the start
		}
		l.more(int64(1 + rand.IntN(30)))
		g.crash()
		g.begin()
	}
	l.more(10)
	ids := l.end()
	k.once(t, ids)
	t.Logf("%d messages over 16 lives", len(ids))
	for s := range 4 {
		inOrder(t, k.texts(fmt.Sprintf("chat-%d", s)), fmt.Sprintf("text of m-%d-%%d", s))
	}
}

// inOrder fails unless the numbers in texts rise.
func inOrder(t *testing.T, texts []string, format string) {
	t.Helper()
	last := -1
	for _, text := range texts {
		var n int
		if _, err := fmt.Sscanf(text, format, &n); err != nil || n <= last {
			t.Errorf("%q came after number %d: %v", text, last, err)
			return
		}
		last = n
	}
}

// H5: after a crash in the middle of an answer, parts that were out were sent again.
// SIGKILL after each part of an answer in five: the chat has the five parts once, in order.
// Reverting actors/outbox/sending.go: begin's "if open" makes it fail.
func TestH5_AnAnswerInPartsGoesOnWhereItWasCut(t *testing.T) {
	t.Parallel()
	for _, part := range []int{1, 3, 5} {
		t.Run(fmt.Sprintf("killed while part %d is being sent", part), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, bluebubblestest.Options{}, ", textChunkLimit: 20, chunkMode: length", "parallel: 4")
			var parts []string
			for i := range 5 {
				parts = append(parts, fmt.Sprintf("%d %s", i+1, strings.Repeat(string(rune('a'+i)), 18)))
			}
			h.bot.speak(func(turn) said { return said{Text: strings.Join(parts, " ")} })
			never := make(chan struct{})
			t.Cleanup(func() { close(never) })
			for i := 1; i < part; i++ {
				h.mac.Inject(bluebubblestest.Fault{Path: "message/text"})
			}
			h.mac.Inject(bluebubblestest.Fault{Path: "message/text", Wait: never})
			h.mac.Receive(direct(anna), anna, "tell me")
			h.hears(direct(anna), parts[:part]...)
			h.crash()
			h.begin()
			h.hears(direct(anna), parts...)
			h.settled()
			h.hears(direct(anna), parts...)
			if q := h.queue(home, journal.Replies); q.Done != 5 {
				t.Errorf("replies %+v, want five done", q)
			}
		})
	}
}

// A kill during a turn repeats the turn with its id and marked; the sender hears one answer.
// Reverting actors/lanes/prepare.go: mark's "turnMark{ID: l.turnID()" makes it fail.
func TestATurnThatACrashCutIsRepeatedAndMarked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	begun, never := make(chan struct{}, 2), make(chan struct{})
	t.Cleanup(func() { close(never) })
	h.bot.speak(func(turn) said { begun <- struct{}{}; <-never; return said{} })
	h.mac.Receive(direct(anna), anna, "think")
	waitFor(t, "the turn has begun", begun)
	h.mac.Receive(direct(bob), bob, "hello") // whatever was written before it is on disk when it is answered 200
	h.delivered()
	h.crash()
	h.bot.speak(func(q turn) said { return said{Text: "re: " + q.Text} })
	h.begin()
	h.hears(direct(anna), "re: think")
	h.settled()
	h.hears(direct(bob), "re: hello")
	asked := slices.DeleteFunc(h.bot.asked(), func(q turn) bool { return q.Text != "think" })
	if len(asked) != 2 || asked[0].ID != asked[1].ID || asked[0].Repeated || !asked[1].Repeated {
		t.Errorf("the agent was asked %+v, want the same turn twice, the second marked", asked)
	}
	h.hears(direct(anna), "re: think")
}

// A second kill, and one during the start, change nothing: what is on disk goes on.
// Reverting actors/supervisor/life.go: "case s.memory.reserved < s.memory.next" makes it fail.
func TestAKillDuringTheStartIsOneMoreCrash(t *testing.T) {
	t.Parallel()
	g, k := newHook(t)
	ids := map[string]bool{}
	for i := range 20 {
		id := fmt.Sprint("early-", i)
		if a := g.post("/sink", hookSecret, message(id, id)); a.code != 200 {
			t.Fatalf("%s: %d %s", id, a.code, a.body)
		}
		ids[id] = true
	}
	g.crash()
	for range 5 {
		g.begin()
		g.crash()
	}
	g.begin()
	k.once(t, ids)
	if got := g.until(sinkHook, "is green", green); got.Run < 7 {
		t.Errorf("run %d after seven lives: a number was used twice", got.Run)
	}
}

// M1: nothing could be taken in for a day behind a healthy status.
// The journal refuses: the sender hears 503, readiness is down, the account is red though its server is there and its run is up.
// Reverting actors/control/status.go: "if !s.Journal.Accepting" of an account makes it fail.
func TestM1_AJournalThatRefusesIsNoGreenAccount(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.until(home, "is green", green)
	h.mac.Receive(direct(anna), anna, "before")
	h.hears(direct(anna), "re: before")
	h.stop()
	h.begin("HOLDFAST_GATEWAY__MIN_FREE_MB=1000000000")
	h.until(home, "is red and says why", func(a control.AccountStatus) bool {
		return a.Phase == "running" && a.Health == "red" &&
			slices.ContainsFunc(a.Causes, func(c string) bool { return strings.Contains(c, "taken in") })
	})
	if s := h.status(); s.Ready || s.Health != "red" || s.Journal.Accepting || s.Journal.Why == "" {
		t.Errorf("the status does not tell: ready %t, %s, journal %+v", s.Ready, s.Health, s.Journal)
	}
	if res, err := sender.Get(h.URL + "/readyz"); err != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %v %v, want 503", res, err)
	}
	got := request(h.URL+"/bluebubbles-webhook?password="+canary+"-home", "", `{"type":"new-message","data":{"guid":"x","text":"y"}}`)
	if got.code != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("a webhook: %d %v, want 503 with Retry-After", got.code, got.header)
	}
	h.mac.Receive(direct(anna), anna, "meanwhile")
	h.mac.Settle()
	h.stop()
	h.begin()
	h.hears(direct(anna), "re: before", "re: meanwhile")
	h.until(home, "is green again", green)
	h.settled()
}
