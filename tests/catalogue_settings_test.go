package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/actors/control"
	"holdfast/actors/journal"
	"holdfast/actors/registry"
	"holdfast/channels"
)

// B14: in an edit that changed a hot setting and one that needs a restart, both were dropped without a word.
// The hot one serves, the other has the verdict deferred with its reason, and is said again until the process restarts.
// Reverting actors/reload/report.go: judged's "u.Mode == Restart" makes it fail.
func TestB14_AnEditOfBothSortsIsAppliedAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	g, _ := newHook(t)
	g.edit("path: /sink", "name: hot, path: /sink")
	g.edit("drainTimeout: 3s", "drainTimeout: 3s, minFreeMb: 7")
	for i, want := range []string{"applied", "unchanged"} {
		r := g.reload()
		cold := r.Units["gateway.minFreeMb"]
		if r.Units[sinkHook].Result != want || cold.Result != "deferred" || !strings.Contains(cold.Reason, "restarted") {
			t.Errorf("reload %d: %+v", i, r.Units)
		}
	}
	if a := g.account(sinkHook); a.Name != "hot" {
		t.Errorf("the account is %+v", a)
	}
	g.stop()
	g.begin()
	if r := g.reload(); len(r.Units) != 1 || r.Units[sinkHook].Result != "unchanged" {
		t.Errorf("after a restart: %+v", r.Units)
	}
}

// B15, B22: a change was reported as applied and the part that uses it went on with what it had; a backend that was taken out
// still got traffic.
// Messages of two accounts go to one agent, then by a binding to another, then the first is taken away: each time the next
// message is answered by whom the file says, and nobody else is asked.
// Reverting actors/reload/publish.go: configure's "Bindings: next.Config.Bindings" makes it fail.
func TestB15_B22_AppliedMeansUsed(t *testing.T) {
	t.Parallel()
	first, second, k := newBot(t), newBot(t), newSteps(t)
	g := open(t, fmt.Sprintf(`gateway: {listen: "127.0.0.1:0"}
channels:
  faulty:
    accounts:
      odd: {path: /odd, secret: c4nary-odd, sink: %[1]q}
      even: {path: /even, secret: c4nary-even, sink: %[1]q}
agents: {default: {kind: http, url: %[2]q}}
`, k.URL, first.URL))
	n := 0
	ask := func(want map[*bot]int) {
		t.Helper()
		before := map[*bot]int{first: len(first.asked()), second: len(second.asked())}
		for _, name := range []string{"odd", "even"} {
			if a := g.post("/"+name, "c4nary-"+name, message(fmt.Sprint(n), "c")); a.code != 200 {
				t.Errorf("%s: %d", name, a.code)
			}
			n++
		}
		eventually(t, "both are answered", func() (bool, string) { return len(k.of("sent")) == n, fmt.Sprint(k.of("sent")) })
		for b, was := range before {
			if now := len(b.asked()); now-was != want[b] {
				t.Errorf("%s was asked %d times, want %d", b.URL, now-was, want[b])
			}
		}
	}
	ask(map[*bot]int{first: 2})
	g.edit("agents: {", fmt.Sprintf("bindings: [{agent: new, match: {channel: faulty, account: even}}]\nagents: {new: {kind: http, url: %q}, ", second.URL))
	g.reload()
	ask(map[*bot]int{first: 1, second: 1})
	g.edit(first.URL, second.URL)
	g.reload()
	ask(map[*bot]int{second: 2})
}

// B20, D6, P5: a reload knew fewer sorts of changes than a start, the first account of a kind needed a restart, and a second one
// threw the first out.
// From one account, reloads add a second of its kind, the first of another and an agent: the tables are those of a gateway that
// was started on the same file, every account answers, and the first one was not touched.
// Reverting actors/reload/publish.go: published's "kit.Spawn" after the boot makes it fail.
func TestB20_D6_P5_AReloadEndsWhereAStartDoes(t *testing.T) {
	t.Parallel()
	const one = `gateway: {listen: "127.0.0.1:0"}
channels:
  webhook:
    accounts:
      one: {path: /one, auth: {type: bearer, secret: c4nary-one}}
agents: {default: {kind: echo}}
`
	const all = `gateway: {listen: "127.0.0.1:0"}
plugins: {entries: {console: {enabled: true}}}
channels:
  console: {accounts: {try: {}}}
  faulty: {accounts: {three: {path: /three, secret: c4nary-three}}}
  webhook:
    accounts:
      one: {path: /one, auth: {type: bearer, secret: c4nary-one}}
      two: {path: /two, auth: {type: bearer, secret: c4nary-two}}
agents: {default: {kind: echo}, other: {kind: echo}}
`
	g, started := open(t, one), open(t, all)
	first := g.until("webhook:one", "is green", green)
	for _, step := range []string{strings.Replace(one, "agents", "      two: {path: /two, auth: {type: bearer, secret: c4nary-two}}\nagents", 1), all} {
		g.write(step)
		if r := g.reload(); r.Units["webhook:one"].Result != "unchanged" {
			t.Errorf("the verdicts are %+v", r.Units)
		}
	}
	for _, id := range []channels.Account{"console:try", "faulty:three", "webhook:one", "webhook:two"} {
		g.until(id, "is green", green)
		started.until(id, "is green", green)
	}
	for _, name := range []string{"one", "two", "three"} {
		if a := g.post("/"+name, "c4nary-"+name, message(name, "c")); a.code != 200 {
			t.Errorf("/%s: %d", name, a.code)
		}
	}
	if got, want := g.tables(), started.tables(); got != want {
		t.Errorf("after reloads there is\n%s\nafter a start\n%s", got, want)
	}
	if now := g.account("webhook:one"); now.Run != first.Run || !now.Since.Equal(first.Since) {
		t.Errorf("the first account was touched: %+v, was %+v", now, first)
	}
}

