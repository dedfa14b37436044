package config

import (
	"bytes"
	"strings"
	"testing"
)

func TestSecrecyIsKnownFromTheTypes(t *testing.T) {
	type headers struct {
		Headers map[string]string `json:"headers"`
		List    []struct {
			Token *Secret `json:"token"`
		} `json:"list"`
	}
	of := SecrecyOf(SchemaParts{
		Channels: map[string]any{"sms": newAccount()},
		Agents:   map[string]any{"a": agent{}, "b": headers{}},
		Plugins:  map[string]any{"sms": &agent{}, "plain": nil},
	})
	for _, tt := range []struct {
		name, keys string
		want       Secrecy
	}{
		{"a core setting is open", "gateway.listen", Open},
		{"an item of a core setting is open", "gateway.trustedProxies.[0]", Open},
		{"an item of a list of mappings is followed", "bindings.[0].match.channel", Open},
		{"a duration is open", "gateway.drainTimeout", Open},
		{"a key that this package does not have is not known", "gateway.auth", Unknown},
		{"a section that nobody has is not known", "session.store", Unknown},
		{"below a setting that is text nothing is known", "gateway.listen.x", Unknown},
		{"below a duration nothing is known", "gateway.drainTimeout.x", Unknown},
		{"a number where a list has no items is not known", "gateway.listen.[0]", Unknown},
		{"a key where a list has items is not known", "gateway.trustedProxies.x", Unknown},
		{"a section of accounts is open", "channels.sms.accounts.home", Open},
		{"the account that is meant is open", "channels.sms.defaultAccount", Open},
		{"a secret of an account is confidential", "channels.sms.accounts.home.token", Confidential},
		{"a list of secrets is confidential", "channels.sms.accounts.home.password", Confidential},
		{"an item of a list of secrets is confidential", "channels.sms.accounts.home.password.[1]", Confidential},
		{"whatever stands below a secret is confidential", "channels.sms.accounts.home.token.x.y", Confidential},
		{"a setting of an embedded part is open", "channels.sms.accounts.home.dmPolicy", Open},
		{"a setting below a name that the operator gives is open", "channels.sms.accounts.home.groups.x.requireMention", Open},
		{"what takes anything is not known", "channels.sms.accounts.home.extra.x", Unknown},
		{"a field that is not written is not known", "channels.sms.accounts.home.Skipped", Unknown},
		{"a secret of a channel in its short form is confidential", "channels.sms.token", Confidential},
		{"a setting of a channel in its short form is open", "channels.sms.path", Open},
		{"a kind that is not there is not known", "channels.fax.token", Unknown},
		{"an account of a kind that is not there is not known", "channels.fax.accounts.x.path", Unknown},
		{"the kind of an agent is open", "agents.x.kind", Open},
		{"what one kind of agent keeps secret is confidential", "agents.x.apiKey", Confidential},
		{"what one kind of agent has is open", "agents.x.model", Open},
		{"what no kind of agent has is not known", "agents.x.colour", Unknown},
		{"a name that the operator gives to what is confidential", "agents.x.headers.Authorization", Confidential},
		{"a name that the operator gives to what is not", "agents.x.headers.Accept", Open},
		{"a pointer to a secret in a list is confidential", "agents.x.list.[2].token", Confidential},
		{"the section of plugins is open", "plugins.entries", Open},
		{"the entry of a plugin is open", "plugins.entries.sms", Open},
		{"whether a plugin is enabled is open", "plugins.entries.sms.enabled", Open},
		{"the settings of a plugin as a whole are open", "plugins.entries.sms.config", Open},
		{"a setting of a plugin is open", "plugins.entries.sms.config.model", Open},
		{"a secret of a plugin is confidential", "plugins.entries.sms.config.apiKey", Confidential},
		{"a setting that the plugin does not have is not known", "plugins.entries.sms.config.colour", Unknown},
		{"what is given to a plugin without settings is not known", "plugins.entries.plain.config.apiKey", Unknown},
		{"what is given to a plugin that is not there is not known", "plugins.entries.fax.config.apiKey", Unknown},
		{"a key of an entry that this package does not have is not known", "plugins.entries.sms.colour", Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := of(strings.Split(tt.keys, ".")); got != tt.want {
				t.Errorf("%s: got %d, want %d", tt.keys, got, tt.want)
			}
		})
	}
	if of(nil) != Open {
		t.Error("the root is not open")
	}
}

func TestTheDigestOfASourceIsKeyed(t *testing.T) {
	src := Find("f.yaml", func(string) string { return "" })
	other := Find("f.yaml", func(string) string { return "" })
	if src.Digest([]byte("a")) != src.With([]byte("b")).Digest([]byte("a")) {
		t.Error("the same content has two digests")
	}
	if src.Digest([]byte("a")) == src.Digest([]byte("b")) {
		t.Error("other content has the same digest")
	}
	if src.Digest([]byte("a")) == other.Digest([]byte("a")) {
		t.Error("another source has the same digest: it can be guessed from outside")
	}
}

func TestContentIsWhatIsWritten(t *testing.T) {
	const content = "\ufefflog: {}\r\n"
	src := Source{Path: write(t, t.TempDir(), "f.yaml", content)}
	got, err := src.Content()
	if err != nil || !bytes.Equal(got, []byte(content)) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := (Source{Path: "no/such/file"}).Content(); err == nil {
		t.Error("a file that is not there has content")
	}
	if got, err := (Source{}).Content(); err != nil || !bytes.Equal(got, defaultYAML) {
		t.Errorf("the embedded default: got %q, %v", got, err)
	}
}
