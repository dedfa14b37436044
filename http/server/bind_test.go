package server

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/actors/kit/kittest"
)

// port is the port of an address.
func port(t testing.TB, addr string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// inUse fails the test unless somebody else who binds the address the usual way is told that it is in use.
func inUse(t *testing.T, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err == nil {
		_ = l.Close()
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("somebody else binds %s: %v", addr, err)
	}
}

func TestAnAddressThatCannotBeBoundSaysWhatToDo(t *testing.T) {
	e := newEdge(t)
	other := anyPort(t)
	defer other.Close()
	free, err := e.Bind("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	for _, c := range []struct {
		name, addr string
		cause      error
		do         string
	}{
		{"a port of another process", other.Addr().String(), syscall.EADDRINUSE, "another process listens there: stop it, or set gateway.listen to another port"},
		{"a port that another process has on one address", "0.0.0.0:" + port(t, other.Addr().String()), syscall.EADDRINUSE, "another process listens there"},
		{"an address of another machine", "192.0.2.1:" + port(t, free.Addr()), syscall.EADDRNOTAVAIL, "set it to an address of this machine"},
		{"an address of another machine with a port of ours", "192.0.2.1:" + port(t, e.addr), syscall.EADDRNOTAVAIL, "set it to an address of this machine"},
		{"no address", "nonsense", nil, "set it to an address of this machine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := e.Bind(c.addr)
			var unbound *BindError
			if b != nil || !errors.As(err, &unbound) || unbound.Addr != c.addr || !strings.Contains(unbound.Do, c.do) {
				t.Fatalf("got %v, %v", b, err)
			}
			if c.cause != nil && !errors.Is(err, c.cause) || !strings.HasPrefix(err.Error(), "binding "+c.addr+": ") || !strings.HasSuffix(err.Error(), unbound.Do) {
				t.Errorf("got %v, want the address, the cause and what to do", err)
			}
			inUse(t, e.addr)
		})
	}
	if got := whatToDo(&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}); !strings.Contains(got, "above 1023") {
		t.Errorf("a port for which a right is missing: %s", got)
	}
}

// A port may be ours several times, and nobody else's.
func TestNobodyElseGetsAPortOfOurs(t *testing.T) {
	e := newEdge(t)
	e.conns.overlap = time.Hour
	p := port(t, e.addr)
	all := []string{"127.0.0.1:" + p, "0.0.0.0:" + p, "127.0.0.2:" + p}
	others := func() {
		t.Helper()
		for b := range e.conns.bound {
			_ = onSocket(b.listener, func(fd int) error {
				if shared, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT); shared != 0 || err != nil {
					t.Errorf("the port of %s is for everybody: %d, %v", b.Addr(), shared, err)
				}
				return nil
			})
		}
		for _, addr := range []string{"127.0.0.1:" + p, "0.0.0.0:" + p, ":" + p} {
			inUse(t, addr)
		}
	}
	for _, addr := range all[1:] {
		b, err := e.Bind(addr)
		if err != nil {
			t.Fatal(err)
		}
		others()
		b.Serve()
		others()
	}
	b, err := e.Bind("127.0.0.1:" + p) // the first of them is still there
	if err != nil {
		t.Fatal(err)
	}
	others()
	b.Close()
	others()
}

func TestAnAddressThatIsPartOfAnother(t *testing.T) {
	for _, c := range []struct {
		one, other string
		want       bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"127.0.0.1", "0.0.0.0", false},
		{"0.0.0.0", "127.0.0.1", true},
		{"::", "::1", true},
		{"::", "127.0.0.1", true},
		{"::", "0.0.0.0", true},
		{"0.0.0.0", "::", false},
		{"0.0.0.0", "::1", false},
	} {
		t.Run(fmt.Sprintf("%s of %s", c.other, c.one), func(t *testing.T) {
			if got := wider(net.ParseIP(c.one), net.ParseIP(c.other)); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// Who dials while the filter is set is not lost: his system dials again, and whoever listens there then has him.
func TestWhoIsTurnedAwayReachesTheNextListener(t *testing.T) {
	ours, old := newConns(), anyPort(t)
	defer old.Close()
	addr := old.Addr().String()
	ours.bound[&Bound{listener: old}] = struct{}{}
	next, err := ours.listen("0.0.0.0:" + port(t, addr))
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	turnAway(old)
	dialled := make(chan error, 1)
	go func() {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(kittest.Patience))
			_, err = c.Read(make([]byte, 1))
		}
		dialled <- err
	}()
	if !kittest.Eventually(func() bool { return dialling(t, addr) }) {
		t.Fatal("nobody dials and is ignored")
	}
	_ = old.Close()
	c, err := next.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte{1}); err != nil {
		t.Error(err)
	}
	if err := <-dialled; err != nil {
		t.Errorf("who dialled got %v", err)
	}
}

// dialling tells whether a connection to the address has been begun and not been answered by the kernel.
func dialling(t *testing.T, addr string) bool {
	t.Helper()
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	const synSent = " 02 "
	for lines := bufio.NewScanner(table); lines.Scan(); {
		if strings.Contains(lines.Text(), fmt.Sprintf(":%04X%s", at.Port, synSent)) {
			return true
		}
	}
	return false
}
