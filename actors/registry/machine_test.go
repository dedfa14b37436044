package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

var (
	me  = kit.ReturnTo(kit.Named("asker"), 1)
	now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func offer(plugin, version string, kinds ...string) Offer {
	o := Offer{Plugin: plugin, Version: version}
	for _, k := range kinds {
		o.Kinds = append(o.Kinds, channels.Kind{Name: k})
	}
	return o
}

// play feeds messages and gives the last answer.
func play[A any](t *testing.T, s State, msgs ...any) (State, A) {
	t.Helper()
	var last A
	for _, m := range msgs {
		var effects []kit.Effect
		s, effects = Step(s, kit.In{Msg: m, From: me, Now: now})
		if answers := kittest.Answers[A](effects); len(answers) > 0 {
			last = answers[0]
		}
	}
	return s, last
}

func states(d Description) map[string]string {
	out := map[string]string{}
	for _, i := range d.Instances {
		out[fmt.Sprintf("%s@%d", i.ID.Plugin, i.ID.Number)] = i.State
	}
	return out
}

func TestLaw1_NothingIsLiveBeforeOnePublication(t *testing.T) {
	s, got := play[Leased](t, State{}, Install{Offers: []Offer{offer("sms", "1", "sms")}}, StageRoutes{Routes: NewRoutes([]*Endpoint{{Path: "/a"}})},
		Lease{Channel: "sms"})
	if !errors.Is(got.Err, ErrNoChannel) {
		t.Fatalf("a lease before the publication: %+v, want ErrNoChannel", got)
	}
	_, effects := Step(s, kit.In{Msg: Publish{Revision: 1}, From: me, Now: now})
	live := kittest.All[publish](effects)
	if len(live) != 1 {
		t.Fatalf("%d publications, want one swap", len(live))
	}
	if _, _, found := live[0].live.Routes.Find("/a"); !found || live[0].live.Revision != 1 || live[0].live.Generation != 1 {
		t.Errorf("published %+v, want routes, revision and generation together", live[0].live)
	}
}

func TestLaw1_TheSettingsOfTheEdgeFollowThePublication(t *testing.T) {
	first, second := &Edge{InFlight: 1, RequestWithin: time.Second}, &Edge{InFlight: 2}
	s, _ := play[Published](t, State{}, Publish{Revision: 4, Edge: first})
	for _, c := range []struct {
		name string
		msg  any
		want Edge
		live bool // something is published
	}{
		{"other settings come with their revision", Publish{Revision: 5, Edge: second}, *second, true},
		{"a publication that names none leaves them", Publish{Revision: 5}, *first, true},
		{"a publication that names the defaults sets them", Publish{Revision: 5, Edge: &Edge{}}, Edge{}, true},
		{"a revision that is refused leaves them", Publish{Revision: 4, Edge: second}, *first, false},
		{"an amendment of the routes leaves them", Amend{}, *first, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, effects := Step(s, kit.In{Msg: c.msg, From: me, Now: now})
			if !cmp.Equal(next.Edge, c.want) {
				t.Errorf("the state has %+v, want %+v", next.Edge, c.want)
			}
			live := kittest.All[publish](effects)
			if (len(live) == 1) != c.live || c.live && !cmp.Equal(live[0].live.Edge, c.want) {
				t.Errorf("published %+v, want %+v", live, c.want)
			}
		})
	}
}

