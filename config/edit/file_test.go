package edit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/config"
)

const small = "log:\n  level: info # much\nagents: {default: {kind: echo}}\n"

// onDisk writes content to a file and opens it for editing.
func onDisk(t *testing.T, content string) (f File, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "holdfast.yaml")
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	return File{Source: config.Find(path, noEnv), Secrecy: config.SecrecyOf(config.SchemaParts{})}, path
}

func noEnv(string) string { return "" }

// base reads the hash.
func base(t *testing.T, f File) Options {
	t.Helper()
	r, err := f.Get("")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Base: r.Hash}
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// alone fails if anything but the file itself is in its folder.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestLaw11_AWriteReplacesTheFileAndAnswersWithItsHash(t *testing.T) {
	f, path := onDisk(t, small)
	got, err := f.Set("log.level", json.RawMessage(`"debug"`), base(t, f))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(small, "info", "debug", 1); contentOf(t, path) != want {
		t.Errorf("the file says\n%s\nwant\n%s", contentOf(t, path), want)
	}
	if now := base(t, f).Base; got.Hash != now {
		t.Errorf("the answer has the hash %s, the file %s", got.Hash, now)
	}
	if !slices.Equal(got.Changed, []string{"log.level"}) {
		t.Errorf("changed: %v", got.Changed)
	}
	alone(t, path)
}

func TestLaw11_AWriteThatIsBasedOnAnotherFileIsRefused(t *testing.T) {
	f, path := onDisk(t, small)
	old := base(t, f)
	const theirs = "log: {level: warn}\nagents: {default: {kind: echo}}\n"
	if err := os.WriteFile(path, []byte(theirs), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{"an old hash": old, "a hash of nothing": {Base: "0"}} {
		if _, err := f.Set("log.level", json.RawMessage(`"debug"`), o); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: got %v, want ErrChanged", name, err)
		}
	}
	old.Dry = true
	if _, err := f.Set("log.level", json.RawMessage(`"debug"`), old); !errors.Is(err, ErrChanged) {
		t.Errorf("only tried: got %v, want ErrChanged", err)
	}
	if _, err := f.Set("log.level", json.RawMessage(`"debug"`), Options{}); !errors.Is(err, ErrInput) {
		t.Errorf("no hash: got %v, want ErrInput", err)
	}
	if contentOf(t, path) != theirs {
		t.Errorf("the file was written: %s", contentOf(t, path))
	}
}

// The file changes after the new one was written beside it, just before it would have taken its place.
func TestLaw11_AFileThatChangesWhileItIsSavedIsNotOverwritten(t *testing.T) {
	f, path := onDisk(t, small)
	o := base(t, f)
	const theirs = "log: {level: warn}\n"
	f.disk.sync = func(*os.File) error { return os.WriteFile(path, []byte(theirs), 0o600) }
	if _, err := f.Set("log.level", json.RawMessage(`"debug"`), o); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v, want ErrChanged", err)
	}
	if contentOf(t, path) != theirs {
		t.Errorf("the file was overwritten: %s", contentOf(t, path))
	}
	alone(t, path)
}

func TestAFaultOfTheDiskLeavesTheOldFileWhole(t *testing.T) {
	for _, tt := range []struct {
		name string
		disk disk
		want string
	}{
		{"the rename fails", disk{rename: renameFails(syscall.EACCES)}, "give our user the right to write in the folder"},
		{"the file is a mount", disk{rename: renameFails(syscall.EBUSY)}, "mount the folder that it is in"},
		{"the file system is read-only", disk{rename: renameFails(syscall.EROFS)}, "mount it writable"},
		{"the disk is full", disk{sync: func(*os.File) error { return &fs.PathError{Op: "sync", Path: "x", Err: syscall.ENOSPC} }}, "make room"},
		{"the disk is broken", disk{sync: func(*os.File) error { return syscall.EIO }}, "the old file is as it was"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, path := onDisk(t, small)
			f.disk = tt.disk
			_, err := f.Set("log.level", json.RawMessage(`"debug"`), base(t, f))
			if !errors.Is(err, ErrReadOnly) || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("got %v, want ErrReadOnly and: %s", err, tt.want)
			}
			if contentOf(t, path) != small {
				t.Errorf("the file was changed: %s", contentOf(t, path))
			}
			alone(t, path)
		})
	}
}

func renameFails(why error) func(string, string) error {
	return func(from, to string) error { return &os.LinkError{Op: "rename", Old: from, New: to, Err: why} }
}

