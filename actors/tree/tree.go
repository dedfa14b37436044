// Package tree draws the actors of a process: as one machine-readable line per actor, into the log, and for a terminal.
//
// It is pure: it is given the kit's table, which is read without asking the actors, so that a hung one shows itself. The
// same rows always give the same bytes.
//
// Invariants: every row appears exactly once in every form; rows need not be sorted, nor their parents be there; parents
// stand before their children; snapshots are never shown, for nobody has said what is in them.
package tree

import (
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
)

// Line is one actor as machines read it. Times are in whole milliseconds.
type Line struct {
	Addr     string `json:"addr"`             // its path: channels/bluebubbles/home/run.7
	Kind     string `json:"kind"`             // what it is, where the name does not say: run
	Parent   string `json:"parent,omitempty"` // who hears of its end; empty for one that was started from outside
	Phase    string `json:"phase,omitempty"`  // as it last published; empty if it has none
	PhaseFor int64  `json:"phaseFor"`         // since the phase last changed
	Age      int64  `json:"age"`
	Waiting  int    `json:"waiting"`          // inputs in its mailbox, without those in hand
	InHand   string `json:"inHand,omitempty"` // the type of the input that it works on; empty when idle
	HandFor  int64  `json:"handFor"`          // for how long it has done so: a large one is a hung actor
}

// MarshalZerologObject writes the line into an entry of the log under the same names as in JSON.
func (l Line) MarshalZerologObject(e *zerolog.Event) {
	e.Str("addr", l.Addr).Str("kind", l.Kind)
	if l.Parent != "" {
		e.Str("parent", l.Parent)
	}
	if l.Phase != "" {
		e.Str("phase", l.Phase)
	}
	e.Int64("phaseFor", l.PhaseFor).Int64("age", l.Age).Int("waiting", l.Waiting)
	if l.InHand != "" {
		e.Str("inHand", l.InHand)
	}
	e.Int64("handFor", l.HandFor)
}

// Lines gives one line per actor, in the order of the tree.
func Lines(rows []kit.Row) []Line {
	out := make([]Line, 0, len(rows))
	for _, r := range sorted(rows) {
		out = append(out, Line{
			Addr: r.Addr.String(), Kind: r.Kind, Parent: r.Parent.String(),
			Phase: r.Phase, PhaseFor: r.PhaseFor.Milliseconds(), Age: r.Age.Milliseconds(),
			Waiting: r.Waiting, InHand: r.InHand, HandFor: r.HandFor.Milliseconds(),
		})
	}
	return out
}

// Log writes one entry per actor at level info, in the order of the tree.
func Log(log zerolog.Logger, rows []kit.Row) {
	for _, l := range Lines(rows) {
		log.Info().EmbedObject(l).Msg("actor")
	}
}

// sorted orders rows by their paths, segment by segment, so that what is below an actor follows it directly.
func sorted(rows []kit.Row) []kit.Row {
	return slices.SortedStableFunc(slices.Values(rows), func(a, b kit.Row) int {
		return slices.Compare(segments(a), segments(b))
	})
}

func segments(r kit.Row) []string { return strings.Split(r.Addr.String(), "/") }

// brief rounds a time to what a person wants to know of it: 340ms, 12s, 3m20s, 49h0m0s.
func brief(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
