package reload

import (
	"cmp"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"holdfast/actors/agents/backend"
	"holdfast/actors/router"
	"holdfast/channels"
	"holdfast/config"
)

// Kinds are the sorts of channels and agents that this binary knows.
type Kinds struct {
	Plugins []channels.Plugin
	Agents  []backend.Kind
}

// channels are the kinds that plugins offer which are on by default.
func (k Kinds) channels() []channels.Kind {
	var out []channels.Kind
	for _, p := range k.Plugins {
		if p.On(nil) {
			out = append(out, p.Kinds()...)
		}
	}
	return out
}

// Candidate is a configuration with everything decoded: what a reload would make live. It is never changed.
type Candidate struct {
	Config   *config.Config
	Accounts []Account // sorted by ID
	Agents   []Agent   // sorted by name
	Mentions []string
}

// Account is one account of a Candidate.
type Account struct {
	ID       channels.Account
	Kind     channels.Kind
	Node     config.Node
	Settings channels.Settings
	Routes   []channels.Route
	Webhook  string // where the outside reaches it; empty: nowhere
	Masked   string // the same for people, with the place of the credential
}

// Agent is one agent of a Candidate.
type Agent struct {
	Name     string
	Kind     backend.Kind
	Node     config.Node
	Settings backend.Settings
}

// Read is the whole way from a source to what a reload would make live, and every fault of it at once.
func Read(src config.Source, environ []string, kinds Kinds, listen func(*config.Config) string) (*Candidate, config.Problems) {
	cfg, err := config.Inspect(src, environ)
	var problems config.Problems
	if err != nil && !errors.As(err, &problems) {
		problems = config.Problems{{File: src.Path, Want: "a configuration that can be read: " + err.Error()}}
	}
	if cfg == nil {
		return nil, problems
	}
	candidate, more := Prepare(cfg, kinds, listen(cfg), problems...)
	if problems = problems.Join(more); len(problems) > 0 {
		return nil, problems
	}
	return candidate, nil
}

// Prepare decodes a configuration and names what config itself cannot know to be wrong: kinds that do not exist, settings,
// paths that collide, credentials that cannot be told apart. listen is the address that the outside
// reaches; it stands for gateway.listen where that is not final (port 0). said is what config had to say already: values
// at those places are not judged again.
func Prepare(cfg *config.Config, kinds Kinds, listen string, said ...config.Problem) (*Candidate, config.Problems) {
	c := &Candidate{Config: cfg}
	var problems config.Problems
	base := strings.TrimSuffix(cmp.Or(cfg.Gateway.PublicURL, "http://"+listen), "/")
	for _, channel := range slices.Sorted(maps.Keys(cfg.Channels)) {
		kind, known := find(kinds.channels(), channel, func(k channels.Kind) string { return k.Name })
		for _, name := range slices.Sorted(maps.Keys(cfg.Channels[channel].Accounts)) {
			node := cfg.Channels[channel].Accounts[name]
			if !known {
				problems = append(problems, node.Place([]config.Problem{{
					Got:  "channel " + channel,
					Want: "a channel that this gateway knows: " + list(kinds.channels(), func(k channels.Kind) string { return k.Name }),
				}})...)
				continue
			}
			a, faults := account(channels.NewAccount(channel, name), kind, node, base, said)
			problems = append(problems, faults...)
			c.Accounts = append(c.Accounts, a)
		}
	}
	problems = append(problems, c.agents(kinds.Agents, said)...)
	if len(problems) == 0 {
		problems = append(problems, c.paths(listen)...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

func account(id channels.Account, kind channels.Kind, node config.Node, base string, said config.Problems) (Account, config.Problems) {
	a := Account{ID: id, Kind: kind, Node: node, Settings: kind.Settings()}
	if faults := judge(node, a.Settings, said); len(faults) > 0 {
		return a, faults
	}
	a.Routes = kind.Routes(id, a.Settings)
	for i := range a.Routes {
		a.Routes[i].Disabled = !a.Settings.Shared().On()
	}
	if len(a.Routes) > 0 {
		a.Webhook = base + "/" + strings.TrimPrefix(a.Routes[0].Path, "/")
		a.Masked = a.Webhook + maskedQuery(a.Routes[0])
	}
	return a, nil
}

// judge decodes and validates: everything that either has to say, of each place once.
func judge(node config.Node, into interface{ Validate() []config.Problem }, said config.Problems) config.Problems {
	decoded := node.Decode(into)
	return decoded.Join(node.Place(into.Validate()).Beyond(said.Join(decoded)))
}

// maskedQuery shows where in the URL a shared secret may stand.
func maskedQuery(r channels.Route) string {
	name := ""
	for _, auth := range r.Auth {
		for _, p := range auth.Places {
			if p.In == "query" && (name == "" || p.Name == "password") {
				name = p.Name
			}
		}
	}
	if name == "" {
		return ""
	}
	return "?" + name + "=***"
}

func (c *Candidate) agents(known []backend.Kind, said config.Problems) config.Problems {
	var problems config.Problems
	for _, name := range slices.Sorted(maps.Keys(c.Config.Agents)) {
		node := c.Config.Agents[name]
		kind, ok := find(known, node.Kind(), func(k backend.Kind) string { return k.Name })
		if !ok {
			problems = append(problems, node.Place([]config.Problem{{
				Path: "kind", Got: node.Kind(),
				Want: "one of " + list(known, func(k backend.Kind) string { return k.Name }),
			}})...)
			continue
		}
		a := Agent{Name: name, Kind: kind, Node: node, Settings: kind.Settings()}
		problems = append(problems, judge(node, a.Settings, said)...)
		c.Agents = append(c.Agents, a)
	}
	if _, ok := c.Config.Agents["default"]; !ok {
		problems = append(problems, config.Problem{
			File: c.Config.Path, Path: "agents.default",
			Want: "an agent named default: it answers whatever no binding gives to another",
		})
	}
	c.Mentions = c.Config.Messages.GroupChat.MentionPatterns
	if len(c.Mentions) == 0 {
		for _, a := range c.Agents {
			c.Mentions = append(c.Mentions, `(?i)\b`+regexp.QuoteMeta(a.Name)+`\b`)
		}
	}
	return problems
}

// paths asks the router's own rules, so that check and run never disagree.
func (c *Candidate) paths(listen string) config.Problems {
	var problems config.Problems
	for _, r := range router.Check(c.Claims(), listen) {
		for _, a := range c.Accounts {
			if a.ID == r.Account {
				problems = append(problems, a.Node.Place([]config.Problem{{Got: r.Path, Want: r.Why}})...)
			}
		}
	}
	return problems
}

// Claims is what the accounts want to be reached by.
func (c *Candidate) Claims() []router.Claim {
	var out []router.Claim
	for _, a := range c.Accounts {
		out = append(out, router.Claim{Account: a.ID, Routes: a.Routes})
	}
	return out
}

// Channels are the kinds that have an account, by name.
func (c *Candidate) Channels() []string {
	var out []string
	for _, a := range c.Accounts {
		if !slices.Contains(out, a.Kind.Name) {
			out = append(out, a.Kind.Name)
		}
	}
	return out
}

func find[K any](all []K, name string, named func(K) string) (K, bool) {
	for _, k := range all {
		if named(k) == name {
			return k, true
		}
	}
	var none K
	return none, false
}

func list[K any](all []K, named func(K) string) string {
	var names []string
	for _, k := range all {
		names = append(names, named(k))
	}
	return strings.Join(names, ", ")
}
