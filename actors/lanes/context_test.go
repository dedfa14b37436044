package lanes

import (
	"strings"
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

func TestALineOfContext(t *testing.T) {
	bob, file := channels.Sender{ID: "bob", Name: "Bob"}, []channels.Attachment{{Name: "a.png"}}
	for _, c := range []struct {
		name string
		said channels.Arrival
		want string
	}{
		{"a message", channels.Arrival{Kind: channels.Message, Sender: bob, Text: "hi"}, "Bob: hi"},
		{"a message that is a file", channels.Arrival{Kind: channels.Message, Sender: bob, Attachments: file}, "Bob: [file: a.png]"},
		{"a message with nothing in it is none", channels.Arrival{Kind: channels.Message, Sender: bob}, ""},
		{"a sender without a name has an address", channels.Arrival{Kind: channels.Message, Sender: channels.Sender{ID: "bob"}, Text: "hi"}, "bob: hi"},
		{"a sender who is not known is somebody", channels.Arrival{Kind: channels.Retraction}, "Somebody took a message back"},
		{"a reaction", channels.Arrival{Kind: channels.Reaction, Sender: bob, Text: "👍"}, "Bob reacted to a message: 👍"},
		{"an edit", channels.Arrival{Kind: channels.Amendment, Sender: bob, ID: "m", Target: "m", Text: "hello"}, "Bob changed a message to: hello"},
		{"a preview", channels.Arrival{Kind: channels.Amendment, Sender: bob, ID: "n", Target: "m", Text: "a page"}, "Bob added to a message: a page"},
		{"a late file", channels.Arrival{Kind: channels.Amendment, Sender: bob, ID: "m", Target: "m", Attachments: file}, "Bob added to a message: [file: a.png]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &lane{group: []channels.Arrival{c.said}, purpose: forContext}
			if got := l.line(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestALineOfContextIsCutBetweenLetters(t *testing.T) {
	l := &lane{group: []channels.Arrival{{Kind: channels.Message, Sender: channels.Sender{ID: "bob"}, Text: strings.Repeat("ä", maxContextLine)}}}
	got := l.line()
	if len(got) > maxContextLine+len("…") || strings.ToValidUTF8(got, "?") != got || !strings.HasSuffix(got, "ä…") {
		t.Errorf("got %d bytes: %q", len(got), got)
	}
}

func TestNothingIsNoLine(t *testing.T) {
	if got := (stored{}).with(""); len(got.context) != 0 {
		t.Errorf("got %q", got.context)
	}
}

func TestAHistoryHasABoundInBytesToo(t *testing.T) {
	long := strings.Repeat("x", maxHistory/3)
	history := []backend.Entry{{Text: long}, {Text: long}, {Text: "second"}, {Text: long}, {Text: "last"}}
	got := trimmed(history, 50)
	if len(got) != 4 || got[3].Text != "last" {
		t.Errorf("%d entries are left", len(got))
	}
	if got := trimmed(history, 0); len(got) != 0 {
		t.Errorf("%d entries although none are wanted", len(got))
	}
}

func TestTheStateOfAConversationIsReadBackAsItWasWritten(t *testing.T) {
	want := stored{
		history: []backend.Entry{{Role: "user", Text: "hi", At: start}}, context: []string{"Bob: hi"},
		turn: &turnMark{ID: "1", Attempt: 2}, notices: notices{Late: true},
	}
	values := map[string][]byte{}
	for _, op := range (stored{}).changes(want, "c") {
		set := op.(journal.SetState)
		if values[set.Name] = set.Value; set.Conversation != "c" {
			t.Errorf("%s is written to %q", set.Name, set.Conversation)
		}
	}
	if diff := kittest.Diff(want, newStored(values)); diff != "" {
		t.Error(diff)
	}
	if ops := want.changes(want, "c"); len(ops) != 0 {
		t.Errorf("what had not changed is written: %v", ops)
	}
	for name := range values {
		values[name] = []byte("{[")
	}
	if diff := kittest.Diff(stored{}, newStored(values)); diff != "" {
		t.Errorf("what cannot be read is not none: %s", diff)
	}
}

func TestATurnIsKnownByItsNumberWhateverTheAccountIsCalled(t *testing.T) {
	st := stored{turn: &turnMark{ID: "bluebubbles:old/7", Attempt: 1}}
	for id, want := range map[string]bool{"bluebubbles:home/7": true, "bluebubbles:old/7": true, "bluebubbles:old/17": false} {
		if got := st.begun(id); got != want {
			t.Errorf("%s has begun: %v", id, got)
		}
	}
}
