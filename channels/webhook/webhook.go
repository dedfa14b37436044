// Package webhook is the generic channel: any program that posts JSON talks to an agent. It is also the simplest whole
// network, and the one to copy for a new kind.
//
// A message comes in by the account's route, which is data, and means what the configured paths select. An answer goes
// out in one of two ways. With a callback URL it is posted there, signed by Standard Webhooks. Without one the sender
// fetches it: the answer to its post carries a ticket, and the journal keeps the replies.
//
// Invariants:
//   - Routes, Interpret and Validate are pure, and Run connects to nothing.
//   - A reply has the same id in every attempt, so a receiver that knows it can drop the repeat. That is what makes it
//     right to repeat an attempt whose outcome is not known.
//   - No error holds the callback's URL or a secret: of the URL only its host.
package webhook

import (
	"context"
	_ "embed"
	"net/http"
	"time"

	"holdfast/channels"
)

// Name is how the channel is called in the configuration.
const Name = "webhook"

// What the channel allows.
const (
	TextLimit       = 100_000        // characters in one message
	AttachmentLimit = 8 << 20        // bytes of one file in a callback
	repeatWindow    = 72 * time.Hour // senders that give up do so within three days
	sendWithin      = 30 * time.Second
	idleFor         = 10 * time.Second // of a connection to the receiver: what a burst opened is closed again soon
	parallel        = 32               // callbacks at once, one per conversation: each waits for two writes of the journal besides the receiver
)

//go:embed sample.yaml
var sample []byte

// Kind is the channel.
func Kind() channels.Kind {
	return channels.Kind{
		Name: Name, Sample: sample,
		Settings: func() channels.Settings { return newSettings() },
		Routes:   routes, Interpret: interpret, Connect: connect,
		Limits: channels.Limits{
			Quotes: true, Text: TextLimit, Attachment: AttachmentLimit, RepeatWindow: repeatWindow, Parallel: parallel, SendWithin: sendWithin,
		},
	}
}

// link is one life of one account. There is nothing to connect to; it lives to send.
type link struct {
	settings *Settings
	env      channels.Env
	client   *http.Client
}

func connect(s channels.Settings, env channels.Env) channels.Channel {
	return &link{settings: s.(*Settings), env: env, client: newClient()}
}

// Run waits. Whether the callback's server is there shows when a reply goes out; asking before would tell nothing that
// still holds then.
func (l *link) Run(ctx context.Context, in channels.Inbox) error {
	in.Report(channels.Condition{Link: channels.Connected, Facts: map[string]string{"replies": l.way()}})
	<-ctx.Done()
	l.client.CloseIdleConnections()
	return nil
}

// way says in one word how answers leave.
func (l *link) way() string {
	if l.settings.CallbackURL.IsZero() {
		return "fetched"
	}
	return "posted"
}

// Send posts the reply to the callback. Without one there is nothing to do: the journal has the reply, and the sender
// fetches it from there.
func (l *link) Send(ctx context.Context, r channels.Reply) (channels.Receipt, error) {
	if l.settings.CallbackURL.IsZero() {
		return channels.Receipt{ID: "kept", At: time.Now()}, nil
	}
	return l.post(ctx, r)
}

// Find is asked for a reply whose attempt a crash cut off. The answer is always that it did not go out, so that it is posted
// again: its id is the same, and the receiver drops it if the first one arrived.
func (l *link) Find(context.Context, channels.Reply, func(id string) bool) (receipt channels.Receipt, found bool, err error) {
	return channels.Receipt{}, false, nil
}
