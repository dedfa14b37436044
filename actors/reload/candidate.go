package reload

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"holdfast/actors/agents/backend"
	"holdfast/actors/registry"
	"holdfast/actors/router"
	"holdfast/channels"
	"holdfast/config"
)

// Kinds are the sorts of channels and agents that this binary knows.
type Kinds struct {
	Plugins []channels.Plugin
	Agents  []backend.Kind
}

// Candidate is a configuration with everything decoded: what a reload would make live. It is never changed.
type Candidate struct {
	Config   *config.Config
	Plugins  []Plugin  // that are enabled, sorted by name
	Accounts []Account // sorted by channel, then by name
	Agents   []Agent   // sorted by name
	Mentions []string

	listen string // the address that it was judged for
}

// Plugin is one plugin of a Candidate, with an instance of it that exists already or will never be used.
type Plugin struct {
	Name  string
	Node  config.Node
	Offer registry.Offer // without a fingerprint of the settings
}

// Account is one account of a Candidate.
type Account struct {
	ID       channels.Account
	Plugin   string // that offers its channel
	Off      bool   // the plugin is not enabled; the account is disabled with it
	Kind     channels.Kind
	Node     config.Node
	With     config.Node // its plugin's settings; an account that could not be changed keeps those that it runs with
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
	Agent    backend.Agent // nil in a candidate that is only judged
}

// Read is the whole way from a source to what a reload would make live, and every fault of it at once.
func Read(src config.Source, environ []string, kinds Kinds, listen func(*config.Config) string) (*Candidate, config.Problems) {
	return readAgain(src, environ, kinds, listen, nil)
}

// readAgain is Read for whoever knows a candidate that was judged with the same kinds before; last may be nil.
func readAgain(src config.Source, environ []string, kinds Kinds, listen func(*config.Config) string, last *Candidate) (*Candidate, config.Problems) {
	cfg, err := config.Inspect(src, environ)
	var problems config.Problems
	if err != nil && !errors.As(err, &problems) {
		problems = config.Problems{{File: src.Path, Want: "a configuration that can be read: " + err.Error()}}
	}
	if cfg == nil {
		return nil, problems
	}
	candidate, more := prepare(cfg, kinds, listen(cfg), last, problems)
	if problems = problems.Join(more); len(problems) > 0 {
		return nil, problems
	}
	return candidate, nil
}

// Prepare decodes a configuration and names what config itself cannot know to be wrong: plugins and kinds that do not exist,
// settings, paths that collide, credentials that cannot be told apart. listen is the address that the outside
// reaches; it stands for gateway.listen where that is not final (port 0).
func Prepare(cfg *config.Config, kinds Kinds, listen string) (*Candidate, config.Problems) {
	return prepare(cfg, kinds, listen, nil, nil)
}

