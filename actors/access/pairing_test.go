package access

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

func TestPairing(t *testing.T) {
	cases := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"a new stranger is told id, code and what to do, once", func(t *testing.T, w *world) {
			got := w.decide(direct(bob, "hi"))
			for _, part := range []string{bob, "CODE0001", "gateway pairing approve bluebubbles:home CODE0001"} {
				if !strings.Contains(got.Reply, part) {
					t.Errorf("reply without %q: %s", part, got.Reply)
				}
			}
			again := direct("+1 555 123 4567", "hello?")
			again.Seq = 2
			if got := w.decide(again); got.Outcome != Paired || got.Reply != "" {
				t.Errorf("got %+v", got)
			}
		}},
		{"the message that made the code gets the same reply again", func(t *testing.T, w *world) {
			first := w.decide(direct(bob, "hi"))
			if second := w.decide(direct(bob, "hi")); second.Reply != first.Reply {
				t.Errorf("got %+v", second)
			}
		}},
		{"a fourth stranger is ignored until a code has run out", func(t *testing.T, w *world) {
			for i := range maxRequests {
				w.decide(direct(fmt.Sprintf("+1%d", i), "hi"))
			}
			if got := w.decide(direct("+19", "hi")); got.Outcome != Paired || got.Reply != "" {
				t.Errorf("got %+v", got)
			}
			w.now = w.now.Add(validFor)
			if got := w.decide(direct("+19", "hi")); got.Reply == "" {
				t.Errorf("got %+v", got)
			}
			if n := len(w.kept[home]); n != 1 {
				t.Errorf("the journal keeps %d requests, want the valid one: %v", n, w.kept[home])
			}
		}},
		{"a code that is in use is drawn again", func(t *testing.T, w *world) {
			w.codes = []string{"SAME", "SAME", "OTHER"}
			w.decide(direct("+11", "hi"))
			if got := w.decide(direct("+12", "hi")); !strings.Contains(got.Reply, "OTHER") {
				t.Errorf("got %+v", got)
			}
		}},
		{"without a free code nothing is decided", func(t *testing.T, w *world) {
			w.codes = []string{"SAME", "SAME", "SAME", "SAME", "SAME", "SAME"}
			w.decide(direct("+11", "hi"))
			if got := w.decide(direct("+12", "hi")); got.Err == nil {
				t.Errorf("got %+v", got)
			}
		}},
		{"two messages of one stranger make one code", func(t *testing.T, w *world) {
			w.hold = true
			second := direct(bob, "there?")
			second.Seq = 2
			a, b := w.ask(Decide{Arrival: direct(bob, "hi")}), w.ask(Decide{Arrival: second})
			w.hold = false
			w.settle()
			if got := answer[Decision](w, b); answer[Decision](w, a).Reply == "" || got.Outcome != Paired || got.Reply != "" || w.drawn != 1 {
				t.Errorf("%d codes: %+v", w.drawn, w.answers)
			}
		}},
		{"an approved sender is let in and the request is gone", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			if got := answer[Settled](w, w.ask(Approve{Account: home, Code: " code0001 "})); got.Err != nil || got.Sender != bob {
				t.Fatalf("got %+v", got)
			}
			if got := w.decide(direct("+1-555-123-4567", "hi")); !got.Allow {
				t.Errorf("got %+v", got)
			}
			list := answer[PairingList](w, w.ask(ListPairing{}))
			if len(list.Requests) != 0 || len(list.Approved) != 1 || list.Approved[0].Sender != bob || !list.Approved[0].Since.Equal(start) {
				t.Errorf("got %+v", list)
			}
		}},
		{"an approval is answered only when the journal has it", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.hold = true
			q := w.ask(Approve{Account: home, Code: "CODE0001"})
			commit, ok := kittest.One[kit.Ask](t, w.effects).Msg.(journal.Commit)
			if !ok || !commit.Sync || len(commit.Ops) != 2 {
				t.Errorf("asked %+v, want one synced commit of who comes and the request that goes", commit)
			}
			if len(w.answers[q]) != 0 {
				t.Fatal("answered before")
			}
			w.perform()
			if got := answer[Settled](w, q); got.Err != nil {
				t.Errorf("got %+v", got)
			}
		}},
		{"a change that the journal refuses is told, and what it has is read again", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.broken = journal.ErrIntake
			w.hold = true
			q := w.ask(Approve{Account: home, Code: "CODE0001"})
			w.perform()
			if got := answer[Settled](w, q); !errors.Is(got.Err, journal.ErrIntake) {
				t.Errorf("got %+v", got)
			}
			w.broken, w.hold = nil, false
			w.settle()
			if got := w.decide(direct(bob, "hi")); got.Outcome != Paired {
				t.Errorf("got %+v", got)
			}
		}},
		{"a code alone is enough where it is unique", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			if got := answer[Settled](w, w.ask(Approve{Code: "CODE0001"})); got.Err != nil || got.Account != home {
				t.Errorf("got %+v", got)
			}
		}},
		{"a code nobody has is an error that says so", func(t *testing.T, w *world) {
			for _, msg := range []any{Approve{Code: "NONE"}, Approve{Account: home, Code: "NONE"}, Deny{Account: home, Code: "NONE"}, Deny{Sender: "eve"}, Deny{Account: home, Sender: "eve"}, Approve{}, Deny{}} {
				if got := answer[Settled](w, w.ask(msg)); got.Err == nil {
					t.Errorf("%+v was settled: %+v", msg, got)
				}
			}
		}},
		{"a code is worth nothing after an hour", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.now = w.now.Add(validFor)
			if got := answer[Settled](w, w.ask(Approve{Account: home, Code: "CODE0001"})); got.Err == nil {
				t.Errorf("got %+v", got)
			}
		}},
		{"a denied code is forgotten", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			if got := answer[Settled](w, w.ask(Deny{Code: "CODE0001"})); got.Err != nil || got.Sender != bob {
				t.Errorf("got %+v", got)
			}
			if len(w.kept[home]) != 0 {
				t.Errorf("the journal keeps %v", w.kept[home])
			}
		}},
		{"an approval can be taken back", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.ask(Approve{Code: "CODE0001"})
			if got := answer[Settled](w, w.ask(Deny{Sender: "+1 555 123 4567"})); got.Err != nil {
				t.Errorf("got %+v", got)
			}
			if got := w.decide(direct(bob, "hi")); got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"an approval does not count under allowlist", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.ask(Approve{Code: "CODE0001"})
			w.configure(policies(func(c *channels.Common) { c.DMPolicy = channels.Allowlist }))
			if got := w.decide(direct(bob, "hi")); got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"an approval does not count in groups", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.ask(Approve{Code: "CODE0001"})
			w.configure(policies(func(c *channels.Common) { c.GroupAllowFrom = []string{"eve"} }))
			if got := w.decide(group(bob, "hi")); got.Allow || got.Outcome != Denied {
				t.Errorf("got %+v", got)
			}
		}},
		{"questions wait until the account is loaded", func(t *testing.T, w *world) {
			w.kept["bluebubbles:work"] = map[string][]byte{"approved/" + bob: encode(Approved{Account: "bluebubbles:work", Sender: bob})}
			w.hold = true
			w.in(Configure{Accounts: map[channels.Account]channels.Common{"bluebubbles:work": policies(nil)}}, kit.Return{})
			m := direct(bob, "hi")
			m.Account = "bluebubbles:work"
			q := w.ask(Decide{Arrival: m})
			w.perform()
			if len(w.answers[q]) != 0 {
				t.Fatal("answered before it was loaded")
			}
			w.hold = false
			w.settle()
			if got := answer[Decision](w, q); !got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"a journal that fails is asked again", func(t *testing.T, w *world) {
			w.in(Configure{}, kit.Return{})
			w.broken = kit.ErrLate
			w.hold = true
			w.configure(policies(nil))
			w.perform()
			again := kittest.One[kit.After](t, w.effects)
			q := w.ask(Decide{Arrival: direct(bob, "hi")})
			w.perform() // the second answer of the failed load
			w.broken, w.hold = nil, false
			w.in(again.Msg, kit.Return{})
			if got := answer[Decision](w, q); got.Outcome != Paired {
				t.Errorf("got %+v", got)
			}
			w.hold = true
			w.in(again.Msg, kit.Return{}) // stale
			kittest.None[kit.Ask](t, w.effects)
		}},
		{"an answer to a load that was given up does not count for the next", func(t *testing.T, w *world) {
			w.in(Configure{}, kit.Return{})
			w.hold, w.broken = true, kit.ErrLate
			w.configure(policies(nil))
			w.perform()
			w.broken = nil
			w.in(kittest.One[kit.After](t, w.effects).Msg, kit.Return{})
			q := w.ask(Decide{Arrival: group(bob, "hi")})
			w.perform() // the second answer of the load before
			w.perform()
			if len(w.answers[q]) != 0 {
				t.Fatal("answered with half of what is kept")
			}
			w.perform()
			answer[Decision](w, q)
		}},
		{"a code is good over a restart", func(t *testing.T, w *world) {
			w.decide(direct(bob, "hi"))
			w.in(Configure{}, kit.Return{})
			w.configure(policies(nil))
			if got := answer[Settled](w, w.ask(Approve{Code: "CODE0001"})); got.Err != nil || got.Sender != bob {
				t.Errorf("got %+v", got)
			}
		}},
		{"a reload reads nothing again for an account that stays", func(t *testing.T, w *world) {
			w.hold = true
			w.configure(policies(nil))
			kittest.None[kit.Ask](t, w.effects)
		}},
		{"a stored value that cannot be read costs no other", func(t *testing.T, w *world) {
			w.in(Configure{}, kit.Return{})
			w.kept[home] = map[string][]byte{"approved/" + bob: encode(Approved{Sender: bob}), "approved/eve": []byte("{"), "pairing/eve": []byte("[]")}
			w.configure(policies(nil))
			if got := w.state.snapshot().Accounts[0]; got.Requests != 0 || got.Approved != 1 || w.notes != 2 {
				t.Errorf("status %+v, %d lines of log", got, w.notes)
			}
			if got := w.decide(direct(bob, "hi")); !got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"an account that is not configured decides nothing yet", func(t *testing.T, w *world) {
			m := direct(bob, "hi")
			m.Account = "bluebubbles:new"
			if got := w.decide(m); got.Err == nil || got.Allow {
				t.Errorf("got %+v", got)
			}
		}},
		{"removing an account answers whoever waits for it", func(t *testing.T, w *world) {
			w.hold = true
			first, second := w.ask(Decide{Arrival: direct(bob, "hi")}), w.ask(Decide{Arrival: direct("eve", "hi")})
			w.in(Configure{}, kit.Return{})
			if answer[Decision](w, first).Err == nil || answer[Decision](w, second).Err == nil {
				t.Errorf("got %+v", w.answers)
			}
			w.settle() // the code comes for nobody
		}},
		{"what fits nothing is said to fit nothing", func(t *testing.T, w *world) {
			w.in("what", kit.Return{})
			kittest.One[kit.Unknown](t, w.effects)
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