func TestAFolderThatWasNotSyncedIsToldAndTheFileIsWritten(t *testing.T) {
	f, path := onDisk(t, small)
	o := base(t, f)
	calls := 0
	f.disk.sync = func(file *os.File) error {
		if calls++; calls == 1 {
			return file.Sync()
		}
		return syscall.EIO
	}
	got, err := f.Set("log.level", json.RawMessage(`"debug"`), o)
	if err != nil || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "not synced") {
		t.Errorf("got %v, %v", got.Warnings, err)
	}
	if calls != 2 || !strings.Contains(contentOf(t, path), "debug") {
		t.Errorf("%d syncs, the file says %s", calls, contentOf(t, path))
	}
}

func TestAPathBelowARegularFileCannotBeWritten(t *testing.T) {
	f, path := onDisk(t, small)
	o := base(t, f)
	f.Source.Path = filepath.Join(path, "holdfast.yaml")
	if _, err := f.Set("log.level", json.RawMessage(`"debug"`), o); err == nil {
		t.Error("it was written")
	}
	if _, err := (disk{}).replace(f.Source, o.Base, nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("got %v, want ErrReadOnly", err)
	}
	if contentOf(t, path) != small {
		t.Errorf("the file was changed: %s", contentOf(t, path))
	}
}

func TestALinkStaysALinkAndTheFileBehindItIsWritten(t *testing.T) {
	f, path := onDisk(t, small)
	link := filepath.Join(t.TempDir(), "link.yaml")
	again := filepath.Join(t.TempDir(), "again.yaml")
	if err := errors.Join(os.Symlink(path, link), os.Symlink(link, again)); err != nil {
		t.Fatal(err)
	}
	f.Source = config.Find(again, noEnv)
	if _, err := f.Set("log.level", json.RawMessage(`"debug"`), base(t, f)); err != nil {
		t.Fatal(err)
	}
	for _, one := range []string{link, again} {
		if info, err := os.Lstat(one); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v %v", one, info, err)
		}
		alone(t, one)
	}
	if !strings.Contains(contentOf(t, path), "debug") {
		t.Errorf("the file behind the link says %s", contentOf(t, path))
	}
	alone(t, path)
}

func TestModeAndOwnerAreKept(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o644, 0o660} {
		f, path := onDisk(t, small)
		uid, gid := os.Getuid(), os.Getgid()
		if uid == 0 {
			uid, gid = 12345, 23456
		}
		if err := errors.Join(os.Chown(path, uid, gid), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		got, err := f.Set("log.level", json.RawMessage(`"debug"`), base(t, f))
		if err != nil || len(got.Warnings) > 0 {
			t.Fatal(got, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); info.Mode() != mode || int(owner.Uid) != uid || int(owner.Gid) != gid {
			t.Errorf("got %v of %d:%d, want %v of %d:%d", info.Mode(), owner.Uid, owner.Gid, mode, uid, gid)
		}
	}
}

func TestOtherHardLinksAreTold(t *testing.T) {
	f, path := onDisk(t, small)
	if err := os.Link(path, filepath.Join(filepath.Dir(path), "other")); err != nil {
		t.Fatal(err)
	}
	got, err := f.Set("log.level", json.RawMessage(`"debug"`), base(t, f))
	if err != nil || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "hard links") {
		t.Errorf("got %v, %v", got.Warnings, err)
	}
}

// Nobody who looks for configuration files finds the one that is being written.
func TestTheFileBesideIsHiddenAndNoYAML(t *testing.T) {
	f, path := onDisk(t, small)
	seen := 0
	f.disk.rename = func(from, to string) error {
		seen++
		found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.yaml"))
		if err != nil || !slices.Equal(found, []string{path}) || filepath.Base(from)[0] != '.' {
			t.Errorf("%s is found: %v %v", from, found, err)
		}
		if info, err := os.Stat(from); err != nil || info.Mode() != 0o640 {
			t.Errorf("%v %v", info, err)
		}
		return os.Rename(from, to)
	}
	if _, err := f.Set("log.level", json.RawMessage(`"debug"`), base(t, f)); err != nil || seen != 1 {
		t.Error(err, seen)
	}
}

