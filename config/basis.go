package config

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Basis is what a load rests on, as far as it lies outside of the load: which files were read and what was in them, what
// patterns stood for, the environment. It is never changed, and holds fingerprints in place of what was read.
type Basis struct {
	path    string // of the source
	environ [sha256.Size]byte
	facts   []fact
	hash    string
	files   []string
}

// Look is what a load of the source would rest on now: known itself as long as nothing is other than it was then. Looking
// again at what has not changed reads files and does no more. known may be nil.
func Look(src Source, environ []string, known *Basis) *Basis {
	if known.holds(src, environ) {
		return known
	}
	r, _ := read(src, environ)
	return r.basis(src, environ)
}

// Hash is as in Config. It exists also for a configuration with faults, so that the same faults need not be told twice and
// their repair is noticed.
func (b *Basis) Hash() string { return b.hash }

// Files are as in Config, likewise.
func (b *Basis) Files() []string { return b.files }

// Holds tells whether a load of the source would meet now what the load of this Config met. It reads files and does no more.
func (c *Config) Holds(src Source, environ []string) bool { return c.basis.holds(src, environ) }

// Basis is what the Config rests on.
func (c *Config) Basis() *Basis { return c.basis }

// holds goes over the facts in the order of the load. What a load reads follows from what it has read before, so where all
// are as they were, there is nothing else to read.
func (b *Basis) holds(src Source, environ []string) bool {
	if b == nil || src.Path != b.path {
		return false
	}
	if set := fingerprint(src.key, nil, environ...); !hmac.Equal(set[:], b.environ[:]) {
		return false
	}
	for _, f := range b.facts {
		now := newSeen(src.key)
		switch f.about {
		case aboutContent:
			now.content(src)
		case aboutFile:
			now.file(f.name, f.limit)
		case aboutPattern:
			now.pattern(f.folder, f.name)
		}
		if !hmac.Equal(now.facts[0].sum[:], f.sum[:]) {
			return false
		}
	}
	return true
}

// fingerprint is keyed as Config.Hash is. No two lists of parts have the same.
func fingerprint(key, first []byte, more ...string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, key)
	put(mac, first)
	for _, part := range more {
		put(mac, []byte(part))
	}
	mac.Sum(sum[:0])
	return sum
}

// fact is one thing that a load looked at, and a keyed fingerprint of what was there or why there was nothing.
type fact struct {
	about  about
	folder string // where a relative pattern starts
	name   string // of the file, or the pattern
	limit  int64  // bytes of the file
	sum    [sha256.Size]byte
}

// about is what a fact is about.
type about uint8

const (
	aboutContent about = iota // the content of the source itself
	aboutFile                 // the content of another file
	aboutPattern              // the files that a pattern stands for
)
