package server

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// taking waits for room in a bubble.
type taking struct {
	*room
	limit *atomic.Int64
	ended chan string // names, with "not " in front where there was no room
}

func (w *taking) wait(t *testing.T, name string, need int64, within time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	go func() {
		defer cancel()
		if !w.room.wait(ctx, need, w.limit.Load) {
			name = "not " + name
		}
		w.ended <- name
	}()
	synctest.Wait()
}

// gave fails the test unless these and no others have ended their wait since the last time.
func (w *taking) gave(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for len(w.ended) > 0 {
		got = append(got, <-w.ended)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("ended are %q, want %q", got, want)
	}
}

func inRoom(t *testing.T, limit int64, f func(t *testing.T, w *taking)) {
	synctest.Test(t, func(t *testing.T) {
		w := &taking{room: &room{}, limit: &atomic.Int64{}, ended: make(chan string, 8)}
		w.limit.Store(limit)
		f(t, w)
	})
}

func TestRoomIsGivenInOrder(t *testing.T) {
	inRoom(t, 10, func(t *testing.T, w *taking) {
		if !w.try(6, 10) || !w.try(4, 10) || w.try(1, 10) {
			t.Fatal("ten is not what fits")
		}
		w.wait(t, "large", 10, time.Hour)
		w.wait(t, "small", 1, time.Hour)
		w.wait(t, "other", 9, time.Hour)
		w.release(4)
		if w.try(1, 10) {
			t.Fatal("somebody went ahead of those who wait")
		}
		if !w.try(0, 10) {
			t.Fatal("nothing needs no room")
		}
		w.gave(t)
		w.release(6)
		w.gave(t, "large")
		w.release(10)
		w.gave(t, "other", "small")
		if w.try(1, 10) || w.held != 10 {
			t.Fatalf("%d are held, want all", w.held)
		}
	})
}

func TestWhoGivesUpWaitingForRoomLetsTheNextOneIn(t *testing.T) {
	inRoom(t, 10, func(t *testing.T, w *taking) {
		w.try(5, 10)
		w.wait(t, "large", 8, time.Second)
		w.wait(t, "small", 5, time.Hour)
		w.gave(t)
		time.Sleep(time.Second)
		w.gave(t, "not large", "small")
		if w.held != 10 || len(w.queue) != 0 {
			t.Fatalf("%d are held and %d wait", w.held, len(w.queue))
		}
	})
}

// What was taken under another limit counts, in both directions.
func TestTheLimitOfTheRoomMayChange(t *testing.T) {
	inRoom(t, 10, func(t *testing.T, w *taking) {
		if !w.try(10, 10) {
			t.Fatal("ten does not fit")
		}
		w.wait(t, "grown", 5, time.Hour)
		w.gave(t)
		w.limit.Store(15)
		time.Sleep(lookAgain)
		w.gave(t, "grown")

		w.limit.Store(4)
		w.wait(t, "shrunk", 2, time.Hour)
		w.release(10)
		w.gave(t) // five are held under the old limit
		time.Sleep(10 * lookAgain)
		w.gave(t)
		w.release(3)
		w.gave(t, "shrunk")
		if w.try(1, 4) || w.held != 4 {
			t.Fatalf("%d are held, want what the new limit says", w.held)
		}
		w.release(4)
		if w.held != 0 {
			t.Fatalf("%d are held by nobody", w.held)
		}
	})
}

func TestWhoNeedsMoreThanAllRoomIsAlone(t *testing.T) {
	inRoom(t, 10, func(t *testing.T, w *taking) {
		w.try(1, 10)
		w.wait(t, "huge", 100, time.Hour)
		w.gave(t)
		w.release(1)
		w.gave(t, "huge")
		if w.try(1, 10) {
			t.Fatal("somebody came in beside it")
		}
		w.release(100)
		if !w.try(10, 10) {
			t.Fatal("the room is not empty again")
		}
	})
}
