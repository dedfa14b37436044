package journal_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/rs/zerolog"

	"holdfast/actors/journal"
)

func TestAFormatThatIsNotKnownIsRefused(t *testing.T) {
	for name, write := range map[string][2]string{
		"a later version":     {"V", "3"},
		"something else's db": {"x", "y"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db, err := pebble.Open(filepath.Join(dir, "journal"), &pebble.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Set([]byte(write[0]), []byte(write[1]), pebble.Sync), db.Close()); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the refusal leaves the folder free and unchanged
				_, err = journal.Open(journal.Options{Dir: dir, Log: zerolog.Nop()})
				mustErr(t, err, journal.ErrVersion)
			}
			_, err = journal.OpenRead(dir)
			mustErr(t, err, journal.ErrVersion)
		})
	}
}

// A gateway of the older version would misread what this one writes, so the first look with this one ends that.
func TestAJournalOfTheOlderFormatIsReadAndTakenOver(t *testing.T) {
	dir := t.TempDir()
	w := start(t, journal.Options{Dir: dir, Log: zerolog.Nop()})
	w.mustCommit(home, arrival("m1", "c1"), journal.SetState{Conversation: "c1", Name: "history", Value: []byte("h")})
	w.close()
	version(t, dir, "1")
	r, err := journal.OpenRead(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.List(journal.List{Kind: journal.Arrivals}); got.Err != nil || len(got.Records) != 1 {
		t.Errorf("listed %+v", got)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := version(t, dir, ""); got != "1" {
		t.Errorf("reading makes it version %q", got)
	}
	w = start(t, journal.Options{Dir: dir, Log: zerolog.Nop()})
	if v := ask[journal.Values](w, journal.GetState{Account: home, Conversation: "c1"}).Values; string(v["history"]) != "h" {
		t.Errorf("got %q", v)
	}
	w.verify()
	w.close()
	if got := version(t, dir, ""); got != "2" {
		t.Errorf("it is version %q", got)
	}
}

// version tells which format a journal that nobody has open says it has, after writing another one, if there is one.
func version(t *testing.T, dir, other string) string {
	t.Helper()
	db, err := pebble.Open(filepath.Join(dir, "journal"), &pebble.Options{FormatMajorVersion: pebble.FormatValueSeparation})
	if err != nil {
		t.Fatal(err)
	}
	if other != "" {
		err = db.Set([]byte("V"), []byte(other), pebble.Sync)
	}
	got, closer, err2 := db.Get([]byte("V"))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	out := string(got)
	if err := errors.Join(closer.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return out
}
