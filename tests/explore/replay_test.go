package explore

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/methods"
)

// long is how many turns a history has at most before it goes on without faults.
const long = 150

// busy is a world in which somebody ends who has begun all that can be begun.
var busy = []Plan{{
	Name: "busy", Title: "a supervisor ends while requests and calls are under way",
	Files:  []string{file(homeOne, workOne, soleOne), file(homeTwo, workTwo, soleTwo)},
	Steps:  []Step{{Call: home}, {File: 1}, {Call: sole}, {Kill: double}},
	Faults: []string{hang, slow, late, plugin}, Most: 2, Killed: double, Posts: 3, Booted: true,
}}

func TestRealActorsDoTheSameAsInAWorld(t *testing.T) {
	plans := slices.Concat(Plans(), Larger(), busy)
	for i, p := range plans {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			w := unreduced(t, &p)
			for n := range (replayed + len(plans) - 1) / len(plans) {
				if h, diff := replay(t, w, p, uint64(i), uint64(n), nil); diff != "" {
					t.Fatalf("history %d: %s\n%s", n, diff, strings.Join(h, "\n"))
				}
			}
		})
	}
}

// unreduced is a world before its boot, with mailboxes, in which every timer fires and nobody is quick. How many faults there
// are is the history's to say.
func unreduced(t *testing.T, p *Plan) *World {
	p.path = filepath.Join(t.TempDir(), "world.yaml")
	made := *p
	made.Promise, made.Booted = false, false
	w := world(t, made)
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

// replay takes one history, and says where real actors did something else.
func replay(t *testing.T, w *World, p Plan, plan, number uint64, alter func([]kit.Effect) []kit.Effect) (taken []string, diff string) {
	synctest.Test(t, func(*testing.T) {
		time.Sleep(time.Until(noon))
		h := &history{world: w, plan: p, now: w.Begin, rand: rand.New(rand.NewPCG(plan, number))}
		h.real = begun(p, w.Begin)
		h.real.alter = alter
		defer h.real.close()
		diff = h.walk(long)
		taken = h.taken
	})
	return taken, diff
}

func TestAReplayedHistoryIsTheSameEveryTime(t *testing.T) {
	p := Larger()[0]
	w := unreduced(t, &p)
	for n := range uint64(5) {
		first, _ := replay(t, w, p, 7, n, nil)
		second, _ := replay(t, w, p, 7, n, nil)
		if len(first) < 50 || !slices.Equal(first, second) {
			t.Errorf("first\n%s\nthen\n%s", strings.Join(first, "\n"), strings.Join(second, "\n"))
		}
	}
}

// without leaves out the effects of a type.
func without[E kit.Effect](effects []kit.Effect) []kit.Effect {
	return slices.DeleteFunc(slices.Clone(effects), func(e kit.Effect) bool { _, is := e.(E); return is })
}

// each has every effect of a type changed.
func each[E kit.Effect](change func(E) []kit.Effect) func([]kit.Effect) []kit.Effect {
	return func(effects []kit.Effect) (out []kit.Effect) {
		for _, e := range effects {
			if one, is := e.(E); is {
				out = append(out, change(one)...)
			} else {
				out = append(out, e)
			}
		}
		return out
	}
}

func TestAKitThatDoesSomethingElseIsFound(t *testing.T) {
	p := Larger()[0]
	w := unreduced(t, &p)
	for _, c := range []struct {
		name  string
		alter func([]kit.Effect) []kit.Effect
	}{
		{"tells are lost", without[kit.Tell]},
		{"answers are lost", without[kit.Answer]},
		{"timers never fire", without[kit.After]},
		{"nobody is spawned", without[kit.Spawn]},
		{"effects are performed in another order", func(effects []kit.Effect) []kit.Effect {
			back := slices.Clone(effects)
			slices.Reverse(back)
			return back
		}},
		{"timers fire at once", each(func(e kit.After) []kit.Effect { e.Delay = 1; return []kit.Effect{e} })},
		{"timers fire late", each(func(e kit.After) []kit.Effect { e.Delay += time.Second; return []kit.Effect{e} })},
		{"a question is late at once", each(func(e kit.Ask) []kit.Effect { e.Within = 0; return []kit.Effect{e} })},
		{"a question is asked twice", each(func(e kit.Ask) []kit.Effect { return []kit.Effect{e, e} })},
		{"a question has another tag", each(func(e kit.Ask) []kit.Effect { e.Tag = fmt.Sprint(e.Tag); return []kit.Effect{e} })},
		{"a tell comes twice", each(func(e kit.Tell) []kit.Effect { return []kit.Effect{e, e} })},
	} {
		t.Run(c.name, func(t *testing.T) { found(t, w, p, c.alter) })
	}
}

// found looks for a difference in a few histories.
func found(t *testing.T, w *World, p Plan, alter func([]kit.Effect) []kit.Effect) {
	for n := range uint64(20) {
		if _, diff := replay(t, w, p, 8, n, alter); diff != "" {
			t.Logf("history %d: %s", n, diff)
			return
		}
	}
	t.Error("nobody sees a difference")
}

func TestAWorldThatDoesSomethingElseIsFound(t *testing.T) {
	p := Larger()[0]
	for _, c := range []struct {
		name   string
		change func(w *World)
	}{
		{"a machine answers nobody", func(w *World) {
			a := *w.Begin.find(methodsAt)
			a.node = machine[methods.State]{step: func(s methods.State, in kit.In) (methods.State, []kit.Effect) {
				s, effects := methods.Step(s, in)
				return s, without[kit.Answer](effects)
			}}
			w.Begin.put(&a)
		}},
		{"messages of several senders overtake each other", func(w *World) { w.Begin.mailboxes = false }},
		{"supervisors know nothing of their first message", func(w *World) {
			w.Make = func(as, parent kit.Addr, what any) (Node, any, any) {
				node, first, _ := spawned(as, parent, what)
				return node, first, nil
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := unreduced(t, &p)
			c.change(w)
			found(t, w, p, nil)
		})
	}
}