func TestLaw1_UnchangedInstancesAreCarriedOverAndOldOnesDrainUntilTheirLastLeaseEnds(t *testing.T) {
	s, lease := play[Leased](t, State{}, Install{Offers: []Offer{offer("sms", "1", "sms"), offer("irc", "1", "irc")}}, Publish{Revision: 1},
		Lease{Channel: "sms", Holder: "sms:a run.1"})
	s, _ = play[Published](t, s, Install{Offers: []Offer{offer("sms", "2", "sms"), offer("irc", "1", "irc")}}, Publish{Revision: 2})
	want := map[string]string{"sms@1": "draining", "irc@1": "active", "sms@2": "active"}
	if diff := cmp.Diff(want, states(s.Describe())); diff != "" {
		t.Fatalf("instances after the swap (-want +got):\n%s", diff)
	}
	s, again := play[Leased](t, s, Lease{Channel: "sms", Holder: "sms:a run.2"})
	if again.Instance.Number != 2 || again.Lease <= lease.Lease {
		t.Errorf("a new lease is %+v, want one on the new instance with a higher number", again)
	}
	s, _ = play[Leased](t, s, Release{lease.Lease})
	want["sms@1"] = "freed"
	if diff := cmp.Diff(want, states(s.Describe())); diff != "" {
		t.Errorf("instances after the last lease (-want +got):\n%s", diff)
	}
}

func TestInstall(t *testing.T) {
	two, _ := play[Published](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, Publish{Revision: 1})
	for name, c := range map[string]struct {
		offers []Offer
		fault  bool
		ids    []InstanceID
	}{
		"the same offer carries the instance over":             {[]Offer{offer("a", "1", "x")}, false, []InstanceID{{"a", 1}}},
		"another version makes a new instance":                 {[]Offer{offer("a", "2", "x")}, false, []InstanceID{{"a", 2}}},
		"other settings of the plugin make a new instance":     {[]Offer{{Plugin: "a", Version: "1", Settings: "s", Kinds: []channels.Kind{{Name: "x"}}}}, false, []InstanceID{{"a", 2}}},
		"two plugins that offer one channel are refused":       {[]Offer{offer("a", "1", "x"), offer("b", "1", "x")}, true, nil},
		"a generation without plugins is a generation as well": {nil, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := play[Installed](t, two, Install{Offers: c.offers})
			if (got.Err != nil) != c.fault || !slices.Equal(got.Instances, c.ids) {
				t.Errorf("got %+v, want instances %v, fault %v", got, c.ids, c.fault)
			}
		})
	}
}

func TestALeaseByMethod(t *testing.T) {
	s, _ := play[Published](t, State{}, Install{Offers: []Offer{having(offer("sms", "1", "sms"), "sms.count"), having(offer("irc", "1", "irc"), "irc.join")}}, Publish{Revision: 1},
		Install{Offers: []Offer{having(offer("sms", "2", "sms"), "sms.other"), having(offer("irc", "1", "irc"), "irc.join")}})
	for _, c := range []struct {
		name     string
		ask      Lease
		err      error
		instance InstanceID
	}{
		{"a method of the live generation", Lease{Method: "sms.count"}, nil, InstanceID{"sms", 1}},
		{"a method of another plugin", Lease{Method: "irc.join"}, nil, InstanceID{"irc", 1}},
		{"a method that is only staged", Lease{Method: "sms.other"}, ErrNoMethod, InstanceID{}},
		{"a method that nobody offers", Lease{Method: "sms.none"}, ErrNoMethod, InstanceID{}},
		{"the name of a channel is none of a method", Lease{Method: "sms"}, ErrNoMethod, InstanceID{}},
		{"the name of a method is none of a channel", Lease{Channel: "sms.count"}, ErrNoChannel, InstanceID{}},
		{"neither", Lease{}, ErrNoChannel, InstanceID{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.ask.Holder = "call.1"
			next, got := play[Leased](t, s, c.ask)
			if !errors.Is(got.Err, c.err) || got.Instance != c.instance || got.Method.Name != c.ask.Method && c.err == nil {
				t.Fatalf("got %+v", got)
			}
			if held := next.Leases.Len(); (held == 1) != (c.err == nil) {
				t.Errorf("%d leases are held", held)
			}
		})
	}
}

