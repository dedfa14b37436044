package journal_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/channels"
)

// holdEnv makes the test binary a process that holds the state folder of that name until its input ends.
const holdEnv = "JOURNAL_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		hold(dir)
		return
	}
	os.Exit(m.Run())
}

func hold(dir string) {
	s, err := journal.Open(journal.Options{Dir: dir, Log: zerolog.Nop()})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		os.Exit(1)
	}
}

func TestAStateFolderBelongsToOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holdEnv+"="+dir)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatal(line, err)
	}
	_, opened := journal.Open(journal.Options{Dir: dir, Log: zerolog.Nop()})
	_, read := journal.OpenRead(dir)
	for _, err := range []error{opened, read} {
		var locked journal.ErrLocked
		if !errors.As(err, &locked) || !strings.Contains(locked.Holder, fmt.Sprint("process ", child.Process.Pid)) {
			t.Fatalf("the refusal does not name process %d: %v", child.Process.Pid, err)
		}
	}
	_ = in.Close()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	s, err := journal.Open(journal.Options{Dir: dir, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(dir); err != nil || i.Mode().Perm() != 0o700 {
		t.Fatalf("the folder is for us alone: %v %v", i.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderThatCannotBeUsedIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(journal.Options{Dir: filepath.Join(file, "state"), Log: zerolog.Nop()})
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "gateway.stateDir") {
		t.Fatalf("got %v", err)
	}
	if _, err := journal.OpenRead(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
}

func TestReopeningGoesOnWhereItStood(t *testing.T) {
	fs := vfs.NewMem()
	w := start(t, inMemory(fs))
	seqs := w.accept(home, 3)
	w.mustCommit(home, done(journal.Requests, seqs[0], "interpreted"), arrival("m1", "c1"), journal.SetState{Name: "a", Value: []byte("1")})
	before := w.verify()
	w.close()
	w = start(t, inMemory(fs))
	defer w.close()
	after := w.verify()
	if len(after) != 2 || after[queue(journal.Requests, home)].Oldest != before[queue(journal.Requests, home)].Oldest {
		t.Fatalf("%+v, was %+v", after, before)
	}
	if next := w.accept(home, 1)[0]; next <= seqs[2]+1 {
		t.Fatalf("number %d was given before", next)
	}
	if added := w.mustCommit(home, arrival("m1", "c1")); added[0] != 0 {
		t.Fatal("a claim was lost")
	}
}

var update = flag.Bool("update", false, "write testdata/v1 again")

// TestAJournalOfVersion1IsReadForEver opens a journal that was written when the format was new.
func TestAJournalOfVersion1IsReadForEver(t *testing.T) {
	stored := filepath.Join("testdata", "v1")
	if *update {
		writeVersion1(t, stored)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(stored)); err != nil {
		t.Fatal(err)
	}
	r, err := journal.OpenRead(dir)
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Verify(); v.Err != nil || len(v.Faults) > 0 {
		t.Fatalf("%v %q", v.Err, v.Faults)
	}
	s, err := r.Stats()
	if err != nil || s.Queues[queue(journal.Arrivals, home)].Pending != 1 {
		t.Fatalf("%+v %v", s, err)
	}
	if l := r.List(journal.List{State: journal.Dead}); len(l.Records) != 1 || l.Records[0].Reason != "nobody was there" {
		t.Fatalf("%+v", l)
	}
	if s := r.Show(journal.Show{Seq: 1}); s.Err != nil || len(s.Payload) == 0 {
		t.Fatalf("%+v", s)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	w := start(t, journal.Options{Dir: dir, Log: zerolog.Nop()})
	defer w.close()
	w.verify()
	if added := w.mustCommit(home, arrival("m1", "c1")); added[0] != 0 {
		t.Fatal("its claims do not hold")
	}
	if a := ask[journal.Taken](w, journal.Take{Queue: queue(journal.Arrivals, home), Conversation: "c1", Max: 9}).Arrivals; len(a) != 1 || a[0].Text != "hello m1" {
		t.Fatalf("%+v", a)
	}
	if v := ask[journal.Values](w, journal.GetState{Account: home, Conversation: "c1"}).Values; string(v["history/1"]) != "hello" {
		t.Fatalf("%q", v)
	}
	if c := ask[journal.Cursor](w, journal.GetCursor{Account: home}).Value; string(c) != "cursor" {
		t.Fatalf("%q", c)
	}
	if o := ask[journal.OursAre](w, journal.Ours{Account: home, IDs: []string{"p1"}}).Replies; o["p1"] == 0 {
		t.Fatalf("%+v", o)
	}
}

func writeVersion1(t *testing.T, stored string) {
	t.Helper()
	if err := os.RemoveAll(stored); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// What was kept for a while must not be swept when the test runs years later.
	o := journal.Options{Dir: dir, Log: zerolog.Nop(), Now: func() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }}
	w := start(t, o)
	ask[journal.Accepted](w, journal.Accept{Account: home, Cursor: []byte("cursor"), Requests: []channels.Request{{Body: []byte("raw"), Ticket: true}, {}}})
	added := w.mustCommit(home, arrival("m1", "c1"), arrival("m1", "c1"), reply("c1", "sent"), reply("c1", "dead"),
		journal.SetState{Conversation: "c1", Name: "history/1", Value: []byte("hello")}, done(journal.Requests, 2, "interpreted"))
	w.mustCommit(home, journal.Attempt{Seq: added[2], Attempt: 1, At: time.Unix(0, 0)})
	w.mustCommit(home, journal.Receive{Seq: added[2], Conversation: "c1", Receipt: channels.Receipt{ID: "p1"}}, done(journal.Replies, added[2], "sent"),
		journal.End{Kind: journal.Replies, Seq: added[3], State: journal.Dead, Outcome: "refused", Reason: "nobody was there"})
	w.close()
	for _, name := range []string{"ballast", "lock"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(stored, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}

func TestTheJournalTakesNothingWhenTheDiskIsNearlyFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mib = 1 << 20
		var free atomic.Uint64
		free.Store(500 * mib)
		o := inMemory(vfs.NewMem())
		o.MinFree, o.Free = 100*mib, func(string) (uint64, error) { return free.Load(), nil }
		w := start(t, o)
		defer w.close()
		seqs := w.accept(home, 5)
		accepting := func(want bool) {
			t.Helper()
			time.Sleep(11 * time.Second) // a poll later
			got := ask[journal.Accepted](w, journal.Accept{Account: home, Requests: make([]channels.Request, 1)})
			if want {
				mustErr(t, got.Err, nil)
			} else {
				mustErr(t, got.Err, journal.ErrIntake)
			}
			s := w.sys.Snapshot(w.at).(journal.Statistics)
			if s.Accepting != want || (s.Why == "") != want || s.Free != free.Load() {
				t.Fatalf("snapshot %+v", s)
			}
		}
		ballast := func() bool { _, err := o.FS.Stat("state/ballast"); return err == nil }

		accepting(true)
		free.Store(99 * mib)
		accepting(false)
		w.mustCommit(home, done(journal.Requests, seqs[0], "interpreted"), arrival("m1", "c1"))
		free.Store(120 * mib)
		accepting(false) // it does not flap
		if !ballast() {
			t.Fatal("the ballast went too early")
		}
		free.Store(9 * mib)
		accepting(false)
		if ballast() {
			t.Fatal("the disk is full and the ballast is there")
		}
		w.mustCommit(home, done(journal.Requests, seqs[1], "interpreted"), arrival("m2", "c1"))
		free.Store(130 * mib)
		accepting(true)
		if ballast() {
			t.Fatal("the ballast came back and would close the intake again")
		}
		free.Store(200 * mib)
		accepting(true)
		if !ballast() {
			t.Fatal("there is room and no ballast")
		}
		w.verify()
	})
}

func TestMuchAtOnceIsAReasonToLookAtTheDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(much)
	o := inMemory(vfs.NewMem())
	o.Free = func(string) (uint64, error) { return free.Load(), nil }
	w := start(t, o)
	defer w.close()
	free.Store(1)
	large := journal.Accept{Account: home, Requests: []channels.Request{{Body: make([]byte, 5<<20)}}}
	mustErr(t, ask[journal.Accepted](w, large).Err, nil)
	mustErr(t, ask[journal.Accepted](w, large).Err, journal.ErrIntake)
}

func TestAtTheStartTheDiskIsLookedAtBeforeTheFirstRequest(t *testing.T) {
	o := inMemory(vfs.NewMem())
	o.Free = func(string) (uint64, error) { return 1 << 20, nil }
	w := start(t, o)
	defer w.close()
	got := ask[journal.Accepted](w, journal.Accept{Account: home, Requests: make([]channels.Request, 1)})
	mustErr(t, got.Err, journal.ErrIntake)
	if !strings.Contains(got.Err.Error(), "1 MiB free on the disk of state, 160 MiB needed") {
		t.Fatal(got.Err)
	}
}

func TestUnfinishedAndUnpinnedAttachmentsGoAtTheStart(t *testing.T) {
	fs := vfs.NewMem()
	w := start(t, inMemory(fs))
	hash, _, err := w.store.Blobs().Put(strings.NewReader("kept"), 10)
	if err != nil {
		t.Fatal(err)
	}
	seq := w.mustCommit(home, arrival("m1", "c1"))[0]
	w.mustCommit(home, journal.Pin{Seq: seq, Blob: hash})
	loose, _, err := w.store.Blobs().Put(strings.NewReader("loose"), 10)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fs.Create("state/blobs/abc.part", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w.close()
	w = start(t, inMemory(fs))
	defer w.close()
	names, err := fs.List("state/blobs")
	if err != nil || len(names) != 1 || names[0] != hash {
		t.Fatalf("%q %v; pinned %s, loose %s", names, err, hash, loose)
	}
}

func TestWhatWasWrittenIsForUsAloneInAStateFolderThatIsOpenToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := journal.Open(journal.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"journal", "blobs"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v; want mode 0700", name, info.Mode(), err)
		}
	}
}
