package bluebubbles

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

func textReply(text string) channels.Reply {
	return channels.Reply{Seq: 9, Account: "bluebubbles:home", Conversation: direct, Text: text, Nonce: "n9", Attempt: 1, At: time.Now()}
}

func TestATextGoesOut(t *testing.T) {
	cases := []struct {
		name    string
		options bluebubblestest.Options
		replyTo string
		method  string
		thread  string
	}{
		{"by AppleScript", bluebubblestest.Options{}, "", byAppleScript, ""},
		{"by AppleScript while the helper is missing, and in no thread", bluebubblestest.Options{PrivateAPI: true}, "A-1", byAppleScript, ""},
		{"by the Private API", bluebubblestest.Options{PrivateAPI: true, Helper: true}, "", byPrivateAPI, ""},
		{"by the Private API in a thread", bluebubblestest.Options{PrivateAPI: true, Helper: true}, "p:0/A-1", byPrivateAPI, "A-1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.options)
			r := textReply("hello")
			r.ReplyTo = c.replyTo
			receipt, err := w.channel.Send(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			sent := w.Sent()
			if len(sent) != 1 || sent[0].GUID != receipt.ID || sent[0].Text != "hello" || sent[0].Chat != direct || sent[0].Method != c.method || sent[0].ReplyTo != c.thread || sent[0].TempGUID == "" {
				t.Fatalf("receipt %+v, sent %+v", receipt, sent)
			}
			if receipt.At.IsZero() {
				t.Error("the receipt has no time")
			}
		})
	}
}

func TestAFileGoesOutAfterItsText(t *testing.T) {
	for name, size := range map[string]int64{"of known length": 12, "of unknown length": 0} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, bluebubblestest.Options{})
			w.blobs["hash"] = "file content"
			r := textReply("look")
			r.Attachments = []channels.Attachment{{Name: `a "b" ü.png`, Type: "image/png", Blob: "hash", Size: size}, {Name: "c.png", Blob: "hash", Size: size}}
			receipt, err := w.channel.Send(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			sent := w.Sent()
			if len(sent) != 3 || sent[0].GUID != receipt.ID || sent[0].Text != "look" || sent[1].File != `a "b" ü.png` || string(sent[1].Content) != "file content" || sent[2].File != "c.png" {
				t.Fatalf("sent %+v", sent)
			}
			if sent[0].TempGUID == sent[1].TempGUID || sent[1].TempGUID == sent[2].TempGUID {
				t.Error("two pieces have one name, so the server would refuse one while the other is in flight")
			}
		})
	}
}

func TestWhatAFailedSendProves(t *testing.T) {
	const path = "message/text"
	gate := func(detail string) bluebubblestest.Fault {
		return bluebubblestest.Fault{Skip: true, Status: 500, Message: "Message Send Error", Detail: detail}
	}
	cases := []struct {
		name string
		f    bluebubblestest.Fault
		want channels.Outcome
	}{
		{"an error after which it may be out", bluebubblestest.SentUnmatched, channels.Unknown},
		{"an error of the script", bluebubblestest.NotSent, channels.Unknown},
		{"a time-out", bluebubblestest.SentTimeout, channels.Unknown},
		{"a connection that ends before the answer", bluebubblestest.SentCut, channels.Unknown},
		{"an answer that cannot be read", bluebubblestest.Fault{Status: 200, Plain: "{"}, channels.Unknown},
		{"an answer that names no message", bluebubblestest.Fault{Status: 200, Message: "Message sent!"}, channels.Unknown},
		{"a Private API that was switched off", gate("iMessage Private API is not enabled!"), channels.NotSent},
		{"a helper that is gone", gate("iMessage Private API Helper is not connected!"), channels.NotSent},
		{"a name that is in flight", bluebubblestest.Fault{Skip: true, Status: 400, Detail: "Message is already queued to be sent! (Temp GUID: x)"}, channels.Unknown},
		{"a request that the server finds wrong", bluebubblestest.Fault{Skip: true, Status: 400, Message: "bad", Detail: "The chatGuid field is required."}, channels.Rejected},
		{"a refused password", bluebubblestest.Fault{Skip: true, Status: 401, Message: "no", Detail: "Unauthorized"}, channels.NotSent},
		{"something else at the address", bluebubblestest.Fault{Skip: true, Status: 404, Plain: "not here"}, channels.NotSent},
		{"a proxy that has no server", bluebubblestest.Fault{Skip: true, Status: 502, Plain: "bad gateway"}, channels.Unknown},
		{"a proxy that asks to wait", bluebubblestest.Fault{Skip: true, Status: 429, Plain: "slow down", Header: map[string]string{"Retry-After": "7"}}, channels.NotSent},
		{"a redirect", bluebubblestest.Fault{Skip: true, Status: 307, Plain: "x", Header: map[string]string{"Location": "http://thief.invalid/?password=" + secret}}, channels.NotSent},
		{"a message that iMessage did not deliver", bluebubblestest.Fault{Status: 200, Message: "Message sent!", Data: map[string]any{"guid": "X-1", "error": 22}}, channels.Rejected},
		{"an error with the message that was not delivered", bluebubblestest.Fault{Status: 500, Message: "Message Send Error", Data: map[string]any{"guid": "X-1", "error": 22}}, channels.Rejected},
		{"an error page that shows the address", bluebubblestest.Fault{Skip: true, Status: 500, Plain: secret, Message: secret}, channels.Unknown},
		{"an error that shows the password", bluebubblestest.Fault{Skip: true, Status: 500, Message: "GET /?password=" + secret, Detail: secret}, channels.Unknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, bluebubblestest.Options{})
			w.Inject(c.f.On(path))
			_, err := w.channel.Send(t.Context(), textReply("hello"))
			outcomeIs(t, err, c.want)
			var f *channels.Failure
			if c.f.Header["Retry-After"] != "" && (!errors.As(err, &f) || f.After != 7*time.Second) {
				t.Errorf("the pause is lost: %v", err)
			}
			if c.f.Status == 401 && !refused(err) {
				t.Errorf("no refusal: %v", err)
			}
			select {
			case <-w.channel.look:
			default:
				t.Error("the run is not told to look at the server")
			}
		})
	}
}

