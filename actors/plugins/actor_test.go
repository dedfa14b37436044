package plugins

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/channels"
)

// house is the actor beside a real registry.
type house struct {
	t        *testing.T
	sys      *kit.System
	registry kit.Addr
	plugins  kit.Addr
	revision uint64
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, sys: kittest.New(t)}
	var err error
	if h.registry, err = h.sys.Start("registry", registry.Spec(&registry.Cell{})); err != nil {
		t.Fatal(err)
	}
	if h.plugins, err = h.sys.Start("plugins", Spec(h.registry)); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) ask(to kit.Addr, msg any) any {
	h.t.Helper()
	answer, err := h.sys.Ask(h.t.Context(), to, msg)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer
}

// live makes a generation of these offers.
func (h *house) live(offers ...registry.Offer) {
	h.t.Helper()
	if got := h.ask(h.registry, registry.Install{Offers: offers}).(registry.Installed); got.Err != nil {
		h.t.Fatal(got.Err)
	}
	h.revision++
	h.ask(h.registry, registry.Publish{Revision: h.revision})
}

// call begins a call, and the answer comes as one line.
func (h *house) call(method, params string) chan string {
	out := make(chan string, 1)
	go func() {
		got, err := h.sys.Ask(h.t.Context(), h.plugins, registry.Call{Method: method, Params: []byte(params), Caller: "admin.1"})
		if err != nil {
			out <- err.Error()
			return
		}
		out <- answer(got.(registry.Called))
	}()
	synctest.Wait()
	return out
}

// instances are the registry's, as plugin@n state holders.
func (h *house) instances() (out []string) {
	synctest.Wait()
	for _, i := range h.ask(h.registry, registry.Describe{}).(registry.Description).Instances {
		out = append(out, strings.TrimSpace(i.Version+" "+i.State+" "+strings.Join(i.Holders, ", ")))
	}
	return out
}

func (h *house) wants(what string, got []string, want ...string) {
	h.t.Helper()
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		h.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// bell is a version of a plugin whose methods do as they are told.
func bell(version string, gate chan struct{}) registry.Offer {
	call := func(ctx context.Context, params []byte) ([]byte, error) {
		switch string(params) {
		case `"version"`:
			return []byte(`"` + version + `"`), nil
		case `"wait"`:
			<-gate
			return []byte(`"` + version + ` after a while"`), nil
		case `"obey"`:
			<-ctx.Done()
			return nil, ctx.Err()
		case `"have something"`:
			<-ctx.Done()
			return []byte(`"a part"`), nil
		case `"panic"`:
			panic("on purpose")
		case `"nonsense"`:
			return []byte("ding"), nil
		case `"nothing"`:
			return nil, nil
		}
		return nil, errors.New("no such bell")
	}
	return registry.Offer{Plugin: "bell", Version: version, Methods: []channels.Method{{Name: "bell.ring", Reads: true, Call: call}}}
}

func TestACallIsAnswered(t *testing.T) {
	for _, c := range []struct {
		name, params, want string
		took               time.Duration
	}{
		{"with its result", `"version"`, `"1"`, 0},
		{"with null where there is no result", `"nothing"`, "null", 0},
		{"with an error", `"x"`, "-32000 bell.ring: no such bell", 0},
		{"after a panic", `"panic"`, "-32000 bell.ring: a bug in plugin bell, whose stack is in the gateway's log; please report it", 0},
		{"after a result that is none", `"nonsense"`, "-32000 bell.ring: a bug in the plugin: its result is no JSON; please report it", 0},
		{"at its deadline, which it obeys", `"obey"`, "-32001 bell.ring: no answer within 1m0s; it may still be carried out", callWithin},
		{"at its deadline, with what it has", `"have something"`, `"a part"`, callWithin},
		{"soon after its deadline, which it does not obey", `"wait"`, "-32001 bell.ring: no answer within 1m0s; it may still be carried out", callWithin + returnWithin},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				h := newHouse(t)
				h.live(bell("1", gate))
				began := time.Now()
				if got := <-h.call("bell.ring", c.params); got != c.want || time.Since(began) != c.took {
					t.Errorf("got %s after %s, want %s after %s", got, time.Since(began), c.want, c.took)
				}
				close(gate)
				h.wants("afterwards", h.instances(), "1 active")
			})
		})
	}
}

func TestLaw1_ACallEndsOnTheInstanceThatItBeganOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		h := newHouse(t)
		h.live(bell("1", gate))
		old := h.call("bell.ring", `"wait"`)
		h.live(bell("2", gate))
		h.wants("during the call", h.instances(), "1 draining call.1 bell.ring of admin.1", "2 active")
		if got := <-h.call("bell.ring", `"version"`); got != `"2"` {
			t.Errorf("a call after the swap reached %s, want the new instance", got)
		}
		close(gate)
		if got := <-old; got != `"1 after a while"` {
			t.Errorf("the call that began before the swap got %s, want the old instance's answer", got)
		}
		h.wants("after the call", h.instances(), "2 active", "1 freed")
	})
}

func TestAMethodThatWentMeanwhileIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.live(bell("1", nil))
		h.live()
		want := "-32601 unknown method: bell.ring: no plugin offers this method any more; rpc.discover lists the methods"
		if got := <-h.call("bell.ring", `"version"`); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestAnInstanceIsFreedOnlyWhenAHungCallReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		h := newHouse(t)
		h.live(bell("1", gate))
		<-h.call("bell.ring", `"wait"`)
		h.live()
		h.wants("while it hangs", h.instances(), "1 draining call.1 bell.ring of admin.1")
		close(gate)
		h.wants("when it has returned", h.instances(), "1 freed")
	})
}

func TestAnInstanceIsReallyGoneAfterItsCalls(t *testing.T) {
	h := newHouse(t)
	var kept weak.Pointer[[1 << 10]byte]
	func() {
		memory := &[1 << 10]byte{}
		kept = weak.Make(memory)
		h.live(registry.Offer{Plugin: "bell", Methods: []channels.Method{{Name: "bell.ring", Call: func(context.Context, []byte) ([]byte, error) {
			memory[0]++
			return nil, nil
		}}}})
	}()
	if got, err := h.sys.Ask(t.Context(), h.plugins, registry.Call{Method: "bell.ring"}); err != nil || got.(registry.Called).Err != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	if runtime.GC(); kept.Value() == nil {
		t.Fatal("a live instance is gone")
	}
	h.live()
	if gone := kittest.Eventually(func() bool { runtime.GC(); return kept.Value() == nil }); !gone {
		t.Error("the instance is freed and still kept by somebody")
	}
}

func TestACallEndsWithTheActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		ended := make(chan struct{})
		h.live(registry.Offer{Plugin: "bell", Methods: []channels.Method{{Name: "bell.ring", Call: func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}}}})
		h.sys.Tell(h.plugins, registry.Call{Method: "bell.ring"})
		synctest.Wait()
		began := time.Now()
		h.sys.Stop(h.plugins)
		if <-ended; time.Since(began) > 0 {
			t.Errorf("the call went on for %s", time.Since(began))
		}
	})
}
