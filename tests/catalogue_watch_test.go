package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/actors/control"
	"holdfast/channels"
)

// J2: of writes that followed each other quickly the first was lost, or an older one won.
// Three storms of forty saves, each renamed into place, while reloads are ordered too: each storm ends with its last save, with
// far fewer reloads than saves, and the account that no save changes is not touched.
// Reverting actors/reload/watch.go: noticed's "s.watch(word.hash)" makes it fail.
func TestJ2_AStormOfSavesEndsWithTheLast(t *testing.T) {
	t.Parallel()
	d := newDesk(t, false)
	renamed := ways[1]
	still := d.account("webhook:still")
	for storm := range 3 {
		before := d.status().Reloads
		orders := make(chan error, 1)
		go func() {
			var err error
			for range 3 {
				if e := d.Call("reload", nil, nil); e != nil {
					err = e
				}
			}
			orders <- err
		}()
		for range 40 {
			_, next := d.text(mainFile)
			renamed.save(t, d.dir, mainFile, next)
			d.saved(mainFile)
		}
		if err := <-orders; err != nil {
			t.Error(err)
		}
		last := fmt.Sprint("n", d.number)
		d.until("webhook:main", "is as it was saved last", func(a control.AccountStatus) bool { return a.Name == last && green(a) })
		d.answers(t)
		now := d.status()
		if n := now.Reloads.Applied - before.Applied; n == 0 || n > 20 || now.Reloads.Refused != before.Refused {
			t.Errorf("storm %d: %+v, before %+v", storm, now.Reloads, before)
		}
	}
	if a := d.account("webhook:still"); a.Run != still.Run || !a.Since.Equal(still.Since) {
		t.Errorf("what was not changed was touched: %+v, was %+v", a, still)
	}
}

// J22: included files were not watched, and what they held vanished with the next reload.
// Files come into an included folder, change, are replaced and go: each time the accounts are those of the files that are there,
// and an account that another file holds is not touched. A file that is named and missing is refused with its place.
// Reverting config/seen.go: file's "string(data)" makes it fail.
func TestJ22_AFolderOfIncludedFilesIsFollowed(t *testing.T) {
	t.Parallel()
	g := &gate{t: t, dir: t.TempDir(), env: []string{asGateway + "=", watched}}
	parts := filepath.Join(g.dir, "conf.d")
	must(t, os.Mkdir(parts, 0o700))
	const config = `gateway: {listen: "127.0.0.1:0"}
include: [conf.d/*.yaml]
agents: {default: {kind: echo}}
`
	account := func(name, label string) string {
		return fmt.Sprintf("channels: {webhook: {accounts: {%[1]s: {name: %[2]q, path: /%[1]s, auth: {type: bearer, secret: c4nary-%[1]s}}}}}\n", name, label)
	}
	write := func(file, text string) { must(t, os.WriteFile(filepath.Join(parts, file), []byte(text), 0o600)) }
	write("a.yaml", account("a", "first"))
	g.write(config)
	g.begin()
	t.Cleanup(g.close)
	first := g.until("webhook:a", "is green", green)
	there := func(want string) {
		t.Helper()
		eventually(t, "the accounts are "+want, func() (bool, string) {
			var out []string
			for _, a := range g.status().Accounts {
				if a.Health == "green" {
					out = append(out, a.Account.Name()+" "+a.Name)
				}
			}
			got := strings.Join(out, ", ")
			return got == want, got
		})
	}
	write("b.yaml", account("b", "new"))
	there("a first, b new")
	write("b.yaml", account("b", "edited"))
	there("a first, b edited")
	write("b.new", account("c", "in its place"))
	must(t, os.Rename(filepath.Join(parts, "b.new"), filepath.Join(parts, "b.yaml")))
	there("a first, c in its place")
	must(t, os.Remove(filepath.Join(parts, "b.yaml")))
	there("a first")
	g.edit("conf.d/*.yaml", "conf.d/*.yaml, missing.yaml")
	eventually(t, "a missing file is refused with its place", func() (bool, string) {
		s := g.status()
		causes := strings.Join(s.Causes, "\n")
		return s.Health == "red" && strings.Contains(causes, "holdfast.yaml:2:") && strings.Contains(causes, "missing.yaml"), causes
	})
	must(t, os.WriteFile(filepath.Join(g.dir, "missing.yaml"), []byte(account("d", "no more missing")), 0o600))
	there("a first, d no more missing")
	for name, code := range map[string]int{"a": 200, "b": 404, "c": 404, "d": 200} {
		if a := g.post("/"+name, "c4nary-"+name, `{"text":"hello"}`); a.code != code {
			t.Errorf("/%s: %d, want %d", name, a.code, code)
		}
	}
	if a := g.account(channels.Account("webhook:a")); a.Run != first.Run || !a.Since.Equal(first.Since) {
		t.Errorf("what was not changed was touched: %+v, was %+v", a, first)
	}
}
