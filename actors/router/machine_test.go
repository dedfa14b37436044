package router

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/registry"
	"holdfast/channels"
	"holdfast/config"
)

var (
	me  = kit.ReturnTo(kit.Named("reload"), 1)
	now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// claim is one POST route guarded by a password.
func claim(account, path, password string) Claim {
	return Claim{Account: channels.Account(account), Routes: []channels.Route{route(path, password)}}
}

func route(path, password string) channels.Route {
	return channels.Route{Path: path, Methods: []string{"POST"}, Forms: []channels.Form{{}}, Auth: []channels.Auth{{
		Scheme: channels.SchemeSecret, Secrets: []config.Secret{config.NewSecret(password)},
		Places: []channels.Place{{In: "query", Name: "password"}},
	}}}
}

// register feeds one registration and its publication, and gives the refusals and the table as "path: accounts".
func register(t *testing.T, s State, at time.Time, claims ...Claim) (State, []Refused, []string) {
	t.Helper()
	s, effects := Step(s, kit.In{Msg: Register{Claims: claims, Listen: "127.0.0.1:1"}, From: me, Now: at})
	asked := kittest.Asked[registry.StageRoutes](effects)
	if len(asked) != 1 {
		t.Fatalf("%d tables were staged, want one", len(asked))
	}
	tag, ok := asked[0].Tag.(staging)
	if !ok {
		t.Fatalf("the tag is %T", asked[0].Tag)
	}
	s, _ = Step(s, kit.In{Msg: Published{}, Now: at})
	return s, tag.refused, table(s)
}

func table(s State) []string {
	var out []string
	for _, p := range s.Paths() {
		var names []string
		for _, a := range p.Accounts {
			names = append(names, string(a))
		}
		line := p.Path + ": " + strings.Join(names, " ")
		if !p.Held.IsZero() {
			line += " held"
		}
		out = append(out, line)
	}
	return out
}

func TestLaw4_WhoOwnsAPath(t *testing.T) {
	for name, c := range map[string]struct {
		before []Claim
		claims []Claim
		want   []string
		refuse []string // "account path"
	}{
		"every spelling is one canonical path": {
			claims: []Claim{claim("a:x", "//hook//", "1"), claim("a:y", "/%68ook", "2")},
			want:   []string{"/hook: a:x a:y"},
		},
		"a path belongs to one channel, the first in the alphabet": {
			claims: []Claim{claim("b:x", "/hook", "1"), claim("a:x", "/hook", "2")},
			want:   []string{"/hook: a:x"}, refuse: []string{"b:x /hook"},
		},
		"who has a path keeps it against a newcomer": {
			before: []Claim{claim("b:x", "/hook", "1")},
			claims: []Claim{claim("a:x", "/hook", "2"), claim("b:x", "/hook", "1")},
			want:   []string{"/hook: b:x"}, refuse: []string{"a:x /hook"},
		},
		"reserved paths and what lies below them belong to nobody": {
			claims: []Claim{claim("a:a", "/", "1"), claim("a:b", "/healthz", "2"), claim("a:c", "/debug/x", "3"), claim("a:d", "/_/y", "4"), claim("a:e", "/debug", "5")},
			refuse: []string{"a:a /", "a:b /healthz", "a:c /debug/x", "a:d /_/y", "a:e /debug"},
		},
		"a path without a canonical form is refused": {
			claims: []Claim{claim("a:x", "/a%2Fb", "1"), claim("a:y", "/a/../b", "2"), claim("a:z", "hook", "3")},
			refuse: []string{"a:x /a%2Fb", "a:y /a/../b", "a:z hook"},
		},
		"equal credentials on one path are refused for the later account": {
			claims: []Claim{claim("a:x", "/hook", "same"), claim("a:y", "/hook", "same"), claim("a:z", "/hook", "other")},
			want:   []string{"/hook: a:x a:z"}, refuse: []string{"a:y /hook"},
		},
		"an account that is removed leaves no path": {
			before: []Claim{claim("a:x", "/hook", "1")},
		},
		"a moved path is held for its account": {
			before: []Claim{claim("a:x", "/old", "1")},
			claims: []Claim{claim("a:x", "/new", "1")},
			want:   []string{"/new: a:x", "/old: a:x held"},
		},
		"a held path goes at once when another channel claims it": {
			before: []Claim{claim("a:x", "/old", "1")},
			claims: []Claim{claim("a:x", "/new", "1"), claim("b:y", "/old", "2")},
			want:   []string{"/new: a:x", "/old: b:y"},
		},
		"who moves away from a shared path is held beside those who stay": {
			before: []Claim{claim("a:x", "/hook", "1"), claim("a:y", "/hook", "2")},
			claims: []Claim{claim("a:x", "/new", "1"), claim("a:y", "/hook", "2")},
			want:   []string{"/hook: a:y a:x", "/new: a:x"},
		},
		"a renamed account keeps the path that it moves away from": {
			before: []Claim{claim("a:x", "/old", "1")},
			claims: []Claim{{Account: "a:z", Formerly: "a:x", Routes: []channels.Route{route("/new", "1")}}},
			want:   []string{"/new: a:z", "/old: a:z held"},
		},
		"two accounts can swap their paths": {
			before: []Claim{claim("a:x", "/one", "1"), claim("a:y", "/two", "2")},
			claims: []Claim{claim("a:x", "/two", "1"), claim("a:y", "/one", "2")},
			want:   []string{"/one: a:y a:x", "/two: a:x a:y"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s State
			if c.before != nil {
				s, _, _ = register(t, s, now, c.before...)
			}
			_, refused, got := register(t, s, now, c.claims...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
			var names []string
			for _, r := range refused {
				names = append(names, string(r.Account)+" "+r.Path)
				if r.Why == "" {
					t.Errorf("%s is refused without a reason", r.Account)
				}
			}
			slices.Sort(names)
			if diff := cmp.Diff(c.refuse, names); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoAuthIsOnlyForLoopbackListeners(t *testing.T) {
	open := Claim{Account: "a:x", Routes: []channels.Route{{
		Path: "/hook", Methods: []string{"POST"}, LoopbackOnly: true,
		Auth: []channels.Auth{{Scheme: channels.SchemeNone}},
	}}}
	for listen, refused := range map[string]int{"127.0.0.1:80": 0, "[::1]:80": 0, "localhost:80": 0, "0.0.0.0:80": 1, ":80": 1, "192.0.2.1:80": 1} {
		if got := Check([]Claim{open}, listen); len(got) != refused {
			t.Errorf("listening on %s: refused %+v, want %d", listen, got, refused)
		}
	}
}

// live steps a registration and its publication, and gives the effects of the publication.
func live(s State, claims ...Claim) (State, []kit.Effect) {
	s, _ = Step(s, kit.In{Msg: Register{Claims: claims, Listen: "127.0.0.1:1"}, From: me, Now: now})
	return Step(s, kit.In{Msg: Published{}, Now: now})
}

func TestAGraceEndsAndItsStaleTimerDoesNothing(t *testing.T) {
	s, _, _ := register(t, State{}, now, claim("a:x", "/old", "1"))
	s, effects := live(s, claim("a:x", "/new", "1"))
	timer := kittest.One[kit.After](t, effects)
	if timer.Delay != DefaultGrace {
		t.Errorf("the grace is %s, want %s", timer.Delay, DefaultGrace)
	}
	s, effects = live(s, claim("a:x", "/old", "1"))
	second := kittest.One[kit.After](t, effects)
	s, effects = Step(s, kit.In{Msg: timer.Msg, Now: now})
	if got := table(s); !slices.Equal(got, []string{"/new: a:x held", "/old: a:x"}) || len(effects) != 0 {
		t.Fatalf("after a stale timer: %v, effects %v; want nothing to have happened", got, effects)
	}
	s, effects = Step(s, kit.In{Msg: second.Msg, Now: now})
	if got := table(s); !slices.Equal(got, []string{"/old: a:x"}) || len(kittest.Told[registry.Amend](effects)) != 1 {
		t.Errorf("after the grace: %v, want the held path gone and the live table amended", got)
	}
}

func TestLaw3_ARegistrationThatIsNotPublishedChangesNothingThatIsLive(t *testing.T) {
	s, _, _ := register(t, State{}, now, claim("a:x", "/old", "1"))
	s, effects := Step(s, kit.In{Msg: Register{Claims: []Claim{claim("a:x", "/new", "1")}, Listen: "127.0.0.1:1"}, From: me, Now: now})
	if got := table(s); !slices.Equal(got, []string{"/old: a:x"}) || len(kittest.All[kit.After](effects)) != 0 {
		t.Fatalf("a registration made %v live, effects %v", got, effects)
	}
	_, _, got := register(t, s, now, claim("a:x", "/old", "1"), claim("a:y", "/other", "2"))
	if !slices.Equal(got, []string{"/old: a:x", "/other: a:y"}) {
		t.Errorf("the registration after it gave %v, want it to start from what is live", got)
	}
}

func TestAGraceThatEndsDuringATransactionShowsNothingOfIt(t *testing.T) {
	s, _, _ := register(t, State{}, now, claim("a:x", "/old", "1"))
	s, effects := live(s, claim("a:x", "/new", "1"))
	timer := kittest.One[kit.After](t, effects)
	s, _ = Step(s, kit.In{Msg: Register{Claims: []Claim{claim("a:x", "/newer", "1")}, Listen: "127.0.0.1:1"}, From: me, Now: now})
	s, effects = Step(s, kit.In{Msg: timer.Msg, Now: now})
	if amended := kittest.Told[registry.Amend](effects); len(amended) != 1 || len(amended[0].Routes.All()) != 1 {
		t.Fatalf("the end of the grace amends %+v, want the live table with /new alone", amended)
	}
	s, effects = Step(s, kit.In{Msg: Published{}, Now: now})
	amended := kittest.Told[registry.Amend](effects)
	if got := table(s); !slices.Equal(got, []string{"/new: a:x held", "/newer: a:x"}) || len(amended) != 1 {
		t.Fatalf("after the publication: %v, amended %d times; the registry has the ended grace in what was staged", got, len(amended))
	}
	if _, _, found := amended[0].Routes.Find("/old"); found {
		t.Error("a grace that has ended is live again")
	}
}

// The registry has published, and the router has not heard of it: what it amends is not what is live any more.
func TestLaw4_AGraceThatEndsWhileAPublicationIsOnItsWayBringsNoOldTableBack(t *testing.T) {
	var reg registry.State
	number := uint64(0)
	hand := func(effects []kit.Effect) (live map[string]bool) {
		for _, ask := range kittest.Asked[registry.StageRoutes](effects) {
			reg, _ = registry.Step(reg, kit.In{Msg: ask.Msg, From: me, Now: now})
		}
		for _, m := range kittest.Told[registry.Amend](effects) {
			reg, _ = registry.Step(reg, kit.In{Msg: m, Now: now})
		}
		live = map[string]bool{}
		for _, e := range reg.Routes.All() {
			live[e.Path] = true
		}
		return live
	}
	publish := func() {
		number++
		reg, _ = registry.Step(reg, kit.In{Msg: registry.Publish{Revision: number}, From: me, Now: now})
	}
	var s State
	var effects []kit.Effect
	step := func(msg any) map[string]bool {
		s, effects = Step(s, kit.In{Msg: msg, From: me, Now: now})
		return hand(effects)
	}
	for _, path := range []string{"/old", "/new"} {
		step(Register{Claims: []Claim{claim("a:x", path, "1")}, Listen: "127.0.0.1:1"})
		publish()
		step(Published{})
	}
	timer := kittest.One[kit.After](t, effects)
	step(Register{Claims: []Claim{claim("a:x", "/newer", "1")}, Listen: "127.0.0.1:1"})
	publish()
	if live := step(timer.Msg); !live["/newer"] {
		t.Fatalf("live are %v: the table of before is back", live)
	}
	if live := step(Published{}); !live["/newer"] || !live["/new"] || live["/old"] {
		t.Errorf("live are %v, want the path that was published, the one that was moved, and no path whose grace has ended", live)
	}
}

func TestCountersOutliveARegistration(t *testing.T) {
	s, _, _ := register(t, State{}, now, claim("a:x", "/hook", "1"))
	s.Live.table[0].Counts.Accepted.Add(7)
	s, _, _ = register(t, s, now, claim("a:x", "/hook", "changed"), claim("a:y", "/other", "2"))
	for _, e := range s.Live.table {
		if e.Path == "/hook" && e.Counts.Accepted.Load() != 7 {
			t.Errorf("the counter is %d after a registration, want 7", e.Counts.Accepted.Load())
		}
	}
}

// FuzzStep looks for a table in which a path has two channels, or an account that has a claim has none of its paths.
func FuzzStep(f *testing.F) {
	f.Add([]byte{1, 2, 3, 9, 200, 17, 33})
	f.Fuzz(func(t *testing.T, history []byte) {
		var s State
		accounts, paths := []string{"a:x", "a:y", "b:z"}, []string{"/one", "/two", "//one/"}
		for _, b := range history {
			var claims []Claim
			for i, a := range accounts {
				if choice := int(b>>(2*i)) & 3; choice < len(paths) {
					claims = append(claims, claim(a, paths[choice], a))
				}
			}
			s, _ = Step(s, kit.In{Msg: Register{Claims: claims, Listen: "127.0.0.1:1"}, From: me, Now: now})
			if b&32 != 0 {
				s, _ = Step(s, kit.In{Msg: Published{}, Now: now})
			}
			if b&64 != 0 {
				s, _ = Step(s, kit.In{Msg: graceOver{number: uint64(b & 7)}, Now: now})
			}
			for _, e := range s.Live.table {
				for _, a := range e.Accounts {
					if a.Channel() != e.Accounts[0].Channel() {
						t.Fatalf("%s belongs to %v", e.Path, e.Accounts)
					}
				}
			}
		}
	})
}
