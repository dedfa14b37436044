package config

import (
	"reflect"
	"testing"
)

const envFile = `gateway: {trustedProxies: [10.0.0.1]}
channels:
  sms:
    accounts:
      home-mac:
        path: /x
        dmPolicy: open
        limits: {mode: x}
agents: {default: {kind: echo}}
`

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		entry string
		got   func(c *Config) any
		want  any
	}{
		{"a core key in capitals", "HOLDFAST_GATEWAY__LISTEN=:1", func(c *Config) any { return c.Gateway.Listen }, ":1"},
		{"a camel-case key in one word", "HOLDFAST_GATEWAY__MINFREEMB=7", func(c *Config) any { return c.Gateway.MinFreeMB }, 7},
		{"a camel-case key in words", "HOLDFAST_GATEWAY__MIN_FREE_MB=7", func(c *Config) any { return c.Gateway.MinFreeMB }, 7},
		{"a key in small letters", "HOLDFAST_gateway__listen=:1", func(c *Config) any { return c.Gateway.Listen }, ":1"},
		{"a value with an equals sign", "HOLDFAST_GATEWAY__ADMINGROUP=a=b", func(c *Config) any { return c.Gateway.AdminGroup }, "a=b"},
		{"a duration", "HOLDFAST_GATEWAY__DRAINTIMEOUT=3m", func(c *Config) any { return c.Gateway.DrainTimeout.String() }, "3m0s"},
		{"a list between commas replaces the file's", "HOLDFAST_GATEWAY__TRUSTEDPROXIES=127.0.0.1, ::1", func(c *Config) any { return c.Gateway.TrustedProxies }, []string{"127.0.0.1", "::1"}},
		{"an empty list", "HOLDFAST_GATEWAY__TRUSTEDPROXIES=", func(c *Config) any { return c.Gateway.TrustedProxies }, []string{}},
		{"a list below two sections", "HOLDFAST_MESSAGES__GROUPCHAT__MENTIONPATTERNS=a,b", func(c *Config) any { return c.Messages.GroupChat.MentionPatterns }, []string{"a", "b"}},
		{"an account's key that the file has", "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__DM_POLICY=disabled", homeMac(func(a *account) any { return a.DMPolicy }), "disabled"},
		{"an account's key that only the kind knows", "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__MEDIA_MAX_MB=3", homeMac(func(a *account) any { return a.MediaMax }), 3},
		{"a key below a section that only the kind knows", "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__LIMITS__TEXT=3", homeMac(func(a *account) any { return a.Limits }), limits{3, "x"}},
		{"true", "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__ENABLED=True", homeMac(func(a *account) any { return *a.Enabled }), true},
		{"a fraction", "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__RATIO=0.5", homeMac(func(a *account) any { return a.Ratio }), 0.5},
		{"one secret of a list, commas and all", "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__PASSWORD=a,b", homeMac(func(a *account) any { return []any{len(a.Password), a.Password[0].Reveal()} }), []any{1, "a,b"}},
		{"a reference", "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__TOKEN=${env:HOME_TOKEN}", homeMac(func(a *account) any { return a.Token.Reveal() }), "t0"},
		{"an agent's kind", "HOLDFAST_AGENTS__DEFAULT__KIND=callout", func(c *Config) any { return c.Agents["default"].Kind() }, "callout"},
		{"a new account", "HOLDFAST_CHANNELS__SMS__ACCOUNTS__WORK__PATH=/w", func(c *Config) any { return c.Channels["sms"].Accounts["work"].Path() }, "channels.sms.accounts.work"},
		{"a new channel", "HOLDFAST_CHANNELS__MAIL__PATH=/w", func(c *Config) any { return c.Channels["mail"].Accounts["default"].Path() }, "channels.mail"},
		{"a new agent", "HOLDFAST_AGENTS__SALES__KIND=echo", func(c *Config) any { return c.Agents["sales"].Kind() }, "echo"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustLoad(t, envFile, "PATH=/bin", "no equals sign", tt.entry, "HOME_TOKEN=t0")
			if got := tt.got(c); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func homeMac(get func(*account) any) func(*Config) any {
	return func(c *Config) any {
		a := newAccount()
		if ps := c.Channels["sms"].Accounts["home-mac"].Decode(a); ps != nil {
			return ps
		}
		return get(a)
	}
}

func TestFaultsInTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name    string
		environ []string
		want    string
	}{
		{
			"an unknown name is told the closest",
			[]string{"HOLDFAST_GATEWAY__LISTN=:1"},
			"HOLDFAST_GATEWAY__LISTN: got a name that sets nothing: want a known name; the closest is HOLDFAST_GATEWAY__LISTEN",
		},
		{
			"one underscore where two belong",
			[]string{"HOLDFAST_GATEWAY_LISTEN=:1"},
			"HOLDFAST_GATEWAY_LISTEN: got a name that sets nothing: want a known name; the closest is HOLDFAST_GATEWAY__LISTEN",
		},
		{
			"the closest may be a setting in the file",
			[]string{"HOLDFAST_CHANELS__SMS__ACCOUNTS__HOME_MAC__PATH=/y"},
			"HOLDFAST_CHANELS__SMS__ACCOUNTS__HOME_MAC__PATH: got a name that sets nothing: want a known name; the closest is HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__PATH",
		},
		{
			"an unknown section",
			[]string{"HOLDFAST_BINDINGS=x"},
			"HOLDFAST_BINDINGS: got a name that sets nothing: want a known name; the closest is HOLDFAST_LOG__LEVEL",
		},
		{
			"files to include, which are named in the file",
			[]string{"HOLDFAST_INCLUDE=x"},
			"HOLDFAST_INCLUDE: got a name that sets nothing: want a known name; the closest is HOLDFAST_LOG__LEVEL",
		},
		{
			"a whole section",
			[]string{"HOLDFAST_GATEWAY=x"},
			"HOLDFAST_GATEWAY: got a name that sets nothing: want the name of one setting, such as HOLDFAST_GATEWAY__WATCH",
		},
		{
			"a whole account",
			[]string{"HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC=x"},
			"HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC: got a name that sets nothing: want the name of one setting, such as HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__PATH",
		},
		{
			"a section of an account that the file has",
			[]string{"HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__LIMITS=x"},
			"HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__LIMITS: got a name that sets nothing: want the name of one setting, such as HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__PATH",
		},
		{
			"nothing after the prefix",
			[]string{"HOLDFAST_=x"},
			"HOLDFAST_: got a name that sets nothing: want a known name; the closest is HOLDFAST_LOG__LEVEL",
		},
		{
			"below a setting",
			[]string{"HOLDFAST_LOG__LEVEL__X=x"},
			"HOLDFAST_LOG__LEVEL__X: got a name that sets nothing: want a known name; the closest is HOLDFAST_LOG__LEVEL",
		},
		{
			"two names for one setting",
			[]string{"HOLDFAST_GATEWAY__MINFREEMB=1", "HOLDFAST_GATEWAY__MIN_FREE_MB=2"},
			"HOLDFAST_GATEWAY__MIN_FREE_MB: gateway.minFreeMb: want one variable for one setting; HOLDFAST_GATEWAY__MINFREEMB sets it too",
		},
		{
			"a setting and one below it",
			[]string{"HOLDFAST_AGENTS__DEFAULT__X=1", "HOLDFAST_AGENTS__DEFAULT__X__Y=2"},
			"HOLDFAST_AGENTS__DEFAULT__X__Y: agents.default.x.y: want one variable for one setting; HOLDFAST_AGENTS__DEFAULT__X sets it too",
		},
		{
			"a wrong value",
			[]string{"HOLDFAST_LOG__LEVEL=loud"},
			`HOLDFAST_LOG__LEVEL: log.level: got "loud": want trace, debug, info, warn, error`,
		},
		{
			"a word for a number",
			[]string{"HOLDFAST_GATEWAY__MINFREEMB=much"},
			`HOLDFAST_GATEWAY__MINFREEMB: gateway.minFreeMb: got "much": want a whole number, without quotes`,
		},
		{
			"a new account with a bad name",
			[]string{"HOLDFAST_CHANNELS__SMS__ACCOUNTS___X__PATH=/"},
			"HOLDFAST_CHANNELS__SMS__ACCOUNTS___X__PATH: channels.sms.accounts._x: got the name _x: want a name of at most 63 of a-z, 0-9, '.', '_' and '-' that starts with a letter or digit",
		},
		{
			"a key beside the file's accounts",
			[]string{"HOLDFAST_CHANNELS__SMS__PATH=/"},
			"HOLDFAST_CHANNELS__SMS__PATH: channels.sms.path: got a setting beside accounts: want it below channels.sms.accounts.<name>",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(envFile, tt.environ...)
			if got := faults(t, c, err); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestTheEnvironmentDoesNotHideAFaultOfTheFile(t *testing.T) {
	c, err := load("gateway: fast\n", "HOLDFAST_GATEWAY__LISTEN=:1")
	want := "HOLDFAST_GATEWAY__LISTEN: gateway.listen: want a mapping at gateway in the file\n" +
		"f.yaml:1:10: gateway: got text: want a mapping of settings"
	if got := faults(t, c, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNamesOfOursThatSetNothingByThemselves(t *testing.T) {
	mustLoad(t, envFile, "HOLDFAST_CONFIG=/elsewhere.yaml")
	c := mustLoad(t, "agents: {default: {kind: echo, apiKey: '${env:HOLDFAST_KEY}'}}", "HOLDFAST_KEY=k")
	var a agent
	if ps := c.Agents["default"].Decode(&a); ps != nil || a.Key.Reveal() != "k" {
		t.Errorf("a variable that a reference names: got %v, %q", ps, a.Key.Reveal())
	}
}

func TestAnUnknownKeyFromTheEnvironmentNamesItsVariable(t *testing.T) {
	c := mustLoad(t, envFile, "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__PASWORD=hunter2")
	got := c.Channels["sms"].Accounts["home-mac"].Decode(newAccount()).Error()
	want := "HOLDFAST_CHANNELS__SMS__ACCOUNTS__HOME_MAC__PASWORD: channels.sms.accounts.home-mac.pasword: " +
		"got an unknown key: want a known key; did you mean password?"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnUnderscoreMeansTheNameThatHasADashFirst(t *testing.T) {
	c := mustLoad(t, "channels: {sms: {accounts: {ab: {path: /1}, a-b: {path: /2}}}}\nagents: {default: {kind: echo}}",
		"HOLDFAST_CHANNELS__SMS__ACCOUNTS__A_B__PATH=/3")
	for name, want := range map[string]string{"ab": "/1", "a-b": "/3"} {
		a := newAccount()
		if ps := c.Channels["sms"].Accounts[name].Decode(a); ps != nil || a.Path != want {
			t.Errorf("%s: got %s, %v, want %s", name, a.Path, ps, want)
		}
	}
}

// What the environment sets is text whatever it should be, so a kind reads it in another way than the same text in a file.
func TestWhatTheEnvironmentSetsIsEqualToTextAndNotAlike(t *testing.T) {
	account := func(content string, environ ...string) Node {
		return mustLoad(t, content+"agents: {default: {kind: echo}}\n", environ...).Channels["sms"].Accounts["default"]
	}
	file := account("channels: {sms: {size: '5', path: /x}}\n")
	set := account("channels: {sms: {path: /x}}\n", "HOLDFAST_CHANNELS__SMS__SIZE=5")
	if !file.Equal(set) || file.Alike(set) || set.Alike(file) || !set.Alike(set) {
		t.Errorf("equal %t, alike %t and %t, with itself %t", file.Equal(set), file.Alike(set), set.Alike(file), set.Alike(set))
	}
}
