package bluebubbles

import (
	"strings"
	"testing"
	"time"

	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

func none(string) bool { return false }

// tried is a reply whose first attempt began some time ago.
func tried(text string, ago time.Duration) channels.Reply {
	r := textReply(text)
	r.FirstTry = time.Now().Add(-ago)
	return r
}

func TestFindKnowsWhatWentOut(t *testing.T) {
	own := func(text string) bluebubblestest.Incoming {
		return bluebubblestest.Incoming{Chat: direct, FromMe: true, Text: text}
	}
	old := own("hello")
	old.Sent = time.Now().Add(-time.Hour)
	other := own("hello")
	other.Chat = "iMessage;-;someone@example.com"
	sms := own("hello")
	sms.Chat = "SMS;-;" + peerID
	cases := []struct {
		name  string
		table []bluebubblestest.Incoming
		reply channels.Reply
		found int // index in table; -1: proven not sent; -2: open
	}{
		{"the same text", []bluebubblestest.Incoming{own("hello")}, tried("hello", time.Second), 0},
		{"the text with white space around it", []bluebubblestest.Incoming{own("hello")}, tried(" hello\n", time.Second), 0},
		{"a text with typographic quotes", []bluebubblestest.Incoming{own("it’s “so”…")}, tried(`it's "so"...`, time.Second), 0},
		{"the exact text rather than one that reads alike", []bluebubblestest.Incoming{own("hello!"), own("hello")}, tried("hello", time.Second), 1},
		{"an emoji only where it is the same", []bluebubblestest.Incoming{own("👍"), own("🎉")}, tried("🎉", time.Second), 1},
		{"not another emoji", []bluebubblestest.Incoming{own("👍")}, tried("🎉", time.Hour), -1},
		{"text of other scripts", []bluebubblestest.Incoming{own("привет"), own("пока!")}, tried("пока", time.Second), 1},
		{"the same peer under another service", []bluebubblestest.Incoming{sms}, tried("hello", time.Second), 0},
		{"not a message of another chat", []bluebubblestest.Incoming{other}, tried("hello", time.Hour), -1},
		{"not a message from before", []bluebubblestest.Incoming{old}, tried("hello", 10*time.Minute), -1},
		{"not a message of the peer", []bluebubblestest.Incoming{{Chat: direct, Sender: peerID, Text: "hello"}}, tried("hello", time.Hour), -1},
		{"nothing, soon after the attempt", nil, tried("hello", time.Minute), -2},
		{"nothing, after the server's deadline", nil, tried("hello", textSettles+time.Second), -1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, bluebubblestest.Options{})
			var guids []string
			for _, m := range c.table {
				guids = append(guids, w.ReceiveMessage(m))
			}
			receipt, found, err := w.channel.Find(t.Context(), c.reply, none)
			switch {
			case c.found >= 0 && (err != nil || !found || receipt.ID != guids[c.found]):
				t.Errorf("got %+v, %t, %v, want message %d", receipt, found, err, c.found)
			case c.found == -1 && (found || err != nil):
				t.Errorf("got %+v, %t, %v, want proof that it was not sent", receipt, found, err)
			case c.found == -2 && (found || err == nil || !strings.Contains(err.Error(), "open until")):
				t.Errorf("got %+v, %t, %v, want an open outcome", receipt, found, err)
			}
		})
	}
}

func TestFindLeavesOutWhatOtherRepliesClaim(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	first, err := w.channel.Send(t.Context(), textReply("ok"))
	if err != nil {
		t.Fatal(err)
	}
	w.Inject(bluebubblestest.SentUnmatched.On("message/text"))
	_, err = w.channel.Send(t.Context(), textReply("ok"))
	outcomeIs(t, err, channels.Unknown)
	receipt, found, err := w.channel.Find(t.Context(), tried("ok", time.Second), func(id string) bool { return id == first.ID })
	if err != nil || !found || receipt.ID != w.Sent()[1].GUID {
		t.Fatalf("got %+v, %t, %v", receipt, found, err)
	}
}

