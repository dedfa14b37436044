package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"holdfast/actors/kit/kittest"
)

const (
	nobody  = 65534
	callFor = "TEST_ADMIN_DIR" // makes the test binary a client of the socket in that folder
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(callFor); dir != "" {
		fmt.Println(callOnce(dir))
		return
	}
	os.Exit(m.Run())
}

// callOnce is what a client says who calls one method.
func callOnce(dir string) string {
	client, err := Dial(dir)
	if err != nil {
		return err.Error()
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), kittest.Patience)
	defer cancel()
	if err := client.Call(ctx, "nothing", nil, nil); err != nil {
		return err.Error()
	}
	return "admitted"
}

// stranger makes one call as somebody who is neither root nor the gateway's own user. Root becomes nobody, in a process of
// his own; everybody else is a stranger to a server that takes another user for its own.
func (f *face) stranger() string {
	f.t.Helper()
	if os.Geteuid() != 0 {
		f.own = uint32(os.Geteuid()) + 1
		return callOnce(f.dir)
	}
	cmd := exec.CommandContext(f.t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), callFor+"="+f.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("a client as nobody: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// strangersGroup is the name of the stranger's group.
func strangersGroup(t *testing.T) string {
	gid := os.Getegid()
	if os.Geteuid() == 0 {
		gid = nobody
	}
	g, err := user.LookupGroupId(strconv.Itoa(gid))
	if err != nil {
		t.Fatal(err)
	}
	return g.Name
}

// inTheOpen moves the state folder, with its mode, to where everybody may look.
func inTheOpen(mode os.FileMode) func(*face, *Options) {
	return func(f *face, _ *Options) {
		dir, err := os.MkdirTemp("", "admin")
		f.dir = filepath.Join(dir, "state")
		if err == nil {
			err = errors.Join(os.Chmod(dir, 0o755), os.Mkdir(f.dir, 0o700), os.Chmod(f.dir, mode))
		}
		if err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
}

func TestLaw12_OthersMayNotConnect(t *testing.T) {
	f := newFace(t, inTheOpen(0o755))
	place := filepath.Join(f.dir, SocketName)
	if info, err := os.Lstat(place); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Fatalf("the socket is %v, %v", info, err)
	}
	if got := f.stranger(); !strings.Contains(got, "you may not connect") {
		t.Errorf("behind the mode of the socket a stranger hears %q", got)
	}
	if err := os.Chmod(place, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := f.stranger(); !strings.HasSuffix(got, "you may not connect: only root, the gateway's own user and gateway.adminGroup may") {
		t.Errorf("without it a stranger hears %q", got)
	}
	if !kittest.Eventually(func() bool { return f.opened() == 0 }) || len(f.control.Messages()) > 0 {
		t.Errorf("control heard of a stranger: %v", f.control.Messages())
	}
}

func TestTheAdminGroupMayConnect(t *testing.T) {
	group := strangersGroup(t)
	gid, err := lookupGroup(group)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		mode, now os.FileMode // of the state folder
		given     bool        // the folder is the group's
	}{
		{"through a folder that was closed", 0o700, 0o710, true},
		{"through a folder that is open to all", 0o755, 0o755, os.Geteuid() != 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFace(t, inTheOpen(c.mode), func(_ *face, o *Options) { o.Group = group })
			socket, err := os.Lstat(filepath.Join(f.dir, SocketName))
			if err != nil || socket.Mode() != os.ModeSocket|0o660 || int(socket.Sys().(*syscall.Stat_t).Gid) != gid {
				t.Errorf("the socket is %v, %v", socket, err)
			}
			folder, err := os.Stat(f.dir)
			if err != nil || folder.Mode().Perm() != c.now || (int(folder.Sys().(*syscall.Stat_t).Gid) == gid) != c.given {
				t.Errorf("the state folder is %v, %v", folder, err)
			}
			if got := f.stranger(); got != "admitted" {
				t.Errorf("a member hears %q", got)
			}
		})
	}
}

func TestWhoIsAdmitted(t *testing.T) {
	who, err := user.LookupId(strconv.Itoa(nobody))
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	g, err := user.LookupGroupId(who.Gid)
	if err != nil {
		t.Fatal(err)
	}
	const own, other, noGroup = 1234, 4321, 54321
	for _, c := range []struct {
		name  string
		peer  peer
		group string
		want  bool
	}{
		{"root", peer{uid: 0, gid: noGroup}, "", true},
		{"our own user", peer{uid: own, gid: noGroup}, "", true},
		{"somebody else", peer{uid: other, gid: noGroup}, "", false},
		{"somebody else of the same group as root", peer{uid: other}, "", false},
		{"a member, by the group of his process", peer{uid: other, gid: uint32(gid)}, g.Name, true},
		{"a member, by the list of groups", peer{uid: nobody, gid: noGroup}, g.Name, true},
		{"no member", peer{uid: other, gid: noGroup}, g.Name, false},
		{"a group that does not exist", peer{uid: other, gid: noGroup}, "no-such-group", false},
	} {
		if got := c.peer.admits(own, c.group); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestListenReplacesTheSocketOfADeadGateway(t *testing.T) {
	dir := t.TempDir()
	l, err := Listen(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := Dial(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a dead socket: %v", err)
	}
	if l, err = Listen(dir, ""); err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func TestWithoutAGatewayTheErrorSaysSo(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	for name, dir := range map[string]string{
		"a folder without a socket": t.TempDir(), "no folder": filepath.Join(t.TempDir(), "none"), "no folder, and a long path": long,
	} {
		if _, err := Dial(dir); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListenSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ dir, group, want string }{
		"no folder":                  {filepath.Join(t.TempDir(), "none"), "", "listen on the admin socket"},
		"no folder, and a long path": {filepath.Join(t.TempDir(), strings.Repeat("d", 120)), "", "open /"},
		"a group that is none":       {t.TempDir(), "no-such-group", "give the admin socket to group no-such-group (gateway.adminGroup)"},
	} {
		if _, err := Listen(c.dir, c.group); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
