package registry

import (
	"fmt"
	"testing"
)

func TestAnInstanceThatIsToComeIsShownAsStaged(t *testing.T) {
	s, _ := play[Published](t, State{}, Install{Offers: []Offer{offer("a", "1", "x")}}, Publish{Revision: 1}, Install{Offers: []Offer{offer("a", "2", "x")}})
	if got := states(s.Describe()); got["a@1"] != "active" || got["a@2"] != "staged" {
		t.Errorf("instances %v, want a@1 active and a@2 staged", got)
	}
}

func TestFreedInstancesAreRememberedToABound(t *testing.T) {
	s := State{}
	for n := range keptFreed + 10 {
		s, _ = play[Published](t, s, Install{Offers: []Offer{offer("a", fmt.Sprint(n), "x")}}, Publish{Revision: uint64(n + 1)})
	}
	if n := len(s.Freed); n != keptFreed {
		t.Errorf("%d freed instances are kept, want %d", n, keptFreed)
	}
	if last := s.Freed[len(s.Freed)-1].ID.Number; last != keptFreed+9 {
		t.Errorf("the last of them is number %d, want %d", last, keptFreed+9)
	}
}