func TestWhatChangesNothingAndWhatIsOnlyTriedWritesNothing(t *testing.T) {
	f, path := onDisk(t, small)
	f.disk.rename = func(string, string) error {
		t.Error("the file was written")
		return nil
	}
	o := base(t, f)
	got, err := f.Patch(json.RawMessage(`{"log": {"level": "info"}}`), o)
	if err != nil || len(got.Changed) > 0 || got.Hash != o.Base {
		t.Errorf("the same: got %+v, %v", got, err)
	}
	o.Dry = true
	got, err = f.Patch(json.RawMessage(`{"log": {"level": "debug"}}`), o)
	if err != nil || !slices.Equal(got.Changed, []string{"log.level"}) || got.Hash == o.Base {
		t.Errorf("dry: got %+v, %v", got, err)
	}
	if contentOf(t, path) != small {
		t.Errorf("the file says %s", contentOf(t, path))
	}
}

func TestWhatCannotBeWrittenSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"f.json", "f.jsonc", "f.json5"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("{\"log\": {\"level\": \"info\"}, /* x */ }"), 0o600); err != nil {
			t.Fatal(err)
		}
		f := File{Source: config.Find(path, noEnv), Secrecy: config.SecrecyOf(config.SchemaParts{})}
		got, err := f.Get("log.level")
		if err != nil || string(got.Value) != `"info"` {
			t.Errorf("%s: got %s, %v", name, got.Value, err)
		}
		_, err = f.Set("log.level", json.RawMessage(`"debug"`), Options{Base: got.Hash})
		if !errors.Is(err, ErrReadOnly) || !strings.Contains(fmt.Sprint(err), "edit it by hand") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	t.Chdir(dir)
	f := File{Source: config.Find("", noEnv)}
	got, err := f.Get("gateway")
	if err != nil || got.Line == 0 {
		t.Errorf("the embedded default: got %+v, %v", got, err)
	}
	_, err = f.Set("log.level", json.RawMessage(`"debug"`), Options{Base: got.Hash})
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(fmt.Sprint(err), "gateway init") {
		t.Errorf("the embedded default: got %v", err)
	}
}

const large = "# all\na: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: {g: 7, h: 8}\n"

func TestAWriteThatLosesMostOfTheFileNeedsForce(t *testing.T) {
	for _, tt := range []struct {
		name, content, path, given string
		refused                    bool
	}{
		{"all but one setting of many", large, "", `{"a": 1}`, true},
		{"all but half of many", large, "", `{"a": 1, "b": 2, "c": 3, "d": 4}`, false},
		{"most settings, though comments stay", large + "# " + strings.Repeat("x", 500) + "\n", "", `{"a": 1}`, true},
		{"all but one of a few", "a: 1\nb: 2\nc: 3\nd: 4\n", "", `{"a": 1}`, false},
		{"settings are as many but the text is gone", large + "z: " + strings.Repeat("x", 500) + "\n", "z", `"y"`, true},
		{"more settings than before", large, "x", `[1, 2]`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, path := onDisk(t, tt.content)
			o := base(t, f)
			_, err := f.Set(tt.path, json.RawMessage(tt.given), o)
			if errors.Is(err, ErrLoss) != tt.refused || err != nil && !tt.refused {
				t.Errorf("got %v, refused: %v", err, tt.refused)
			}
			if !tt.refused {
				return
			}
			if contentOf(t, path) != tt.content {
				t.Error("the file was written")
			}
			o.Force = true
			if _, err := f.Set(tt.path, json.RawMessage(tt.given), o); err != nil {
				t.Errorf("with force: %v", err)
			}
		})
	}
}

func TestAResultThatIsNotValidIsNotWritten(t *testing.T) {
	f, path := onDisk(t, small)
	f.Check = func(content []byte) config.Problems {
		var problems config.Problems
		if _, err := config.Load(f.Source.With(content), nil); err != nil {
			errors.As(err, &problems)
		}
		return problems
	}
	_, err := f.Patch(json.RawMessage(`{"log": {"level": "loud", "colour": 1}}`), base(t, f))
	var problems config.Problems
	if !errors.Is(err, ErrInvalid) || !errors.As(err, &problems) || len(problems) != 2 || problems[0].Path != "log.level" {
		t.Errorf("got %v", err)
	}
	if contentOf(t, path) != small {
		t.Errorf("the file was written: %s", contentOf(t, path))
	}
	if _, err := f.Patch(json.RawMessage(`{"log": {"level": "warn"}}`), base(t, f)); err != nil {
		t.Errorf("a valid one: %v", err)
	}
	f.Check = nil
	if _, err := f.Set("agents.x.system", json.RawMessage(`"`+strings.Repeat("x", config.MaxFile)+`"`), base(t, f)); !errors.Is(err, ErrInvalid) {
		t.Errorf("a file without end: %v", err)
	}
}
