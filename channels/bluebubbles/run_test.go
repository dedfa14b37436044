package bluebubbles

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

func TestMessagesComeByWebhook(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.Register(w.hook + "?password=" + "pa+ss%2Bw%C3%B6rd%261")
	w.run(t)
	for i := range 30 {
		w.Receive(direct, peerID, fmt.Sprint("message ", i))
	}
	w.Receive(group, "bob@example.com", "in the group")
	w.Settle()
	w.all(t)
	for _, p := range w.Posts() {
		if p.Status != 200 {
			t.Errorf("%+v", p)
		}
	}
}

func TestWhatNoWebhookBroughtIsFetched(t *testing.T) {
	cases := []struct {
		name  string
		cause func(t *testing.T, w *world) // messages that come without webhook, and what makes the account look
	}{
		{"when a run starts", func(t *testing.T, w *world) {
			w.stop(t)
			w.Receive(direct, peerID, "while the gateway was down")
			w.connect()
			w.run(t)
		}},
		{"when the server was away", func(t *testing.T, w *world) {
			w.Stop()
			w.in.until(t, "waiting", func() bool { return w.in.condition().Link == channels.Waiting })
			w.Receive(direct, peerID, "while the server was down")
			if err := w.Start(); err != nil {
				t.Fatal(err)
			}
		}},
		{"when the gateway nudges", func(t *testing.T, w *world) {
			w.Receive(direct, peerID, "no webhook")
			w.nudge()
		}},
		{"when the time has come", func(t *testing.T, w *world) {
			w.stop(t)
			w.connect()
			w.channel.pace.reconcile = 30 * time.Millisecond
			w.run(t)
			w.Receive(direct, peerID, "no webhook")
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, bluebubblestest.Options{})
			w.run(t)
			w.Receive(direct, peerID, "one")
			c.cause(t, w)
			w.all(t)
		})
	}
}

func TestWhatCameBothWaysCountsOnce(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.Register(w.hook + "?password=" + "pa+ss%2Bw%C3%B6rd%261")
	w.run(t)
	for range 20 {
		w.Receive(direct, peerID, "hi")
	}
	w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Files: []bluebubblestest.File{{Name: "IMG.HEIC", Type: "image/heic", Content: []byte("x")}}})
	w.Settle()
	w.restart(t)
	w.all(t)
	if n := len(w.in.of(channels.Amendment)); n != 0 {
		t.Errorf("%d amendments without anything new: %+v", n, w.in.of(channels.Amendment))
	}
}

func TestWebhooksInAnyOrderAndTwice(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.Register(w.hook + "?password=" + "pa+ss%2Bw%C3%B6rd%261")
	w.run(t)
	w.Hold()
	guid := w.Receive(direct, peerID, "hi")
	w.Edit(guid, "hi there")
	w.Read(guid)
	w.HourPasses()
	w.Announce(guid)
	w.Release(2, 0, 3, 1, 0, 2)
	w.Settle()
	w.all(t)
}

func TestAFailedSendMakesTheRunLook(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.channel.pace.probe = time.Hour
	w.run(t)
	w.Stop()
	_, err := w.channel.Send(t.Context(), textReply("hello"))
	outcomeIs(t, err, channels.NotSent)
	w.in.until(t, "waiting", func() bool { return w.in.condition().Link == channels.Waiting })
}

func TestARunThatIsNoLongerCurrentEnds(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.in.fail = channels.ErrGone
	w.begin(t)
	if err := <-w.ended; !errors.Is(err, channels.ErrGone) {
		t.Fatalf("got %v", err)
	}
	w.cancel = nil
}

func TestAWrongPasswordIsARefusal(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.SetPassword("another")
	w.begin(t)
	err := <-w.ended
	w.cancel = nil
	if !refused(err) || leaks(err.Error()) || !strings.Contains(err.Error(), "channels.bluebubbles.accounts.home.password") {
		t.Fatalf("got %v", err)
	}
}

func TestAServerThatIsAwayIsWaitedFor(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.Stop()
	w.begin(t)
	w.in.until(t, "waiting with a cause", func() bool {
		c := w.in.condition()
		return c.Link == channels.Waiting && strings.Contains(c.Cause, "cannot be reached")
	})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	w.in.until(t, "connected", func() bool { c := w.in.condition(); return c.Link == channels.Connected && c.Cause != "" })
}

