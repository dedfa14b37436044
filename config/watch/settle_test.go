package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// fakeSystem is an operating system whose notices the test sends.
type fakeSystem struct {
	sent    chan fsnotify.Event
	broken  chan error
	list    []string
	adding  error // what Add answers
	removed []string
	closed  int
}

func newFake() *fakeSystem {
	return &fakeSystem{sent: make(chan fsnotify.Event, 10_000), broken: make(chan error, 10)}
}

func (f *fakeSystem) Add(folder string) error {
	if f.adding == nil {
		f.list = append(f.list, folder)
	}
	return f.adding
}

func (f *fakeSystem) Remove(folder string) error {
	if i := slices.Index(f.list, folder); i >= 0 {
		f.list = slices.Delete(f.list, i, i+1)
		f.removed = append(f.removed, folder)
	}
	return nil
}

func (f *fakeSystem) Close() error                   { f.closed++; f.list = nil; return nil }
func (f *fakeSystem) WatchList() []string            { return slices.Clone(f.list) }
func (f *fakeSystem) notices() <-chan fsnotify.Event { return f.sent }
func (f *fakeSystem) faults() <-chan error           { return f.broken }

// world is a content in memory that changes in virtual time, and what a Watcher of it has reported.
type world struct {
	*Watcher
	system *fakeSystem
	path   string
	began  time.Time
	silent bool // changes give no notice
	told   []report
	faults []string

	mu    sync.Mutex // of what follows
	text  string
	after func() // called once after the next reading
	from  string // where the text comes from
	looks int
}

// report is a Change and when it came.
type report struct {
	after time.Duration
	Change
}

func (r report) String() string {
	return fmt.Sprint(r.after, " ", r.Hash, map[bool]string{false: " unsettled"}[r.Settled])
}

// run lets a Watcher with the default times watch what change does, until an hour is over.
func run(t *testing.T, change func(w *world)) *world {
	t.Helper()
	var w *world
	path := filepath.Join(t.TempDir(), "f")
	synctest.Test(t, func(*testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		w = &world{system: newFake(), path: path, began: time.Now(), text: "old", from: path}
		w.Watcher = New(Options{Sum: w.sum, Trouble: func(err error) { w.faults = append(w.faults, err.Error()) }})
		w.folders.open = func() (notifier, error) { return w.system, nil }
		go change(w)
		for known := "old"; ; {
			c, err := w.Next(ctx, known)
			if err != nil {
				if !errors.Is(err, context.DeadlineExceeded) || w.system.closed == 0 {
					t.Errorf("Next gave %v after %d closes", err, w.system.closed)
				}
				return
			}
			w.told = append(w.told, report{time.Since(w.began), c})
			known = c.Hash
		}
	})
	return w
}

func (w *world) sum() (string, []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	text, from := w.text, w.from
	if w.after != nil {
		w.after()
		w.after = nil
	}
	return text, []string{from}
}

func (w *world) set(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = text
}

// at waits until a time since the beginning.
func (w *world) at(since time.Duration) { time.Sleep(since - time.Since(w.began)) }

// save changes the content and lets the system say so.
func (w *world) save(text string) {
	w.set(text)
	if !w.silent {
		w.notice(w.path)
	}
}

func (w *world) notice(name string) { w.system.sent <- fsnotify.Event{Name: name, Op: fsnotify.Write} }

