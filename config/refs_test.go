package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReferences(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "key", "s3cret\r\n\n")
	write(t, dir, "inner", "a\nb\n")
	for _, tt := range []struct{ name, text, want string }{
		{"a variable", "${env:A}", "one"},
		{"a variable among text", "x-${env:A}-y", "x-one-y"},
		{"several", "${env:A}${env:B}", "onetwo"},
		{"what a variable holds is not looked at again", "${env:NEST}", "${env:A}"},
		{"a file without its last line ends", "${file:" + dir + "/key}", "s3cret"},
		{"a file keeps the line ends inside", "${file:" + dir + "/inner}", "a\nb"},
		{"a file relative to the configuration", "${file:key}", "s3cret"},
		{"two dollars stand for one", "$${env:A}", "${env:A}"},
		{"two dollars among others", "a$${x} ${env:A} $${y}", "a${x} one ${y}"},
		{"a dollar alone is itself", "pa$$word$", "pa$$word$"},
		{"braces that no reference has are themselves", "${}${1}${a b}", "${}${1}${a b}"},
		{"an open brace that leads nowhere is itself", "x${", "x${"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			quoted := "'" + tt.text + "'"
			src := Source{Path: filepath.Join(dir, "f.yaml")}.With([]byte("agents: {default: {kind: echo, apiKey: " + quoted + "}}"))
			c, err := Load(src, []string{"A=one", "B=two", "NEST=${env:A}"})
			if err != nil {
				t.Fatal(err)
			}
			var a agent
			if ps := c.Agents["default"].Decode(&a); ps != nil || a.Key.Reveal() != tt.want {
				t.Errorf("got %q, %v, want %q", a.Key.Reveal(), ps, tt.want)
			}
		})
	}
}

func TestFaultsOfReferences(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "empty", "\n")
	write(t, dir, "large", strings.Repeat("x", MaxSecretFile+1))
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	const plain = "a reference such as ${env:NAME} or ${file:/path}; write $${ for a plain ${"
	for _, tt := range []struct{ name, text, want string }{
		{
			"a variable that is not set", "${env:NONE}",
			"got ${env:NONE}, which is not set: want the environment variable NONE to hold the value when the gateway starts",
		},
		{
			"a variable that is empty", "x${env:EMPTY}",
			"got ${env:EMPTY}, which is empty: want the environment variable EMPTY to hold the value when the gateway starts",
		},
		{"a variable without a name", "${env:}", "want " + plain},
		{"a file without a name", "${file:}", "want " + plain},
		{
			"a file that is not there", "${file:DIR/none}",
			"got ${file:DIR/none}, which does not exist: want the file DIR/none to hold the value",
		},
		{
			"a relative file that is not there", "${file:none}",
			"got ${file:none}, which does not exist: want the file DIR/none to hold the value",
		},
		{
			"a file that is empty", "${file:DIR/empty}",
			"got ${file:DIR/empty}, which is empty: want the file DIR/empty to hold the value",
		},
		{
			"a folder", "${file:DIR/folder}",
			"got ${file:DIR/folder}, which is not a regular file: want the file DIR/folder to hold the value",
		},
		{
			"a file that never ends", "${file:/dev/zero}",
			"got ${file:/dev/zero}, which is not a regular file: want the file /dev/zero to hold the value",
		},
		{
			"a file that is too large", "${file:DIR/large}",
			"got ${file:DIR/large}, which is larger than 64 KiB: want the file DIR/large to hold the value",
		},
		{"a name as other gateways write it", "${PASSWORD}", "want " + plain},
		{"a source that we do not have", "${cmd:pass show x}", "want " + plain},
		{"a reference that is never closed", "${env:NAME", "want " + plain},
		{
			"only the first fault of a text", "${env:NONE}${env:EMPTY}",
			"got ${env:NONE}, which is not set: want the environment variable NONE to hold the value when the gateway starts",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := func(s string) string { return strings.ReplaceAll(s, "DIR", dir) }
			src := Source{Path: filepath.Join(dir, "f.yaml")}.With([]byte("agents:\n  default: {kind: echo, apiKey: '" + in(tt.text) + "'}\n"))
			c, err := Load(src, []string{"EMPTY="})
			want := filepath.Join(dir, "f.yaml") + ":2:33: agents.default.apiKey: " + in(tt.want)
			if got := faults(t, c, err); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestAReferenceIsTextOnly(t *testing.T) {
	c, err := load("gateway: {minFreeMb: '${env:N}'}", "N=5")
	want := "f.yaml:1:22: gateway.minFreeMb: got ${env:N}: want a whole number, without quotes"
	if got := faults(t, c, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheHashSeesAllThatALoadDependsOn(t *testing.T) {
	dir := t.TempDir()
	key := write(t, dir, "key", "one")
	src := Find(filepath.Join(dir, "f.yaml"), nil)
	content := "agents: {default: {kind: echo, apiKey: '${env:A}${file:key}'}}\n"
	sum := func(content string, environ ...string) string {
		t.Helper()
		c, err := Load(src.With([]byte(content)), environ)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := looked(src.With([]byte(content)), environ); again != c.Hash {
			t.Errorf("Sum gave %s, Load %s", again, c.Hash)
		}
		return c.Hash
	}
	base := sum(content, "A=x")
	if sum(content, "A=x", "UNRELATED=1") != base {
		t.Error("a variable that nothing names changed the hash")
	}
	seen := map[string]string{base: "the base"}
	note := func(what, got string) {
		t.Helper()
		if other, taken := seen[got]; taken {
			t.Errorf("%s gave the hash of %s", what, other)
		}
		seen[got] = what
	}
	note("another content", sum(content+"# x\n", "A=x"))
	note("another variable's value", sum(content, "A=y"))
	note("a setting from the environment", sum(content, "A=x", "HOLDFAST_LOG__LEVEL=warn"))
	write(t, dir, "key", "two")
	note("a rotated secret file", sum(content, "A=x"))
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	broken := func(what string, src Source, content string, environ ...string) {
		t.Helper()
		got, _ := looked(src.With([]byte(content)), append(environ, "A=x"))
		note(what, got)
	}
	broken("a configuration with a fault", src, content)
	broken("a variable that is not set", src, "log: {level: '${env:B}'}")
	broken("a variable that is empty", src, "log: {level: '${env:B}'}", "B=")
	write(t, dir, "key", "")
	broken("the same configuration with another fault", src, content)
	broken("a configuration that is no YAML", src, "[")
	write(t, dir, "key", "one")
	broken("another source", Find(filepath.Join(dir, "f.yaml"), nil), content)
}
