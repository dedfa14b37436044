package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/channels/channeltest/faulty"
	"holdfast/channels/webhook"
)

// turn is what an agent was asked.
type turn struct {
	ID           string   `json:"id"`
	Repeated     bool     `json:"repeated"`
	Account      string   `json:"account"`
	Conversation string   `json:"conversation"`
	Group        bool     `json:"group"`
	Text         string   `json:"text"`
	Context      []string `json:"context"`
	History      []struct {
		Role string `json:"role"`
		Text string `json:"text"`
	} `json:"history"`
	Attachments []struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Data    []byte `json:"data"`
		Omitted string `json:"omitted"`
	} `json:"attachments"`
}

// said is what an agent answers: with Code 0 the text and the files, else that code alone.
type said struct {
	Code  int        `json:"-"`
	Text  string     `json:"text"`
	Files []saidFile `json:"attachments,omitempty"`
}

type saidFile struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data []byte `json:"data"`
}

// bot is an agent that the test speaks for. Unless told otherwise it answers "re: " and the text.
type bot struct {
	URL   string
	mu    sync.Mutex
	turns []turn
	reply func(turn) said
}

func newBot(t *testing.T) *bot {
	t.Helper()
	b := &bot{}
	b.speak(func(q turn) said { return said{Text: "re: " + q.Text} })
	life := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q turn
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Errorf("the agent does not understand the request: %v", err)
		}
		b.mu.Lock()
		b.turns = append(b.turns, q)
		reply := b.reply
		b.mu.Unlock()
		heard := make(chan said, 1)
		go func() { heard <- reply(q) }()
		select {
		case <-life:
		case <-r.Context().Done():
		case a := <-heard:
			if a.Code != 0 {
				w.WriteHeader(a.Code)
				return
			}
			_ = json.NewEncoder(w).Encode(a) // the gateway may be gone
		}
	}))
	t.Cleanup(func() { close(life); s.CloseClientConnections(); s.Close() })
	b.URL = s.URL
	return b
}

// speak changes what the agent says from now on.
func (b *bot) speak(reply func(turn) said) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reply = reply
}

// asked lists the turns so far.
func (b *bot) asked() []turn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.turns)
}

// gotten finds the turn whose text contains something.
func (b *bot) gotten(text string) (turn, bool) {
	for _, q := range b.asked() {
		if strings.Contains(q.Text, text) {
			return q, true
		}
	}
	return turn{}, false
}

// sink takes the answers of webhook accounts. One reply counts once however often it is posted, as it has one id.
type sink struct {
	URL  string
	mu   sync.Mutex
	away bool                        // it answers 503 and takes nothing
	slow time.Duration               // it may take so long for a reply; one whose sender goes away meanwhile never came
	got  map[string]webhook.Callback // by the reply's id
	list []webhook.Callback          // the same in order of their first coming
}

func newSink(t *testing.T) *sink {
	t.Helper()
	k := &sink{got: map[string]webhook.Callback{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var c webhook.Callback
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			w.WriteHeader(http.StatusInternalServerError) // the gateway went away while it wrote
			return
		}
		if !k.patient(r.Context()) {
			return
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if _, known := k.got[c.ID]; !known {
			k.got[c.ID] = c
			k.list = append(k.list, c)
		}
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	k.URL = s.URL
	return k
}

// slowDown lets the sink take its time with each reply: up to so long, at random.
func (k *sink) slowDown(most time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.slow = most
}

// patient takes that time and tells whether the sender is still there.
func (k *sink) patient(sender context.Context) bool {
	k.mu.Lock()
	most := k.slow
	k.mu.Unlock()
	if most == 0 {
		return true
	}
	select {
	case <-time.After(rand.N(most)):
		return true
	case <-sender.Done():
		return false
	}
}

// goAway lets the sink take nothing, or everything again.
func (k *sink) goAway(away bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away = away
}

// answers counts the replies by the id of the message that they answer, which its text ends with: the agent echoes.
func (k *sink) answers() map[string]int {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]int{}
	for _, c := range k.list {
		out[c.Text[strings.LastIndexByte(c.Text, ' ')+1:]]++
	}
	return out
}

// another waits for one more reply.
func (k *sink) another(t *testing.T) {
	t.Helper()
	count := func() int {
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.list)
	}
	before := count()
	eventually(t, "another reply comes", func() (bool, string) { return count() > before, fmt.Sprint(before) })
}

// texts lists what was said in a conversation, in order.
func (k *sink) texts(conversation string) (out []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.list {
		if c.Conversation == conversation {
			out = append(out, c.Text)
		}
	}
	return out
}

// once waits until every id was answered, and fails if one was answered twice or without having been accepted.
func (k *sink) once(t *testing.T, ids map[string]bool) {
	t.Helper()
	eventually(t, "an answer to everything that was accepted", func() (bool, string) {
		got, missing := k.answers(), []string{}
		for id := range ids {
			if got[id] == 0 {
				missing = append(missing, id)
			}
		}
		slices.Sort(missing)
		return len(missing) == 0, strings.Join(missing, " ")
	})
	for id, n := range k.answers() {
		if n > 1 {
			t.Errorf("%s was answered %d times", id, n)
		}
	}
}

// steps takes what the misbehaving network tells of its runs.
type steps struct {
	URL string
	mu  sync.Mutex
	got []faulty.Step
}

func newSteps(t *testing.T) *steps {
	t.Helper()
	k := &steps{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var one faulty.Step
		if err := json.NewDecoder(r.Body).Decode(&one); err != nil {
			return // the gateway went away while it wrote
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.got = append(k.got, one)
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	k.URL = s.URL
	return k
}

// of lists the steps of one sort, in order.
func (k *steps) of(what string) (out []faulty.Step) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, one := range k.got {
		if one.What == what {
			out = append(out, one)
		}
	}
	return out
}

// all lists the steps of all sorts, in order.
func (k *steps) all() []faulty.Step {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.got)
}

// hungServer is asked and never says anything.
func hungServer(t *testing.T) string {
	t.Helper()
	life := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-life:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(life); s.CloseClientConnections(); s.Close() })
	return s.URL
}

// waitFor bounds a channel's wait.
func waitFor(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: not within %s", what, patience)
	}
}
