// Package faulty is a network that misbehaves as its settings say, to show that faults of one account stay its own.
// It is linked into test binaries only.
//
// It has a webhook like any other network, so that a test sees whether the path still answers while a run hangs, panics
// or is refused. Every step of an account is posted to the sink, if one is set, and kept in memory (Steps), so that
// tests see it from another process and from this one.
//
// Invariants: what hangs, hangs until Release and whatever its context does. What is not told to fail works.
package faulty

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"holdfast/channels"
	"holdfast/config"
)

// Name is how the channel is called in the configuration.
const Name = "faulty"

//go:embed sample.yaml
var sample []byte

// Fault is what goes wrong. Not every one fits every place; Validate says which do.
type Fault string

const (
	Nothing  Fault = ""
	Hang     Fault = "hang" // ignores its context
	Panic    Fault = "panic"
	Fail     Fault = "fail"   // an error that may pass
	Refuse   Fault = "refuse" // waits for the operator
	Return   Fault = "return" // ends without an error though its context has not ended
	Unknown  Fault = "unknown"
	NotSent  Fault = "notsent"
	Rejected Fault = "rejected"
)

// Settings of one account.
type Settings struct {
	channels.Common
	Path       string          `json:"path,omitempty"`
	Secret     config.Secret   `json:"secret"`
	Sink       string          `json:"sink,omitempty"`
	Run        Fault           `json:"run,omitempty"`
	Send       Fault           `json:"send,omitempty"`
	Interpret  Fault           `json:"interpret,omitempty"`
	FailStarts int             `json:"failStarts,omitempty"`
	Flood      int             `json:"flood,omitempty"`
	SendDelay  config.Duration `json:"sendDelay,omitempty"`
	Exclusive  bool            `json:"exclusive,omitempty"`
}

// Kind is the channel.
func Kind() channels.Kind {
	return channels.Kind{
		Name: Name, Sample: sample,
		Settings: func() channels.Settings {
			s := &Settings{Common: channels.DefaultCommon(), Path: "/faulty"}
			s.DMPolicy, s.AllowFrom = channels.Open, []string{"*"}
			return s
		},
		Routes: routes, Interpret: interpret, Connect: connect,
		Limits: channels.Limits{
			Text: 4000, Attachment: 1 << 20, RepeatWindow: time.Hour, Parallel: 2, SendWithin: 5 * time.Second,
		},
	}
}

// Overlaps unless the settings say that only one connection may exist.
func (s *Settings) Overlaps() bool { return !s.Exclusive }

// Validate names every fault of the settings, not those that they ask for.
func (s *Settings) Validate() []config.Problem {
	out := s.Common.Validate()
	if _, err := channels.Canonical(s.Path); err != nil {
		out = append(out, config.Problem{Path: "path", Got: s.Path, Want: "a path that begins with a slash"})
	}
	if s.Secret.IsZero() {
		out = append(out, config.Problem{Path: "secret", Want: "a secret that is not empty"})
	}
	for _, one := range []struct {
		path string
		got  Fault
		want []Fault
	}{
		{"run", s.Run, []Fault{Nothing, Hang, Panic, Fail, Refuse, Return}},
		{"send", s.Send, []Fault{Nothing, Hang, Panic, Unknown, NotSent, Rejected}},
		{"interpret", s.Interpret, []Fault{Nothing, Hang, Panic, Fail}},
	} {
		if !slices.Contains(one.want, one.got) {
			out = append(out, config.Problem{Path: one.path, Got: string(one.got), Want: fmt.Sprintf("one of %q", one.want)})
		}
	}
	if s.FailStarts < 0 || s.Flood < 0 || s.SendDelay < 0 {
		out = append(out, config.Problem{Path: "failStarts", Want: "failStarts, flood and sendDelay of 0 or more"})
	}
	return out
}

func routes(account channels.Account, settings channels.Settings) []channels.Route {
	s := settings.(*Settings)
	return []channels.Route{{
		Account: account, Path: s.Path, Methods: []string{"POST"},
		Auth: []channels.Auth{{
			Scheme: channels.SchemeSecret, Secrets: []config.Secret{s.Secret},
			Places: []channels.Place{{In: "header", Name: "Authorization", Strip: "Bearer "}},
		}},
		ID: channels.Selector{Path: "id"}, Disabled: !s.On(),
	}}
}