func TestWhatIsReportedAndWhen(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *world)
		want   []string
	}{
		{"nothing happens", func(*world) {}, nil},
		{"one change", func(w *world) { w.at(time.Second); w.save("new") }, []string{"1.2s new"}},
		{"a change that gives no notice", func(w *world) { w.silent = true; w.at(time.Second); w.save("new") }, []string{"5.2s new"}},
		{
			"two pieces", func(w *world) {
				w.at(time.Second)
				w.save("half")
				w.at(1050 * time.Millisecond)
				w.save("new")
			}, []string{"1.45s new"},
		},
		{
			"two pieces that give no notice", func(w *world) {
				w.silent = true
				w.at(4950 * time.Millisecond)
				w.save("half")
				w.at(5050 * time.Millisecond)
				w.save("new")
			}, []string{"5.4s new"},
		},
		{
			"empty for a moment", func(w *world) {
				w.at(time.Second)
				w.save("")
				w.at(1190 * time.Millisecond)
				w.save("new")
			}, []string{"1.59s new"},
		},
		{
			"empty for a while, and then not", func(w *world) {
				w.at(time.Second)
				w.save("")
				w.at(2 * time.Second)
				w.save("new")
			}, []string{"1.2s ", "2.2s new"},
		},
		{
			"changed and back", func(w *world) {
				w.at(time.Second)
				w.save("new")
				w.at(1100 * time.Millisecond)
				w.save("old")
			}, nil,
		},
		{
			"changed and back, slowly", func(w *world) {
				w.at(time.Second)
				w.save("new")
				w.at(2 * time.Second)
				w.save("old")
			}, []string{"1.2s new", "2.2s old"},
		},
		{"the same saved again", func(w *world) { w.at(time.Second); w.save("old") }, nil},
		{
			"something else in the same folder", func(w *world) {
				w.silent = true
				w.at(time.Second)
				w.notice(w.path + ".log")
				w.save("new")
			}, []string{"5.2s new"},
		},
		{
			"a notice just after a look counts at the end of the quiet time", func(w *world) {
				w.at(100 * time.Millisecond)
				w.save("new")
				w.at(110 * time.Millisecond)
				w.notice(w.path + ".log")
			}, []string{"400ms new"},
		},
		{
			"a reader that comes late", func(w *world) {
				w.at(time.Second)
				w.save("a")
				w.at(1210 * time.Millisecond)
				w.save("b")
			}, []string{"1.2s a", "1.6s b"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := "[" + strings.Join(tt.want, " ") + "]"
			if got := fmt.Sprint(run(t, tt.change).told); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestWritersWhoNeverPausePostponeNothingForEver(t *testing.T) {
	t.Parallel()
	w := run(t, func(w *world) {
		w.at(time.Second)
		for i := range 1000 {
			w.save("half")
			time.Sleep(time.Millisecond)
			w.save(fmt.Sprint(i))
			time.Sleep(9 * time.Millisecond)
		}
		w.save("last")
	})
	var last report
	for i, one := range w.told {
		switch pause := one.after - max(last.after, time.Second); {
		case pause > DefaultMost+DefaultQuiet+rushTries*rushPause:
			t.Errorf("nothing for %s before %s", pause, one)
		case i < len(w.told)-1 && (one.Settled || one.Hash == "half"):
			t.Errorf("got %s, want something whole, reported as unsettled", one)
		}
		last = one
	}
	if n := len(w.told); n < 5 || n > 6 || !last.Settled || last.Hash != "last" {
		t.Errorf("in ten seconds of writing, got %s", w.told)
	}
}

func TestWhatIsNeverTheSameTwiceIsReportedAllTheSame(t *testing.T) {
	t.Parallel()
	w := run(t, func(w *world) {
		w.at(time.Second)
		for i := range 3000 {
			w.save(fmt.Sprint(i))
			time.Sleep(time.Millisecond)
		}
	})
	if len(w.told) != 2 {
		t.Errorf("got %s, want one while it is written and the last", w.told)
	}
}

func TestLookingIsRare(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *world)
		most   int // looks in an hour
	}{
		{"when nothing happens", func(*world) {}, 2 + 3600/5},
		{
			"when the folder is busy with what does not matter", func(w *world) {
				for range 20_000 {
					w.notice(w.path + ".log")
					time.Sleep(time.Millisecond)
				}
			}, 2 + 3600/5,
		},
		{
			"when the file is saved a thousand times a second without a change", func(w *world) {
				for range 20_000 {
					w.notice(w.path)
					time.Sleep(time.Millisecond)
				}
			}, 2 + 3600/5 + 20*5,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if w := run(t, tt.change); w.looks > tt.most || len(w.told) > 0 {
				t.Errorf("looked %d times, want at most %d; told %s", w.looks, tt.most, w.told)
			}
		})
	}
}

func TestWhatChangedBeforeTheFirstLookCounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	for quiet, want := range map[time.Duration]time.Duration{0: DefaultQuiet, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := New(Options{Sum: func() (string, []string) { return "new", []string{path} }, Quiet: quiet})
			w.folders.open = func() (notifier, error) { return newFake(), nil }
			began := time.Now()
			if c, err := w.Next(t.Context(), "old"); err != nil || c != (Change{"new", true}) || time.Since(began) != want {
				t.Errorf("got %v, %v after %s", c, err, time.Since(began))
			}
		})
	}
}

func TestNothingToWatchCostsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		w := New(Options{Sum: func() (string, []string) { looks++; return "x", nil }})
		w.folders.open = func() (notifier, error) { return nil, errors.New("opened") }
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if c, err := w.Next(ctx, "other"); err != nil || c != (Change{"x", true}) {
			t.Errorf("got %v, %v", c, err)
		}
		before := looks
		if _, err := w.Next(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) || looks != before+1 {
			t.Errorf("got %v after %d looks, want one", err, looks-before)
		}
	})
}

func TestWhatHappensWhileAFolderIsBeingWatchedIsNotLost(t *testing.T) {
	t.Parallel()
	w := run(t, func(w *world) {
		w.silent = true
		w.at(time.Second)
		other := filepath.Join(filepath.Dir(w.path), "other")
		if err := os.Mkdir(other, 0o700); err != nil {
			panic(err)
		}
		// From here on another folder matters, and the change comes after it was read and before it is watched.
		w.mu.Lock()
		w.from = filepath.Join(other, "f")
		w.after = func() { w.text = "new" }
		w.mu.Unlock()
		w.notice(w.path)
	})
	if got := fmt.Sprint(w.told); got != "[1.2s new]" {
		t.Errorf("got %s", got)
	}
}
