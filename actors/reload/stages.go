package reload

import (
	"maps"
	"slices"
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
)

// Deadlines of the stages. Only apply waits for networks: runs are drained before their successors start.
const (
	stageWithin = 10 * time.Second
	applyWithin = 30 * time.Second
)

// supervisorOf is the address of a channel's supervisor: it outlives every run and every reload.
func supervisorOf(channel string) kit.Addr { return kit.Named("channels/" + channel) }

// stage asks and waits for all answers.
func (s State) stage(phase Phase, effects ...kit.Effect) (State, []kit.Effect) {
	run := *s.run
	run.waiting = 0
	for _, e := range effects {
		if _, question := e.(kit.Ask); question {
			run.waiting++
		}
	}
	s.run, s.Phase = &run, phase
	return s, effects
}

func (s State) ask(to kit.Addr, what string, msg any, within time.Duration) kit.Effect {
	return kit.Ask{To: to, Msg: msg, Within: within, Tag: tag{s.run.number, what}}
}

func (s State) install() (State, []kit.Effect) {
	offers := []registry.Offer{}
	for _, k := range s.run.next.kinds() {
		offers = append(offers, registry.Offer{Plugin: k.Name, Version: "builtin", Kinds: []channels.Kind{k}})
	}
	return s.stage(Installing, s.ask(s.Places.Registry, "install", registry.Install{Offers: offers}, stageWithin))
}

func (c *Candidate) kinds() []channels.Kind {
	var out []channels.Kind
	for _, name := range c.Channels() {
		for _, a := range c.Accounts {
			if a.Kind.Name == name {
				out = append(out, a.Kind)
				break
			}
		}
	}
	return out
}

// register spawns the supervisors that are missing, so that everybody can be told their address, and hands in the claims.
func (s State) register() (State, []kit.Effect) {
	var effects []kit.Effect
	for _, c := range s.run.next.Channels() {
		if !slices.Contains(s.Spawned, c) {
			effects = append(effects, kit.Spawn{As: supervisorOf(c), What: c})
			s.Spawned = append(s.Spawned[:len(s.Spawned):len(s.Spawned)], c)
		}
	}
	effects = append(effects,
		s.ask(s.Places.Router, "router", router.Register{Claims: s.run.next.Claims(), Listen: s.Listen}, stageWithin),
		s.ask(s.Places.Methods, "methods", methods.Register{Methods: s.Methods}, stageWithin))
	return s.stage(Registering, effects...)
}

func (s State) configure() (State, []kit.Effect) {
	var (
		next     = s.run.next
		revision = s.Revision + 1
		policies = map[channels.Account]channels.Common{}
		toLanes  = map[channels.Account]lanes.Account{}
		toOutbox = map[channels.Account]outbox.Account{}
		list     []agents.Agent
		names    []string
	)
	for _, a := range next.Accounts {
		common, to := *a.Settings.Shared(), supervisorOf(a.Kind.Name)
		policies[a.ID] = common
		toLanes[a.ID] = lanes.Account{Supervisor: to, Common: common, Limits: a.Kind.Limits}
		toOutbox[a.ID] = outbox.Account{Supervisor: to, Limits: a.Kind.Limits, Expire: common.ExpireAfter.D(), Chunk: common.TextChunkLimit, ChunkMode: common.ChunkMode}
	}
	for _, a := range next.Agents {
		shared := a.Settings.Shared()
		list = append(list, agents.Agent{
			Name: a.Name, Kind: a.Kind.Name, Digest: s.run.digests["agent "+a.Name],
			Agent: a.Kind.Open(a.Settings, s.AgentEnv(a.Name)), Parallel: shared.Parallel, Timeout: shared.Timeout.D(),
		})
		names = append(names, a.Name)
	}
	return s.stage(Configuring,
		s.ask(s.Places.Access, "access", access.Configure{Revision: revision, Accounts: policies}, stageWithin),
		s.ask(s.Places.Agents, "agents", agents.Configure{Revision: revision, Agents: list}, stageWithin),
		s.ask(s.Places.Outbox, "outbox", outbox.Configure{Revision: revision, Accounts: toOutbox}, stageWithin),
		s.ask(s.Places.Lanes, "lanes", lanes.Configure{
			Revision: revision, Accounts: toLanes, Bindings: next.Config.Bindings,
			Agents: names, Mentions: next.Mentions,
		}, stageWithin))
}