// prepare is Prepare for whoever knows more. What last, if there is one, has alike is not decoded again. said is what config
// had to say already: values at those places are not judged again.
func prepare(cfg *config.Config, kinds Kinds, listen string, last *Candidate, said config.Problems) (*Candidate, config.Problems) {
	c := &Candidate{Config: cfg, listen: listen}
	offered, problems := c.plugins(kinds.Plugins, last, said)
	base := strings.TrimSuffix(cmp.Or(cfg.Gateway.PublicURL, "http://"+listen), "/")
	for _, channel := range slices.Sorted(maps.Keys(cfg.Channels)) {
		o, known := find(offered, channel, func(o offering) string { return o.kind.Name })
		for _, name := range slices.Sorted(maps.Keys(cfg.Channels[channel].Accounts)) {
			node := cfg.Channels[channel].Accounts[name]
			if fault := o.fault(known, channel, offered); fault != nil {
				problems = append(problems, node.Place([]config.Problem{*fault})...)
				continue
			}
			id := channels.NewAccount(channel, name)
			a, faults := account(id, o, node, base, last, said)
			problems = append(problems, faults...)
			c.Accounts = append(c.Accounts, a)
		}
	}
	problems = append(problems, c.formerNames()...)
	problems = append(problems, c.agents(kinds.Agents, said)...)
	if len(problems) == 0 {
		problems = append(problems, c.paths(listen)...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

// offering is a kind and the plugin that offers it.
type offering struct {
	plugin string
	on     bool
	said   bool // the operator said so
	same   bool // as the candidate judged before has it
	node   config.Node
	kind   channels.Kind
}

// fault is why there can be no account of the channel.
func (o offering) fault(known bool, channel string, all []offering) *config.Problem {
	switch {
	case !known:
		return &config.Problem{
			Got:  "channel " + channel,
			Want: "a channel that this gateway knows: " + list(all, func(o offering) string { return o.kind.Name }),
		}
	case !o.on && !o.said:
		return &config.Problem{
			Got:  "an account of a plugin that is off",
			Want: fmt.Sprintf("plugins.entries.%s.enabled: true, or false to keep the account for later", o.plugin),
		}
	}
	return nil
}

// plugins decodes the settings of the plugins that are enabled and has each make an instance. The kinds of the others are
// told too, for accounts that wait until they are enabled.
func (c *Candidate) plugins(known []channels.Plugin, last *Candidate, said config.Problems) ([]offering, config.Problems) {
	var (
		kinds    []offering
		problems config.Problems
	)
	for _, name := range slices.Sorted(maps.Keys(c.Config.Plugins)) {
		if _, is := find(known, name, func(p channels.Plugin) string { return p.Name }); !is {
			problems = append(problems, c.Config.Place([]config.Problem{{
				Path: "plugins.entries." + name, Got: "a plugin called " + name,
				Want: "one that this gateway has: " + list(known, func(p channels.Plugin) string { return p.Name }),
			}})...)
		}
	}
	for _, p := range known {
		entry := c.Config.Plugin(p.Name)
		on := p.On(entry.Enabled)
		offer, same := last.offer(p.Name, entry.Config)
		if same = same && on; !same {
			settings := p.Defaults()
			if faults := judgePlugin(entry.Config, settings, said); len(faults) > 0 {
				problems = append(problems, faults...)
				settings = p.Defaults()
			}
			offer = registry.OfferOf(p, settings, "")
		}
		for _, k := range offer.Kinds {
			kinds = append(kinds, offering{plugin: p.Name, on: on, said: entry.Enabled != nil, same: same, node: entry.Config, kind: k})
		}
		if on {
			c.Plugins = append(c.Plugins, Plugin{Name: p.Name, Node: entry.Config, Offer: offer})
		}
	}
	slices.SortFunc(c.Plugins, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	return kinds, problems
}

// judgePlugin is judge for a plugin, which may take no settings.
func judgePlugin(node config.Node, settings channels.PluginSettings, said config.Problems) config.Problems {
	if settings == nil {
		return node.Decode(&struct{}{})
	}
	return judge(node, settings, said)
}

func account(id channels.Account, o offering, node config.Node, base string, last *Candidate, said config.Problems) (Account, config.Problems) {
	a := Account{ID: id, Plugin: o.plugin, Off: !o.on, Kind: o.kind, Node: node, With: o.node}
	if was, there := last.account(id); there && o.same && was.Node.Alike(node) {
		a.Settings, a.Routes = was.Settings, was.Routes
	} else if faults := a.decode(said); len(faults) > 0 {
		return a, faults
	}
	if len(a.Routes) > 0 {
		a.Webhook = base + "/" + strings.TrimPrefix(a.Routes[0].Path, "/")
		a.Masked = a.Webhook + maskedQuery(a.Routes[0])
	}
	return a, nil
}

// decode makes the settings and the routes.
func (a *Account) decode(said config.Problems) config.Problems {
	a.Settings = a.Kind.Settings()
	if faults := judge(a.Node, a.Settings, said); len(faults) > 0 {
		return faults
	}
	if a.Off {
		a.With, a.Settings.Shared().Enabled = config.Node{}, new(bool)
	}
	a.Routes = a.Kind.Routes(a.ID, a.Settings)
	for i := range a.Routes {
		a.Routes[i].Disabled = !a.Settings.Shared().On()
	}
	return nil
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
		out = append(out, router.Claim{Account: a.ID, Formerly: a.formerly(), Routes: a.Routes})
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

// plugin is the enabled plugin of that name; a zero one if it is not enabled.
func (c *Candidate) plugin(name string) Plugin {
	p, _ := find(c.Plugins, name, func(p Plugin) string { return p.Name })
	return p
}

// account is the account of that name, if there is one.
func (c *Candidate) account(id channels.Account) (Account, bool) {
	if c == nil {
		return Account{}, false
	}
	at, there := slices.BinarySearchFunc(c.Accounts, id, func(a Account, id channels.Account) int {
		return cmp.Or(strings.Compare(a.ID.Channel(), id.Channel()), strings.Compare(string(a.ID), string(id)))
	})
	if !there {
		return Account{}, false
	}
	return c.Accounts[at], true
}

// lasting is the candidate with those settings as they are applied that only another process takes.
func (c *Candidate) lasting(applied *Candidate) *Candidate {
	if applied == nil {
		return c
	}
	out, cfg := *c, *c.Config
	old := applied.Config
	cfg.Gateway.StateDir, cfg.Gateway.MinFreeMB = old.Gateway.StateDir, old.Gateway.MinFreeMB
	cfg.Gateway.AdminGroup, cfg.Gateway.Watch = old.Gateway.AdminGroup, old.Gateway.Watch
	cfg.Log.Format = old.Log.Format
	out.Config = &cfg
	return &out
}

// keeping is the candidate with some accounts as they are applied, because they cannot be changed.
func (c *Candidate) keeping(applied *Candidate, failed map[channels.Account]string) *Candidate {
	if len(failed) == 0 {
		return c
	}
	out := *c
	out.Accounts = slices.Clone(c.Accounts)
	for i, a := range out.Accounts {
		if _, cannot := failed[a.ID]; !cannot {
			continue
		}
		if old, there := applied.account(a.ID); there {
			out.Accounts[i] = old
		}
	}
	return &out
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
