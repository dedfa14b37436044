package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"holdfast/channels"
)

func TestARecordThatIsCutAnywhereInItsHeaderIsTold(t *testing.T) {
	it := item{
		Record: Record{
			Kind: Arrivals, State: Dead, Account: "a:1", Conversation: "c", Outcome: "o", Reason: "r", Attempts: 300,
			At: time.Unix(1, 0).UTC(), Ended: time.Unix(2, 0).UTC(),
		},
		origin: 300, written: 300,
	}
	header := it.appendTo(nil)
	for i := range header {
		if _, err := readItem(nil, 1, header[:i]); !errors.Is(err, errTorn) {
			t.Errorf("of %d bytes %d are there: %v", len(header), i, err)
		}
	}
	for i := range 2 {
		odd := bytes.Clone(header)
		odd[i] = '?'
		if _, err := readItem(nil, 1, odd); err == nil {
			t.Errorf("letter %d is not known, and nobody says so", i)
		}
	}
	if got, err := readItem(nil, 1, header); err != nil || got.Reason != "r" || got.written != 300 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAContentThatIsCutIsTold(t *testing.T) {
	request := item{Record: Record{Kind: Requests, Seq: 7}, payload: encodeRequest(channels.Request{ID: "r1", Body: []byte("body")})}
	head := len(request.payload) - len("body")
	for i := range head {
		cut := item{Record: request.Record, payload: request.payload[:i]}
		if _, err := cut.request(); err == nil {
			t.Errorf("of %d bytes %d are there, and nobody says so", head, i)
		}
		if _, err := cut.content(); (err == nil) != (i == 0) { // an item without a payload has none to show
			t.Errorf("of %d bytes %d are there: %v", head, i, err)
		}
	}
	spoilt := item{Record: request.Record, payload: bytes.Replace(request.payload, []byte("{"), []byte("x"), 1)}
	if _, err := spoilt.request(); err == nil {
		t.Error("what is no JSON is taken")
	}
	if text, err := request.content(); err != nil || !json.Valid(text) || !bytes.Contains(text, []byte(`"r1"`)) {
		t.Errorf("it is shown as %q, %v", text, err)
	}
	if _, err := (&item{payload: []byte("{")}).arrival(); err == nil {
		t.Error("half an arrival is taken")
	}
	if _, err := (&item{payload: []byte("{")}).reply(); err == nil {
		t.Error("half a reply is taken")
	}
}

func TestAKeyThatNamesNothingIsTold(t *testing.T) {
	for _, key := range []string{"", "q", "qa", "q?a:1\x00", "qaa:1"} {
		if q, err := queueOf([]byte(key)); err == nil {
			t.Errorf("%q is taken for %+v", key, q)
		}
	}
	for n := range 8 {
		if _, err := seqAt(make([]byte, n)); err == nil {
			t.Errorf("a number is read from %d bytes", n)
		}
		if _, _, err := queueEntry(make([]byte, n)); err == nil {
			t.Errorf("an entry of a queue is read from %d bytes", n)
		}
	}
	for prefix, want := range map[string]string{"ab": "ac", "a\xff": "b", "a\xff\xff": "b"} {
		if got := string(after([]byte(prefix))); got != want {
			t.Errorf("after %q comes %q, want %q", prefix, got, want)
		}
	}
	for name, key := range map[string][]byte{"an item": {spaceItem, 1}, "the books": {spaceBooks, 'a'}, "a queue": {spaceQueue, 'a'}} {
		b := filled(t)
		if err := b.s.db.Set(key, []byte("{}"), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		if reads["everything"](b.s.db) == nil {
			t.Errorf("a key of %s is cut, and nobody says so", name)
		}
		if err := reads["a list"](b.s.db); (err != nil) != (name == "an item") {
			t.Errorf("a key of %s is cut, and a list says %v", name, err)
		}
	}
}

func TestAListIsOfTheKindThatIsAskedFor(t *testing.T) {
	b := filled(t)
	for kind, want := range map[Kind]int{"": 2, Arrivals: 2, Replies: 0} {
		if got := list(b.s.db, List{Kind: kind}); len(got.Records) != want || got.Err != nil {
			t.Errorf("%q: %d records, %v; want %d", kind, len(got.Records), got.Err, want)
		}
	}
}

func TestTheBooksOfTwoNamesBecomeOne(t *testing.T) {
	for name, c := range map[string]struct {
		pending, old uint64 // how many are pending
		want         uint64 // below which nothing is
	}{
		"both have something pending": {1, 1, 3},
		"only the old one has":        {0, 1, 3},
		"only the new one has":        {1, 0, 5},
	} {
		t.Run(name, func(t *testing.T) {
			b := books{Counters: Counters{Created: 2 + c.pending, Done: 2, Pending: c.pending, Outcomes: map[string]uint64{"x": 2}}, floor: 5}
			b.unite(&books{Counters: Counters{Created: 3 + c.old, Done: 1, Dead: 1, Expired: 1, Pending: c.old, Outcomes: map[string]uint64{"x": 1}}, floor: 3})
			if b.floor != c.want || !b.balances() || b.Created != 5+c.pending+c.old || b.Outcomes["x"] != 3 || !b.dirty || !b.stale {
				t.Errorf("%+v", b)
			}
		})
	}
}

func TestTheOldestIsLookedForWhenItHasEnded(t *testing.T) {
	var b books
	b.created(3, time.Unix(3, 0))
	b.created(4, time.Unix(4, 0))
	if b.ended(4, Done, ""); b.stale {
		t.Error("another one has ended, and the oldest is looked for")
	}
	if b.ended(3, Done, ""); !b.stale {
		t.Error("the oldest has ended, and is not looked for")
	}
	if len(b.Outcomes) != 0 {
		t.Errorf("no word is counted as %v", b.Outcomes)
	}
}

func TestABallastIsWholeOrNotThere(t *testing.T) {
	const size = 3 << 20
	for _, preallocates := range []bool{true, false} {
		var f nth
		for n := int64(1); ; n++ {
			mem := files(t)
			disk := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if !preallocates && op.Kind == errorfs.OpFilePreallocate {
					return errorfs.ErrInjected
				}
				return f.MaybeError(op)
			}))
			b := &ballast{fs: disk, dir: attic, size: size}
			f.n.Store(n)
			err := b.make()
			left := f.n.Swap(0)
			if info, gone := mem.Stat(b.path()); err == nil && (gone != nil || !preallocates && info.Size() != size) {
				t.Errorf("operation %d fails, and a ballast that is made is %+v, %v", n, info, gone)
			}
			if err != nil && b.there() {
				t.Errorf("operation %d fails (%v), and there is a part of a ballast", n, err)
			}
			if left > 0 {
				break
			}
		}
	}
}

