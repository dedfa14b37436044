package explore

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRealActorsDoTheSame replays histories of worlds on real actors, under virtual time.
func TestRealActorsDoTheSame(t *testing.T) {
	plans := slices.Concat(Plans(), Larger())
	each := replayed / len(plans)
	for i, p := range plans {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			p.path = filepath.Join(t.TempDir(), "world.yaml")
			w := unreduced(t, p)
			for n := range each {
				replay(t, w, p, rand.New(rand.NewPCG(uint64(i), uint64(n))))
				if t.Failed() {
					break
				}
			}
		})
	}
}

func replay(t *testing.T, w *World, p Plan, r *rand.Rand) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		h := &history{world: w, plan: p, now: w.Begin, rand: r}
		h.real = begun(p, w.Begin)
		defer h.real.close()
		diff := h.walk(150)
		if diff == "" {
			diff = h.leftOver()
		}
		if diff != "" {
			t.Errorf("%s\n%s", diff, strings.Join(h.taken, "\n"))
		}
	})
}

// unreduced is a world in which every timer fires and nobody is quick, with mailboxes, before its boot. How many faults there
// are is the history's to say.
func unreduced(t *testing.T, p Plan) *World {
	p.Promise, p.Booted = false, false
	w := world(t, p)
	w.whole, w.Faults, w.Most = true, all, math.MaxInt
	outside, done := make(chan func()), make(chan struct{})
	go func() {
		for do := range outside {
			do()
			done <- struct{}{}
		}
	}()
	t.Cleanup(func() { close(outside) })
	w.Begin.find(operatorAt).node.(person).files.away = func(do func()) { // a watch of files never ends, and time would stand still with it
		outside <- do
		<-done
	}
	return w
}
