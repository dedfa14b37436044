package config

import (
	"slices"
	"strings"
)

// idleKeys are keys that people bring along from OpenClaw and that have no use here. They are accepted, so that a file
// need not be stripped, and gateway check names them. A * stands for one name. For channels the level of accounts is
// left out. A kind of channel that has a setting of this name uses it all the same.
var idleKeys = []string{
	"agent", "audio", "auth", "browser", "canvasHost", "commands", "cron", "diagnostics", "discovery", "env", "hooks",
	"identity", "mcp", "meta", "models", "routing", "secrets", "session", "skills", "talk", "tools", "tts",
	"ui", "update", "wizard",

	"gateway.allowRealIpFallback", "gateway.auth", "gateway.channelHealthCheckMinutes",
	"gateway.channelMaxRestartsPerHour", "gateway.channelStaleEventThresholdMinutes", "gateway.controlUi",
	"gateway.http", "gateway.mode", "gateway.nodes", "gateway.push", "gateway.reload", "gateway.remote",
	"gateway.tailscale", "gateway.tools", "gateway.webchat",

	"messages.ackReaction", "messages.ackReactionScope", "messages.groupChat.historyLimit", "messages.inbound",
	"messages.queue", "messages.removeAckAfterReply", "messages.responsePrefix", "messages.statusReactions",
	"messages.tts",

	"plugins.bundledDiscovery", "plugins.installs", "plugins.load", "plugins.slots",

	"channels.defaults", "channels.modelByChannel",
	"channels.*.actions", "channels.*.allowPrivateNetwork", "channels.*.blockStreaming",
	"channels.*.blockStreamingCoalesce", "channels.*.capabilities", "channels.*.catchup", "channels.*.configWrites",
	"channels.*.contextVisibility", "channels.*.defaultTo", "channels.*.dms",
	"channels.*.enrichGroupParticipantsFromContacts", "channels.*.healthMonitor", "channels.*.markdown",
	"channels.*.mediaLocalRoots", "channels.*.network", "channels.*.replyContextApiFallback",
	"channels.*.responsePrefix", "channels.*.streaming",
	"channels.*.groups.*.systemPrompt", "channels.*.groups.*.tools", "channels.*.groups.*.toolsBySender",
}

// otherNames are keys known from OpenClaw whose meaning has another key here. They are refused, because ignoring them
// would do something else than what was asked for.
var otherNames = map[string]string{
	"logging":                          "log: {level, format}",
	"$include":                         "include, a list of files or patterns such as [conf.d/*.yaml]",
	"gateway.port":                     "gateway.listen, such as 127.0.0.1:18789",
	"gateway.bind":                     "gateway.listen, such as 127.0.0.1:18789",
	"gateway.customBindHost":           "gateway.listen, such as 127.0.0.1:18789",
	"gateway.tls":                      "a reverse proxy that ends TLS, named in gateway.trustedProxies",
	"channels.*.sendTimeoutMs":         "sendTimeout, such as 3m",
	"channels.*.coalesceSameSenderDms": "coalesceMs, such as 2500",
	"plugins.enabled":                  "plugins.entries.<name>.enabled, for each plugin",
	"plugins.allow":                    "plugins.entries.<name>.enabled, for each plugin",
	"plugins.deny":                     "plugins.entries.<name>.enabled: false, for each of them",
	"bindings.agentId":                 "agent",
	"bindings.match.peer":              "conversation",
}

// general is the trail as the lists above write it.
func general(trail []string) []string {
	out := slices.Clone(trail)
	if len(out) > 4 && out[0] == "channels" && out[2] == "accounts" {
		out = slices.Delete(out, 2, 4)
	}
	if out[0] == "bindings" {
		out = slices.DeleteFunc(out, func(key string) bool { return strings.HasPrefix(key, "[") })
	}
	return out
}

// idleByName are the patterns of idleKeys by their last name, which is never a star.
var idleByName = func() map[string][][]string {
	out := map[string][][]string{}
	for _, pattern := range idleKeys {
		keys := strings.Split(pattern, ".")
		last := keys[len(keys)-1]
		out[last] = append(out[last], keys)
	}
	return out
}()

// idle tells whether a key is one that is accepted without use.
func idle(trail []string) bool {
	patterns := idleByName[trail[len(trail)-1]]
	if patterns == nil {
		return false // nearly all
	}
	got := general(trail)
	return slices.ContainsFunc(patterns, func(pattern []string) bool { return fits(got, pattern) })
}

// renamed says what to write for a key that has another name here; empty if it has none.
func renamed(trail []string) string {
	got := general(trail)
	for pattern, other := range otherNames {
		if fits(got, strings.Split(pattern, ".")) {
			return other
		}
	}
	return ""
}

func fits(got, pattern []string) bool {
	return slices.EqualFunc(got, pattern, func(g, w string) bool { return w == "*" || g == w })
}

// unused is the note about a key without use.
func (v *value) unused() Problem {
	return v.key.problem(v.path(), "a key that has no use here", "it removed, or left for another program")
}
