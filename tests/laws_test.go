package tests

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/actors/journal"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// TestLaw5_AnIDHasOneEffect posts the same id again and again: after its answer, after a crash, after it became a dead letter.
// Each time it is 200, and there is one effect.
// Reverting actors/journal/ops.go: addArrival's "g.claim" makes it fail.
func TestLaw5_AnIDHasOneEffect(t *testing.T) {
	t.Parallel()
	b, k := newBot(t), newSink(t)
	config := strings.Replace(hookConfig, "{kind: echo}", fmt.Sprintf("{kind: http, url: %q}", b.URL), 1)
	g := open(t, fmt.Sprintf(config, freePort(t), hookSecret, k.URL, sinkSecret))
	b.speak(func(q turn) said {
		if strings.Contains(q.Text, "poison") {
			return said{Code: 422}
		}
		return said{Text: "re: " + q.Text}
	})
	ended := func(created, dead uint64) {
		t.Helper()
		eventually(t, "all has ended", func() (bool, string) {
			q := g.queue(sinkHook, journal.Arrivals)
			return q.Created == created && q.Pending == 0 && q.Dead == dead, fmt.Sprintf("%+v", q)
		})
	}
	both := func() {
		t.Helper()
		for _, id := range []string{"good", "poison"} {
			if a := g.post("/sink", hookSecret, message(id, id)); a.code != 200 {
				t.Errorf("%s: %d %s, want 200", id, a.code, a.body)
			}
		}
	}
	both()
	ended(2, 1)
	both()
	ended(4, 1)
	g.crash()
	g.begin()
	both()
	ended(6, 1)
	if n := len(b.asked()); n != 2 {
		t.Errorf("the agent was asked %d times, want once per id", n)
	}
	if q := g.queue(sinkHook, journal.Arrivals); q.Outcomes["duplicate"] != 4 || q.Outcomes["answered"] != 1 {
		t.Errorf("the books say %+v", q)
	}
}

// TestLaw6_EverythingEndsOnce mixes what can become of a message: answered, denied, duplicate, refused by the agent, not
// understood. The books balance, and each outcome has its number.
// Reverting actors/journal/ops.go: addArrival's "g.claim" makes it fail.
func TestLaw6_EverythingEndsOnce(t *testing.T) {
	t.Parallel()
	b, k := newBot(t), newSink(t)
	config := strings.Replace(hookConfig, "{kind: echo}", fmt.Sprintf("{kind: http, url: %q}", b.URL), 1)
	config = strings.Replace(config, "path: /sink", `path: /sink, dmPolicy: allowlist, allowFrom: [tester]`, 1)
	g := open(t, fmt.Sprintf(config, freePort(t), hookSecret, k.URL, sinkSecret))
	b.speak(func(q turn) said {
		switch {
		case strings.Contains(q.Text, "poison"):
			return said{Code: 422}
		case strings.Contains(q.Text, "mute"):
			return said{Code: 204}
		}
		return said{Text: "re: " + q.Text}
	})
	const n = 20
	for i := range n {
		for _, body := range []string{
			message(fmt.Sprint("good-", i), fmt.Sprint("c", i%5)),
			message(fmt.Sprint("good-", i), fmt.Sprint("c", i%5)),
			message(fmt.Sprint("poison-", i), fmt.Sprint("c", i%5)),
			message(fmt.Sprint("mute-", i), fmt.Sprint("c", i%5)),
			strings.Replace(message(fmt.Sprint("denied-", i), "d"), "tester", "stranger", 1),
			fmt.Sprintf(`{"id":"odd-%d","sender":"tester"}`, i),
		} {
			if a := g.post("/sink", hookSecret, body); a.code != 200 {
				t.Errorf("%s: %d %s, want 200", body, a.code, a.body)
			}
		}
	}
	eventually(t, "all has ended", func() (bool, string) {
		r, a, p := g.queue(sinkHook, journal.Requests), g.queue(sinkHook, journal.Arrivals), g.queue(sinkHook, journal.Replies)
		return r.Created == 6*n && r.Pending+a.Pending+p.Pending == 0, fmt.Sprintf("%+v\n%+v\n%+v", r, a, p)
	})
	g.balanced()
	a := g.queue(sinkHook, journal.Arrivals)
	for outcome, want := range map[string]uint64{"duplicate": n, "denied": n} {
		if a.Outcomes[outcome] != want {
			t.Errorf("%d %s, want %d: %+v", a.Outcomes[outcome], outcome, want, a)
		}
	}
	if a.Dead != n || a.Created != a.Done+a.Dead {
		t.Errorf("arrivals %+v, want %d dead", a, n)
	}
	if r := g.queue(sinkHook, journal.Requests); r.Dead != n || r.Done != 5*n {
		t.Errorf("requests %+v, want %d dead", r, n)
	}
	answers := 0
	for i := range 5 {
		answers += len(slices.DeleteFunc(k.texts(fmt.Sprint("c", i)), func(s string) bool { return !strings.HasPrefix(s, "re: ") }))
	}
	if answers != n {
		t.Errorf("%d answers at the sink, want %d", answers, n)
	}
}

