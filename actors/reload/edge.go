package reload

import (
	"net/netip"
	"strings"

	"holdfast/actors/registry"
)

// edge is what the configuration says to the edge.
func (c *Candidate) edge() *registry.Edge {
	g := c.Config.Gateway
	return &registry.Edge{
		TrustedProxies: prefixes(g.TrustedProxies), RequestWithin: g.RequestTimeout.D(), JournalWithin: g.JournalWait.D(),
		InFlight: int64(g.BytesInFlightMB) << 20,
	}
}

// prefixes reads addresses and networks; config has validated them.
func prefixes(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, one := range list {
		if p, err := netip.ParsePrefix(one); err == nil {
			out = append(out, p)
		} else if a, err := netip.ParseAddr(strings.TrimSpace(one)); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}
