package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Bounds of what is right.
const (
	mostGrowth = 0.05 // of what the process needs
	mostSlower = 2.0  // times, the 99th percentile during reloads
)

// result is the last line.
type result struct {
	Sent       int `json:"sent"`       // messages
	Accepted   int `json:"accepted"`   // of them, 2xx
	Non2xx     int `json:"non2xx"`     // posts of any kind with another answer, or none
	Answered   int `json:"answered"`   // messages whose answer came
	Dead       int `json:"dead"`       // items that the journal has as dead
	Lost       int `json:"lost"`       // accepted, and no answer came
	Duplicated int `json:"duplicated"` // answers beyond the first
	Reordered  int `json:"reordered"`  // answers that came after that of a message sent when this one was accepted already
	Edits      int `json:"edits"`      // files saved
	Reloads    int `json:"reloads"`    // calls of reload that were answered

	P50Steady float64 `json:"p50_steady_ms"`
	P99Steady float64 `json:"p99_steady_ms"`
	P50Reload float64 `json:"p50_reload_ms"`
	P99Reload float64 `json:"p99_reload_ms"`

	GoroutinesBefore int     `json:"goroutines_before"`
	GoroutinesAfter  int     `json:"goroutines_after"`
	FDsBefore        int     `json:"fds_before"`
	FDsAfter         int     `json:"fds_after"`
	RSSBefore        float64 `json:"rss_before_mb"`
	RSSAfter         float64 `json:"rss_after_mb"`
	Seconds          float64 `json:"seconds"`
}

// faults says what is not as it has to be.
func (r result) faults() []string {
	return append(append(r.wrong(), r.before().growth(r.after())...), r.slow()...)
}

// wrong is what must not happen on any machine.
func (r result) wrong() (out []string) {
	for _, one := range []struct {
		name string
		n    int
	}{{"lost", r.Lost}, {"duplicated", r.Duplicated}, {"reordered", r.Reordered}, {"non2xx", r.Non2xx}, {"dead", r.Dead}} {
		if one.n != 0 {
			out = append(out, fmt.Sprintf("%s is %d, want 0", one.name, one.n))
		}
	}
	return out
}

func (r result) slow() []string {
	if r.P99Reload <= mostSlower*r.P99Steady {
		return nil
	}
	return []string{fmt.Sprintf("p99_reload_ms is %.2f, more than %.0f times the %.2f of p99_steady_ms", r.P99Reload, mostSlower, r.P99Steady)}
}

func (r result) before() need { return need{r.GoroutinesBefore, r.FDsBefore, r.RSSBefore} }
func (r result) after() need  { return need{r.GoroutinesAfter, r.FDsAfter, r.RSSAfter} }

// need is what the process has of the machine.
type need struct {
	goroutines int
	fds        int
	rss        float64 // MiB
}

// growth says what has grown too much.
func (n need) growth(after need) (out []string) {
	for _, one := range []struct {
		name          string
		before, after float64
	}{{"goroutines", float64(n.goroutines), float64(after.goroutines)}, {"fds", float64(n.fds), float64(after.fds)}, {"rss", n.rss, after.rss}} {
		if one.after > one.before*(1+mostGrowth) {
			out = append(out, fmt.Sprintf("%s grew from %.1f to %.1f, more than %.0f %%", one.name, one.before, one.after, 100*mostGrowth))
		}
	}
	return out
}

// least is the smallest of several readings, each figure by itself.
func least(readings []need) need {
	out := readings[0]
	for _, r := range readings[1:] {
		out = need{min(out.goroutines, r.goroutines), min(out.fds, r.fds), min(out.rss, r.rss)}
	}
	return out
}

// percentile of latencies, in milliseconds; 0 without any. The slice is sorted.
func percentile(p float64, all []time.Duration) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	at := int(math.Ceil(p/100*float64(len(all)))) - 1
	return rounded(float64(all[max(at, 0)]) / float64(time.Millisecond))
}

func rounded(f float64) float64 { return math.Round(f*100) / 100 }
