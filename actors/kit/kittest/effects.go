package kittest

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"holdfast/actors/kit"
)

// All returns the effects of type E, in order.
func All[E kit.Effect](effects []kit.Effect) []E {
	var out []E
	for _, e := range effects {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// Find returns the first effect of type E and tells whether there is one.
func Find[E kit.Effect](effects []kit.Effect) (E, bool) {
	if all := All[E](effects); len(all) > 0 {
		return all[0], true
	}
	var none E
	return none, false
}

// One returns the only effect of type E. The test fails at once if there is none or more than one.
func One[E kit.Effect](t testing.TB, effects []kit.Effect) E {
	t.Helper()
	all := All[E](effects)
	if len(all) != 1 {
		var e E
		t.Fatalf("%d effects of type %T, want exactly one, in %#v", len(all), e, effects)
	}
	return all[0]
}

// None fails the test if there is an effect of type E.
func None[E kit.Effect](t testing.TB, effects []kit.Effect) {
	t.Helper()
	if all := All[E](effects); len(all) > 0 {
		t.Errorf("%d effects of type %T, want none: %#v", len(all), all[0], all)
	}
}

// Told returns the messages of type M that the effects tell anybody, in order.
func Told[M any](effects []kit.Effect) []M {
	var out []M
	for _, e := range All[kit.Tell](effects) {
		if m, ok := e.Msg.(M); ok {
			out = append(out, m)
		}
	}
	return out
}

// Asked returns the questions of type M that the effects ask, in order, with their tags and deadlines.
func Asked[M any](effects []kit.Effect) []kit.Ask {
	var out []kit.Ask
	for _, e := range All[kit.Ask](effects) {
		if _, ok := e.Msg.(M); ok {
			out = append(out, e)
		}
	}
	return out
}

// Answers returns the answers of type M that the effects give, in order.
func Answers[M any](effects []kit.Effect) []M {
	var out []M
	for _, e := range All[kit.Answer](effects) {
		if m, ok := e.Msg.(M); ok {
			out = append(out, m)
		}
	}
	return out
}

// Diff is cmp.Diff for states and effects: it looks at unexported fields too, a nil slice or map equals an empty one, and
// errors are equal if errors.Is says so. Empty means equal. Further options serve the actor's own types.
func Diff(want, got any, options ...cmp.Option) string {
	whole := cmp.Exporter(func(reflect.Type) bool { return true })
	return cmp.Diff(want, got, append(options, whole, cmpopts.EquateComparable(kit.Addr{}, kit.Return{}), cmpopts.EquateEmpty(),
		cmpopts.EquateErrors())...)
}
