package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/http/admin"
)

// digest is what reading may not change: settings, tables, runs, the file down to its inode.
func (g *gate) digest() string {
	g.t.Helper()
	var out strings.Builder
	s := g.status()
	fmt.Fprintln(&out, "revision", s.Revision, "generation", s.Generation, "reloads", s.Reloads)
	for _, a := range s.Accounts {
		fmt.Fprintln(&out, a.Account, a.Run, a.Phase, a.Since.UnixNano(), a.Restarts, a.Webhook)
	}
	var routes []control.RouteResult
	g.call("routes", nil, &routes)
	for _, r := range routes {
		fmt.Fprintln(&out, r.Path.Path, r.Under, r.Accounts, r.Held.UnixNano(), r.Methods)
	}
	for _, method := range []string{"rpc.discover", "plugins.list"} {
		var raw json.RawMessage
		g.call(method, nil, &raw)
		fmt.Fprintf(&out, "%s\n", raw)
	}
	info, err := os.Stat(g.file())
	if err != nil {
		g.t.Fatal(err)
	}
	text, err := os.ReadFile(g.file())
	if err != nil {
		g.t.Fatal(err)
	}
	fmt.Fprintln(&out, info.ModTime().UnixNano(), info.Mode(), info.Sys().(*syscall.Stat_t).Ino, string(text))
	files, err := os.ReadDir(g.dir)
	if err != nil {
		g.t.Fatal(err)
	}
	fmt.Fprintln(&out, files)
	return out.String()
}

// seldom are the methods that have much to say or to count: in a mix they come once where others come twenty times.
var seldom = []string{"config.schema", "config.schema.lookup", "journal.verify", "plan", "rpc.discover"}

// readings are calls of all methods that say that they read, mixed, with params that make them say something.
func (g *gate) readings() (out []reading) {
	g.t.Helper()
	var list control.Discovery
	g.call("rpc.discover", nil, &list)
	params := map[string]any{
		"journal.show": map[string]any{"seq": 1}, "journal.ls": map[string]any{"state": "done", "max": 5},
		"config.schema.lookup": map[string]any{"path": "channels.webhook.accounts.sink.auth"},
	}
	for round := range 20 {
		for _, m := range list.Methods {
			if m.Reads && (round == 0 || !slices.Contains(seldom, m.Name)) {
				out = append(out, reading{m.Name, params[m.Name]})
			}
		}
	}
	return out
}

type reading struct {
	method string
	params any
}

// read makes calls over connections of its own, each of which goes through all of them, until so many are answered.
func (g *gate) read(calls []reading, connections, times int) {
	g.t.Helper()
	var all sync.WaitGroup
	for n := range connections {
		c, err := admin.Dial(g.State)
		if err != nil {
			g.t.Fatal(err)
		}
		defer c.Close()
		all.Go(func() {
			for i := n; i < times; i += connections {
				m := calls[i/connections%len(calls)]
				if err := c.Call(context.Background(), m.method, m.params, nil); err != nil {
					g.t.Errorf("%s: %v", m.method, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestLaw2_TenThousandReadsChangeNothing reads everything readable over a few connections while messages come, and once more
// when all is quiet: tables, runs, revision, reloads and file stay, and the journal writes nothing. Incidents D1, D2: a look at the
// settings made sending fail.
// Reverting actors/control/questions.go: "DryRun: true" of a plan makes it fail.
func TestLaw2_TenThousandReadsChangeNothing(t *testing.T) {
	t.Parallel()
	g, k := newHook(t)
	calls := g.readings()
	if len(calls) < 20*8 {
		t.Fatalf("%d calls: the methods do not say which of them read", len(calls))
	}
	if a := g.post("/sink", hookSecret, message("first", "c")); a.code != 200 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	before := g.digest()
	l := begin(t, g.URL+"/sink", 1)
	g.read(calls, 4, 10_000)
	ids := l.end()
	if after := g.digest(); after != before {
		t.Errorf("reading changed something:\n%s\nwas\n%s", after, before)
	}
	ids["first"] = true
	k.once(t, ids)
	eventually(t, "nothing is pending", func() (bool, string) {
		q := g.queue(sinkHook, journal.Replies)
		return q.Pending == 0 && q.Done == uint64(len(ids)), fmt.Sprintf("%+v", q)
	})
	quiet := g.status().Journal
	g.read(calls, 2, len(calls))
	if now := g.status().Journal; now.Commits != quiet.Commits {
		t.Errorf("reading made %d commits", now.Commits-quiet.Commits)
	}
	t.Logf("10000 reads while %d messages came", len(ids))
}
