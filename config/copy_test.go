package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestACopyMeansTheSameAtAnotherPlace(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(here, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.yaml", `
include: ["more*.yaml"]
gateway: {stateDir: ./here, listen: "127.0.0.1:1"} # a comment
agents: {default: {kind: echo, name: "${env:WHO}", key: "${file:key}"}}
channels: {sms: {accounts: {a: {note: "$${not one}", count: 3, on: true, rate: 1.5}}}}
`)
	write("more.yaml", "channels: {sms: {accounts: {b: {list: [x, \"${file:/abs}\"]}}}}\n")
	write("key", "canary\n")
	environ := []string{"WHO=canary-too", "HOLDFAST_GATEWAY__LISTEN=127.0.0.1:2", "HOLDFAST_AGENTS__DEFAULT__TOKEN=canary-three"}
	src := Find(filepath.Join(here, "main.yaml"), func(string) string { return "" })
	first, err := Inspect(src, environ)
	if first == nil {
		t.Fatal(err)
	}
	data, err := first.Copy()
	if err != nil || strings.Contains(string(data), "canary") {
		t.Fatalf("%v: the copy is\n%s\nwant no resolved secret in it", err, data)
	}
	copied := filepath.Join(there, "copy.json")
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	second, _ := Inspect(src.At(copied), environ)
	if second == nil {
		t.Fatalf("the copy cannot be read:\n%s", data)
	}
	if second.Gateway.StateDir != filepath.Join(here, "here") || second.Gateway.Listen != "127.0.0.1:2" {
		t.Errorf("gateway is %+v", second.Gateway)
	}
	if !first.Agents["default"].Equal(second.Agents["default"]) {
		t.Errorf("the agent differs in %v", first.Agents["default"].Changed(second.Agents["default"]))
	}
	for name, node := range first.Channels["sms"].Accounts {
		if name == "b" {
			continue // its secret is nowhere
		}
		if other := second.Channels["sms"].Accounts[name]; !node.Equal(other) {
			t.Errorf("%s differs in %v", name, node.Changed(other))
		}
	}
	if !strings.Contains(string(data), "${file:/abs}") || !strings.Contains(string(data), "${file:"+filepath.Join(here, "key")+"}") {
		t.Errorf("references are\n%s", data)
	}
	again, err := second.Copy()
	if err != nil || string(again) != string(data) {
		t.Errorf("the copy of the copy is\n%s\nwant\n%s", again, data)
	}
}

func TestACopyOfTheEmbeddedDefault(t *testing.T) {
	c, err := Load(Source{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := c.Copy(); err != nil || !strings.Contains(string(data), "webhook") {
		t.Errorf("%v: the copy is %s", err, data)
	}
}
