package tests

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/channels"
)

const renameConfig = `gateway: {listen: "127.0.0.1:%d", drainTimeout: 3s}
channels:
  webhook:
    accounts:
      sink: {dmPolicy: pairing, allowFrom: [], path: /sink, auth: {type: bearer, secret: %q}, callbackUrl: %q, callbackSecret: %q}
agents:
  default: {kind: http, url: %q}
`

const shed = channels.Account("webhook:shed")

// paired starts a gateway whose account sink has answered somebody it let in by a code.
func paired(t *testing.T) (*gate, *sink, *bot) {
	t.Helper()
	b, k := newBot(t), newSink(t)
	g := open(t, fmt.Sprintf(renameConfig, freePort(t), hookSecret, k.URL, sinkSecret, b.URL))
	g.until(sinkHook, "is green", green)
	g.takes(message("stranger", "talk"))
	var code []string
	eventually(t, "the stranger is told a code", func() (bool, string) {
		got := k.texts("talk")
		if len(got) == 1 {
			code = regexp.MustCompile(`code: ([A-Z0-9]+)`).FindStringSubmatch(got[0])
		}
		return len(code) == 2, fmt.Sprintf("%q", got)
	})
	if out, errs, exit := g.run("pairing", "approve", sinkHook, code[1]); exit != 0 {
		t.Fatalf("approve: %d %s %s", exit, out, errs)
	}
	g.takes(message("friend", "talk"))
	eventually(t, "the friend is answered", func() (bool, string) {
		return k.answers()["friend"] == 1, fmt.Sprint(k.answers())
	})
	return g, k, b
}

// takes posts a message, which must be taken.
func (g *gate) takes(body string) {
	g.t.Helper()
	if a := g.post("/sink", hookSecret, body); a.code != 200 {
		g.t.Fatalf("%s: %d %s", body, a.code, a.body)
	}
}

// remembered fails the test unless the account by its present name knows whom it let in, what was said, and which ids it had.
func (g *gate) remembered(k *sink, b *bot, account channels.Account, id string) {
	g.t.Helper()
	list, _, _ := g.run("pairing", "list")
	if !strings.Contains(list, string(account)) || !strings.Contains(list, "tester") {
		g.t.Errorf("who was let in is not known to %s any more:\n%s", account, list)
	}
	before := g.queue(account, journal.Arrivals)
	g.takes(message("friend", "talk"))
	eventually(g.t, "the repeat is known to be one", func() (bool, string) {
		q := g.queue(account, journal.Arrivals)
		return q.Outcomes["duplicate"] == before.Outcomes["duplicate"]+1, fmt.Sprintf("%+v", q)
	})
	g.takes(message(id, "talk"))
	eventually(g.t, "the next message is answered", func() (bool, string) {
		return k.answers()[id] == 1, fmt.Sprint(k.answers())
	})
	q, asked := b.gotten("text of " + id)
	said := fmt.Sprint(q.History)
	if !asked || q.Account != string(account) || !strings.Contains(said, "re: text of friend") {
		g.t.Errorf("the agent was asked %+v: it does not know what was said before", q)
	}
}

// An account gets another name, and back, again and again under load, while its receiver is away and its agent is down for a
// while: no sender hears anything but 200, each message is answered once, and whom it let in, what was said and which ids
// it had stays known.
// Reverting actors/journal/rename.go: "r.queues", "r.claims" or "r.values" makes it fail; so does actors/reload/rename.go:
// release's "s.configuring" without its names, and actors/journal/steps.go: renamed's "a.Account".
func TestLaw6_ARenamedAccountKeepsWhatItHad(t *testing.T) {
	t.Parallel()
	g, k, b := paired(t)
	names := []string{"sink", "shed"}
	k.slowDown(40 * time.Millisecond) // so that a rename meets replies in flight
	l := begin(t, g.URL+"/sink", 3)
	for i := range 5 {
		k.goAway(i%3 == 1)
		b.speak(func(q turn) said {
			if i%3 == 2 {
				return said{Code: 503}
			}
			return said{Text: "re: " + q.Text}
		})
		old, now := names[i%2], names[(i+1)%2]
		g.edit("      "+old+": {", "      "+now+": {formerly: "+old+", ")
		if i > 0 {
			g.edit("formerly: "+old+", formerly: "+now+", ", "formerly: "+old+", ")
		}
		r := g.reload()
		if v := r.Units["webhook:"+now]; v.Result != "applied" {
			t.Errorf("rename %d: %+v", i, r.Units)
		}
		if n := len(g.status().Accounts); n != 1 {
			t.Errorf("%d accounts are shown after rename %d", n, i)
		}
		before := l.n.Load()
		eventually(t, "the load goes on", func() (bool, string) { return l.n.Load() > before+20, fmt.Sprint(l.n.Load()) })
	}
	k.goAway(false)
	b.speak(func(q turn) said { return said{Text: "re: " + q.Text} })
	ids := l.end()
	ids["friend"] = true
	k.once(t, ids)
	g.remembered(k, b, shed, "last")
}

// The file is changed while the gateway is down, and what was under way then is under way still; the setting may stay.
// Reverting actors/reload/publish.go: published's "s.renames()" makes it fail.
func TestAnAccountIsRenamedWhileTheGatewayIsDown(t *testing.T) {
	t.Parallel()
	g, k, b := paired(t)
	k.goAway(true)
	g.takes(message("waits", "talk"))
	eventually(t, "its answer waits", func() (bool, string) {
		q := g.queue(sinkHook, journal.Replies)
		return q.Pending == 1, fmt.Sprintf("%+v", q)
	})
	g.call("channels.stop", map[string]any{"target": sinkHook}, nil)
	g.crash()
	g.edit("      sink: {", "      shed: {formerly: sink, ")
	g.begin()
	if a := g.account(shed); !a.Stopped {
		t.Errorf("it was stopped by hand under its old name, and it is %+v", a)
	}
	k.goAway(false)
	g.call("channels.start", map[string]any{"target": shed}, nil)
	k.once(t, map[string]bool{"friend": true, "waits": true})
	g.stop()
	g.begin()
	g.remembered(k, b, shed, "last")
	queues := g.status().Queues
	if slices.ContainsFunc(queues, func(q control.QueueStatus) bool { return q.Account == sinkHook }) {
		t.Errorf("the old name is still in the books: %+v", queues)
	}
}
