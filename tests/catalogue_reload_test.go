package tests

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/registry"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/channeltest/faulty"
	"holdfast/channels/console"
)

const tryRoom = channels.Account("console:try")

// deskConfig is a gateway with a plugin that has settings and a room of its own, beside a webhook account.
const deskConfig = `gateway: {listen: "127.0.0.1:0", drainTimeout: 2s}
plugins: {entries: {console: {enabled: true, config: {wait: 20s}}}}
channels:
  console: {accounts: {try: {}}}
  webhook: {accounts: {beside: {path: /beside, auth: {type: bearer, secret: c4nary-beside}}}}
agents:
  default: {kind: %s}
`

// instances lists what is not freed of a plugin, in the order of their numbers, and the generation.
func (g *gate) instances(plugin string) (list []registry.Instance, generation uint64) {
	g.t.Helper()
	var d registry.Description
	g.call("plugins.list", nil, &d)
	for _, i := range d.Instances {
		if i.ID.Plugin == plugin && i.State != "freed" {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b registry.Instance) int { return cmp.Compare(a.ID.Number, b.ID.Number) })
	return list, d.Generation
}

// say says something in the room and wants it back.
func (g *gate) say(text string) {
	g.t.Helper()
	var r console.SayResult
	g.call("console.say", console.SayParams{Account: tryRoom, Text: text}, &r)
	if !r.Answered || len(r.Answers) != 1 || r.Answers[0] != text {
		g.t.Errorf("%q was answered %+v", text, r)
	}
}

// B1, B2, B7, B8: a restart, a cached table or a handle that was kept went on with a generation that was retired; and replacing
// one plugin tore down those beside it.
// A plugin's setting goes from A to B to A: each time there is a new instance under a higher number, the account's next run
// holds that one, the admin connection that was open all the time calls it, and the plugin beside it keeps its instance and run.
// Reverting actors/reload/plan.go: differs' "case !a.With.Equal(old.With)" makes it fail.
func TestB1_B2_B7_B8_EverythingBeginsOnThePresentGeneration(t *testing.T) {
	t.Parallel()
	g := open(t, fmt.Sprintf(deskConfig, "echo"))
	g.until(tryRoom, "is green", green)
	beside := g.until("webhook:beside", "is green", green)
	webhook, last := g.instances("webhook")
	g.say("first")
	seen := map[registry.InstanceID]bool{}
	waits := []string{"20s", "21s", "20s", "21s", "20s"}
	for i := range len(waits) - 1 {
		before := g.account(tryRoom).Run
		g.edit("wait: "+waits[i], "wait: "+waits[i+1])
		r := g.reload()
		if r.Generation <= last || r.Units["webhook:beside"].Result != "unchanged" || r.Units["plugin console"].Result != "applied" {
			t.Errorf("generation %d after %d: %+v", r.Generation, last, r.Units)
		}
		last = r.Generation
		now := g.until(tryRoom, "has another run and is green", func(a control.AccountStatus) bool { return a.Run > before && green(a) })
		var active registry.Instance
		eventually(t, "the instance before is freed", func() (bool, string) {
			list, _ := g.instances("console")
			active = list[len(list)-1]
			return len(list) == 1 && active.State == "active", fmt.Sprintf("%+v", list)
		})
		if holder := fmt.Sprintf("%s run.%d", tryRoom, now.Run); seen[active.ID] || !slices.Contains(active.Holders, holder) {
			t.Errorf("%+v is not new, or not held by %s", active, holder)
		}
		seen[active.ID] = true
		g.say(fmt.Sprint("after change ", i))
	}
	if now, _ := g.instances("webhook"); now[0].ID != webhook[0].ID || g.account("webhook:beside").Run != beside.Run {
		t.Errorf("the plugin beside it was touched: %+v, was %+v", now, webhook)
	}
}

