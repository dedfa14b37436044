package reload

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/methods"
	"holdfast/actors/outbox"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const two = `
channels:
  webhook:
    accounts:
      a: {path: /a, auth: {type: bearer, secret: one}}
      b: {path: /b, auth: {type: bearer, secret: %s}}
agents: {default: {kind: echo}}
`

// play is one machine whose neighbours answer at once, unless answer says otherwise.
type play struct {
	t       *testing.T
	state   State
	asked   []any
	reports []Report
	answer  func(msg any) (any, error)
	told    []any
	timers  []any
	spawned []kit.Addr
	private []kit.Effect
	next    *Candidate
	faults  config.Problems
	hangs   bool // jobs do not end
	jobs    []any
	bound   Bound
	edits   []Edited
	write   func(writing) (any, error) // what a write says
}

func newPlay(t *testing.T) *play {
	at := kit.Named
	return &play{t: t, answer: agree, state: State{
		Phase: Idle, Listen: listen,
		Places: Places{
			Registry: at("registry"), Router: at("router"), Methods: at("methods"), Journal: at("journal"), Access: at("access"),
			Agents: at("agents"), Outbox: at("outbox"), Lanes: at("lanes"),
		},
	}}
}

// agree is what every neighbour says when all is well.
func agree(msg any) (any, error) {
	switch m := msg.(type) {
	case registry.Install:
		return registry.Installed{Generation: 1}, nil
	case router.Register:
		return router.Registered{}, nil
	case methods.Register:
		return methods.Registered{}, nil
	case access.Configure:
		return access.Configured{}, nil
	case agents.Configure:
		return agents.Configured{}, nil
	case outbox.Configure:
		return outbox.Configured{}, nil
	case lanes.Configure:
		return lanes.Configured{}, nil
	case registry.Publish:
		return registry.Published{Revision: m.Revision, Generation: 1}, nil
	case journal.Keep, journal.Rename:
		return journal.Committed{}, nil
	case outbox.Settle:
		return outbox.Settled{}, nil
	case supervisor.Prepare:
		return supervisor.Prepared{}, nil
	case supervisor.Hold:
		return supervisor.Held{}, nil
	case supervisor.Apply:
		out := map[channels.Account]Verdict{}
		for _, a := range m.Accounts {
			out[a.ID] = Verdict{Result: "applied"}
		}
		return supervisor.Applied{Verdicts: out}, nil
	case supervisor.Order:
		return supervisor.Ordered{Verdicts: map[channels.Account]Verdict{m.Account: {Result: "applied"}}}, nil
	}
	return nil, kit.ErrGone
}

// give feeds one message and all that follows from it, first come, first served.
func (p *play) give(msg any) {
	p.t.Helper()
	queue := []any{msg}
	for len(queue) > 0 {
		next, effects := Step(p.state, kit.In{Msg: queue[0], From: kit.ReturnTo(kit.Named("admin"), 1), Now: now})
		p.state, queue = next, queue[1:]
		for _, e := range effects {
			switch e := e.(type) {
			case kit.Ask:
				p.asked = append(p.asked, e.Msg)
				msg, err := p.answer(e.Msg)
				queue = append(queue, kit.Answered{Tag: e.Tag, Msg: msg, Err: err})
			case kit.Do:
				p.jobs = append(p.jobs, e.Job)
				if !p.hangs {
					queue = append(queue, p.done(e))
				}
			case kit.Tell:
				p.told = append(p.told, e.Msg)
			case kit.After:
				p.timers = append(p.timers, e.Msg)
			case took, serve, forsake, finished:
				p.private = append(p.private, e)
			case kit.Spawn:
				p.spawned = append(p.spawned, e.As)
			case kit.Answer:
				p.heard(e.Msg)
			case kit.Unknown:
				p.t.Fatalf("the machine does not know %T", e.Msg)
			}
		}
	}
}

func (p *play) heard(answer any) {
	switch a := answer.(type) {
	case Report:
		p.reports = append(p.reports, a)
	case Edited:
		p.edits = append(p.edits, a)
	default:
		p.t.Fatalf("the answer is a %T", answer)
	}
}

// done is the end of a job.
func (p *play) done(e kit.Do) kit.Done {
	if job, writes := e.Job.(writing); writes {
		msg, err := p.write(job)
		return kit.Done{Tag: e.Tag, Msg: msg, Err: err}
	}
	if _, binds := e.Job.(bind); binds {
		if p.bound == nil {
			return kit.Done{Tag: e.Tag, Err: errors.New("the port is in use")}
		}
		return kit.Done{Tag: e.Tag, Msg: p.bound}
	}
	if job := e.Job.(load); job.keep {
		p.next.Config.Gateway.Listen = job.listen
		c, _ := Prepare(p.next.Config, known, job.bound)
		return kit.Done{Tag: e.Tag, Msg: loaded{candidate: c}}
	}
	return kit.Done{Tag: e.Tag, Msg: loaded{candidate: p.next, problems: p.faults}}
}

