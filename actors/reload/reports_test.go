package reload

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

// count tells how many private effects of that kind there were.
func count[E kit.Effect](p *play) int {
	n := 0
	for _, e := range p.private {
		if _, is := e.(E); is {
			n++
		}
	}
	return n
}

// except has every neighbour agree but those that are asked such a thing, who answer as said.
func except[M any](msg any, err error) func(any) (any, error) {
	return func(asked any) (any, error) {
		if _, is := asked.(M); is {
			return msg, err
		}
		return agree(asked)
	}
}

func abc() string { return three(at("/a", "1"), at("/b", "2"), at("/c", "3")) }

func TestLaw3_APublicationThatIsRefusedLeavesTheOldRevision(t *testing.T) {
	p := bootedWith(t, abc())
	p.read(three(at("/a", "9"), at("/b", "2"), at("/c", "3")))
	p.answer = except[registry.Publish](registry.Published{Err: errors.New("a lower number")}, nil)
	p.give(Reload{Caller: "me"})
	if r := p.last(); !strings.Contains(r.Err, "a lower number") || r.Revision != 1 || p.state.Revision != 1 || p.state.Doubt {
		t.Errorf("the report is %+v, the revision %d, doubt %t", r, p.state.Revision, p.state.Doubt)
	}
	if n := count[forsake](p); n != 0 {
		t.Errorf("%d listeners are given up, and there was none", n)
	}
}

func TestAListenerIsGivenUpWhenNobodyKnowsWhetherItIsPublished(t *testing.T) {
	p := bootedWith(t, abc())
	p.bound = &port{}
	p.read(moved())
	p.answer = except[registry.Publish](nil, kit.ErrLate)
	p.give(Reload{Caller: "me"})
	if n := count[forsake](p); n != 1 || count[serve](p) != 0 || !p.state.Doubt {
		t.Errorf("given up %d times, served %d times, doubt %t", n, count[serve](p), p.state.Doubt)
	}
}

func TestWhatTheJournalRefusesAfterThePublicationIsAVerdict(t *testing.T) {
	p := bootedWith(t, abc())
	p.read(three(at("/a", "9"), at("/b", "2"), at("/c", "3")))
	p.answer = except[journal.Keep](journal.Committed{Err: errors.New("no room")}, nil)
	p.give(Reload{Caller: "me"})
	if r := p.last(); r.Units["journal"] != (Verdict{Result: failed, Reason: "no room"}) || r.Units["webhook:a"].Result != applied || r.Err != "" {
		t.Errorf("the report is %+v", r)
	}
}

func TestAnAccountThatGetsAnotherNameIsNoneThatIsRemoved(t *testing.T) {
	p := bootedWith(t, abc())
	p.read(strings.Replace(abc(), "      c: {", "      d: {formerly: c, ", 1))
	there := []channels.Account{"webhook:a", "webhook:b", "webhook:c"}
	p.answer = func(msg any) (any, error) {
		m, applies := msg.(supervisor.Apply)
		if !applies {
			return agree(msg)
		}
		out := map[channels.Account]Verdict{}
		for _, id := range there {
			out[id] = Verdict{Result: removed}
		}
		there = nil
		for _, a := range m.Accounts {
			out[a.ID], there = Verdict{Result: applied}, append(there, a.ID)
		}
		return supervisor.Applied{Verdicts: out}, nil
	}
	p.give(Reload{Caller: "me"})
	r := p.last()
	if v, told := r.Units["webhook:c"]; told || r.Units["webhook:d"].Result != applied {
		t.Errorf("c: %+v, d: %+v; want the new name alone", v, r.Units["webhook:d"])
	}
}

func TestAConfigurationThatIsNotThereIsAFault(t *testing.T) {
	src := config.Find("/nowhere/at/all.yaml", func(string) string { return "" })
	c, problems := Read(src, nil, known, func(cfg *config.Config) string { return cfg.Gateway.Listen })
	if c != nil || len(problems) != 1 || !strings.Contains(problems[0].String(), "does not exist") {
		t.Errorf("%v, problems %v", c, problems)
	}
}

func TestAConfigurationThatCannotBeReadIsReported(t *testing.T) {
	p := bootedWith(t, abc())
	p.hangs = true
	p.give(Reload{Caller: "me"})
	p.give(kit.Done{Tag: tag{p.state.count, "load"}, Err: errors.New("permission denied")})
	if r := p.last(); r.Err != "permission denied" || p.state.Phase != Idle {
		t.Errorf("the report is %+v in phase %s", r, p.state.Phase)
	}
}

