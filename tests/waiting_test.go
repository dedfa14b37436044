package tests

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

// The agent is down for longer than half a minute: everything stays pending, each conversation is told once that it takes
// longer, also over a crash, and the answers come in order when the agent is back.
// Reverting actors/lanes/trouble.go: failed's "s.sayLate" or "!l.stored.notices.Late" makes it fail; without the latter only the
// claim of actors/lanes/commit.go: sayLate keeps the sender from being told again.
func TestALongTroubleIsToldOncePerConversation(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.bot.speak(func(turn) said { return said{Code: 503} })
	h.mac.Receive(direct(anna), anna, "one")
	h.mac.Settle()
	h.mac.Receive(direct(anna), anna, "two")
	h.mac.Receive(direct(bob), bob, "three")
	h.delivered()
	told := func() {
		h.t.Helper()
		for _, who := range []string{anna, bob} {
			eventually(t, who+" is told that it takes longer, once", func() (bool, string) {
				got := h.sent(direct(who))
				return len(got) == 1 && strings.Contains(got[0], "still working"), fmt.Sprintf("%q", got)
			})
		}
		eventually(t, "all three wait, and nothing else", func() (bool, string) {
			a, r := h.queue(home, journal.Arrivals), h.queue(home, journal.Replies)
			return a.Pending == 3 && a.Created == 3+a.Outcomes["duplicate"] && r.Pending == 0 && r.Created == 2, fmt.Sprintf("%+v\n%+v", a, r)
		})
	}
	told()
	if s := h.status(); s.Health != "red" || !slices.ContainsFunc(s.Causes, func(c string) bool { return strings.Contains(c, "agent default failed") }) {
		t.Errorf("the status does not tell that the agent fails: %s %q", s.Health, s.Causes)
	}
	h.crash()
	h.begin()
	before := len(h.bot.asked())
	eventually(t, "the agent was tried again for both, twice", func() (bool, string) {
		tries := map[string]int{}
		for _, q := range h.bot.asked()[before:] {
			tries[q.Conversation]++
		}
		return tries[direct(anna)] > 2 && tries[direct(bob)] > 2, fmt.Sprint(tries)
	})
	told()
	notice := h.sent(direct(bob))[0]
	h.bot.speak(func(q turn) said { return said{Text: "re: " + q.Text} })
	h.hears(direct(anna), notice, "re: one", "re: two")
	h.hears(direct(bob), notice, "re: three")
	h.settled()
	h.hears(direct(anna), notice, "re: one", "re: two")
}

const expiryConfig = `gateway: {listen: "127.0.0.1:%d", drainTimeout: 3s}
channels:
  webhook:
    accounts:
      sink: {expireAfter: 5s, path: /sink, auth: {type: bearer, secret: %[2]q}, callbackUrl: %[3]q, callbackSecret: %[4]q}
      patient: {path: /patient, auth: {type: bearer, secret: %[2]q}, callbackUrl: %[3]q, callbackSecret: %[4]q}
agents:
  default: {kind: http, url: %[5]q}
`

// The agent is down for longer than an account waits: its messages end as expired, which the command line shows, its sender
// hears so once and no answer afterwards. An account that waits longer is answered.
// Reverting actors/lanes/trouble.go: timeLeft's "ExpireAfter" to the default, or expire's "!next.notices.Expired", makes it fail.
func TestWhatIsNotAnsweredInTimeEndsAsExpired(t *testing.T) {
	t.Parallel()
	b, k := newBot(t), newSink(t)
	b.speak(func(turn) said { return said{Code: 503} })
	g := open(t, fmt.Sprintf(expiryConfig, freePort(t), hookSecret, k.URL, sinkSecret, b.URL))
	for _, m := range [][3]string{{"/sink", "1", "short"}, {"/sink", "2", "short"}, {"/patient", "3", "long"}} {
		if a := g.post(m[0], hookSecret, message(m[1], m[2])); a.code != 200 {
			t.Fatalf("%v: %d %s", m, a.code, a.body)
		}
	}
	eventually(t, "two have expired and the sender knows", func() (bool, string) {
		a, r := g.queue(sinkHook, journal.Arrivals), g.queue(sinkHook, journal.Replies)
		return a.Created == 2 && a.Expired == 2 && a.Pending == 0 && r.Created == 1 && r.Done == 1, fmt.Sprintf("%+v\n%+v", a, r)
	})
	told := k.texts("short")
	if len(told) != 1 || !strings.Contains(told[0], "given it up") {
		t.Errorf("the sender was told %q", told)
	}
	if q := g.queue("webhook:patient", journal.Arrivals); q.Pending != 1 || q.Expired != 0 {
		t.Errorf("the other account has %+v", q)
	}
	shown := g.expiredShown(t)
	g.stop()
	g.begin()
	b.speak(func(q turn) said { return said{Text: "re: " + q.Text} })
	eventually(t, "the other account is answered", func() (bool, string) {
		got := k.texts("long")
		return len(got) == 1 && got[0] == "re: text of 3", fmt.Sprintf("%q", got)
	})
	g.edit("expireAfter: 5s, ", "") // what comes now has time
	g.reload()
	g.until(sinkHook, "is green", green)
	if a := g.post("/sink", hookSecret, message("4", "short")); a.code != 200 {
		t.Errorf("a later message: %d %s", a.code, a.body)
	}
	eventually(t, "a later message is answered", func() (bool, string) {
		got := k.texts("short")
		return slices.Equal(got, append(slices.Clone(told), "re: text of 4")), fmt.Sprintf("%q", got)
	})
	if now := g.expiredShown(t); now != shown {
		t.Errorf("what expired has changed:\n%s\nwas\n%s", now, shown)
	}
}

// expiredShown fails the test unless the command line shows the two messages that expired, why, and that the counters add up.
// It returns what does not change any more.
func (g *gate) expiredShown(t *testing.T) (list string) {
	t.Helper()
	var got control.ListResult
	g.call("journal.ls", map[string]any{"state": "expired"}, &got)
	for _, r := range got.Records {
		if r.Kind != journal.Arrivals || r.Account != sinkHook || r.Conversation != "short" || r.Outcome != "late" || !strings.HasPrefix(r.Reason, "not answered in time") {
			t.Errorf("the list of what expired has %+v", r)
		}
		list += fmt.Sprintf("%d %s %s\n", r.Seq, r.Outcome, r.Reason)
	}
	if len(got.Records) != 2 || !strings.Contains(list, "503") {
		t.Errorf("want two, with what the agent said:\n%s", list)
	}
	out, _, code := g.run("journal", "ls", "--state", "expired", "--kind", "arrival")
	if code != 0 || strings.Count(out, "not answered in time") != 2 {
		t.Errorf("journal ls: %d\n%s", code, out)
	}
	for _, command := range []string{"stats", "verify"} {
		out, errs, code := g.run("journal", command)
		row := slices.IndexFunc(strings.Split(out, "\n"), func(line string) bool {
			f := strings.Fields(line)
			return len(f) > 6 && f[0] == string(sinkHook) && f[1] == "arrival" && f[4]+f[5]+f[6] == "020"
		})
		if code != 0 || row < 0 {
			t.Errorf("journal %s: %d, want a line with two expired\n%s%s", command, code, out, errs)
		}
	}
	return list
}
