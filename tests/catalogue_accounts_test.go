package tests

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/channeltest/faulty"
)

// B21: a supervisor tried an invalid configuration for ever, after the file was mended.
// A run fails again and again; when the file is mended, it does not wait for its next try.
// Reverting actors/supervisor/account.go: renew's "case s.phase != Leasing" makes it fail.
func TestB21_AMendedFileEndsThePause(t *testing.T) {
	t.Parallel()
	g := open(t, fmt.Sprintf(faultyConfig, ", run: fail", newSteps(t).URL))
	const odd = channels.Account("faulty:odd")
	paused := g.until(odd, "has failed four times and waits", func(a control.AccountStatus) bool {
		return a.Failures >= 4 && a.Phase == supervisor.Pausing
	})
	g.edit(", run: fail", "")
	g.reload()
	a := g.until(odd, "is green", green)
	if !a.Since.Before(paused.NextTry) || a.Failures != 0 || a.Restarts != 0 {
		t.Errorf("it is up since %s, with the next try due at %s: %+v", a.Since, paused.NextTry, a)
	}
}

// F16: a failure that passes made an account give up for ever.
// Its first three starts fail; nobody does anything, and it comes up and tells how often it was tried.
// Reverting actors/supervisor/life.go: pause's "kit.After" makes it fail.
func TestF16_WhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	g := open(t, fmt.Sprintf(faultyConfig, ", failStarts: 3", newSteps(t).URL))
	connected := func(a control.AccountStatus) bool { return a.Link == channels.Connected }
	if a := g.until("faulty:odd", "is connected", connected); a.Restarts != 3 {
		t.Errorf("%d restarts, want 3: %+v", a.Restarts, a)
	}
}

// E5, E12: an account stayed down because its own predecessor had not let go of what both need.
// A run that alone may hold the connection ignores its end: the next one waits, which is shown, takes messages meanwhile, and
// begins by itself when the one before is gone.
// Reverting actors/supervisor/overlap.go: unblock's "s.start()" makes it fail.
func TestE5_E12_TheGhostOfAPredecessorDelaysAndDoesNotBlock(t *testing.T) {
	t.Parallel()
	k := newSteps(t)
	const odd = channels.Account("faulty:odd")
	g := open(t, fmt.Sprintf(faultyConfig, ", exclusive: true, run: hang", k.URL), asGateway+"="+string(odd))
	first := g.until(odd, "has a run", func(a control.AccountStatus) bool { return a.Link == channels.Connected })
	g.edit(", run: hang", "")
	g.reload()
	g.until(odd, "is blocked, and shown so", func(a control.AccountStatus) bool {
		return a.Phase == supervisor.Blocked && a.Health == "red" && strings.Contains(a.Cause, fmt.Sprintf("run.%d", first.Run))
	})
	if a := g.post("/odd", "c4nary-odd", message("1", "c")); a.code != 200 {
		t.Errorf("a message: %d, want 200", a.code)
	}
	g.Signal(syscall.SIGUSR1)
	next := g.until(odd, "is green by itself", green)
	eventually(t, "what came meanwhile is answered", func() (bool, string) {
		sent := k.of(faulty.Sent)
		return len(sent) == 1 && sent[0].Run == next.Run, fmt.Sprintf("%+v", sent)
	})
	if c := k.of(faulty.Conflict); len(c) > 0 {
		t.Errorf("two runs at a time: %+v", c)
	}
}

// E19: an account that was disabled went on answering.
// enabled goes to false: its run ends, senders hear 503, nothing more is sent; and to true: what waited is answered.
// Reverting actors/supervisor/account.go: up's "a.on" makes it fail.
func TestE19_DisabledIsDisabled(t *testing.T) {
	t.Parallel()
	k := newSteps(t)
	const odd = channels.Account("faulty:odd")
	g := open(t, fmt.Sprintf(faultyConfig, "", k.URL))
	g.until(odd, "is green", green)
	for i := range 3 {
		g.edit("path: /odd", "enabled: false, path: /odd")
		g.reload()
		g.until(odd, "is off", func(a control.AccountStatus) bool { return a.Phase == supervisor.Off && a.Disabled && a.Run == 0 })
		if started, ended := k.of(faulty.Started), k.of(faulty.Ended); len(started) != len(ended) {
			t.Errorf("%d runs began and %d ended", len(started), len(ended))
		}
		if a := g.post("/odd", "c4nary-odd", message(fmt.Sprint("off", i), "c")); a.code != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("a message: %d %v, want 503", a.code, a.header)
		}
		g.edit("enabled: false, path: /odd", "path: /odd")
		g.reload()
		g.until(odd, "is green again", green)
		if a := g.post("/odd", "c4nary-odd", message(fmt.Sprint("on", i), "c")); a.code != 200 {
			t.Errorf("a message: %d, want 200", a.code)
		}
		eventually(t, "it is answered", func() (bool, string) { return len(k.of(faulty.Sent)) == i+1, fmt.Sprint(k.of(faulty.Sent)) })
	}
}

