// Package router decides who owns which path. It takes route registrations as data, computes the route table and hands it
// to the registry, which publishes it.
//
// Invariants: a path has one canonical form and belongs to one channel; who has it keeps it against newcomers. Reserved
// paths belong to nobody. A refused claim changes nothing for the others. A path that an account moved away from is held
// for a grace with the same screen, and goes at once when somebody else claims it.
package router

import (
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/channels"
)

// stageWithin is how long the registry may take to answer; it does no I/O.
const stageWithin = 10 * time.Second

// State is what the router knows.
type State struct {
	Registry kit.Addr
	Claims   []claimed // granted, of the newest registration
	Held     []claimed // moved away, in grace
	Table    []*registry.Endpoint
	Graces   uint64 // numbers given to graces
}

// claimed is one granted route under its canonical path.
type claimed struct {
	key    key
	route  channels.Route
	until  time.Time // of a grace
	number uint64    // of a grace
}

// key is what can be owned.
type key struct {
	path  string
	under bool
}

// staging is the tag of the question to the registry.
type staging struct {
	from    kit.Return
	refused []Refused
}

// publishing is the tag of the publication after a grace.
type publishing struct{}

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case Register:
		return s.register(m, in)
	case graceOver:
		return s.graceOver(m)
	case kit.Answered:
		switch tag := m.Tag.(type) {
		case staging:
			return s, []kit.Effect{kit.Answer{To: tag.from, Msg: Registered{Refused: tag.refused, Err: m.Err}}}
		case publishing:
			return s, nil // the registry logs what it published
		}
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

func (s State) register(m Register, in kit.In) (State, []kit.Effect) {
	grace := m.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	granted, refused := grant(m.Claims, s.owners(), loopback(m.Listen))
	moved := s.moved(m.Claims, granted)
	var effects []kit.Effect
	if len(moved) > 0 {
		s.Graces++
		for i := range moved {
			moved[i].until, moved[i].number = in.Now.Add(grace), s.Graces
			effects = append(effects, kit.Note{
				Level: zerolog.InfoLevel, Text: "path held after a move",
				Fields: []any{"path", moved[i].key.path, "account", string(moved[i].route.Account), "until", moved[i].until},
			})
		}
		effects = append(effects, kit.After{Delay: grace, Msg: graceOver{s.Graces}})
	}
	s.Held = stillHeld(append(slices.Clone(s.Held), moved...), m.Claims, granted)
	s.Claims = granted
	var more []Refused
	s, more = s.tabulate()
	refused = append(refused, more...)
	for _, r := range refused {
		effects = append(effects, kit.Note{
			Level: zerolog.ErrorLevel, Text: "path refused",
			Fields: []any{"account", string(r.Account), "path", r.Path, "cause", r.Why},
		})
	}
	return s, append(effects, kit.Ask{
		To: s.Registry, Msg: registry.StageRoutes{Routes: registry.NewRoutes(s.Table)},
		Within: stageWithin, Tag: staging{in.From, refused},
	})
}

// graceOver ends the graces of one registration. A stale number finds nothing.
func (s State) graceOver(m graceOver) (State, []kit.Effect) {
	kept := slices.DeleteFunc(slices.Clone(s.Held), func(c claimed) bool { return c.number == m.number })
	if len(kept) == len(s.Held) {
		return s, nil
	}
	s.Held = kept
	s, _ = s.tabulate()
	return s, []kit.Effect{
		kit.Ask{To: s.Registry, Msg: registry.StageRoutes{Routes: registry.NewRoutes(s.Table)}, Within: stageWithin, Tag: publishing{}},
		kit.Ask{To: s.Registry, Msg: registry.Publish{}, Within: stageWithin, Tag: publishing{}},
	}
}

// owners says which channel has a path now, graces left out: they yield.
func (s State) owners() map[string]string {
	out := map[string]string{}
	for _, c := range s.Claims {
		out[c.key.path] = c.route.Account.Channel()
	}
	return out
}

// moved are routes that an account had and, while it stays, does not claim any more.
func (s State) moved(claims []Claim, granted []claimed) []claimed {
	var out []claimed
	for _, old := range s.Claims {
		stays := slices.ContainsFunc(claims, func(c Claim) bool { return c.Account == old.route.Account })
		if stays && !has(granted, old) {
			out = append(out, old)
		}
	}
	return out
}

// stillHeld drops graces whose account is gone, that were claimed again, or that somebody else's channel claims.
func stillHeld(held []claimed, claims []Claim, granted []claimed) []claimed {
	return slices.DeleteFunc(held, func(h claimed) bool {
		stays := slices.ContainsFunc(claims, func(c Claim) bool { return c.Account == h.route.Account })
		taken := slices.ContainsFunc(granted, func(g claimed) bool {
			return g.key.path == h.key.path && g.route.Account.Channel() != h.route.Account.Channel()
		})
		return !stays || taken || has(granted, h)
	})
}

func has(list []claimed, c claimed) bool {
	return slices.ContainsFunc(list, func(o claimed) bool { return o.key == c.key && o.route.Account == c.route.Account })
}

// Paths is the snapshot, sorted.
func (s State) Paths() []Path {
	var out []Path
	for _, e := range s.Table {
		p := Path{Path: e.Path, Under: e.Under, Accounts: e.Accounts, Held: e.Held}
		for _, c := range s.Claims {
			if c.key == (key{e.Path, e.Under}) && c.route.Disabled {
				p.Disabled = true
			}
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Path) int { return strings.Compare(a.Path, b.Path) })
	return out
}
