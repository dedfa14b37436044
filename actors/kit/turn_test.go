package kit_test

import (
	"fmt"
	"sync"
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
		want    string
	}{
		{"effects are performed when it performs them", func(c *kit.Context, effects []kit.Effect) { c.Do(effects...) }, "one 1: told 1; two 2: told 2; "},
		{"and not if it does not", func(*kit.Context, []kit.Effect) {}, "one 1: two 2: "},
		{"the next input waits until it returns", func(*kit.Context, []kit.Effect) { time.Sleep(time.Hour) }, "one 1: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var got string
				said := func(format string, args ...any) {
					mu.Lock()
					defer mu.Unlock()
					got += fmt.Sprintf(format, args...)
				}
				sys := kit.New(kit.Options{
					Log:   zerolog.Nop(),
					Stray: func(_ kit.Addr, msg any) { said("told %v; ", msg) },
					Turn: func(x *kit.Context, in kit.In, state any, effects []kit.Effect) {
						said("%v %v: ", in.Msg, state)
						c.perform(x, effects)
					},
				})
				at := start(t, sys, "counting", counting(kit.Named("nobody")))
				sys.Tell(at, "one")
				sys.Tell(at, "two")
				time.Sleep(time.Minute)
				mu.Lock()
				so := got
				mu.Unlock()
				if so != c.want {
					t.Errorf("%q, want %q", so, c.want)
				}
				sys.Stop(at)
				time.Sleep(3 * time.Hour)
			})
		})
	}
}
