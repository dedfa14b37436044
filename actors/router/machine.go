// Package router decides who owns which path. It takes route registrations as data, computes the route table and hands it
// to the registry, which publishes it.
//
// Invariants: a path has one canonical form and belongs to one channel; who has it keeps it against newcomers. Reserved
// paths belong to nobody. A refused claim changes nothing for the others. A path that an account moved away from is held
// for a grace with the same screen, except that who is admitted is what the account says now, and goes at once when somebody
// else claims it. A restart changes none of this: the journal keeps which paths there are. What is registered changes nothing
// that is live before it is published.
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
	Journal  kit.Addr
	Live     tables
	Next     *tables // registered and not published yet
	Graces   uint64  // numbers given to graces
}

// tables are the claims of one publication and what follows from them.
type tables struct {
	claims []claimed // granted
	held   []claimed // moved away, in grace
	moved  []claimed // those of held whose grace begins with the publication
	table  []*registry.Endpoint
	staged bool // the registry has the table as it is
	number uint64
}

// claimed is one granted route under its canonical path.
type claimed struct {
	key    key
	route  channels.Route
	until  time.Time // of a grace
	number uint64    // of a grace
	bare   bool      // known from the last run: what it lets in is not, and follows from its account's present route
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

// Step decides.
func Step(s State, in kit.In) (State, []kit.Effect) {
	switch m := in.Msg.(type) {
	case Register:
		return s.register(m, in)
	case Published:
		return s.published(in)
	case graceOver:
		return s.graceOver(m)
	case kit.Answered:
		if tag, ok := m.Tag.(staging); ok {
			return s, []kit.Effect{kit.Answer{To: tag.from, Msg: Registered{Refused: tag.refused, Err: m.Err}}}
		}
	}
	return s, []kit.Effect{kit.Unknown{Msg: in.Msg}}
}

// register computes the next tables from those that are live.
func (s State) register(m Register, in kit.In) (State, []kit.Effect) {
	grace := m.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	live := s.Live.renamed(m.Claims)
	granted, refused := grant(m.Claims, live.owners(), loopback(m.Listen))
	left := live.leaving(m.Claims, granted)
	s.Graces++
	for i := range left {
		left[i].until, left[i].number = in.Now.Add(grace), s.Graces
	}
	next := tables{
		claims: granted, moved: slices.Concat(live.moved, left), staged: true, number: s.Graces,
		held: asNow(stillHeld(slices.Concat(live.held, left), m.Claims, granted), granted),
	}
	next, more := next.tabulate(s.Live.table)
	refused = append(refused, more...)
	s.Next = &next
	var effects []kit.Effect
	for _, r := range refused {
		effects = append(effects, kit.Note{
			Level: zerolog.ErrorLevel, Text: "path refused",
			Fields: []any{"account", string(r.Account), "path", r.Path, "cause", r.Why},
		})
	}
	return s, append(effects, kit.Ask{
		To: s.Registry, Msg: registry.StageRoutes{Routes: registry.NewRoutes(next.table), Number: next.number},
		Within: stageWithin, Tag: staging{in.From, refused},
	})
}

// published takes the next tables for the live ones and begins the graces of the paths that were moved.
func (s State) published(in kit.In) (State, []kit.Effect) {
	if s.Next == nil {
		return s, nil
	}
	before := s.Live
	s.Live, s.Next = *s.Next, nil
	var effects []kit.Effect
	if !s.Live.alike(before) {
		effects = append(effects, s.remember())
	}
	begun := map[uint64]bool{}
	for _, c := range s.Live.moved {
		if !has(s.Live.held, c) {
			continue
		}
		effects = append(effects, kit.Note{
			Level: zerolog.InfoLevel, Text: "path held after a move",
			Fields: []any{"path", c.key.path, "account", string(c.route.Account), "until", c.until},
		})
		if !begun[c.number] {
			begun[c.number] = true
			effects = append(effects, kit.After{Delay: max(0, c.until.Sub(in.Now)), Msg: graceOver{c.number}})
		}
	}
	if !s.Live.staged { // a grace ended between registration and publication
		effects = append(effects, s.amend())
	}
	s.Live.moved, s.Live.staged = nil, true
	return s, effects
}

// graceOver ends the graces of one registration, in what is live and in what will be. A stale number finds nothing.
func (s State) graceOver(m graceOver) (State, []kit.Effect) {
	if s.Next != nil {
		if next, ended := s.Next.without(m.number, s.Live.table); ended {
			next.staged = false
			s.Next = &next
		}
	}
	live, ended := s.Live.without(m.number, s.Live.table)
	if !ended {
		return s, nil
	}
	s.Live = live
	return s, []kit.Effect{s.amend()}
}

// amend shows the live table as it is now. If the next one is published already, and we have not heard of it, the number says
// that this one comes too late.
func (s State) amend() kit.Effect {
	return kit.Tell{To: s.Registry, Msg: registry.Amend{Routes: registry.NewRoutes(s.Live.table), Number: s.Live.number}}
}

// without ends the graces of that number.
func (t tables) without(grace uint64, before []*registry.Endpoint) (tables, bool) {
	kept := slices.DeleteFunc(slices.Clone(t.held), func(c claimed) bool { return c.number == grace })
	if len(kept) == len(t.held) {
		return t, false
	}
	t.held = kept
	t, _ = t.tabulate(before)
	return t, true
}

// owners says which channel has a path now, graces left out: they yield.
func (t tables) owners() map[string]string {
	out := map[string]string{}
	for _, c := range t.claims {
		out[c.key.path] = c.route.Account.Channel()
	}
	return out
}

// renamed is what there is, by the names that accounts have now.
func (t tables) renamed(claims []Claim) tables {
	for _, c := range claims {
		if c.Formerly == "" {
			continue
		}
		for _, list := range []*[]claimed{&t.claims, &t.held, &t.moved} {
			*list = slices.Clone(*list)
			for i := range *list {
				if r := &(*list)[i].route; r.Account == c.Formerly {
					r.Account = c.Account
				}
			}
		}
	}
	return t
}

// leaving are routes that an account had and, while it stays, does not claim any more.
func (t tables) leaving(claims []Claim, granted []claimed) []claimed {
	var out []claimed
	stays, has := accounts(claims), owned(granted)
	for _, old := range t.claims {
		if stays[old.route.Account] && !has[old.owned()] {
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

// asNow has what is held admit whom its account admits now: a secret that was replaced, and the operator's no, hold where
// the account was as well. Else a moved path would take for a day what is refused at the new one. A path of the last run takes
// all that the account's present path takes; if the account has none of that kind any more, it is let go.
func asNow(held, granted []claimed) []claimed {
	for i, h := range held {
		for _, g := range granted {
			if g.route.Account != h.route.Account {
				continue
			}
			held[i].route.Auth, held[i].route.Disabled = g.route.Auth, g.route.Disabled
			if g.key.under == h.key.under {
				held[i] = held[i].dressed(g.route)
				break
			}
		}
	}
	return slices.DeleteFunc(held, func(h claimed) bool { return h.bare })
}

// owning is one account's right to a path.
type owning struct {
	key
	account channels.Account
}

func (c claimed) owned() owning { return owning{c.key, c.route.Account} }

func owned(list []claimed) map[owning]bool {
	out := make(map[owning]bool, len(list))
	for _, c := range list {
		out[c.owned()] = true
	}
	return out
}

func accounts(claims []Claim) map[channels.Account]bool {
	out := make(map[channels.Account]bool, len(claims))
	for _, c := range claims {
		out[c.Account] = true
	}
	return out
}

func has(list []claimed, c claimed) bool {
	return slices.ContainsFunc(list, func(o claimed) bool { return o.key == c.key && o.route.Account == c.route.Account })
}

// Paths is the snapshot, sorted.
func (s State) Paths() []Path {
	disabled := map[key]bool{}
	for _, c := range s.Live.claims {
		disabled[c.key] = disabled[c.key] || c.route.Disabled
	}
	var out []Path
	for _, e := range s.Live.table {
		out = append(out, Path{Path: e.Path, Under: e.Under, Accounts: e.Accounts, Held: e.Held, Disabled: disabled[key{e.Path, e.Under}]})
	}
	slices.SortFunc(out, func(a, b Path) int { return strings.Compare(a.Path, b.Path) })
	return out
}
