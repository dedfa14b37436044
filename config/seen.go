package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// seen is what a load has met outside of itself: the content of files or why there was none, settings from the
// environment, what references stood for. Its sum is keyed, so that it says only whether two loads of one source met
// the same: what it covers may be a short password.
type seen struct {
	mac   hash.Hash
	known map[string]bool
	paths []string // files and folders, there or not, in the order in which they were looked for
}

func newSeen(key []byte) *seen {
	return &seen{mac: hmac.New(sha256.New, key), known: map[string]bool{}}
}

// note adds parts to the sum. No two lists of parts look alike in it.
func (s *seen) note(parts ...string) {
	for _, part := range parts {
		_ = binary.Write(s.mac, binary.BigEndian, uint64(len(part))) // a hash takes everything
		s.mac.Write([]byte(part))
	}
}

// look remembers a file or folder that the load depends on.
func (s *seen) look(path string) {
	if path != "" && !s.known[path] {
		s.known[path] = true
		s.paths = append(s.paths, path)
	}
}

// file reads a file of at most limit bytes. The fault completes "a file that …".
func (s *seen) file(path string, limit int64) (data []byte, fault string) {
	s.look(path)
	data, fault = readBounded(path, limit)
	s.note("file", path, string(data), fault)
	return data, fault
}

func (s *seen) sum() string { return hex.EncodeToString(s.mac.Sum(nil)) }
