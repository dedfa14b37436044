package journal_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/channels"
)

const cottage = channels.Account("bluebubbles:cottage")

func (w *world) rename(from, to channels.Account, revision uint64) {
	w.t.Helper()
	if c := ask[journal.Committed](w, journal.Rename{From: from, To: to, Revision: revision}); c.Err != nil {
		w.t.Fatalf("rename: %v", c.Err)
	}
}

func TestLaw6_ARenamedAccountKeepsAllThatItHas(t *testing.T) {
	fs := vfs.NewMem()
	w := start(t, inMemory(fs))
	ask[journal.Accepted](w, journal.Accept{Account: home, Cursor: []byte("7"), Requests: []channels.Request{{Body: []byte("raw")}}})
	added := w.mustCommit(home, arrival("m1", "c1"), arrival("m2", "c1"), reply("c1", "tried"), reply("c1", "sent"),
		journal.SetState{Name: "approved/x", Value: []byte("1")}, journal.SetState{Conversation: "c1", Name: "history", Value: []byte("h")})
	w.mustCommit(home, journal.Attempt{Seq: added[2], Attempt: 1, At: time.Now()})
	w.mustCommit(home, journal.End{Kind: journal.Arrivals, Seq: added[1], State: journal.Dead, Reason: "no answer"},
		journal.Receive{Seq: added[3], Receipt: channels.Receipt{ID: "r1"}}, done(journal.Replies, added[3], "sent"))
	w.rename(home, cottage, 2)
	for range 2 { // as it is, and as it is read from the disk
		if a := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Arrivals, cottage), Max: 9, Conversation: "c1"}).Arrivals; len(a) != 1 || a[0].Account != cottage || a[0].ID != "m1" {
			t.Errorf("the lane has %+v", a)
		}
		if r := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Requests, cottage), Max: 9}).Requests; len(r) != 1 || string(r[0].Body) != "raw" || r[0].Account != cottage {
			t.Errorf("the queue of requests has %+v", r)
		}
		if r := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Replies, cottage), Max: 9}).Replies; len(r) != 1 || r[0].Attempt != 1 || r[0].FirstTry.IsZero() {
			t.Errorf("law 6: the reply under way is %+v, want its attempt known", r)
		}
		if c := ask[journal.Cursor](w, journal.GetCursor{Account: cottage}); string(c.Value) != "7" {
			t.Errorf("the cursor is %q", c.Value)
		}
		if v := ask[journal.Values](w, journal.GetState{Account: cottage}).Values; string(v["approved/x"]) != "1" {
			t.Errorf("the account's values are %q", v)
		}
		if v := ask[journal.Values](w, journal.GetState{Account: cottage, Conversation: "c1"}).Values; string(v["history"]) != "h" {
			t.Errorf("the conversation's values are %q", v)
		}
		for _, m := range []journal.Ours{{Account: cottage, IDs: []string{"r1"}}, {Account: cottage, Conversation: "c1"}} {
			if o := ask[journal.OursAre](w, m); o.Replies["r1"] != added[3] {
				t.Errorf("ours are %v", o.Replies)
			}
		}
		for q, c := range w.verify() {
			if q.Account != cottage {
				t.Errorf("the books still know %v: %+v", q, c)
			}
		}
		w.close()
		w = start(t, inMemory(fs))
	}
	if again := w.mustCommit(cottage, arrival("m1", "c1"))[0]; again != 0 {
		t.Errorf("a repeat became arrival %d: its claim was lost", again)
	}
	if c := ask[journal.Committed](w, journal.Resend{Seq: added[1]}); c.Err != nil {
		t.Errorf("a dead letter of before: %v", c.Err)
	}
	w.verify()
	w.close()
}