func TestACallHoldsItsInstanceAsARunDoes(t *testing.T) {
	s, call := play[Leased](t, State{}, Install{Offers: []Offer{having(offer("sms", "1"), "sms.count")}}, Publish{Revision: 1},
		Lease{Method: "sms.count", Holder: "call.1"}, Install{}, Publish{Revision: 2})
	want := []Instance{{ID: InstanceID{"sms", 1}, Version: "1", Methods: []string{"sms.count"}, State: "draining", Holders: []string{"call.1"}}}
	if diff := cmp.Diff(want, s.Describe().Instances); diff != "" {
		t.Fatalf("while the call goes on (-want +got):\n%s", diff)
	}
	if _, got := play[Leased](t, s, Lease{Method: "sms.count", Holder: "call.2"}); !errors.Is(got.Err, ErrNoMethod) {
		t.Errorf("a second call got %+v, want none on an instance that drains", got)
	}
	s, _ = play[Leased](t, s, Release{call.Lease})
	want[0].State, want[0].Holders = "freed", nil
	if diff := cmp.Diff(want, s.Describe().Instances); diff != "" || len(s.Instances) != 0 {
		t.Errorf("after the call %d instances are kept (-want +got):\n%s", len(s.Instances), diff)
	}
}

func TestAHolderThatHeardNothingIsForgotten(t *testing.T) {
	s, _ := play[Leased](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, Publish{Revision: 1}, Lease{Channel: "x", Holder: "one"}, Lease{Channel: "x", Holder: "two"},
		Install{}, Publish{Revision: 2}, Forget{"one"}, Forget{"nobody"}, Forget{})
	if got := s.Describe().Instances; len(got) != 1 || got[0].State != "draining" || !slices.Equal(got[0].Holders, []string{"two"}) {
		t.Fatalf("instances %+v, want one that is held by two", got)
	}
	if s, _ = play[Leased](t, s, Forget{"two"}); len(s.Instances) != 0 || s.Leases.Len() != 0 || s.holders.Len() != 0 {
		t.Errorf("%d instances, %d leases and %d names are kept", len(s.Instances), s.Leases.Len(), s.holders.Len())
	}
}

func TestHoldersWithoutANameAreNotOneHolder(t *testing.T) {
	s, _ := play[Leased](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, Publish{Revision: 1}, Lease{Channel: "x"}, Lease{Channel: "x"}, Forget{})
	if s.Leases.Len() != 2 {
		t.Errorf("%d leases are held, want both", s.Leases.Len())
	}
}

func TestLaw3_AnInstanceThatIsCarriedOverIsTheSameOne(t *testing.T) {
	made := 0
	counting := channels.Plugin{Name: "bell", Version: "1", Offer: func(channels.PluginSettings) channels.Offer {
		made++
		n := fmt.Sprint(made) // the instance's own state
		return channels.Offer{Methods: []channels.Method{{Name: "bell.count", Call: func(context.Context, []byte) ([]byte, error) { return []byte(n), nil }}}}
	}}
	s := State{}
	revision := uint64(0)
	for _, c := range []struct{ name, fingerprint, want string }{
		{"the first", "r1", "1"},
		{"the same settings", "r1", "1"},
		{"other settings", "r3", "3"},
		{"the same again", "r3", "3"},
		{"the first settings again", "r5", "5"},
	} {
		revision++
		var got Leased
		s, got = play[Leased](t, s, Install{Offers: []Offer{OfferOf(counting, nil, c.fingerprint)}}, Publish{Revision: revision}, Lease{Method: "bell.count"})
		if got.Err != nil {
			t.Fatalf("%s: %v", c.name, got.Err)
		}
		if n, _ := got.Method.Call(t.Context(), nil); string(n) != c.want {
			t.Errorf("%s: the call reached instance %s, want %s", c.name, n, c.want)
		}
	}
}

func TestRevisionsOnlyRise(t *testing.T) {
	s, _ := play[Published](t, State{}, Install{}, Publish{Revision: 5})
	for _, revision := range []uint64{5, 4, 1} {
		if _, got := play[Published](t, s, Publish{Revision: revision}); got.Err == nil || got.Revision != 5 {
			t.Errorf("publishing revision %d after 5 gave %+v, want an error", revision, got)
		}
	}
}