func TestLaw2_ADryRunLeavesNoTrace(t *testing.T) {
	for name, faults := range map[string]config.Problems{"of what is right": nil, "of what is refused": {{Path: "x", Want: "y"}}} {
		t.Run(name, func(t *testing.T) {
			p := bootedWith(t, abc())
			before := p.state
			p.read(three(at("/a", "9"), at("/b", "2"), at("/c", "3")))
			p.next.Config.Hash, p.faults = "another", faults
			p.give(Reload{Caller: "me", DryRun: true})
			if r := p.last(); r.DryRun != (faults == nil) || len(r.Problems) != len(faults) {
				t.Errorf("the report is %+v", r)
			}
			after := p.state
			if len(p.asked) != 0 || after.Loaded != before.Loaded || len(after.Refused) != 0 || faults == nil && (after.Last != before.Last || after.Counts != before.Counts) {
				t.Errorf("asked %v, loaded %q, refused %v, last %+v, counts %+v", p.asked, after.Loaded, after.Refused, after.Last, after.Counts)
			}
		})
	}
}

func TestWishesOfDifferentKindsAreReloadsOfTheirOwn(t *testing.T) {
	p := bootedWith(t, abc())
	p.hangs = true
	p.give(Reload{Caller: "first"})
	p.give(Reload{Caller: "dry", DryRun: true})
	p.give(Reload{Caller: "second"})
	for range 3 {
		p.give(kit.Done{Tag: tag{p.state.count, "load"}, Msg: loaded{candidate: p.next}})
	}
	got := map[string]bool{}
	for _, r := range p.reports {
		got[r.Caller] = r.DryRun
	}
	if want := map[string]bool{"first": false, "dry": true, "second": false}; !maps.Equal(got, want) {
		t.Errorf("callers and dry runs are %v, want %v", got, want)
	}
}

func TestATargetBeforeTheBootIsNamed(t *testing.T) {
	p := newPlay(t)
	p.give(Reload{Target: "all", Caller: "me"})
	if r := p.last(); !strings.Contains(r.Err, `nothing is named "all"`) {
		t.Errorf("the report is %+v", r)
	}
}

func TestOnlyWhatFailedIsTriedAgain(t *testing.T) {
	p := bootedWith(t, abc())
	p.timers = nil
	p.read(three(at("/a", "9"), at("/b", "2"), at("/c", "3")))
	p.give(Reload{Caller: "me"})
	if slices.ContainsFunc(p.timers, func(m any) bool { _, is := m.(again); return is }) {
		t.Error("a reload that has done everything is tried again")
	}
	if p.state.Last == nil || p.state.Last.Caller != "me" {
		t.Errorf("the last report is %+v", p.state.Last)
	}
	if installs := asked[registry.Install](p); len(installs) != 0 {
		t.Errorf("settings of an account change, and a generation is made: %+v", installs)
	}
}

func TestANewAccountThatWantsAPathThatStaysDoesNotKeepTheReload(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), "path: /c, enabled: false, auth: {type: bearer, secret: s3}"))
	p.read(strings.Replace(three(at("/a2", "1"), at("/b", "2"), at("/c", "3")), "      c:", "      d: {"+at("/a", "1")+"}\n      c:", 1))
	p.faulting(map[channels.Account]string{"webhook:a": "401"})
	p.give(Reload{Caller: "me"})
	if r := p.last(); r.Units["webhook:a"].Result != "failed" || p.state.Phase != Idle || r.Err != "" {
		t.Errorf("the report is %+v in phase %s", r, p.state.Phase)
	}
	for _, c := range asked[router.Register](p)[0].Claims {
		if c.Account == "webhook:a" && c.Routes[0].Path != "/a" {
			t.Errorf("a claims %s", c.Routes[0].Path)
		}
	}
}

func TestTheDigestsOfWhatIsNoAccount(t *testing.T) {
	const text = `
plugins: {entries: {console: {enabled: %s, config: {transcript: %s}}}}
channels: {}
agents: {default: {kind: echo}, maya: {kind: echo, parallel: %s}%s}
`
	p := newPlay(t)
	reload := func(with ...string) (plugins, ofAgents map[string]string) {
		t.Helper()
		yaml := text
		for _, w := range with {
			yaml = strings.Replace(yaml, "%s", w, 1)
		}
		p.asked, p.next = nil, candidate(t, yaml)
		p.give(Reload{})
		if r := p.last(); r.Err != "" {
			t.Fatal(r.Err)
		}
		plugins, ofAgents = map[string]string{}, map[string]string{}
		for _, m := range asked[registry.Install](p) {
			for _, o := range m.Offers {
				plugins[o.Plugin] = o.Settings
			}
		}
		for _, m := range asked[agents.Configure](p) {
			for _, a := range m.Agents {
				ofAgents[a.Name] = a.Digest
			}
		}
		return plugins, ofAgents
	}
	plugins, first := reload("true", "5", "1", ", bob: {kind: echo}")
	if plugins["console"] == "" || plugins["console"] == plugins["webhook"] && first["maya"] == "" {
		t.Fatalf("digests %v and %v", plugins, first)
	}
	changed, second := reload("true", "6", "2", "")
	if changed["console"] == plugins["console"] || changed["webhook"] != plugins["webhook"] {
		t.Errorf("plugins were %v and are %v: want the console's changed", plugins, changed)
	}
	if second["maya"] == first["maya"] || second["default"] != first["default"] || first["default"] == "" || len(second) != 2 {
		t.Errorf("agents were %v and are %v: want maya's changed", first, second)
	}
	if gone, _ := reload("false", "6", "2", ""); gone["console"] != "" || gone["webhook"] != plugins["webhook"] {
		t.Errorf("plugins were %v and are %v: want the console gone", plugins, gone)
	}
}

