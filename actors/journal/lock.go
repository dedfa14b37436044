package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/gofrs/flock"
)

// lockName is the file in the state folder that one process at a time holds; storeName is Pebble's folder in it.
const (
	lockName  = "lock"
	storeName = "journal"
)

// ErrVersion: the journal in the state folder was written by a version of the gateway that this one does not understand.
var ErrVersion = errors.New("the journal has a format that this gateway does not know")

// ErrLocked says that another process holds the state folder.
type ErrLocked struct {
	Dir    string
	Holder string // as that process wrote it: pid and start
}

func (e ErrLocked) Error() string {
	return fmt.Sprintf("the state folder %s is held by %s: stop that process, or choose another gateway.stateDir", e.Dir, e.Holder)
}

// lockFolder makes this process the only one that uses dir. On a real disk it is a flock, which ends with the process
// whatever its end; other file systems bring their own.
func lockFolder(fs vfs.FS, dir string, now time.Time) (io.Closer, error) {
	if vfs.Root(fs) != vfs.Default {
		l, err := fs.Lock(fs.PathJoin(dir, lockName))
		if err != nil {
			return nil, ErrLocked{Dir: dir, Holder: "another opening of this file system"}
		}
		return l, nil
	}
	path := filepath.Join(dir, lockName)
	l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	held, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !held {
		return nil, ErrLocked{Dir: dir, Holder: holder(path)}
	}
	name := fmt.Sprintf("process %d, since %s\n", os.Getpid(), now.Format(time.RFC3339))
	if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write who holds %s: %w", path, err), l.Close())
	}
	return namedLock{l}, nil
}

// lockForReading keeps a gateway from starting while somebody reads. It writes nothing.
func lockForReading(dir string) (io.Closer, error) {
	if _, err := os.Stat(filepath.Join(dir, storeName)); err != nil {
		return nil, fmt.Errorf("there is no journal in %s: %w", dir, err)
	}
	path := filepath.Join(dir, lockName)
	l := flock.New(path, flock.SetFlag(os.O_RDONLY))
	held, err := l.TryRLock()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return l, nil // a copy: nobody has ever run on it
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	case !held:
		return nil, ErrLocked{Dir: dir, Holder: holder(path)}
	}
	return l, nil
}

// holder reads who wrote the lock file.
func holder(path string) string {
	const longest = 200
	text, err := os.ReadFile(path)
	name := strings.TrimSpace(string(text[:min(len(text), longest)]))
	if err != nil || name == "" {
		return "another process, which left no name"
	}
	return name
}

// namedLock takes the name out of the file before it lets go.
type namedLock struct{ l *flock.Flock }

func (n namedLock) Close() error {
	if err := os.Truncate(n.l.Path(), 0); err != nil {
		return errors.Join(fmt.Errorf("clear %s: %w", n.l.Path(), err), n.l.Close())
	}
	return n.l.Close()
}
