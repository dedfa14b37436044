package kit_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
)

// counting counts its inputs and tells each count to somebody.
func counting(to kit.Addr) kit.Spec {
	return kit.Def[int]{Kind: "counting", Step: func(n int, _ kit.In) (int, []kit.Effect) {
		return n + 1, []kit.Effect{kit.Tell{To: to, Msg: n + 1}}
	}}.Spec()
}

func TestATurnIsWhatItsOptionMakesOfIt(t *testing.T) {
	for _, c := range []struct {
		name    string
		perform func(c *kit.Context, effects []kit.Effect)
		want    []any // what is told
	}{
		{"effects are performed when it performs them", func(c *kit.Context, effects []kit.Effect) { c.Do(effects...) }, []any{1, 2}},
		{"and not if it does not", func(*kit.Context, []kit.Effect) {}, nil},
		{"the next input waits until it returns", func(c *kit.Context, effects []kit.Effect) { time.Sleep(time.Hour); c.Do(effects...) }, []any{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told, inputs, states []any
				sys := kit.New(kit.Options{
					Log:   zerolog.Nop(),
					Stray: func(_ kit.Addr, msg any) { told = append(told, msg) },
					Turn: func(x *kit.Context, in kit.In, state any, effects []kit.Effect) {
						inputs, states = append(inputs, in.Msg), append(states, state)
						c.perform(x, effects)
					},
				})
				at := start(t, sys, "counting", counting(kit.Named("nobody")))
				sys.Tell(at, "one")
				sys.Tell(at, "two")
				time.Sleep(90 * time.Minute)
				if !slices.Equal(told, c.want) {
					t.Errorf("told %v, want %v", told, c.want)
				}
				if !slices.Equal(inputs, []any{"one", "two"}) || !slices.Equal(states, []any{1, 2}) {
					t.Errorf("turns with %v left %v", inputs, states)
				}
				sys.Stop(at)
				time.Sleep(time.Hour)
			})
		})
	}
}
