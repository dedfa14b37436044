package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/channels"
)

const (
	// maxTakes is how many batches of one run may be on their way to the journal; further Takes wait.
	maxTakes = 8
	// MaxItems is how many items one Take may carry.
	MaxItems = 1000
	// intakePause is how long a Take waits before it offers its items again to a journal that takes nothing now.
	intakePause = time.Second
)

// inbox is the network's side of a run. Its methods run on the network's goroutines and may wait; they talk to the run by
// questions only.
type inbox struct {
	life    context.Context //nolint:containedctx // of the run: it ends when the run is fenced
	sys     *kit.System
	self    kit.Addr
	account channels.Account
	slots   chan struct{}
	nudge   chan struct{}

	mu      sync.Mutex
	cursor  []byte
	newest  uint64 // number of the take that set it
	webhook string
}

var _ channels.Inbox = (*inbox)(nil)

func newInbox(life context.Context, sys *kit.System, self kit.Addr, start Start) *inbox {
	return &inbox{
		life: life, sys: sys, self: self, account: start.Account, webhook: start.Webhook,
		slots: make(chan struct{}, maxTakes), nudge: make(chan struct{}, 1),
	}
}

// begin sets the cursor with which the network starts.
func (b *inbox) begin(cursor []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cursor = slices.Clone(cursor)
}

// Cursor is what the last committed Take carried; nil before the first.
func (b *inbox) Cursor() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.cursor)
}

// advance moves the cursor unless a later take did already.
func (b *inbox) advance(number uint64, cursor []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cursor != nil && number > b.newest {
		b.cursor, b.newest = cursor, number
	}
}

// Webhook is where the outside reaches the account's route now.
func (b *inbox) Webhook() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.webhook
}

func (b *inbox) readdress(webhook string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.webhook = webhook
}

// Nudge delivers a value when the gateway may have missed something.
func (b *inbox) Nudge() <-chan struct{} { return b.nudge }

func (b *inbox) poke() {
	select {
	case b.nudge <- struct{}{}:
	default: // one is waiting already; it says the same
	}
}

// Report says how the connection is. It waits until the run has heard it.
func (b *inbox) Report(c channels.Condition) {
	c.Facts = maps.Clone(c.Facts)
	_, _ = b.sys.Ask(b.life, b.self, Report{Condition: c}) // a run that is gone has nobody to tell
}

// Take waits until items and cursor are safe on disk. While the journal takes nothing it goes on offering them.
func (b *inbox) Take(ctx context.Context, items []channels.Raw, cursor []byte) error {
	if len(items) == 0 && cursor == nil {
		return nil
	}
	if len(items) > MaxItems {
		return fmt.Errorf("taking %d items of %s at once: at most %d are allowed; hand them in by parts", len(items), b.account, MaxItems)
	}
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	} // a fence answers all takes, so slots do not stay taken
	msg := Take{Requests: b.requests(items), Cursor: slices.Clone(cursor)}
	for {
		err := b.offer(ctx, msg)
		if !errors.Is(err, journal.ErrIntake) {
			return err
		}
		if err := b.pause(ctx); err != nil {
			return err
		}
	}
}

// offer asks once.
func (b *inbox) offer(ctx context.Context, msg Take) error {
	answer, err := b.sys.Ask(ctx, b.self, msg)
	switch {
	case errors.Is(err, kit.ErrGone):
		return channels.ErrGone
	case err != nil:
		return err
	}
	word := answer.(Taken)
	if word.Err == nil {
		b.advance(word.Number, msg.Cursor)
	}
	return word.Err
}

func (b *inbox) pause(ctx context.Context) error {
	timer := time.NewTimer(intakePause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.life.Done():
		return channels.ErrGone
	}
}

// requests copies what the network gave: it may use its buffers again.
func (b *inbox) requests(items []channels.Raw) []channels.Request {
	out := make([]channels.Request, len(items))
	for i, raw := range items {
		out[i] = channels.Request{Account: b.account, Form: raw.Form, ID: raw.ID, Body: slices.Clone(raw.Body), Claims: slices.Clone(raw.Claims)}
	}
	return out
}
