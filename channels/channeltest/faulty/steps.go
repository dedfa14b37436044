package faulty

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"

	"holdfast/channels"
)

// What a Step tells.
const (
	Started  = "started"  // a run began
	Ended    = "ended"    // it returned, or panicked
	Conflict = "conflict" // it found another run holding the account's exclusive connection
	Sending  = "sending"  // Send was called
	Sent     = "sent"     // the message counts as delivered
)

// Step is one thing that happened, as posted to the sink.
type Step struct {
	What         string           `json:"what"`
	Account      channels.Account `json:"account"`
	Run          uint64           `json:"run"`
	Seq          uint64           `json:"seq,omitempty"`
	Conversation string           `json:"conversation,omitempty"`
	Text         string           `json:"text,omitempty"`
	Part         int              `json:"part,omitempty"`
	Attempt      int              `json:"attempt,omitempty"`
	Nonce        string           `json:"nonce,omitempty"`
}

// tell keeps a step and posts it to the sink. A sink that does not take it changes nothing.
func (l *link) tell(ctx context.Context, s Step) {
	s.Account, s.Run = l.env.Account, l.env.Run
	world.keep(s)
	if l.settings.Sink == "" {
		return
	}
	body, err := json.Marshal(s)
	if err != nil {
		return // a Step has nothing that cannot be written
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.settings.Sink, bytes.NewReader(body))
	if err != nil {
		l.env.Log.Error().Msg("the sink's address cannot be used")
		return
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := l.client.Do(req)
	if err != nil {
		l.env.Log.Debug().Msg("the sink did not take a step")
		return
	}
	_ = res.Body.Close() // nothing in it matters
}

// registry is the world outside of the gateway: what the network itself knows of its accounts. It lives as long as the
// process, because it has to see what one run leaves to the next.
type registry struct {
	mu       sync.Mutex
	accounts map[channels.Account]*state
}

type state struct {
	starts   int
	holders  []uint64 // runs that hold the exclusive connection
	most     int      // of holders, ever
	steps    []Step
	released chan struct{}
}

// keptSteps bounds the memory of one account.
const keptSteps = 10_000

var world = registry{accounts: map[channels.Account]*state{}}

// of returns an account's state; the lock is held.
func (w *registry) of(a channels.Account) *state {
	s := w.accounts[a]
	if s == nil {
		s = &state{released: make(chan struct{})}
		w.accounts[a] = s
	}
	return s
}

// start counts the account's runs, from 1.
func (w *registry) start(a channels.Account) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.of(a)
	s.starts++
	return s.starts
}

// hold takes the exclusive connection and returns how many runs have it now.
func (w *registry) hold(a channels.Account, run uint64) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.of(a)
	s.holders = append(s.holders, run)
	s.most = max(s.most, len(s.holders))
	return len(s.holders)
}

func (w *registry) letGo(a channels.Account, run uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.of(a)
	if i := slices.Index(s.holders, run); i >= 0 {
		s.holders = slices.Delete(s.holders, i, i+1)
	}
}

func (w *registry) keep(one Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.of(one.Account)
	if len(s.steps) < keptSteps {
		s.steps = append(s.steps, one)
	}
}

// hang returns when the account is released.
func hang(a channels.Account) {
	world.mu.Lock()
	gate := world.of(a).released
	world.mu.Unlock()
	<-gate
}

// Release lets everything go on that hangs for the account, now and later.
func Release(a channels.Account) {
	world.mu.Lock()
	defer world.mu.Unlock()
	s := world.of(a)
	select {
	case <-s.released:
	default:
		close(s.released)
	}
}

// Forget begins the account anew: no starts, no steps, no holders. What hangs goes on.
func Forget(a channels.Account) {
	Release(a)
	world.mu.Lock()
	defer world.mu.Unlock()
	delete(world.accounts, a)
}

// Steps are those of the account so far, at most ten thousand.
func Steps(a channels.Account) []Step {
	world.mu.Lock()
	defer world.mu.Unlock()
	return slices.Clone(world.of(a).steps)
}

// Holders says how many runs hold the account's exclusive connection now, and how many at most ever did.
func Holders(a channels.Account) (now, most int) {
	world.mu.Lock()
	defer world.mu.Unlock()
	s := world.of(a)
	return len(s.holders), s.most
}
