package control

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestStatusTellsWhatTheProcessNeeds(t *testing.T) {
	w := well(time.Now()).world(t)
	const (
		many = 100
		some = 10 // that others may begin or end meanwhile
	)
	before := w.status(time.Now()).Runtime
	for range many {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	held := make([]byte, 64<<20)
	for i := 0; i < len(held); i += os.Getpagesize() {
		held[i] = 1
	}
	runtime.GC()
	release := make(chan struct{})
	defer close(release)
	for range many {
		go func() { <-release }()
	}
	after := w.status(time.Now()).Runtime
	runtime.KeepAlive(held)
	if n := after.FDs - before.FDs; n < many || n > many+some {
		t.Errorf("%d files were opened, and it counts %d descriptors more", many, n)
	}
	if n := after.Goroutines - before.Goroutines; n < many-some {
		t.Errorf("%d goroutines were begun, and it counts %d more", many, n)
	}
	if grown := after.HeapMB - before.HeapMB; grown < 60 {
		t.Errorf("64 MiB are in use, and it counts %.1f more in the heap", grown)
	}
	if grown := after.RSSMB - before.RSSMB; grown < 32 {
		t.Errorf("64 MiB were written to, and it counts %.1f more of memory", grown)
	}
}

func TestProbesDoNotReadWhatTheProcessNeeds(t *testing.T) {
	w := well(time.Now()).world(t)
	if r := w.Look(time.Now()).Runtime; r != nil {
		t.Errorf("a look brings %+v: every probe of /healthz would read /proc", *r)
	}
}