// TestLaw8_OneRunAtATime gives orders of all sorts at once (incidents E4, E7, E9, E17: two starts, and connections left over): never do two runs hold the connection, numbers only rise, also over
// a crash, and a stop by hand stays.
// Reverting actors/supervisor/account.go: up's "!a.memory.stopped" makes it fail.
func TestLaw8_OneRunAtATime(t *testing.T) {
	t.Parallel()
	k := newSteps(t)
	const odd = channels.Account("faulty:odd")
	g := open(t, fmt.Sprintf(faultyConfig, ", exclusive: true", k.URL))
	done := make(chan struct{}, 4)
	for w := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 12 {
				order := []string{"channels.restart", "channels.stop", "channels.start", "reload"}[(w+i)%4]
				params := map[string]string{"target": string(odd)}
				if err := g.Call(order, params, nil); err != nil {
					t.Errorf("%s: %v", order, err)
				}
			}
		}()
	}
	for range 4 {
		waitFor(t, "the orders are carried out", done)
	}
	g.call("channels.start", map[string]string{"target": string(odd)}, nil)
	before := g.until(odd, "is green in the end", green)
	g.call("channels.stop", map[string]string{"target": string(odd)}, nil)
	g.crash()
	g.begin()
	if a := g.account(odd); !a.Stopped || a.Phase != supervisor.Off {
		t.Errorf("a stop by hand did not stay: %+v", a)
	}
	g.call("channels.start", map[string]string{"target": string(odd)}, nil)
	if after := g.until(odd, "is green again", green); after.Run <= before.Run {
		t.Errorf("run %d after run %d", after.Run, before.Run)
	}
	if c := k.of("conflict"); len(c) > 0 {
		t.Errorf("two runs at a time: %+v", c)
	}
	var last uint64
	for _, one := range k.of("started") {
		if one.Account == odd && one.Run <= last {
			t.Errorf("run %d started after run %d", one.Run, last)
		}
		last = max(last, one.Run)
	}
	if last == 0 {
		t.Error("no run told that it started")
	}
}

// TestLaw12_TheEdgeFailsClosed: a size is judged before a secret, a secret before a body; what is refused is not kept, and no
// answer says more than it must (incidents K1, K3, K4, K5, K8, K12). That no secret shows anywhere is looked at when the gateway of any of these tests ends.
// Reverting channels/screen/way.go: anyEqual's "found := false" makes it fail.
func TestLaw12_TheEdgeFailsClosed(t *testing.T) {
	t.Parallel()
	g, _ := newHook(t)
	large := `{"text":"` + strings.Repeat("x", 32<<20) + `"}`
	for _, c := range []struct {
		name, path, secret, body string
		code                     int
	}{
		{"too large, from a stranger", "/sink", "", large, 413},
		{"too large, with the secret", "/sink", hookSecret, large, 413},
		{"nonsense from a stranger", "/sink", "", "{", 401},
		{"nonsense with the secret", "/sink", hookSecret, "{", 400},
		{"a prefix of the secret", "/sink", hookSecret[:4], message("x", "c"), 401},
		{"the secret and more", "/sink", hookSecret + "x", message("x", "c"), 401},
		{"the other secret of the account", "/sink", sinkSecret, message("x", "c"), 401},
		{"the secret in the query", "/sink?secret=" + hookSecret, "", message("x", "c"), 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := g.post(c.path, c.secret, c.body)
			// Who goes on writing a body that nobody reads may be cut off before the answer.
			if a.code != c.code && !(c.code == 413 && a.code == 0) {
				t.Errorf("%d %s, want %d", a.code, a.body, c.code)
			}
			if strings.Contains(a.body, canary) {
				t.Errorf("the answer shows the secret: %s", a.body)
			}
		})
	}
	if q := g.queue(sinkHook, journal.Requests); q.Created != 0 {
		t.Errorf("something was kept: %+v", q)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/", "/_/", "/"} {
		res, err := sender.Get(g.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(res.Body)
		_ = res.Body.Close()
		if strings.Contains(body.String(), canary) {
			t.Errorf("%s shows a secret", path)
		}
	}
	for _, args := range [][]string{{"check"}, {"status"}, {"routes"}, {"tree"}, {"plugins"}, {"channels"}, {"schema"}, {"journal", "stats"}} {
		out, errs, code := g.run(args...)
		if code != 0 || strings.Contains(out+errs, canary) {
			t.Errorf("gateway %v: code %d, secret shown %t\n%s", args, code, strings.Contains(out+errs, canary), errs)
		}
	}
	g.edit(hookSecret+`"}`, hookSecret+`", secrets: 7}`)
	out, errs, code := g.run("check")
	if code != 78 || strings.Contains(out+errs, canary) {
		t.Errorf("a bad file: code %d, %s%s", code, out, errs)
	}
}
