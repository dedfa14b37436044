package bluebubblestest_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"holdfast/channels/bluebubbles/bluebubblestest"
)

func TestANameIsRefusedOnlyInFlight(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	body := `{"chatGuid":"` + chat + `","message":"x","tempGuid":"1"}`
	answer := make(chan struct{})
	s.Inject(bluebubblestest.Fault{Path: "message/text", Wait: answer})
	first := make(chan int)
	go func() { first <- call(t, s, "POST", "message/text", body).status }()
	tick, deadline := time.NewTicker(time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for len(s.Sent()) == 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the first send never came in flight")
		}
	}
	if got := call(t, s, "POST", "message/text", body); got.status != 400 || !strings.Contains(got.fault(), "already queued") {
		t.Errorf("in flight: %d %q", got.status, got.text)
	}
	close(answer)
	if got := <-first; got != 200 {
		t.Errorf("the first: %d", got)
	}
	if got := call(t, s, "POST", "message/text", body); got.status != 200 || len(s.Sent()) != 2 {
		t.Errorf("afterwards: %d, %d sent", got.status, len(s.Sent()))
	}
}

func TestFaultsOfSends(t *testing.T) {
	body := `{"chatGuid":"` + chat + `","message":"x","tempGuid":"1"}`
	s := start(t, bluebubblestest.Options{})
	s.Inject(bluebubblestest.Fault{Path: "message/text", Twice: true})
	if got := call(t, s, "POST", "message/text", body); got.status != 200 || len(s.Sent()) != 2 {
		t.Errorf("twice: %d, %d sent", got.status, len(s.Sent()))
	}
	other := s.ReceiveMessage(bluebubblestest.Incoming{Chat: chat, FromMe: true, Text: "👍"})
	s.Inject(bluebubblestest.Fault{Path: "message/text", Matches: other})
	if got := call(t, s, "POST", "message/text", body); got.body["data"].(map[string]any)["guid"] != other {
		t.Errorf("the wrong match: %q", got.text)
	}
	s.Inject(bluebubblestest.NotSent.On("message/text"))
	if got := call(t, s, "POST", "message/text", body); got.status != 500 || len(s.Sent()) != 3 {
		t.Errorf("not sent: %d, %d sent", got.status, len(s.Sent()))
	}
}

func TestACaptionIsDropped(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for key, value := range map[string]string{"chatGuid": chat, "name": "a.png", "tempGuid": "1", "caption": "look"} {
		_ = form.WriteField(key, value)
	}
	part, _ := form.CreateFormFile("attachment", "a.png")
	_, _ = part.Write([]byte("x"))
	_ = form.Close()
	got := raw(t, s, "POST", "message/attachment?password=secret", form.FormDataContentType(), &b)
	if got.status != 200 || len(s.Sent()) != 1 || s.Sent()[0].Text != "" || len(s.Faults()) != 1 {
		t.Errorf("got %d %q, sent %+v, faults %v", got.status, got.text, s.Sent(), s.Faults())
	}
	if _, there := got.body["data"].(map[string]any)["tempGuid"]; there {
		t.Error("the answer to a file has its name")
	}
}

func TestTheCallToEndTypingBeginsIt(t *testing.T) {
	for mended, want := range map[bool]bool{false: true, true: false} {
		s := start(t, bluebubblestest.Options{PrivateAPI: true, Helper: true, StopTyping: mended})
		if got := call(t, s, "DELETE", "chat/x/typing", ""); got.status != 200 || s.Typing("x") != want {
			t.Errorf("mended %t: %d, typing %t", mended, got.status, s.Typing("x"))
		}
	}
}

func TestAKnownWebhookKeepsItsEvents(t *testing.T) {
	s := start(t, bluebubblestest.Options{})
	call(t, s, "POST", "webhook", `{"url":"http://127.0.0.1:1","events":["new-message"]}`)
	got := call(t, s, "POST", "webhook", `{"url":"http://127.0.0.1:1","events":["*"]}`)
	hook := got.body["data"].(map[string]any)
	if events := hook["events"].([]any); got.status != 200 || events[0] != "new-message" {
		t.Errorf("got %d %q", got.status, got.text)
	}
	if got := call(t, s, "DELETE", fmt.Sprint("webhook/", hook["id"]), ""); got.status != 200 {
		t.Errorf("delete: %d", got.status)
	}
	if got := call(t, s, "GET", "webhook", ""); len(got.body["data"].([]any)) != 0 {
		t.Errorf("left: %q", got.text)
	}
}
