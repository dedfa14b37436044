package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast/channels"
	"holdfast/config"
)

// defaultConversation is the one that is meant where none is named.
const defaultConversation = "console"

// maxConversation is the length of a conversation's name in bytes.
const maxConversation = 200

// SayParams of console.say.
type SayParams struct {
	Account      channels.Account `json:"account" jsonschema:"description=such as console:try"`
	Text         string           `json:"text" jsonschema:"description=what a person would write to the agent"`
	Conversation string           `json:"conversation,omitempty" jsonschema:"description=each has a history of its own; default: console"`
	Wait         *config.Duration `json:"wait,omitempty" jsonschema:"description=for the answer; 0s waits for none; default and most: plugins.entries.console.config.wait"`
}

// SayResult of console.say.
type SayResult struct {
	ID       string   `json:"id"` // of the line, as the journal shows it
	Answered bool     `json:"answered" jsonschema:"description=false: the whole answer did not come in time; the line is safe and console.transcript will have it"`
	Answers  []string `json:"answers"` // in parts, as they were sent
}

// TranscriptParams of console.transcript.
type TranscriptParams struct {
	Account      channels.Account `json:"account" jsonschema:"description=such as console:try"`
	Conversation string           `json:"conversation,omitempty" jsonschema:"description=default: all"`
}

// TranscriptResult of console.transcript.
type TranscriptResult struct {
	Lines []Line `json:"lines"` // oldest first
}

func (d *desk) methods() []channels.Method {
	return []channels.Method{
		channels.NewMethod(Name+".say", "say something to the agent of a console account and wait for the answer", d.say),
		channels.NewMethod(Name+".transcript", "what was said in a console account, as far as it is kept", d.transcript).Reading(),
	}
}

// say hands a line in and waits for what is answered.
func (d *desk) say(ctx context.Context, p SayParams) (SayResult, error) {
	within, err := d.accept(&p)
	if err != nil {
		return SayResult{}, err
	}
	out := SayResult{ID: "line-" + rand.Text()}
	line := said{p.Conversation, p.Text}
	body, err := json.Marshal(line)
	if err != nil {
		return SayResult{}, fmt.Errorf("write the line down: %w", err)
	}
	inbox, w, err := d.begin(p.Account, out.ID, line)
	if err != nil {
		return SayResult{}, err
	}
	if err := inbox.Take(ctx, []channels.Raw{{Form: form, ID: out.ID, Body: body}}, nil); err != nil {
		d.unsay(p.Account, w)
		return SayResult{}, notTaken(p.Account, err)
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-w.whole:
	case <-timer.C:
	case <-ctx.Done():
	}
	out.Answers, out.Answered = d.end(p.Account, w)
	return out, nil
}

// accept checks what the schema cannot, and fills in the defaults.
func (d *desk) accept(p *SayParams) (within time.Duration, err error) {
	p.Conversation = cmp.Or(p.Conversation, defaultConversation)
	within, most := d.settings.Wait.D(), d.settings.Wait.D()
	if p.Wait != nil {
		within = p.Wait.D()
	}
	switch {
	case strings.TrimSpace(p.Text) == "":
		return 0, channels.BadParams("text: want something to say")
	case utf8.RuneCountInString(p.Text) > TextLimit:
		return 0, channels.BadParams("text: got %d characters, want at most %d", utf8.RuneCountInString(p.Text), TextLimit)
	case len(p.Conversation) > maxConversation:
		return 0, channels.BadParams("conversation: got %d bytes, want at most %d", len(p.Conversation), maxConversation)
	case within < 0 || within > most:
		return 0, channels.BadParams("wait: got %s, want a duration from 0s to %s, which is plugins.entries.console.config.wait", within, most)
	}
	return within, nil
}

// transcript reads what is kept.
func (d *desk) transcript(_ context.Context, p TranscriptParams) (TranscriptResult, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rooms[p.Account]
	if r == nil {
		return TranscriptResult{}, absent(p.Account, d.running())
	}
	out := TranscriptResult{Lines: []Line{}}
	for _, e := range r.lines {
		if p.Conversation == "" || p.Conversation == e.Conversation {
			out.Lines = append(out.Lines, e.Line)
		}
	}
	return out, nil
}

// absent says what to do about an account that takes no lines.
func absent(account channels.Account, running []string) error {
	switch {
	case account.Channel() != Name || account.Name() == "":
		return channels.BadParams("account: got %q, want an account of this channel such as console:try", account)
	case len(running) == 0:
		return fmt.Errorf("%s is not running, nor is any other console: add channels.console.accounts.%s and reload, or see gateway channels", account, account.Name())
	}
	return fmt.Errorf("%s is not running; %s is: see gateway channels", account, strings.Join(running, ", "))
}

// notTaken says what became of a line that was not handed in.
func notTaken(account channels.Account, err error) error {
	if errors.Is(err, channels.ErrGone) {
		return fmt.Errorf("%s is being restarted and took nothing: say it again", account)
	}
	return fmt.Errorf("hand the line in to %s: %w; whether it is safe is not known: see gateway journal ls --account %s before it is said again", account, err, account)
}
