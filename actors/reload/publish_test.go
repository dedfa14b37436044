package reload

import (
	"maps"
	"strings"
	"testing"

	"holdfast/actors/agents/backend"
	"holdfast/actors/agents/callout"
	"holdfast/actors/agents/echo"
	"holdfast/actors/lanes"
)

func TestLanesHearWhichAgentsWantAHistory(t *testing.T) {
	p := booted(t)
	kinds := Kinds{Plugins: known.Plugins, Agents: []backend.Kind{echo.Kind(), callout.Kind()}}
	text := strings.NewReplacer("%s", "three", "{default: {kind: echo}}", `
  default: {kind: echo}
  all: {kind: http, url: "http://127.0.0.1:1"}
  short: {kind: http, url: "http://127.0.0.1:1", history: false}`).Replace(two)
	c, problems := Prepare(read(t, text), kinds, listen)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p.next = c
	p.give(Reload{})
	told := asked[lanes.Configure](p)
	want := map[string]lanes.Agent{"default": {}, "all": {History: true}, "short": {}}
	if got := told[len(told)-1].Agents; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
