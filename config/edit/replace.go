package edit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"holdfast/config"
)

// disk replaces files. The zero value does it with the system's own calls; tests put something in between.
type disk struct {
	rename func(from, to string) error
	sync   func(*os.File) error
}

// replace puts content in the place of the source's file, if that is still the one that base is the hash of. A link
// stays a link; the file behind it keeps its mode and, as far as we may, its owner. The warnings say what could not be
// kept.
func (d disk) replace(src config.Source, base string, content []byte) (warnings []string, err error) {
	if d.rename == nil {
		d.rename = os.Rename
	}
	if d.sync == nil {
		d.sync = (*os.File).Sync
	}
	target, err := filepath.EvalSymlinks(src.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: following %s: %w", ErrReadOnly, src.Path, bareError(err))
	}
	was, err := os.Stat(target)
	if err != nil {
		return nil, fmt.Errorf("%w: looking at %s: %w", ErrReadOnly, target, bareError(err))
	}
	temp, warnings, err := d.beside(target, was, content)
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp) // nothing is left of it once it has been renamed
	now, err := os.ReadFile(target)
	if err != nil || src.Digest(now) != base {
		return nil, fmt.Errorf("%w: %s was written by somebody else while the change was being saved: read it again", ErrChanged, src.Path)
	}
	if err := d.rename(temp, target); err != nil {
		return nil, fmt.Errorf("%w: putting the new file in the place of %s: %w: %s", ErrReadOnly, target, bareError(err), remedy(err, target))
	}
	folder, err := os.Open(filepath.Dir(target))
	if err == nil {
		err = errors.Join(d.sync(folder), folder.Close())
	}
	if err != nil {
		warnings = append(warnings, fmt.Sprintf("%s is written, but a power failure may still undo it: its folder was not synced: %v", target, bareError(err)))
	}
	return warnings, nil
}

// beside writes content to a new file in the same folder. Its name begins with a dot and has another ending, so that
// nobody takes it for a configuration.
func (d disk) beside(target string, was fs.FileInfo, content []byte) (name string, warnings []string, err error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp")
	if err != nil {
		return "", nil, fmt.Errorf("%w: making a file beside %s: %w: %s", ErrReadOnly, target, bareError(err), remedy(err, target))
	}
	owner, ours := was.Sys().(*syscall.Stat_t)
	if ours {
		warnings = keepOwner(f, target, owner)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(was.Mode().Perm())
	}
	if err == nil {
		err = d.sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", nil, fmt.Errorf("%w: writing a file beside %s: %w: %s", ErrReadOnly, target, bareError(err), remedy(err, target))
	}
	return f.Name(), warnings, nil
}

// keepOwner gives the new file the owner and group of the old one, as far as the system lets us.
func keepOwner(f *os.File, target string, owner *syscall.Stat_t) (warnings []string) {
	if f.Chown(int(owner.Uid), int(owner.Gid)) != nil && f.Chown(-1, int(owner.Gid)) != nil || int(owner.Uid) != os.Geteuid() && os.Geteuid() != 0 {
		warnings = append(warnings, fmt.Sprintf("%s belongs to our own user now: it had an owner or group that we may not give", target))
	}
	if owner.Nlink > 1 {
		warnings = append(warnings, fmt.Sprintf("%s had other hard links: they still name the old content", target))
	}
	return warnings
}

// bareError is the system's reason without the paths.
func bareError(err error) error {
	var at *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &at):
		return at.Err
	case errors.As(err, &two):
		return two.Err
	}
	return err
}

func remedy(err error, target string) string {
	folder := filepath.Dir(target)
	switch {
	case errors.Is(err, syscall.EROFS):
		return folder + " is on a read-only file system: mount it writable, or edit the file where it comes from"
	case errors.Is(err, fs.ErrPermission):
		return "give our user the right to write in the folder " + folder + ", not only to the file"
	case errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.EXDEV):
		return target + " is a mount of its own: mount the folder that it is in instead"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on the disk; the old file is as it was"
	}
	return "the old file is as it was; look at the folder " + folder
}