func (p *play) prepare(secret string) {
	p.t.Helper()
	c, problems := Prepare(read(p.t, strings.Replace(two, "%s", secret, 1)), known, listen)
	if len(problems) > 0 {
		p.t.Fatal(problems)
	}
	p.next, p.faults = c, nil
}

func (p *play) last() Report {
	p.t.Helper()
	if len(p.reports) == 0 {
		p.t.Fatal("there is no report")
	}
	return p.reports[len(p.reports)-1]
}

func asked[M any](p *play) []M {
	var out []M
	for _, m := range p.asked {
		if m, ok := m.(M); ok {
			out = append(out, m)
		}
	}
	return out
}

func booted(t *testing.T) *play {
	p := newPlay(t)
	p.prepare("two")
	p.give(Boot{Candidate: p.next})
	return p
}

func TestLaw3_BootIsAReloadFromNothing(t *testing.T) {
	p := booted(t)
	r := p.last()
	if r.Err != "" || r.Revision != 1 || r.Units["webhook:a"].Result != "applied" || len(r.Units) != 5 || p.state.Phase != Idle {
		t.Fatalf("the report is %+v in phase %s", r, p.state.Phase)
	}
	order := []string{}
	for _, m := range p.asked {
		switch m.(type) {
		case registry.Install, router.Register, lanes.Configure, registry.Publish, supervisor.Apply:
			order = append(order, strings.TrimPrefix(strings.SplitAfterN(typeName(m), ".", 2)[0]+strings.SplitN(typeName(m), ".", 2)[1], "*"))
		}
	}
	want := []string{"registry.Install", "router.Register", "registry.Publish", "lanes.Configure", "supervisor.Apply"}
	if !slices.Equal(order, want) {
		t.Errorf("the stages came as %v, want %v: nothing is live before publish, nothing starts before it", order, want)
	}
	if !slices.Equal(p.spawned, []kit.Addr{kit.Named("channels/webhook")}) {
		t.Errorf("spawned %v, want one supervisor", p.spawned)
	}
}

func TestLaw3_OnlyWhatChangedGetsANewDigest(t *testing.T) {
	p := booted(t)
	before := digests(asked[supervisor.Apply](p)[0])
	p.asked = nil
	p.prepare("rotated")
	p.give(Reload{Caller: "me"})
	after := digests(asked[supervisor.Apply](p)[0])
	if before["webhook:a"] != after["webhook:a"] || before["webhook:b"] == after["webhook:b"] {
		t.Errorf("digests before %v, after %v: want only b to change, whose secret was rotated", before, after)
	}
	if len(p.spawned) != 1 {
		t.Errorf("spawned %v: a channel that was there got a second supervisor", p.spawned)
	}
	p.asked = nil
	p.give(Reload{Caller: "me"})
	if r := p.last(); len(p.asked) != 0 || r.Revision != 2 || r.Units["webhook:b"].Result != "unchanged" || p.state.Counts != (Counts{Applied: 2, Unchanged: 1}) {
		t.Errorf("a reload without a change asks %v and reports %+v, counts %+v", p.asked, r, p.state.Counts)
	}
}

func digests(a supervisor.Apply) map[channels.Account]string {
	out := map[channels.Account]string{}
	for _, one := range a.Accounts {
		out[one.ID] = one.Digest
	}
	return out
}

func typeName(v any) string {
	switch v.(type) {
	case registry.Install:
		return "registry.Install"
	case router.Register:
		return "router.Register"
	case lanes.Configure:
		return "lanes.Configure"
	case registry.Publish:
		return "registry.Publish"
	}
	return "supervisor.Apply"
}

func TestARefusedConfigurationChangesNothing(t *testing.T) {
	p := booted(t)
	revision, applied := p.state.Revision, p.state.Applied
	p.asked, p.faults = nil, config.Problems{{Path: "x", Want: "y"}}
	p.give(Reload{Caller: "me"})
	if r := p.last(); len(r.Problems) != 1 || r.Err == "" || r.Revision != revision {
		t.Errorf("the report is %+v", r)
	}
	if len(p.asked) != 0 || p.state.Applied != applied {
		t.Errorf("a refused configuration led to %v", p.asked)
	}
}

