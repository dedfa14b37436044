package reload

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/channels"
	"holdfast/channels/channeltest/faulty"
	"holdfast/channels/console"
	"holdfast/channels/webhook"
	"holdfast/config"
)

// worded is a plugin that offers a channel of the name that its settings give.
type worded struct {
	Word string `json:"word"`
}

func (w *worded) Validate() []config.Problem {
	if w.Word == "" {
		return []config.Problem{{Path: "word", Want: "a word"}}
	}
	return nil
}

var wordy = Kinds{Agents: known.Agents, Plugins: []channels.Plugin{{
	Name: "wordy", Settings: func() channels.PluginSettings { return &worded{Word: "plain"} },
	Offer: func(s channels.PluginSettings) channels.Offer {
		kind := webhook.Kind()
		kind.Name = s.(*worded).Word
		return channels.Offer{Kinds: []channels.Kind{kind}}
	},
}}}

func TestAPluginOffersWhatItsSettingsSay(t *testing.T) {
	for name, c := range map[string]struct{ config, want, fault string }{
		"its own":                      {"plugins: {entries: {wordy: {config: {word: fancy}}}}\n", "fancy", ""},
		"without any, its defaults":    {"", "plain", ""},
		"with a fault, it is named":    {"plugins: {entries: {wordy: {config: {word: ''}}}}\n", "", "plugins.entries.wordy.config.word"},
		"that it does not have, named": {"plugins: {entries: {wordy: {config: {sentence: x}}}}\n", "", "sentence"},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := Prepare(read(t, c.config+"channels: {}\nagents: {default: {kind: echo}}"), wordy, listen)
			if c.fault != "" {
				if len(problems) != 1 || !strings.Contains(problems[0].String(), c.fault) {
					t.Errorf("problems %v, want one of %s", problems, c.fault)
				}
				return
			}
			if len(problems) > 0 || got.Plugins[0].Offer.Kinds[0].Name != c.want {
				t.Errorf("problems %v, offered %+v; want %s", problems, got, c.want)
			}
		})
	}
}

func TestAWebhookIsShownWithThePlaceOfItsCredential(t *testing.T) {
	query := func(names ...string) channels.Route {
		r := channels.Route{Path: "/x"}
		for _, name := range names {
			r.Auth = append(r.Auth, channels.Auth{Places: []channels.Place{{In: "query", Name: name}, {In: "header", Name: "x-" + name}}})
		}
		return r
	}
	for name, c := range map[string]struct {
		route channels.Route
		want  string
	}{
		"none is in the address":                 {channels.Route{Auth: []channels.Auth{{Places: []channels.Place{{In: "header", Name: "authorization"}}}}}, ""},
		"it is in the address":                   {query("token"), "?token=***"},
		"the first counts":                       {query("token", "guid"), "?token=***"},
		"but a password is what people look for": {query("guid", "password", "token"), "?password=***"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := maskedQuery(c.route); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAPathIsTheFaultOfWhoeverHasIt(t *testing.T) {
	const accounts = `
channels:
  webhook:
    accounts:
      a: {path: /same, auth: {type: bearer, secret: one}}
      b: {path: /same, auth: {type: bearer, secret: one}}
      c: {path: /c, auth: {type: bearer, secret: two}}
agents: {default: {kind: %s}}
`
	_, problems := Prepare(read(t, strings.Replace(accounts, "%s", "echo", 1)), known, listen)
	if len(problems) == 0 || slices.ContainsFunc(problems, func(p config.Problem) bool { return !strings.HasPrefix(p.Got, "/same") || p.Line > 6 }) {
		t.Errorf("problems %v, want those of a and b", problems)
	}
	_, problems = Prepare(read(t, strings.Replace(accounts, "%s", "oracle", 1)), known, listen)
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "oracle") {
		t.Errorf("problems %v, want paths judged when all else is right", problems)
	}
}

func TestWhatCountsAsAMention(t *testing.T) {
	for name, c := range map[string]struct {
		messages string
		want     []string
	}{
		"the names of the agents":        {"", []string{`(?i)\bdefault\b`, `(?i)\bmaya\b`}},
		"or else what the operator says": {"messages: {groupChat: {mentionPatterns: ['hey you']}}\n", []string{"hey you"}},
	} {
		t.Run(name, func(t *testing.T) {
			c1, problems := Prepare(read(t, c.messages+"channels: {}\nagents: {default: {kind: echo}, maya: {kind: echo}}"), known, listen)
			if len(problems) > 0 || !slices.Equal(c1.Mentions, c.want) {
				t.Errorf("problems %v, mentions %q; want %q", problems, c1.Mentions, c.want)
			}
		})
	}
}

func TestThePartsOfTheSchema(t *testing.T) {
	parts := plugged.SchemaParts()
	if _, has := parts.Plugins[console.Name].(*console.Settings); !has {
		t.Errorf("the console's settings are %T", parts.Plugins[console.Name])
	}
	if settings, there := parts.Plugins[webhook.Name]; !there || settings != nil {
		t.Errorf("a plugin without settings has %T, there: %t", settings, there)
	}
}

func TestLaw3_FurtherChanges(t *testing.T) {
	kinds := plugged
	kinds.Plugins = append(slices.Clone(kinds.Plugins), channels.Plain(faulty.Kind()))
	difference := func(old, fresh string) Plan {
		t.Helper()
		a, faults := Prepare(read(t, old), kinds, listen)
		b, more := Prepare(read(t, fresh), kinds, listen)
		if faults = append(faults, more...); len(faults) > 0 {
			t.Fatal(faults)
		}
		return Difference(a, b, 7, 3)
	}
	with := func(text string) string { return strings.Replace(plain, "channels:\n", text, 1) }
	for name, c := range map[string]struct {
		old, fresh string
		want       []string
		generation uint64
	}{
		"a plugin has other settings": {
			with("plugins: {entries: {console: {enabled: true}}}\nchannels:\n"), with("plugins: {entries: {console: {enabled: true, config: {transcript: 5}}}}\nchannels:\n"),
			[]string{"plugin console change swap: transcript"},
			4,
		},
		"the last account of a channel goes": {
			with("channels:\n  bluebubbles: {accounts: {home: {serverUrl: 'http://127.0.0.1:1', password: p}}}\n"), plain,
			[]string{"channel bluebubbles remove swap: it has no account any more", "bluebubbles:home remove handover: it is not in the configuration any more"},
			3,
		},
		"a network that allows one run at a time": {
			with("channels:\n  faulty: {accounts: {f: {secret: p, exclusive: true}}}\n"), with("channels:\n  faulty: {accounts: {f: {secret: q, exclusive: true}}}\n"),
			[]string{"faulty:f change handover: secret"},
			3,
		},
		"a network that will allow one run at a time": {
			with("channels:\n  faulty: {accounts: {f: {secret: p}}}\n"), with("channels:\n  faulty: {accounts: {f: {secret: p, exclusive: true}}}\n"),
			[]string{"faulty:f change handover: exclusive"},
			3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := difference(c.old, c.fresh)
			if diff := cmp.Diff(c.want, lines(p)); diff != "" || p.Generation != c.generation {
				t.Errorf("generation %d, want %d; plan (-want +got):\n%s", p.Generation, c.generation, diff)
			}
		})
	}
}
