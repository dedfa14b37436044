package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
)

// seen is what a load has met outside of itself: the content of files or why there was none, what patterns stood for,
// settings from the environment, what references stood for. Its sum is keyed, so that it says only whether two loads of one
// source met the same: what it covers may be a short password.
type seen struct {
	key   []byte
	mac   hash.Hash
	known map[string]bool
	paths []string // files and folders, there or not, in the order in which they were looked for
	facts []fact   // in the order in which they were met
}

func newSeen(key []byte) *seen {
	return &seen{key: key, mac: hmac.New(sha256.New, key), known: map[string]bool{}}
}

// note adds parts to the sum. No two lists of parts look alike in it.
func (s *seen) note(parts ...string) {
	for _, part := range parts {
		put(s.mac, []byte(part))
	}
}

// put writes a part with its length; a hash takes everything.
func put(to hash.Hash, part []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(part)))
	to.Write(length[:])
	to.Write(part)
}

// met adds a fact, to the sum as well.
func (s *seen) met(f fact, data []byte, more ...string) {
	f.sum = fingerprint(s.key, data, more...)
	s.note("fact", string(rune(f.about)), f.name, string(f.sum[:]))
	s.facts = append(s.facts, f)
}

// look remembers a file or folder that the load depends on.
func (s *seen) look(path string) {
	if path != "" && !s.known[path] {
		s.known[path] = true
		s.paths = append(s.paths, path)
	}
}

// content reads the source. The fault completes "a file that …".
func (s *seen) content(src Source) (data []byte, fault string) {
	s.look(src.Path)
	data, fault = src.raw()
	s.met(fact{about: aboutContent}, data, fault)
	return data, fault
}

// file reads a file of at most limit bytes. The fault completes "a file that …".
func (s *seen) file(path string, limit int64) (data []byte, fault string) {
	s.look(path)
	data, fault = readBounded(path, limit)
	s.met(fact{about: aboutFile, name: path, limit: limit}, data, fault)
	return data, fault
}

// pattern finds the files that a pattern stands for, as an expansion does.
func (s *seen) pattern(folder, written string) (found []string, fault, want string) {
	x := expansion{}
	found, fault, want = x.files(folder, written)
	for _, path := range x.looked {
		s.look(path)
	}
	s.met(fact{about: aboutPattern, folder: folder, name: written}, []byte(fault), slices.Concat(found, []string{""}, x.looked)...)
	return found, fault, want
}

func (s *seen) sum() string { return hex.EncodeToString(s.mac.Sum(nil)) }
