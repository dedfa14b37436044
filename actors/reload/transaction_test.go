package reload

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

// three are accounts whose secrets and paths a test sets.
func three(a, b, c string) string {
	return fmt.Sprintf(`
gateway: {listen: "127.0.0.1:18789", stateDir: /state}
channels:
  webhook:
    accounts:
      a: {%s}
      b: {%s}
      c: {%s}
agents: {default: {kind: echo}}
`, a, b, c)
}

func at(path, secret string) string {
	return fmt.Sprintf("path: %s, auth: {type: bearer, secret: s%s}", path, secret)
}

func (p *play) read(yaml string) {
	p.t.Helper()
	p.next, p.faults = prepared(p.t, read(p.t, yaml)), nil
}

func prepared(t testing.TB, cfg *config.Config) *Candidate {
	t.Helper()
	c, problems := Prepare(cfg, known, listen)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

func bootedWith(t *testing.T, yaml string) *play {
	p := newPlay(t)
	p.read(yaml)
	p.give(Boot{Candidate: p.next})
	p.asked, p.told, p.private, p.reports = nil, nil, nil, nil
	return p
}

// faulting has supervisors say of accounts that they cannot be changed.
func (p *play) faulting(faults map[channels.Account]string) {
	p.answer = func(msg any) (any, error) {
		if _, prepares := msg.(supervisor.Prepare); prepares {
			return supervisor.Prepared{Faults: faults}, nil
		}
		return agree(msg)
	}
}

func claimed(p *play) map[channels.Account]string {
	out := map[channels.Account]string{}
	all := asked[router.Register](p)
	for _, c := range all[len(all)-1].Claims {
		out[c.Account] = c.Routes[0].Path
	}
	return out
}

// An operator who takes back what could not be applied has what he wants: nothing is tried again, and nothing is red.
func TestLaw3_WhatCouldNotBeAppliedAndIsTakenBackIsForgotten(t *testing.T) {
	before := three(at("/a", "1"), at("/b", "2"), at("/c", "3"))
	p := bootedWith(t, before)
	p.read(three(at("/a2", "1"), at("/b", "2"), at("/c", "3")))
	p.faulting(map[channels.Account]string{"webhook:a": "401; set the password"})
	p.give(Reload{Caller: "me"})
	if len(p.state.Unapplied) != 1 || len(p.timers) == 0 {
		t.Fatalf("unapplied %v, timers %v", p.state.Unapplied, p.timers)
	}
	tries := len(p.timers)
	p.read(before)
	p.give(Reload{Caller: "me"})
	if v := p.last().Units["webhook:a"]; v.Result != "unchanged" || len(p.state.Unapplied) != 0 {
		t.Errorf("the verdict is %+v, unapplied %v", v, p.state.Unapplied)
	}
	for _, timer := range p.timers[tries:] {
		if _, again := timer.(again); again {
			t.Error("it is tried again")
		}
	}
}

func TestLaw3_AUnitThatCannotBePreparedStaysAsItIsAndAlone(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	before := p.state.Digests["webhook:a"]
	p.read(three(at("/a2", "1"), at("/b2", "2"), at("/c", "3")))
	p.faulting(map[channels.Account]string{"webhook:a": "401; set the password"})
	p.give(Reload{Caller: "me"})
	r := p.last()
	if v := r.Units["webhook:a"]; v.Result != "failed" || !strings.Contains(v.Reason, "401") || !strings.Contains(v.Reason, "old settings serve on") {
		t.Errorf("the verdict of a is %+v", v)
	}
	if r.Units["webhook:b"].Result != "applied" || r.Err != "" || r.Revision != 2 {
		t.Errorf("the report is %+v, want b applied", r)
	}
	if got := claimed(p); got["webhook:a"] != "/a" || got["webhook:b"] != "/b2" {
		t.Errorf("registered %v, want the old path of a", got)
	}
	to := asked[supervisor.Apply](p)[0].Accounts[0]
	if to.Digest != before || p.state.Unapplied["webhook:a"] == "" {
		t.Errorf("a is applied as %s (it was %s), unapplied %v", to.Digest, before, p.state.Unapplied)
	}

	stale := again{p.state.count - 1}
	p.faulting(nil) // what was broken is mended at the network's end
	p.give(stale)
	if len(p.state.Unapplied) == 0 {
		t.Error("a timer of an earlier reload tried it again")
	}
	p.give(p.timers[len(p.timers)-1])
	if v := p.last().Units["webhook:a"]; v.Result != "applied" || len(p.state.Unapplied) != 0 || claimed(p)["webhook:a"] != "/a2" {
		t.Errorf("the reload after it gives a %+v, unapplied %v", v, p.state.Unapplied)
	}
}

func TestAnAccountWhosePathIsNotFreedStaysAsItIsToo(t *testing.T) {
	p := newPlay(t)
	text := func(a, b string) string {
		return strings.Replace(three(at(a, "1"), at("/b", "2"), at("/c", "3")), "channels:\n", "channels:\n  bluebubbles: {accounts: {x: {serverUrl: 'http://127.0.0.1:1', password: p, webhookPath: "+b+"}}}\n", 1)
	}
	both := func(yaml string) *Candidate { return candidate(t, yaml) }
	p.next = both(text("/a", "/x"))
	p.give(Boot{Candidate: p.next})
	p.next = both(text("/x", "/y")) // the webhook moves to where the other one was
	p.faulting(map[channels.Account]string{"bluebubbles:x": "401"})
	p.give(Reload{Caller: "me"})
	for _, id := range []string{"bluebubbles:x", "webhook:a"} {
		if v := p.last().Units[id]; v.Result != "failed" {
			t.Errorf("the verdict of %s is %+v", id, v)
		}
	}
	if got := claimed(p); got["webhook:a"] != "/a" || got["bluebubbles:x"] != "/x" {
		t.Errorf("registered %v, want both as they were", got)
	}
}

func TestLaw3_AllOrNothing(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	was := p.state.Applied
	p.read(three(at("/a2", "1"), at("/b2", "2"), at("/c", "3")))
	p.faulting(map[channels.Account]string{"webhook:a": "401"})
	p.give(Reload{Caller: "me", AllOrNothing: true})
	r := p.last()
	if r.Err == "" || r.Revision != 1 || p.state.Applied != was || r.Units["webhook:a"].Reason != "401" || p.state.Counts.Refused != 1 {
		t.Errorf("the report is %+v, counts %+v", r, p.state.Counts)
	}
	if len(asked[registry.Publish](p)) != 0 || len(asked[supervisor.Apply](p)) != 0 {
		t.Errorf("asked %v, want no publication", p.asked)
	}
	var dropped bool
	for _, m := range p.told {
		_, is := m.(supervisor.Discard)
		dropped = dropped || is
	}
	if !dropped || len(tell[registry.Discard](p)) != 1 {
		t.Errorf("told %v, want everything that was built dropped", p.told)
	}
}

func tell[M any](p *play) []M {
	var out []M
	for _, m := range p.told {
		if m, is := m.(M); is {
			out = append(out, m)
		}
	}
	return out
}

func TestLaw3_FailuresBeforeThePublicationLeaveTheOldStateServing(t *testing.T) {
	for name, breaks := range map[string]func(msg any) bool{
		"the router does not answer":   func(msg any) bool { _, is := msg.(router.Register); return is },
		"the registry makes no room":   func(msg any) bool { _, is := msg.(registry.Install); return is },
		"the publication is not taken": func(msg any) bool { m, is := msg.(registry.Publish); return is && m.Revision == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
			p.state.Doubt = true // so that it goes through every stage
			was := p.state.Applied
			p.read(three(at("/a2", "1"), at("/b2", "2"), at("/c", "3")))
			p.answer = func(msg any) (any, error) {
				if m, publishes := msg.(registry.Publish); publishes && name == "the publication is not taken" {
					return registry.Published{Revision: m.Revision + 5, Err: fmt.Errorf("revision %d is not above", m.Revision)}, nil
				}
				if breaks(msg) {
					return nil, kit.ErrLate
				}
				return agree(msg)
			}
			p.give(Reload{Caller: "me"})
			if r := p.last(); !strings.Contains(r.Err, "what was live serves on") || p.state.Applied != was || p.state.Phase != Idle {
				t.Errorf("the report is %+v", r)
			}
			prepared := 1
			if name == "the registry makes no room" {
				prepared = 0
			}
			if len(tell[registry.Discard](p)) != 1 || len(tell[supervisor.Discard](p)) != prepared || len(tell[router.Published](p)) != 0 {
				t.Errorf("told %v", p.told)
			}
		})
	}
}