func (s State) publish() (State, []kit.Effect) {
	return s.stage(Publishing, s.ask(s.Places.Registry, "publish", registry.Publish{Revision: s.Revision + 1}, stageWithin))
}

// apply hands each supervisor its accounts; a channel without any is told so and goes on existing, idle.
func (s State) apply() (State, []kit.Effect) {
	next := s.run.next
	per := map[string][]supervisor.Account{}
	var all []channels.Account
	for _, a := range next.Accounts {
		all = append(all, a.ID)
		per[a.Kind.Name] = append(per[a.Kind.Name], supervisor.Account{
			ID: a.ID, Settings: a.Settings, Webhook: a.Webhook, Masked: a.Masked,
			Digest: s.run.digests[string(a.ID)],
		})
	}
	effects := []kit.Effect{s.ask(s.Places.Journal, "journal", journal.Keep{Accounts: all}, stageWithin)}
	for _, channel := range s.Spawned {
		effects = append(effects, s.ask(supervisorOf(channel), channel, supervisor.Apply{Revision: s.Revision, Accounts: per[channel]}, applyWithin))
	}
	return s.stage(Applying, effects...)
}

// answered books one answer and goes to the next stage when none is missing. A core actor that does not answer in time
// fails the reload; a supervisor that does not fails its own channel.
func (s State) answered(t tag, m kit.Answered, now time.Time) (State, []kit.Effect) {
	run := *s.run
	run.waiting--
	run.units = maps.Clone(run.units)
	s.run = &run
	if fault := s.book(t, m); fault != "" {
		return s.report(now, func(r *Report) { r.Err = fault })
	}
	if run.waiting > 0 {
		return s, nil
	}
	switch s.Phase {
	case Installing:
		return s.register()
	case Registering:
		return s.configure()
	case Configuring:
		return s.publish()
	case Publishing:
		s.Applied, s.Digests = s.run.next, s.run.digests
		s, effects := s.apply()
		return s, append([]kit.Effect{kit.Tell{To: s.Places.Router, Msg: router.Published{}}}, effects...)
	case Applying, Ordering:
		return s.report(now, func(*Report) {})
	case Idle, Loading:
	}
	return s, nil
}

// book takes what an answer says into the attempt; the text is a fault that ends it.
func (s *State) book(t tag, m kit.Answered) (fault string) {
	if m.Err != nil && s.Phase != Applying && s.Phase != Ordering {
		return t.what + ": " + m.Err.Error()
	}
	if m.Err != nil {
		s.run.units[t.what] = Verdict{Result: "failed", Reason: m.Err.Error()}
		return ""
	}
	switch a := m.Msg.(type) {
	case registry.Installed:
		if a.Err != nil {
			return a.Err.Error()
		}
	case router.Registered:
		if a.Err != nil {
			return "router: " + a.Err.Error()
		}
		for _, r := range a.Refused {
			s.run.units[string(r.Account)+" "+r.Path] = Verdict{Result: "failed", Reason: r.Why}
		}
	case methods.Registered:
		if a.Err != nil {
			return "methods: " + a.Err.Error()
		}
	case registry.Published:
		if a.Err != nil {
			return a.Err.Error()
		}
		s.Revision, s.Generation = a.Revision, a.Generation
	case journal.Committed:
		if a.Err != nil {
			s.run.units["journal"] = Verdict{Result: "failed", Reason: a.Err.Error()}
		}
	case supervisor.Applied:
		s.verdicts(a.Verdicts)
	case supervisor.Ordered:
		s.verdicts(a.Verdicts)
	}
	return ""
}

func (s *State) verdicts(of map[channels.Account]Verdict) {
	for account, v := range of {
		s.run.units[string(account)] = v
	}
}
