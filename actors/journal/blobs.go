package journal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// unfinished is the ending of a file that is still being written.
const unfinished = ".part"

// ErrTooLarge: what was read is longer than the bound that Put was given.
var ErrTooLarge = errors.New("the attachment is too large")

// Blobs is the folder of attachments, each under the hash of its content. Anybody may put and open; only the journal
// deletes, when the last pin goes. A blob that was put is kept until as many pins have come as it was put, so that it does
// not go between being put and being pinned; what was put and never pinned goes at the next start.
type Blobs struct {
	fs  vfs.FS
	dir string

	mu    sync.Mutex
	fresh map[string]int // put and not yet pinned
}

func openBlobs(fs vfs.FS, dir string) (*Blobs, error) {
	b := &Blobs{fs: fs, dir: dir, fresh: map[string]int{}}
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list the attachments in %s: %w", dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, unfinished) {
			if err := fs.Remove(fs.PathJoin(dir, name)); err != nil {
				return nil, fmt.Errorf("remove an unfinished attachment: %w", err)
			}
		}
	}
	return b, nil
}

// Put keeps what r holds, up to most bytes, and names it: sha256 in hex. When it returns, the file is on the disk. It must be
// pinned by a step to stay.
func (b *Blobs) Put(r io.Reader, most int64) (hash string, size int64, err error) {
	temp := b.fs.PathJoin(b.dir, rand.Text()+unfinished)
	defer func() {
		if err != nil {
			_ = b.fs.Remove(temp)
			err = fmt.Errorf("keep an attachment in %s: %w", b.dir, err)
		}
	}()
	if hash, size, err = b.write(temp, r, most); err != nil {
		return "", 0, err
	}
	b.announced(hash)
	if err = b.fs.Rename(temp, b.path(hash)); err == nil {
		err = syncDir(b.fs, b.dir)
	}
	if err != nil {
		b.settled(hash)
		return "", 0, err
	}
	return hash, size, nil
}

// announced notes that a blob is about to be put: from now on it is not removed.
func (b *Blobs) announced(hash string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh[hash]++
}

func (b *Blobs) write(temp string, r io.Reader, most int64) (hash string, size int64, err error) {
	f, err := b.fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, sum), io.LimitReader(r, most+1))
	if err != nil {
		return "", 0, err
	}
	if size > most {
		return "", 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, most)
	}
	if err := f.Sync(); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(sum.Sum(nil)), size, nil
}

// Open reads an attachment. The error is fs.ErrNotExist for one that is not there.
func (b *Blobs) Open(hash string) (io.ReadCloser, error) {
	if !isHash(hash) {
		return nil, fmt.Errorf("open attachment %q: %w: not a sha256 in hex", hash, fs.ErrNotExist)
	}
	f, err := b.fs.Open(b.path(hash))
	if err != nil {
		return nil, fmt.Errorf("open attachment %s: %w", hash, err)
	}
	return f, nil
}

func (b *Blobs) path(hash string) string { return b.fs.PathJoin(b.dir, hash) }

func isHash(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size && strings.ToLower(s) == s
}

// settled notes that a blob which was put has been pinned.
func (b *Blobs) settled(hash string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fresh[hash]--; b.fresh[hash] <= 0 {
		delete(b.fresh, hash)
	}
}

// remove deletes a blob without pins, unless somebody has put it again and not pinned it yet.
func (b *Blobs) remove(hash string) error {
	if !isHash(hash) {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fresh[hash] > 0 {
		return nil
	}
	if err := b.fs.Remove(b.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete attachment %s: %w", hash, err)
	}
	return nil
}

// removeUnpinned deletes what no pin holds, at the start, when nobody is about to pin anything.
func (b *Blobs) removeUnpinned(pinned func(hash string) (bool, error)) error {
	names, err := b.fs.List(b.dir)
	if err != nil {
		return fmt.Errorf("list the attachments in %s: %w", b.dir, err)
	}
	for _, name := range names {
		if !isHash(name) {
			continue
		}
		held, err := pinned(name)
		if err != nil {
			return err
		}
		if !held {
			if err := b.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}
