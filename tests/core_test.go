package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// A core actor fails under load: the process ends with code 70 and a last word that names it, the folder can be read as it
// is left, and the next life answers everything that was answered 2xx before and after.
// Reverting actors/<its name>/actor.go: "Core: true" (of the journal: kit.Batch's true) makes its case fail.
func TestACoreActorThatFailsEndsTheProcessAndLosesNothing(t *testing.T) {
	t.Parallel()
	reload := func(g *gate, _ *sink) { // the answer is not to be had
		g.edit("agents:\n", "messages: {groupChat: {mentionPatterns: [maya]}}\nagents:\n")
		_ = g.Call("reload", nil, nil)
	}
	const deaf = "kind: http, url: 'http://127.0.0.1:1/'"
	for _, c := range []struct {
		name, actor string
		trap        []string
		fall        func(*gate, *sink)
	}{
		{"the registry, in the middle of a publication", "registry", []string{"published"}, reload},
		{"reload, before it publishes", "reload", []string{`"phase":"publishing"`}, reload},
		{"the router, as it takes a new path", "router", []string{"phase changed"}, func(g *gate, k *sink) {
			g.edit("agents:\n", "      more: {path: /more, auth: {type: bearer, secret: c4nary-more}}\nagents:\n")
			reload(g, k)
		}},
		{"the outbox, when a send fails", "outbox", []string{"sending pauses"}, func(_ *gate, k *sink) { k.goAway(true) }},
		{"lanes, when the agent fails", "lanes", []string{"has to wait"}, func(g *gate, _ *sink) {
			g.edit("kind: echo", deaf)
			reload(g, nil)
		}},
		{"methods, while the gateway starts", "methods", []string{`"from":"0 methods"`}, startAnew},
		{"the journal, while the gateway starts", "journal", []string{`"phase":"taking"`}, startAnew},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, k := newHook(t)
			l := begin(t, g.URL+"/sink", 3)
			l.more(20)
			g.lay(append(c.trap, fmt.Sprintf(`"actor":%q`, c.actor))...)
			c.fall(g, k)
			if g.ends(70); t.Failed() {
				return // it went on without its core: nothing of what follows can hold
			}
			g.lastWord(c.actor)
			if out, errs, code := g.run("journal", "verify"); code != 0 || !strings.Contains(out, "balanced") {
				t.Errorf("journal verify of the folder: %d\n%s%s", code, out, errs)
			}
			k.goAway(false)
			if text, err := os.ReadFile(g.file()); err == nil && strings.Contains(string(text), deaf) {
				g.edit(deaf, "kind: echo")
			}
			g.begin()
			l.more(20)
			k.once(t, l.end())
			for s := range 3 {
				inOrder(t, k.texts(fmt.Sprintf("chat-%d", s)), fmt.Sprintf("text of m-%d-%%d", s))
			}
		})
	}
}

// startAnew ends the gateway and starts one that falls into the trap.
func startAnew(g *gate, _ *sink) {
	g.t.Helper()
	g.stop()
	if err := g.launch(); err == nil {
		g.t.Error("the gateway listens")
	}
}

// lastWord fails the test unless the last error in the log says which core actor failed and what becomes of the messages.
func (g *gate) lastWord(actor string) {
	g.t.Helper()
	type word struct{ Level, Actor, Cause, Message string }
	var last word
	for line := range strings.Lines(g.Log()) {
		var one word
		if json.Unmarshal([]byte(line), &one) == nil && one.Level == "error" {
			last = one
		}
	}
	if last.Actor != actor || last.Cause != "a trap was laid" || !strings.Contains(last.Message, "a core actor failed; the process ends. What was accepted goes on") {
		g.t.Errorf("the last error is %+v, want one that says that %s failed\n%s", last, actor, tail(g.Log()))
	}
}
