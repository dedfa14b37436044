package journal

import (
	"fmt"
	"slices"
	"testing"

	"holdfast/actors/kit"
)

func note(text string) kit.Effect { return kit.Tell{Msg: text} }

func TestOneSyncIsUnderWayAndEverybodyHearsOfTheirs(t *testing.T) {
	var s syncs
	ended := func(number uint64) (out []kit.Effect) {
		s, out = s.ended(number)
		return out
	}
	begin := func(effects ...kit.Effect) (number uint64) {
		if len(effects) > 0 {
			s = s.wrote().rely(effects...)
		}
		s, number = s.begin()
		return number
	}
	if begin() != 0 {
		t.Fatal("nothing to sync")
	}
	if begin(note("a")) != 1 || begin() != 0 {
		t.Fatal("the first begins at once, and only one")
	}
	s = s.ride(note("b"))
	if begin(note("c")) != 0 || begin(note("d")) != 0 {
		t.Fatal("a second began while the first is under way")
	}
	if got := ended(1); !slices.Equal(got, []kit.Effect{note("a")}) {
		t.Fatalf("the first answers %v", got)
	}
	if begin() != 2 || s.quiet() {
		t.Fatal("the second begins when the first has ended")
	}
	if got := ended(1); got != nil {
		t.Fatalf("the first answers again: %v", got)
	}
	if got := ended(2); !slices.Equal(got, []kit.Effect{note("c"), note("d"), note("b")}) {
		t.Fatalf("the second is for all who came during the first: %v", got)
	}
	if _, timers := s.rest(lazySync); timers != nil || !s.quiet() {
		t.Fatal("all is on the disk")
	}
}

func TestWhatRidesIsSyncedByATimerOnce(t *testing.T) {
	s := syncs{}.ride(note("a"))
	s, number := s.begin()
	if number != 0 {
		t.Fatal("nobody waits")
	}
	s, timers := s.rest(lazySync)
	if !slices.Equal(timers, []kit.Effect{kit.After{Delay: lazySync, Msg: lazyOver{}}}) {
		t.Fatalf("%v", timers)
	}
	s = s.wrote()
	if _, timers = s.rest(lazySync); timers != nil {
		t.Fatal("one timer is enough")
	}
	if s, number = s.lazy().begin(); number != 1 {
		t.Fatal("the timer brought no sync")
	}
	s, then := s.ended(1)
	if len(then) != 1 {
		t.Fatalf("the sync did %v", then)
	}
	if _, number = s.lazy().begin(); number != 0 {
		t.Fatal("a stale timer brought a sync of nothing")
	}
}

func TestAChainThatIsKeptIsNotChangedByOneThatGoesOn(t *testing.T) {
	var none chain[int]
	one := none.with(1)
	left, right := one.with(2), one.with(3)
	for _, c := range []struct {
		got  chain[int]
		want []int
	}{{none, nil}, {one, []int{1}}, {left, []int{1, 2}}, {right, []int{1, 3}}, {left.with(4), []int{1, 2, 4}}} {
		if fmt.Sprint(c.got.all()) != fmt.Sprint(c.want) {
			t.Errorf("%v, want %v", c.got.all(), c.want)
		}
	}
}
