package config

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// MaxFile is the largest configuration file, in bytes: room for some ten thousand accounts.
const MaxFile = 4 << 20

// Names under which a configuration is found.
const (
	EnvConfig = "HOLDFAST_CONFIG" // names the file
	HereFile  = "holdfast.yaml"   // taken from the working folder when nothing else is said
)

//go:embed default.yaml
var defaultYAML []byte

// Source says where a configuration comes from. Make it with Find; one Source serves every reload of a process, so
// that the hashes of its loads can be compared.
type Source struct {
	Path string // as the operator named it; empty: the embedded default
	By   string // who named it: "-c", "HOLDFAST_CONFIG", "./holdfast.yaml" or "the embedded default"

	candidate []byte // stands for the content of the file when it is not nil
	key       []byte // of Config.Hash
}

// Find picks the source: the flag's file, else the one that HOLDFAST_CONFIG names, else holdfast.yaml in the working
// folder, else the embedded default. A file that was named and is not there is a problem of Load, never a reason to
// take the next one.
func Find(flag string, getenv func(string) string) Source {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if flag != "" {
		return Source{Path: flag, By: "-c", key: key}
	}
	if named := getenv(EnvConfig); named != "" {
		return Source{Path: named, By: EnvConfig, key: key}
	}
	if _, err := os.Lstat(HereFile); !errors.Is(err, fs.ErrNotExist) {
		return Source{Path: HereFile, By: "./" + HereFile, key: key}
	}
	return Source{By: "the embedded default", key: key}
}

// With returns the source with other content at the same place: a candidate that is to be checked before it is saved.
func (s Source) With(content []byte) Source {
	s.candidate = append([]byte{}, content...)
	return s
}

// At returns a source that stands at another place: a candidate in a file of its own.
func (s Source) At(path string) Source {
	s.Path, s.By, s.candidate = path, "the caller", nil
	return s
}

func (s Source) String() string {
	if s.Path == "" {
		return s.By
	}
	return fmt.Sprintf("%s (named by %s)", s.Path, s.By)
}

// folder is where relative paths of the file start: its own folder, else the working folder.
func (s Source) folder() string { return filepath.Dir(s.Path) }

// read returns the content.
func (s Source) read(seen *seen) ([]byte, Problems) {
	data, fault := seen.content(s)
	return data, s.judge(data, fault)
}

// raw is what is there, and what is wrong with the file that should be.
func (s Source) raw() (data []byte, fault string) {
	switch {
	case s.candidate != nil:
		return s.candidate, ""
	case s.Path == "":
		return defaultYAML, ""
	}
	return readBounded(s.Path, MaxFile)
}

// judge says what is wrong with what was read.
func (s Source) judge(data []byte, fault string) Problems {
	switch {
	case fault == tooLarge(MaxFile) || len(data) > MaxFile:
		return Problems{{
			File: s.Path, Got: "a file that " + tooLarge(MaxFile),
			Want: fmt.Sprintf("files of at most %d MiB each: include takes several, up to %d MiB in all", MaxFile>>20, MaxContent>>20),
		}}
	case fault != "":
		return Problems{{
			File: s.Path, Got: "a file that " + fault,
			Want: "a readable configuration file: correct -c or " + EnvConfig + ", or make one with gateway init",
		}}
	}
	return nil
}

// readBounded reads a regular file of at most limit bytes. The fault completes "a file that …" and holds nothing of
// the content.
func readBounded(path string, limit int64) (data []byte, fault string) {
	info, err := os.Stat(path) // before Open, which would wait for the writer of a pipe
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "does not exist"
	case err != nil:
		return nil, "cannot be looked at"
	case !info.Mode().IsRegular():
		return nil, "is not a regular file"
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "cannot be opened: give this user the right to read it"
	}
	defer f.Close()
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, "cannot be read"
	case int64(len(data)) > limit:
		return nil, tooLarge(limit)
	}
	return data, ""
}

// tooLarge is the fault of a file that has more than limit bytes.
func tooLarge(limit int64) string { return fmt.Sprintf("is larger than %d KiB", limit>>10) }
