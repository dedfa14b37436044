package config

import (
	"regexp"
	"slices"
)

// nameRule holds for the names of channels, accounts and agents: they become parts of keys, paths and file names.
var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// IsName tells whether something can be the name of a channel, an account or an agent.
func IsName(s string) bool { return nameRule.MatchString(s) }

const wantName = "a name of at most 63 of a-z, 0-9, '.', '_' and '-' that starts with a letter or digit"

// builder completes a Config from the decoded document.
type builder struct {
	*Config
	problems Problems
	idle     Problems
}

// bad notes a fault at a path from the root.
func (b *builder) bad(dotted, got, want string) {
	b.problems = append(b.problems, b.root.locate(Problem{Path: dotted, Got: got, Want: want}))
}

func (b *builder) name(v *value) bool {
	key := v.trail[len(v.trail)-1]
	if IsName(key) {
		return true
	}
	b.problems = append(b.problems, v.key.problem(v.path(), "the name "+key, wantName))
	return false
}

// channels takes each block in one of its two forms: with accounts, or with the settings of the account default.
func (b *builder) channels(blocks map[string]Node) {
	for _, kind := range sortedKeys(blocks) {
		v := blocks[kind].v
		if v == nil {
			continue // no mapping, as has been said
		}
		if idle(v.trail) {
			b.idle = append(b.idle, v.unused())
			continue
		}
		if !b.name(v) {
			continue
		}
		ch := Channel{Accounts: map[string]Node{}}
		named := v.member("defaultAccount")
		if accounts := v.member("accounts"); accounts != nil {
			b.accounts(v, ch.Accounts)
		} else if v.shape == mapping && len(v.keys) > 0 {
			ch.Accounts[DefaultAccount] = Node{v.without("defaultAccount")}
		}
		b.defaultAccount(&ch, named)
		for _, name := range sortedKeys(ch.Accounts) {
			b.noteIdle(ch.Accounts[name].v)
		}
		b.Channels[kind] = ch
	}
}

// accounts fills out with the accounts of a block that has them under that key.
func (b *builder) accounts(block *value, out map[string]Node) {
	for _, key := range block.keys {
		m := block.members[key]
		switch {
		case key == "defaultAccount": // read elsewhere
		case idle(m.trail):
			b.idle = append(b.idle, m.unused())
		case key != "accounts":
			b.problems = append(b.problems, m.key.problem(m.path(), "a setting beside accounts",
				"it below "+block.path()+".accounts.<name>"))
		case m.shape == mapping:
			for _, name := range m.keys {
				v := m.members[name]
				n := b.node(v)
				if n.v != nil && b.name(v) {
					out[name] = n
				}
			}
		case m.shape != null:
			b.problems = append(b.problems, m.problem(m.shape.String(), "a mapping of accounts by name"))
		}
	}
}

// node is the zero Node if v is no mapping.
func (b *builder) node(v *value) Node {
	d := &decoder{}
	var n Node
	d.decode(v, &n)
	b.problems = append(b.problems, d.problems...)
	return n
}

func (b *builder) defaultAccount(ch *Channel, named *value) {
	all := sortedKeys(ch.Accounts)
	switch {
	case named != nil && named.shape == text:
		ch.DefaultAccount = named.scalar.(string)
		if _, ok := ch.Accounts[ch.DefaultAccount]; !ok {
			b.problems = append(b.problems, named.problem(named.shown(), "the name of an account of this channel"+suggestion(ch.DefaultAccount, all)))
		}
	case named != nil && named.shape != null:
		b.problems = append(b.problems, named.problem(named.shape.String(), "the name of an account of this channel"))
	case slices.Contains(all, DefaultAccount):
		ch.DefaultAccount = DefaultAccount
	case len(all) > 0:
		ch.DefaultAccount = all[0]
	}
}

// noteIdle names the keys of a node that have no use in any kind.
func (b *builder) noteIdle(v *value) {
	for _, key := range v.keys {
		m := v.members[key]
		if idle(m.trail) {
			b.idle = append(b.idle, m.unused())
			continue
		}
		if m.shape == mapping {
			b.noteIdle(m)
		}
	}
}

func (b *builder) agents(nodes map[string]Node) {
	for _, name := range sortedKeys(nodes) {
		n := nodes[name]
		if n.v == nil || !b.name(n.v) {
			continue
		}
		if at := "agents." + name + ".kind"; n.Kind() == "" && b.usable(at) {
			b.bad(at, "", "the kind of agent, such as echo or openai")
		}
		b.Agents[name] = n
	}
}

// plugins gives each entry settings that have a place, also where none are written.
func (b *builder) plugins(entries map[string]PluginEntry) {
	for _, name := range sortedKeys(entries) {
		e := entries[name]
		v := b.root.walk("plugins", "entries", name)
		if !b.name(v) {
			continue
		}
		if e.Config.v == nil {
			e.Config = Node{&value{shape: mapping, at: v.key, key: v.key, trail: v.below("config")}}
		}
		b.Plugins[name] = e
	}
}

// suggestion completes a message about an unknown name.
func suggestion(got string, known []string) string {
	if best := meant(got, known); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}
