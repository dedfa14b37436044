package router

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"holdfast/actors/registry"
	"holdfast/channels"
	"holdfast/channels/screen"
)

// grant gives each canonical path to one channel: to the one that has it, else to the account first in the alphabet.
func grant(claims []Claim, owners map[string]string, onLoopback bool) (granted []claimed, refused []Refused) {
	claims = slices.Clone(claims)
	slices.SortFunc(claims, func(a, b Claim) int { return strings.Compare(string(a.Account), string(b.Account)) })
	taken := map[string]channels.Account{}
	first := func(incumbents bool) {
		for _, c := range claims {
			for _, r := range c.Routes {
				path, err := channels.Canonical(r.Path)
				if err != nil || (owners[path] == c.Account.Channel()) != incumbents {
					continue
				}
				if _, has := taken[path]; !has {
					taken[path] = c.Account
				}
			}
		}
	}
	first(true)
	first(false)
	for _, c := range claims {
		for _, r := range c.Routes {
			r.Account = c.Account
			if path, why := admissible(r, taken, onLoopback); why != "" {
				refused = append(refused, Refused{Account: c.Account, Path: r.Path, Why: why})
			} else {
				granted = append(granted, claimed{key: key{path, r.Under}, route: r})
			}
		}
	}
	return granted, refused
}

// admissible gives the canonical path, or why the route cannot be had.
func admissible(r channels.Route, taken map[string]channels.Account, onLoopback bool) (path, why string) {
	path, err := channels.Canonical(r.Path)
	switch {
	case err != nil:
		return "", err.Error()
	case channels.Reserved(path):
		return "", "the gateway itself uses this path: choose another one"
	case taken[path].Channel() != r.Account.Channel():
		return "", fmt.Sprintf("%s has this path: choose another one", taken[path])
	case r.LoopbackOnly && !onLoopback:
		return "", "auth: none is allowed only while gateway.listen is a loopback address: set an auth, or listen on 127.0.0.1"
	}
	return path, ""
}

// loopback tells whether only this machine can reach the listener.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tabulate compiles the screens of what is granted and held. Accounts whose credential cannot be told from another's on
// the same path are refused, the later ones in the alphabet. Counts of paths that were owned before go on.
func (t tables) tabulate(before []*registry.Endpoint) (tables, []Refused) {
	groups := map[key][]claimed{}
	for _, c := range slices.Concat(t.claims, t.held) {
		groups[c.key] = append(groups[c.key], c)
	}
	counts := map[key]*registry.Counts{}
	for _, e := range before {
		counts[key{e.Path, e.Under}] = e.Counts
	}
	var (
		table   []*registry.Endpoint
		refused []Refused
	)
	for k, group := range groups {
		endpoint, no := compile(k, group)
		refused = append(refused, no...)
		if endpoint == nil {
			continue
		}
		if endpoint.Counts = counts[k]; endpoint.Counts == nil {
			endpoint.Counts = &registry.Counts{}
		}
		table = append(table, endpoint)
	}
	slices.SortFunc(table, func(a, b *registry.Endpoint) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(refused, func(a, b Refused) int { return strings.Compare(string(a.Account), string(b.Account)) })
	t.table = table
	return t, refused
}

// compile adds one account after the other only when they do not fit together at once.
func compile(k key, group []claimed) (*registry.Endpoint, []Refused) {
	var (
		routes  []channels.Route
		refused []Refused
	)
	for _, c := range group {
		routes = append(routes, c.route)
	}
	made, err := screen.Compile(routes)
	if err != nil {
		routes = nil
		for _, c := range group {
			next, err := screen.Compile(append(slices.Clone(routes), c.route))
			if err != nil {
				refused = append(refused, Refused{Account: c.route.Account, Path: k.path, Why: err.Error()})
				continue
			}
			made, routes = next, append(routes, c.route)
		}
	}
	if made == nil || len(routes) == 0 {
		return nil, refused
	}
	e := &registry.Endpoint{Path: k.path, Under: k.under, Screen: made, Held: heldUntil(group)}
	for _, r := range routes {
		e.Accounts = append(e.Accounts, r.Account)
	}
	return e, refused
}

// heldUntil is zero as long as one account still claims the path.
func heldUntil(group []claimed) time.Time {
	var last time.Time
	for _, c := range group {
		if c.until.IsZero() {
			return time.Time{}
		}
		if c.until.After(last) {
			last = c.until
		}
	}
	return last
}

// Check names the claims that would be refused if nobody had anything yet, for validation before anything happens.
func Check(claims []Claim, listen string) []Refused {
	granted, refused := grant(claims, nil, loopback(listen))
	_, more := tables{claims: granted}.tabulate(nil)
	return append(refused, more...)
}
