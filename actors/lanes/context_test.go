package lanes

import (
	"strings"
	"testing"

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

func TestATurnIsKnownByItsNumberWhateverTheAccountIsCalled(t *testing.T) {
	st := stored{turn: &turnMark{ID: "bluebubbles:old/7", Attempt: 1}}
	for id, want := range map[string]bool{"bluebubbles:home/7": true, "bluebubbles:old/7": true, "bluebubbles:old/17": false} {
		if got := st.begun(id); got != want {
			t.Errorf("%s has begun: %v", id, got)
		}
	}
}