func TestAPublicationThatIsNotAnsweredIsDoneAgainUnderAHigherNumber(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	p.read(three(at("/a2", "1"), at("/b", "2"), at("/c", "3")))
	late := func(msg any) (any, error) {
		if _, publishes := msg.(registry.Publish); publishes {
			return nil, kit.ErrLate
		}
		return agree(msg)
	}
	p.answer = late
	p.give(Reload{Caller: "me"})
	if r := p.last(); !strings.Contains(r.Err, "reload again") || !p.state.Doubt {
		t.Fatalf("the report is %+v, doubt %v", r, p.state.Doubt)
	}
	if !slices.ContainsFunc(p.told, func(msg any) bool { return msg == any(router.Published{}) }) {
		t.Error("the router does not hold the paths that may be live")
	}
	p.answer, p.asked = agree, nil
	p.read(three(at("/a", "1"), at("/b", "2"), at("/c", "3"))) // the operator takes it back
	p.give(Reload{Caller: "me"})
	if all := asked[registry.Publish](p); len(all) != 1 || all[0].Revision != 3 || p.state.Doubt || p.last().Err != "" {
		t.Errorf("published %v, doubt %v: what is live may be the change that was taken back", all, p.state.Doubt)
	}
}

func TestLaw3_TheDeadlineLeavesTheOldStateServing(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	p.hangs = true // a secret lies on a disk that does not answer
	p.give(Reload{Caller: "me"})
	p.state, _ = Step(p.state, kit.In{Msg: Reload{Caller: "later"}, From: kit.ReturnTo(kit.Named("admin"), 9), Now: now})
	stale := p.timers[0]
	p.hangs = false
	p.give(stale) // of the boot
	if len(p.reports) != 0 {
		t.Fatalf("a stale deadline ended the reload: %+v", p.last())
	}
	p.read(three(at("/a2", "1"), at("/b", "2"), at("/c", "3")))
	p.give(p.timers[len(p.timers)-1])
	if len(p.reports) != 2 || !strings.Contains(p.reports[0].Err, "still loading after 30s") {
		t.Fatalf("reports %+v", p.reports)
	}
	if r := p.last(); r.Err != "" || r.Units["webhook:a"].Result != "applied" {
		t.Errorf("the reload that waited behind it says %+v", r)
	}
}

