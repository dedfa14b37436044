package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// cell is a row at a number of connections.
type cell struct {
	row         string
	connections int
}

// rounds are what was measured: of each cell, one of each round.
type rounds map[cell][]measured

// halfLoad are the rows at half the rate that the gateway takes flat out.
const (
	steadyHalf  = "half, steady"
	reloadsHalf = "half, reloads"
	halfAt      = 256 // connections
)

// accept measures the rates of acceptance in rounds.
func (b *bench) accept() error {
	all := rounds{}
	connections := []int{64, 256, 1024}
	p := pressure{warmup: pick(b, 100*time.Millisecond, 400*time.Millisecond), during: pick(b, 300*time.Millisecond, 1500*time.Millisecond)}
	var disk []float64
	for n := range b.Rounds {
		began := time.Now()
		rate, err := syncs(b.Dir, bodySize, p.during/2)
		if err != nil {
			return err
		}
		disk = append(disk, rate)
		for _, c := range connections {
			p.connections = c
			for _, r := range rows {
				if err := all.add(b, r, r.name, p); err != nil {
					return err
				}
			}
		}
		if err := b.half(all, n, p); err != nil {
			return err
		}
		fmt.Printf("round %d of %d took %.1f s\n", n+1, b.Rounds, time.Since(began).Seconds())
	}
	b.acceptTable(all, connections)
	b.groupCommit(all, connections, disk)
	b.acceptFigures(all, connections)
	return nil
}

// half measures the latency at half the rate that was accepted flat out in this round, without reloads and with them.
func (b *bench) half(all rounds, round int, p pressure) error {
	p.connections = halfAt
	p.rate = all[cell{durableRow, halfAt}][round].Rate / 2
	p.during *= 2
	if err := all.add(b, rowOf(durableRow), steadyHalf, p); err != nil {
		return err
	}
	return all.add(b, rowOf(reloadsRow), reloadsHalf, p)
}

// add measures a row once.
func (all rounds) add(b *bench, r row, name string, p pressure) error {
	m, err := b.measure(r, p)
	if err != nil {
		return fmt.Errorf("%s at %d connections: %w", r.name, p.connections, err)
	}
	at := cell{name, p.connections}
	all[at] = append(all[at], m)
	return nil
}

// of takes one figure of every round.
func of(list []measured, figure func(measured) float64) (out []float64) {
	for _, m := range list {
		out = append(out, figure(m))
	}
	return out
}

func rateOf(m measured) float64 { return m.Rate }
func p50Of(m measured) float64  { return m.P50 }
func p99Of(m measured) float64  { return m.P99 }

func serverOf(m measured) float64 { return m.server }
func clientOf(m measured) float64 { return m.CPU }
func anonOf(m measured) float64   { return m.most.anon }
func rssOf(m measured) float64    { return m.most.rss }

// ratios compares two lists round by round.
func ratios(list, with []float64) (out []float64) {
	for i := range min(len(list), len(with)) {
		if with[i] > 0 {
			out = append(out, list[i]/with[i])
		}
	}
	return out
}

// ratio of a row to the ceiling, of every round.
func (all rounds) ratio(name string, connections int) []float64 {
	return ratios(of(all[cell{name, connections}], rateOf), of(all[cell{bareRow, connections}], rateOf))
}

// spread is several readings of one figure.
type spread struct{ median, least, most float64 }

func spreadOf(list []float64) spread {
	if len(list) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(list))
	middle := len(sorted) / 2
	s := spread{median: sorted[middle], least: sorted[0], most: sorted[len(sorted)-1]}
	if len(sorted)%2 == 0 {
		s.median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return s
}

// with writes it in one format: the median, and the rest in parentheses where there is more than one reading.
func (s spread) with(format string) string {
	if s.least == s.most {
		return fmt.Sprintf(format, s.median)
	}
	return fmt.Sprintf(strings.Join([]string{format, " (", format, "-", format, ")"}, ""), s.median, s.least, s.most)
}

