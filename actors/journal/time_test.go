package journal_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"holdfast/actors/journal"
	"holdfast/channels"
)

// clock is the time of a bubble, and can be set wrong.
type clock struct{ skew atomic.Int64 }

func (c *clock) now() time.Time        { return time.Now().Add(time.Duration(c.skew.Load())) }
func (c *clock) jump(by time.Duration) { c.skew.Add(int64(by)) }

// virtually runs a test in a bubble, in which pauses take no time. The journal's clock can jump as well: days of pauses
// would be millions of ticks.
func virtually(t *testing.T, test func(t *testing.T, w *world, c *clock)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &clock{}
		o := inMemory(vfs.NewMem())
		o.Now = c.now
		w := start(t, o)
		defer w.close()
		test(t, w, c)
	})
}

// pass lets time go by, the last hour of it in the bubble, so that the sweeper notices.
func (c *clock) pass(by time.Duration) {
	const noticed = time.Hour + time.Minute
	c.jump(by - noticed)
	time.Sleep(noticed)
}

func TestWhatHasEndedIsForgottenInTime(t *testing.T) {
	cases := []struct {
		name  string
		end   journal.End
		alive time.Duration // still shown after that
		gone  time.Duration // no longer shown after that
	}{
		{"done is kept an hour", journal.End{State: journal.Done}, 50 * time.Minute, 3 * time.Hour},
		{"expired is kept a week", journal.End{State: journal.Expired}, 6 * day, 8 * day},
		{"dead is kept a month", journal.End{State: journal.Dead, Reason: "no"}, 29 * day, 31 * day},
	}
	for _, one := range cases {
		t.Run(one.name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world, c *clock) {
				w.settle()
				time.Sleep(2 * time.Minute) // the first sweep finds nothing
				seq := w.accept(home, 1)[0]
				one.end.Kind, one.end.Seq = journal.Requests, seq
				w.mustCommit(home, one.end)
				c.pass(one.alive)
				if s := ask[journal.Shown](w, journal.Show{Seq: seq}); s.Err != nil {
					t.Fatalf("after %v: %v", one.alive, s.Err)
				}
				c.pass(one.gone - one.alive)
				mustErr(t, ask[journal.Shown](w, journal.Show{Seq: seq}).Err, journal.ErrNoItem)
				w.verify()
			})
		})
	}
}

func TestAClaimHoldsForItsTimeAndNoLonger(t *testing.T) {
	virtually(t, func(t *testing.T, w *world, c *clock) {
		w.mustCommit(home, arrival("m1", "c1"))
		c.jump(day - time.Minute)
		if added := w.mustCommit(home, arrival("m1", "c1")); added[0] != 0 {
			t.Fatal("a repeat within the window was taken")
		}
		c.jump(2 * time.Minute)
		if added := w.mustCommit(home, arrival("m1", "c1")); added[0] == 0 {
			t.Fatal("a repeat after the window was not taken")
		}
	})
}

func TestAnswersWaitUntilTheDeadline(t *testing.T) {
	virtually(t, func(t *testing.T, w *world, c *clock) {
		seqs := ask[journal.Accepted](w, journal.Accept{Account: work, Requests: []channels.Request{{Ticket: true}}}).Seqs
		began := time.Now()
		a := ask[journal.Answer](w, journal.Answers{Account: work, Request: seqs[0], Wait: 20 * time.Second})
		if !a.Known || a.State != journal.Pending || time.Since(began) != 20*time.Second {
			t.Fatalf("%+v after %v", a, time.Since(began))
		}
	})
}

