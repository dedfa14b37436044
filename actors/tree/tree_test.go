package tree

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// gateway is the tree of a small gateway: a hung supervisor, two runs of one account, an account with one run.
func gateway() []kit.Row {
	channels := kit.Named("channels").Child("bluebubbles")
	at := func(addr, parent kit.Addr, kind, phase string) kit.Row {
		return kit.Row{Addr: addr, Parent: parent, Kind: kind, Phase: phase, PhaseFor: 90 * time.Second, Age: 49 * time.Hour}
	}
	hung := at(channels, kit.Named("reload"), "supervisor", "serving")
	hung.Waiting, hung.InHand, hung.HandFor = 12, "journal.Woken", 3*time.Minute+20*time.Second+499*time.Millisecond
	draining := at(channels.Child("home/run.7"), channels, "run", "draining")
	draining.PhaseFor = 340*time.Millisecond + 400*time.Microsecond
	fresh := at(channels.Child("home/run.8"), channels, "run", "connected")
	fresh.Age, fresh.PhaseFor, fresh.Snapshot = 2*time.Second, time.Second, "a snapshot is never shown"
	return []kit.Row{
		at(kit.Named("journal"), kit.Addr{}, "journal", ""), at(kit.Named("router"), kit.Addr{}, "router", ""),
		hung, draining, fresh, at(channels.Child("work/run.2"), channels, "run", "connected"),
		at(kit.Named("channels-next"), kit.Addr{}, "", ""),
		at(kit.Named("control"), kit.Addr{}, "control", "listening"),
		at(kit.Named("control").Child("admin.4"), kit.Named("control"), "admin", ""),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

func TestDrawShowsEveryActorBelowTheGateway(t *testing.T) { golden(t, "gateway.txt", Draw(gateway())) }

func TestDrawShowsAGatewayWithoutActors(t *testing.T) {
	if got := Draw(nil); got != "gateway\n" {
		t.Errorf("drew %q", got)
	}
}

func TestLinesAreMachineReadable(t *testing.T) {
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	for _, l := range Lines(gateway()) {
		if err := lines.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "lines.json", out.String())
}

func TestTheLogSaysTheSameAsTheLines(t *testing.T) {
	var out bytes.Buffer
	Log(zerolog.New(&out), gateway())
	logged := strings.Split(strings.TrimSpace(out.String()), "\n")
	lines := Lines(gateway())
	if len(logged) != len(lines) {
		t.Fatalf("%d entries, want %d", len(logged), len(lines))
	}
	for i, entry := range logged {
		line, _ := json.Marshal(lines[i])
		want := `{"level":"info",` + strings.Trim(string(line), "{}") + `,"message":"actor"}`
		if entry != want {
			t.Errorf("entry %d is\n%s\nwant\n%s", i, entry, want)
		}
	}
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	rows := gateway()
	slices.Reverse(rows)
	before := slices.Clone(rows)
	if got, want := Draw(rows), Draw(gateway()); got != want {
		t.Errorf("drew\n%s\nwant\n%s", got, want)
	}
	if !slices.Equal(Lines(rows), Lines(gateway())) {
		t.Error("the lines depend on the order of rows")
	}
	if !slices.Equal(rows, before) {
		t.Error("the caller's rows were sorted in place")
	}
}

func TestEveryRowIsDrawnExactlyOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		addrs []string
		want  string
	}{
		{"a part of a path at the top stands alone", []string{"channels/a"}, "gateway\n└── channels\n    └── a up 0s\n"},
		{"a part with one child below the top is folded into it", []string{"channels/a/b/c"}, "gateway\n└── channels\n    └── a/b/c up 0s\n"},
		{"a part with two children groups them", []string{"x", "x/h/r.1", "x/h/r.2"}, "gateway\n└── x up 0s\n    └── h\n        ├── r.1 up 0s\n        └── r.2 up 0s\n"},
		{"an actor is never folded", []string{"x/h", "x/h/r"}, "gateway\n└── x\n    └── h up 0s\n        └── r up 0s\n"},
		{"a name that begins like another is another", []string{"a-b", "a/c", "a"}, "gateway\n├── a up 0s\n│   └── c up 0s\n└── a-b up 0s\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rows []kit.Row
			for _, addr := range c.addrs {
				rows = append(rows, kit.Row{Addr: kit.Named(addr)})
			}
			if got := Draw(rows); got != c.want {
				t.Errorf("drew\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
