package journal

import (
	"testing"
	"time"

	"holdfast/channels"
)

// TestWhatWasReadIsReadFromMemoryTheNextTime: also when the tables for what is written have grown to their full size, which
// Pebble takes out of the cache. What Pebble does beside us may read as well, so a look without a read is awaited.
func TestWhatWasReadIsReadFromMemoryTheNextTime(t *testing.T) {
	b := newBench(t)
	request := channels.Request{Form: channels.FormWebhook, Body: make([]byte, 64<<10)}
	for range 4 * memTableSize / len(request.Body) {
		b.turn(func(g *stage) {
			if _, err := g.accept(Accept{Account: "a:1", Requests: []channels.Request{request}}); err != nil {
				t.Fatal(err)
			}
		})
	}
	look := func() (misses int64) {
		before := b.s.db.Metrics().BlockCache.Misses
		if taken := b.s.take(Take{Queue: Queue{Requests, "a:1"}, Max: 8}); len(taken.Requests) != 8 || taken.Err != nil {
			t.Fatalf("%d requests, %v", len(taken.Requests), taken.Err)
		}
		return b.s.db.Metrics().BlockCache.Misses - before
	}
	if look() == 0 {
		t.Fatal("the first look finds everything where it was written: the test shows nothing")
	}
	for deadline := time.Now().Add(time.Minute); ; {
		misses := look()
		if misses == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("every look reads the disk, the last one %d blocks", misses)
		}
	}
}
