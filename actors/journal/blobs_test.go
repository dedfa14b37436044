package journal_test

import (
	"bytes"
	"io"
	"testing"

	"holdfast/actors/journal"
)

func TestAttachmentsGoWithTheirLastPin(t *testing.T) {
	w := open(t)
	blobs := w.store.Blobs()
	put := func() string {
		hash, size, err := blobs.Put(bytes.NewReader([]byte("picture")), 100)
		if err != nil || size != 7 {
			t.Fatal(hash, size, err)
		}
		return hash
	}
	there := func(hash string) bool {
		f, err := blobs.Open(hash)
		if err != nil {
			return false
		}
		text, err := io.ReadAll(f)
		_ = f.Close()
		return err == nil && string(text) == "picture"
	}
	if _, _, err := blobs.Put(bytes.NewReader(make([]byte, 101)), 100); err == nil {
		t.Fatal("more than the bound was kept")
	}
	hash := put()
	seqs := w.mustCommit(home, arrival("m1", "c1"), arrival("m2", "c1"))
	w.mustCommit(home, journal.Pin{Seq: seqs[0], Blob: hash})
	put()
	w.mustCommit(home, journal.Pin{Seq: seqs[1], Blob: hash})
	w.mustCommit(home, done(journal.Arrivals, seqs[0], "answered"))
	w.accept(home, 1) // a sync: what waits for one is done now
	if !there(hash) {
		t.Fatal("it went while a pin held it")
	}
	put() // somebody is about to pin it
	w.mustCommit(home, done(journal.Arrivals, seqs[1], "answered"))
	w.accept(home, 1)
	w.settle()
	if !there(hash) {
		t.Fatal("it went between being put and being pinned")
	}
	last := w.mustCommit(home, arrival("m3", "c1"))[0]
	w.mustCommit(home, journal.Pin{Seq: last, Blob: hash})
	w.mustCommit(home, done(journal.Arrivals, last, "answered"))
	w.accept(home, 1)
	eventually(t, "the attachment goes", func() bool { return !there(hash) })
}
