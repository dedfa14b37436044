package reload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/methods"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/config"
)

// Deadlines of the stages. Only prepare and apply wait for networks.
const (
	stageWithin   = 10 * time.Second
	prepareWithin = 15 * time.Second
	applyWithin   = 30 * time.Second
)

// supervisorOf is the address of a channel's supervisor: it outlives every run and every reload.
func supervisorOf(channel string) kit.Addr { return kit.Named("channels/" + channel) }

// stage asks and waits for all answers; without a question it is over at once.
func (s State) stage(phase Phase, now time.Time, questions ...kit.Effect) (State, []kit.Effect) {
	run := *s.run
	run.waiting = len(questions)
	s.run, s.Phase = &run, phase
	if run.waiting > 0 {
		return s, questions
	}
	return s.advance(now)
}

func (s State) ask(to kit.Addr, what string, msg any, within time.Duration) kit.Effect {
	return kit.Ask{To: to, Msg: msg, Within: within, Tag: tag{s.run.number, what}}
}

// advance goes from a stage that is over to the next one.
func (s State) advance(now time.Time) (State, []kit.Effect) {
	switch s.Phase {
	case Binding:
		return s.install(now)
	case Installing:
		return s.prepare(now)
	case Preparing:
		return s.settle(now)
	case Registering:
		return s.hold(now)
	case Holding:
		return s.stage(Publishing, now, s.ask(s.Places.Registry, "publish", registry.Publish{Revision: s.Revision + 1, Edge: s.run.next.edge()}, stageWithin))
	case Publishing:
		return s.published(now)
	case Releasing:
		return s.retire(now)
	case Retiring:
		return s.settled(now)
	case Settling:
		return s.rename(now)
	case Renaming:
		return s.configure(now)
	case Configuring:
		return s.apply(now)
	case Applying, Ordering:
		return s.report(now, func(*Report) {})
	case Idle, Loading:
	}
	return s, nil
}

// loaded plans, and begins the transaction if there is something to do.
func (s State) loaded(m kit.Done, now time.Time) (State, []kit.Effect) {
	got, _ := m.Msg.(loaded)
	switch {
	case m.Err != nil:
		return s.report(now, func(r *Report) { r.Err = m.Err.Error() })
	case len(got.problems) > 0:
		if !s.run.kind.dry {
			s.Refused = got.problems
		}
		return s.report(now, func(r *Report) {
			r.Problems = got.problems
			r.Err = "the configuration is refused; what was live serves on"
		})
	}
	if got.judged != nil {
		s.Judged = got.judged
	}
	run := *s.run
	run.next = got.candidate
	run.plan = Difference(s.Applied, got.candidate, s.Revision, s.Generation)
	run.digests = s.digests(got.candidate)
	s.run = &run
	if !run.kind.dry {
		s.Loaded, s.Refused = got.candidate.Config.Hash, nil
	}
	switch {
	case run.kind.dry:
		return s.report(now, func(r *Report) { r.DryRun, r.Plan = true, &run.plan })
	case !run.plan.effective() && s.Applied != nil && !s.Doubt:
		s = s.untouched()
		return s.report(now, func(*Report) {})
	}
	if _, moves := run.plan.unit(unitListen); moves {
		s.Phase = Binding
		return s, []kit.Effect{kit.Do{Job: bind{run.next.Config.Gateway.Listen}, Tag: tag{s.run.number, "bind"}}}
	}
	return s.install(now)
}

// bound: the new listener is there. If it cannot be, that setting alone stays as it is, and the configuration is judged again
// without it, because addresses of webhooks follow from it.
func (s State) bound(m kit.Done, now time.Time) (State, []kit.Effect) {
	run := *s.run
	run.bound, _ = m.Msg.(Bound)
	s.run = &run
	if m.Err == nil && run.bound != nil {
		return s.install(now)
	}
	why := cause(kit.Answered{Msg: m.Msg, Err: m.Err}).Error()
	if s.run = run.with(unitListen, Verdict{Result: failed, Reason: why}); run.kind.allOrNothing {
		return s.abort(unitListen+": "+why, now)
	}
	s.Phase = Loading
	return s, []kit.Effect{kit.Do{Job: s.load(nil, true), Tag: tag{run.number, "load"}}}
}