func TestFindGoesThroughAllPages(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	for range pageSize + 10 {
		w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, FromMe: true, Text: "other"})
	}
	last := w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, FromMe: true, Text: "hello"})
	receipt, found, err := w.channel.Find(t.Context(), tried("hello", time.Second), none)
	if err != nil || !found || receipt.ID != last {
		t.Fatalf("got %+v, %t, %v", receipt, found, err)
	}
}

func TestFindOfFiles(t *testing.T) {
	file := func(name string) bluebubblestest.Incoming {
		return bluebubblestest.Incoming{Chat: direct, FromMe: true, Files: []bluebubblestest.File{{Name: name, Content: []byte("x")}}}
	}
	text := bluebubblestest.Incoming{Chat: direct, FromMe: true, Text: "look"}
	reply := func(text string, ago time.Duration, names ...string) channels.Reply {
		r := tried(text, ago)
		for _, n := range names {
			r.Attachments = append(r.Attachments, channels.Attachment{Name: n})
		}
		return r
	}
	cases := []struct {
		name  string
		table []bluebubblestest.Incoming
		reply channels.Reply
		want  string // found, open, partly, not sent
	}{
		{"a file that was converted", []bluebubblestest.Incoming{file("Voice.caf")}, reply("", time.Second, "voice.mp3"), "found"},
		{"a text and two files", []bluebubblestest.Incoming{text, file("a.png"), file("b.png")}, reply("look", time.Second, "a.png", "b.png"), "found"},
		{"only one of two files", []bluebubblestest.Incoming{file("a.png")}, reply("", time.Hour, "a.png", "b.png"), "partly"},
		{"only the text", []bluebubblestest.Incoming{text}, reply("look", time.Hour, "a.png"), "partly"},
		{"two files of one name, once there", []bluebubblestest.Incoming{file("a.png")}, reply("", time.Hour, "a.png", "a.png"), "partly"},
		{"nothing while an upload may go on", nil, reply("", 10*time.Minute, "a.png"), "open"},
		{"nothing after that", nil, reply("", attachmentSettles+time.Second, "a.png"), "not sent"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, bluebubblestest.Options{})
			for _, m := range c.table {
				w.ReceiveMessage(m)
			}
			_, found, err := w.channel.Find(t.Context(), c.reply, none)
			got := "not sent"
			switch {
			case found:
				got = "found"
			case err != nil && strings.Contains(err.Error(), "open until"):
				got = "open"
			case err != nil && strings.Contains(err.Error(), "parts went out"):
				got = "partly"
			}
			if got != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestFindProvesNothingWhileTheServerIsAway(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.Stop()
	_, found, err := w.channel.Find(t.Context(), tried("hello", time.Hour), none)
	if found || err == nil || leaks(err.Error()) {
		t.Fatalf("got %t, %v", found, err)
	}
}

func TestFindKnowsTheMacsClock(t *testing.T) {
	slow := func() time.Time { return time.Now().Add(-10 * time.Minute) }
	w := newWorld(t, bluebubblestest.Options{Now: slow})
	if _, err := w.channel.Send(t.Context(), textReply("hello")); err != nil {
		t.Fatal(err)
	}
	if _, found, err := w.channel.Find(t.Context(), tried("hello", time.Second), none); !found || err != nil {
		t.Fatalf("not found on a Mac whose clock is slow: %v", err)
	}
	if err := w.channel.probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if off := w.channel.facts()["clockOff"]; off != "-10m0s" {
		t.Fatalf("clockOff is %q", off)
	}
}

func TestAMessageCountsForOnePieceOnly(t *testing.T) {
	m := newMatches(channels.Reply{Attachments: []channels.Attachment{{Name: "a.png"}, {Name: "a.png"}}})
	one := own{sentMessage: sentMessage{GUID: "A"}, files: []string{"a.png"}}
	m.offer(one)
	m.offer(one) // pages may overlap when rows come in between
	if _, found, err := m.result(); found || err == nil {
		t.Fatalf("one message passes for two: %t, %v", found, err)
	}
}
