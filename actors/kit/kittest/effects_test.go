package kittest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"holdfast/actors/kit"
)

type secretState struct {
	phase string
	waits map[kit.Addr]kit.Return
	err   error
	since time.Time
}

func TestEffectsAreFoundByTheirTypes(t *testing.T) {
	to := kit.Named("journal")
	effects := []kit.Effect{
		kit.Tell{To: to, Msg: 1},
		kit.Tell{To: to, Msg: "two"},
		kit.Ask{To: to, Msg: 3, Tag: 4},
		kit.Ask{To: to, Msg: "five"},
		kit.Answer{Msg: 6},
		kit.Answer{Msg: "seven"},
		kit.Stop{Child: to},
	}
	found, ok := Find[kit.Ask](effects)
	_, none := Find[kit.Spawn](effects)
	for _, c := range []struct {
		name      string
		want, got any
	}{
		{"All keeps the order", []kit.Tell{{To: to, Msg: 1}, {To: to, Msg: "two"}}, All[kit.Tell](effects)},
		{"Find takes the first", kit.Ask{To: to, Msg: 3, Tag: 4}, found},
		{"Find says that it found", []bool{true, false}, []bool{ok, none}},
		{"One takes the only one", kit.Stop{Child: to}, One[kit.Stop](t, effects)},
		{"Told sees messages of tells only", []string{"two"}, Told[string](effects)},
		{"Asked sees questions of a type", []kit.Ask{{To: to, Msg: 3, Tag: 4}}, Asked[int](effects)},
		{"Answers sees answers of a type", []string{"seven"}, Answers[string](effects)},
	} {
		if diff := Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestOneAndNoneFailTheTest(t *testing.T) {
	effects := []kit.Effect{kit.Stop{}, kit.Stop{}}
	for _, c := range []struct {
		name  string
		check func(t testing.TB)
		fails bool
	}{
		{"One of two", func(t testing.TB) { One[kit.Stop](t, effects) }, true},
		{"One of none", func(t testing.TB) { One[kit.Tell](t, effects) }, true},
		{"None of two", func(t testing.TB) { None[kit.Stop](t, effects) }, true},
		{"None of none", func(t testing.TB) { None[kit.Tell](t, effects) }, false},
	} {
		r, done := &recorder{TB: t}, make(chan struct{})
		go func() { defer close(done); c.check(r) }()
		<-done
		if got := r.end(); (got != "") != c.fails {
			t.Errorf("%s: the test failed with %q", c.name, got)
		}
	}
}

func TestDiffComparesStatesWhole(t *testing.T) {
	now, cause := time.Now(), errors.New("weather")
	addr := kit.Named("asker")
	a := secretState{"waiting", map[kit.Addr]kit.Return{addr: kit.ReturnTo(addr, 1)}, fmt.Errorf("send: %w", cause), now}
	for _, c := range []struct {
		name  string
		b     secretState
		equal bool
	}{
		{"the same", secretState{"waiting", map[kit.Addr]kit.Return{addr: kit.ReturnTo(addr, 1)}, cause, now.UTC()}, true},
		{"another phase", secretState{"running", a.waits, a.err, now}, false},
		{"another asker", secretState{"waiting", map[kit.Addr]kit.Return{addr: kit.ReturnTo(addr, 2)}, a.err, now}, false},
		{"another error", secretState{"waiting", a.waits, errors.New("weather"), now}, false},
		{"another time", secretState{"waiting", a.waits, a.err, now.Add(1)}, false},
	} {
		if diff := Diff(a, c.b); (diff == "") != c.equal {
			t.Errorf("%s: %q", c.name, diff)
		}
	}
	if diff := Diff(secretState{}, secretState{waits: map[kit.Addr]kit.Return{}}); diff != "" {
		t.Errorf("an empty map and none: %s", diff)
	}
}
