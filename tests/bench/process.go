package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// memory of a process, in MiB.
type memory struct {
	anon float64 // RssAnon: what is its own
	rss  float64 // VmRSS: with what it maps from files, its own binary for the most part
}

// memoryOf reads it from /proc.
func memoryOf(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, fmt.Errorf("read the memory of a process: %w", err)
	}
	return memoryIn(string(text)), nil
}

func memoryIn(status string) (m memory) {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "RssAnon":
			m.anon = kib / 1024
		case "VmRSS":
			m.rss = kib / 1024
		}
	}
	return m
}

// cpuOf is what a process has used of the processors so far.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the processor time of a process: %w", err)
	}
	return cpuIn(string(text))
}

// ticks a second in /proc/PID/stat: Linux promises 100 to programs, whatever it counts in.
const ticks = 100

// cpuIn adds user and system time up. The name of the process, in parentheses, may hold anything.
func cpuIn(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the processor time of a process: %d fields after its name, want at least 13", len(fields))
	}
	var sum int64
	for _, at := range []int{11, 12} {
		n, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the processor time of a process: %w", err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks, nil
}

// watch reads the memory of a process ten times a second until stop is closed, and gives the most of it.
func watch(pid int, stop <-chan struct{}) <-chan memory {
	out := make(chan memory, 1)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		var most memory
		for {
			if m, err := memoryOf(pid); err == nil {
				most = memory{max(most.anon, m.anon), max(most.rss, m.rss)}
			}
			select {
			case <-stop:
				out <- most
				return
			case <-tick.C:
			}
		}
	}()
	return out
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }
