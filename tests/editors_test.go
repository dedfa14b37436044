package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/actors/control"
	"holdfast/config/watch"
)

// watched lets the gateway look after its files by itself.
const watched = "HOLDFAST_GATEWAY__WATCH=true"

// The file and what it includes. Each account has a number that every valid change raises: it is its name and in its path.
const (
	mainFile, partFile = "holdfast.yaml", "part.yaml"

	mainText = `gateway: {listen: "127.0.0.1:0"}
include: [part.yaml]
channels:
  webhook:
    accounts:
      main: {name: n%[1]d, path: /main-%[1]d, auth: {type: bearer, secret: c4nary-main}}
      still: {path: /still, auth: {type: bearer, secret: c4nary-still}}
agents: {default: {kind: echo}}
`
	partText = `channels:
  webhook:
    accounts:
      part: {name: n%[1]d, path: /part-%[1]d, auth: {type: bearer, secret: c4nary-part}}
`
)

// A way of saving a file of a folder, and how long it takes by itself.
type way struct {
	name string
	save func(t *testing.T, dir, file, text string)
	took time.Duration
}

// ways are those of a folder with plain files.
var ways = []way{
	{"truncated and written", func(t *testing.T, dir, file, text string) {
		must(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}, 0},
	{"renamed into place", func(t *testing.T, dir, file, text string) {
		beside := filepath.Join(dir, "."+file+".tmp")
		must(t, os.WriteFile(beside, []byte(text), 0o600))
		must(t, os.Rename(beside, filepath.Join(dir, file)))
	}, 0},
	{"moved away and created", func(t *testing.T, dir, file, text string) {
		path := filepath.Join(dir, file)
		must(t, os.Rename(path, path+"~"))
		must(t, os.WriteFile(path, []byte(text), 0o600))
		must(t, os.Remove(path+"~"))
	}, 0},
	{"written in two pieces", func(t *testing.T, dir, file, text string) {
		const pause = 50 * time.Millisecond
		f, err := os.Create(filepath.Join(dir, file))
		must(t, err)
		_, err = f.WriteString(text[:len(text)/2])
		must(t, err)
		time.Sleep(pause)
		_, err = f.WriteString(text[len(text)/2:])
		must(t, err)
		must(t, f.Close())
	}, 50 * time.Millisecond},
	{"deleted and created", func(t *testing.T, dir, file, text string) {
		const pause = 100 * time.Millisecond
		must(t, os.Remove(filepath.Join(dir, file)))
		time.Sleep(pause)
		must(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}, 100 * time.Millisecond},
}

// swap is how a mounted ConfigMap changes: all files are made anew in another folder, and one link is turned to it.
func swap(t *testing.T, dir, file, text string) {
	data := filepath.Join(dir, "..data")
	old, err := os.Readlink(data)
	must(t, err)
	fresh, err := os.MkdirTemp(dir, "..v")
	must(t, err)
	for _, name := range []string{mainFile, partFile} {
		content, err := os.ReadFile(filepath.Join(data, name))
		must(t, err)
		if name == file {
			content = []byte(text)
		}
		must(t, os.WriteFile(filepath.Join(fresh, name), content, 0o600))
	}
	must(t, os.Symlink(filepath.Base(fresh), data+"_tmp"))
	must(t, os.Rename(data+"_tmp", data))
	must(t, os.RemoveAll(filepath.Join(dir, old)))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// desk is a gateway whose files an editor changes.
type desk struct {
	*gate
	number int    // of the newest valid change
	main   string // what the files hold when they are valid
	part   string
}

func newDesk(t *testing.T, configMap bool) *desk {
	t.Helper()
	d := &desk{main: fmt.Sprintf(mainText, 0), part: fmt.Sprintf(partText, 0)}
	d.gate = &gate{t: t, dir: t.TempDir(), env: []string{asGateway + "=", watched}}
	into := d.dir
	if configMap {
		into = filepath.Join(d.dir, "..v")
		must(t, os.Mkdir(into, 0o700))
		must(t, os.Symlink("..v", filepath.Join(d.dir, "..data")))
		for _, name := range []string{mainFile, partFile} {
			must(t, os.Symlink(filepath.Join("..data", name), filepath.Join(d.dir, name)))
		}
	}
	must(t, os.WriteFile(filepath.Join(into, mainFile), []byte(d.main), 0o600))
	must(t, os.WriteFile(filepath.Join(into, partFile), []byte(d.part), 0o600))
	d.begin()
	t.Cleanup(d.close)
	d.serves(t, 1)
	return d
}

// text is the valid content of a file, and its next one.
func (d *desk) text(file string) (now, next string) {
	if file == partFile {
		return d.part, fmt.Sprintf(partText, d.number+1)
	}
	return d.main, fmt.Sprintf(mainText, d.number+1)
}

// saved remembers the next valid content of a file as the present one.
func (d *desk) saved(file string) {
	_, next := d.text(file)
	if file == partFile {
		d.part = next
	} else {
		d.main = next
	}
	d.number++
}

// serves waits until a revision is live, all is green, and the paths of that content answer; and the files hold what the editor
// wrote.
func (d *desk) serves(t *testing.T, revision uint64) {
	t.Helper()
	eventually(t, fmt.Sprintf("revision %d serves and all is green", revision), func() (bool, string) {
		s := d.status()
		return s.Revision >= revision && s.Health == "green", fmt.Sprintf("%+v %+v", s, s.LastReload)
	})
	if s := d.status(); s.Revision != revision {
		t.Errorf("revision %d serves, want %d: %+v", s.Revision, revision, s.LastReload)
	}
	d.answers(t)
	for file, want := range map[string]string{mainFile: d.main, partFile: d.part} {
		if got, err := os.ReadFile(filepath.Join(d.dir, file)); err != nil || string(got) != want {
			t.Errorf("%s: %v, it is not as the editor left it:\n%s", file, err, got)
		}
	}
}

// answers fails the test unless the paths of the last valid content do.
func (d *desk) answers(t *testing.T) {
	t.Helper()
	for account, text := range map[string]string{"main": d.main, "part": d.part, "still": d.main} {
		path := "/" + account
		if at := strings.Index(text, path+"-"); at >= 0 {
			path, _, _ = strings.Cut(text[at:], ",")
		}
		if a := d.post(path, "c4nary-"+account, `{"text":"hello"}`); a.code != 200 {
			t.Errorf("%s: %d %s, want 200", path, a.code, a.body)
		}
	}
}

// runs tells which runs the accounts have, and since when.
func (d *desk) runs() string {
	var out strings.Builder
	for _, a := range d.status().Accounts {
		fmt.Fprintln(&out, a.Account, a.Run, a.Since.UnixNano())
	}
	return out.String()
}

// J3, J5, J20, J22, J23: edits that were not noticed, because of the way in which they were saved or the file in which they were
// made; and reloads for nothing, after a save that changed nothing or an edit that was taken back.
// Every way of saving, of the file and of an included one: what is valid serves, once; what is not leaves the old state serving
// with the error and its place, until it is mended; what is the same costs nothing. The gateway writes none of it.
// Reverting actors/reload/watch.go: noticed's "len(s.Refused) == 0", config/seen.go: file's "string(data)", or actors/reload/plan.go:
// accounts' "reason == \"\"" makes it fail.
func TestJ3_J5_J20_J22_J23_EveryWayOfSavingEndsWithTheLastValidState(t *testing.T) {
	t.Parallel()
	t.Run("a folder of files", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, false)
		for _, w := range ways {
			if !d.through(t, w) {
				return // the next would tell nothing
			}
		}
	})
	t.Run("a mounted ConfigMap", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, true)
		d.through(t, way{"a link turned", swap, 0})
	})
}

