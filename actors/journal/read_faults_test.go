package journal

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"holdfast/channels"
)

var errDisk = errors.New("the disk does not read")

// brittle is a store of which one read fails: the nth.
type brittle struct {
	pebble.Reader
	n int
}

func (b *brittle) Get(key []byte) ([]byte, io.Closer, error) {
	if b.n--; b.n == 0 {
		return nil, nil, errDisk
	}
	return b.Reader.Get(key)
}

func (b *brittle) NewIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	if b.n--; b.n == 0 {
		return nil, errDisk
	}
	return b.Reader.NewIter(o)
}

// reads are all that is read from a store, each with what it says is wrong.
var reads = map[string]func(pebble.Reader) error{
	"the numbers and the books": func(r pebble.Reader) error { _, _, err := load(r); return err },
	"the format":                func(r pebble.Reader) error { _, err := formatOf(r); return err },
	"the renames":               func(r pebble.Reader) error { _, err := readNames(r); return err },
	"who holds a blob":          func(r pebble.Reader) error { _, err := heldBy(r, hashed("a")); return err },
	"a list":                    func(r pebble.Reader) error { return list(r, List{}).Err },
	"an item":                   func(r pebble.Reader) error { return show(r, Show{Seq: 1}).Err },
	"everything": func(r pebble.Reader) error {
		v := verify(r)
		if v.Err == nil && len(v.Faults) > 0 {
			return fmt.Errorf("faults %q", v.Faults)
		}
		return v.Err
	},
}

// filled is a store with something of everything.
func filled(t *testing.T) *bench {
	b := newBench(t)
	for _, id := range []string{"m1", "m2"} {
		b.commit(AddArrival{Keep: time.Hour, Arrival: channels.Arrival{
			Account: "a:1", ID: id, Kind: channels.Message, Conversation: "c", At: b.now,
		}})
	}
	b.commit(Pin{Seq: 1, Blob: hashed("a"), Keep: time.Hour}, SetState{Name: "x", Value: []byte("y")})
	b.turn(func(g *stage) { g.named("a:0", "a:1") })
	return b
}

func TestAReadThatFailsIsTold(t *testing.T) {
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			b := filled(t)
			for n := 1; ; n++ {
				r := &brittle{b.s.db, n}
				err := read(r)
				if r.n > 0 {
					if err != nil || n == 1 {
						t.Errorf("with %d reads that are well: %v", n-1, err)
					}
					return
				}
				if !errors.Is(err, errDisk) {
					t.Errorf("read %d fails, and what comes of it is %v", n, err)
				}
			}
		})
	}
}

func TestAValueThatIsTornIsTold(t *testing.T) {
	for name, space := range map[string]byte{
		"an item": spaceItem, "the books": spaceBooks, "an entry of a queue": spaceQueue, "the last number": spaceLast,
		"a rename": spaceName, "the format": spaceFormat,
	} {
		t.Run(name, func(t *testing.T) {
			b := filled(t)
			var key, whole []byte
			if err := walk(b.s.db, []byte{space}, nil, func(k, v []byte) (bool, error) {
				key, whole = append(key, k...), append(whole, v...)
				return false, nil
			}); err != nil || key == nil {
				t.Fatalf("there is none: %v", err)
			}
			if err := b.s.db.Set(key, whole[:min(1, len(whole)-1)], pebble.NoSync); err != nil {
				t.Fatal(err)
			}
			told := 0
			for _, read := range reads {
				if read(b.s.db) != nil {
					told++
				}
			}
			if told == 0 {
				t.Errorf("%q is torn, and nobody says so", key)
			}
		})
	}
}
