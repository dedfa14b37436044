package admin

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"holdfast/actors/control"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
)

// face is a server on a real socket; probes play control and its children.
type face struct {
	*Server
	t        testing.TB
	dir      string
	sys      *kit.System
	control  *kittest.Probe
	conn     *kittest.Probe // plays every child of control
	registry kit.Addr
	revision uint64
	log      *bytes.Buffer
}

// newFace serves until the test ends. Methods that begin with "slow" are left open, all others answer at once what they
// were asked with.
func newFace(t testing.TB, change ...func(*face, *Options)) *face {
	t.Helper()
	f := &face{t: t, dir: t.TempDir(), sys: kittest.New(t), log: &bytes.Buffer{}}
	f.control = kittest.NewProbe(t, f.sys, "control")
	f.conn = kittest.NewProbe(t, f.sys, "control/admin.1").Answering(f.answer)
	f.control.Answering(func(any) any { return control.Opened{Conn: f.conn.Addr()} })
	cell := &registry.Cell{}
	var err error
	if f.registry, err = f.sys.Start("registry", registry.Spec(cell)); err != nil {
		t.Fatal(err)
	}
	f.publish("echo", "fail", "odd", "nothing", "slow", "slow2")
	o := Options{System: f.sys, Live: cell, Control: f.control.Addr(), Log: zerolog.New(zerolog.SyncWriter(f.log))}
	for _, c := range change {
		c(f, &o)
	}
	f.Server = New(o)
	l, err := Listen(f.dir, o.Group)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { f.Serve(l) })
	t.Cleanup(func() {
		_ = l.Close()
		f.Close()
		serving.Wait()
	})
	return f
}

func (f *face) answer(msg any) any {
	m, called := msg.(registry.Call)
	switch {
	case !called || strings.HasPrefix(m.Method, "slow"):
		return nil
	case m.Method == "fail":
		return registry.Called{Err: &registry.CallError{Code: control.CodeFailed, Message: "the disk is full", Data: []byte(`{"free":0}`)}}
	case m.Method == "odd":
		return "odd"
	case m.Method == "nothing":
		return registry.Called{}
	}
	return registry.Called{Result: m.Params}
}

// publish makes exactly these methods live; control answers them.
func (f *face) publish(names ...string) {
	f.t.Helper()
	var list []registry.Method
	for _, name := range names {
		list = append(list, registry.Method{Name: name, Owner: f.control.Addr()})
	}
	f.publishMethods(list...)
}

func (f *face) publishMethods(list ...registry.Method) {
	f.t.Helper()
	f.revision++
	for _, msg := range []any{registry.StageMethods{Methods: registry.NewMethods(list)}, registry.Publish{Revision: f.revision}} {
		if _, err := f.sys.Ask(f.t.Context(), f.registry, msg); err != nil {
			f.t.Fatal(err)
		}
	}
}

// line is a raw client.
type line struct {
	*net.UnixConn
	t testing.TB
	r *bufio.Reader
}

func (f *face) dial() *line {
	f.t.Helper()
	path, done, err := through(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	defer done()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(kittest.Patience))
	return &line{c, f.t, bufio.NewReader(c)}
}

func (l *line) say(raw string) {
	l.t.Helper()
	if _, err := io.WriteString(l, raw); err != nil {
		l.t.Fatalf("write: %v", err)
	}
}

func (l *line) hear(want string) {
	l.t.Helper()
	got, err := l.r.ReadString('\n')
	if err != nil || strings.TrimSuffix(got, "\n") != want {
		l.t.Fatalf("heard %q, %v\nwant  %q", got, err, want)
	}
}

func (l *line) ended() {
	l.t.Helper()
	if rest, err := io.ReadAll(l.r); err != nil || len(rest) > 0 {
		l.t.Fatalf("the connection did not end: %q, %v", rest, err)
	}
}

// slow waits for the call of a method that is left open.
func (f *face) slow(method string) kit.In {
	f.t.Helper()
	return f.conn.WaitIn(func(msg any) bool { c, is := msg.(registry.Call); return is && c.Method == method })
}

// finish answers a call that was left open.
func (f *face) finish(in kit.In, result string) {
	f.t.Helper()
	f.conn.Perform(kit.Answer{To: in.From, Msg: registry.Called{Result: []byte(result)}})
}

func (f *face) opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open)
}

// breakOff waits until an answer has come that is not read, and closes.
func (l *line) breakOff() {
	l.t.Helper()
	raw, err := l.SyscallConn()
	if err != nil {
		l.t.Fatal(err)
	}
	waits := func() bool {
		n := 0
		_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		return n > 0
	}
	if !kittest.Eventually(waits) {
		l.t.Fatal("no answer came")
	}
	_ = l.Close()
}