func TestWhatTheNewNameHasOfItsOwnStays(t *testing.T) {
	w := open(t)
	set := func(conversation, name, value string) journal.SetState {
		return journal.SetState{Conversation: conversation, Name: name, Value: []byte(value)}
	}
	ask[journal.Accepted](w, journal.Accept{Account: cottage, Cursor: []byte("new")})
	ask[journal.Accepted](w, journal.Accept{Account: home, Cursor: []byte("old")})
	first := w.mustCommit(home, arrival("both", "c1"), set("", "run", "32"), set("", "approved/x", "old"),
		set("c1", "history", "old"), set("c1", "context", "old"), set("c2", "history", "old"), set("c2", "context", "old"))
	second := w.mustCommit(cottage, arrival("own", "c1"), set("", "run", "16"), set("c1", "history", "new"))
	third := w.mustCommit(home, arrival("late", "c1"))
	w.rename(home, cottage, 2)
	if got := seqs(ask[journal.Taken](w, journal.Take{Queue: queue(journal.Arrivals, cottage), Max: 9})); !cmp.Equal(got, []uint64{first[0], second[0], third[0]}) {
		t.Errorf("the queue is %v, want it in the order of acceptance", got)
	}
	if c := ask[journal.Cursor](w, journal.GetCursor{Account: cottage}); string(c.Value) != "new" {
		t.Errorf("the cursor is %q", c.Value)
	}
	for conversation, want := range map[string]map[string]string{
		"": {"run": "16", "approved/x": "old"}, "c1": {"history": "new"}, "c2": {"history": "old", "context": "old"},
	} {
		got := map[string]string{}
		for name, value := range ask[journal.Values](w, journal.GetState{Account: cottage, Conversation: conversation}).Values {
			got[name] = string(value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("values of %q: %s", conversation, diff)
		}
	}
	if repeats := w.mustCommit(cottage, arrival("both", "c1"), arrival("own", "c1")); !cmp.Equal(repeats, []uint64{0, 0}) {
		t.Errorf("repeats became arrivals %v", repeats)
	}
	w.verify()
}

func TestOfTwoClaimsTheLongerOneHolds(t *testing.T) {
	for name, longer := range map[string]channels.Account{"of the old name": home, "of the new name": cottage} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			o := inMemory(vfs.NewMem())
			o.Now = func() time.Time { return now }
			w := start(t, o)
			defer w.close()
			claim := func(a channels.Account, keep time.Duration) uint64 {
				add := arrival("m", "c")
				add.Keep = keep
				return w.mustCommit(a, add)[0]
			}
			for _, a := range []channels.Account{home, cottage} {
				keep := time.Hour
				if a == longer {
					keep = day
				}
				claim(a, keep)
			}
			w.rename(home, cottage, 2)
			now = now.Add(2 * time.Hour)
			if seq := claim(cottage, day); seq != 0 {
				t.Errorf("a repeat became arrival %d", seq)
			}
		})
	}
}

