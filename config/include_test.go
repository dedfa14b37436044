package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// unpack makes the working folder one with these files, and nothing else. HERE stands for its path.
func unpack(t *testing.T, archive string) {
	t.Helper()
	here := t.TempDir()
	t.Chdir(here)
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, ".", f.Name, strings.ReplaceAll(string(f.Data), "HERE", here))
	}
}

func TestIncludedFilesArePartsOfOneConfiguration(t *testing.T) {
	for _, tt := range []struct{ name, main, files, want string }{
		{
			"a wildcard and a name", "f.yaml", `
-- f.yaml --
include: [conf.d/*.yaml, more/one.yml]
gateway: {listen: ':1'}
agents: {default: {kind: echo}}
-- conf.d/a.yaml --
channels: {sms: {accounts: {a: {path: /a}}}}
-- conf.d/b.yaml --
channels: {sms: {accounts: {b: {path: /b}}}, mail: {path: /m}}
gateway: {adminGroup: wheel}
-- conf.d/c.txt --
not: for us
-- more/one.yml --
channels: {sms: {accounts: {c: {path: /c}}, defaultAccount: b}}
`,
			":1 wheel mail.default=/m sms.a=/a sms.b=/b sms.c=/c",
		},
		{
			"a pattern that fits nothing yet", "f.yaml", "-- f.yaml --\ninclude: ['conf.d/*.yaml']\n-- conf.d/README --\nx\n",
			"127.0.0.1:18789 ",
		},
		{"no pattern at all", "f.yaml", "-- f.yaml --\ninclude: []\n", "127.0.0.1:18789 "},
		{"nothing", "f.yaml", "-- f.yaml --\ninclude:\n", "127.0.0.1:18789 "},
		{
			"JSON with comments on both sides", "f.json", `
-- f.json --
{"include": ["conf.d/*"], "gateway": {"listen": ":2"}} // ours
-- conf.d/a.yaml --
gateway: {adminGroup: a}
agents: {default: {kind: echo}}
-- conf.d/b.jsonc --
{"channels": {"sms": {"path": "/j",},},}
`,
			":2 a sms.default=/j",
		},
		{
			"files and folders whose name begins with a dot are not meant", "f.yaml", `
-- f.yaml --
include: ['*/*.yaml']
-- a/.b.yaml --
[half
-- .git/x.yaml --
[half
`,
			"127.0.0.1:18789 ",
		},
		{
			"but for those that are named so", "f.yaml", "-- f.yaml --\ninclude: ['.a/.*.yaml']\n-- .a/.b.yaml --\ngateway: {listen: ':3'}\n",
			":3 ",
		},
		{
			"a wildcard in the middle", "f.yaml", `
-- f.yaml --
include: ['sites/*/conf/holdfast.yaml']
-- sites/a/conf/holdfast.yaml --
gateway: {listen: ':4'}
-- sites/b/other --
-- sites/file --
`,
			":4 ",
		},
		{
			"a file that two patterns fit is read once, and the file itself is not read again", "f.yaml", `
-- f.yaml --
include: ['*.yaml', './?.yaml', g.yaml]
-- g.yaml --
gateway: {listen: ':5'}
`,
			":5 ",
		},
		{
			"files that say nothing", "f.yaml", "-- f.yaml --\ninclude: [a.yaml, b.yaml]\ngateway: {listen: ':6'}\n-- a.yaml --\n# later\n-- b.yaml --\ngateway:\n",
			":6 ",
		},
		{
			"nothing said here and something there", "f.yaml", "-- f.yaml --\ninclude: [a.yaml]\ngateway: {listen: }\nchannels:\n-- a.yaml --\ngateway: {listen: ':7'}\n",
			":7 ",
		},
		{
			"an absolute pattern", "f.yaml", "-- f.yaml --\ninclude: ['HERE/*.yml', 'HERE/a.yaml']\n-- a.yaml --\ngateway: {listen: ':8'}\n-- b.yml --\ngateway: {adminGroup: b}\n",
			":8 b",
		},
		{
			"relative paths start at the file that includes", "conf/f.yaml", `
-- conf/f.yaml --
include: [parts/a.yaml]
-- conf/parts/a.yaml --
gateway: {adminGroup: '${file:key}'}
-- conf/key --
staff
`,
			"127.0.0.1:18789 staff",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			unpack(t, tt.files)
			c, err := Inspect(Source{Path: tt.main}, nil)
			if err != nil && !strings.Contains(err.Error(), "agents.default") {
				t.Fatal(err)
			}
			got := []string{c.Gateway.Listen, c.Gateway.AdminGroup}
			for _, kind := range sortedKeys(c.Channels) {
				for _, name := range sortedKeys(c.Channels[kind].Accounts) {
					a := newAccount()
					if ps := c.Channels[kind].Accounts[name].Decode(a); ps != nil {
						t.Error(ps)
					}
					got = append(got, kind+"."+name+"="+a.Path)
				}
			}
			if got := strings.TrimSpace(strings.Join(got, " ")); got != strings.TrimSpace(tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFaultsOfIncludedFiles(t *testing.T) {
	for _, tt := range []struct{ name, files, want string }{
		{
			"a setting in two files", "-- f.yaml --\ninclude: [a.yaml]\nlog:\n  level: warn\n-- a.yaml --\nlog: {level: info}\n",
			"a.yaml:1:7: log.level: got a setting that is also at f.yaml:3:3: want it in one place only",
		},
		{
			"the same said twice is a setting in two files", "-- f.yaml --\ninclude: ['*.yaml']\n-- a.yaml --\nlog: {level: info}\n-- b.yaml --\nlog: {level: info}\n",
			"b.yaml:1:7: log.level: got a setting that is also at a.yaml:1:7: want it in one place only",
		},
		{
			"a list in two files", "-- f.yaml --\ninclude: [a.yaml]\nbindings: []\n-- a.yaml --\nbindings: []\n",
			"a.yaml:1:1: bindings: got a setting that is also at f.yaml:2:1: want it in one place only: lists are not joined",
		},
		{
			"a section here and text there", "-- f.yaml --\ninclude: [a.yaml]\nlog: {level: info}\n-- a.yaml --\nlog: info\n",
			"a.yaml:1:1: log: got a setting that is also at f.yaml:2:1: want it in one place only",
		},
		{
			"every other fault has its own file and line", "-- f.yaml --\ninclude: [a.yaml, b.yaml]\n-- a.yaml --\n\nlog: {level: loud}\n-- b.yaml --\ngateway: {listn: x}\nlog: {format: '${env:NONE}'}\n",
			`a.yaml:2:14: log.level: got "loud": want trace, debug, info, warn, error
b.yaml:1:11: gateway.listn: got an unknown key: want a known key; did you mean listen?
b.yaml:2:15: log.format: got ${env:NONE}, which is not set: want the environment variable NONE to hold the value when the gateway starts`,
		},
		{
			"files that cannot be read hide the faults that may come of it, and no others", "-- f.yaml --\ninclude: [a.yaml, b.yaml, c.yaml]\nbindings: [{agent: inA, match: {channel: x}}]\n-- a.yaml --\n[\n-- b.yaml --\n- b\n-- c.yaml --\nlog: {}\nlog: {}\n",
			`a.yaml:1:1: want YAML: did not find expected node content
b.yaml:1:1: got a list: want a mapping with keys such as gateway and channels
c.yaml:2:1: log: got the key a second time: want it once; the first is in line 1`,
		},
		{
			"a named file that is not there", "-- f.yaml --\ninclude: [conf.d/a.yaml]\n",
			"f.yaml:1:11: include[0]: got conf.d/a.yaml, a file that does not exist: want only readable configuration files here",
		},
		{
			"a folder that is not there is not the same as an empty one", "-- f.yaml --\ninclude: ['conf.d/*.yaml']\n",
			"f.yaml:1:11: include[0]: got conf.d, a folder that does not exist: want that folder, or the line removed",
		},
		{
			"a folder that cannot be read", "-- f.yaml --\ninclude: ['loop/*.yaml']\n",
			"f.yaml:1:11: include[0]: got loop, a folder that cannot be read: want a folder that this user may read",
		},
		{
			"a folder among the files", "-- f.yaml --\ninclude: ['*.d']\n-- conf.d/a.yaml --\n",
			"f.yaml:1:11: include[0]: got conf.d, a file that is not a regular file: want only readable configuration files here",
		},
		{
			"a file that is too large", "-- f.yaml --\ninclude: [large]\n-- large --\n" + strings.Repeat("#", MaxFile+1),
			"f.yaml:1:11: include[0]: got large, a file that is larger than 4096 KiB: want only readable configuration files here",
		},
		{
			"an included file that includes", "-- f.yaml --\ninclude: [a.yaml]\n-- a.yaml --\ninclude: [f.yaml]\n",
			"a.yaml:1:1: include: got a file that is included and includes others: want all patterns in f.yaml",
		},
		{
			"one pattern that is no list", "-- f.yaml --\ninclude: conf.d/*.yaml\nlog: {level: loud}\n",
			"f.yaml:1:10: include: got text: want a list of files or patterns such as [conf.d/*.yaml]",
		},
		{
			"patterns that are no text", "-- f.yaml --\ninclude: [1, '', {a: b}]\n",
			`f.yaml:1:11: include[0]: got 1: want a list of files or patterns such as [conf.d/*.yaml]
f.yaml:1:14: include[1]: got "": want a list of files or patterns such as [conf.d/*.yaml]
f.yaml:1:18: include[2]: got a mapping: want a list of files or patterns such as [conf.d/*.yaml]`,
		},
		{
			"patterns that are none", "-- f.yaml --\ninclude: ['[a', '**/x', '${env:A}/x']\n",
			`f.yaml:1:11: include[0]: got "[a": want a pattern such as conf.d/*.yaml: [ stands for itself as [[]
f.yaml:1:17: include[1]: got "**/x": want a pattern such as conf.d/*.yaml: * stays within one folder
f.yaml:1:25: include[2]: got a reference in a pattern: want a pattern such as conf.d/*.yaml: references are resolved later`,
		},
		{
			"the name that the key has elsewhere", "-- f.yaml --\n$include: a.yaml\n",
			"f.yaml:1:1: $include: got an unknown key: want include, a list of files or patterns such as [conf.d/*.yaml]",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			unpack(t, tt.files)
			if err := os.Symlink("loop", "loop"); err != nil {
				t.Fatal(err)
			}
			c, err := Load(Source{Path: "f.yaml"}, nil)
			if got := faults(t, c, err); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestTheBoundsOfWhatIsIncluded(t *testing.T) {
	const main = "include: ['conf.d/*/*.yaml']\n"
	small := func(n int) []int { return slices.Repeat([]int{10}, n) }
	for _, tt := range []struct {
		name    string
		files   []int // how large each is
		folders int
		want    string
	}{
		{"as many files as there may be", small(MaxIncluded), 0, ""},
		{"one file more", small(MaxIncluded + 1), 0, "got more than 256 files: want fewer files included; several may become one"},
		{"as much as there may be", []int{MaxFile, MaxFile, MaxFile, MaxFile - len(main)}, 0, ""},
		{
			"a byte more",
			[]int{MaxFile, MaxFile, MaxFile, MaxFile - len(main) + 1},
			0,
			"got more than 16 MiB in all: want a smaller configuration",
		},
		{"as many folders as a pattern may lead into", small(1), maxFolders - 2, ""},
		{"one folder more", small(1), maxFolders - 1, "got a pattern that leads into more than 1024 folders: want one that leads into fewer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			unpack(t, "-- f.yaml --\n"+main+"-- conf.d/a/README --\n")
			for i, size := range tt.files {
				write(t, "conf.d/a", fmt.Sprintf("%d.yaml", i), strings.Repeat("#", size))
			}
			for i := range tt.folders {
				if err := os.Mkdir(fmt.Sprintf("conf.d/z%d", i), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			c, err := Load(Source{Path: "f.yaml"}, nil)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if got, want := faults(t, c, err), "f.yaml:1:11: include[0]: "+tt.want; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestALoadSaysWhatItHasLookedFor(t *testing.T) {
	for _, tt := range []struct{ name, files, want string }{
		{"a file alone", "-- conf/f.yaml --\n", ""},
		{"a file that is not there", "-- x --\n", ""},
		{"a file that cannot be read", "-- conf/f.yaml --\n[\n", ""},
		{
			"what is included, and the folder where more may appear",
			"-- conf/f.yaml --\ninclude: ['d/*.yaml', e.yaml]\n-- conf/d/b.yaml --\n-- conf/d/a.yaml --\n-- conf/e.yaml --\n",
			" conf/d conf/d/a.yaml conf/d/b.yaml conf/e.yaml",
		},
		{
			"what is not there, and what is missing below a wildcard",
			"-- conf/f.yaml --\ninclude: ['d/*.yaml', e.yaml, 'g/*/h.yaml']\n-- conf/g/1/x --\n",
			" conf/d conf/e.yaml conf/g conf/g/1/h.yaml",
		},
		{
			"files of references, once each, there or not",
			"-- conf/f.yaml --\ninclude: [e.yaml]\nlog: {level: '${file:key}', format: '${file:none}'}\n-- conf/e.yaml --\ngateway: {adminGroup: '${file:key}', publicUrl: '${env:X}'}\n-- conf/key --\nx\n",
			" conf/e.yaml conf/key conf/none",
		},
		{
			"all the rest, if one cannot be read",
			"-- conf/f.yaml --\ninclude: [a.yaml, none.yaml, b.yaml]\n-- conf/a.yaml --\n[\n-- conf/b.yaml --\n",
			" conf/a.yaml conf/none.yaml conf/b.yaml",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			unpack(t, tt.files)
			src := Find("conf/f.yaml", nil)
			hash, files := looked(src, nil)
			got := slices.Clone(files)
			slices.Sort(got[1:])
			want := strings.Fields("conf/f.yaml" + tt.want)
			slices.Sort(want[1:])
			if hash == "" || !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if c, _ := Inspect(src, nil); c != nil && (!slices.Equal(c.Files, files) || c.Hash != hash) {
				t.Errorf("Inspect gave %v, %s, want %v, %s", c.Files, c.Hash, files, hash)
			}
		})
	}
	if _, files := looked(Find("", func(string) string { return "" }), nil); files != nil {
		t.Errorf("the embedded default looked for %v", files)
	}
}

func TestTheHashSeesWhatIsIncluded(t *testing.T) {
	unpack(t, "-- f.yaml --\ninclude: ['d/*.yaml', e.yaml]\n-- d/a.yaml --\n-- e.yaml --\n")
	src := Find("f.yaml", nil)
	seen := map[string]string{}
	note := func(what string, known bool, change func() error) {
		t.Helper()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		got, _ := looked(src, nil)
		if other, taken := seen[got]; taken != known {
			t.Errorf("%s: the hash was there before: %v (%s)", what, taken, other)
		}
		seen[got] = what
	}
	put := func(name, content string) func() error {
		return func() error { return os.WriteFile(name, []byte(content), 0o600) }
	}
	note("the beginning", false, func() error { return nil })
	note("another content", false, put("d/a.yaml", "# x\n"))
	note("the content as it was", true, put("d/a.yaml", ""))
	note("a file that fits no pattern", true, put("d/a.txt", ""))
	note("one more file, though it is empty", false, put("d/b.yaml", ""))
	note("another name", false, func() error { return os.Rename("d/b.yaml", "d/c.yaml") })
	note("the file removed again", true, func() error { return os.Remove("d/c.yaml") })
	note("a named file removed", false, func() error { return os.Remove("e.yaml") })
	note("a folder in its place", false, func() error { return os.Mkdir("e.yaml", 0o700) })
	note("no file fits", false, func() error { return os.Rename("d/a.yaml", "d/a") })
	note("the folder away", false, func() error { return os.Rename("d", "g") })
	note("the folder back", true, func() error { return os.Rename("g", "d") })
	note("the file itself away", false, func() error { return os.Rename("f.yaml", "f") })
	note("a folder instead of it", false, func() error { return os.Mkdir("f.yaml", 0o700) })
}

func TestNoTwoListsOfPartsHaveOneSum(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][]string{{"ab"}, {"a", "b"}, {"a\x00\x00\x00\x00\x00\x00\x00\x00b"}, {"a", "b", ""}, {"", "ab"}, {"b", "a"}, {"ab", ""}} {
		s := newSeen([]byte("key"))
		s.note(parts...)
		if seen[s.sum()] {
			t.Errorf("%q has the sum of another", parts)
		}
		seen[s.sum()] = true
	}
}

// Who includes a file that is no configuration learns where the fault is, not what the file holds.
func TestLaw12_AnIncludedSecretIsNotRepeated(t *testing.T) {
	for _, content := range []string{canary, canary + "\n" + canary, "[" + canary, "*" + canary, "&" + canary + " x", "- " + canary, "{" + canary, "? {" + canary + "}"} {
		for _, name := range []string{"key", "key.json"} {
			unpack(t, "-- f.yaml --\ninclude: ["+name+"]\nlog: {level: info}\n-- "+name+" --\n"+content+"\n")
			src := Source{Path: "f.yaml"}
			c, err := Load(src, nil)
			if err == nil {
				t.Errorf("%s: accepted", content)
			}
			hash, files := looked(src, nil)
			leaks(t, reveal(c, err, hash, files))
		}
	}
}