// install makes the next generation, if plugins change.
func (s State) install(now time.Time) (State, []kit.Effect) {
	if s.run.plan.Generation == s.Generation && !s.Doubt {
		return s.prepare(now)
	}
	offers := []registry.Offer{}
	for _, p := range s.run.next.Plugins {
		offer := p.Offer
		offer.Settings = s.run.digests["plugin "+p.Name]
		offers = append(offers, offer)
	}
	return s.stage(Installing, now, s.ask(s.Places.Registry, "install", registry.Install{Offers: offers}, stageWithin))
}

// prepare has changed accounts proven beside their runs.
func (s State) prepare(now time.Time) (State, []kit.Effect) {
	var effects []kit.Effect
	run := *s.run
	for channel, accounts := range s.changing() {
		run.beside = append(run.beside, channel)
		effects = append(effects, s.ask(supervisorOf(channel), channel, supervisor.Prepare{Accounts: accounts}, prepareWithin))
	}
	slices.Sort(run.beside)
	s.run = &run
	return s.stage(Preparing, now, sorted(effects)...)
}

// changing are the accounts that are there and will be others, as their supervisors take them, by channel.
func (s State) changing() map[string][]supervisor.Account {
	out, altered := map[string][]supervisor.Account{}, map[string]bool{}
	for _, u := range s.run.plan.Units {
		altered[u.Name] = u.Change == Alter
	}
	for _, a := range s.run.next.Accounts {
		if altered[string(a.ID)] {
			out[a.Kind.Name] = append(out[a.Kind.Name], s.told(a))
		}
	}
	return out
}

// told is an account as its supervisor takes it.
func (s State) told(a Account) supervisor.Account {
	return supervisor.Account{
		ID: a.ID, Settings: a.Settings, Webhook: a.Webhook, Masked: a.Masked, Server: server(a.Settings),
		Digest: s.run.digests[string(a.ID)],
	}
}

// settle decides what is published: accounts that cannot be changed stay as they are.
func (s State) settle(now time.Time) (State, []kit.Effect) {
	run := *s.run
	listen := s.listen()
	for {
		run.next = run.next.keeping(s.Applied, run.failed)
		refused := s.refused(&run, listen)
		if len(refused) == 0 {
			break
		}
		run.failed = merged(run.failed, refused)
	}
	for id := range run.failed {
		run.digests = cloned(run.digests)
		run.digests[string(id)] = s.Digests[string(id)]
	}
	s.run = &run
	if run.kind.allOrNothing && len(run.failed) > 0 {
		return s.abort(fmt.Sprintf("%d of the units cannot be prepared, and all or nothing was asked for", len(run.failed)), now)
	}
	return s.register(now)
}

// refused are further accounts that cannot be changed: others that stay as they are have their paths.
func (s State) refused(run *attempt, listen string) map[channels.Account]string {
	out := map[channels.Account]string{}
	if len(run.failed) == 0 {
		return out // the candidate was checked as a whole when it was loaded
	}
	for _, r := range router.Check(run.next.Claims(), listen) {
		_, stays := run.failed[r.Account]
		if _, there := s.Applied.account(r.Account); there && !stays {
			out[r.Account] = r.Path + ": " + r.Why
		}
	}
	return out
}

// listen is the address that counts after the publication.
func (s State) listen() string {
	if s.run.bound != nil {
		return s.run.bound.Addr()
	}
	return s.Listen
}

// register hands in what paths and methods there will be.
func (s State) register(now time.Time) (State, []kit.Effect) {
	table := slices.Clone(s.Methods)
	for _, p := range s.run.next.Plugins {
		table = append(table, p.Offer.Table(s.Places.Plugins)...)
	}
	return s.stage(Registering, now,
		s.ask(s.Places.Router, "router", router.Register{Claims: s.run.next.Claims(), Listen: s.listen()}, stageWithin),
		s.ask(s.Places.Methods, "methods", methods.Register{Methods: table}, stageWithin))
}

