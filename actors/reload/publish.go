package reload

import (
	"slices"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/lanes"
	"holdfast/actors/outbox"
	"holdfast/actors/router"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// published: from here on the new state serves. Everybody else is told, and what it replaces goes.
func (s State) published(now time.Time) (State, []kit.Effect) {
	run := s.run
	effects := []kit.Effect{kit.Tell{To: s.Places.Router, Msg: router.Published{}}, took{run.next.Config.Gateway, run.next.Config.Log}}
	if run.bound != nil {
		s.Listen = run.bound.Addr()
		effects = append(effects, serve{run.bound})
	}
	for _, c := range run.next.Channels() {
		if !slices.Contains(s.Spawned, c) {
			effects = append(effects, kit.Spawn{As: supervisorOf(c), What: c})
			s.Spawned = append(slices.Clip(s.Spawned), c)
		}
	}
	if s.Applied == nil {
		effects = append(effects, s.watch(run.next.Config.Hash)...)
	}
	if s.Keeps {
		effects = append(effects, kit.Do{Job: keeping{run.next.Config}, Tag: keeping{}})
	}
	next := *run
	next.renames, next.busy = s.renames()
	s.run = &next
	s.Applied, s.Digests = run.next.lasting(s.Applied), run.digests
	s.Unapplied, s.Doubt = run.failed, false
	s, more := s.release(now)
	return s, append(effects, more...)
}

// configure tells the stages of a message what accounts and agents there are.
func (s State) configure(now time.Time) (State, []kit.Effect) {
	var list []agents.Agent
	for _, a := range s.run.next.Agents {
		shared := a.Settings.Shared()
		list = append(list, agents.Agent{
			Name: a.Name, Kind: a.Kind.Name, Digest: s.run.digests["agent "+a.Name],
			Agent: a.Agent, Parallel: shared.Parallel, Timeout: shared.Timeout.D(),
		})
	}
	return s.stage(Configuring, now, append(s.configuring(nil),
		s.ask(s.Places.Agents, "agents", agents.Configure{Revision: s.Revision, Agents: list}, stageWithin))...)
}

// configuring tells of all accounts but some.
func (s State) configuring(but []channels.Account) []kit.Effect {
	var (
		next     = s.run.next
		policies = map[channels.Account]channels.Common{}
		toLanes  = map[channels.Account]lanes.Account{}
		toOutbox = map[channels.Account]outbox.Account{}
		toAgents = map[string]lanes.Agent{}
	)
	for _, a := range next.Accounts {
		if slices.Contains(but, a.ID) {
			continue
		}
		common, to := *a.Settings.Shared(), supervisorOf(a.Kind.Name)
		policies[a.ID] = common
		toLanes[a.ID] = lanes.Account{Supervisor: to, Common: common, Limits: a.Kind.Limits}
		toOutbox[a.ID] = outbox.Account{Supervisor: to, Limits: a.Kind.Limits, Expire: common.ExpireAfter.D(), Chunk: common.TextChunkLimit, ChunkMode: common.ChunkMode}
	}
	for _, a := range next.Agents {
		toAgents[a.Name] = lanes.Agent{History: a.Kind.WantsHistory(a.Settings)}
	}
	return []kit.Effect{
		s.ask(s.Places.Access, "access", access.Configure{Revision: s.Revision, Accounts: policies}, stageWithin),
		s.ask(s.Places.Outbox, "outbox", outbox.Configure{Revision: s.Revision, Accounts: toOutbox}, stageWithin),
		s.ask(s.Places.Lanes, "lanes", lanes.Configure{
			Revision: s.Revision, Accounts: toLanes, Bindings: next.Config.Bindings,
			Agents: toAgents, Mentions: next.Mentions,
		}, stageWithin),
	}
}

// apply hands each supervisor its accounts; a channel without any is told so and goes on existing, idle.
func (s State) apply(now time.Time) (State, []kit.Effect) {
	per := s.perChannel(nil)
	var all []channels.Account
	for _, a := range s.run.next.Accounts {
		all = append(all, a.ID)
	}
	for _, r := range s.run.renames {
		if !r.done {
			all = append(all, r.from)
		}
	}
	effects := []kit.Effect{s.ask(s.Places.Journal, "journal", journal.Keep{Accounts: all}, stageWithin)}
	for _, channel := range s.Spawned {
		effects = append(effects, s.ask(supervisorOf(channel), channel, supervisor.Apply{Revision: s.Revision, Accounts: per[channel]}, applyWithin))
	}
	return s.stage(Applying, now, effects...)
}

// perChannel are all accounts but some, as their supervisors take them.
func (s State) perChannel(but []channels.Account) map[string][]supervisor.Account {
	out := map[string][]supervisor.Account{}
	for _, a := range s.run.next.Accounts {
		if !slices.Contains(but, a.ID) {
			out[a.Kind.Name] = append(out[a.Kind.Name], s.told(a))
		}
	}
	return out
}
