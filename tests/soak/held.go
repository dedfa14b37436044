package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/prometheus/procfs"

	"holdfast/actors/control"
)

// held is what a process holds open.
type held struct {
	kinds   map[string]int // descriptors, by kind
	in, out int            // connections that are established: their peers came to it, or it went to them
}

// Descriptors of these kinds say nothing of what a reload left behind.
const (
	// A file of the journal's store: they come with what is written and go with its compaction, whoever writes.
	table = ".sst"
	// A socket: those that are established.
	socket = "socket"
)

// States of a TCP socket, as Linux numbers them.
const (
	established = 0x01
	listening   = 0x0a
)

// What the gateway needs for a connection: a worker of the server, or the two of a client.
const (
	goroutinesIn  = 1
	goroutinesOut = 2
)

// holds looks at what a process holds open: nothing on a system that does not tell.
func holds(pid int) (held, error) {
	h := held{kinds: map[string]int{}}
	if runtime.GOOS != "linux" {
		return h, nil
	}
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return h, fmt.Errorf("look at process %d: %w", pid, err)
	}
	targets, err := proc.FileDescriptorTargets()
	if err != nil {
		return h, fmt.Errorf("look at the descriptors of process %d: %w", pid, err)
	}
	own := map[string]bool{}
	for _, to := range targets {
		kind, rest, _ := strings.Cut(to, ":[") // socket:[4711]
		if filepath.IsAbs(to) {
			kind = filepath.Ext(strings.TrimSuffix(to, " (deleted)"))
		}
		if kind == socket {
			own[strings.TrimSuffix(rest, "]")] = true
		}
		h.kinds[kind]++
	}
	return h, h.connections(own)
}

// connections counts those of the given sockets, named by their inodes.
func (h *held) connections(own map[string]bool) error {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return fmt.Errorf("look at the sockets: %w", err)
	}
	sockets, err := fs.NetTCP()
	if err != nil {
		return fmt.Errorf("look at the sockets: %w", err)
	}
	more, err := fs.NetTCP6()
	if err != nil {
		return fmt.Errorf("look at the sockets: %w", err)
	}
	sockets = append(sockets, more...)
	at := map[uint64]bool{} // ports
	for _, s := range sockets {
		if s.St == listening && own[fmt.Sprint(s.Inode)] {
			at[s.LocalPort] = true
		}
	}
	for _, s := range sockets {
		switch {
		case s.St != established || !own[fmt.Sprint(s.Inode)]:
		case at[s.LocalPort]:
			h.in++
		default:
			h.out++
		}
	}
	return nil
}

// own is what the process needs besides its connections. How many of those there are is up to the load: its peers close what
// has been idle for a while, and a connection that the gateway has forgotten is no longer established then, and counts.
func (h held) own(r *control.RuntimeStatus) need {
	return need{
		goroutines: r.Goroutines - goroutinesIn*h.in - goroutinesOut*h.out,
		fds:        r.FDs - h.kinds[table] - h.in - h.out,
		rss:        r.RSSMB,
	}
}

// String tells it for people.
func (h held) String() string {
	return fmt.Sprintf("%v; connections: %d from senders, %d to receivers", h.kinds, h.in, h.out)
}