func TestAServerThatCannotBeReachedSentNothing(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.channel.info = &serverInfo{Version: "1.9.9"} // known from before
	w.Stop()
	_, err := w.channel.Send(t.Context(), textReply("hello"))
	outcomeIs(t, err, channels.NotSent)
	w.channel.info = nil
	_, err = w.channel.Send(t.Context(), textReply("hello"))
	outcomeIs(t, err, channels.NotSent)
}

func TestASendThatTakesTooLongIsOfUnknownOutcome(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	answer := make(chan struct{})
	w.Inject(bluebubblestest.Fault{Path: "message/text", Wait: answer})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		w.in.until(t, "the send", func() bool { return len(w.Sent()) == 1 })
		cancel()
	}()
	_, err := w.channel.Send(ctx, textReply("hello"))
	outcomeIs(t, err, channels.Unknown)

	_, err = w.channel.Send(t.Context(), textReply("hello"))
	outcomeIs(t, err, channels.Unknown)
	if !strings.Contains(err.Error(), queued) || len(w.Sent()) != 1 {
		t.Fatalf("a second attempt while the first is in flight: %v, sent %d", err, len(w.Sent()))
	}
	close(answer)
}

func TestAFailureAfterTheFirstPieceIsOfUnknownOutcome(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	r := textReply("look")
	r.Attachments = []channels.Attachment{{Name: "a.png", Blob: "gone"}}
	_, err := w.channel.Send(t.Context(), r)
	outcomeIs(t, err, channels.Unknown)
	if len(w.Sent()) != 1 {
		t.Fatalf("sent %+v", w.Sent())
	}
}

func TestWhatCannotBeSentIsRejected(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	_, err := w.channel.Send(t.Context(), textReply(" \n"))
	outcomeIs(t, err, channels.Rejected)
	r := textReply("")
	r.Attachments = []channels.Attachment{{Name: "a.png", Blob: "gone"}}
	_, err = w.channel.Send(t.Context(), r)
	outcomeIs(t, err, channels.Rejected)
	if n := w.Requests()["POST message/text"] + w.Requests()["POST message/attachment"]; n != 0 {
		t.Fatalf("%d requests", n)
	}
}

func TestNoRedirectTakesThePasswordAway(t *testing.T) {
	var stolen []string
	thief := http.Server{Addr: "127.0.0.1:0", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = append(stolen, r.URL.String()) })}
	address := serve(t, &thief)
	w := newWorld(t, bluebubblestest.Options{})
	for _, path := range []string{"ping", "message/text", "attachment/:guid/download"} {
		w.Inject(bluebubblestest.Fault{Path: path, Skip: true, Status: 307, Plain: "x", Header: map[string]string{"Location": address + "/x"}})
	}
	if err := w.channel.probe(t.Context()); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("probe: %v", err)
	}
	if _, err := w.channel.Send(t.Context(), textReply("hi")); err == nil {
		t.Error("send: no error")
	}
	if _, err := w.channel.Fetch(t.Context(), channels.Attachment{ID: "at_0_x"}); err == nil {
		t.Error("fetch: no error")
	}
	if len(stolen) > 0 {
		t.Fatalf("the thief saw %v", stolen)
	}
}

func TestAFileNameIsNoPath(t *testing.T) {
	for given, want := range map[string]string{"a.png": "a.png", "../../etc/passwd": "passwd", `C:\temp\b.png`: "b.png", "": "attachment", "/": "attachment", "x/": "x"} {
		if got := fileName(channels.Attachment{Name: given}); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}

func TestTheAddressIsEscaped(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	want := w.URL() + "/api/v1/chat/iMessage%3B-%3B%2B15557654321/typing?password=pa+ss%2Bw%C3%B6rd%261"
	if got := w.channel.api.address(get("chat", direct, "typing")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
