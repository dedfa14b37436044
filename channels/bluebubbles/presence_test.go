package bluebubbles

import (
	"strings"
	"testing"

	"holdfast/channels/bluebubbles/bluebubblestest"
)

func TestTypingIsShown(t *testing.T) {
	ready := bluebubblestest.Options{PrivateAPI: true, Helper: true}
	later := ready
	later.Version, later.StopTyping = "1.9.10", true
	off := func(s *Settings) { s.Typing = false }
	cases := []struct {
		name    string
		options bluebubblestest.Options
		alter   func(*Settings)
		steps   []bool
		want    bool
		calls   int
	}{
		{"with the Private API", ready, nil, []bool{true}, true, 1},
		{"not ended where the call to end it begins it", ready, nil, []bool{false}, false, 0},
		{"ended by a later server", later, nil, []bool{true, false}, false, 2},
		{"not without the Private API", bluebubblestest.Options{}, nil, []bool{true, false}, false, 0},
		{"not while the helper is missing", bluebubblestest.Options{PrivateAPI: true}, nil, []bool{true}, false, 0},
		{"not where the account does not want it", ready, off, []bool{true, false}, false, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.options)
			if c.alter != nil {
				c.alter(w.channel.settings)
			}
			for _, on := range c.steps {
				if err := w.channel.Typing(t.Context(), direct, on); err != nil {
					t.Fatal(err)
				}
			}
			calls := w.Requests()["POST chat/:guid/typing"] + w.Requests()["DELETE chat/:guid/typing"]
			if w.Typing(direct) != c.want || calls != c.calls {
				t.Errorf("typing %t after %d calls, want %t after %d", w.Typing(direct), calls, c.want, c.calls)
			}
		})
	}
}

func TestVersionsThatEndTyping(t *testing.T) {
	for version, want := range map[string]bool{"1.9.9": false, "1.9.8": false, "1.9.10": true, "1.10.0": true, "2.0": true, "1.8.12": false, "": false, "1.9": false, "1.9.9-beta": false, "x.y": false} {
		if got := (serverInfo{Version: version}).endsTyping(); got != want {
			t.Errorf("%q: got %t", version, got)
		}
	}
}

func TestMarkRead(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{PrivateAPI: true, Helper: true})
	if err := w.channel.MarkRead(t.Context(), direct); err != nil || w.Reads(direct) != 1 {
		t.Fatalf("%d reads, %v", w.Reads(direct), err)
	}
	w.channel.settings.SendReadReceipts = false
	if err := w.channel.MarkRead(t.Context(), direct); err != nil || w.Reads(direct) != 1 {
		t.Fatalf("%d reads, %v, though the account does not want it", w.Reads(direct), err)
	}
	w.channel.settings.SendReadReceipts = true
	w.SetPrivateAPI(false, false)
	if err := w.channel.probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.channel.MarkRead(t.Context(), direct); err != nil || w.Reads(direct) != 1 {
		t.Fatalf("%d reads, %v, though the server cannot", w.Reads(direct), err)
	}
}

func TestTargets(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	const sms, mail = "SMS;-;+15557654321", "iMessage;-;eve@example.com"
	w.AddChat(direct, peerID)
	w.AddChat(sms, peerID)
	w.AddChat(mail, "eve@example.com")
	w.AddChat(group, peerID, "eve@example.com")
	w.AddChat("SMS;-;+15550001111", "+15550001111")
	w.AddChat("iMessage;+;chat77", "+15552223333")
	cases := []struct{ target, want, fault string }{
		{"+15552223333", "", "no chat for"}, // only in a group
		{"+15557654321", direct, ""},
		{"+1 (555) 765-4321", direct, ""},
		{"bluebubbles:+15557654321", direct, ""},
		{"imessage:+15557654321", direct, ""},
		{"SMS: +15557654321", sms, ""},
		{"auto:+15550001111", "SMS;-;+15550001111", ""},
		{"Eve@Example.com", mail, ""},
		{"chat_guid:" + group, group, ""},
		{group, group, ""},
		{"chat310042", group, ""},
		{"group:chat310042", group, ""},
		{"chat_identifier:chat310042", group, ""},
		{"chat_id:2", sms, ""},
		{"chat:4", group, ""},
		{"chat_id:x", "", "and a number"},
		{"imessage:+15550001111", "", "no chat for"},
		{"+19990000000", "", "write to it once"},
		{"chat_guid:iMessage;-;nobody", "", "Chat does not exist"},
		{" ", "", "the target is empty"},
	}
	for _, c := range cases {
		got, err := w.channel.Resolve(t.Context(), c.target)
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: got %q, %v, want %q, %q", c.target, got, err, c.want, c.fault)
		}
	}
}