// through edits in one way all that can be edited, as long as all is well.
func (d *desk) through(t *testing.T, w way) bool {
	for _, file := range []string{mainFile, partFile} {
		for _, c := range []struct {
			name string
			do   func(*testing.T, way, string)
		}{
			{"a valid change", d.change},
			{"an invalid one, taken back", d.invalid},
			{"half a file, then a whole one", d.half},
			{"the same again", d.same},
			{"a change that is taken back at once", d.reverted},
		} {
			if !t.Run(w.name+", "+file+": "+c.name, func(t *testing.T) { c.do(t, w, file) }) {
				return false
			}
		}
	}
	return true
}

func (d *desk) change(t *testing.T, w way, file string) {
	revision, still := d.status().Revision, d.account("webhook:still").Run
	_, next := d.text(file)
	w.save(t, d.dir, file, next)
	d.saved(file)
	d.serves(t, revision+1)
	if run := d.account("webhook:still").Run; run != still {
		t.Errorf("an account that did not change has run %d, had %d", run, still)
	}
}

// refusedAt waits until a reload is refused with a fault in a file, and all of what was live serves on.
func (d *desk) refusedAt(t *testing.T, file string, before control.Status, runs string) {
	t.Helper()
	place := ""
	eventually(t, "it is refused", func() (bool, string) {
		s := d.status()
		if s.Reloads.Refused > before.Reloads.Refused && s.LastReload != nil && len(s.LastReload.Problems) > 0 {
			p := s.LastReload.Problems[0]
			place = fmt.Sprintf("%s:%d:", file, p.Line)
			return filepath.Base(p.File) == file && p.Line > 0 && s.Health == "red" && strings.Contains(strings.Join(s.Causes, "\n"), place),
				fmt.Sprintf("%+v %q", p, s.Causes)
		}
		return false, fmt.Sprintf("%+v", s.LastReload)
	})
	eventually(t, "the log has the place", func() (bool, string) { return strings.Contains(d.Log(), place), place })
	if s := d.status(); s.Revision != before.Revision || !s.Ready || d.runs() != runs {
		t.Errorf("revision %d, was %d, ready %t; runs\n%s, were\n%s", s.Revision, before.Revision, s.Ready, d.runs(), runs)
	}
	d.answers(t)
}

