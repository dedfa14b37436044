package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ballastName is the file that occupies room in the state folder.
const ballastName = "ballast"

// ballast is room that is kept occupied. It is given on the actor's turn, or by the file system at the moment when a write
// finds the disk full; that may be any goroutine.
type ballast struct {
	fs   vfs.FS
	dir  string
	size int64

	mu sync.Mutex
}

func (b *ballast) path() string { return b.fs.PathJoin(b.dir, ballastName) }

// there tells whether the room is occupied.
func (b *ballast) there() bool {
	_, err := b.fs.Stat(b.path())
	return err == nil
}

// give frees the room.
func (b *ballast) give() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fs.Remove(b.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("give the ballast: %w", err)
	}
	return nil
}

// make occupies the room. A ballast that could not be finished is no ballast.
func (b *ballast) make() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.there() {
		return nil
	}
	if err := b.fill(); err != nil {
		_ = b.fs.Remove(b.path())
		return fmt.Errorf("make the ballast of %s: %w", megabytes(ballastSize), err)
	}
	return nil
}

func (b *ballast) fill() error {
	f, err := b.fs.Create(b.path(), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err := occupy(f, b.size); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(b.fs, b.dir)
}

// occupy asks for the room, or writes zeros where the file system cannot be asked.
func occupy(f vfs.File, size int64) error {
	if f.Preallocate(0, size) == nil {
		return nil
	}
	zeros := make([]byte, 1<<20)
	for left := size; left > 0; left -= int64(len(zeros)) {
		if _, err := f.Write(zeros[:min(int64(len(zeros)), left)]); err != nil {
			return err
		}
	}
	return nil
}

// makeDir makes a folder for us alone, and those above it that are missing, and sees to it that a crash does not take
// them away again.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}

// syncDir makes the names in a folder durable.
func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync %s: %w", dir, err), d.Close())
	}
	return d.Close()
}

// freeOn asks the file system how much room it has for us.
func freeOn(fs vfs.FS) func(dir string) (uint64, error) {
	return func(dir string) (uint64, error) {
		u, err := fs.GetDiskUsage(dir)
		if err != nil {
			return 0, fmt.Errorf("free space of %s: %w", dir, err)
		}
		return u.AvailBytes, nil
	}
}
