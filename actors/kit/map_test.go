package kit

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// A map is what a plain one would be, in order, and no change is seen in those before it.
func TestAMapChangesNothingThatWasBefore(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var m Map[int, string]
	plain := map[int]string{}
	type kept struct {
		m     Map[int, string]
		plain map[int]string
	}
	before := []kept{{m, maps.Clone(plain)}}
	for i := range 2000 {
		k := rng.IntN(200)
		if rng.IntN(3) == 0 {
			m = m.Without(k)
			delete(plain, k)
		} else {
			v := string(rune('a' + i%26))
			m, plain[k] = m.With(k, v), v
		}
		if i%100 == 0 {
			before = append(before, kept{m, maps.Clone(plain)})
		}
	}
	before = append(before, kept{m, plain})
	for i, was := range before {
		if got := maps.Collect(was.m.All()); !maps.Equal(got, was.plain) || was.m.Len() != len(was.plain) {
			t.Errorf("map %d: got %v (%d), want %v", i, got, was.m.Len(), was.plain)
		}
		var keys []int
		for k, v := range was.m.All() {
			keys = append(keys, k)
			if got, known := was.m.Get(k); !known || got != v || was.m.Of(k) != v {
				t.Errorf("map %d: key %d is %q (%v), want %q", i, k, got, known, v)
			}
		}
		if !slices.IsSorted(keys) {
			t.Errorf("map %d: the keys come as %v", i, keys)
		}
	}
	if _, known := m.Get(-1); known || m.Of(-1) != "" {
		t.Error("a key that is not there is known")
	}
}

// What is drawn is drawn from the state at its publication, and only when somebody reads it.
func TestADrawnSnapshotIsMadeByItsReader(t *testing.T) {
	drawn := 0
	v := &view{snapshot: Drawn(func() any { drawn++; return "picture" })}
	if drawn != 0 {
		t.Fatal("drawn before anybody looked")
	}
	if got := v.read(); got != "picture" || drawn != 1 {
		t.Errorf("read %v, drawn %d times", got, drawn)
	}
	if got := (&view{snapshot: "plain"}).read(); got != "plain" {
		t.Errorf("read %v", got)
	}
}
