package router

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

// process is one run of the gateway, with what the journal has of the paths.
type process struct {
	t    *testing.T
	s    State
	kept []byte
}

// start begins a process with what the one before has kept.
func start(t *testing.T, kept []byte) *process {
	t.Helper()
	known, err := Recall(func(channels.Account, string) ([]byte, error) { return kept, nil })
	if err != nil {
		t.Fatal(err)
	}
	return &process{t, begin(kit.Named("registry"), kit.Named("journal"), known), kept}
}

// publish registers and publishes, and gives the table and what else was done.
func (p *process) publish(at time.Time, claims ...Claim) ([]string, []kit.Effect) {
	p.t.Helper()
	p.s, _ = Step(p.s, kit.In{Msg: Register{Claims: claims, Listen: "127.0.0.1:1"}, From: me, Now: at})
	var effects []kit.Effect
	p.s, effects = Step(p.s, kit.In{Msg: Published{}, Now: at})
	for _, m := range kittest.Told[journal.Commit](effects) {
		if m.Account != memoryOf || !m.Sync {
			p.t.Errorf("the paths are kept for %q, synced: %t", m.Account, m.Sync)
		}
		p.kept = m.Ops[0].(journal.SetState).Value
	}
	return table(p.s), effects
}

// below is a claim with a path and one below it.
func below(account, path string) Claim {
	c := claim(account, path, "1")
	under := route(path+"/replies", "1")
	under.Under = true
	c.Routes = append(c.Routes, under)
	return c
}

func TestLaw4_APathThatMovedIsHeldOverARestart(t *testing.T) {
	renamed := claim("a:z", "/new", "1")
	renamed.Formerly = "a:x"
	for name, c := range map[string]struct {
		before [][]Claim // publications of the first process
		after  []Claim   // the first one of the next
		want   []string
	}{
		"nothing moved": {
			[][]Claim{{claim("a:x", "/a", "1")}}, []Claim{claim("a:x", "/a", "1")}, []string{"/a: a:x"},
		},
		"it moved while the gateway ran": {
			[][]Claim{{claim("a:x", "/old", "1")}, {claim("a:x", "/new", "1")}},
			[]Claim{claim("a:x", "/new", "1")},
			[]string{"/new: a:x", "/old: a:x held"},
		},
		"it moved while the gateway did not run": {
			[][]Claim{{claim("a:x", "/old", "1")}}, []Claim{claim("a:x", "/new", "1")}, []string{"/new: a:x", "/old: a:x held"},
		},
		"it moved before and after": {
			[][]Claim{{claim("a:x", "/one", "1")}, {claim("a:x", "/two", "1")}},
			[]Claim{claim("a:x", "/three", "1")},
			[]string{"/one: a:x held", "/three: a:x", "/two: a:x held"},
		},
		"it moved back": {
			[][]Claim{{claim("a:x", "/old", "1")}, {claim("a:x", "/new", "1")}},
			[]Claim{claim("a:x", "/old", "1")},
			[]string{"/new: a:x held", "/old: a:x"},
		},
		"the account has another name": {
			[][]Claim{{claim("a:x", "/old", "1")}, {claim("a:x", "/new", "1")}},
			[]Claim{renamed},
			[]string{"/new: a:z", "/old: a:z held"},
		},
		"the account is gone": {
			[][]Claim{{claim("a:x", "/old", "1"), claim("a:y", "/y", "2")}, {claim("a:x", "/new", "1"), claim("a:y", "/y", "2")}},
			[]Claim{claim("a:y", "/y", "2")},
			[]string{"/y: a:y"},
		},
		"another network wants the path": {
			[][]Claim{{claim("a:x", "/old", "1")}, {claim("a:x", "/new", "1")}},
			[]Claim{claim("a:x", "/new", "1"), claim("b:y", "/old", "2")},
			[]string{"/new: a:x", "/old: b:y"},
		},
		"what lies below a path goes with it": {
			[][]Claim{{below("a:x", "/old")}, {below("a:x", "/new")}},
			[]Claim{below("a:x", "/new")},
			[]string{"/new: a:x", "/new/replies: a:x", "/old: a:x held", "/old/replies: a:x held"},
		},
		"the account has no path of that kind any more": {
			[][]Claim{{below("a:x", "/old")}}, []Claim{claim("a:x", "/new", "1")}, []string{"/new: a:x", "/old: a:x held"},
		},
		"who has a path keeps it against a newcomer": {
			[][]Claim{{claim("b:x", "/hook", "1")}},
			[]Claim{claim("a:x", "/hook", "2"), claim("b:x", "/hook", "1")},
			[]string{"/hook: b:x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := start(t, nil)
			for _, claims := range c.before {
				first.publish(now, claims...)
			}
			next := start(t, first.kept)
			if got, _ := next.publish(now.Add(time.Hour), c.after...); !slices.Equal(got, c.want) {
				t.Errorf("the table of the next process is %v, want %v", got, c.want)
			}
			last := start(t, next.kept)
			if got, _ := last.publish(now.Add(2*time.Hour), c.after...); !slices.Equal(got, c.want) {
				t.Errorf("the table of the one after it is %v, want %v", got, c.want)
			}
		})
	}
}

