package bluebubbles

import (
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

func TestOldMessagesOfANewAccountAreNotAnswered(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	for i := range 300 {
		w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Text: "old", Sent: time.Now().Add(-time.Hour - time.Duration(i*7919%300)*time.Second)})
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

// TestMessagesAreHandedInAsTheyCame: by row, whatever their dates say.
func TestMessagesAreHandedInAsTheyCame(t *testing.T) {
	w := newWorld(t, bluebubblestest.Options{})
	w.run(t)
	w.stop(t)
	for i := range 10 {
		w.ReceiveMessage(bluebubblestest.Incoming{Chat: direct, Sender: peerID, Text: "x", Sent: time.Now().Add(-time.Duration(i*7%10) * time.Minute)})
	}
	w.connect()
	w.run(t)
	w.all(t)
	for i, r := range w.Received() {
		if got := w.in.of(channels.Message)[i].ID; got != r.GUID {
			t.Fatalf("message %d is %s, want %s", i, got, r.GUID)
		}
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

// TestWhatWebhooksBroughtIsNotStoredAgain: a run that starts looks at every row since the last look, and most are old news.
func TestWhatWebhooksBroughtIsNotStoredAgain(t *testing.T) {
	const many = 300
	w := newWorld(t, bluebubblestest.Options{})
	hook := w.hook + "?password=" + "pa+ss%2Bw%C3%B6rd%261"
	w.Register(hook)
	w.run(t)
	for range many {
		w.Receive(direct, peerID, "by webhook")
	}
	w.all(t)
	w.stop(t)
	w.Repoint("http://127.0.0.1:1/")()
	w.Receive(direct, peerID, "while nobody listened")
	before := w.in.raws
	w.connect()
	w.run(t)
	w.all(t)
	if n := w.in.raws - before; n != 1 {
		t.Errorf("%d rows were stored, want the one that no webhook brought", n)
	}
}
