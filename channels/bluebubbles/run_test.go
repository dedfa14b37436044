package bluebubbles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
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

func TestOldMessagesOfANewAccountAreNotAnswered(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	for i := range 300 {
		w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Text: "old", Sent: time.Now().Add(-time.Hour - time.Duration(i)*time.Second)})
	}
	w.run(t)
	if n := len(w.in.of(channels.Message)); n != 0 {
		t.Fatalf("%d old messages started a turn", n)
	}
	fresh := w.Receive(direct, peerID, "new")
	w.nudge()
	w.in.until(t, "the new message", func() bool { return len(w.in.of(channels.Message)) == 1 })
	if got := w.in.of(channels.Message)[0].ID; got != fresh {
		t.Fatalf("got %s, want %s", got, fresh)
	}
}

func TestANewAccountCountsFromItsFirstStartAndNotFromItsFirstContact(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Text: "old", Sent: time.Now().Add(-time.Hour)})
	old := len(w.Received())
	w.Stop()
	w.begin(t)
	w.in.until(t, "a cursor before any contact", func() bool { return w.in.Cursor() != nil })
	w.Receive(direct, peerID, "between")
	w.stop(t) // the gateway goes down before it ever saw the server
	w.connect()
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	w.run(t)
	w.in.until(t, "the message of the meantime", func() bool { return len(w.in.of(channels.Message)) == len(w.Received())-old })
}

// TestARowIsNeverLostWhateverItsDate: dates say nothing about the order of rows, and rows come while pages are read.
func TestARowIsNeverLostWhateverItsDate(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t, bluebubblestest.Options{})
			w.run(t)
			w.stop(t)
			receive := func(n int) {
				for range n {
					if random.IntN(40) == 0 {
						w.SkipRows(random.Int64N(3000))
					}
					w.ReceiveMessage(bluebubblestest.Incoming{
						Chat: direct, Sender: peerID, Text: "x", FromMe: random.IntN(10) == 0,
						Sent: time.Now().Add(-time.Duration(random.IntN(5*24*3600)) * time.Second),
					})
				}
			}
			receive(pageSize*2 + random.IntN(pageSize))
			w.connect()
			w.begin(t)
			receive(50)
			w.in.until(t, "connected", func() bool { return w.in.condition().Link == channels.Connected })
			w.nudge()
			w.all(t)
		})
	}
}

func TestTheCursorMovesOnlyWithWhatItPasses(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.run(t)
	w.Receive(direct, peerID, "one")
	before := string(w.in.Cursor())
	w.in.mu.Lock()
	w.in.fail = errors.New("the disk is full")
	w.in.mu.Unlock()
	w.nudge()
	if err := <-w.ended; err == nil || !strings.Contains(err.Error(), "the disk is full") || refused(err) {
		t.Fatalf("Run returned %v, want a transient error", err)
	}
	w.cancel = nil
	if after := string(w.in.Cursor()); after != before {
		t.Fatalf("the cursor moved from %s to %s", before, after)
	}
	w.connect()
	w.run(t)
	w.all(t)
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

func TestAnotherDatabaseIsNoticed(t *testing.T) {
	cases := []struct {
		name string
		more int // messages in the new table beyond what the old one had
	}{
		{"while it is smaller than the old one", -5},
		{"when it has outgrown the old one", 40},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, bluebubblestest.Options{})
			w.run(t)
			for range 10 {
				w.Receive(direct, peerID, "before")
			}
			w.nudge()
			w.all(t)
			w.ReplaceDatabase()
			w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, FromMe: true, Text: "long ago", Sent: time.Now().Add(-48 * time.Hour)})
			for range 10 + c.more {
				w.Receive(direct, peerID, "after")
			}
			w.nudge()
			w.all(t)
			w.in.until(t, "the fact", func() bool { return w.in.condition().Facts["databaseReplaced"] != "" })
			w.Receive(direct, peerID, "and on")
			w.nudge()
			w.all(t)
		})
	}
}

// TestAnotherDatabaseIsReadByTheMacsDates: also where its clock is not ours, and from before the last date we saw.
func TestAnotherDatabaseIsReadByTheMacsDates(t *testing.T) {
	fast := func() time.Time { return time.Now().Add(20 * time.Minute) }
	w := newWorld(t, bluebubblestest.Options{Now: fast})
	w.run(t)
	w.Receive(direct, peerID, "before")
	w.Receive(direct, peerID, "and before")
	w.nudge()
	w.all(t)
	w.ReplaceDatabase()
	w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Text: "not seen in the old one", Sent: fast().Add(-5 * time.Minute)})
	w.nudge()
	w.all(t)
}

func TestADeletedMessageIsNoOtherDatabase(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.run(t)
	w.Receive(direct, peerID, "one")
	last := w.Receive(direct, peerID, "two")
	w.nudge()
	w.all(t)
	w.Receive(direct, peerID, "three")
	w.Delete(last)
	w.nudge()
	w.all(t)
	if at := w.in.condition().Facts["databaseReplaced"]; at != "" {
		t.Fatalf("taken for another database at %s", at)
	}
}

func TestAnIdleServerLeadsToNoWork(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.run(t)
	for range 30 {
		w.Receive(direct, peerID, "hi")
	}
	w.nudge()
	w.all(t)
	w.in.mu.Lock()
	takes := w.in.takes
	w.in.mu.Unlock()
	for range 3 {
		before := w.Requests()["POST message/query"]
		w.nudge()
		w.in.until(t, "another look", func() bool { return w.Requests()["POST message/query"] >= before+2 })
	}
	w.stop(t)
	if w.in.takes != takes {
		t.Errorf("%d takes of nothing new", w.in.takes-takes)
	}
}

func TestALateAttachmentOfTheTableIsHandedInAgain(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.run(t)
	guid := w.Receive(direct, peerID, "look at this")
	w.nudge()
	w.all(t)
	w.JoinFiles(guid, bluebubblestest.File{Name: "a.jpg", Type: "image/jpeg", Content: []byte("x")})
	w.nudge()
	w.in.until(t, "the attachment", func() bool { return len(w.in.of(channels.Amendment)) == 1 })
	if a := w.in.of(channels.Amendment)[0]; a.Target != guid || len(a.Attachments) != 1 {
		t.Fatalf("got %+v", a)
	}
	w.same(t)
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
			w.channel.env.Webhook = c.webhook
			if c.registered != "" {
				w.Stop() // nothing is to be posted there
				w.Register(c.registered, c.events...)
				w.Hold()
				if err := w.Start(); err != nil {
					t.Fatal(err)
				}
			}
			got, err := w.channel.findHook(t.Context())
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
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

func TestTheCursorIsSmallAndReadable(t *testing.T) {
	c := firstCursor(time.Now()).past(row{id: 7, guid: "A", date: 5}, row{id: 3, guid: "B", date: 9}).done(row{id: 3, guid: "B", date: 9})
	b, err := c.encode()
	if err != nil || string(b) != `{"rowid":7,"guid":"A","date":9,"floor":3}` {
		t.Fatalf("got %s, %v", b, err)
	}
	back, err := decodeCursor(b)
	if err != nil || back != c {
		t.Fatalf("got %+v, %v", back, err)
	}
	if _, err := decodeCursor([]byte("{")); err == nil {
		t.Fatal("got no error")
	}
	if !json.Valid(b) {
		t.Fatal("no JSON")
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
