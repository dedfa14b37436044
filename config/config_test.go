package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheEmbeddedDefault(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	c, err := Load(Find("", func(string) string { return "" }), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Gateway{
		Listen: "127.0.0.1:18789", StateDir: filepath.Join(dir, "state"), MinFreeMB: 256, BytesInFlightMB: 64,
		RequestTimeout: Duration(30 * time.Second), JournalWait: Duration(5 * time.Second), DrainTimeout: Duration(10 * time.Second),
		Watch: true,
	}
	if c.Gateway.TrustedProxies = nil; !reflect.DeepEqual(c.Gateway, want) {
		t.Errorf("got %+v, want %+v", c.Gateway, want)
	}
	if want := (Log{"info", "auto"}); c.Log != want || c.Path != "" || c.Hash == "" || len(c.Unused) != 0 {
		t.Errorf("got %+v, %q, %q, %v", c.Log, c.Path, c.Hash, c.Unused)
	}
	a := newAccount()
	if ps := c.Channels["webhook"].Accounts["default"].Decode(a); ps != nil {
		t.Fatal(ps)
	}
	if a.Path != "/hook" || a.Auth.Type != "none" || a.DMPolicy != "open" || !slices.Equal(a.AllowFrom, []string{"*"}) {
		t.Errorf("got %+v", a)
	}
	if got := c.Agents["default"].Kind(); got != "echo" {
		t.Errorf("got an agent of kind %q", got)
	}
}

func TestAnEmptyFileIsAGatewayWithoutAccounts(t *testing.T) {
	for _, content := range []string{"", "# nothing\n", "---\n", "null\n", "channels:\nagents: {}\n", "gateway:\n", "gateway: {listen: , minFreeMb: ~}\n"} {
		c := mustLoad(t, content)
		if c.Gateway.Listen != DefaultListen || c.Gateway.MinFreeMB != DefaultMinFreeMB || len(c.Channels) != 0 || len(c.Agents) != 0 {
			t.Errorf("%q: got %+v", content, c)
		}
	}
}

func TestBothFormsOfAChannel(t *testing.T) {
	for _, tt := range []struct {
		name, channel, want string
	}{
		{"accounts by name", "{accounts: {b: {path: /b}, a: {path: /a}}}", "a=/a b=/b default a"},
		{"an account called default is the default", "{accounts: {default: {path: /d}, a: {}}}", "a= default=/d default default"},
		{"a default account that is named", "{defaultAccount: b, accounts: {a: {}, b: {}}}", "a= b= default b"},
		{"settings without accounts are the account default", "{path: /x, dmPolicy: open}", "default=/x default default"},
		{"and may say so", "{path: /x, defaultAccount: default}", "default=/x default default"},
		{"an account that sets nothing", "{accounts: {a: }}", "a= default a"},
		{"no accounts", "{accounts: }", "default "},
		{"nothing", "", "default "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ch := mustLoad(t, "channels: {sms: "+tt.channel+"}\nagents: {default: {kind: echo}}").Channels["sms"]
			var got []string
			for _, name := range sortedKeys(ch.Accounts) {
				a := newAccount()
				if ps := ch.Accounts[name].Decode(a); ps != nil {
					t.Fatal(ps)
				}
				got = append(got, name+"="+a.Path)
			}
			if got := strings.Join(append(got, "default "+ch.DefaultAccount), " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestEverySettingOfTheCoreIsRead(t *testing.T) {
	c := mustLoad(t, `
gateway:
  listen: "[::1]:0"
  stateDir: /var/lib/holdfast
  trustedProxies: [127.0.0.1, "fd00::/8"]
  adminGroup: wheel
  publicUrl: https://chat.example.com/base
  minFreeMb: 0
  bytesInFlightMb: 1
  requestTimeout: 1s
  journalWait: 2s
  drainTimeout: 1m
  watch: false
log: {level: debug, format: json}
channels: {sms: {accounts: {home: {}}}}
agents: {default: {kind: echo}, sales: {kind: openai}}
bindings:
  - {agent: sales, match: {channel: sms, account: home, conversation: "+1"}}
  - {agent: default, match: {channel: sms}}
messages: {groupChat: {mentionPatterns: ['(?i)\bbot\b']}}
`)
	want := Gateway{
		Listen: "[::1]:0", StateDir: "/var/lib/holdfast", TrustedProxies: []string{"127.0.0.1", "fd00::/8"}, AdminGroup: "wheel",
		PublicURL: "https://chat.example.com/base", MinFreeMB: 0, BytesInFlightMB: 1,
		RequestTimeout: Duration(time.Second), JournalWait: Duration(2 * time.Second), DrainTimeout: Duration(time.Minute),
	}
	if !reflect.DeepEqual(c.Gateway, want) {
		t.Errorf("got %+v, want %+v", c.Gateway, want)
	}
	bindings := []Binding{{"sales", Match{"sms", "home", "+1"}}, {"default", Match{"sms", "", ""}}}
	if !reflect.DeepEqual(c.Bindings, bindings) || c.Log != (Log{"debug", "json"}) ||
		!slices.Equal(c.Messages.GroupChat.MentionPatterns, []string{`(?i)\bbot\b`}) || c.Path != "f.yaml" {
		t.Errorf("got %+v", c)
	}
}

func TestJSONWithCommentsSaysTheSame(t *testing.T) {
	const text = `// a comment
{
	"gateway": {"listen": ":1", /* another */ "minFreeMb": 1e3},
	"channels": {"sms": {"path": "/\u00e4\ud83d\ude00", "enabled": true, "token": null, "ratio": 0.5, "password": ["x"]}},
	"agents": {"default": {"kind": "echo",},},
}`
	for _, name := range []string{"f.json", "f.jsonc", "f.JSON5"} {
		c, err := Load(Source{Path: name}.With([]byte("\ufeff"+text)), nil)
		if err != nil {
			t.Fatal(err)
		}
		a := newAccount()
		if ps := c.Channels["sms"].Accounts["default"].Decode(a); ps != nil {
			t.Fatal(ps)
		}
		if c.Gateway.Listen != ":1" || c.Gateway.MinFreeMB != 1000 || a.Path != "/ä😀" || !*a.Enabled || a.Ratio != 0.5 || len(a.Password) != 1 {
			t.Errorf("got %+v, %+v", c.Gateway, a)
		}
	}
}

func TestKeysWithoutUseAreAcceptedAndNamed(t *testing.T) {
	c := mustLoad(t, `
gateway: {mode: local, auth: {token: x}}
session: {scope: global}
messages: {queue: {mode: x}, groupChat: {historyLimit: 3}}
channels:
  defaults: {groupPolicy: open}
  mail:
    path: /m
    capabilities: []
  sms:
    healthMonitor: {enabled: true}
    accounts:
      home:
        actions: {edit: true}
        groups: {"*": {tools: {deny: [x]}, requireMention: true}}
agents: {default: {kind: echo}}
`)
	var got []string
	for _, p := range c.Unused {
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Col, p.Path))
	}
	want := []string{
		"2:11 gateway.mode", "2:24 gateway.auth", "3:1 session", "4:12 messages.queue", "4:42 messages.groupChat.historyLimit",
		"6:3 channels.defaults", "9:5 channels.mail.capabilities", "11:5 channels.sms.healthMonitor",
		"14:9 channels.sms.accounts.home.actions", "15:24 channels.sms.accounts.home.groups.*.tools",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, there := c.Channels["defaults"]; there {
		t.Error("channels.defaults became a channel")
	}
	for _, n := range []Node{c.Channels["sms"].Accounts["home"], c.Channels["mail"].Accounts["default"]} {
		if ps := n.Decode(newAccount()); ps != nil {
			t.Errorf("Decode: %v", ps)
		}
	}
}

func TestStateDirStartsAtTheFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("conf", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, content, environ, want string
	}{
		{"the default", "", "", "conf/state"},
		{"a relative folder", "gateway: {stateDir: ../x}", "", "x"},
		{"an absolute folder", "gateway: {stateDir: /x}", "", "/x"},
		{"what the environment says starts at the working folder", "gateway: {stateDir: ../x}", "HOLDFAST_GATEWAY__STATEDIR=y", "y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(t, dir, "conf/f.yaml", tt.content)
			c, err := Load(Source{Path: "conf/f.yaml"}, []string{tt.environ})
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if !filepath.IsAbs(want) {
				want = filepath.Join(dir, want)
			}
			if c.Gateway.StateDir != want {
				t.Errorf("got %s, want %s", c.Gateway.StateDir, want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	env := map[string]string{}
	find := func(flag string) string { return Find(flag, func(name string) string { return env[name] }).String() }
	if got := find(""); got != "the embedded default" {
		t.Errorf("with nothing: got %s", got)
	}
	write(t, ".", HereFile, "")
	if got := find(""); got != "holdfast.yaml (named by ./holdfast.yaml)" {
		t.Errorf("with a file here: got %s", got)
	}
	env[EnvConfig] = "e.yaml"
	if got := find(""); got != "e.yaml (named by HOLDFAST_CONFIG)" {
		t.Errorf("with a variable: got %s", got)
	}
	if got := find("f.yaml"); got != "f.yaml (named by -c)" {
		t.Errorf("with a flag: got %s", got)
	}
}

func TestAFileThatCannotBeRead(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", "large.yaml", strings.Repeat("#", MaxFile+1))
	for _, tt := range []struct{ name, path, want string }{
		{"it is not there", "none.yaml", "none.yaml: got a file that does not exist"},
		{"it is a folder", ".", ".: got a file that is not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Load(Source{Path: tt.path}, nil)
			want := tt.want + ": want a readable configuration file: correct -c or HOLDFAST_CONFIG, or make one with gateway init"
			if got := faults(t, c, err); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	const large = "got a file that is larger than 4096 KiB: want files of at most 4 MiB each: include takes several, up to 16 MiB in all"
	c, err := Load(Source{Path: "large.yaml"}, nil)
	if got, want := faults(t, c, err), "large.yaml: "+large; got != want {
		t.Errorf("a file that is too large: got %s, want %s", got, want)
	}
	c, err = load(strings.Repeat("#", MaxFile+1))
	if got, want := faults(t, c, err), "f.yaml: "+large; got != want {
		t.Errorf("a candidate that is too large: got %s, want %s", got, want)
	}
}

func TestACandidateIsACopy(t *testing.T) {
	content := []byte("gateway: {listen: ':1'}")
	src := Source{Path: "f.yaml"}.With(content)
	copy(content, "changed") // by whoever gave it
	if _, err := Load(src, nil); err != nil {
		t.Error(err)
	}
}

// Loading, with and without faults, leaves the disk and the environment as they were.
func TestLaw2_LoadChangesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, dir, "key", canary)
	good := "gateway: {stateDir: ./state}\nchannels: {sms: {password: '${file:key}'}}\nagents: {default: {kind: echo}}\n"
	write(t, dir, "part.inc", "log: {level: warn}\n")
	write(t, dir, "good.yaml", "include: ['*.inc']\n"+good)
	write(t, dir, "bad.yaml", good+"x: 1\n")
	write(t, dir, "broken.yaml", "[")
	look := func() string {
		var out strings.Builder
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			content, _ := os.ReadFile(path)
			_, err = fmt.Fprintln(&out, path, info.Mode(), info.Size(), info.ModTime(), string(content))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.String() + strings.Join(os.Environ(), "\n")
	}
	environ := []string{"HOLDFAST_LOG__LEVEL=warn"}
	before := look()
	for range 20 {
		for _, name := range []string{"good.yaml", "bad.yaml", "broken.yaml", "none.yaml", ""} {
			src := Source{Path: name}
			c, _ := Load(src, environ)
			looked(src, environ)
			if c != nil {
				for _, ch := range c.Channels {
					_ = ch.Accounts["default"].Decode(newAccount())
				}
			}
		}
	}
	if after := look(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if environ[0] != "HOLDFAST_LOG__LEVEL=warn" {
		t.Errorf("the environment became %v", environ)
	}
}
