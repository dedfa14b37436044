package journal

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logEnding is the ending of the files of Pebble's log.
const logEnding = ".log"

// guard is a file system on which a log that fails is final at the very place where it fails. Pebble would carry the error
// on, and the next batch that needs a new log would end the process in a way that nobody can catch, without the code that
// says what it was. Before the store is open and while it is being closed, errors come back as they are.
type guard struct {
	vfs.FS
	armed *atomic.Bool
	fail  func(error) // does not return
}

func (g guard) check(what, name string, err error) error {
	if err != nil && g.armed.Load() {
		g.fail(fmt.Errorf("%s %s: %w", what, name, err))
	}
	return err
}

func (g guard) log(name string, f vfs.File, err error) (vfs.File, error) {
	if !strings.HasSuffix(name, logEnding) {
		return f, err
	}
	if g.check("create", name, err) != nil {
		return nil, err
	}
	return guarded{File: f, guard: g, name: name}, nil
}

// Create guards the files of the log.
func (g guard) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := g.FS.Create(name, c)
	return g.log(name, f, err)
}

// ReuseForWrite guards the files of the log.
func (g guard) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := g.FS.ReuseForWrite(old, name, c)
	return g.log(name, f, err)
}

// OpenDir guards folders: a name that is not on the disk is a file that is not there.
func (g guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return guarded{File: f, guard: g, name: name}, nil
}

// Unwrap gives the file system below.
func (g guard) Unwrap() vfs.FS { return g.FS }

// guarded is one file of the log, or a folder.
type guarded struct {
	vfs.File
	guard guard
	name  string
}

func (f guarded) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.guard.check("write", f.name, err)
}

func (f guarded) WriteAt(p []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(p, at)
	return n, f.guard.check("write", f.name, err)
}

func (f guarded) Sync() error { return f.guard.check("sync", f.name, f.File.Sync()) }

func (f guarded) SyncData() error { return f.guard.check("sync", f.name, f.File.SyncData()) }

func (f guarded) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.guard.check("sync", f.name, err)
}

func (f guarded) Close() error { return f.guard.check("close", f.name, f.File.Close()) }
