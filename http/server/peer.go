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
func (s *Server) peer(ctx *fasthttp.RequestCtx) string {
	remote, ok := netip.AddrFromSlice(ctx.RemoteIP())
	if !ok {
		return "unknown"
	}
	addr := remote.Unmap()
	if s.trusted(addr) {
		addr = s.forwarded(ctx, addr)
	}
	if addr.Is6() {
		if net, err := addr.Prefix(64); err == nil {
			return net.String()
		}
	}
	return addr.String()
}

func (s *Server) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.o.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// forwarded reads the header from the right: only what a trusted proxy wrote counts.
func (s *Server) forwarded(ctx *fasthttp.RequestCtx, proxy netip.Addr) netip.Addr {
	var hops []string
	for _, line := range ctx.Request.Header.PeekAll(fasthttp.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return proxy
		}
		if a = a.Unmap(); !s.trusted(a) {
			return a
		}
		proxy = a
	}
	return proxy
}
