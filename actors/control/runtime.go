package control

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"time"
)

// RuntimeStatus is what the process itself needs, for whoever looks for a leak. Figures that this system does not tell
// are zero.
type RuntimeStatus struct {
	Goroutines int     `json:"goroutines"`
	HeapMB     float64 `json:"heapMb"` // MiB that were in use after the last collection
	RSSMB      float64 `json:"rssMb"`  // MiB of memory that the process has, without what it maps from files
	FDs        int     `json:"fds"`    // open descriptors: files, sockets, and what the runtime waits with
}

// status is Look, and the process. Look alone is what probes ask, often; this reads /proc as well.
func (w World) status(now time.Time) Status {
	s := w.Look(now)
	s.Runtime = &RuntimeStatus{Goroutines: runtime.NumGoroutine(), HeapMB: heapMB(), RSSMB: rssMB(), FDs: descriptors()}
	return s
}

const mib = 1 << 20

func heapMB() float64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return float64(sample[0].Value.Uint64()) / mib
}

// rssMB reads the line "RssAnon:	   12345 kB".
func rssMB() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		rest, is := bytes.CutPrefix(line, []byte("RssAnon:"))
		fields := bytes.Fields(rest)
		if !is || len(fields) == 0 {
			continue
		}
		if kib, err := strconv.ParseUint(string(fields[0]), 10, 64); err == nil {
			return float64(kib) / 1024
		}
	}
	return 0
}

// descriptors counts without the one that it reads the folder with.
func descriptors() int {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(names) - 1
}
