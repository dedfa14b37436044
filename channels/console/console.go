// Package console is a channel without a network: the operator talks to an agent from the admin socket, to see that the
// whole way of a message works - journal, access, agent, answer - before any chat platform is involved.
//
// It is a plugin, off until it is enabled: a kind, whose accounts are rooms in which nobody but the operator is, and two
// methods, console.say and console.transcript. What a line goes through is what every message goes through.
//
// Invariants:
//   - An instance keeps what it knows in its desk, and nothing outside of it: transcripts live as long as the instance does.
//   - A line is safe in the journal before anybody waits for its answer, so a wait that ends early loses nothing.
//   - Transcripts hold the newest lines only, at most so many per account as is set.
package console

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"holdfast/channels"
)

// Name is how the plugin and its channel are called in the configuration.
const Name = "console"

// What the channel allows.
const (
	TextLimit    = 20_000         // characters in one line
	repeatWindow = 24 * time.Hour // ids are random, so none is repeated
	sendWithin   = 10 * time.Second
)

// operator is the one who writes.
const operator = "operator"

// form names the shape of a request: a line as json.
const form = "line"

var (
	//go:embed sample.yaml
	sample []byte
	//go:embed plugin.yaml
	pluginSample []byte
)

// Plugin is the console.
func Plugin() channels.Plugin {
	return channels.Plugin{
		Name: Name, Version: channels.BuiltIn, Optional: true, Sample: pluginSample,
		Settings: func() channels.PluginSettings { return newSettings() },
		Offer:    func(s channels.PluginSettings) channels.Offer { return newDesk(*s.(*Settings)).offer() },
	}
}

func (d *desk) offer() channels.Offer {
	return channels.Offer{Kinds: []channels.Kind{d.kind()}, Methods: d.methods()}
}

// kind is the channel of this instance.
func (d *desk) kind() channels.Kind {
	return channels.Kind{
		Name: Name, Sample: sample,
		Settings:  func() channels.Settings { return newAccount() },
		Routes:    func(channels.Account, channels.Settings) []channels.Route { return nil },
		Interpret: interpret,
		Connect: func(_ channels.Settings, env channels.Env) channels.Channel {
			return &link{desk: d, account: env.Account}
		},
		Limits: channels.Limits{
			Quotes: true, Text: TextLimit, Attachment: 8 << 20, RepeatWindow: repeatWindow, Parallel: 4, SendWithin: sendWithin,
		},
	}
}

// said is a line on its way to the agent, as the journal keeps it.
type said struct {
	Conversation string `json:"conversation"`
	Text         string `json:"text"`
}

// interpret makes one message of one line.
func interpret(_ channels.Settings, r channels.Request) ([]channels.Arrival, error) {
	if r.Form != form {
		return nil, fmt.Errorf("interpret a line: got the form %q, want %q: only console.say hands lines in", r.Form, form)
	}
	var line said
	if err := json.Unmarshal(r.Body, &line); err != nil {
		return nil, fmt.Errorf("interpret a line: %w", err)
	}
	if line.Text == "" {
		return nil, fmt.Errorf("interpret a line: there is no text in it")
	}
	return []channels.Arrival{{
		Account: r.Account, Origin: r.Seq, At: r.At, ID: cmp.Or(r.ID, fmt.Sprintf("request-%d", r.Seq)), Kind: channels.Message,
		Conversation: cmp.Or(line.Conversation, defaultConversation),
		Sender:       channels.Sender{ID: operator, Name: operator}, Text: line.Text,
	}}, nil
}

// link is one life of one account.
type link struct {
	desk    *desk
	account channels.Account
}

// Run lets the operator in and waits.
func (l *link) Run(ctx context.Context, in channels.Inbox) error {
	leave := l.desk.enter(l.account, in)
	defer leave()
	in.Report(channels.Condition{Link: channels.Connected})
	<-ctx.Done()
	return nil
}

// Send writes the reply down and gives it to whoever waits for it.
func (l *link) Send(_ context.Context, r channels.Reply) (channels.Receipt, error) {
	return l.desk.heard(l.account, r), nil
}

// Find looks into the transcript. What a crash cut off is not there, for the transcript went with it, and is written down
// again.
func (l *link) Find(_ context.Context, r channels.Reply, _ func(id string) bool) (receipt channels.Receipt, found bool, err error) {
	receipt, found = l.desk.find(l.account, r)
	return receipt, found, nil
}