func TestAClockThatIsSetBackDoesNoHarm(t *testing.T) {
	virtually(t, func(t *testing.T, w *world, c *clock) {
		first := w.accept(home, 2)
		w.mustCommit(home, done(journal.Requests, first[0], "interpreted"), arrival("m1", "c1"))
		c.jump(-48 * time.Hour)
		second := w.accept(home, 1)
		if second[0] <= first[1] {
			t.Fatalf("number %d after %d", second[0], first[1])
		}
		if added := w.mustCommit(home, arrival("m1", "c1")); added[0] != 0 {
			t.Fatal("a claim was lost")
		}
		taken := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Requests, home), Max: 9})
		if len(taken.Requests) != 2 || taken.Requests[0].Seq != first[1] {
			t.Fatalf("order of acceptance: %+v", taken.Requests)
		}
		w.mustCommit(home, done(journal.Requests, second[0], "interpreted"))
		c.pass(3 * time.Hour) // 45 hours before the first
		mustErr(t, ask[journal.Shown](w, journal.Show{Seq: second[0]}).Err, journal.ErrNoItem)
		c.pass(49 * time.Hour)
		mustErr(t, ask[journal.Shown](w, journal.Show{Seq: first[0]}).Err, journal.ErrNoItem)
		w.verify()
	})
}

func TestSweepingGoesInSteps(t *testing.T) {
	virtually(t, func(t *testing.T, w *world, c *clock) {
		const n = 3500 // more than three steps
		seqs := w.accept(home, n)
		ops := make([]journal.Op, n)
		for i, seq := range seqs {
			ops[i] = done(journal.Requests, seq, "interpreted")
		}
		w.mustCommit(home, ops...)
		commits := ask[journal.Statistics](w, journal.Stats{}).Commits
		c.pass(3 * time.Hour)
		if l := ask[journal.Listed](w, journal.List{State: journal.Done}); len(l.Records) != 0 {
			t.Fatalf("%d records are left", len(l.Records))
		}
		if now := ask[journal.Statistics](w, journal.Stats{}).Commits; now != commits {
			t.Fatalf("sweeping counts as %d steps", now-commits)
		}
		w.verify()
	})
}

func TestWhatNobodyWaitsForIsSyncedSoon(t *testing.T) {
	virtually(t, func(t *testing.T, w *world, _ *clock) {
		w.accept(home, 1)
		before := ask[journal.Statistics](w, journal.Stats{}).Syncs
		w.mustCommit(home, journal.SetState{Name: "a", Value: []byte("1")})
		if now := ask[journal.Statistics](w, journal.Stats{}).Syncs; now != before {
			t.Fatal("a step that nobody relies on was synced at once")
		}
		time.Sleep(time.Second)
		if now := ask[journal.Statistics](w, journal.Stats{}).Syncs; now != before+1 {
			t.Fatalf("%d syncs in a second, want one", now-before)
		}
		time.Sleep(time.Hour)
		if now := ask[journal.Statistics](w, journal.Stats{}).Syncs; now != before+1 {
			t.Fatal("an idle journal syncs")
		}
	})
}

func TestReceiptsAreKeptForEightDays(t *testing.T) {
	virtually(t, func(t *testing.T, w *world, c *clock) {
		seq := w.mustCommit(home, reply("c1", "hi"))[0]
		w.mustCommit(home, journal.Receive{Seq: seq, Conversation: "c1", Receipt: channels.Receipt{ID: "p1"}}, done(journal.Replies, seq, "sent"))
		c.pass(7 * day)
		for _, m := range []journal.Ours{{Account: home, IDs: []string{"p1", "p2"}}, {Account: home, Conversation: "c1"}} {
			if o := ask[journal.OursAre](w, m); o.Err != nil || len(o.Replies) != 1 || o.Replies["p1"] != seq {
				t.Fatalf("%+v: %+v", m, o)
			}
		}
		c.pass(2 * day)
		for _, m := range []journal.Ours{{Account: home, IDs: []string{"p1"}}, {Account: home, Conversation: "c1"}} {
			if o := ask[journal.OursAre](w, m); o.Err != nil || len(o.Replies) != 0 {
				t.Fatalf("after nine days, %+v: %+v", m, o)
			}
		}
	})
}