func TestAnAmendmentShowsTheLiveTableAndNothingThatIsStaged(t *testing.T) {
	table := func(path string) Routes { return NewRoutes([]*Endpoint{{Path: path}}) }
	s, _ := play[Published](t, State{}, Install{}, StageRoutes{Routes: table("/live")}, Publish{Revision: 1},
		Install{Offers: []Offer{offer("a", "1", "x")}}, StageRoutes{Routes: table("/staged")}, StageMethods{Methods: NewMethods([]Method{{Name: "x.y"}})})
	if _, effects := Step(s, kit.In{Msg: Amend{Routes: table("/late"), Number: 7}, Now: now}); len(effects) != 0 {
		t.Errorf("an amendment of a table that is not live led to %v", effects)
	}
	s, effects := Step(s, kit.In{Msg: Amend{Routes: table("/amended")}, From: me, Now: now})
	live := kittest.All[publish](effects)
	if len(live) != 1 {
		t.Fatalf("%d publications, want one", len(live))
	}
	got := live[0].live
	if _, _, found := got.Routes.Find("/amended"); !found || got.Revision != 1 || got.Generation != 1 || len(got.Methods.All()) != 0 {
		t.Errorf("live is %+v, want the amended table under the old revision", got)
	}
	_, effects = Step(s, kit.In{Msg: Publish{Revision: 2}, From: me, Now: now})
	got = kittest.All[publish](effects)[0].live
	if _, _, found := got.Routes.Find("/staged"); !found || got.Generation != 2 || len(got.Methods.All()) != 1 {
		t.Errorf("the publication after it is %+v, want all that was staged", got)
	}
}

func TestLaw3_WhatIsDiscardedIsNeverPublished(t *testing.T) {
	s, _ := play[Published](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, StageRoutes{Routes: NewRoutes([]*Endpoint{{Path: "/live"}})}, Publish{Revision: 1},
		Install{Offers: []Offer{offer("a", "2", "x")}}, StageRoutes{Routes: NewRoutes([]*Endpoint{{Path: "/staged"}})})
	s, tried := play[Leased](t, s, Lease{Channel: "x", Holder: "x:a run.2", Staged: true})
	s, _ = play[Published](t, s, Discard{}, Publish{Revision: 2})
	if _, _, found := s.Routes.Find("/live"); !found || s.Live != 1 {
		t.Errorf("generation %d is live, /live found: %v; want generation 1 with its routes", s.Live, found)
	}
	if got := states(s.Describe()); got["a@1"] != "active" || got["a@2"] != "draining" {
		t.Errorf("instances %v, want the old one active, and the other one until its lease ends", got)
	}
	s, _ = play[Leased](t, s, Release{tried.Lease})
	if got := states(s.Describe()); got["a@2"] != "freed" {
		t.Errorf("instances %v after the last lease", got)
	}
}

func TestALeaseForAProofIsOnTheInstanceToCome(t *testing.T) {
	s, _ := play[Published](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, Publish{Revision: 1}, Install{Offers: []Offer{offer("a", "2", "x")}})
	s, live := play[Leased](t, s, Lease{Channel: "x", Holder: "one"})
	s, ahead := play[Leased](t, s, Lease{Channel: "x", Holder: "two", Staged: true})
	if live.Instance.Number != 1 || ahead.Instance.Number != 2 {
		t.Errorf("leased %v and ahead %v, want the live instance and the staged one", live.Instance, ahead.Instance)
	}
	s, _ = play[Published](t, s, Publish{Revision: 2})
	if _, again := play[Leased](t, s, Lease{Channel: "x", Holder: "three", Staged: true}); again.Instance.Number != 2 {
		t.Errorf("with nothing staged the lease is on %v, want the live instance", again.Instance)
	}
}

func TestAnInstallThatIsNeverPublishedLeavesNothingBehind(t *testing.T) {
	s, _ := play[Published](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, Publish{Revision: 1},
		Install{Offers: []Offer{offer("a", "2", "x")}}, Install{Offers: []Offer{offer("a", "3", "x")}}, Publish{Revision: 2})
	if got := states(s.Describe()); got["a@2"] != "" || got["a@3"] != "active" {
		t.Errorf("instances %v, want a@3 active and no trace of a@2", got)
	}
}

