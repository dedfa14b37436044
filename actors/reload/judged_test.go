package reload

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/echo"
	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/channels"
	"holdfast/channels/webhook"
	"holdfast/config"
)

// counted are kinds that tell how often settings of an account were made.
func counted() (kinds Kinds, made *int) {
	made = new(int)
	kind := webhook.Kind()
	inner := kind.Settings
	kind.Settings = func() channels.Settings { *made++; return inner() }
	return Kinds{Plugins: []channels.Plugin{channels.Plain(kind)}, Agents: []backend.Kind{echo.Kind()}}, made
}

// reader loads one file again and again, each time with what was judged before.
type reader struct {
	t       *testing.T
	dir     string
	options Options
	made    *int
	job     load
}

func newReader(t *testing.T) *reader {
	r := &reader{t: t, dir: t.TempDir(), job: load{listen: listen, bound: listen}}
	r.options.Kinds, r.made = counted()
	r.options.Source = config.Find(filepath.Join(r.dir, "c.yaml"), func(string) string { return "" })
	r.options.AgentEnv = func(string) backend.Env { return backend.Env{} }
	return r
}

func (r *reader) put(name, content string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// load tells what a load brings and how many accounts were decoded for it.
func (r *reader) load() (loaded, int) {
	*r.made = 0
	got := r.options.load(r.job)
	if got.judged != nil {
		r.job.last = got.judged
	}
	return got, *r.made
}

// bearers is a file with these accounts; what stands behind the name is the secret.
func bearers(accounts ...string) string {
	var b strings.Builder
	b.WriteString("agents: {default: {kind: echo}}\nchannels:\n  webhook:\n    accounts:\n")
	for _, a := range accounts {
		name, secret, _ := strings.Cut(a, " ")
		fmt.Fprintf(&b, "      %s: {path: /%s, auth: {type: bearer, secret: '%s'}}\n", name, name, secret)
	}
	return b.String()
}

func TestOnlyWhatHasChangedIsJudgedAgain(t *testing.T) {
	r := newReader(t)
	r.put("key", "one")
	for _, step := range []struct {
		name   string
		do     func()
		made   int
		faulty bool
		whole  bool // the candidate itself is taken again
	}{
		{"the first time", func() { r.put("c.yaml", bearers("a x", "b y", "c ${file:key}")) }, 3, false, false},
		{"nothing has changed", func() {}, 0, false, true},
		{"the file is saved as it was", func() { r.put("c.yaml", bearers("a x", "b y", "c ${file:key}")) }, 0, false, true},
		{"one account has another secret", func() { r.put("c.yaml", bearers("a x", "b z", "c ${file:key}")) }, 1, false, false},
		{"accounts stand at another place in the file", func() { r.put("c.yaml", "# one line more\n"+bearers("b z", "a x", "c ${file:key}")) }, 0, false, false},
		{"a file that a reference names has changed", func() { r.put("key", "two") }, 1, false, false},
		{"an account more", func() { r.put("c.yaml", bearers("a x", "b z", "c ${file:key}", "d w")) }, 1, false, false},
		{"an account less", func() { r.put("c.yaml", bearers("a x", "c ${file:key}", "d w")) }, 0, false, false},
		{"the file is not valid", func() { r.put("c.yaml", bearers("a x", "c ${file:key}", "d ")) }, 1, true, false},
		{"and is read again", func() {}, 1, true, false},
		{"and is mended", func() { r.put("c.yaml", bearers("a x", "c ${file:key}", "d w")) }, 0, false, true},
		{"a key that nobody knows, without a value", func() {
			r.put("c.yaml", strings.Replace(bearers("a x", "c ${file:key}", "d w"), "path: /a", "bogus: null, path: /a", 1))
		}, 1, true, false},
		{"a key that stands in a plugin which takes none", func() {
			r.put("c.yaml", bearers("a x", "c ${file:key}", "d w")+"plugins: {entries: {webhook: {config: {bogus: null}}}}\n")
		}, 3, true, false},
		{"two accounts with one credential on one path", func() {
			r.put("c.yaml", strings.Replace(bearers("a x", "c ${file:key}", "d x"), "path: /d", "path: /a", 1))
		}, 1, true, false},
		{"the file is gone", func() { _ = os.Remove(filepath.Join(r.dir, "c.yaml")) }, 0, true, false},
		{"the gateway is reached at another address", func() {
			r.put("c.yaml", bearers("a x", "c ${file:key}", "d w"))
			r.job.bound = "127.0.0.1:1"
		}, 0, false, false},
	} {
		step.do()
		last := r.job.last
		got, made := r.load()
		if whole := last != nil && got.judged == last; whole != step.whole {
			t.Errorf("%s: the candidate itself is taken again: %t, want %t", step.name, whole, step.whole)
		}
		if made != step.made || (len(got.problems) > 0) != step.faulty || (got.candidate == nil) != step.faulty {
			t.Errorf("%s: %d accounts were decoded, want %d; problems: %v", step.name, made, step.made, got.problems)
		}
		if got.candidate != nil && !strings.HasPrefix(got.candidate.Accounts[0].Webhook, "http://"+r.job.bound+"/") {
			t.Errorf("%s: a webhook is %s", step.name, got.candidate.Accounts[0].Webhook)
		}
	}
}

func TestWhatIsNotTheConfigurationIsNotTakenForItLater(t *testing.T) {
	r := newReader(t)
	r.put("c.yaml", bearers("a x"))
	r.load()
	last := r.job.last
	r.put("other.yaml", bearers("a x", "b y"))
	r.job.file = filepath.Join(r.dir, "other.yaml")
	if got, _ := r.load(); len(got.candidate.Accounts) != 2 || r.job.last != last {
		t.Errorf("a file beside it: %d accounts, kept for later: %t", len(got.candidate.Accounts), r.job.last != last)
	}
	r.job.file, r.job.keep, r.job.listen = "", true, "127.0.0.1:7"
	if got, _ := r.load(); got.candidate.Config.Gateway.Listen != "127.0.0.1:7" || r.job.last != last {
		t.Errorf("a listener that cannot be moved: %s, kept for later: %t", got.candidate.Config.Gateway.Listen, r.job.last != last)
	}
	if last.Config.Gateway.Listen != config.DefaultListen {
		t.Errorf("what was judged before has become %s", last.Config.Gateway.Listen)
	}
}

func TestTheBootTakesWhatWasJudgedForItsAddress(t *testing.T) {
	r := newReader(t)
	r.put("c.yaml", bearers("a x"))
	first, _ := r.load()
	r.job = load{boot: first.judged, bound: listen}
	if got, made := r.load(); made != 0 || got.judged != first.judged {
		t.Errorf("the address that it was judged for: %d accounts were decoded again", made)
	}
	r.job = load{boot: first.judged, bound: "127.0.0.1:1"}
	if got, made := r.load(); made != 1 || got.candidate.Accounts[0].Webhook != "http://127.0.0.1:1/a" {
		t.Errorf("another address: %d accounts were decoded again, the webhook is %s", made, got.candidate.Accounts[0].Webhook)
	}
}

// TestLaw3_WhatIsTakenAgainIsWhatWouldBeJudged edits a file at random. A load that knows what was judged before and one that
// knows nothing end in the same candidate or in the same faults.
func TestLaw3_WhatIsTakenAgainIsWhatWouldBeJudged(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	pick := func(all ...string) string { return all[random.IntN(len(all))] }
	r := newReader(t)
	good := 0
	for i := range 400 {
		switch random.IntN(4) {
		case 0:
			r.put("key", pick("one", "two", ""))
		case 1: // as it was
		default:
			var accounts []string
			for _, name := range []string{"a", "b", "c"} {
				if random.IntN(4) > 0 {
					accounts = append(accounts, name+" "+pick(name, name, name+"2", "${file:key}", "same", ""))
				}
			}
			text := bearers(accounts...)
			if random.IntN(3) == 0 {
				text = strings.Replace(text, "path: /"+pick("a", "b"), pick("path: /c", "bogus: null, path: /a", "dmPolicy: open, path: /b", "enabled: false, path: /d", "formerly: c, path: /x"), 1)
			}
			text = pick("", "", "# moved\n") + text + pick("", "", "plugins: {entries: {webhook: {enabled: false}}}\n", "plugins: {entries: {webhook: {config: {}}}}\n")
			r.put("c.yaml", text)
		}
		got, _ := r.load()
		want := r.options.load(load{listen: listen, bound: listen})
		if got.candidate != nil {
			good++
		}
		if a, b := shown(got), shown(want); a != b {
			t.Fatalf("seed %d, edit %d: with what was judged before\n%s\nwithout\n%s", seed, i, a, b)
		}
		if got.candidate != nil && !reflect.DeepEqual(settingsOf(got.candidate), settingsOf(want.candidate)) {
			t.Fatalf("seed %d, edit %d: settings differ", seed, i)
		}
	}
	if good < 50 || good > 350 {
		t.Errorf("%d of 400 files were good: too few of one sort", good)
	}
}

// shown is what a load brings, for comparing; functions are left out.
func shown(l loaded) string {
	if l.candidate == nil {
		return l.problems.Error()
	}
	var b strings.Builder
	for _, p := range l.candidate.Plugins {
		fmt.Fprintln(&b, p.Name, p.Node.Path())
	}
	for _, a := range l.candidate.Accounts {
		place := a.Node.Place([]config.Problem{{}}) // it stands where it stands now
		fmt.Fprintln(&b, a.ID, a.Plugin, a.Off, a.Kind.Name, a.With, a.Webhook, a.Masked, place)
	}
	for _, a := range l.candidate.Agents {
		fmt.Fprintln(&b, a.Name, a.Kind.Name, a.Agent != nil)
	}
	fmt.Fprintln(&b, l.candidate.Mentions, l.candidate.Config.Hash, l.candidate.Config.Gateway, l.candidate.listen)
	return b.String()
}

// settingsOf are the decoded parts.
func settingsOf(c *Candidate) []any {
	var out []any
	for _, a := range c.Accounts {
		out = append(out, a.Settings, a.Routes)
	}
	return out
}

func TestWhatMayHaveBeenInstalledAndWasNotPublishedIsNotTakenAgain(t *testing.T) {
	for name, silent := range map[string]func(any) bool{
		"the reload ends before its publication": func(msg any) bool { _, is := msg.(router.Register); return is },
		"the publication is not answered":        func(msg any) bool { _, is := msg.(registry.Publish); return is },
		"nothing fails":                          func(any) bool { return false },
	} {
		t.Run(name, func(t *testing.T) {
			p := booted(t)
			p.prepare("rotated")
			p.state.Judged = p.next
			fails := false
			p.answer = func(msg any) (any, error) {
				if silent(msg) {
					fails = true
					return nil, kit.ErrLate
				}
				return agree(msg)
			}
			p.give(Reload{Caller: "me"})
			if kept := p.state.Judged != nil; kept == fails {
				t.Errorf("it failed: %t; what was judged is kept: %t", fails, kept)
			}
		})
	}
}

func TestWhatWasJudgedBeforeItWasWrittenIsKnownToTheReload(t *testing.T) {
	p := booted(t)
	p.prepare("rotated")
	judged := p.next
	p.write = func(writing) (any, error) { return written{result: good, candidate: judged}, nil }
	p.give(Edit{Path: "channels.webhook.accounts.b.auth.secret", Value: []byte(`"x"`), Caller: "me"})
	if p.state.Judged != judged {
		t.Errorf("what is known is %p, want %p", p.state.Judged, judged)
	}
}