func TestAConfigurationThatIsReadAfterItsDeadlineIsNobodys(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	p.hangs = true
	p.give(Reload{Caller: "first"})
	p.give(p.timers[len(p.timers)-1])
	p.give(Reload{Caller: "second"})
	p.read(three(at("/a2", "1"), at("/b", "2"), at("/c", "3")))
	p.give(kit.Done{Tag: tag{p.state.count - 1, "load"}, Msg: loaded{candidate: p.next}})
	if p.state.Phase != Loading || len(p.reports) != 1 {
		t.Errorf("what the first one read is taken by the second: phase %s, reports %+v", p.state.Phase, p.reports)
	}
}

func TestADeadlineAfterThePublicationTakesNothingBack(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	p.read(three(at("/a2", "1"), at("/b", "2"), at("/c", "3")))
	p.answer = func(msg any) (any, error) {
		if _, configures := msg.(lanes.Configure); configures {
			p.state, _ = Step(p.state, kit.In{Msg: p.timers[len(p.timers)-1], Now: now.Add(time.Minute)})
		}
		return agree(msg)
	}
	p.give(Reload{Caller: "me"})
	if r := p.last(); r.Err != "" || r.Revision != 2 || len(p.reports) != 1 {
		t.Errorf("the report is %+v", r)
	}
}