func TestAGraceEndsWhenItWouldHaveWithoutTheRestart(t *testing.T) {
	first := start(t, nil)
	first.publish(now, claim("a:x", "/one", "1"))
	first.publish(now, claim("a:x", "/two", "1"))
	first.publish(now.Add(time.Hour), claim("a:x", "/three", "1"))
	next := start(t, first.kept)
	_, effects := next.publish(now.Add(23*time.Hour), claim("a:x", "/three", "1"))
	timers := kittest.All[kit.After](effects)
	if len(timers) != 2 || timers[0].Delay != time.Hour || timers[1].Delay != 2*time.Hour {
		t.Fatalf("the timers are %+v, want an hour and two", timers)
	}
	next.s, _ = Step(next.s, kit.In{Msg: timers[0].Msg, Now: now.Add(24 * time.Hour)})
	if got, want := table(next.s), []string{"/three: a:x", "/two: a:x held"}; !slices.Equal(got, want) {
		t.Errorf("after the first grace: %v, want %v", got, want)
	}
	next.s, _ = Step(next.s, kit.In{Msg: timers[1].Msg, Now: now.Add(25 * time.Hour)})
	if got, want := table(next.s), []string{"/three: a:x"}; !slices.Equal(got, want) {
		t.Errorf("after the second: %v, want %v", got, want)
	}
	renamed := claim("a:y", "/three", "1")
	renamed.Formerly = "a:x"
	if _, effects = start(t, first.kept).publish(now, renamed); len(kittest.All[kit.After](effects)) != 2 {
		t.Errorf("the graces of an account with another name begin with %+v, want two timers", effects)
	}
	_, effects = start(t, first.kept).publish(now.Add(48*time.Hour), claim("a:x", "/three", "1"))
	for _, timer := range kittest.All[kit.After](effects) {
		if timer.Delay != 0 {
			t.Errorf("a grace that was over before the start lasts %s more", timer.Delay)
		}
	}
}

func TestAGraceOfTheLastRunBeginsWithThePublicationAndNotBefore(t *testing.T) {
	first := start(t, nil)
	first.publish(now, claim("a:x", "/old", "1"))
	first.publish(now, claim("a:x", "/new", "1"))
	next := start(t, first.kept)
	again := Register{Claims: []Claim{claim("a:x", "/new", "1")}, Listen: "127.0.0.1:1"}
	next.s, _ = Step(next.s, kit.In{Msg: again, From: me, Now: now}) // never published
	got, effects := next.publish(now, claim("a:x", "/new", "1"))
	if want := []string{"/new: a:x", "/old: a:x held"}; !slices.Equal(got, want) {
		t.Errorf("the table is %v, want %v", got, want)
	}
	if timers := kittest.All[kit.After](effects); len(timers) != 1 || timers[0].Delay != DefaultGrace {
		t.Errorf("the timers are %+v, want one of a day", timers)
	}
	if _, effects = next.publish(now, claim("a:x", "/new", "1")); len(effects) != 0 {
		t.Errorf("a registration of the same begins %+v", effects)
	}
}