// interpret reads {"id", "conversation", "sender", "text"}, unless it is told otherwise.
func interpret(settings channels.Settings, r channels.Request) ([]channels.Arrival, error) {
	switch settings.(*Settings).Interpret {
	case Panic:
		panic("faulty: interpret was told to panic")
	case Hang:
		hang(r.Account)
	case Fail:
		return nil, errors.New("interpret: told to fail")
	}
	var doc struct{ ID, Conversation, Sender, Text string }
	if err := json.Unmarshal(r.Body, &doc); err != nil {
		return nil, fmt.Errorf("interpret: %w", err)
	}
	if doc.ID == "" {
		doc.ID = "request-" + strconv.FormatUint(r.Seq, 10)
	}
	if doc.Conversation == "" {
		doc.Conversation = "default"
	}
	return []channels.Arrival{{
		Account: r.Account, Origin: r.Seq, At: r.At, ID: doc.ID, Kind: channels.Message,
		Conversation: doc.Conversation, Sender: channels.Sender{ID: doc.Sender}, Text: doc.Text,
	}}, nil
}

// link is one life of one account.
type link struct {
	settings *Settings
	env      channels.Env
	client   *http.Client
}

func connect(s channels.Settings, env channels.Env) channels.Channel {
	return &link{settings: s.(*Settings), env: env, client: &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second,
	}}
}

// Run does what the settings say.
func (l *link) Run(ctx context.Context, in channels.Inbox) error {
	start := world.start(l.env.Account)
	l.tell(ctx, Step{What: Started})
	if l.settings.Exclusive {
		if holders := world.hold(l.env.Account, l.env.Run); holders > 1 {
			l.tell(ctx, Step{What: Conflict})
		}
		defer world.letGo(l.env.Account, l.env.Run)
	}
	defer l.tell(context.WithoutCancel(ctx), Step{What: Ended})
	if start <= l.settings.FailStarts {
		return fmt.Errorf("connect: told to fail, start %d of %d", start, l.settings.FailStarts)
	}
	switch l.settings.Run {
	case Panic:
		panic("faulty: run was told to panic")
	case Hang:
		in.Report(channels.Condition{Link: channels.Connected})
		hang(l.env.Account)
		return nil
	case Fail:
		return errors.New("connect: told to fail")
	case Refuse:
		return &channels.Refusal{Err: errors.New("log in: told to be refused"), Do: "take run: refuse out of the settings"}
	case Return:
		return nil
	}
	in.Report(channels.Condition{Link: channels.Connected})
	if err := l.flood(ctx, in); err != nil && ctx.Err() == nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// flood hands in items that Interpret understands, as fast as they are taken.
func (l *link) flood(ctx context.Context, in channels.Inbox) error {
	for i := range l.settings.Flood {
		id := fmt.Sprintf("flood-%d-%d", l.env.Run, i)
		body := fmt.Appendf(nil, `{"id":%q,"conversation":"flood","sender":"flood","text":"item %d"}`, id, i)
		if err := in.Take(ctx, []channels.Raw{{Form: "flood", ID: id, Body: body}}, fmt.Append(nil, i)); err != nil {
			return fmt.Errorf("hand in item %d: %w", i, err)
		}
	}
	return nil
}

// Send does what the settings say. The step is told before the fault, so that a test knows that it was reached.
func (l *link) Send(ctx context.Context, r channels.Reply) (channels.Receipt, error) {
	l.tell(ctx, Step{
		What: Sending, Seq: r.Seq, Conversation: r.Conversation, Text: r.Text, Part: r.Part, Attempt: r.Attempt, Nonce: r.Nonce,
	})
	err := errors.New("send: told to fail")
	switch l.settings.Send {
	case Panic:
		panic("faulty: send was told to panic")
	case Hang:
		hang(l.env.Account)
		return channels.Receipt{}, err
	case Unknown:
		return channels.Receipt{}, err
	case NotSent:
		return channels.Receipt{}, &channels.Failure{Outcome: channels.NotSent, Err: err}
	case Rejected:
		return channels.Receipt{}, &channels.Failure{Outcome: channels.Rejected, Err: err}
	}
	pause := time.NewTimer(l.settings.SendDelay.D())
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return channels.Receipt{}, &channels.Failure{Outcome: channels.NotSent, Err: ctx.Err()}
	}
	l.tell(ctx, Step{
		What: Sent, Seq: r.Seq, Conversation: r.Conversation, Text: r.Text, Part: r.Part, Attempt: r.Attempt, Nonce: r.Nonce,
	})
	return channels.Receipt{ID: fmt.Sprintf("faulty-%d", r.Seq), At: time.Now()}, nil
}
