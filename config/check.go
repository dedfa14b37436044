package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check names the values that fit their types and still cannot work. A path whose value did not even decode has been
// reported with its type and is left alone.
func (b *builder) check() {
	b.listen()
	b.proxies()
	b.publicURL()
	g := &b.Gateway
	b.text("gateway.stateDir", g.StateDir, g.StateDir != "", "a folder")
	b.number("gateway.minFreeMb", g.MinFreeMB, 0)
	b.number("gateway.bytesInFlightMb", g.BytesInFlightMB, 1)
	b.positive("gateway.requestTimeout", g.RequestTimeout)
	b.positive("gateway.journalWait", g.JournalWait)
	b.positive("gateway.drainTimeout", g.DrainTimeout)
	b.oneOf("log.level", b.Log.Level, "trace", "debug", "info", "warn", "error")
	b.oneOf("log.format", b.Log.Format, "auto", "json", "console")
	b.patterns()
	b.bindings()
	agents := b.root.member("agents")
	if agents.member(DefaultAgent) == nil && b.anyAccount() && (agents == nil || agents.shape == mapping || agents.shape == null) {
		b.bad("agents."+DefaultAgent, "", "an agent that answers what no binding matches, such as {kind: echo}")
	}
}

// reported tells whether there is already a problem at a path or below it.
func (b *builder) reported(dotted string) bool {
	return slices.ContainsFunc(b.problems, func(p Problem) bool {
		rest, ok := strings.CutPrefix(p.Path, dotted)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// usable tells whether the value at a path decoded and was resolved, so that it can be looked at.
func (b *builder) usable(dotted string) bool {
	v, exact := b.root.find(dotted)
	if exact {
		return !v.broken && !b.reported(dotted)
	}
	return v.shape == mapping // or what should hold it is something else, as has been said
}

func (b *builder) text(dotted, got string, ok bool, want string) {
	if ok || !b.usable(dotted) {
		return
	}
	if _, written := b.root.find(dotted); !written {
		b.bad(dotted, "", want)
		return
	}
	b.bad(dotted, short(got), want)
}

func (b *builder) number(dotted string, got, least int) {
	if got < least && b.usable(dotted) {
		b.bad(dotted, strconv.Itoa(got), fmt.Sprintf("MiB, at least %d", least))
	}
}

func (b *builder) positive(dotted string, got Duration) {
	if got <= 0 && b.usable(dotted) {
		b.bad(dotted, got.String(), "a positive duration such as 30s")
	}
}

func (b *builder) oneOf(dotted, got string, known ...string) {
	b.text(dotted, got, slices.Contains(known, got), strings.Join(known, ", ")+suggestion(got, known))
}

// short quotes a value for a message; long ones are cut.
func short(got string) string {
	return (&value{shape: text, scalar: got}).shown()
}

var hostRule = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

func (b *builder) listen() {
	host, port, err := net.SplitHostPort(b.Gateway.Listen)
	_, portErr := strconv.ParseUint(port, 10, 16)
	_, ipErr := netip.ParseAddr(host)
	ok := err == nil && portErr == nil && (host == "" || ipErr == nil || hostRule.MatchString(host))
	b.text("gateway.listen", b.Gateway.Listen, ok, "host:port such as "+DefaultListen+", or :18789 for every interface")
}

func (b *builder) proxies() {
	for i, one := range b.Gateway.TrustedProxies {
		_, err := netip.ParseAddr(one)
		if err != nil {
			_, err = netip.ParsePrefix(one)
		}
		b.text("gateway.trustedProxies"+item(i), one, err == nil, "an address such as 10.0.0.1 or a network such as 10.0.0.0/8")
	}
}

// publicURL may not carry credentials, and what is refused because of them is not shown.
func (b *builder) publicURL() {
	const dotted, want = "gateway.publicUrl", "an address such as https://chat.example.com, without user, query and fragment"
	got := b.Gateway.PublicURL
	if got == "" || !b.usable(dotted) {
		return
	}
	u, err := url.Parse(got)
	ok := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
	switch {
	case ok:
	case strings.ContainsAny(got, "@?#"):
		b.bad(dotted, "", want)
	default:
		b.bad(dotted, short(got), want)
	}
}

func (b *builder) patterns() {
	for i, one := range b.Messages.GroupChat.MentionPatterns {
		_, err := regexp.Compile(one)
		ok := err == nil && one != ""
		b.text("messages.groupChat.mentionPatterns"+item(i), one, ok, `a regular expression (RE2) such as (?i)\bholdfast\b`)
	}
}

func (b *builder) anyAccount() bool {
	for _, ch := range b.Channels {
		if len(ch.Accounts) > 0 {
			return true
		}
	}
	return false
}

func (b *builder) bindings() {
	for i, one := range b.Bindings {
		at := "bindings" + item(i)
		if b.reported(at) {
			continue
		}
		_, known := b.Agents[one.Agent]
		agents := sortedKeys(b.Agents)
		b.text(at+".agent", one.Agent, known, "the name of an agent in agents"+suggestion(one.Agent, agents))
		m := one.Match
		if m == (Match{}) {
			b.bad(at+".match", "", "a channel, and perhaps an account or a conversation; all else goes to the agent "+DefaultAgent)
			continue
		}
		ch, known := b.Channels[m.Channel]
		b.text(at+".match.channel", m.Channel, known, "the name of a configured channel"+suggestion(m.Channel, sortedKeys(b.Channels)))
		if known && m.Account != "" {
			_, known = ch.Accounts[m.Account]
			b.text(at+".match.account", m.Account, known,
				"the name of an account of "+m.Channel+suggestion(m.Account, sortedKeys(ch.Accounts)))
		}
	}
}
