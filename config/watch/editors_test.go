package watch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/config"
)

const (
	never = time.Hour             // longer than any test: what is found is found by notices
	brisk = 50 * time.Millisecond // of quiet, where the time does not matter
)

// desk is a folder with a configuration that is being watched, and what has been reported of it.
type desk struct {
	t    *testing.T
	dir  string // not to be moved
	file string // the configuration

	mu    sync.Mutex
	looks int
	means map[string]string // by hash: what people would tell of it
	told  []string
}

// path is one below the folder.
func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

// put writes a file in place.
func (d *desk) put(name, content string) {
	d.t.Helper()
	d.must(os.MkdirAll(filepath.Dir(d.path(name)), 0o700))
	d.must(os.WriteFile(d.path(name), []byte(content), 0o600))
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) rename(from, to string) { d.t.Helper(); d.must(os.Rename(d.path(from), d.path(to))) }

func (d *desk) symlink(target, name string) { d.t.Helper(); d.must(os.Symlink(target, d.path(name))) }
func (d *desk) remove(name string)          { d.t.Helper(); d.must(os.RemoveAll(d.path(name))) }

// sit watches the file at a path until the test ends.
func sit(t *testing.T, file string, quiet, every time.Duration, prepare func(d *desk)) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), means: map[string]string{}}
	d.file = d.path(file)
	prepare(d)
	src := config.Find(d.file, nil)
	w := New(Options{Quiet: quiet, Every: every, Trouble: func(err error) { t.Errorf("trouble: %v", err) }, Sum: func() (string, []string) {
		return d.sum(src)
	}})
	known := config.Look(src, nil, nil).Hash()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := w.Next(ctx, known)
			if err != nil {
				return
			}
			d.mu.Lock()
			d.told = append(d.told, d.means[c.Hash])
			d.mu.Unlock()
			known = c.Hash
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	d.until("the first look is over", func() bool { return d.looks >= 2 }) // one, the watches, and another
	return d
}

// sum is that of the configuration. It remembers what it means: the group that it names, or that there is a fault.
func (d *desk) sum(src config.Source) (hash string, paths []string) {
	now := config.Look(src, nil, nil)
	hash, paths = now.Hash(), now.Files()
	for before := ""; before != hash; {
		before = hash
		state := "faulty"
		if c, err := config.Load(src, nil); err == nil {
			state = c.Gateway.AdminGroup
		}
		now = config.Look(src, nil, nil) // or it is not the state of this hash
		hash, paths = now.Hash(), now.Files()
		d.mu.Lock()
		d.means[hash] = state
		d.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	return hash, paths
}

// until waits for what the watcher's goroutine does.
func (d *desk) until(what string, done func() bool) {
	d.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		d.mu.Lock()
		ok, told := done(), slices.Clone(d.told)
		d.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(end) {
			d.t.Fatalf("%s: not within 30 seconds; reported so far: %q", what, told)
		}
	}
}

// reports waits until a state is the last that was reported.
func (d *desk) reports(state string) {
	d.t.Helper()
	d.until("a report of "+state, func() bool { return len(d.told) > 0 && d.told[len(d.told)-1] == state })
}

// all is what has been reported, one a line.
func (d *desk) all() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.told, "\n") + "\n"
}

func group(name string) string { return "gateway: {adminGroup: " + name + "}\n" }

// saving is one way to save, from a folder as it was prepared.
type saving struct {
	name    string
	prepare func(d *desk)
	save    func(d *desk, to string) // to is the group in the end
	slow    bool                     // with pauses that only the usual quiet time bridges
}

func plainFile(d *desk) { d.put("conf/f.yaml", group("start")) }

// configMap makes a new folder the content, as Kubernetes does.
func configMap(d *desk, to string) {
	folder := "..2026_" + to
	d.put("conf/"+folder+"/f.yaml", group(to))
	d.symlink(folder, "conf/..data_tmp")
	d.rename("conf/..data_tmp", "conf/..data")
	old, err := filepath.Glob(d.path("conf/..2026_*"))
	d.must(err)
	for _, one := range old {
		if filepath.Base(one) != folder {
			d.must(os.RemoveAll(one))
		}
	}
}

