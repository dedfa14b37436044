package main

import (
	"context"
	"fmt"
	"time"

	"holdfast/actors/reload"
)

// reloadsResult is the last line of a run without load.
type reloadsResult struct {
	Reloads          int     `json:"reloads"`
	GoroutinesBefore int     `json:"goroutines_before"`
	GoroutinesAfter  int     `json:"goroutines_after"`
	FDsBefore        int     `json:"fds_before"`
	FDsAfter         int     `json:"fds_after"`
	RSSBefore        float64 `json:"rss_before_mb"`
	RSSAfter         float64 `json:"rss_after_mb"`
	Seconds          float64 `json:"seconds"`
}

// changed is how many of the accounts change, the first ones.
const changed = 2

// playReloads changes settings of two accounts in turn, and reloads each time. What the process needs is read after the
// first tenth, when everything has been used once, and at the end.
func (o options) playReloads(dir string) error {
	w := &world{dir: dir, accounts: newAccounts()}
	defer w.close()
	if err := w.open(o); err != nil {
		return err
	}
	w.fill(o.rate)
	const rest = 10 * time.Second // for what a reload leaves to be ended
	var (
		began  = time.Now()
		before need
	)
	for n := range o.reloads {
		if err := w.reload(n); err != nil {
			return fmt.Errorf("reload %d: %w", n+1, err)
		}
		if n == o.reloads/10 {
			var err error
			if before, err = w.read(rest); err != nil {
				return err
			}
		}
		if n%1000 == 999 {
			now, err := w.read(time.Second)
			if err != nil {
				return err
			}
			fmt.Printf("%6.1fs  %5d reloads  %.2f MiB\n", time.Since(began).Seconds(), n+1, now.rss)
		}
	}
	after, err := w.read(rest)
	if err != nil {
		return err
	}
	r := reloadsResult{
		Reloads: o.reloads, Seconds: rounded(time.Since(began).Seconds()),
		GoroutinesBefore: before.goroutines, FDsBefore: before.fds, RSSBefore: rounded(before.rss),
		GoroutinesAfter: after.goroutines, FDsAfter: after.fds, RSSAfter: rounded(after.rss),
	}
	return conclude(r, before.growth(after))
}

// fill sends messages until the journal's tables in memory have been full: they grow with all that is written, the numbers of
// runs as well, to a size that they keep. The accounts that change get none: a BlueBubbles run that has rows to look at again is
// only judged when its time is over, and thousands of those would take hours.
func (w *world) fill(rate int) {
	const enough = 20 * time.Second
	ctx, stop := context.WithTimeout(context.Background(), enough)
	defer stop()
	w.load.accounts = w.accounts[changed:]
	w.load.run(ctx, rate)
	w.patience()
	w.progress("filled")
}

// reload is one: the settings of one of two accounts change and are live.
func (w *world) reload(n int) error {
	s := w.editor.settings
	s.level = "warn"
	s.accounts[n%changed].label = fmt.Sprintf("version %d", n)
	if err := byRename(in(w.dir, mainFile), s.text(mainFile)); err != nil {
		return err
	}
	var r reload.Report
	if err := w.gateway.Call("reload", nil, &r); err != nil {
		return err
	}
	if r.Err != "" {
		return fmt.Errorf("%s %v", r.Err, r.Problems)
	}
	for unit, v := range r.Units {
		if v.Result == "failed" {
			return fmt.Errorf("%s failed: %s", unit, v.Reason)
		}
	}
	return nil
}
