package bluebubbles

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

// serve runs a server for a test and returns its address.
func serve(t *testing.T, s *http.Server) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return "http://" + l.Addr().String()
}

var picture = bluebubblestest.File{Name: "IMG.HEIC", Type: "image/heic", Content: []byte(strings.Repeat("picture ", 1000))}

// updated is an update of a message as its webhook brings it: without chat.
func updated(kind channels.ArrivalKind, id, version string) channels.Arrival {
	return channels.Arrival{ID: id, Kind: kind, Version: version, Sender: channels.Sender{ID: peerID}, Text: "before", Incomplete: true}
}

func TestCompleteFindsTheChat(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	guid := w.Receive(group, peerID, "hi")
	w.Edit(guid, "now")
	cases := []struct {
		name string
		a    channels.Arrival
		text string
	}{
		{"of a message, with its text as of now", updated(channels.Message, guid, ""), "now"},
		{"of an edit, with its text as of now", updated(channels.Amendment, guid, versionEdit+"1:2"), "now"},
		{"of an attachment, whose text is not its own", updated(channels.Amendment, guid, versionAttachment+"x"), "before"},
		{"of a reaction", updated(channels.Reaction, guid, ""), "before"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, err := w.channel.Complete(t.Context(), c.a, 1)
			if err != nil || a.Incomplete || a.Conversation != group || !a.Group || a.Text != c.text || a.Sent.IsZero() {
				t.Fatalf("got %+v, %v", a, err)
			}
		})
	}
}

func TestCompleteWaitsForWhatComesLate(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	guid := w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, LateFiles: true, LateChat: true})
	a := channels.Arrival{ID: guid, Kind: channels.Message, Sender: channels.Sender{ID: peerID}, Incomplete: true}
	complete := func(try int) {
		t.Helper()
		var err error
		if a, err = w.channel.Complete(t.Context(), a, try); err != nil {
			t.Fatal(err)
		}
	}
	complete(1)
	if !a.Incomplete || a.Conversation != "" {
		t.Fatalf("got %+v", a)
	}
	w.JoinChat(guid)
	complete(2)
	if !a.Incomplete || a.Conversation != direct {
		t.Fatalf("got %+v", a)
	}
	w.JoinFiles(guid, picture)
	complete(3)
	if a.Incomplete || len(a.Attachments) != 1 || a.Attachments[0].Name != "IMG.HEIC.jpeg" || len(a.Covers) != 1 {
		t.Fatalf("got %+v", a)
	}
}

func TestCompleteGivesUp(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	empty := w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID})
	a, err := w.channel.Complete(t.Context(), updated(channels.Message, empty, ""), completeTries)
	if err != nil || a.Incomplete || a.Conversation != direct || a.Text != "" {
		t.Fatalf("a message without content: %+v, %v", a, err)
	}
	astray := w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Text: "hi", LateChat: true})
	_, err = w.channel.Complete(t.Context(), updated(channels.Message, astray, ""), completeTries)
	outcomeIs(t, err, channels.Rejected)
	nobodys := updated(channels.Message, w.ReceiveMessage(bluebubblestest.Incoming{Chat: group, Text: "hi"}), "")
	nobodys.Sender = channels.Sender{}
	_, err = w.channel.Complete(t.Context(), nobodys, completeTries)
	outcomeIs(t, err, channels.Rejected)
	_, err = w.channel.Complete(t.Context(), updated(channels.Message, "8A000000-0000-4000-8000-000000000000", ""), 1)
	outcomeIs(t, err, channels.Rejected)
	w.Stop()
	_, err = w.channel.Complete(t.Context(), updated(channels.Message, empty, ""), completeTries)
	outcomeIs(t, err, channels.Unknown)
}

func TestCompleteOfAMessageTakenBackIsEmpty(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	guid := w.Receive(direct, peerID, "oops")
	w.Unsend(guid)
	a, err := w.channel.Complete(t.Context(), updated(channels.Message, guid, ""), 1)
	if err != nil || a.Incomplete || a.Text != "" || a.Conversation != direct {
		t.Fatalf("got %+v, %v", a, err)
	}
}

func TestFetchStreamsAFile(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	guid := w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Files: []bluebubblestest.File{picture}})
	body, err := w.channel.Fetch(t.Context(), channels.Attachment{ID: "at_0_" + guid, Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || string(got) != string(picture.Content) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
}

func TestFetchTellsLaterFromNever(t *testing.T) {
	missing := picture
	missing.Missing = true
	w := newWorld(t, bluebubblestest.Options{})
	guid := w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Files: []bluebubblestest.File{missing}})
	file := channels.Attachment{ID: "at_0_" + guid, Name: "x"}
	_, err := w.channel.Fetch(t.Context(), file)
	outcomeIs(t, err, channels.Unknown)
	_, err = w.channel.Fetch(t.Context(), channels.Attachment{ID: "at_0_8A000000-0000-4000-8000-000000000000"})
	outcomeIs(t, err, channels.Rejected)
	w.Download(guid)
	w.Inject(bluebubblestest.Fault{Path: "attachment/:guid/download", CutBody: true})
	body, err := w.channel.Fetch(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadAll(body); err == nil {
		t.Fatal("half a file passes for a whole one")
	}
}
