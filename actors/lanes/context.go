package lanes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/channels"
)

const (
	maxContext     = 50  // lines that wait for the next turn; the oldest go first
	maxContextLine = 500 // bytes of one
)

// stateName names the value that holds the small state of a conversation: all but the entries of its history. There is none
// when there is nothing to say.
const stateName = "lane"

// stored is the state of a conversation. It is a value: what it points to is never changed.
type stored struct {
	past    past
	context []string
	turn    *turnMark
	notices notices
	older   []string // names of the values of the older form that it was read from: none of it has the present form
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

// smallState is the form of the small state in the journal.
type smallState struct {
	Turn    *turnMark `json:"turn,omitempty"`
	Notices notices   `json:"notices,omitzero"`
	Context []string  `json:"context,omitempty"`
	Next    uint64    `json:"next,omitempty"`  // of past
	Sizes   []byte    `json:"sizes,omitempty"` // of past
}

// newStored reads what the journal has. A value that cannot be read is as good as none: it is written anew.
func newStored(values map[string][]byte) stored {
	value, present := values[stateName]
	if !present {
		return olderStored(values)
	}
	var s smallState
	read(value, &s)
	out := stored{past: past{next: s.Next, sizes: s.Sizes}, context: s.Context, turn: s.Turn, notices: s.Notices}
	if !out.past.sound() {
		out.past = past{}
	}
	return out
}

// Names of the older form: each a value of its own, and the history whole in one.
const (
	olderHistory = "history"
	olderContext = "context"
	olderTurn    = "turn"
	olderNotices = "notices"
)

// olderStored reads the older form. The conversation's next step writes the present one.
func olderStored(values map[string][]byte) (out stored) {
	var said []backend.Entry
	read(values[olderHistory], &said)
	read(values[olderContext], &out.context)
	read(values[olderTurn], &out.turn)
	read(values[olderNotices], &out.notices)
	out.past = past{}.with(len(said), said...)
	for _, name := range []string{olderHistory, olderContext, olderTurn, olderNotices} {
		if _, there := values[name]; there {
			out.older = append(out.older, name)
		}
	}
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

// changes is what has to be written so that the journal has next. What is as it was is not even encoded.
func (st stored) changes(next stored, conversation string) (out []journal.Op) {
	for _, name := range st.older {
		out = append(out, journal.SetState{Conversation: conversation, Name: name})
	}
	if len(st.older) > 0 {
		st = stored{}
	}
	out = append(out, st.past.changes(next.past, conversation)...)
	if !st.same(next) {
		out = append(out, journal.SetState{Conversation: conversation, Name: stateName, Value: next.value()})
	}
	return out
}

// same tells whether two have the same small state.
func (st stored) same(o stored) bool {
	return equal(st.turn, o.turn) && st.notices == o.notices && slices.Equal(st.context, o.context) &&
		st.past.next == o.past.next && bytes.Equal(st.past.sizes, o.past.sizes)
}

// value encodes the small state. Numbers of entries begin anew when there is nothing left to say.
func (st stored) value() []byte {
	nothing := st.turn == nil && st.notices == notices{} && len(st.context) == 0 && len(st.past.sizes) == 0
	return write(smallState{Turn: st.turn, Notices: st.notices, Context: st.context, Next: st.past.next, Sizes: st.past.sizes}, nothing)
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
