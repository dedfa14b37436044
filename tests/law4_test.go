package tests

import (
	"fmt"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
)

const stateConfig = `gateway: {listen: "127.0.0.1:0", drainTimeout: 2s}
channels:
  bluebubbles:
    accounts:
      starting: {serverUrl: %[1]q, password: c4nary-starting, dmPolicy: open, allowFrom: ["*"]}
      refused: {serverUrl: %[2]q, password: c4nary-refused, dmPolicy: open, allowFrom: ["*"]}
      away: {serverUrl: "http://127.0.0.1:1", password: c4nary-away, dmPolicy: open, allowFrom: ["*"]}
      stopped: {serverUrl: %[2]q, password: c4nary-mac, dmPolicy: open, allowFrom: ["*"]}
      disabled: {enabled: false, serverUrl: %[2]q, password: c4nary-disabled, dmPolicy: open, allowFrom: ["*"]}
  faulty:
    accounts:
      hanging: {path: /hanging, secret: c4nary-hanging, run: hang}
      looping: {path: /looping, secret: c4nary-looping, run: fail}
      leaving: {path: /leaving, secret: c4nary-leaving, run: return}
      panicking: {path: /panicking, secret: c4nary-panicking, run: panic}
      rejected: {path: /rejected, secret: c4nary-rejected, run: refuse}
      halted: {path: /halted, secret: c4nary-halted}
      off: {enabled: false, path: /off, secret: c4nary-off}
agents:
  default: {kind: echo}
`

// TestLaw4_APathAnswersWhateverItsAccountDoes goes through the states of an account. In each of them a message is taken, kept
// and understood; only the operator's own no is 503, and only a path of nobody 404.
// Incidents E10, F9, F11: a return was taken for a start, and a breaker took everybody down.
// Reverting actors/reload/candidate.go: "Disabled = !a.Settings.Shared().On()" makes it fail.
func TestLaw4_APathAnswersWhateverItsAccountDoes(t *testing.T) {
	t.Parallel()
	server := mac(t, bluebubblestest.Options{Password: "c4nary-mac"})
	g := open(t, fmt.Sprintf(stateConfig, hungServer(t), server.URL()), asGateway+"=faulty:hanging")
	for _, target := range []string{"faulty:halted", "bluebubbles:stopped"} {
		g.call("channels.stop", map[string]string{"target": target}, nil)
	}
	in := func(phases ...supervisor.Phase) func(control.AccountStatus) bool {
		return func(a control.AccountStatus) bool {
			for _, p := range phases {
				if a.Phase == p {
					return true
				}
			}
			return false
		}
	}
	linked := func(l channels.Link) func(control.AccountStatus) bool {
		return func(a control.AccountStatus) bool { return a.Phase == supervisor.Running && a.Link == l }
	}
	for _, c := range []struct {
		account channels.Account
		name    string
		state   func(control.AccountStatus) bool
		health  string
		code    int
	}{
		{"bluebubbles:starting", "a server that never answers", func(a control.AccountStatus) bool {
			return a.Phase == supervisor.Running && a.Link != channels.Connected
		}, "", 200},
		{"bluebubbles:refused", "a password that the server refuses", in(supervisor.Refused), "red", 200},
		{"bluebubbles:away", "a server that is not there", linked(channels.Waiting), "red", 200},
		{"bluebubbles:stopped", "stopped by hand", in(supervisor.Off), "off", 200},
		{"bluebubbles:disabled", "disabled by the operator", in(supervisor.Off), "off", 503},
		{"faulty:hanging", "a run that hangs", linked(channels.Connected), "", 200},
		{"faulty:looping", "a run that always fails", in(supervisor.Pausing), "red", 200},
		{"faulty:leaving", "a run that always ends", in(supervisor.Pausing), "red", 200},
		{"faulty:panicking", "a run that panics", in(supervisor.Pausing, supervisor.Failed), "red", 200},
		{"faulty:rejected", "a run that waits for the operator", in(supervisor.Refused), "red", 200},
		{"faulty:halted", "stopped by hand too", in(supervisor.Off), "off", 200},
		{"faulty:off", "disabled too", in(supervisor.Off), "off", 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := g.until(c.account, "is as described", c.state)
			if c.health != "" && a.Health != c.health {
				t.Errorf("health %s %q, want %s", a.Health, a.Causes, c.health)
			}
			for range 3 {
				g.knock(t, c.account, c.code)
			}
			if c.code == 200 {
				eventually(t, "it is understood without a run", func() (bool, string) {
					q := g.queue(c.account, journal.Requests)
					return q.Created == 3 && q.Done == 3, fmt.Sprintf("%+v", q)
				})
			}
			if a := g.account(c.account); !a.PathLive {
				t.Errorf("its path is not in the table: %+v", a)
			}
		})
	}
	t.Run("a path of nobody", func(t *testing.T) {
		for _, path := range []string{"/nobody", "/hanging/more", "/bluebubbles-webhook/x", "/HANGING"} {
			if a := g.post(path, "c4nary-hanging", "{}"); a.code != 404 {
				t.Errorf("%s: %d, want 404", path, a.code)
			}
		}
	})
}

// knock sends an account a message of its own and wants this answer.
func (g *gate) knock(t *testing.T, account channels.Account, code int) {
	t.Helper()
	secret := "c4nary-" + account.Name()
	if account == "bluebubbles:stopped" {
		secret = "c4nary-mac"
	}
	id := fmt.Sprintf("%s-%d", account.Name(), g.queue(account, journal.Requests).Created)
	var a answer
	if account.Channel() == "faulty" {
		a = g.post("/"+account.Name(), secret, message(id, "c"))
	} else {
		a = g.post("/bluebubbles-webhook?password="+secret, "", fmt.Sprintf(`{"type":"new-message","data":{"guid":%q,"text":"hello",
			"handle":{"address":%q},"chats":[{"guid":%q}],"isFromMe":false}}`, id, anna, direct(anna)))
	}
	if a.code != code || code == 503 && a.header.Get("Retry-After") == "" {
		t.Errorf("%s: %d %v %s, want %d", account, a.code, a.header, a.body, code)
	}
}

// TestLaw4_AnAccountStoppedByHandCatchesUp: what was taken while it was stopped goes out when it is started.
// Reverting actors/outbox/sending.go: "s.close" of what was not sent makes it fail.
func TestLaw4_AnAccountStoppedByHandCatchesUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t, bluebubblestest.Options{}, "", "parallel: 4")
	if out, errs, code := h.run("channels", "stop", string(home)); code != 0 {
		t.Fatalf("stop: %d %s %s", code, out, errs)
	}
	h.mac.Receive(direct(anna), anna, "are you there?")
	h.delivered()
	eventually(t, "the answer waits", func() (bool, string) {
		q := h.queue(home, journal.Replies)
		return q.Pending == 1, fmt.Sprintf("%+v", q)
	})
	h.crash()
	h.begin()
	if a := h.account(home); !a.Stopped || a.Phase != supervisor.Off || a.Health != "off" {
		t.Errorf("a crash has started it: %+v", a)
	}
	h.hears(direct(anna))
	if out, errs, code := h.run("channels", "start", string(home)); code != 0 {
		t.Fatalf("start: %d %s %s", code, out, errs)
	}
	h.hears(direct(anna), "re: are you there?")
	h.settled()
	h.hears(direct(anna), "re: are you there?")
}