func (d *desk) invalid(t *testing.T, w way, file string) {
	before, runs := d.status(), d.runs()
	now, next := d.text(file)
	w.save(t, d.dir, file, strings.Replace(next, "type: bearer", "type: magic", 1))
	d.refusedAt(t, file, before, runs)
	w.save(t, d.dir, file, now)
	d.serves(t, before.Revision)
	if d.runs() != runs {
		t.Errorf("runs\n%s, were\n%s", d.runs(), runs)
	}
}

func (d *desk) half(t *testing.T, w way, file string) {
	before, runs := d.status(), d.runs()
	_, next := d.text(file)
	w.save(t, d.dir, file, next[:strings.Index(next, "c4nary")]) // in the middle of a mapping
	d.refusedAt(t, file, before, runs)
	d.change(t, w, file)
}

func (d *desk) same(t *testing.T, w way, file string) {
	revision, runs := d.status().Revision, d.runs()
	now, _ := d.text(file)
	w.save(t, d.dir, file, now)
	d.untouched(t, revision, runs)
}

// reverted is judged only when the change cannot have settled before it was taken back.
func (d *desk) reverted(t *testing.T, w way, file string) {
	for range 20 {
		revision, runs := d.status().Revision, d.runs()
		now, next := d.text(file)
		began := time.Now()
		w.save(t, d.dir, file, next)
		w.save(t, d.dir, file, now)
		if time.Since(began) < watch.DefaultQuiet+2*w.took {
			d.untouched(t, revision, runs)
			return
		}
		d.untouched(nil, revision, runs)
		d.change(t, w, file)
	}
	t.Error("this machine is too slow to take anything back in time")
}

// untouched looks for three times as long as a watch waits: what must not happen has no end that can be waited for. A slow
// machine may miss a fault here, and sees none that is not there. Without a test it only waits.
func (d *desk) untouched(t *testing.T, revision uint64, runs string) {
	for end := time.Now().Add(3 * watch.DefaultQuiet); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s := d.status(); t != nil && (s.Revision != revision || d.runs() != runs) {
			t.Fatalf("revision %d, was %d; runs\n%s, were\n%s", s.Revision, revision, d.runs(), runs)
		}
	}
	if t != nil {
		d.serves(t, revision)
	}
}