var savings = []saving{
	{"truncated and written", plainFile, func(d *desk, to string) { d.put("conf/f.yaml", group(to)) }, false},
	{"written beside and renamed", plainFile, func(d *desk, to string) {
		d.put("conf/.f.yaml.tmp", group(to))
		d.rename("conf/.f.yaml.tmp", "conf/f.yaml")
	}, false},
	{"as vim does it: renamed away, written anew, the old one deleted", plainFile, func(d *desk, to string) {
		d.put("conf/4913", "")
		d.remove("conf/4913")
		d.rename("conf/f.yaml", "conf/f.yaml~")
		time.Sleep(5 * time.Millisecond)
		d.put("conf/f.yaml", group(to))
		d.remove("conf/f.yaml~")
	}, false},
	{"as emacs does it: with a lock, and the old one kept", plainFile, func(d *desk, to string) {
		d.symlink("me@here.1:2", "conf/.#f.yaml")
		d.rename("conf/f.yaml", "conf/f.yaml~")
		d.put("conf/f.yaml", group(to))
		d.remove("conf/.#f.yaml")
	}, false},
	{"written in two pieces", plainFile, func(d *desk, to string) {
		whole := group(to)
		d.put("conf/f.yaml", whole[:12])
		time.Sleep(50 * time.Millisecond)
		d.put("conf/f.yaml", whole)
	}, true},
	{"deleted and written again soon", plainFile, func(d *desk, to string) {
		d.remove("conf/f.yaml")
		time.Sleep(100 * time.Millisecond)
		d.put("conf/f.yaml", group(to))
	}, true},
	{"deleted and written again later", plainFile, func(d *desk, to string) {
		d.remove("conf/f.yaml")
		d.reports("faulty")
		d.put("conf/f.yaml", group(to))
	}, false},
	{"left broken and repaired later", plainFile, func(d *desk, to string) {
		d.put("conf/f.yaml", "[")
		d.reports("faulty")
		d.put("conf/f.yaml", group(to))
	}, false},
	{"replaced by a hard link", plainFile, func(d *desk, to string) {
		d.put("new.yaml", group(to))
		d.remove("conf/f.yaml")
		d.must(os.Link(d.path("new.yaml"), d.file))
		d.remove("new.yaml")
	}, false},
	{"a link that leads to another file", func(d *desk) {
		d.put("a/start.yaml", group("start"))
		d.put("conf/other", "")
		d.symlink("../a/start.yaml", "conf/f.yaml")
	}, func(d *desk, to string) {
		d.put("a/"+to+".yaml", group(to))
		d.remove("conf/f.yaml")
		d.symlink("../a/"+to+".yaml", "conf/f.yaml")
	}, false},
	{"the file that a link leads to", func(d *desk) {
		d.put("a/real.yaml", group("start"))
		d.put("conf/other", "")
		d.symlink("../a/real.yaml", "conf/f.yaml")
	}, func(d *desk, to string) { d.put("a/real.yaml", group(to)) }, false},
	{"a ConfigMap", func(d *desk) {
		configMap(d, "start")
		d.symlink("..data/f.yaml", "conf/f.yaml")
	}, configMap, false},
	{"a folder that is a link to its current version", func(d *desk) {
		d.put("v-start/f.yaml", group("start"))
		d.symlink("v-start", "conf")
	}, func(d *desk, to string) {
		d.put("v-"+to+"/f.yaml", group(to))
		d.symlink("v-"+to, "conf.new")
		d.rename("conf.new", "conf")
	}, false},
	{"the folder renamed away, changed and renamed back", plainFile, func(d *desk, to string) {
		d.rename("conf", "away")
		d.reports("faulty")
		d.put("away/f.yaml", group(to))
		d.rename("away", "conf")
	}, false},
	{"the folder replaced by another", plainFile, func(d *desk, to string) {
		d.put("conf.new/f.yaml", group(to))
		d.rename("conf", "conf."+to)
		d.rename("conf.new", "conf")
	}, false},
	{"the folder deleted and made again", plainFile, func(d *desk, to string) {
		d.remove("conf")
		d.reports("faulty")
		d.put("conf/f.yaml", group(to))
	}, false},
	{"the folder and the one above deleted and made again", func(d *desk) {
		d.put("conf/f.yaml", "include: [../a/b/c.yaml]\n")
		d.put("a/b/c.yaml", group("start"))
	}, func(d *desk, to string) {
		d.remove("a")
		d.reports("faulty")
		d.put("a/b/c.yaml", group(to))
	}, false},
	{"an included file", func(d *desk) {
		d.put("conf/f.yaml", "include: ['conf.d/*.yaml']\n")
		d.put("conf/conf.d/a.yaml", group("start"))
	}, func(d *desk, to string) { d.put("conf/conf.d/a.yaml", group(to)) }, false},
	{"a file that joins and leaves those that are included", func(d *desk) {
		d.put("conf/f.yaml", "include: ['conf.d/*.yaml']\n")
		d.put("conf/conf.d/a.yaml", group("start"))
	}, func(d *desk, to string) {
		d.remove("conf/conf.d/a.yaml")
		d.reports("")
		d.put("conf/conf.d/b.tmp", group(to+"-b"))
		d.rename("conf/conf.d/b.tmp", "conf/conf.d/b.yaml")
		d.reports(to + "-b")
		d.rename("conf/conf.d/b.yaml", "conf/conf.d/b.off")
		d.put("conf/conf.d/a.yaml", group(to))
	}, false},
	{"the folder of included files replaced by another", func(d *desk) {
		d.put("conf/f.yaml", "include: ['conf.d/*.yaml']\n")
		d.put("conf/conf.d/a.yaml", group("start"))
	}, func(d *desk, to string) {
		d.put("conf/new/b.yaml", group(to))
		d.remove("conf/conf.d")
		d.reports("faulty")
		d.rename("conf/new", "conf/conf.d")
	}, false},
	{"a secret", func(d *desk) {
		d.put("conf/f.yaml", "gateway: {adminGroup: '${file:../run/group}'}\n")
		d.put("run/group", "start")
	}, func(d *desk, to string) {
		d.put("run/.group", to)
		d.rename("run/.group", "run/group")
	}, false},
}

