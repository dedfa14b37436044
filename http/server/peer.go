package server

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// peer is whose refusals are counted: the address at the other end, or, where that is a trusted proxy, the nearest address
// in X-Forwarded-For that is none. It decides limits only, never who may come in. Addresses of one IPv6 customer network
// (/64) are one peer.
func (x *exchange) peer() string {
	remote, ok := netip.AddrFromSlice(x.ctx.RemoteIP())
	if !ok {
		return "unknown"
	}
	addr := remote.Unmap()
	if x.trusted(addr) {
		addr = x.forwarded(addr)
	}
	if addr.Is6() {
		if net, err := addr.Prefix(64); err == nil {
			return net.String()
		}
	}
	return addr.String()
}

func (x *exchange) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(x.live.Edge.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// forwarded reads the header from the right: only what a trusted proxy wrote counts.
func (x *exchange) forwarded(proxy netip.Addr) netip.Addr {
	var hops []string
	for _, line := range x.ctx.Request.Header.PeekAll(fasthttp.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return proxy
		}
		if a = a.Unmap(); !x.trusted(a) {
			return a
		}
		proxy = a
	}
	return proxy
}
