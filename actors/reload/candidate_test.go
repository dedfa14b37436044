package reload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/echo"
	"holdfast/channels"
	"holdfast/channels/webhook"
	"holdfast/config"
)

var known = Kinds{Plugins: []channels.Plugin{channels.Plain(webhook.Kind())}, Agents: []backend.Kind{echo.Kind()}}

// read loads YAML from a file of its own.
func read(t testing.TB, yaml string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Find(file, func(string) string { return "" }), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

const listen = "127.0.0.1:18789"

func TestPrepareNamesEveryFaultWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		yaml string
		want []string // "line: part of the text"
	}{
		"a channel that nobody offers": {
			"channels: {fax: {accounts: {a: {}}}}\nagents: {default: {kind: echo}}", []string{"channel fax", "webhook"},
		},
		"an agent of no kind": {
			"channels: {}\nagents:\n  default: {kind: oracle}", []string{":3:", "oracle", "echo"},
		},
		"two accounts with one credential on one path": {
			"channels:\n  webhook:\n    accounts:\n      a: {auth: {type: bearer, secret: same}}\n      b: {auth: {type: bearer, secret: same}}\nagents: {default: {kind: echo}}",
			[]string{"webhook:a", "webhook:b"},
		},
		"an account that was itself": {
			"channels:\n  webhook:\n    accounts:\n      a: {formerly: a, auth: {type: bearer, secret: x}}\nagents: {default: {kind: echo}}",
			[]string{":4:", "formerly", "not the one it has"},
		},
		"an account that was one that is there": {
			"channels:\n  webhook:\n    accounts:\n      a: {path: /a, formerly: b, auth: {type: bearer, secret: x}}\n      b: {path: /b, auth: {type: bearer, secret: y}}\nagents: {default: {kind: echo}}",
			[]string{":4:", "formerly", "not here any more"},
		},
		"two accounts that were one": {
			"channels:\n  webhook:\n    accounts:\n      a: {path: /a, formerly: c, auth: {type: bearer, secret: x}}\n      b: {path: /b, formerly: c, auth: {type: bearer, secret: y}}\nagents: {default: {kind: echo}}",
			[]string{":5:", "formerly", "webhook:a takes over"},
		},
		"a name that can be none": {
			"channels:\n  webhook:\n    accounts:\n      a: {formerly: 'webhook:b', auth: {type: bearer, secret: x}}\nagents: {default: {kind: echo}}",
			[]string{":4:", "formerly", "such as home"},
		},
		"a path that is the gateway's own": {
			"channels:\n  webhook:\n    accounts:\n      a: {path: /healthz, auth: {type: bearer, secret: x}}\nagents: {default: {kind: echo}}",
			[]string{"/healthz", "belongs to the gateway"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			candidate, problems := Prepare(read(t, c.yaml), known, listen)
			if len(problems) == 0 || candidate != nil {
				t.Fatalf("prepared %+v without a problem", candidate)
			}
			text := problems.Error()
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("the problems are\n%s\nwant them to contain %q", text, want)
				}
			}
			if strings.Contains(text, "same") {
				t.Errorf("a secret stands in\n%s", text)
			}
		})
	}
}

func TestPrepareGivesEachAccountItsWebhookAndItsRoutes(t *testing.T) {
	cfg := read(t, `
gateway: {publicUrl: "https://example.org/gw/"}
channels:
  webhook:
    accounts:
      off: {enabled: false, path: /off, auth: {type: bearer, secret: x}}
      on: {path: /on, auth: {type: bearer, secret: y}}
agents: {default: {kind: echo}, maya: {kind: echo}}
`)
	c, problems := Prepare(cfg, known, listen)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := map[string]bool{}
	for _, a := range c.Accounts {
		got[a.Webhook] = a.Routes[0].Disabled
	}
	if diff := cmp.Diff(map[string]bool{"https://example.org/gw/off": true, "https://example.org/gw/on": false}, got); diff != "" {
		t.Errorf("webhooks and whether they are disabled (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`(?i)\bdefault\b`, `(?i)\bmaya\b`}, c.Mentions); diff != "" {
		t.Errorf("mention patterns (-want +got):\n%s", diff)
	}
}
