package control

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/supervisor"
	"holdfast/actors/tree"
	"holdfast/channels"
)

// desk is a real control in a world whose other actors only show themselves, and probes for those that are asked.
type desk struct {
	t       *testing.T
	w       World
	owners  map[string]*kittest.Probe
	stopped chan struct{}
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, w: well(time.Now()).world(t), owners: map[string]*kittest.Probe{}, stopped: make(chan struct{}, 1)}
	sys := d.w.System
	at := map[string]kit.Addr{}
	for _, name := range []string{"the journal", "the reload", "the outbox", "the access", "channels/test"} {
		d.owners[name] = kittest.NewProbe(t, sys, name)
		at[name] = d.owners[name].Addr()
	}
	_, err := sys.Start(self.String(), Spec(Options{
		Self: self, World: d.w, Stop: func() { d.stopped <- struct{}{} },
		Places: Places{Journal: at["the journal"], Reload: at["the reload"], Outbox: at["the outbox"], Access: at["the access"]},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) open() kit.Addr {
	d.t.Helper()
	return ask[Opened](d, self, Open{Peer: "uid=0 pid=1"}).Conn
}

func (d *desk) call(conn kit.Addr, method, params string) registry.Called {
	d.t.Helper()
	return ask[registry.Called](d, conn, registry.Call{Method: method, Params: []byte(params)})
}

func ask[A any](d *desk, to kit.Addr, msg any) A {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Hour)
	defer cancel()
	answer, err := d.w.System.Ask(ctx, to, msg)
	if err != nil {
		d.t.Fatalf("ask %s: %v", to, err)
	}
	return answer.(A)
}

// admins are the connections in the tree.
func (d *desk) admins() []string {
	var out []string
	for _, row := range d.w.System.Table() {
		if peer, is := strings.CutPrefix(row.Kind, "admin "); is {
			out = append(out, row.Addr.String()+" "+row.Parent.String()+" "+peer)
		}
	}
	return out
}

func TestAConnectionIsAChildFromOpenToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		one, two := d.open(), d.open()
		if want := []string{"control/admin.1 control uid=0 pid=1", "control/admin.2 control uid=0 pid=1"}; !slices.Equal(d.admins(), want) {
			t.Fatalf("the connections are %v", d.admins())
		}
		d.w.System.Tell(self, Close{Conn: one})
		synctest.Wait()
		if want := []string{"control/admin.2 control uid=0 pid=1"}; !slices.Equal(d.admins(), want) {
			t.Fatalf("the connections are %v", d.admins())
		}
		d.w.System.Tell(self, Close{Conn: one})
		d.w.System.Tell(self, Close{Conn: two})
		synctest.Wait()
		if len(d.admins()) > 0 {
			t.Fatalf("the connections are %v", d.admins())
		}
		if three := d.open(); three.String() != "control/admin.3" {
			t.Errorf("the next one is %s", three)
		}
	})
}

func TestACallGoesToTheOwnerAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.owners["channels/test"].Answering(func(any) any {
			return supervisor.Ordered{Verdicts: map[channels.Account]supervisor.Verdict{"test:home": {Result: "applied", Run: 8}}}
		})
		got := d.call(d.open(), "channels.restart", `{"target":"test:home"}`)
		if got.Err != nil || string(got.Result) != `{"verdicts":{"test:home":{"result":"applied","run":8}}}` {
			t.Errorf("got %s, %v", got.Result, got.Err)
		}
		if order := kittest.Wait[supervisor.Order](d.owners["channels/test"]); order != (supervisor.Order{Account: "test:home", Do: "restart"}) {
			t.Errorf("the supervisor was told %+v", order)
		}
	})
}

func TestAnOwnerThatHangsDelaysNoOtherCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		conn, began := d.open(), time.Now()
		late := make(chan registry.Called, 1)
		go func() { late <- d.call(conn, "journal.show", `{"seq":7}`) }()
		kittest.Wait[journal.Show](d.owners["the journal"])
		if got := d.call(conn, "status", ""); got.Err != nil || time.Since(began) > 0 {
			t.Errorf("status: %v after %s", got.Err, time.Since(began))
		}
		if got := <-late; got.Err == nil || got.Err.Code != CodeTimeout || time.Since(began) != quick {
			t.Errorf("the call that hangs got %+v after %s", got, time.Since(began))
		}
	})
}

func TestAChannelThatDoesNotExistIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		if got := d.call(d.open(), "channels.stop", `{"target":"telegraph"}`); got.Err == nil || !strings.Contains(got.Err.Message, "there is no channel of that name") {
			t.Errorf("got %+v", got)
		}
	})
}

func TestShutdownAsksForTheEndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		got := d.call(d.open(), "shutdown", "")
		if string(got.Result) != `{"stopping":true}` || len(d.stopped) != 1 {
			t.Errorf("got %s, %v, stopped %d times", got.Result, got.Err, len(d.stopped))
		}
	})
}

// Methods that read ask only questions that change nothing, or nobody; what is live, the tree and the books stay as they are.
func TestLaw2_ReadsChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.owners["the journal"].Answering(func(msg any) any {
			switch msg.(type) {
			case journal.List:
				return journal.Listed{}
			case journal.Show:
				return journal.Shown{Payload: []byte(`{}`)}
			case journal.Verify:
				return journal.Verified{}
			}
			t.Errorf("the journal was asked %T, which is not known to change nothing", msg)
			return nil
		})
		d.owners["the access"].Answering(func(msg any) any {
			if _, reads := msg.(access.ListPairing); !reads {
				t.Errorf("access was asked %T, which is not known to change nothing", msg)
			}
			return access.PairingList{}
		})
		d.owners["the reload"].Answering(func(msg any) any {
			if m, reads := msg.(reload.Reload); !reads || !m.DryRun {
				t.Errorf("reload was asked %+v, which is not known to change nothing", msg)
			}
			return reload.Report{DryRun: true}
		})
		conn := d.open()
		synctest.Wait()
		live, shown := d.w.Live.Load(), d.tree(t)
		for _, name := range slices.Sorted(maps.Keys(handlers)) {
			if !handlers[name].reads {
				continue
			}
			params := map[string]string{"journal.show": `{"seq":7}`}[name]
			got := d.call(conn, name, params)
			if got.Err != nil {
				t.Errorf("%s: %+v", name, got.Err)
				continue
			}
			fits(t, name, got.Result)
		}
		synctest.Wait()
		if d.w.Live.Load() != live {
			t.Error("something was published")
		}
		if now := d.tree(t); now != shown {
			t.Errorf("the tree was\n%s\nand is\n%s", shown, now)
		}
		for _, name := range []string{"the outbox", "channels/test"} {
			if got := d.owners[name].Messages(); len(got) > 0 {
				t.Errorf("%s was told %v", name, got)
			}
		}
		if len(d.stopped) > 0 {
			t.Error("the process was ended")
		}
	})
}

// tree is every actor with what it publishes.
func (d *desk) tree(t *testing.T) string {
	t.Helper()
	raw, err := json.Marshal(tree.Lines(d.w.System.Table()))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
