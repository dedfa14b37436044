package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheListsAreWhatWouldBeWrittenNow(t *testing.T) {
	t.Parallel()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		want, err := l.generate(root)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, l.file()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not fresh, run go generate ./channels/all (-want +got):\n%s", l.file(), diff)
		}
	}
}

// plant writes source files into a module of its own.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWhatIsListedIsAFolderWithTheFunction(t *testing.T) {
	t.Parallel()
	kind := func(name string) string {
		return "package " + name + "\n\nimport \"holdfast/channels\"\n\nfunc Kind() channels.Kind { return channels.Kind{} }\n"
	}
	plugin := func(name string) string {
		return "package " + name + "\n\nimport \"holdfast/channels\"\n\nfunc Plugin() channels.Plugin { return channels.Plugin{} }\n"
	}
	root := plant(t, map[string]string{
		"channels/desk/desk.go":                  plugin("desk"),
		"channels/both/plugin.go":                plugin("both"),
		"channels/both/kind.go":                  kind("both"),
		"channels/telegram/telegram.go":          kind("telegram"),
		"channels/chat/deep/deep.go":             kind("deep"),
		"channels/broken/broken.go":              kind("broken") + "func f() int { return undefined }\n",
		"channels/channeltest/faulty/f.go":       kind("faulty"),
		"channels/all/gen/main.go":               kind("main"),
		"channels/internal/task/task.go":         kind("task"),
		"channels/telegram/testdata/x/x.go":      kind("x"),
		"channels/onlytest/only_test.go":         kind("onlytest"),
		"channels/method/m.go":                   "package method\n\nfunc (t T) Kind() channels.Kind { return t.k }\n",
		"channels/argument/a.go":                 "package argument\n\nfunc Kind(name string) channels.Kind { return x }\n",
		"channels/otherkind/o.go":                "package otherkind\n\nfunc Kind() backend.Kind { return x }\n",
		"channels/localkind/l.go":                "package localkind\n\nfunc Kind() Kind { return x }\n",
		"channels/lower/l.go":                    "package lower\n\nfunc kind() channels.Kind { return x }\n",
		"channels/otherplugin/o.go":              "package otherplugin\n\nfunc Plugin() backend.Plugin { return x }\n",
		"actors/agents/plug/p.go":                "package plug\n\nfunc Plugin() backend.Plugin { return x }\n",
		"actors/agents/echo/echo.go":             "package echo\n\nfunc Kind() backend.Kind { return x }\n",
		"actors/agents/backend/backend.go":       "package backend\n\nfunc Kind() backend.Kind { return x }\n",
		"actors/agents/backend/backendtest/b.go": "package backendtest\n\nfunc Kind() backend.Kind { return x }\n",
	})
	for i, want := range [][]found{
		{
			{"channels/both", "Plugin"},
			{"channels/broken", "Kind"},
			{"channels/chat/deep", "Kind"},
			{"channels/desk", "Plugin"},
			{"channels/telegram", "Kind"},
		},
		{{"actors/agents/echo", "Kind"}},
	} {
		got, err := lists[i].find(root)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{})); diff != "" {
			t.Errorf("kinds below %s (-want +got):\n%s", lists[i].Root, diff)
		}
	}
}

func TestAKindAloneIsWrapped(t *testing.T) {
	t.Parallel()
	root := plant(t, map[string]string{
		"channels/desk/desk.go": "package desk\n\nfunc Plugin() channels.Plugin { return x }\n",
		"channels/sms/sms.go":   "package sms\n\nfunc Kind() channels.Kind { return x }\n",
	})
	content, err := lists[0].generate(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := "\t\tdesk.Plugin(),\n\t\tchannels.Plain(sms.Kind()),\n"; !strings.Contains(string(content), want) {
		t.Errorf("got\n%s\nwant in it\n%s", content, want)
	}
}

func TestTwoPackagesOfOneNameAreRefused(t *testing.T) {
	t.Parallel()
	source := "package x\n\nfunc Kind() channels.Kind { return x }\n"
	root := plant(t, map[string]string{"channels/a/x/x.go": source, "channels/b/x/x.go": source})
	if _, err := lists[0].generate(root); err == nil || !strings.Contains(err.Error(), "channels/b/x") {
		t.Errorf("got %v, want an error that names the folder", err)
	}
}

func TestAFileThatIsRightIsNotWritten(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "all", "all.go")
	if err := write(name, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o400); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(name, []byte("one")); err != nil {
		t.Error(err)
	}
	after, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if !after.ModTime().Equal(before.ModTime()) {
		t.Error("the file was written again")
	}
}
