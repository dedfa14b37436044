package server

import (
	"cmp"
	"time"

	"holdfast/actors/registry"
)

// What holds where the live settings of the edge (registry.Edge) say nothing. No proxy is trusted then.
const (
	DefaultRequestWithin = 30 * time.Second
	DefaultJournalWithin = 5 * time.Second
	DefaultInFlight      = int64(64 << 20) // bytes
)

func requestWithin(live *registry.Live) time.Duration {
	return cmp.Or(live.Edge.RequestWithin, DefaultRequestWithin)
}

func journalWithin(live *registry.Live) time.Duration {
	return cmp.Or(live.Edge.JournalWithin, DefaultJournalWithin)
}

func inFlight(live *registry.Live) int64 { return cmp.Or(live.Edge.InFlight, DefaultInFlight) }
