package journal_test

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/channels"
)

// BenchmarkAccept measures how many requests of 1 KiB 256 producers get accepted per second, each waiting for its own answer,
// and beside it in the same run what the bare store does with the same bytes, each producer syncing by itself.
func BenchmarkAccept(b *testing.B) {
	const producers = 256
	body := bytes.Repeat([]byte("x"), 1<<10)
	var own, bare float64
	for b.Loop() {
		own = perSecond(producers, acceptor(b, body))
		bare = perSecond(producers, setter(b, body))
	}
	b.ReportMetric(own, "accepts/s")
	b.ReportMetric(bare, "bare/s")
	b.ReportMetric(own/bare, "ratio")
}

// perSecond runs one for two seconds from n producers.
func perSecond(n int, one func()) float64 {
	var count atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range n {
		wg.Go(func() {
			for time.Since(began) < 2*time.Second {
				one()
				count.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(count.Load()) / time.Since(began).Seconds()
}

func acceptor(b *testing.B, body []byte) func() {
	b.Helper()
	w := start(b, journal.Options{Dir: b.TempDir(), Log: zerolog.Nop()})
	b.Cleanup(w.close)
	return func() {
		m := journal.Accept{Account: home, Requests: []channels.Request{{Form: channels.FormWebhook, Body: body}}}
		if a, err := w.sys.TryAsk(w.at, m, 0, time.Minute); err != nil || a.(journal.Accepted).Err != nil {
			b.Error(a, err)
		}
	}
}

func setter(b *testing.B, body []byte) func() {
	b.Helper()
	db, err := pebble.Open(filepath.Join(b.TempDir(), "bare"), &pebble.Options{MemTableSize: 32 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	var last atomic.Uint64
	return func() {
		if err := db.Set(binary.BigEndian.AppendUint64(nil, last.Add(1)), body, pebble.Sync); err != nil {
			b.Error(err)
		}
	}
}