// hold keeps requests of changed accounts from being read by the old settings after the publication.
func (s State) hold(now time.Time) (State, []kit.Effect) {
	names := map[string][]channels.Account{}
	for _, u := range s.run.plan.Units {
		id := channels.Account(u.Name)
		if _, there := s.Applied.account(id); there && (u.Change == Alter || u.Change == Rename) {
			names[id.Channel()] = append(names[id.Channel()], id)
		}
	}
	var effects []kit.Effect
	for channel, accounts := range names {
		effects = append(effects, s.ask(supervisorOf(channel), channel, supervisor.Hold{Accounts: accounts}, stageWithin))
	}
	return s.stage(Holding, now, sorted(effects)...)
}

// drop has supervisors forget what they prepared and held.
func (s State) drop() []kit.Effect {
	var effects []kit.Effect
	for _, channel := range s.run.beside {
		effects = append(effects, kit.Tell{To: supervisorOf(channel), Msg: supervisor.Discard{}})
	}
	return effects
}

// untouched gives every unit its verdict when there is nothing to do.
func (s State) untouched() State {
	run := *s.run
	run.units = map[string]Verdict{}
	for _, a := range s.Applied.Accounts {
		run.units[string(a.ID)] = Verdict{Result: unchanged}
	}
	for _, u := range run.plan.Units {
		run.units[u.Name] = Verdict{Result: deferred, Reason: "until the gateway is restarted: " + u.Reason}
	}
	s.run, s.Unapplied = &run, nil // what could not be applied was taken back: nobody serves on with older settings
	return s
}

// sorted brings questions that were made from a map into one order.
func sorted(asks []kit.Effect) []kit.Effect {
	slices.SortFunc(asks, func(a, b kit.Effect) int {
		return strings.Compare(a.(kit.Ask).Tag.(tag).what, b.(kit.Ask).Tag.(tag).what) //nolint:forcetypeassert // made here
	})
	return asks
}

func cloned[K comparable, V any](m map[K]V) map[K]V {
	out := maps.Clone(m)
	if out == nil {
		out = map[K]V{}
	}
	return out
}

func merged[K comparable, V any](a, b map[K]V) map[K]V {
	out := cloned(a)
	maps.Copy(out, b)
	return out
}

// server is where the network's own server is, for people.
func server(s channels.Settings) string {
	if h, hosted := s.(channels.Hosted); hosted {
		return h.Server()
	}
	return ""
}

// digests names each unit by the revision in which its resolved value last changed, so that no fingerprint of a secret
// exists anywhere.
func (s State) digests(next *Candidate) map[string]string {
	out := map[string]string{}
	fresh := fmt.Sprintf("r%d.%d", s.Revision+1, s.run.number)
	put := func(unit string, same bool) {
		if out[unit] = fresh; same && s.Digests[unit] != "" {
			out[unit] = s.Digests[unit]
		}
	}
	applied := s.Applied
	if applied == nil {
		applied = &Candidate{Config: &config.Config{}}
	}
	compare(applied.Plugins, next.Plugins, func(p Plugin) string { return p.Name }, func(old, one *Plugin) {
		if one != nil {
			put("plugin "+one.Name, old != nil && old.Node.Equal(one.Node))
		}
	})
	compare(applied.Accounts, next.Accounts, func(a Account) string { return string(a.ID) }, func(old, one *Account) {
		if one != nil {
			put(string(one.ID), old != nil && one.differs(*old) == "")
		}
	})
	compare(applied.Agents, next.Agents, func(a Agent) string { return a.Name }, func(old, one *Agent) {
		if one != nil {
			put("agent "+one.Name, old != nil && old.Node.Equal(one.Node))
		}
	})
	return out
}
