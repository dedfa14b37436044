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
	s.Applied, s.Digests = run.next.lasting(s.Applied), run.digests
	s.Unapplied, s.Doubt = run.failed, false
	s, more := s.configure(now)
	return s, append(effects, more...)
}

// configure tells the stages of a message what accounts and agents there are.
func (s State) configure(now time.Time) (State, []kit.Effect) {
	var (
		next     = s.run.next
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
			Agent: a.Agent, Parallel: shared.Parallel, Timeout: shared.Timeout.D(),
		})
		names = append(names, a.Name)
	}
	return s.stage(Configuring, now,
		s.ask(s.Places.Access, "access", access.Configure{Revision: s.Revision, Accounts: policies}, stageWithin),
		s.ask(s.Places.Agents, "agents", agents.Configure{Revision: s.Revision, Agents: list}, stageWithin),
		s.ask(s.Places.Outbox, "outbox", outbox.Configure{Revision: s.Revision, Accounts: toOutbox}, stageWithin),
		s.ask(s.Places.Lanes, "lanes", lanes.Configure{
			Revision: s.Revision, Accounts: toLanes, Bindings: next.Config.Bindings,
			Agents: names, Mentions: next.Mentions,
		}, stageWithin))
}

// apply hands each supervisor its accounts; a channel without any is told so and goes on existing, idle.
func (s State) apply(now time.Time) (State, []kit.Effect) {
	per := map[string][]supervisor.Account{}
	var all []channels.Account
	for _, a := range s.run.next.Accounts {
		all = append(all, a.ID)
		per[a.Kind.Name] = append(per[a.Kind.Name], s.told(a))
	}
	effects := []kit.Effect{s.ask(s.Places.Journal, "journal", journal.Keep{Accounts: all}, stageWithin)}
	for _, channel := range s.Spawned {
		effects = append(effects, s.ask(supervisorOf(channel), channel, supervisor.Apply{Revision: s.Revision, Accounts: per[channel]}, applyWithin))
	}
	return s.stage(Applying, now, effects...)
}
