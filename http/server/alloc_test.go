//go:build !race

package server

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/valyala/fasthttp/fasthttputil"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
)

// mostAllocations is how many pieces of memory one request may take from the accepted connection to the journal: the body, the
// list of requests, the step that holds it, and one of the library's.
const mostAllocations = 4

// TestARequestTakesFewAllocations counts over a connection in memory, with a journal that takes everything at once and takes no
// memory for it. Under the race detector other things allocate, so it is left out there.
func TestARequestTakesFewAllocations(t *testing.T) {
	wire := fasthttputil.NewInmemoryListener()
	newEdge(t, func(o *setup) {
		o.Listener = wire
		o.Journal = instant(t, o.System)
	})
	conn, err := wire.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw := []byte(post("/hook", `{"id":1,"text":"`+strings.Repeat("x", 500)+`"}`))
	answer := make([]byte, 4096)
	one := func() {
		if _, err := conn.Write(raw); err != nil {
			t.Error(err)
		}
		for n := 0; !bytes.HasSuffix(answer[:n], []byte("\r\n\r\nok\n")); {
			got, err := io.ReadAtLeast(conn, answer[n:], 1)
			if err != nil {
				t.Fatal(err)
			}
			n += got
		}
	}
	const ofTheAnswer = 1 // the effect by which the journal answers; the append is behind it
	if got := testing.AllocsPerRun(2000, one) - ofTheAnswer; got > mostAllocations {
		t.Errorf("a request takes %.0f allocations, at most %d", got, mostAllocations)
	}
}

// instant is in the journal's place. What it answers is made once.
func instant(t *testing.T, sys *kit.System) kit.Addr {
	t.Helper()
	var accepted any = journal.Accepted{Seqs: []uint64{1}}
	effects := make([]kit.Effect, 1)
	at, err := sys.Start("instant", kit.Batch("instant", false, nil, func(c *kit.Context, ins []kit.In) {
		for _, in := range ins {
			effects[0] = kit.Answer{To: in.From, Msg: accepted}
			c.Do(effects...)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	return at
}