func TestLaw12_AHeldPathAdmitsWhomItsAccountAdmitsAfterARestart(t *testing.T) {
	first := start(t, nil)
	first.publish(now, claim("a:x", "/old", "before"))
	next := start(t, first.kept)
	next.publish(now, claim("a:x", "/new", "after"))
	for password, want := range map[string]string{"after": "a:x", "before": "no credential fits"} {
		if got := post(next.s, "/old", password); got != want {
			t.Errorf("%q hears %q, want %q", password, got, want)
		}
	}
	if held := next.s.Live.held[0].route; held.Path != "/old" {
		t.Errorf("the route that is held is of %s", held.Path)
	}
	if strings.Contains(string(next.kept), "after") || !strings.Contains(string(next.kept), "/old") {
		t.Errorf("what is kept has no paths, or secrets as well: %s", next.kept)
	}
}

// What is not of the last run keeps its screen: who knows the old path knows nothing of what else has changed.
func TestAPathThatMovesInThisRunKeepsItsScreen(t *testing.T) {
	p := start(t, nil)
	p.publish(now, claim("a:x", "/old", "1"))
	moved := claim("a:x", "/new", "1")
	moved.Routes[0].Methods = []string{"PUT"}
	p.publish(now, moved)
	if got := post(p.s, "/old", "1"); got != "a:x" {
		t.Errorf("a POST to the old path hears %q", got)
	}
	next := start(t, p.kept)
	next.publish(now, moved)
	if got := post(next.s, "/old", "1"); got == "a:x" {
		t.Error("a POST is taken by a path of the last run, and its account takes none any more")
	}
}

func TestPathsAreKeptWhenTheyChangeAndOnlyThen(t *testing.T) {
	p := start(t, nil)
	for _, step := range []struct {
		what   string
		claims []Claim
		keeps  bool
	}{
		{"the first path", []Claim{claim("a:x", "/one", "1")}, true},
		{"the same again", []Claim{claim("a:x", "/one", "1")}, false},
		{"another secret", []Claim{claim("a:x", "/one", "2")}, false},
		{"a second account", []Claim{claim("a:x", "/one", "2"), claim("a:y", "/two", "3")}, true},
		{"the accounts swap their paths", []Claim{claim("a:x", "/two", "2"), claim("a:y", "/one", "3")}, true},
		{"another account has a path", []Claim{claim("a:x", "/two", "2"), claim("a:z", "/one", "3")}, true},
		{"the accounts are gone", nil, true},
	} {
		_, effects := p.publish(now, step.claims...)
		if told := kittest.Told[journal.Commit](effects); (len(told) == 1) != step.keeps {
			t.Errorf("%s: the journal is told %d times", step.what, len(told))
		}
	}
}

func TestWhatCannotBeRecalledSaysWhy(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, c := range map[string]struct {
		value []byte
		err   error
		want  string
	}{
		"the journal cannot be read":  {nil, broken, "reading the paths of the last run from the journal: the disk is broken"},
		"the value is something else": {[]byte(`{"paths": 3}`), nil, "the paths of the last run, as the journal has them: json"},
	} {
		t.Run(name, func(t *testing.T) {
			known, err := Recall(func(channels.Account, string) ([]byte, error) { return c.value, c.err })
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || len(known.doors) != 0 {
				t.Errorf("got %v and %v, want %s", known, err, c.want)
			}
		})
	}
}