// However the configuration is saved, three times in a row: each state is reported, the last one once, and what comes
// after that is noticed as well. Only notices are there to be had.
func TestEveryWayOfSavingIsNoticed(t *testing.T) {
	t.Parallel()
	for _, tt := range savings {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			quiet := brisk
			if tt.slow {
				quiet = DefaultQuiet
			}
			d := sit(t, "conf/f.yaml", quiet, never, tt.prepare)
			states := []string{"one", "two", "three"}
			for _, state := range states {
				tt.save(d, state)
				d.reports(state)
			}
			d.put("conf/f.yaml", group("end"))
			d.reports("end")
			told := d.all()
			for _, state := range append(states, "end") {
				if n := strings.Count(told, state+"\n"); n != 1 {
					t.Errorf("%s was reported %d times:\n%s", state, n, told)
				}
			}
		})
	}
}

func TestAStormOfSavingEndsWithTheLast(t *testing.T) {
	t.Parallel()
	d := sit(t, "f.yaml", DefaultQuiet, never, func(d *desk) { d.put("f.yaml", group("start")) })
	for i := range 300 {
		d.put("f.yaml", group(fmt.Sprint("g", i)))
		time.Sleep(10 * time.Millisecond)
	}
	d.put("f.yaml", group("last"))
	d.reports("last")
	d.put("f.yaml", group("end"))
	d.reports("end")
	if got := d.all(); strings.Count(got, "last\n") != 1 || strings.Contains(got, "faulty") {
		t.Errorf("got %s", got)
	}
}

func TestWhatIsNotThereYetIsAwaited(t *testing.T) {
	for _, tt := range []struct{ name, file, first string }{
		{"a file", "f.yaml", "x"},
		{"a file in a folder", "conf/f.yaml", "x"},
		{"a file in folders that come one by one", "a/b/c/d/f.yaml", "a/x"},
		{"a file below a file", "conf/f.yaml", "conf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := sit(t, tt.file, brisk, never, func(*desk) {})
			d.put(tt.first, "")
			if tt.first == "conf" {
				d.remove("conf")
			}
			d.put(tt.file, group("one"))
			d.reports("one")
		})
	}
}

// What gives no notice is found by looking.
func TestWhatNobodyNoticesIsFound(t *testing.T) {
	for _, tt := range []saving{
		{"written through another name in another folder", func(d *desk) {
			d.put("other/f.yaml", group("start"))
			d.must(os.Mkdir(d.path("conf"), 0o700))
			d.must(os.Link(d.path("other/f.yaml"), d.path("conf/f.yaml")))
		}, func(d *desk, to string) { d.put("other/f.yaml", group(to)) }, false},
		{"a folder above renamed away and another put in its place", func(d *desk) {
			d.put("a/conf/f.yaml", group("start"))
			d.symlink("a/conf", "conf")
			d.put("b/conf/x", "")
		}, func(d *desk, to string) {
			d.put("b/conf/f.yaml", group(to))
			d.rename("a", "c")
			d.rename("b", "a")
			d.rename("c", "b")
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := sit(t, "conf/f.yaml", brisk, 300*time.Millisecond, tt.prepare)
			for _, state := range []string{"one", "two"} {
				tt.save(d, state)
				d.reports(state)
			}
		})
	}
}
