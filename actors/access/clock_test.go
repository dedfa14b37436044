package access

import (
	"fmt"
	"testing"
	"time"

	"holdfast/actors/kit"
)

func TestAClockThatIsSetWrong(t *testing.T) {
	approve := func(w *world, code string) error {
		return answer[Settled](w, w.ask(Approve{Account: home, Code: code})).Err
	}
	cases := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"a code is good over a small correction of the clock", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.now = w.now.Add(-time.Minute)
			if err := approve(w, "CODE0001"); err != nil {
				t.Error(err)
			}
		}},
		{"a code that the clock says comes from a later time is worth nothing", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.now = w.now.Add(-2 * time.Hour)
			if approve(w, "CODE0001") == nil {
				t.Error("an old code would be good until the clock comes to its time again, and an hour longer")
			}
			if got := answer[PairingList](w, w.ask(ListPairing{})); len(got.Requests) != 0 {
				t.Errorf("got %+v", got)
			}
		}},
		{"whoever had it gets a new one with the next message, and the old one never comes back", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.now = w.now.Add(-2 * time.Hour)
			again := direct(bob, "hello?")
			again.Seq = 2
			if got := w.decide(again); got.Reply == "" {
				t.Errorf("got %+v", got)
			}
			w.now = start.Add(-time.Hour)
			if approve(w, "CODE0001") == nil {
				t.Error("the old code is good again")
			}
			w.now = start.Add(-time.Hour - 1)
			if err := approve(w, "CODE0002"); err != nil {
				t.Error(err)
			}
		}},
		{"a code that has run out does not come back for another, who has been given none since", func(t *testing.T, w *world) {
			for i := range maxRequests {
				w.decide(direct(fmt.Sprintf("+1%d", i), "hi"))
			}
			w.now = start.Add(validFor)
			w.hold = true
			q := w.ask(Decide{Arrival: direct(bob, "hi")})
			w.now = start // before the code is drawn
			w.hold = false
			w.settle()
			if answer[Decision](w, q).Reply == "" || len(w.state.accounts.Of(home).requests) != 1 || len(w.kept[home]) != 1 {
				t.Errorf("kept %v", w.kept[home])
			}
		}},
		{"strangers are as many as ever", func(t *testing.T, w *world) {
			for i := range maxRequests {
				w.decide(direct(fmt.Sprintf("+1%d", i), "hi"))
			}
			w.now = w.now.Add(-2 * time.Hour)
			for i := range 2 * maxRequests {
				got := w.decide(direct(fmt.Sprintf("+2%d", i), "hi"))
				if (got.Reply != "") != (i < maxRequests) {
					t.Errorf("stranger %d got %+v", i, got)
				}
			}
			if n := len(w.state.accounts.Of(home).requests); n != maxRequests {
				t.Errorf("%d codes are kept", n)
			}
		}},
		{"a leap ahead ends codes as early as the clock says, and their holders get new ones", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.now = w.now.Add(365 * 24 * time.Hour)
			if approve(w, "CODE0001") == nil {
				t.Error("the old code is good")
			}
			if got := w.decide(direct(bob, "hi")); got.Reply == "" {
				t.Errorf("got %+v", got)
			}
		}},
		{"what was approved stays so, whatever the clock shows", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			if err := approve(w, "CODE0001"); err != nil {
				t.Fatal(err)
			}
			for _, by := range []time.Duration{-100 * 365 * 24 * time.Hour, -time.Hour, time.Hour, 100 * 365 * 24 * time.Hour} {
				w.now = start.Add(by)
				if got := w.decide(direct(bob, "hi")); !got.Allow {
					t.Errorf("%v later: %+v", by, got)
				}
			}
		}},
		{"codes go by the clock on the wall before a restart as after it", func(t *testing.T, w *world) {
			w.now = time.Now() // which also has what has passed since the start, without the time that the machine slept
			w.decide(direct(bob, "hi"))
			if r := w.state.accounts.Of(home).requests[bob]; r.Created != r.Created.Round(0) || r.Expires != r.Expires.Round(0) {
				t.Errorf("kept %v until %v", r.Created, r.Expires)
			}
			w.now = w.now.Round(0)
			w.in(Configure{}, kit.Return{})
			w.configure(policies(nil))
			w.now = w.now.Add(-2 * time.Hour)
			if approve(w, "CODE0001") == nil {
				t.Error("the code came back")
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.configure(policies(nil))
			c.run(t, w)
		})
	}
}
