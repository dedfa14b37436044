package life

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryIsGivenBackOnceReloadsHaveEndedAndOnlyIfItIsMuch(t *testing.T) {
	const small, large = ebbWorth / 2, 3 * ebbWorth
	for _, tt := range []struct {
		name    string
		heights []uint64        // of the heap at each reload
		every   time.Duration   // between reloads
		want    []time.Duration // when memory is given back
	}{
		{"after a small start nothing is", []uint64{small}, 0, nil},
		{"after a large start it is, once it is quiet", []uint64{large}, 0, []time.Duration{ebbAfter}},
		{"while reloads go on it is not", []uint64{large, large, large}, time.Second, []time.Duration{ebbAfter + 2*time.Second}},
		{"a reload that leaves little behind changes nothing", []uint64{large, large - ebbWorth}, time.Minute, []time.Duration{ebbAfter}},
		{"one that leaves much behind does", []uint64{large, large, large}, time.Minute, []time.Duration{ebbAfter, time.Minute + ebbAfter, 2*time.Minute + ebbAfter}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var (
					height uint64
					got    []time.Duration
					began  = time.Now()
				)
				e := newEbb()
				e.held = func() uint64 { return height }
				e.free = func() { got, height = append(got, time.Since(began)), ebbWorth+1 }
				for _, h := range tt.heights {
					height = h
					e.later()
					<-time.After(tt.every)
					synctest.Wait()
				}
				<-time.After(time.Hour)
				synctest.Wait()
				if len(got) != len(tt.want) {
					t.Fatalf("memory was given back at %v, want %v", got, tt.want)
				}
				for i, at := range tt.want {
					if got[i] != at {
						t.Errorf("memory was given back at %v, want %v", got, tt.want)
					}
				}
			})
		})
	}
}

func TestNoMemoryIsGivenBackAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEbb()
		e.stop() // of a gateway that never came to a reload
		e.held = func() uint64 { return 3 * ebbWorth }
		e.free = func() { t.Error("it was") }
		e.later()
		e.stop()
		<-time.After(time.Hour)
	})
}

func TestTheHeapIsHeld(t *testing.T) {
	if held := heapHeld(); held < 1<<16 || held > 1<<40 {
		t.Errorf("the heap of this process is %d bytes", held)
	}
}
