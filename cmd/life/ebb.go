package life

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// ebbAfter is how long after the last reload memory is looked at: the runs that it started are up by then.
	ebbAfter = 3 * time.Second
	// ebbWorth is by how many bytes the heap must have grown since memory was given back, or since the start.
	ebbWorth = 16 << 20
)

// ebb gives the system back what the reading and judging of a large configuration has left behind. The runtime keeps that
// for what comes next; a gateway that is idle allocates next to nothing, so it would hold its highest tide for hours. Small
// ones never get that far, and while reloads go on it waits.
type ebb struct {
	held func() uint64 // bytes of the heap that the process has of the system
	free func()        // collects garbage and gives back what is free; it takes as long as a collection

	mu    sync.Mutex
	timer *time.Timer
	low   uint64 // what was held when memory had been given back
}

func newEbb() *ebb { return &ebb{held: heapHeld, free: debug.FreeOSMemory} }

// later is called after every reload. It does not wait.
func (e *ebb) later() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer == nil {
		e.timer = time.AfterFunc(ebbAfter, e.turn)
		return
	}
	e.timer.Reset(ebbAfter)
}

// turn runs beside all actors.
func (e *ebb) turn() {
	e.mu.Lock()
	low := e.low
	e.mu.Unlock()
	if e.held() < low+ebbWorth {
		return
	}
	e.free()
	e.mu.Lock()
	e.low = e.held()
	e.mu.Unlock()
}

// stop is called at the end, when no reload can come any more.
func (e *ebb) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer != nil {
		e.timer.Stop()
	}
}

// heapHeld is the heap in use or free, without what was given back already.
func heapHeld() uint64 {
	parts := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(parts)
	var sum uint64
	for _, p := range parts {
		if p.Value.Kind() == metrics.KindUint64 {
			sum += p.Value.Uint64()
		}
	}
	return sum
}
