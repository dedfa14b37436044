package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Of a latency, in microseconds.
const (
	least   = 1
	most    = int64(10 * time.Minute / time.Microsecond)
	figures = 3 // that are right
)

// books are what became of the requests of some connections.
type books struct {
	mu       sync.Mutex
	latency  *hdrhistogram.Histogram
	statuses [600]uint64
	errors   map[string]uint64
	all      uint64 // requests, measured or not
	last     time.Time
}

func newBooks() *books {
	return &books{latency: hdrhistogram.New(least, most, figures), errors: map[string]uint64{}}
}

// note writes one request down. An error counts whenever it came.
func (b *books) note(counts bool, status int, err error, took time.Duration, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all++
	if err != nil {
		b.errors[sortOf(err)]++
		return
	}
	if !counts {
		return
	}
	b.statuses[min(max(status, 0), len(b.statuses)-1)]++
	_ = b.latency.RecordValue(min(max(took.Microseconds(), least), most)) // within bounds it does not fail
	if at.After(b.last) {
		b.last = at
	}
}

// result is the last line. Times are in milliseconds.
type result struct {
	URL         string            `json:"url"`
	Connections int               `json:"connections"`
	Planned     float64           `json:"planned_rps"` // 0: flat out
	Seconds     float64           `json:"seconds"`     // that were measured
	Rate        float64           `json:"rps"`         // answers a second
	P50         float64           `json:"p50_ms"`
	P90         float64           `json:"p90_ms"`
	P99         float64           `json:"p99_ms"`
	P999        float64           `json:"p999_ms"`
	Max         float64           `json:"max_ms"`
	Answers     uint64            `json:"answers"`  // measured
	Non2xx      uint64            `json:"non2xx"`   // of them
	Statuses    map[string]uint64 `json:"statuses"` // of them
	Errors      map[string]uint64 `json:"errors"`   // of the whole run
	Failed      uint64            `json:"failed"`   // the sum of them
	Requests    uint64            `json:"requests"` // of the whole run, with the warm-up
	Behind      uint64            `json:"unsent"`   // were due and never sent: the server was too far behind
	CPU         float64           `json:"client_cpu_us_per_request"`
}

// result adds the books up.
func (l *load) result(now time.Time, used time.Duration) result {
	all := newBooks()
	for _, b := range l.books {
		all.latency.Merge(b.latency)
		for status, n := range b.statuses {
			all.statuses[status] += n
		}
		for sort, n := range b.errors {
			all.errors[sort] += n
		}
		all.all += b.all
		if b.last.After(all.last) {
			all.last = b.last
		}
	}
	r := result{
		URL: l.URL, Connections: l.Connections, Planned: l.Rate, Seconds: l.measured(now, all.last).Seconds(), Requests: all.all,
		Statuses: map[string]uint64{}, Errors: all.errors, Answers: uint64(all.latency.TotalCount()), Behind: l.unsent(now),
	}
	for status, n := range all.statuses {
		if n == 0 {
			continue
		}
		r.Statuses[fmt.Sprint(status)] = n
		if status < http.StatusOK || status >= http.StatusMultipleChoices {
			r.Non2xx += n
		}
	}
	for _, n := range all.errors {
		r.Failed += n
	}
	if r.Seconds > 0 {
		r.Rate = rounded(float64(r.Answers) / r.Seconds)
	}
	if all.all > 0 {
		r.CPU = rounded(float64(used.Microseconds()) / float64(all.all))
	}
	at := func(q float64) float64 { return milliseconds(all.latency.ValueAtQuantile(q)) }
	r.P50, r.P90, r.P99, r.P999, r.Max = at(50), at(90), at(99), at(99.9), milliseconds(all.latency.Max())
	return r
}

// measured is how long the answers that count took to come: a run that ended by its number of requests was shorter than
// planned, and one whose server was behind was longer.
func (l *load) measured(now, last time.Time) time.Duration {
	switch {
	case last.IsZero():
		return 0
	case l.Rate > 0 && last.After(l.end), now.Before(l.end):
		return last.Sub(l.warm)
	}
	return l.Duration
}

// unsent is how many requests were due and never sent.
func (l *load) unsent(now time.Time) uint64 {
	if l.Rate == 0 || now.Before(l.end) {
		return 0
	}
	planned := uint64(math.Ceil(l.end.Sub(l.began).Seconds() * l.Rate))
	if l.Requests > 0 {
		planned = min(planned, l.Requests)
	}
	return planned - min(planned, l.sent.Load())
}

// table prints the result for people.
func (r result) table(out io.Writer) {
	pace := "flat out"
	if r.Planned > 0 {
		pace = fmt.Sprintf("%g/s planned", r.Planned)
	}
	fmt.Fprintf(out, "%s, %d connections, %s, %.1f s\n", r.URL, r.Connections, pace, r.Seconds)
	fmt.Fprintf(out, "%12s %10s %10s %10s %10s %10s\n", "answers/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms")
	fmt.Fprintf(out, "%12.0f %10.3f %10.3f %10.3f %10.3f %10.3f\n", r.Rate, r.P50, r.P90, r.P99, r.P999, r.Max)
	for _, status := range slices.Sorted(maps.Keys(r.Statuses)) {
		fmt.Fprintf(out, "%12d × %s\n", r.Statuses[status], status)
	}
	for _, sort := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(out, "%12d × %s\n", r.Errors[sort], sort)
	}
	if r.Behind > 0 {
		fmt.Fprintf(out, "%12d were due and never sent\n", r.Behind)
	}
	fmt.Fprintf(out, "the generator itself needed %.1f µs of a processor per request\n", r.CPU)
}

// cpu is what this process has used of the processors.
func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func milliseconds(us int64) float64 { return float64(us) / 1000 }

func rounded(f float64) float64 { return math.Round(f*100) / 100 }
