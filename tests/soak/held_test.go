package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"

	"holdfast/actors/control"
)

// TestAConnectionIsNotWhatTheProcessNeeds: neither one that came to it nor one that it made. One that is forgotten is: the
// peer has closed it, and nobody here has.
func TestAConnectionIsNotWhatTheProcessNeeds(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("this system does not tell")
		return
	}
	look := func() held {
		h, err := holds(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := look()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	open := look()
	if open.in != before.in+1 || open.out != before.out+1 || open.kinds[socket] != before.kinds[socket]+2 {
		t.Errorf("two ends of a connection: %s, before %s", open, before)
	}
	needs := open.own(&control.RuntimeStatus{Goroutines: 20, FDs: 10})
	if want := (need{goroutines: 20 - open.in - 2*open.out, fds: 10 - open.in - open.out - open.kinds[table]}); needs != want {
		t.Errorf("it needs %+v, want %+v", needs, want)
	}
	var theirs held
	if err := theirs.connections(map[string]bool{inode(t, l.(syscall.Conn)): true, inode(t, in.(syscall.Conn)): true}); err != nil || theirs.in != 1 || theirs.out != 0 {
		t.Errorf("the end that came to the listener: %+v, %v", theirs, err)
	}
	_ = in.Close()
	if forgotten := look(); forgotten.out != before.out || forgotten.kinds[socket] != before.kinds[socket]+1 {
		t.Errorf("one end is left: %s, before %s", forgotten, before)
	}
}

// inode is by what the system names a socket.
func inode(t *testing.T, c syscall.Conn) (name string) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var stat syscall.Stat_t
	if err := raw.Control(func(fd uintptr) { err = syscall.Fstat(int(fd), &stat) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(stat.Ino)
}
