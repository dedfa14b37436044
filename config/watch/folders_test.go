package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"
)

func TestAPathIsFollowedToWhatItLeadsTo(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []string{"real/sub", "maps/..v1", "up/a"} {
		if err := os.MkdirAll(filepath.Join(dir, one), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range []string{"real/f", "maps/..v1/f"} {
		if err := os.WriteFile(filepath.Join(dir, one), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"link": "real", "chain": "link/f", "abs": dir + "/real/f", "loop": "loop", "hole": "none/f", "up/a/b": "../../link/../real/./f",
		"maps/f": "..data/f", "maps/..data": "..v1", "root": "/", "self": "real/..", "dot": "real/.",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, path, want string }{
		{"a file", "real/f", "real: real/f"},
		{"a file that is missing", "real/g", "real: real/g"},
		{"a file in a folder that is missing", "real/no/such/g", "real: real/no"},
		{"a file below a file", "real/f/g", "real: real/f"},
		{"a folder", "real/sub", "real real/sub/*: real/sub"},
		{"a file in a folder that is a link", "link/f", ". real: link real/f"},
		{"a link to a link", "chain", ". real: chain link real/f"},
		{"an absolute link", "abs", ". real: abs real/f"},
		{"a link that leads up and down", "up/a/b", "up/a . real: up/a/b link real/f"},
		{"a link that leads nowhere", "hole", ".: hole none"},
		{"a link that leads to itself", "loop", ".: loop"},
		{"a ConfigMap", "maps/f", "maps maps/..v1: maps/f maps/..data maps/..v1/f"},
		{"a link that leads to the folder above", "self", "./*: self"},
		{"a link that leads to a folder", "dot", ". real/*: dot real"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := planFor([]string{filepath.Join(dir, tt.path)})
			want := plan{map[string]bool{}, map[string]bool{}, map[string]bool{}}
			folders, names, _ := strings.Cut(tt.want, ":")
			for folder := range strings.FieldsSeq(folders) {
				folder, whole := strings.CutSuffix(folder, "/*")
				want.folders[filepath.Join(dir, folder)] = true
				if whole {
					want.whole[filepath.Join(dir, folder)] = true
				}
			}
			for name := range strings.FieldsSeq(names) {
				want.names[filepath.Join(dir, name)] = true
			}
			if fmt.Sprint(p) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", p, want)
			}
		})
	}
	if p := planFor([]string{filepath.Join(dir, "root")}); !p.whole["/"] || !p.folders[dir] {
		t.Errorf("a link to the root: got %v", p)
	}
	t.Chdir(dir)
	if p := planFor([]string{"real/f", "maps/f"}); len(p.folders) != 3 || !p.names[filepath.Join(dir, "real/f")] {
		t.Errorf("relative paths start at the working folder: got %v", p)
	}
}

// watching is folders on a fake system, which has folders a and b.
func watching(t *testing.T) (f *folders, system *fakeSystem, dir string, told *[]string) {
	dir = t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	system, told = newFake(), new([]string)
	f = &folders{
		open:    func() (notifier, error) { return system, nil },
		trouble: func(err error) { *told = append(*told, err.Error()) }, every: DefaultEvery,
	}
	return f, system, dir, told
}

func TestAWatchBelongsToAFolderAndNotToItsName(t *testing.T) {
	f, system, dir, told := watching(t)
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	step := func(what string, set bool, paths []string, want ...string) {
		t.Helper()
		if got := f.watch(paths); got != set {
			t.Errorf("%s: watches were set: %v", what, got)
		}
		if got := slices.Sorted(slices.Values(system.list)); !slices.Equal(got, want) {
			t.Errorf("%s: watches %v, want %v", what, got, want)
		}
		if got := slices.Sorted(maps.Keys(f.watched)); !slices.Equal(got, want) {
			t.Errorf("%s: thinks that it watches %v, want %v", what, got, want)
		}
	}
	both := []string{a + "/f", b + "/f"}
	step("the beginning", true, both, a, b)
	step("nothing new", false, both, a, b)
	if err := os.Rename(a, dir+"/c"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(a, 0o700); err != nil {
		t.Fatal(err)
	}
	step("another folder of this name", true, both, a, b)
	if !slices.Contains(system.removed, a) {
		t.Error("the watch on the folder that was renamed stays")
	}
	system.list = []string{b}
	step("the library has dropped one", true, both, a, b)
	step("a path less", false, both[:1], a)
	step("no path", false, nil)
	if system.closed != 1 {
		t.Error("without a path there is still something open")
	}
	step("a path again", true, both[:1], a)
	f.close()
	f.close()
	if len(*told) > 0 || system.closed != 2 {
		t.Errorf("told %v, closed %d times", *told, system.closed)
	}
}

func TestWhatMatters(t *testing.T) {
	f, _, dir, _ := watching(t)
	f.watch([]string{filepath.Join(dir, "a/f"), filepath.Join(dir, "b")})
	for name, want := range map[string]bool{
		"a/f": true, "a": true, "b": true, "b/any": true, "": true, "a//f": true, "a/other": false, "a/f/x": false, "b/any/x": false, "c": false,
	} {
		if got := f.matters(fsnotify.Event{Name: dir + "/" + name}, true); got != want {
			t.Errorf("%q matters: %v, want %v", name, got, want)
		}
	}
}

func TestTroubleSaysWhatToDoOnce(t *testing.T) {
	const still = "; changes are still found, by looking every 5s; to have them found at once, "
	for _, tt := range []struct {
		name   string
		err    error
		advice string
	}{
		{"no more watches", syscall.ENOSPC, "raise the limit fs.inotify.max_user_watches"},
		{"no more instances", syscall.EMFILE, "raise the limit fs.inotify.max_user_instances, or the one of open files"},
		{"no right to list", syscall.EACCES, "let this user list the folder"},
		{"a file system without notices", syscall.ENOSYS, "keep the configuration on a local disk"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, system, dir, told := watching(t)
			open, paths := f.open, []string{filepath.Join(dir, "a/f")}
			check := func(what string, set bool, want ...string) {
				t.Helper()
				if got := f.watch(paths); got != set || !slices.Equal(*told, want) {
					t.Errorf("%s: watches were set: %v; told\n%q, want\n%q", what, got, *told, want)
				}
			}
			f.open = func() (notifier, error) { return nil, fmt.Errorf("open: %w", tt.err) }
			trouble := tt.err.Error() + still + tt.advice
			first := "watch for changes: open: " + trouble
			check("it cannot begin", false, first)
			check("it still cannot", false, first)
			f.open = open
			system.adding = tt.err
			check("it can, but not this folder", false, first)
			system.adding = nil
			check("all is well", true, first)
			check("and stays so", false, first)
			system.list, system.adding = nil, tt.err
			second := "watch the folder " + dir + "/a for changes: " + trouble
			check("it is not", false, first, second)
			check("and still not", false, first, second)
			system.adding = fs.ErrNotExist
			check("a folder that is just gone is no trouble", true, first, second)
		})
	}
}

func TestNoticesThatEndAreBegunAnew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fault  func(w *world)
		closed int
		told   string
	}{
		{"too many at a time", func(w *world) { w.system.broken <- fsnotify.ErrEventOverflow }, 1, "[]"},
		{
			"an error, and again", func(w *world) {
				w.system.broken <- errors.New("broken")
				time.Sleep(time.Minute)
				w.system.broken <- errors.New("broken")
			}, 3,
			"[watch for changes: broken; changes are still found, by looking every 5s; to have them found at once, keep the configuration on a local disk]",
		},
		{
			"the end", func(w *world) {
				old := w.system
				w.system = newFake()
				w.system.closed = 1
				close(old.sent)
			}, 2,
			"[watch for changes: the operating system's notices have ended; changes are still found, by looking every 5s; to have them found at once, keep the configuration on a local disk]",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := run(t, func(w *world) {
				w.at(11 * time.Second)
				w.silent = true
				w.set("new")
				tt.fault(w)
				w.at(122500 * time.Millisecond)
				w.silent = false
				w.save("newer")
			})
			if got, want := fmt.Sprint(w.told), "[11.2s new 2m2.7s newer]"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := fmt.Sprint(w.faults); got != tt.told || w.system.closed != tt.closed {
				t.Errorf("told %s after %d closes, want %s after %d", got, w.system.closed, tt.told, tt.closed)
			}
		})
	}
}