// B3, B13, B18: a reload that failed half-way had retired what it wanted to replace, or stopped at the first part that failed.
// One edit changes two accounts, and the network refuses one of them: under load not one message is refused by either, the old
// run of the refused one goes on and sends, which is shown, and the other one has its new settings.
// Reverting actors/reload/stages.go: settle's "run.digests[string(id)] = s.Digests[string(id)]" makes it fail.
func TestB3_B13_B18_WhatCannotBeReplacedGoesOn(t *testing.T) {
	t.Parallel()
	steps := newSteps(t)
	const odd, even = channels.Account("faulty:odd"), channels.Account("faulty:even")
	g := open(t, fmt.Sprintf(faultyConfig, "", steps.URL))
	before, beside := g.until(odd, "is green", green), g.until(even, "is green", green)
	g.edit("secret: c4nary-odd", "run: refuse, secret: c4nary-odd")
	g.edit("path: /even", "name: edited, path: /even")
	done := make(chan error, 1)
	var r struct {
		Units map[string]supervisor.Verdict `json:"units"`
	}
	go func() { done <- g.Call("reload", nil, &r) }()
	n := 0
	for ; len(done) == 0 || n < 5; n++ {
		for _, name := range []string{"odd", "even"} {
			if a := g.post("/"+name, "c4nary-"+name, message(fmt.Sprint(name, n), "c")); a.code != 200 {
				t.Errorf("%s: %d %s, want 200", name, a.code, a.body)
			}
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if r.Units[string(odd)].Result != "failed" || r.Units[string(even)].Result != "applied" {
		t.Errorf("the verdicts are %+v", r.Units)
	}
	if a := g.account(odd); a.Run != before.Run || !a.Since.Equal(before.Since) || a.Unapplied == "" || a.Health != "red" {
		t.Errorf("the refused one was touched, or is not shown: %+v, was %+v", a, before)
	}
	if a := g.until(even, "is green", green); a.Run <= beside.Run || a.Name != "edited" {
		t.Errorf("the other one is %+v, was %+v", a, beside)
	}
	eventually(t, "the old run has sent everything", func() (bool, string) {
		sent := steps.of(faulty.Sent)
		return len(sent) == n && !slices.ContainsFunc(sent, func(s faulty.Step) bool { return s.Run != before.Run }), fmt.Sprint(n, sent)
	})
}

// B4, B5: replacing a plugin waited for a call that ran long, stopped everything meanwhile and then gave up half-way.
// A call is under way when its plugin's setting changes: the reload does not wait for it, others are not touched, the old
// instance stays until the call is over and no longer.
// Reverting actors/registry/machine.go: free's "s.held(i.id)" makes it fail.
func TestB4_B5_ALongCallDelaysNobody(t *testing.T) {
	t.Parallel()
	b := newBot(t)
	free, asked := make(chan struct{}), make(chan struct{}, 1)
	b.speak(func(q turn) said { asked <- struct{}{}; <-free; return said{Text: "at last"} })
	config := fmt.Sprintf(deskConfig, fmt.Sprintf("http, url: %q", b.URL))
	g := open(t, strings.Replace(config, "wait: 20s", "wait: 8s", 1)) // the answer comes by the new instance; this call waits in vain
	g.until(tryRoom, "is green", green)
	beside := g.until("webhook:beside", "is green", green)
	call := make(chan error, 1)
	var said console.SayResult
	go func() {
		call <- g.Call("console.say", console.SayParams{Account: tryRoom, Text: "take your time"}, &said)
	}()
	waitFor(t, "the agent is asked", asked)
	old, _ := g.instances("console")
	g.edit("wait: 8s", "wait: 9s")
	r := g.reload()
	if len(call) > 0 || r.Units["webhook:beside"].Result != "unchanged" || r.Units["plugin console"].Result != "applied" {
		t.Errorf("the call is over: %t; %+v", len(call) > 0, r.Units)
	}
	now, _ := g.instances("console")
	if len(now) != 2 || now[0].ID != old[0].ID || now[0].State != "draining" || now[1].State != "active" {
		t.Fatalf("the instances are %+v, had %+v", now, old)
	}
	if a := g.post("/beside", "c4nary-beside", `{"text":"hello"}`); a.code != 200 || g.account("webhook:beside").Run != beside.Run {
		t.Errorf("the account beside it: %d", a.code)
	}
	close(free)
	if err := <-call; err != nil {
		t.Errorf("the call: %v", err)
	}
	eventually(t, "the old instance is gone", func() (bool, string) {
		list, _ := g.instances("console")
		return len(list) == 1 && list[0].ID == now[1].ID, fmt.Sprintf("%+v", list)
	})
}

// B9, B23: where only one may hold something, the next one began before the one before had let go of it, and then lost it.
// One account allows one connection, the other two: over five edits the runs of the first never meet, and those of the second
// overlap, as each network says of itself.
// Reverting actors/supervisor/overlap.go: prepare's "!both" makes it fail, taken out or always true.
func TestB9_B23_TheNetworkSaysWhetherRunsMayOverlap(t *testing.T) {
	t.Parallel()
	k := newSteps(t)
	const odd, even = channels.Account("faulty:odd"), channels.Account("faulty:even")
	config := fmt.Sprintf(faultyConfig, ", exclusive: true", k.URL)
	g := open(t, strings.Replace(config, "c4nary-even", fmt.Sprintf("c4nary-even, sink: %q", k.URL), 1))
	g.until(odd, "is green", green)
	g.until(even, "is green", green)
	g.edit("path: /odd", "name: n0, path: /odd")
	g.edit("path: /even", "name: n0, path: /even")
	for i := range 5 {
		runs := map[channels.Account]uint64{odd: g.account(odd).Run, even: g.account(even).Run}
		if i > 0 {
			for range runs {
				g.edit(fmt.Sprintf("name: n%d", i-1), fmt.Sprintf("name: n%d", i))
			}
		}
		g.reload()
		for id, run := range runs {
			g.until(id, "has another run", func(a control.AccountStatus) bool { return a.Run > run && green(a) && len(a.Leaving) == 0 })
		}
	}
	if c := k.of(faulty.Conflict); len(c) > 0 {
		t.Errorf("two runs at a time: %+v", c)
	}
	overlapped := 0
	for id, want := range map[channels.Account]bool{odd: false, even: true} {
		up := 0
		for _, s := range k.all() {
			switch {
			case s.Account != id:
			case s.What == faulty.Started:
				if up++; up > 1 && !want {
					t.Errorf("%s has %d runs at a time", id, up)
				} else if up > 1 {
					overlapped++
				}
			case s.What == faulty.Ended:
				up--
			}
		}
	}
	if overlapped < 5 {
		t.Errorf("runs overlapped %d times in five edits: the others left a gap", overlapped)
	}
}

// B11, B24: what came in while settings changed was answered with old ones, out of order, or not at all.
// A hundred numbered messages in one conversation, while the account, its agent and unrelated parts are edited again and
// again: all are answered once, in their order.
// Reverting actors/supervisor/account.go: wanted's "defer s.release()" makes it fail.
func TestB11_B24_AConversationRunsThroughReloads(t *testing.T) {
	t.Parallel()
	g, k := newHook(t)
	ids := map[string]bool{}
	texts := [][2]string{
		{"path: /sink", "name: edited, path: /sink"},
		{"default: {kind: echo}", "default: {kind: echo}\n  other: {kind: echo}"},
		{"agents:\n", "messages: {groupChat: {mentionPatterns: [bot]}}\nagents:\n"},
		{"name: edited, ", ""},
	}
	reloads := make(chan error, 10)
	for i := range 100 {
		if i%20 == 10 {
			if e := texts[i/20%len(texts)]; i/20 < len(texts) {
				g.edit(e[0], e[1])
			}
			go func() { reloads <- g.Call("reload", nil, nil) }()
		}
		id := fmt.Sprintf("number-%d", i)
		if a := g.post("/sink", hookSecret, message(id, "c")); a.code != 200 {
			t.Errorf("%s: %d %s", id, a.code, a.body)
		}
		ids[id] = true
	}
	for range 5 {
		if err := <-reloads; err != nil {
			t.Error(err)
		}
	}
	k.once(t, ids)
	inOrder(t, k.texts("c"), "text of number-%d")
	if s := g.status(); s.Revision < 4 {
		t.Errorf("only revision %d came of it", s.Revision)
	}
}

// B13, P4: one part that did not stop kept the others from their new settings.
// Three accounts change at once and the run of the middle one ignores that it should end: the other two have their new runs
// while it still hangs, and it has one of its own.
// Reverting actors/supervisor/overlap.go: promote's "s.leave(before, why)" makes it fail.
func TestB13_P4_OneThatDoesNotStopKeepsNobody(t *testing.T) {
	t.Parallel()
	g := open(t, `gateway: {listen: "127.0.0.1:0", drainTimeout: 2s}
channels:
  faulty:
    accounts:
      a: {name: old, path: /a, secret: c4nary-a}
      b: {name: old, path: /b, secret: c4nary-b, run: hang}
      c: {name: old, path: /c, secret: c4nary-c}
agents: {default: {kind: echo}}
`, asGateway+"=faulty:b")
	runs := map[channels.Account]uint64{}
	for _, id := range []channels.Account{"faulty:a", "faulty:b", "faulty:c"} {
		runs[id] = g.until(id, "is connected", func(a control.AccountStatus) bool { return a.Link == channels.Connected }).Run
	}
	for range 3 {
		g.edit("name: old", "name: new")
	}
	g.edit(", run: hang", "")
	g.reload()
	for id, run := range runs {
		a := g.until(id, "has another run", func(a control.AccountStatus) bool { return a.Run > run && a.Link == channels.Connected })
		if a.Name != "new" {
			t.Errorf("%s: %+v", id, a)
		}
	}
	if b := g.account("faulty:b"); !slices.Contains(append(b.Leaving, b.Abandoned...), runs["faulty:b"]) {
		t.Errorf("the run that hangs is not shown: %+v", b)
	}
	g.Signal(syscall.SIGUSR1)
	for id := range runs {
		g.until(id, "is green in the end", func(a control.AccountStatus) bool { return green(a) && len(a.Leaving)+len(a.Abandoned) == 0 })
	}
}
