package registry

import (
	"context"
	"runtime"
	"testing"
	"weak"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

func TestWhatIsPublishedIsWhatTheCellHolds(t *testing.T) {
	sys := kittest.New(t)
	var cell Cell
	if live := cell.Load(); live.Revision != 0 {
		t.Fatalf("before the first publication the cell holds revision %d, want an empty value", live.Revision)
	}
	at, err := sys.Start("registry", Spec(&cell))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(msg any) any {
		t.Helper()
		answer, err := sys.Ask(t.Context(), at, msg)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	ask(Install{Offers: []Offer{offer("sms", "1", "sms")}})
	ask(StageRoutes{Routes: NewRoutes([]*Endpoint{{Path: "/a"}, {Path: "/b", Under: true}})})
	ask(StageMethods{Methods: NewMethods([]Method{{Name: "x.y"}})})
	if live := cell.Load(); live.Revision != 0 {
		t.Fatal("staging alone made something live")
	}
	ask(Publish{Revision: 1})
	live := cell.Load()
	if _, ok := live.Methods.Find("x.y"); !ok || live.Revision != 1 {
		t.Errorf("the cell holds %+v, want revision 1 with the method", live)
	}
	for path, want := range map[string]string{"/a": "/a", "/b/7": "/b", "/b": "", "/b/7/8": "", "/c": ""} {
		e, rest, found := live.Routes.Find(path)
		if found != (want != "") || found && e.Path != want || found && e.Under && rest != "7" {
			t.Errorf("Find(%s) = %+v %q %v, want the owner %q", path, e, rest, found, want)
		}
	}
	if d, ok := sys.Snapshot(at).(Description); !ok || d.Revision != 1 {
		t.Errorf("the snapshot is %+v, want the description", sys.Snapshot(at))
	}
}

// memory is what an instance keeps; who reaches it holds the instance.
type memory struct{ calls [1 << 10]byte }

// remembering is a plugin whose instances keep a memory; the newest one's is found through last.
func remembering(last *weak.Pointer[memory]) channels.Plugin {
	return channels.Plugin{Name: "bell", Version: "1", Offer: func(channels.PluginSettings) channels.Offer {
		m := &memory{}
		*last = weak.Make(m)
		return channels.Offer{
			Kinds: []channels.Kind{{Name: "bell", Connect: func(channels.Settings, channels.Env) channels.Channel {
				m.calls[0]++
				return nil
			}}},
			Methods: []channels.Method{{Name: "bell.ring", Call: func(context.Context, []byte) ([]byte, error) {
				m.calls[1]++
				return nil, nil
			}}},
		}
	}}
}

// gone tells whether the garbage collector takes what the pointer points to.
func gone(p weak.Pointer[memory]) bool {
	return kittest.Eventually(func() bool {
		runtime.GC()
		return p.Value() == nil
	})
}

func TestLaw1_AFreedInstanceIsReallyGone(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  Lease
	}{
		{"after a run's lease", Lease{Channel: "bell", Holder: "bell:a run.1"}},
		{"after a call's lease", Lease{Method: "bell.ring", Holder: "call.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sys := kittest.New(t)
			var (
				cell Cell
				old  weak.Pointer[memory]
			)
			at, err := sys.Start("registry", Spec(&cell))
			if err != nil {
				t.Fatal(err)
			}
			ask := func(msg any) any {
				t.Helper()
				answer, err := sys.Ask(t.Context(), at, msg)
				if err != nil {
					t.Fatal(err)
				}
				return answer
			}
			func() { // so that nothing of the test's own holds the instance
				first := OfferOf(remembering(&old), nil, "r1")
				ask(StageMethods{Methods: NewMethods(first.Table(kit.Named("plugins")))})
				ask(Install{Offers: []Offer{first}})
			}()
			ask(Publish{Revision: 1})
			lease := ask(c.ask).(Leased).Lease

			var equal, fresh weak.Pointer[memory]
			ask(Install{Offers: []Offer{OfferOf(remembering(&equal), nil, "r1")}})
			ask(Publish{Revision: 2})
			if !gone(equal) {
				t.Error("an instance that was made to look at is kept although the old one was carried over")
			}
			ask(Install{Offers: []Offer{OfferOf(remembering(&fresh), nil, "r3")}})
			ask(Publish{Revision: 3})
			if runtime.GC(); old.Value() == nil || fresh.Value() == nil {
				t.Fatal("an instance is gone though a lease is held on it, or though it is live")
			}
			sys.Tell(at, Release{lease})
			ask(Describe{})
			if !gone(old) {
				t.Error("the instance is freed and still kept by somebody")
			}
			ask(Install{})
			ask(Publish{Revision: 4})
			if !gone(fresh) {
				t.Error("the instance that nobody used is freed and still kept by somebody")
			}
			runtime.KeepAlive(sys)
		})
	}
}
