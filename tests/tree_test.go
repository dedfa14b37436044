package tests

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"holdfast/channels"
	"holdfast/channels/bluebubbles/bluebubblestest"
	"holdfast/cmd/life"
)

var update = flag.Bool("update", false, "write the tree anew, in testdata and in README.md")

const (
	treeFile = "testdata/tree.golden"
	readme   = "../README.md"
)

// treeBlock is where README.md shows the tree.
var treeBlock = regexp.MustCompile("(?s)(<!-- tree: [^>]*-->\n```\n)(.*?)(```\n<!-- /tree -->)")

// TestTreeOfTwoAccounts compares what gateway tree draws, apart from times and processes, with what README.md shows.
func TestTreeOfTwoAccounts(t *testing.T) {
	config := "gateway: {listen: \"127.0.0.1:0\"}\nagents: {default: {kind: echo}}\nchannels:\n  bluebubbles:\n    accounts:\n"
	for _, name := range []string{"home", "work"} {
		password := canary + "-" + name
		config += fmt.Sprintf("      %s: {serverUrl: %q, password: %q}\n", name, mac(t, bluebubblestest.Options{Password: password}).URL(), password)
	}
	g := open(t, config)
	for _, name := range []channels.Account{"bluebubbles:home", "bluebubbles:work"} {
		g.until(name, "is green", green)
	}
	drawn, errs, code := g.run("tree")
	if code != life.ExitOK {
		t.Fatalf("code %d: %s", code, errs)
	}
	got := masked(drawn)
	if *update {
		updateTree(t, got)
	}
	want, err := os.ReadFile(treeFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the tree is\n%s\nwant\n%s\n(go test ./tests -run TestTree -update writes it anew)", got, want)
	}
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	if shown := treeBlock.FindStringSubmatch(string(page)); shown == nil || shown[2] != string(want) {
		t.Errorf("README.md does not show %s between its marks (go test ./tests -run TestTree -update does it)", treeFile)
	}
}

// masked takes out what differs from run to run, and the connections of this process: only who asked for the tree is left.
func masked(tree string) string {
	for _, mask := range []struct{ pattern, by string }{
		{fmt.Sprintf(`(?m)^.* pid=%d\b.*\n`, os.Getpid()), ""},
		{`admin\.\d+`, "admin.1"},
		{`uid=\d+ pid=\d+`, "uid=1000 pid=4242"},
		{`\b(\d+h)?(\d+m)?\d+(ms|s)\b`, "1s"},
		{`, works on \S+ for 1s`, ""},
	} {
		tree = regexp.MustCompile(mask.pattern).ReplaceAllString(tree, mask.by)
	}
	return tree
}

func updateTree(t *testing.T, tree string) {
	t.Helper()
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	whole := treeBlock.ReplaceAllStringFunc(string(page), func(block string) string {
		parts := treeBlock.FindStringSubmatch(block)
		return parts[1] + tree + parts[3]
	})
	for file, text := range map[string]string{treeFile: tree, readme: whole} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExitCodesAreDocumented compares the codes with the table in README.md.
func TestExitCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| ([0-9, ]+) \| `)
	var documented []string
	for _, found := range row.FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, strings.Split(found[1], ", ")...)
	}
	codes := []int{
		life.ExitOK, life.ExitFailed, life.ExitUsage, life.ExitCore, life.ExitJournal, life.ExitHeld, life.ExitConfig, life.ExitINT, life.ExitTERM,
	}
	if got, want := strings.Join(documented, " "), strings.Trim(fmt.Sprint(codes), "[]"); got != want {
		t.Errorf("README.md documents the exit codes %s, want %s", got, want)
	}
}