func TestACoreActorThatDoesNotAnswerFailsTheReloadAndTheNextOneGoesOn(t *testing.T) {
	p := booted(t)
	p.answer = func(msg any) (any, error) {
		if _, ok := msg.(router.Register); ok {
			return nil, kit.ErrLate
		}
		return agree(msg)
	}
	p.prepare("rotated")
	p.give(Reload{Caller: "me"})
	if r := p.last(); !strings.Contains(r.Err, "router") || p.state.Phase != Idle {
		t.Fatalf("the report is %+v in phase %s", r, p.state.Phase)
	}
	p.answer = agree
	p.give(Reload{Caller: "me"})
	if r := p.last(); r.Err != "" {
		t.Errorf("the next reload says %q", r.Err)
	}
}

func TestASupervisorThatDoesNotAnswerFailsItsOwnChannelOnly(t *testing.T) {
	p := newPlay(t)
	p.prepare("two")
	p.answer = func(msg any) (any, error) {
		if _, ok := msg.(supervisor.Apply); ok {
			return nil, kit.ErrLate
		}
		return agree(msg)
	}
	p.give(Boot{Candidate: p.next})
	if r := p.last(); r.Err != "" || r.Units["webhook"].Result != "failed" || r.Revision != 1 {
		t.Errorf("the report is %+v, want the channel failed and the revision live", r)
	}
}

func TestRefusedPathsAreVerdictsOfTheirUnits(t *testing.T) {
	p := newPlay(t)
	p.prepare("two")
	p.answer = func(msg any) (any, error) {
		if _, ok := msg.(router.Register); ok {
			return router.Registered{Refused: []router.Refused{{Account: "webhook:a", Path: "/a", Why: "taken"}}}, nil
		}
		return agree(msg)
	}
	p.give(Boot{Candidate: p.next})
	if v := p.last().Units["webhook:a /a"]; v.Result != "failed" || v.Reason != "taken" {
		t.Errorf("the verdicts are %+v", p.last().Units)
	}
}

func TestReloadsThatComeDuringAnotherAreMergedAndAllAnswered(t *testing.T) {
	p := booted(t)
	p.reports = nil
	first := true
	p.answer = func(msg any) (any, error) {
		if _, ok := msg.(router.Register); ok && first {
			first = false
			for range 3 { // they arrive while the first one waits for the registry
				p.state, _ = Step(p.state, kit.In{Msg: Reload{Caller: "later"}, From: kit.ReturnTo(kit.Named("admin"), 2), Now: now})
			}
		}
		return agree(msg)
	}
	p.prepare("rotated")
	p.give(Reload{Caller: "first"})
	if got := p.state.Counts; got != (Counts{Applied: 2, Unchanged: 1}) {
		t.Errorf("counts %+v, want the boot, the first and one for the three that came meanwhile", got)
	}
	if len(p.reports) != 4 || p.last().Caller != "later" {
		t.Errorf("%d reports, the last for %q; want 4", len(p.reports), p.last().Caller)
	}
}

func TestRestartByTarget(t *testing.T) {
	for target, want := range map[string][]channels.Account{"webhook:a": {"webhook:a"}, "webhook": {""}, "all": {""}} {
		p := booted(t)
		p.asked = nil
		p.give(Reload{Target: target, Caller: "me"})
		var got []channels.Account
		for _, o := range asked[supervisor.Order](p) {
			got = append(got, o.Account)
			if o.Do != "restart" {
				t.Errorf("%s orders %q", target, o.Do)
			}
		}
		if !slices.Equal(got, want) || len(asked[registry.Install](p)) != 0 {
			t.Errorf("%s restarted %q, want %q and no reload", target, got, want)
		}
	}
	p := booted(t)
	p.give(Reload{Target: "nobody", Caller: "me"})
	if r := p.last(); !strings.Contains(r.Err, "nobody") {
		t.Errorf("the report for a target that is not there is %+v", r)
	}
}

func TestAStaleAnswerIsNobodys(t *testing.T) {
	p := booted(t)
	for _, msg := range []any{
		kit.Answered{Tag: tag{attempt: 1, what: "publish"}, Msg: registry.Published{Revision: 99}},
		kit.Done{Tag: tag{attempt: 1, what: "load"}, Err: errors.New("late")},
	} {
		next, effects := Step(p.state, kit.In{Msg: msg, Now: now})
		if next.Revision != p.state.Revision || len(effects) != 0 {
			t.Errorf("%T changed revision to %d with effects %v", msg, next.Revision, effects)
		}
	}
}

// FuzzStep looks for a wish that never gets its report, or gets two.
