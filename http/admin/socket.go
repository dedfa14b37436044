package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// SocketName is the socket's name in the state folder.
const SocketName = "admin.sock"

// addressMax is the longest path that fits into a socket address on Linux, without the final NUL.
const addressMax = 107

// through gives a path to the socket that fits into a socket address. A longer one is reached through an open descriptor
// of the folder; done closes it when the socket call is over.
func through(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, SocketName)
	if len(path) <= addressMax {
		return path, func() {}, nil
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", fd, SocketName), func() { _ = unix.Close(fd) }, nil
}

// Listen makes the socket in dir. The caller holds the state folder's lock, so a socket that lies there is a dead
// gateway's and is replaced. group, if not empty, may connect as well.
func Listen(dir, group string) (net.Listener, error) {
	place := filepath.Join(dir, SocketName)
	if err := os.Remove(place); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old admin socket: %w", err)
	}
	path, done, err := through(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on the admin socket %s: %w", place, err)
	}
	l.SetUnlinkOnClose(len(place) <= addressMax)
	if err := protect(dir, place, group); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// protect leaves the socket to our user, or to the group as well. The group is let through the state folder, without seeing
// what is in it.
func protect(dir, place, group string) error {
	if group == "" {
		if err := os.Chmod(place, 0o600); err != nil {
			return fmt.Errorf("protect the admin socket: %w", err)
		}
		return nil
	}
	gid, err := lookupGroup(group)
	if err == nil {
		err = os.Chown(place, -1, gid)
	}
	if err == nil {
		err = os.Chmod(place, 0o660) //nolint:gosec // the operator named the group
	}
	if err == nil {
		err = letThrough(dir, gid)
	}
	if err != nil {
		return fmt.Errorf("give the admin socket to group %s (gateway.adminGroup): %w", group, err)
	}
	return nil
}

// letThrough gives a folder to the group, to pass and not to read, unless everybody may pass already.
func letThrough(dir string, gid int) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode()&0o001 != 0 {
		return err
	}
	if err := os.Chown(dir, -1, gid); err != nil {
		return err
	}
	return os.Chmod(dir, info.Mode().Perm()|0o010)
}

func lookupGroup(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

// peer is who is at the other end, as the kernel says.
type peer struct {
	uid, gid uint32
	pid      int32
}

func (p peer) String() string { return fmt.Sprintf("uid=%d pid=%d", p.uid, p.pid) }

func peerOf(c net.Conn) (peer, error) {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return peer{}, fmt.Errorf("a connection of kind %T has no peer credentials", c)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return peer{}, err
	}
	var (
		cred *unix.Ucred
		fail error
	)
	if err := raw.Control(func(fd uintptr) { cred, fail = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return peer{}, err
	}
	if fail != nil {
		return peer{}, fail
	}
	return peer{uid: cred.Uid, gid: cred.Gid, pid: cred.Pid}, nil
}

// admits lets in root, our own user, and members of the group.
func (p peer) admits(own uint32, group string) bool {
	if p.uid == 0 || p.uid == own {
		return true
	}
	if group == "" {
		return false
	}
	gid, err := lookupGroup(group)
	if err != nil {
		return false
	}
	if int(p.gid) == gid {
		return true
	}
	who, err := user.LookupId(strconv.FormatUint(uint64(p.uid), 10))
	if err != nil {
		return false
	}
	groups, err := who.GroupIds()
	return err == nil && slices.Contains(groups, strconv.Itoa(gid))
}