func TestWhatIsHeldAndPreparedAreTheChangedAccountsAlone(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	p.read(three(at("/a", "9"), at("/b", "2"), at("/c", "3")))
	p.give(Reload{Caller: "me"})
	if m := asked[supervisor.Prepare](p); len(m) != 1 || len(m[0].Accounts) != 1 || m[0].Accounts[0].ID != "webhook:a" {
		t.Errorf("prepared %+v", m)
	}
	if m := asked[supervisor.Hold](p); len(m) != 1 || len(m[0].Accounts) != 1 || m[0].Accounts[0] != "webhook:a" {
		t.Errorf("held %+v", m)
	}
}

func TestASupervisorThatDoesNotPrepareKeepsItsAccountsAsTheyAre(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	p.read(three(at("/a", "9"), at("/b", "2"), at("/c", "3")))
	p.answer = func(msg any) (any, error) {
		if _, prepares := msg.(supervisor.Prepare); prepares {
			return nil, kit.ErrLate
		}
		return agree(msg)
	}
	p.give(Reload{Caller: "me"})
	if v := p.last().Units["webhook:a"]; v.Result != "failed" || !strings.Contains(v.Reason, "did not prepare it") {
		t.Errorf("the verdict is %+v", v)
	}
}

func TestADryRunPlansAndDoesNothing(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	p.read(three(at("/a2", "1"), at("/b", "2"), at("/c", "3")))
	state, last := p.state.Revision, p.state.Last
	p.give(Reload{Caller: "me", DryRun: true})
	r := p.last()
	if !r.DryRun || r.Plan == nil || len(r.Plan.Units) != 1 || r.Plan.Units[0].Name != "webhook:a" || r.Plan.Unchanged != 3 {
		t.Errorf("the report is %+v", r)
	}
	if len(p.asked) != 0 || len(p.told) != 0 || p.state.Revision != state || p.state.Last != last || p.state.Counts.Applied != 1 {
		t.Errorf("a dry run asked %v, told %v", p.asked, p.told)
	}
}

func TestWhatOnlyAnotherProcessTakesIsDeferredAndSaidAgainNextTime(t *testing.T) {
	p := bootedWith(t, three(at("/a", "1"), at("/b", "2"), at("/c", "3")))
	for range 2 {
		p.read(strings.Replace(three(at("/a", "1"), at("/b", "2"), at("/c", "3")), "/state", "/other", 1))
		p.give(Reload{Caller: "me"})
		if v := p.last().Units["gateway.stateDir"]; v.Result != "deferred" || !strings.Contains(v.Reason, "restarted") || len(p.asked) != 0 {
			t.Errorf("the verdict is %+v, asked %v", v, p.asked)
		}
	}
	p.read(strings.Replace(three(at("/a2", "1"), at("/b", "2"), at("/c", "3")), "/state", "/other", 1))
	p.give(Reload{Caller: "me"})
	if r := p.last(); r.Units["gateway.stateDir"].Result != "deferred" || r.Units["webhook:a"].Result != "applied" || p.state.Applied.Config.Gateway.StateDir != "/state" {
		t.Errorf("the report is %+v, applied %s", r, p.state.Applied.Config.Gateway.StateDir)
	}
}

// A file that was refused and then taken back has the hash of what is applied: it is read again, once, so that its faults are
// not told any more. A restart of something by name says nothing of the file.
func TestLaw10_WhatWasRefusedAndTakenBackIsReadAgain(t *testing.T) {
	p := booted(t)
	settles := func(hash string) kit.Done { return kit.Done{Tag: watching{}, Msg: changed{hash}} }
	reads := func() uint64 { return p.state.Counts.Unchanged }
	good := p.state.Loaded
	if p.give(settles(good)); reads() != 0 {
		t.Errorf("what is applied was read again")
	}
	p.faults = config.Problems{{Path: "x", Want: "y"}}
	p.give(settles("bad"))
	p.give(Reload{Target: "all", Caller: "me"})
	if got := p.state.snapshot().Refused; len(got) != 1 {
		t.Errorf("the faults are %v, want one", got)
	}
	p.faults = nil
	for range 2 {
		if p.give(settles(good)); reads() != 1 || len(p.state.snapshot().Refused) != 0 {
			t.Errorf("it was read %d times, want once, and its faults are %v", reads(), p.state.Refused)
		}
	}
}