func TestTheFactsSayWhatTheServerCan(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{PrivateAPI: true})
	w.run(t)
	facts := w.in.condition().Facts
	for key, want := range map[string]string{"privateApi": "on", "helperConnected": "no", "serverVersion": "1.9.9", "webhookRegistered": "no"} {
		if facts[key] != want {
			t.Errorf("%s is %q, want %q", key, facts[key], want)
		}
	}
	if _, there := facts["clockOff"]; there {
		t.Errorf("the clocks are the same, but %v", facts)
	}
	w.SetPrivateAPI(true, true)
	w.in.until(t, "the helper", func() bool { return w.in.condition().Facts["helperConnected"] == "yes" })
}

func TestTheWebhookIsLookedUp(t *testing.T) {
	const ours = "http://gateway.example/bluebubbles-webhook"
	cases := []struct {
		name, webhook, registered string
		events                    []string
		want                      hookState
	}{
		{"registered with a query", ours, ours + "?password=x", nil, hookYes},
		{"registered with the port written out", ours, "http://gateway.example:80/bluebubbles-webhook/?guid=x", nil, hookYes},
		{"registered for messages only", ours, ours, []string{"new-message"}, hookYes},
		{"registered for something else", ours, ours, []string{"hello-world"}, hookNo},
		{"another path", ours, "http://gateway.example/other", nil, hookNo},
		{"nothing registered", ours, "", nil, hookNo},
		{"the same path on another host", ours, "https://tunnel.example/bluebubbles-webhook", nil, hookUnknown},
		{"our address is not known", "", ours, nil, hookUnknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, bluebubblestest.Options{})
			if c.registered != "" {
				w.Stop() // nothing is to be posted there
				w.Register(c.registered, c.events...)
				w.Hold()
				if err := w.Start(); err != nil {
					t.Fatal(err)
				}
			}
			got, err := w.channel.findHook(t.Context(), c.webhook)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// TestAMoveOfTheGatewayIsNoticed: the same run looks its new address up.
func TestAMoveOfTheGatewayIsNoticed(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.Register("http://gateway.example/bluebubbles-webhook")
	w.in.move("http://gateway.example/bluebubbles-webhook")
	w.run(t)
	if cause := w.in.condition().Cause; cause != "" {
		t.Fatalf("the advice is %q", cause)
	}
	const moved = "http://gateway.example/moved"
	w.in.move(moved)
	w.in.until(t, "the advice for the new address", func() bool { return strings.Contains(w.in.condition().Cause, moved) })
}

func TestThePauseGrowsToItsBound(t *testing.T) {
	p := usualPace
	for fails := range 200 {
		pause := backoff(p, fails)
		if pause <= 0 || pause > p.lastTry || fails == 0 && pause > p.firstTry || fails > 8 && pause < p.lastTry/2 {
			t.Fatalf("after %d failures the pause is %s", fails, pause)
		}
	}
}

func TestAServerWithAFaultyAnswerIsWaitedFor(t *testing.T) {
	cases := []struct {
		name string
		f    bluebubblestest.Fault
	}{
		{"an answer that is none of its own", bluebubblestest.Fault{Path: "ping", Skip: true, Status: 502, Plain: "<html>bad gateway</html>"}},
		{"an answer of another program", bluebubblestest.Fault{Path: "ping", Skip: true, Status: 200, Plain: "hello"}},
		{"a query that fails", bluebubblestest.Fault{Path: "message/query", Skip: true, Status: 500, Message: "An unhandled error has occurred!"}},
		{"a redirect to elsewhere", bluebubblestest.Fault{Path: "server/info", Skip: true, Status: 307, Plain: "x", Header: map[string]string{"Location": "http://thief.invalid/api"}}},
		{"a connection that ends", bluebubblestest.Fault{Path: "server/info", Skip: true, Cut: true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, bluebubblestest.Options{})
			c.f.Times = 3
			w.Inject(c.f)
			w.begin(t)
			w.in.until(t, "waiting", func() bool { return w.in.condition().Link == channels.Waiting })
			if cause := w.in.condition().Cause; cause == "" || leaks(cause) {
				t.Errorf("the cause is %q", cause)
			}
			w.in.until(t, "connected", func() bool { return w.in.condition().Link == channels.Connected })
		})
	}
}

func TestRunEndsWhileTheServerHangs(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	hang := make(chan struct{})
	defer close(hang)
	w.Inject(bluebubblestest.Fault{Path: "ping", Wait: hang})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.channel.Run(ctx, w.in) }()
	w.in.until(t, "the hanging request", func() bool { return w.Requests()["GET ping"] == 1 })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