func TestSupervisorsHearWhereTheServerIs(t *testing.T) {
	p := newPlay(t)
	p.next = candidate(t, strings.Replace(plain, "channels:\n", "channels:\n  bluebubbles: {accounts: {home: {serverUrl: 'http://mac.local:1234', password: p}}}\n", 1))
	p.give(Boot{Candidate: p.next})
	got := map[channels.Account]string{}
	for _, m := range asked[supervisor.Apply](p) {
		for _, a := range m.Accounts {
			got[a.ID] = a.Server
		}
	}
	if want := map[channels.Account]string{"bluebubbles:home": "http://mac.local:1234", "webhook:a": "", "webhook:b": ""}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheLineOfAReload(t *testing.T) {
	base := []any{"revision", uint64(2), "generation", uint64(1), "caller", "me", "took", "0s"}
	for name, c := range map[string]struct {
		report Report
		want   kit.Note
	}{
		"all is done": {
			Report{Units: map[string]Verdict{"a": {Result: applied}, "b": {Result: applied}, "c": {Result: unchanged}}},
			kit.Note{Level: zerolog.InfoLevel, Text: "reload done", Fields: []any{"applied", 2, "unchanged", 1}},
		},
		"a unit has failed": {
			Report{Units: map[string]Verdict{"a": {Result: applied}, "b": {Result: failed, Reason: "401"}}},
			kit.Note{Level: zerolog.ErrorLevel, Text: "reload done", Fields: []any{"failed.b", "401", "applied", 1, "failed", 1}},
		},
		"it is refused": {
			Report{Err: "the configuration is refused", Problems: config.Problems{{Path: "x", Want: "y"}}},
			kit.Note{Level: zerolog.ErrorLevel, Text: "reload refused", Fields: []any{"cause", "the configuration is refused", "problem.1", config.Problem{Path: "x", Want: "y"}.String()}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.report.Revision, c.report.Generation, c.report.Caller = 2, 1, "me"
			c.want.Fields = append(slices.Clone(base), c.want.Fields...)
			if diff := cmp.Diff(kit.Effect(c.want), note(&c.report)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// jobs are what a step has done beside the actor.
func jobs(effects []kit.Effect) []any {
	var out []any
	for _, do := range kittest.All[kit.Do](effects) {
		out = append(out, do.Job)
	}
	return out
}

func TestTheConfigurationIsWatchedFromTheBootOnAndKept(t *testing.T) {
	p := newPlay(t)
	p.hangs = true
	p.state.Watches, p.state.Keeps = true, true
	p.read(abc())
	p.next.Config.Hash = "h1"
	p.give(Boot{Candidate: p.next})
	p.give(kit.Done{Tag: tag{1, "load"}, Msg: loaded{candidate: p.next}})
	if want := []any{load{boot: p.next, bound: listen}, watching{"h1"}, keeping{p.next.Config}}; !slices.Equal(p.jobs, want) {
		t.Errorf("at the boot: %#v, want %#v", p.jobs, want)
	}
	p.jobs = nil
	p.read(three(at("/a", "9"), at("/b", "2"), at("/c", "3")))
	p.give(Reload{})
	p.give(kit.Done{Tag: tag{2, "load"}, Msg: loaded{candidate: p.next}})
	if len(p.jobs) != 2 || p.jobs[1] != (keeping{p.next.Config}) {
		t.Errorf("at a reload: %#v, want it loaded and kept", p.jobs)
	}
}

func TestAWatchThatFailsIsTold(t *testing.T) {
	s := State{Watches: true, Phase: Idle}
	for name, done := range map[string]kit.Done{"it fails": {Err: errors.New("too many watches")}, "it says something else": {Msg: "hm"}} {
		t.Run(name, func(t *testing.T) {
			done.Tag = watching{"h1"}
			next, effects := Step(s, kit.In{Msg: done, Now: now})
			note, noted := kittest.Find[kit.Note](effects)
			due, waits := kittest.Find[kit.After](effects)
			if !noted || note.Level != zerolog.ErrorLevel || !waits || due.Delay != watchAgain || len(jobs(effects)) != 0 {
				t.Fatalf("it leads to %#v", effects)
			}
			if _, effects = Step(next, kit.In{Msg: due.Msg, Now: now}); !slices.Equal(jobs(effects), []any{watching{"h1"}}) {
				t.Errorf("after the pause: %#v", effects)
			}
		})
	}
}

func TestACopyThatIsNotKeptIsTold(t *testing.T) {
	for _, err := range []error{nil, errors.New("disk full")} {
		_, effects := Step(State{}, kit.In{Msg: kit.Done{Tag: keeping{}, Err: err}})
		if _, noted := kittest.Find[kit.Note](effects); noted != (err != nil) {
			t.Errorf("%v: %#v", err, effects)
		}
	}
}