func TestWhoComesWithAnOldNameLosesNothing(t *testing.T) {
	w := open(t)
	l, at := w.listen("lanes")
	w.sys.Tell(w.at, journal.Subscribe{Kind: journal.Arrivals, To: at})
	added := w.mustCommit(home, arrival("m1", "c1"), reply("c1", "x"))
	ticket := ask[journal.Accepted](w, journal.Accept{Account: home, Revision: 1, Requests: []channels.Request{{Ticket: true}}}).Seqs[0]
	waits := make(chan journal.Answer, 1)
	go func() {
		waits <- ask[journal.Answer](w, journal.Answers{Account: home, Revision: 1, Request: ticket, Wait: time.Minute})
	}()
	w.settle(at)
	w.rename(home, cottage, 2)
	w.settle(at)
	if l.count(queue(journal.Arrivals, cottage)) != 1 {
		t.Error("nobody was woken for the queue that came over")
	}
	for name, op := range map[string]journal.Op{
		"the end of a turn": done(journal.Arrivals, added[0], "answered"),
		"an attempt":        journal.Attempt{Seq: added[1], Attempt: 1, At: time.Now()},
		"a value":           journal.SetState{Name: "a", Value: []byte("1")},
		"a reply":           reply("c1", "late"),
	} {
		if c := w.commit(home, op); c.Err == nil {
			t.Errorf("%s of the old name was taken", name)
		} else {
			mustErr(t, c.Err, journal.ErrEnded)
		}
	}
	accept := func(a channels.Account, revision uint64, id string) {
		t.Helper()
		m := journal.Accept{Account: a, Revision: revision, Requests: []channels.Request{{ID: id}}, Cursor: []byte(id)}
		if got := ask[journal.Accepted](w, m); got.Err != nil {
			t.Errorf("%s: %v", id, got.Err)
		}
	}
	accept(home, 1, "by a route of before")
	accept(home, 0, "by a run of before")
	w.mustCommit(cottage, done(journal.Requests, ticket, "interpreted"))
	if a := <-waits; !a.Known || a.State != journal.Done {
		t.Errorf("who waited for a request hears %+v", a)
	}
	if c := ask[journal.Committed](w, journal.Keep{Accounts: []channels.Account{home, cottage}}); c.Err != nil {
		t.Fatal(c.Err)
	}
	accept(home, 1, "by a route of before, and the name is used again")
	accept(home, 3, "by a route of the new account")
	accept(home, 0, "by its run")
	w.mustCommit(home, arrival("m1", "c1"))
	for q, want := range map[journal.Queue][]string{
		queue(journal.Requests, cottage): {"by a route of before", "by a run of before", "by a route of before, and the name is used again"},
		queue(journal.Requests, home):    {"by a route of the new account", "by its run"},
	} {
		var got []string
		for _, r := range ask[journal.Taken](w, journal.Take{Queue: q, Max: 9}).Requests {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", q, diff)
		}
	}
	if c := ask[journal.Cursor](w, journal.GetCursor{Account: cottage}); c.Value != nil {
		t.Errorf("who came with the old name moved the cursor to %q", c.Value)
	}
	w.verify()
}

// TestLaw5_ARenameIsWholeOrNotBegun lets the machine lose its power while the rename is on its way to the disk.
func TestLaw5_ARenameIsWholeOrNotBegun(t *testing.T) {
	random, whole, none := rand.New(rand.NewPCG(1, 2)), 0, 0
	for round := range 12 {
		fs, g := vfs.NewCrashableMem(), &gate{}
		w := start(t, inMemory(errorfs.Wrap(fs, g)))
		for i := range 20 {
			w.mustCommit(home, arrival(fmt.Sprint(i), fmt.Sprint(i%3)), journal.SetState{Name: fmt.Sprint(i), Value: make([]byte, 4<<10)})
		}
		w.accept(home, 1) // a sync
		release := g.hold()
		before := ask[journal.Statistics](w, journal.Stats{}).Commits
		answer := make(chan journal.Committed, 1)
		go func() { answer <- ask[journal.Committed](w, journal.Rename{From: home, To: cottage}) }()
		eventually(t, "the rename is in order", func() bool { return ask[journal.Statistics](w, journal.Stats{}).Commits > before })
		eventually(t, "the rename is on its way", g.holds)
		if len(answer) > 0 {
			t.Fatal("it was answered before its sync")
		}
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[round%3], RNG: random})
		release()
		if a := <-answer; a.Err != nil {
			t.Fatal(a.Err)
		}
		w.close()
		w = start(t, inMemory(crashed))
		owners := map[channels.Account]int{}
		for q := range w.verify() {
			owners[q.Account]++
		}
		values := map[channels.Account]int{}
		for _, a := range []channels.Account{home, cottage} {
			values[a] = len(ask[journal.Values](w, journal.GetState{Account: a}).Values)
		}
		switch {
		case owners[home] == 0 && owners[cottage] == 2 && values[cottage] == 20:
			whole++
		case owners[home] == 2 && owners[cottage] == 0 && values[home] == 20:
			none++
		default:
			t.Errorf("after the crash the books know %v, and the values are %v", owners, values)
		}
		w.rename(home, cottage, 1) // as the next start does
		if n := ask[journal.Statistics](w, journal.Stats{}).Queues[queue(journal.Arrivals, cottage)].Pending; n != 20 {
			t.Errorf("%d arrivals are there after it was done again", n)
		}
		w.close()
	}
	if whole == 0 || none == 0 {
		t.Errorf("%d renames were whole after the crash and %d not begun: the test sees only one of both", whole, none)
	}
}