func TestABallastIsMadeAndGivenOnce(t *testing.T) {
	var f nth
	mem := files(t, ballastName)
	b := &ballast{fs: errorfs.Wrap(mem, &f), dir: attic, size: 1 << 20}
	if err := b.make(); err != nil {
		t.Fatal(err)
	}
	if info, err := mem.Stat(b.path()); err != nil || info.Size() != 0 {
		t.Errorf("what was there is made again: %+v, %v", info, err)
	}
	f.n.Store(1)
	if err := b.give(); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("it could not be given, and what comes of it is %v", err)
	}
	for range 2 {
		if err := b.give(); err != nil || b.there() {
			t.Errorf("%v, there: %t", err, b.there())
		}
	}
}

func TestAFolderThatIsMadeIsThereAfterALossOfPower(t *testing.T) {
	mem := vfs.NewCrashableMem()
	if err := makeDir(mem, "attic/box/bag"); err != nil {
		t.Fatal(err)
	}
	if _, err := mem.CrashClone(vfs.CrashCloneCfg{}).Stat("attic/box/bag"); err != nil {
		t.Error(err)
	}
	var f nth
	f.each(t, func() error {
		// A look that fails is taken for none: the folder is made, whether it is there or not.
		disk := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == errorfs.OpStat {
				return nil
			}
			return f.MaybeError(op)
		}))
		return makeDir(disk, "attic/box")
	})
}

func TestATakeOfWhatIsTornIsTold(t *testing.T) {
	queue := Queue{Arrivals, "a:1"}
	for name, c := range map[string]struct {
		key, value []byte
		ask        Take
	}{
		"an item is no item":           {itemKey(1), []byte("x"), Take{Queue: queue, Max: 5}},
		"an item has no content":       {itemKey(1), (&item{Record: Record{Kind: Arrivals, State: Pending, Account: "a:1"}}).appendTo(nil), Take{Queue: queue, Max: 5}},
		"an item is not there":         {queueKey(queue, 99), appendQueueEntry(nil, time.Unix(1, 0), "c"), Take{Queue: queue, Max: 5}},
		"an entry has no time":         {queueKey(queue, 1), []byte("x"), Take{Queue: queue, Max: 5, Skip: []string{"d"}}},
		"a lane's item is not there":   {laneKey(queue, "c", 99), nil, Take{Queue: queue, Max: 5, Conversation: "c"}},
		"a skipped one of a lane's is": {laneKey(queue, "c", 99), nil, Take{Queue: queue, Max: 5, Conversation: "c", Skip: []string{"d"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := filled(t)
			if got := b.s.take(c.ask); got.Err != nil || len(got.Arrivals) != 2 {
				t.Fatalf("before: %+v", got)
			}
			if err := b.s.db.Set(c.key, c.value, pebble.NoSync); err != nil {
				t.Fatal(err)
			}
			if got := b.s.take(c.ask); got.Err == nil {
				t.Errorf("took %+v", got)
			}
		})
	}
}

func TestAStepThatMeetsWhatIsTornFailsAsAWhole(t *testing.T) {
	reply := func() *item {
		return &item{Record: Record{Kind: Replies, State: Pending, Account: "a:1"}, payload: []byte("{")}
	}
	dead := func() *item {
		it := reply()
		it.State = Dead
		return it
	}
	for name, c := range map[string]struct {
		it   *item
		step func(*stage) error
	}{
		"an attempt":  {reply(), func(g *stage) error { g.attempt(Attempt{Seq: 1}); return g.err }},
		"a resending": {dead(), func(g *stage) error { _, err := g.resend(1); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			b := filled(t)
			if err := b.s.db.Set(itemKey(1), c.it.appendTo(nil), pebble.NoSync); err != nil {
				t.Fatal(err)
			}
			g := newStage(b.s, b.now)
			g.begin()
			if err := c.step(g); err == nil {
				t.Error("it is taken for done")
			}
		})
	}
}
