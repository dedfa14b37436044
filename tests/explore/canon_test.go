package explore

import (
	"slices"
	"testing"

	"github.com/benbjohnson/immutable"

	"holdfast/actors/kit"
	"holdfast/actors/registry"
	"holdfast/actors/run"
)

func TestTheCanonicalFormKnowsWhatMatters(t *testing.T) {
	type pair struct{ a, b any }
	of := func(keys ...int) *immutable.SortedMap[int, bool] { // as many as do not fit in one node
		m := immutable.NewSortedMap[int, bool](nil)
		for _, k := range keys {
			m = m.Set(k, true)
		}
		return m
	}
	var many []int
	for i := range 100 {
		many = append(many, i)
	}
	back := slices.Clone(many)
	slices.Reverse(back)
	lease := func(n ...registry.LeaseID) any { return n }
	for _, c := range []struct {
		name string
		pair
		same bool
	}{
		{"leases are told apart and not counted", pair{lease(1, 2, 1), lease(7, 9, 7)}, true},
		{"one lease is not two", pair{lease(1, 2, 1), lease(7, 9, 9)}, false},
		{"no lease is not a lease", pair{lease(0), lease(4)}, false},
		{"runs have an order", pair{[]run.Over{{Run: 1}, {Run: 2}}, []run.Over{{Run: 4}, {Run: 9}}}, true},
		{"and another order is another state", pair{[]run.Over{{Run: 1}, {Run: 2}}, []run.Over{{Run: 9}, {Run: 4}}}, false},
		{"runs of two accounts are not compared", pair{
			[]run.Over{{Account: "a:x", Run: 1}, {Account: "a:y", Run: 2}}, []run.Over{{Account: "a:x", Run: 5}, {Account: "a:y", Run: 4}},
		}, true},
		{"the number in an address is a run's", pair{kit.Named("channels/a/x/run.1"), kit.Named("channels/a/x/run.7")}, true},
		{"another account's run is another", pair{kit.Named("channels/a/x/run.1"), kit.Named("channels/a/y/run.1")}, false},
		{"a map has no order", pair{map[string]int{"a": 1, "b": 2}, map[string]int{"b": 2, "a": 1}}, true},
		{"its values count", pair{map[string]int{"a": 1}, map[string]int{"a": 2}}, false},
		{"a sorted map is what is in it, however it came to be", pair{of(many...), of(back...).Set(200, true).Delete(200)}, true},
		{"its values count as well", pair{of(1), of(1).Set(1, false)}, false},
		{"and its keys", pair{of(1), of(2)}, false},
		{"types count", pair{registry.Staged{}, registry.Describe{}}, false},
		{"nil and empty lists are the same", pair{[]string(nil), []string{}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			sum := func(v any) digest {
				var r renamer
				f := rules().of(v)
				r.order(f)
				r.rank()
				r.add(f)
				return r.sum
			}
			if same := sum(c.a) == sum(c.b); same != c.same {
				t.Errorf("%v and %v are the same: %t, want %t", c.a, c.b, same, c.same)
			}
		})
	}
}

// A rule that meets no field was forgotten when the machine changed, and the field that it meant counts as it stands.
func TestEveryRuleMeetsAField(t *testing.T) {
	used := map[string]bool{}
	for _, p := range []Plan{plan(t, "request"), plan(t, "moved-back"), plan(t, "drain"), Larger()[0]} {
		w := world(t, p)
		w.Walk(Walks{Number: 8, Steps: 300, Seed: 4})
		for rule := range w.canon.used {
			used[rule] = true
		}
	}
	c := rules()
	for _, rule := range skipped {
		c.used[rule] = true
	}
	for rule := range c.numbers {
		c.used[rule] = true
	}
	for rule := range c.types {
		c.used[rule] = true
	}
	for rule := range c.used {
		if !used[rule] {
			t.Errorf("%s meets nothing", rule)
		}
	}
}
