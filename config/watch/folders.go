package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// MaxFolders bounds the folders that are watched. In those beyond, changes are found by looking.
const MaxFolders = 1024

// notifier is the operating system, as the library shows it.
type notifier interface {
	Add(folder string) error
	Remove(folder string) error
	WatchList() []string
	Close() error
	notices() <-chan fsnotify.Event
	faults() <-chan error
}

type library struct{ *fsnotify.Watcher }

func (l library) notices() <-chan fsnotify.Event { return l.Events }
func (l library) faults() <-chan error           { return l.Errors }

func openNotices() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return library{w}, nil
}

// folders keeps watches on the folders of a plan. A watch belongs to a folder and not to its name: it is renewed when
// another folder has taken the place, and when the library has dropped it.
type folders struct {
	open     func() (notifier, error)
	trouble  func(error)
	every    time.Duration
	from     notifier // nil: there are no notices
	plan     plan
	watched  map[string]os.FileInfo // what each folder was when its watch was set
	failing  bool                   // a watch could not be set, as trouble has been told
	unstable bool                   // notices have ended by themselves before, as trouble has been told
}

// none tells that there is nothing to watch.
func (f *folders) none() bool { return len(f.plan.folders) == 0 }

// watch makes the watches those that the paths need. It tells whether any was set: what happened before is not known.
func (f *folders) watch(paths []string) (set bool) {
	f.plan = planFor(paths)
	if f.none() {
		f.close()
		return false
	}
	if f.from == nil {
		from, err := f.open()
		if err != nil {
			f.fail("watch for changes", err)
			return false
		}
		f.from, f.watched = from, map[string]os.FileInfo{}
	}
	for folder := range f.watched {
		if !f.plan.folders[folder] {
			f.drop(folder)
		}
	}
	return f.add()
}

// add sets the watches that are missing.
func (f *folders) add() (set bool) {
	good := true
	listed := f.from.WatchList()
	for folder := range f.plan.folders {
		info, err := os.Stat(folder) // before the watch: if it is replaced in between, the next look sees that
		if err == nil {
			if old := f.watched[folder]; old != nil && os.SameFile(old, info) && slices.Contains(listed, folder) {
				continue
			}
			f.drop(folder)
			if err = errTooMany; len(f.watched) < MaxFolders {
				err = f.from.Add(folder)
			}
		}
		switch {
		case err == nil:
			f.watched[folder], set = info, true
		case errors.Is(err, fs.ErrNotExist): // just gone
			f.drop(folder)
			set = true
		default:
			good = false
			f.fail("watch the folder "+folder+" for changes", err)
		}
	}
	f.failing = f.failing && !good
	return set
}

func (f *folders) drop(folder string) {
	_ = f.from.Remove(folder) // it may have dropped it by itself
	delete(f.watched, folder)
}

func (f *folders) close() {
	if f.from != nil {
		_ = f.from.Close()
		f.from, f.watched = nil, nil
	}
}

// notices is nil, and never gives anything, when there are none.
func (f *folders) notices() <-chan fsnotify.Event {
	if f.from == nil {
		return nil
	}
	return f.from.notices()
}

func (f *folders) faults() <-chan error {
	if f.from == nil {
		return nil
	}
	return f.from.faults()
}

// matters tells whether a notice is of something that the plan needs, or of a watched folder itself. open is false when
// notices have ended.
func (f *folders) matters(n fsnotify.Event, open bool) bool {
	if !open {
		f.lost(errEnded)
		return true
	}
	name := filepath.Clean(n.Name)
	return f.plan.names[name] || f.plan.folders[name] || f.plan.whole[filepath.Dir(name)]
}

var (
	errEnded   = errors.New("the operating system's notices have ended")
	errTooMany = fmt.Errorf("more than %d folders", MaxFolders)
)

// lost is told when notices went missing. Too many at a time is nothing to worry about; after all else they are begun anew.
func (f *folders) lost(err error) {
	if errors.Is(err, fsnotify.ErrEventOverflow) {
		return
	}
	f.close()
	if !f.unstable {
		f.unstable = true
		f.tell("watch for changes", err)
	}
}

// fail is told when a watch could not be set. Every look tries again.
func (f *folders) fail(doing string, err error) {
	if !f.failing {
		f.failing = true
		f.tell(doing, err)
	}
}

func (f *folders) tell(doing string, err error) {
	if f.trouble != nil {
		f.trouble(fmt.Errorf("%s: %w; changes are still found, by looking every %s; to have them found at once, %s",
			doing, err, f.every, advice(err)))
	}
}

func advice(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "raise the limit fs.inotify.max_user_watches"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "raise the limit fs.inotify.max_user_instances, or the one of open files"
	case errors.Is(err, fs.ErrPermission):
		return "let this user list the folder"
	case errors.Is(err, errTooMany):
		return "keep the configuration in fewer folders"
	}
	return "keep the configuration on a local disk"
}
