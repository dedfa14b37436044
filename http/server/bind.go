package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// BindError says why an address cannot be bound, and what to do.
type BindError struct {
	Addr string
	Err  error
	Do   string
}

// Error has all three.
func (e *BindError) Error() string { return fmt.Sprintf("binding %s: %v: %s", e.Addr, e.Err, e.Do) }

// Unwrap is the cause.
func (e *BindError) Unwrap() error { return e.Err }

// Listen binds an address of this machine and a port (0: any that is free) for a Server to come. Connections wait in the
// kernel's queue until it serves. The error is a *BindError.
func Listen(addr string) (net.Listener, error) { return listen(addr, nil) }

func listen(addr string, control func(network, address string, c syscall.RawConn) error) (net.Listener, error) {
	config := net.ListenConfig{Control: control}
	config.SetMultipathTCP(false) // its sockets do not hand options on to what is below them, and turnAway is one
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, &BindError{Addr: addr, Err: err, Do: whatToDo(err)}
	}
	return l, nil
}

func whatToDo(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another process listens there: stop it, or set gateway.listen to another port"
	case errors.Is(err, syscall.EACCES):
		return "this process may not use that port: set gateway.listen to one above 1023, or give it the right to (CAP_NET_BIND_SERVICE)"
	}
	return "gateway.listen cannot be used: set it to an address of this machine"
}

// listen binds an address that may have the port of others of the server's. The kernel lets two sockets have one port on
// overlapping addresses if both allow it (SO_REUSEPORT). All of ours do so for the moment of the bind and no longer, so that
// a second gateway is told that the port is in use.
func (s *conns) listen(addr string) (net.Listener, error) {
	s.binding.Lock()
	defer s.binding.Unlock()
	wanted, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil || wanted.Port == 0 {
		return Listen(addr)
	}
	s.mu.Lock()
	var same []net.Listener
	for b := range s.bound {
		if at, is := b.listener.Addr().(*net.TCPAddr); is && at.Port == wanted.Port {
			same = append(same, b.listener)
		}
	}
	s.mu.Unlock()
	if len(same) == 0 {
		return Listen(addr)
	}
	for _, l := range same {
		sharePort(l, true)
		defer sharePort(l, false)
	}
	l, err := listen(addr, func(_, _ string, c syscall.RawConn) error {
		return setOption(c, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	})
	if err == nil {
		sharePort(l, false)
	}
	return l, err
}

// covers tells whether connections for an address were answered before it was bound: by one of the server's that is the
// same or a wildcard on the same port. The kernel gives them to the narrower one.
func (s *conns) covers(addr net.Addr) bool {
	to, is := addr.(*net.TCPAddr)
	if !is {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.bound {
		at, is := b.listener.Addr().(*net.TCPAddr)
		if is && b.answering && at.Port == to.Port && wider(at.IP, to.IP) {
			return true
		}
	}
	return false
}

// wider tells whether one address is the same as another or a wildcard that contains it. That of IPv6 contains IPv4.
func wider(one, other net.IP) bool {
	return one.Equal(other) || one.IsUnspecified() && (one.To4() == nil || other.To4() != nil)
}

// sharePort allows others to have the port of a listener, or not. Where it cannot be set the bind fails, or nothing was
// allowed.
func sharePort(l net.Listener, allowed bool) {
	value := 0
	if allowed {
		value = 1
	}
	_ = onSocket(l, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, value) })
}

// turnAway has the kernel ignore who dials a listener from now on, while handshakes under way are completed. Whoever is
// ignored dials again within a second, by himself, and then reaches whoever listens there or hears that nobody does. Without
// it a connection that comes between the last look into the kernel's queue and the close would be reset. Connections that
// are accepted inherit the filter, which does nothing to them.
func turnAway(l net.Listener) {
	const (
		flags = 13 // where they are in the header of TCP
		syn   = 0x02
		all   = 1<<32 - 1 // bytes to keep
	)
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: syn, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: all},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	// Where the kernel does not take it a connection may be reset, as it is when any listener is closed.
	_ = onSocket(l, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &filter)
	})
}

// onSocket sets an option on a listener's socket.
func onSocket(l net.Listener, set func(fd int) error) error {
	has, can := l.(syscall.Conn)
	if !can {
		return errors.ErrUnsupported
	}
	raw, err := has.SyscallConn()
	if err != nil {
		return err
	}
	return setOption(raw, set)
}

func setOption(c syscall.RawConn, set func(fd int) error) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = set(int(fd)) }); err != nil {
		return err
	}
	return failed
}