// E20, F5: after a stop and a start the account's way in was the old, dead one; and restarts of an account reached for the
// listener of the process.
// Ten times stopped and started: each life answers a message, and one connection of a sender lasts through all of them.
// Reverting actors/supervisor/account.go: ordered's "s.renew" of a start makes it fail.
func TestE20_F5_EveryLifeTakesMessagesAndTheListenerStays(t *testing.T) {
	t.Parallel()
	k := newSteps(t)
	const odd = channels.Account("faulty:odd")
	g := open(t, fmt.Sprintf(faultyConfig, "", k.URL))
	one := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	t.Cleanup(one.CloseIdleConnections)
	last := uint64(0)
	for i := range 10 {
		for _, order := range []string{"channels.stop", "channels.start"} {
			g.call(order, map[string]string{"target": string(odd)}, nil)
		}
		a := g.until(odd, "is green", green)
		if a.Run <= last {
			t.Errorf("run %d after run %d", a.Run, last)
		}
		last = a.Run
		reused := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }})
		if code := g.over(ctx, one, message(fmt.Sprint(i), "c")); code != 200 || reused != (i > 0) {
			t.Errorf("life %d: %d, want 200; on the same connection: %t", i, code, reused)
		}
		eventually(t, "this life answers", func() (bool, string) {
			sent := k.of(faulty.Sent)
			return len(sent) == i+1 && sent[i].Run == a.Run, fmt.Sprintf("%+v", sent)
		})
	}
}

// over posts to the account odd with a sender's own client.
func (g *gate) over(ctx context.Context, c *http.Client, body string) (code int) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+"/odd", strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer c4nary-odd")
	res, err := c.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil { // else the connection is not used again
		g.t.Fatal(err)
	}
	return res.StatusCode
}

// F14: a monitor that thought a connection idle restarted it, and with it the work that was under way.
// The account is restarted twice while its agent thinks: the turn is not repeated, and its answer leaves by the run that is there.
// Reverting actors/supervisor/account.go: ordered's "s.renew" of a restart makes it fail.
func TestF14_ARestartOfTheConnectionCutsNoTurn(t *testing.T) {
	t.Parallel()
	k, b := newSteps(t), newBot(t)
	const odd = channels.Account("faulty:odd")
	free, asked := make(chan struct{}), make(chan struct{}, 8)
	b.speak(func(q turn) said { asked <- struct{}{}; <-free; return said{Text: "thought about it"} })
	config := strings.Replace(fmt.Sprintf(faultyConfig, "", k.URL), "{kind: echo}", fmt.Sprintf("{kind: http, url: %q}", b.URL), 1)
	g := open(t, config)
	before := g.until(odd, "is green", green)
	if a := g.post("/odd", "c4nary-odd", message("1", "c")); a.code != 200 {
		t.Fatalf("a message: %d", a.code)
	}
	waitFor(t, "the agent thinks", asked)
	for range 2 {
		g.call("channels.restart", map[string]string{"target": string(odd)}, nil)
	}
	now := g.until(odd, "is green in its third life", func(a control.AccountStatus) bool { return green(a) && a.Run == before.Run+2 })
	close(free)
	eventually(t, "the answer is out", func() (bool, string) {
		sent := k.of(faulty.Sent)
		return len(sent) == 1 && sent[0].Run == now.Run && sent[0].Text == "thought about it", fmt.Sprintf("%+v", sent)
	})
	if turns := b.asked(); len(turns) != 1 || turns[0].Repeated {
		t.Errorf("the agent was asked %+v", turns)
	}
}

// F15, P6: taking plugins out of the configuration was done by restarting everything; and an order that named no account meant all.
// Five accounts and a plugin go in one edit: the process and the one that stays are not touched. An order without a target is
// an error.
// Reverting actors/supervisor/account.go: same's "a.want.Digest == want.Digest" makes it fail.
func TestF15_P6_RemovingTouchesOnlyWhatIsNamed(t *testing.T) {
	t.Parallel()
	const gone = `      a: {path: /a, secret: c4nary-a}
      b: {path: /b, secret: c4nary-b}
      c: {path: /c, secret: c4nary-c}
      d: {path: /d, secret: c4nary-d}
      e: {path: /e, secret: c4nary-e}
`
	config := fmt.Sprintf(faultyConfig, "", newSteps(t).URL)
	config = strings.Replace(config, "      even", gone+"      even", 1)
	config += "plugins: {entries: {console: {enabled: true}}}\n"
	g := open(t, config)
	for _, name := range []string{"a", "b", "c", "d", "e", "odd", "even"} {
		g.until(channels.Account("faulty:"+name), "is green", green)
	}
	before, pid := g.digestOf("faulty:odd", "faulty:even"), g.PID()
	g.edit(gone, "")
	g.edit("console: {enabled: true}", "console: {enabled: false}")
	r := g.reload()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if v := r.Units["faulty:"+name]; v.Result != "removed" {
			t.Errorf("%s: %+v", name, v)
		}
		if a := g.post("/"+name, "c4nary-"+name, message(name, "c")); a.code != 404 {
			t.Errorf("/%s: %d, want 404", name, a.code)
		}
	}
	for _, order := range []string{"channels.stop", "channels.restart", "channels.start"} {
		for _, params := range []any{nil, map[string]string{}, map[string]string{"target": ""}} {
			if err := g.Call(order, params, nil); err == nil {
				t.Errorf("%s with %v had no error", order, params)
			}
		}
	}
	if after := g.digestOf("faulty:odd", "faulty:even"); after != before || g.PID() != pid {
		t.Errorf("what stays was touched:\n%s\nwas\n%s", after, before)
	}
}

// digestOf is what may not change of accounts that nobody touches.
func (g *gate) digestOf(ids ...channels.Account) string {
	g.t.Helper()
	var out strings.Builder
	for _, a := range g.status().Accounts {
		if slices.Contains(ids, a.Account) {
			fmt.Fprintln(&out, a.Account, a.Run, a.Phase, a.Link, a.Since.UnixNano(), a.Restarts, a.PathLive, a.Health)
		}
	}
	return out.String()
}
