package reload

import (
	"slices"

	"holdfast/actors/agents/backend"
	"holdfast/actors/registry"
	"holdfast/config"
)

// This file is about what need not be done again because it was done before: a candidate is a value, so a later one may be
// the same or share what has not changed.

// holds tells whether reading and judging a source would end in this candidate again. It reads the files, and nothing in them.
func (c *Candidate) holds(src config.Source, environ []string, listen func(*config.Config) string) bool {
	return c != nil && c.Config.Holds(src, environ) && c.listen == listen(c.Config)
}

// opened is the candidate with its agents made.
func (c *Candidate) opened(env func(name string) backend.Env) *Candidate {
	if c == nil {
		return nil
	}
	out := *c
	out.Agents = slices.Clone(c.Agents)
	for i, a := range out.Agents {
		out.Agents[i].Agent = a.Kind.Open(a.Settings, env(a.Name))
	}
	return &out
}

// offer is what an enabled plugin offers with these settings, if it was asked before.
func (c *Candidate) offer(plugin string, with config.Node) (registry.Offer, bool) {
	if c == nil {
		return registry.Offer{}, false
	}
	p := c.plugin(plugin)
	return p.Offer, p.Name != "" && p.Node.Alike(with)
}
