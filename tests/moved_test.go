package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/actors/control"
)

// heldUntil is when the grace of a path ends; zero if it is not held.
func (g *gate) heldUntil(path string) time.Time {
	g.t.Helper()
	var routes []control.RouteResult
	g.call("routes", nil, &routes)
	for _, r := range routes {
		if r.Path.Path == path && !r.Under {
			return r.Held
		}
	}
	return time.Time{}
}

// TestLaw4_APathThatMovedIsHeldOverRestarts: an account moves while the gateway runs, the process is killed, and it moves once
// more while nothing runs. Who knows one of the old paths is heard at each of them, and a restart makes no grace longer.
// Reverting actors/router/machine.go: published's "s.remember()" makes it fail.
func TestLaw4_APathThatMovedIsHeldOverRestarts(t *testing.T) {
	t.Parallel()
	k := newSink(t)
	g := open(t, fmt.Sprintf(hookConfig, freePort(t), hookSecret, k.URL, sinkSecret))
	g.until(sinkHook, "is green", green)
	ids := map[string]bool{}
	posts := func(when string, paths ...string) {
		t.Helper()
		for _, path := range paths {
			id := strings.ReplaceAll(when+path, " ", "-")
			if a := g.post(path, hookSecret, message(id, "chat")); a.code != 200 {
				t.Errorf("%s hears %d %s %s", path, a.code, a.body, when)
			}
			ids[id] = true
		}
	}
	g.edit("path: /sink", "path: /second")
	g.reload()
	posts("after a move", "/sink", "/second")
	until := g.heldUntil("/sink")
	if until.IsZero() {
		t.Fatal("the path that was moved is not held")
	}

	g.crash()
	g.begin()
	posts("after a crash", "/sink", "/second")
	if now := g.heldUntil("/sink"); !now.Equal(until) {
		t.Errorf("the grace ends at %s after a restart, and at %s before it", now, until)
	}

	g.stop()
	g.edit("path: /second", "path: /third")
	g.begin()
	posts("after a move without a gateway", "/sink", "/second", "/third")
	if first, second := g.heldUntil("/sink"), g.heldUntil("/second"); !first.Equal(until) || !second.After(until) {
		t.Errorf("held until %s and %s, want %s and later", first, second, until)
	}
	k.once(t, ids)
}
