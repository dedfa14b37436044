package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

const attic = "attic"

// nth fails one operation on a folder: the nth from the moment at which n is set.
type nth struct{ n atomic.Int64 }

func (*nth) String() string { return "nth" }

func (f *nth) MaybeError(op errorfs.Op) error {
	if strings.HasPrefix(op.Path, attic) && f.n.Add(-1) == 0 {
		return errorfs.ErrInjected
	}
	return nil
}

// each has every operation of do fail in turn, until it needs no more of them, and tells how many those are.
func (f *nth) each(t *testing.T, do func() error) (operations int) {
	t.Helper()
	for n := int64(1); ; n++ {
		f.n.Store(n)
		err := do()
		switch left := f.n.Swap(0); {
		case left > 0 && err == nil:
			return int(n - 1)
		case left > 0:
			t.Fatal(err)
		case !errors.Is(err, errorfs.ErrInjected):
			t.Fatalf("operation %d fails, and what comes of it is %v", n, err)
		}
	}
}

// files makes files in the attic and returns their file system.
func files(t *testing.T, names ...string) vfs.FS {
	t.Helper()
	mem := vfs.NewMem()
	if err := mem.MkdirAll(attic, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := mem.Create(mem.PathJoin(attic, name), vfs.WriteCategoryUnspecified)
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	return mem
}

func listed(t *testing.T, mem vfs.FS) []string {
	t.Helper()
	names, err := mem.List(attic)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func hashed(digit string) string { return strings.Repeat(digit, 64) }

func TestLaw5_AnAttachmentThatADiskFaultMeetsIsNotKept(t *testing.T) {
	var f nth
	mem := files(t)
	b, err := openBlobs(errorfs.Wrap(mem, &f), attic)
	if err != nil {
		t.Fatal(err)
	}
	try := 0
	n := f.each(t, func() error {
		try++
		hash, size, err := b.Put(strings.NewReader(fmt.Sprint("picture ", try)), 100)
		if (err == nil) != (hash != "" && size != 0) {
			t.Errorf("hash %q of %d bytes, %v", hash, size, err)
		}
		return err
	})
	if n < 5 {
		t.Errorf("%d operations, want at least those of making, writing, syncing and renaming", n)
	}
	if slices.ContainsFunc(listed(t, mem), func(name string) bool { return strings.HasSuffix(name, unfinished) }) {
		t.Errorf("left over: %q", listed(t, mem))
	}
	if len(b.fresh) != 1 {
		t.Errorf("%v wait to be pinned, want the one that was kept", b.fresh)
	}
	if _, _, err := b.Put(iotest.ErrReader(errorfs.ErrInjected), 100); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("a stream that breaks: %v", err)
	}
}

func TestTheStartTellsWhatItCannotDoWithAttachments(t *testing.T) {
	var f nth
	f.each(t, func() error { // the list, and each that is unfinished
		_, err := openBlobs(errorfs.Wrap(files(t, "x"+unfinished), &f), attic)
		return err
	})
	b, err := openBlobs(errorfs.Wrap(files(t, hashed("a"), hashed("b"), "notes.txt"), &f), attic)
	if err != nil {
		t.Fatal(err)
	}
	none := func(string) (bool, error) { return false, nil }
	f.each(t, func() error { return b.removeUnpinned(none) })
	broken := func(string) (bool, error) { return false, errorfs.ErrInjected }
	b, err = openBlobs(files(t, hashed("a")), attic)
	if err != nil || !errors.Is(b.removeUnpinned(broken), errorfs.ErrInjected) {
		t.Errorf("pins that cannot be read: %v", err)
	}
}

func TestLaw12_OnlyAttachmentsAreOpenedAndRemoved(t *testing.T) {
	mem := files(t, "notes.txt", hashed("a"), hashed("b"))
	b, err := openBlobs(mem, attic)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"notes.txt", "../" + attic + "/" + hashed("a"), strings.ToUpper(hashed("a")), ""} {
		if _, err := b.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q was opened: %v", name, err)
		}
		if err := b.remove(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := b.removeUnpinned(func(hash string) (bool, error) { return hash == hashed("b"), nil }); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, mem); !slices.Equal(got, []string{hashed("b"), "notes.txt"}) {
		t.Errorf("left are %q", got)
	}
}

func TestAnAttachmentThatTwoHavePutIsKeptUntilBothHavePinnedIt(t *testing.T) {
	b, err := openBlobs(files(t), attic)
	if err != nil {
		t.Fatal(err)
	}
	var hash string
	for range 2 {
		if hash, _, err = b.Put(bytes.NewReader([]byte("picture")), 100); err != nil {
			t.Fatal(err)
		}
	}
	for i, there := range []bool{true, true, false} {
		if err := b.remove(hash); err != nil {
			t.Fatal(err)
		}
		f, err := b.Open(hash)
		if err == nil {
			_, err = io.Copy(io.Discard, f)
			_ = f.Close()
		}
		if (err == nil) != there {
			t.Errorf("after %d pins: %v", i, err)
		}
		b.settled(hash)
	}
	if len(b.fresh) != 0 {
		t.Errorf("%v wait to be pinned", b.fresh)
	}
}