func TestMoreFoldersThanMayBeWatched(t *testing.T) {
	f, system, dir, told := watching(t)
	var paths []string
	for i := range MaxFolders + 1 {
		folder := filepath.Join(dir, fmt.Sprint(i))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Join(folder, "f"))
	}
	for range 2 {
		f.watch(paths)
		if len(system.list) != MaxFolders || len(*told) != 1 || !strings.Contains((*told)[0], "more than 1024 folders; ") ||
			!strings.HasSuffix((*told)[0], "keep the configuration in fewer folders") {
			t.Errorf("watches %d, told %q", len(system.list), *told)
		}
	}
	f.trouble, f.failing = nil, false
	f.watch(paths) // nobody wants to know
}

func TestWithoutNoticesChangesAreFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text := "old"
		began := time.Now()
		w := New(Options{Sum: func() (string, []string) {
			if time.Since(began) >= 7*time.Second {
				text = "new"
			}
			return text, []string{"f"}
		}})
		w.folders.open = func() (notifier, error) { return nil, syscall.EMFILE }
		c, err := w.Next(t.Context(), "old")
		if err != nil || c.Hash != "new" || time.Since(began) != 2*DefaultEvery+DefaultQuiet {
			t.Errorf("got %v, %v after %s", c, err, time.Since(began))
		}
	})
}

// Not parallel: it counts goroutines.
func TestNothingIsLeftRunning(t *testing.T) {
	known := goleak.IgnoreCurrent()
	file := filepath.Join(t.TempDir(), "f")
	looked := make(chan struct{}, 100)
	w := New(Options{Sum: func() (string, []string) { looked <- struct{}{}; return "x", []string{file} }, Quiet: time.Millisecond})
	for range 3 { // a Watcher can be used again
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { _, err := w.Next(ctx, "x"); ended <- err }()
		<-looked
		<-looked
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		goleak.VerifyNone(t, known)
	}
	if c, err := w.Next(t.Context(), "y"); err != nil || c.Hash != "x" {
		t.Errorf("got %v, %v", c, err)
	}
	w.Close()
	goleak.VerifyNone(t, known)
	w.Close()
}
