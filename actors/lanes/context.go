package lanes

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/channels"
)

const (
	maxContext     = 50        // lines that wait for the next turn; the oldest go first
	maxContextLine = 500       // bytes of one
	maxHistory     = 256 << 10 // bytes of text of a conversation's history; the oldest go first
)

// Names of a conversation's state in the journal.
const (
	statePrefix = "" // all that there is of a conversation; others keep nothing large there
	historyName = "history"
	contextName = "context"
	turnName    = "turn"
	noticesName = "notices"
)

// stored is the state of a conversation. It is a value: what it points to is never changed.
type stored struct {
	history []backend.Entry
	context []string
	turn    *turnMark
	notices notices
}

// turnMark says which turn may have begun.
type turnMark struct {
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
}

// notices says what the sender has been told since the last answer.
type notices struct {
	Late    bool `json:"late,omitempty"`
	Expired bool `json:"expired,omitempty"`
}

// newStored reads what the journal has. A value that cannot be read is as good as none: it is written anew.
func newStored(values map[string][]byte) stored {
	var out stored
	read(values[historyName], &out.history)
	read(values[contextName], &out.context)
	read(values[turnName], &out.turn)
	read(values[noticesName], &out.notices)
	return out
}

func read[T any](value []byte, into *T) {
	var got T
	if json.Unmarshal(value, &got) == nil {
		*into = got
	}
}

// write is nil for nothing, which deletes.
func write(v any, nothing bool) []byte {
	if nothing {
		return nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own flat types cannot fail
	}
	return out
}

// changes is what has to be written so that the journal has next. A history may be as long as it is allowed to be, and most
// steps do not change it: what is as it was is not even encoded.
func (st stored) changes(next stored, conversation string) (out []journal.Op) {
	set := func(name string, value []byte) {
		out = append(out, journal.SetState{Conversation: conversation, Name: name, Value: value})
	}
	if !slices.Equal(st.history, next.history) {
		set(historyName, write(next.history, len(next.history) == 0))
	}
	if !slices.Equal(st.context, next.context) {
		set(contextName, write(next.context, len(next.context) == 0))
	}
	if !equal(st.turn, next.turn) {
		set(turnName, write(next.turn, next.turn == nil))
	}
	if st.notices != next.notices {
		set(noticesName, write(next.notices, next.notices == notices{}))
	}
	return out
}

func equal(a, b *turnMark) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// begun tells whether a turn of that ID may have begun. Its number says so: the account may have been called otherwise then.
func (st stored) begun(id string) bool {
	return st.turn != nil && path.Base(st.turn.ID) == path.Base(id)
}

// with adds a line to what the next turn is told.
func (st stored) with(line string) stored {
	if line == "" {
		return st
	}
	lines := append(slices.Clip(st.context), line)
	st.context = lines[max(0, len(lines)-maxContext):]
	return st
}

// answered is the state after a turn.
func (st stored) answered(m channels.Arrival, answer backend.Answer, now time.Time, limit int) stored {
	history := append(slices.Clip(st.history), backend.Entry{Role: "user", Name: nameOf(m.Sender), Text: m.Text + files(m.Attachments), At: m.At})
	if answer.Text != "" || len(answer.Attachments) > 0 {
		history = append(history, backend.Entry{Role: "assistant", Text: answer.Text + files(answer.Attachments), At: now})
	}
	st.history, st.context = trimmed(history, limit), nil
	return st
}

// trimmed is the end of a history that fits.
func trimmed(history []backend.Entry, limit int) []backend.Entry {
	history = history[max(0, len(history)-max(0, limit)):]
	size := 0
	for i := len(history) - 1; i >= 0; i-- {
		if size += len(history[i].Text); size > maxHistory {
			return history[i+1:]
		}
	}
	return history
}

// files names attachments in a history, which keeps no files.
func files(list []channels.Attachment) string {
	var out strings.Builder
	for _, f := range list {
		fmt.Fprintf(&out, "\n[file: %s]", f.Name)
	}
	return out.String()
}

func nameOf(s channels.Sender) string {
	if s.Name != "" {
		return s.Name
	}
	return s.ID
}

// line is what the agent is told of a group that starts no turn of its own.
func (l *lane) line() string {
	m := l.merged()
	who := nameOf(m.Sender)
	if who == "" {
		who = "Somebody"
	}
	out := ""
	switch {
	case m.Kind == channels.Reaction:
		out = fmt.Sprintf("%s reacted to a message: %s", who, m.Text)
	case m.Kind == channels.Retraction:
		out = who + " took a message back"
	case m.Kind == channels.Amendment && m.Text != "" && m.ID == m.Target:
		out = fmt.Sprintf("%s changed a message to: %s", who, m.Text)
	case m.Kind == channels.Amendment:
		out = fmt.Sprintf("%s added to a message: %s", who, strings.TrimSpace(m.Text+files(m.Attachments)))
	case m.Text != "" || len(m.Attachments) > 0:
		out = fmt.Sprintf("%s: %s", who, strings.TrimSpace(m.Text+files(m.Attachments)))
	}
	if len(out) > maxContextLine {
		out = strings.ToValidUTF8(out[:maxContextLine], "") + "…"
	}
	return out
}
