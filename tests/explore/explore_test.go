package explore

import (
	"strings"
	"testing"
	"time"
)

func TestSmallWorlds(t *testing.T) {
	for _, p := range Plans() {
		t.Run(p.Name, func(t *testing.T) {
			w, err := p.World()
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			out := w.Search(Limits{States: 2000})
			t.Logf("%d states, %d moves, %d quiet, depth %d, complete %t, %v", out.States, out.Moves, out.Quiet, out.Depth, out.Complete, time.Since(began))
			if out.Broken != nil {
				t.Errorf("%s: %s\n%s", out.Broken.Law, out.Broken.What, strings.Join(out.Broken.History, "\n"))
			}
		})
	}
}