// tables is what is live, apart from numbers and times.
func (g *gate) tables() string {
	g.t.Helper()
	var out strings.Builder
	var routes []control.RouteResult
	g.call("routes", nil, &routes)
	for _, r := range routes {
		fmt.Fprintln(&out, r.Path.Path, r.Under, r.Accounts, r.Methods)
	}
	for _, a := range g.status().Accounts {
		fmt.Fprintln(&out, a.Account, a.Phase, a.Link, a.PathLive)
	}
	for _, a := range g.status().Agents {
		fmt.Fprintln(&out, a.Name)
	}
	var d registry.Description
	g.call("plugins.list", nil, &d)
	for _, i := range d.Instances {
		fmt.Fprintln(&out, i.Version, i.Channels, i.Methods, i.State)
	}
	lines := strings.Split(out.String(), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// D9, D12, D14: a plugin that is in the file was passed over in silence; a look from outside said loaded of what was not; and a
// look at what a plugin offers ran it.
// A plugin is enabled in the file: before the reload every look says that it is not there and changes nothing, the plan says
// that it would be, and the reload's verdict that it is.
// Reverting actors/reload/plan.go: plugins' "case old == nil" makes it fail.
func TestD9_D12_D14_WhatIsLoadedIsSaidByWhoLoadedIt(t *testing.T) {
	t.Parallel()
	g := open(t, strings.Replace(fmt.Sprintf(deskConfig, "echo"), "{enabled: true, config", "{enabled: false, config", 1))
	before := g.digest()
	loads := func(want bool) {
		t.Helper()
		for _, args := range [][]string{{"plugins"}, {"call", "rpc.discover"}} {
			if out, errs, code := g.run(args...); code != 0 || strings.Contains(out, "console.say") != want {
				t.Errorf("%v: %d %s%s", args, code, out, errs)
			}
		}
	}
	loads(false)
	g.edit("enabled: false", "enabled: true")
	var plan struct {
		Plan struct {
			Units []struct{ Unit, Change string }
		}
	}
	for range 3 {
		g.call("plan", nil, &plan)
		if _, errs, code := g.run("check"); code != 0 {
			t.Errorf("check: %d %s", code, errs)
		}
	}
	if !slices.Contains(plan.Plan.Units, struct{ Unit, Change string }{"plugin console", "add"}) {
		t.Errorf("the plan is %+v", plan)
	}
	loads(false)
	g.edit("enabled: true", "enabled: false") // the digest has the file in it, and its time
	if after := g.digest(); firstLines(after) != firstLines(before) {
		t.Errorf("looking changed something:\n%s\nwas\n%s", after, before)
	}
	g.edit("enabled: false", "enabled: true")
	if r := g.reload(); r.Units["plugin console"].Result != "applied" || r.Units[string(tryRoom)].Result != "applied" {
		t.Errorf("the verdicts are %+v", r.Units)
	}
	loads(true)
	if list, generation := g.instances("console"); len(list) != 1 || list[0].ID.Number != generation || generation != 2 {
		t.Errorf("looks made instances: generation %d, %+v", generation, list)
	}
}

// firstLines is a digest without the file.
func firstLines(digest string) string {
	at := strings.Index(digest, "gateway: {listen")
	return digest[:strings.LastIndexByte(digest[:at], '\n')]
}

// D15, K10, K11, P2: after a secret was changed a part of the gateway went on with the old one, one that could not be read took the
// others along, and references made every account look changed.
// Secrets stand in files. One changes: the old one is refused and the new one taken at once, and the other account, with its
// reference, is not touched. One is gone: the file is refused with its place, and both secrets are as they were.
// Reverting actors/reload/plan.go: differs' "case !a.Node.Equal(old.Node)" makes it fail.
func TestD15_K10_K11_P2_ASecretChangesForItsAccountAlone(t *testing.T) {
	t.Parallel()
	g := &gate{t: t, dir: t.TempDir(), env: []string{asGateway + "="}}
	secret := func(name, value string) {
		must(t, os.WriteFile(filepath.Join(g.dir, name+".secret"), []byte(value), 0o600))
	}
	secret("a", "c4nary-a0")
	secret("b", "c4nary-b0")
	g.write(`gateway: {listen: "127.0.0.1:0"}
channels:
  webhook:
    accounts:
      a: {path: /a, auth: {type: bearer, secret: "${file:a.secret}"}}
      b: {path: /b, auth: {type: bearer, secret: "${file:b.secret}"}}
agents: {default: {kind: echo}}
`)
	g.begin()
	t.Cleanup(g.close)
	g.until("webhook:a", "is green", green)
	other := g.until("webhook:b", "is green", green)
	knocks := func(codes map[string]int) {
		t.Helper()
		for with, code := range codes {
			if a := g.post("/"+with[:1], "c4nary-"+with, `{"text":"hello"}`); a.code != code {
				t.Errorf("%s: %d, want %d", with, a.code, code)
			}
		}
	}
	for i := range 3 {
		secret("a", fmt.Sprintf("c4nary-a%d", i+1))
		if r := g.reload(); r.Units["webhook:a"].Result != "applied" || r.Units["webhook:b"].Result != "unchanged" {
			t.Errorf("the verdicts are %+v", r.Units)
		}
		knocks(map[string]int{fmt.Sprint("a", i): 401, fmt.Sprint("a", i+1): 200, "b0": 200})
	}
	must(t, os.Remove(filepath.Join(g.dir, "a.secret")))
	secret("b", "c4nary-b1")
	g.refuses(map[string]string{"a.secret": "holdfast.yaml:5:"})
	knocks(map[string]int{"a3": 200, "b0": 200, "b1": 401})
	if now := g.account("webhook:b"); now.Run != other.Run {
		t.Errorf("b has run %d, had %d", now.Run, other.Run)
	}
	secret("a", "c4nary-a3")
	g.reload()
	knocks(map[string]int{"a3": 200, "b0": 401, "b1": 200})
}

// uncounted is the digest without the counts of reloads, which a refused one adds to.
func (g *gate) uncounted() string {
	first, rest, _ := strings.Cut(g.digest(), "\n")
	revision, _, _ := strings.Cut(first, " reloads ")
	return revision + "\n" + rest
}

// refuses reloads, and wants a refusal whose problems have these words and places.
func (g *gate) refuses(want map[string]string) {
	g.t.Helper()
	before := g.uncounted()
	var r struct {
		Error    string
		Problems []struct {
			File, Path, Got, Want string
			Line                  int
		}
	}
	g.call("reload", nil, &r)
	for word, place := range want {
		found := false
		for _, p := range r.Problems {
			one := fmt.Sprintf("%s:%d: %s %s %s", filepath.Base(p.File), p.Line, p.Path, p.Got, p.Want)
			found = found || strings.Contains(one, word) && strings.HasPrefix(one, place)
		}
		if !found {
			g.t.Errorf("no problem with %q at %s: %+v", word, place, r)
		}
	}
	if s := g.status(); r.Error == "" || s.Health != "red" || g.uncounted() != before {
		g.t.Errorf("%q, health %s, and there is\n%s\nwas\n%s", r.Error, s.Health, g.uncounted(), before)
	}
}

// J11, J14, J17, J18, B16, F13: one bad key, an unknown plugin or channel, a missing option or half a file stopped the
// process, or put an old file over the operator's.
// Whatever is wrong with the file, and wherever: the process stays, what was live serves on, the fault is shown with its place,
// and the file is as the operator left it. A start on the last good one is in testdata/script/transaction.txt.
// Reverting actors/reload/stages.go: loaded's "case len(got.problems) > 0" makes it fail.
//
// J21: a revision that was refused became the base of the next comparison.
// Each bad edit changes the account as well, and the good one that follows another part: the account's change is not lost.
func TestJ11_J14_J17_J18_J21_B16_F13_ABadFileChangesNothing(t *testing.T) {
	t.Parallel()
	g, k := newHook(t)
	read := func() string {
		text, err := os.ReadFile(g.file())
		must(t, err)
		return string(text)
	}
	ids := map[string]bool{}
	for i, c := range []struct{ old, bad, word, place string }{
		{"agents:", "agentz:", "agentz", "holdfast.yaml:6:"},
		{"{kind: echo}", "{kind: parrot}", "parrot", "holdfast.yaml:7:"},
		{"{kind: echo}", "{kind: http}", "agents.default.url", "holdfast.yaml:7:"},
		{"  webhook:\n", "  telegraph: {accounts: {a: {}}}\n  webhook:\n", "telegraph", "holdfast.yaml:3:"},
		{"agents:", "plugins: {entries: {nobody: {enabled: true}}}\nagents:", "nobody", "holdfast.yaml:6:"},
		{"agents:", "plugins: {entries: {console: {enabled: true, config: {wait: -1s}}}}\nagents:", "plugins.entries.console.config.wait", "holdfast.yaml:6:"},
		{"type: bearer", "type: bearer, typo: 1", "typo", "holdfast.yaml:5:"},
		{"drainTimeout: 3s", "drainTimeout: soon", "gateway.drainTimeout", "holdfast.yaml:1:"},
		{"auth: {", "auth: [{", "", "holdfast.yaml:"},
		{"agents:\n  default: {kind: echo}\n", "", "agents.default", "holdfast.yaml:"},
	} {
		name := fmt.Sprintf("name: n%d, path: /sink", i)
		if i == 0 {
			g.edit("path: /sink", name)
		} else {
			g.edit(fmt.Sprintf("name: n%d, path: /sink", i-1), name)
		}
		edited := read()
		g.edit(c.old, c.bad)
		bad := read()
		g.refuses(map[string]string{c.word: c.place})
		id := fmt.Sprint("while-", i)
		if a := g.post("/sink", hookSecret, message(id, "c")); a.code != 200 {
			t.Errorf("%s: %d", c.bad, a.code)
		}
		ids[id] = true
		if now := read(); now != bad {
			t.Errorf("the file was written:\n%s", now)
		}
		g.write(strings.Replace(edited, "drainTimeout: 3s", fmt.Sprintf("drainTimeout: 3s, requestTimeout: 4%ds", i), 1))
		if r := g.reload(); r.Units[sinkHook].Result != "applied" || r.Units["gateway.requestTimeout"].Result != "applied" {
			t.Errorf("%s: after it %+v", c.bad, r.Units)
		}
		if a := g.until(sinkHook, "is green", green); a.Name != fmt.Sprint("n", i) || g.status().Health != "green" {
			t.Errorf("%s: after it %+v", c.bad, a)
		}
		g.write(edited)
		g.reload()
	}
	k.once(t, ids)
}

// P7, P9, P10: a second account on a path replaced the first without a word or could not be told from it, and one on the path of
// the health answered for it.
// What cannot be told apart, and what is the gateway's own, is refused with its place, and what was live serves on. A secret of
// its own is enough to share a path: each account gets what is its own.
// Reverting actors/reload/candidate.go: paths' "router.Check" makes it fail.
func TestP7_P9_P10_APathLeadsToOneAccount(t *testing.T) {
	t.Parallel()
	g, _ := newHook(t)
	const more = "    accounts:\n"
	add := func(path, secret string) (undo func()) {
		account := fmt.Sprintf("      other: {path: %q, auth: {type: bearer, secret: %s}}\n", path, secret)
		g.edit(more, more+account)
		return func() { g.edit(account, ""); g.reload() }
	}
	for path, word := range map[string]string{
		"/sink": "webhook:other and webhook:sink", "/sink/": "webhook:other and webhook:sink", "//sink": "webhook:other and webhook:sink",
		"/": "gateway", "/healthz": "gateway", "/readyz": "gateway", "/metrics": "gateway", "/_/x": "gateway", "/debug/x": "gateway",
	} {
		undo := add(path, hookSecret)
		g.refuses(map[string]string{word: "holdfast.yaml:"})
		undo()
	}
	if a := g.post("/sink", hookSecret, message("1", "c")); a.code != 200 {
		t.Errorf("%d, want 200", a.code)
	}
	defer add("/sink", "c4nary-other")()
	g.reload()
	g.until("webhook:other", "is green", green)
	for secret, code := range map[string]int{hookSecret: 200, "c4nary-other": 200, "c4nary-nobody": 401} {
		if a := g.post("/sink", secret, message("2", "c")); a.code != code {
			t.Errorf("%s: %d, want %d", secret, a.code, code)
		}
	}
	for id, want := range map[channels.Account]uint64{sinkHook: 2, "webhook:other": 1} {
		if q := g.queue(id, journal.Requests); q.Created != want {
			t.Errorf("%s has %d requests, want %d", id, q.Created, want)
		}
	}
}
