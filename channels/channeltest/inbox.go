package channeltest

import (
	"context"
	"slices"
	"sync"

	"holdfast/channels"
)

// Inbox is a channels.Inbox in memory. What Take was given is "safe" when Take returned nil. Make it with NewInbox.
type Inbox struct {
	nudge chan struct{}

	mu         sync.Mutex
	items      []channels.Raw
	cursor     []byte
	conditions []channels.Condition
	begun      int // calls of Take so far
	fail       error
	hold       chan struct{} // open while calls of Take have to wait
}

var _ channels.Inbox = (*Inbox)(nil)

// NewInbox starts with the cursor of an earlier run; nil if there was none.
func NewInbox(cursor []byte) *Inbox {
	return &Inbox{nudge: make(chan struct{}, 1), cursor: slices.Clone(cursor)}
}

// Cursor is what the last Take left.
func (b *Inbox) Cursor() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.cursor)
}

// Take keeps the items and the cursor, at once or when Hold's release is called.
func (b *Inbox) Take(ctx context.Context, items []channels.Raw, cursor []byte) error {
	b.mu.Lock()
	b.begun++
	hold := b.hold
	b.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, one := range items {
		one.Body = slices.Clone(one.Body)
		b.items = append(b.items, one)
	}
	if cursor != nil {
		b.cursor = slices.Clone(cursor)
	}
	return nil
}

// Report keeps the condition.
func (b *Inbox) Report(c channels.Condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conditions = append(b.conditions, c)
}

// Nudge delivers what Poke sends.
func (b *Inbox) Nudge() <-chan struct{} { return b.nudge }

// Poke makes the network look for what it missed. At most one is pending.
func (b *Inbox) Poke() {
	select {
	case b.nudge <- struct{}{}:
	default:
	}
}

// Hold makes calls of Take wait for release, as a slow disk would. Calling release twice is harmless.
func (b *Inbox) Hold() (release func()) {
	gate := make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold = gate
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.hold == gate {
			b.hold = nil
		}
		close(gate)
	})
}

// Webhook is an address that nobody serves.
func (*Inbox) Webhook() string { return "http://127.0.0.1:18789/contract" }

// Fail makes every later Take return err, such as channels.ErrGone; nil ends that.
func (b *Inbox) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

// Items are those that were taken, in order.
func (b *Inbox) Items() []channels.Raw {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.items)
}

// Begun counts calls of Take, also those that wait or failed.
func (b *Inbox) Begun() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
}

// Conditions are all that were reported, in order.
func (b *Inbox) Conditions() []channels.Condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.conditions)
}

// Link is how the connection was last reported; empty before the first report.
func (b *Inbox) Link() channels.Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.conditions) == 0 {
		return ""
	}
	return b.conditions[len(b.conditions)-1].Link
}