func (b *bench) acceptTable(all rounds, connections []int) {
	t := b.out.table("Messages accepted, 1 KiB each; medians of the rounds, with the least and the most",
		"row", "connections", "accepted/s", "of bare", "p50 ms", "p99 ms", "server µs/request", "client µs/request", "most RssAnon MiB",
		"most RSS MiB")
	line := func(name string, c int) {
		list := all[cell{name, c}]
		t.row(name, fmt.Sprint(c), spreadOf(of(list, rateOf)).with("%.0f"), spreadOf(all.ratio(name, c)).with("%.3f"),
			spreadOf(of(list, p50Of)).with("%.2f"), spreadOf(of(list, p99Of)).with("%.2f"),
			fmt.Sprintf("%.1f", spreadOf(of(list, serverOf)).median), fmt.Sprintf("%.1f", spreadOf(of(list, clientOf)).median),
			fmt.Sprintf("%.1f", spreadOf(of(list, anonOf)).median), fmt.Sprintf("%.1f", spreadOf(of(list, rssOf)).median))
	}
	for _, c := range connections {
		for _, r := range rows {
			line(r.name, c)
		}
	}
	line(steadyHalf, halfAt)
	line(reloadsHalf, halfAt)
	for _, r := range rows {
		t.note("%s: %s", r.name, r.help)
	}
	t.note("half: at a constant rate, half of what durable accepted flat out in the same round; latency counts from the planned send")
}

// groupCommit compares the journal's syncs with what the disk can do one by one.
func (b *bench) groupCommit(all rounds, connections []int, disk []float64) {
	alone := spreadOf(disk)
	t := b.out.table("Group commit of the gateway under load", "row", "connections", "accepted per sync", "syncs/s", "of the disk's own")
	for _, c := range connections {
		list := all[cell{durableRow, c}]
		perSync := spreadOf(of(list, func(m measured) float64 { return float64(m.Requests) / float64(max(m.syncs, 1)) }))
		perSecond := of(list, func(m measured) float64 { return float64(m.syncs) / m.seconds })
		t.row(durableRow, fmt.Sprint(c), perSync.with("%.1f"), spreadOf(perSecond).with("%.0f"), spreadOf(ratios(perSecond, disk)).with("%.2f"))
		b.out.figure(fmt.Sprintf("accepted_per_sync_%d", c), perSync.median)
		b.out.figure(fmt.Sprintf("syncs_per_s_%d", c), spreadOf(perSecond).median)
	}
	t.note("the disk by itself: %s writes of 1 KiB a second, each synced before the next", alone.with("%.0f"))
	b.out.figure("disk_syncs_per_s", alone.median)
}

// acceptFigures are the keys of the result.
func (b *bench) acceptFigures(all rounds, connections []int) {
	b.out.figure("bare_rps", spreadOf(of(all[cell{bareRow, halfAt}], rateOf)).median)
	b.out.target("routed_ratio", spreadOf(all.ratio(routedRow, halfAt)).median, atLeast, 0.95)
	targets := map[int]float64{64: 0.5, 256: 0.6, 1024: 0.75}
	for _, c := range connections {
		b.out.figure(fmt.Sprintf("bare_rps_%d", c), spreadOf(of(all[cell{bareRow, c}], rateOf)).median)
		b.out.target(fmt.Sprintf("durable_ratio_%d", c), spreadOf(all.ratio(durableRow, c)).median, atLeast, targets[c])
		for _, name := range []string{routedRow, askedRow, acceptRow, bubblesRow, reloadsRow} {
			b.out.figure(fmt.Sprintf("%s_ratio_%d", name, c), spreadOf(all.ratio(name, c)).median)
		}
		list := all[cell{durableRow, c}]
		b.out.figure(fmt.Sprintf("durable_p50_ms_%d", c), spreadOf(of(list, p50Of)).median)
		b.out.figure(fmt.Sprintf("durable_p99_ms_%d", c), spreadOf(of(list, p99Of)).median)
	}
	for _, r := range rows {
		list := all[cell{r.name, halfAt}]
		b.out.figure(r.name+"_server_us", spreadOf(of(list, serverOf)).median)
		b.out.figure(r.name+"_client_us", spreadOf(of(list, clientOf)).median)
	}
	loaded := all[cell{durableRow, halfAt}]
	b.out.figure("rss_load_anon_mb", spreadOf(of(loaded, anonOf)).median)
	b.out.figure("rss_load_mb", spreadOf(of(loaded, rssOf)).median)
	calm, reloads := of(all[cell{steadyHalf, halfAt}], p99Of), of(all[cell{reloadsHalf, halfAt}], p99Of)
	b.out.target("p99_ratio_reload", spreadOf(ratios(reloads, calm)).median, atMost, 2)
}
