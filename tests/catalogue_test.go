package tests

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

// A1: after a hot reload the log says that the webhook listens, and posts get 404.
// Messages come in while the channel is edited and everything readable is read; nobody hears 404, and each message that was
// accepted is answered once.
// Reverting actors/reload/stages.go: "Claims: s.run.next.Claims()" makes it fail.
func TestA1_NobodyHears404WhileTheChannelIsEdited(t *testing.T) {
	t.Parallel()
	g, k := newHook(t)
	l := begin(t, g.URL+"/sink", 3)
	for i := range 10 {
		if i%2 == 0 {
			g.edit(`path: /sink`, `name: edited, path: /sink`)
		} else {
			g.edit(`name: edited, path: /sink`, `path: /sink`)
		}
		r := g.reload()
		if v := r.Units[sinkHook]; v.Result != "applied" {
			t.Errorf("edit %d: %+v, want applied", i, r.Units)
		}
		for _, read := range []string{"rpc.discover", "plugins.list", "status"} {
			g.call(read, nil, nil)
		}
		l.more(5)
	}
	k.once(t, l.end())
}

// A2, E15: writing an unrelated key removed a channel's route for two hours while the status said connected.
// Every message is taken while other parts of the file change; process, run and route stay.
// Reverting actors/supervisor/account.go: "a.want.Digest == want.Digest" makes it fail.
func TestA2_AnUnrelatedKeyTouchesNoRoute(t *testing.T) {
	t.Parallel()
	g, _ := newHook(t)
	before, pid := g.account(sinkHook), g.PID()
	for _, edit := range [][2]string{
		{"agents:\n", "messages: {groupChat: {mentionPatterns: [bot]}}\nagents:\n"},
		{"default: {kind: echo}", "default: {kind: echo}\n  other: {kind: echo}"},
		{"    accounts:\n", "    accounts:\n      off: {enabled: false, path: /off, auth: {type: bearer, secret: c4nary-off}}\n"},
		{"path: /off", "name: still off, path: /off"},
	} {
		g.edit(edit[0], edit[1])
		done := make(chan error, 1)
		go func() { done <- g.Call("reload", nil, nil) }()
		for len(done) == 0 {
			if a := g.post("/sink", hookSecret, message("always the same", "c")); a.code != 200 {
				t.Errorf("a message: %d, want 200", a.code)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	after := g.account(sinkHook)
	if after.Run != before.Run || !after.Since.Equal(before.Since) || !after.PathLive || g.PID() != pid {
		t.Errorf("it was touched: before %+v, after %+v", before, after)
	}
}

// A3, E6: the start of an account hung after a reload; what came in was answered 200 and went nowhere.
// The account's server hangs after a reload: messages are still taken, health is not green, and when the server is right again
// each is answered once.
// Reverting actors/control/status.go: "case a.Link != channels.Connected" makes it fail.
func TestA3_AHungStartIsSeenAndLosesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	h.until(home, "is green", green)
	free := make(chan struct{})
	h.bot.speak(func(q turn) said { <-free; return said{Text: "re: " + q.Text} })
	hung := hungServer(t)
	h.edit(h.mac.URL(), hung)
	h.reload()
	h.until(home, "is red", func(a control.AccountStatus) bool { return a.Health == "red" && a.Link != channels.Connected })
	for i := range 5 {
		h.mac.Receive(direct(anna), anna, fmt.Sprint("message ", i))
		h.mac.Settle()
	}
	h.delivered()
	eventually(t, "the messages wait", func() (bool, string) {
		q := h.queue(home, journal.Arrivals)
		return q.Pending == 5, fmt.Sprintf("%+v", q)
	})
	if a := h.account(home); a.Health != "red" || !a.PathLive {
		t.Errorf("want red with a live path: %+v", a)
	}
	h.edit(hung, h.mac.URL())
	h.reload()
	close(free)
	h.hears(direct(anna), "re: message 0", "re: message 1", "re: message 2", "re: message 3", "re: message 4")
	h.until(home, "is green again", green)
	h.settled()
}

// P1: editing one of nine accounts reconnected all.
// Editing B leaves A its run, and B gets a new one.
// Reverting actors/supervisor/account.go: "a.want.Digest == want.Digest" makes it fail.
func TestP1_AnEditReconnectsItsAccountOnly(t *testing.T) {
	t.Parallel()
	const config = `gateway: {listen: "127.0.0.1:0"}
channels:
  bluebubbles:
    accounts:
      a: {serverUrl: %q, password: c4nary-a, dmPolicy: open, allowFrom: ["*"]}
      b: {name: b0, serverUrl: %q, password: c4nary-b, dmPolicy: open, allowFrom: ["*"]}
agents:
  default: {kind: echo}
`
	servers := []*bluebubblestest.Server{mac(t, bluebubblestest.Options{Password: "c4nary-a"}), mac(t, bluebubblestest.Options{Password: "c4nary-b"})}
	g := open(t, fmt.Sprintf(config, servers[0].URL(), servers[1].URL()))
	a, b := g.until("bluebubbles:a", "is green", green), g.until("bluebubbles:b", "is green", green)
	for i := range 3 {
		asked := servers[0].Requests()["GET server/info"]
		g.edit(fmt.Sprintf("name: b%d", i), fmt.Sprintf("name: b%d", i+1))
		r := g.reload()
		if r.Units["bluebubbles:a"].Result != "unchanged" || r.Units["bluebubbles:b"].Result != "applied" {
			t.Errorf("the verdicts are %+v", r.Units)
		}
		next := g.until("bluebubbles:b", "is green again", green)
		if next.Run <= b.Run {
			t.Errorf("b has run %d, had %d", next.Run, b.Run)
		}
		b = next
		now := g.account("bluebubbles:a")
		if now.Run != a.Run || !now.Since.Equal(a.Since) || now.Health != "green" {
			t.Errorf("a was touched: %+v, was %+v", now, a)
		}
		if more := servers[0].Requests()["GET server/info"] - asked; more > 1 { // one may be the regular look
			t.Errorf("a's server was asked %d times", more)
		}
	}
}

// A12, E22: a route that was registered early led into an empty table of handlers; with nothing but a webhook nobody listened.
// Posts from the start of the process on: nobody listens (or no more: 503 says so), then 200 and nothing else, and each 200 has its effect.
// Reverting cmd/life/start.go: "g.open()" after the first publication, not before it, makes it fail.
func TestA12_TheFirstAnswerIsAlreadyATrueOne(t *testing.T) {
	t.Parallel()
	g, k := newHook(t)
	l := begin(t, g.URL+"/sink", 2)
	for range 3 {
		l.more(3)
		g.stop()
		g.begin()
	}
	l.more(3)
	k.once(t, l.end())
}

const faultyConfig = `gateway: {listen: "127.0.0.1:0", drainTimeout: 2s}
channels:
  faulty:
    accounts:
      odd: {path: /odd, secret: c4nary-odd%s, sink: %q}
      even: {path: /even, secret: c4nary-even}
agents:
  default: {kind: echo}
`

// E1, E2, E13, B17: after a stop that timed out the channel was dead for good and shown as running, and nobody could restart it.
// A run ignores that it should end: after its deadline it is fenced and shown, the next run is up, and its late end changes
// nothing.
// Reverting actors/supervisor/life.go: drainOver's "run.Fence" makes it fail.
func TestE1_ARunThatIgnoresItsEndIsLeftBehind(t *testing.T) {
	t.Parallel()
	steps := newSteps(t)
	const odd = channels.Account("faulty:odd")
	g := open(t, fmt.Sprintf(faultyConfig, ", run: hang", steps.URL), asGateway+"="+string(odd))
	first := g.until(odd, "has a run", func(a control.AccountStatus) bool {
		return a.Phase == supervisor.Running && a.Link == channels.Connected
	})
	even := g.until("faulty:even", "is green", green)
	began := time.Now()
	g.edit(", run: hang", "")
	g.reload()
	second := g.until(odd, "has another run", func(a control.AccountStatus) bool { return a.Phase == supervisor.Running && a.Run > first.Run })
	if !slices.Contains(second.Leaving, first.Run) && !slices.Contains(second.Abandoned, first.Run) {
		t.Errorf("the run that hangs is not shown: %+v", second)
	}
	g.until(odd, "shows the run that hangs as given up", func(a control.AccountStatus) bool {
		return slices.Contains(a.Abandoned, first.Run) && a.Health == "red"
	})
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s, which is not a deadline", took)
	}
	if a := g.post("/odd", "c4nary-odd", message("1", "c")); a.code != 200 {
		t.Errorf("a message: %d, want 200", a.code)
	}
	eventually(t, "the new run answers", func() (bool, string) {
		s := steps.of("sent")
		return len(s) == 1 && s[0].Run == second.Run, fmt.Sprintf("%+v", s)
	})
	g.Signal(syscall.SIGUSR1)
	last := g.until(odd, "is green when the old run is gone", green)
	if last.Run != second.Run || !last.Since.Equal(second.Since) || len(last.Abandoned) != 0 {
		t.Errorf("the late end changed something: %+v, was %+v", last, second)
	}
	if now := g.account("faulty:even"); now.Run != even.Run || now.Health != "green" {
		t.Errorf("the sibling was touched: %+v", now)
	}
}

// N1: whoever came from loopback needed no secret, and behind a proxy everybody does.
// Without the secret it is 401 from this machine too, whatever headers say.
// Reverting channels/screen/way.go: anyEqual's "found := false" makes it fail.
func TestN1_LoopbackIsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	for _, query := range []string{"", "?password=", "?password=wrong", "?guid=" + strings.ToUpper(canary) + "-HOME", "?password=" + canary} {
		a := request(h.URL+"/bluebubbles-webhook"+query, "", `{"type":"new-message","data":{"guid":"x","text":"y"}}`)
		if a.code != 401 || strings.Contains(a.body, canary) {
			t.Errorf("%q: %d %q, want 401", query, a.code, a.body)
		}
	}
	if q := h.queue(home, journal.Requests); q.Created != 0 {
		t.Errorf("something was kept: %+v", q)
	}
}