func TestReleasingTwiceDoesNothing(t *testing.T) {
	s, l := play[Leased](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, Publish{Revision: 1}, Lease{Channel: "x"})
	s, _ = play[Leased](t, s, Release{l.Lease})
	s, other := play[Leased](t, s, Lease{Channel: "x", Holder: "second"})
	s, _ = play[Leased](t, s, Release{l.Lease})
	if other.Lease == l.Lease || s.Leases.Len() != 1 {
		t.Errorf("leases %v after a second release, want the other one to stay", s.Leases)
	}
}

func TestAHolderWhoAsksAgainHasOneLease(t *testing.T) {
	s, first := play[Leased](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, Publish{Revision: 1}, Lease{Channel: "x", Holder: "x:a run.1"})
	s, second := play[Leased](t, s, Lease{Channel: "x", Holder: "x:a run.1"})
	if _, old := s.Leases.Get(first.Lease); old || s.Leases.Len() != 1 || second.Lease <= first.Lease {
		t.Errorf("leases %v after the second question, want only %d", s.Leases, second.Lease)
	}
}

// FuzzStep looks for a history after which somebody holds a lease on an instance that is gone, or a number was used twice.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 3, 5, 1, 3, 6, 4})
	f.Add([]byte{0, 3, 8, 1, 3, 15, 9, 4})
	f.Fuzz(func(t *testing.T, history []byte) {
		var (
			s        State
			revision uint64
			given    = map[LeaseID]bool{}
		)
		for _, b := range history {
			var msg any
			switch b % 9 {
			case 0, 1:
				msg = Install{Offers: []Offer{having(offer("a", fmt.Sprint(b%3), "x"), "a.b")}}
			case 2:
				msg = Forget{fmt.Sprint(b % 2)}
			case 3:
				revision++
				msg = Publish{Revision: revision}
			case 4:
				msg = Release{LeaseID(b / 9)}
			case 5:
				msg = Lease{Channel: "x", Holder: fmt.Sprint(b % 2), Staged: b > 127}
			case 6:
				msg = Lease{Method: "a.b", Holder: fmt.Sprint(b % 2)}
			case 7:
				msg = Discard{}
			case 8:
				msg = Amend{}
			}
			before := s.Generation
			next, effects := Step(s, kit.In{Msg: msg, From: me, Now: now})
			for _, l := range kittest.Answers[Leased](effects) {
				if l.Err == nil && given[l.Lease] {
					t.Fatalf("lease %d was given twice", l.Lease)
				}
				given[l.Lease] = l.Err == nil
			}
			if next.Generation < before {
				t.Fatal("the generation fell")
			}
			s = next
			booked(t, s)
		}
	})
}

// booked compares the leases with what is known of their holders and instances.
func booked(t *testing.T, s State) {
	t.Helper()
	held := map[InstanceID]int{}
	for id, l := range s.Leases.All() {
		held[l.instance]++
		if s.holders.Of(l.holder) != id {
			t.Fatalf("%q is known to hold lease %d and holds %d", l.holder, s.holders.Of(l.holder), id)
		}
		if !slices.ContainsFunc(s.Instances, func(i instance) bool { return i.id == l.instance }) {
			t.Fatalf("lease %d holds instance %v, which is gone", id, l.instance)
		}
	}
	if s.holders.Len() != s.Leases.Len() {
		t.Fatalf("%d holders are known, and there are %d leases", s.holders.Len(), s.Leases.Len())
	}
	for _, i := range s.Instances {
		if i.held != held[i.id] {
			t.Fatalf("instance %v is held by %d leases and counts %d", i.id, held[i.id], i.held)
		}
		if !i.live && i.held == 0 && !slices.Contains(s.Next.instances, i.id) {
			t.Fatalf("instance %v is kept, and nobody lists it or holds it", i.id)
		}
	}
}
