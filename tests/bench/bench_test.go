package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMedianAndSpreadOfReadings(t *testing.T) {
	for _, c := range []struct {
		name string
		list []float64
		want spread
		said string
	}{
		{"none", nil, spread{}, "0.0"},
		{"one", []float64{3}, spread{3, 3, 3}, "3.0"},
		{"an odd number, in no order", []float64{9, 1, 4}, spread{4, 1, 9}, "4.0 (1.0-9.0)"},
		{"an even number", []float64{4, 1, 2, 9}, spread{3, 1, 9}, "3.0 (1.0-9.0)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := spreadOf(c.list); got != c.want || got.with("%.1f") != c.said {
				t.Errorf("%+v, said as %q; want %+v and %q", got, got.with("%.1f"), c.want, c.said)
			}
		})
	}
}

// TestARatioComparesWithTheSameRound: the median of ratios is not the ratio of medians, and only the first one is right on a
// machine whose rounds differ.
func TestARatioComparesWithTheSameRound(t *testing.T) {
	all := rounds{}
	for _, rate := range [][2]float64{{100, 50}, {10, 5}, {1000, 500}} {
		for i, name := range []string{bareRow, durableRow} {
			at := cell{name, 64}
			all[at] = append(all[at], measured{answers: answers{Rate: rate[i]}})
		}
	}
	if got := spreadOf(all.ratio(durableRow, 64)); got != (spread{0.5, 0.5, 0.5}) {
		t.Errorf("got %+v, want 0.5 in every round", got)
	}
}

func TestFiguresAreShort(t *testing.T) {
	for got, want := range map[float64]float64{
		shortened(57398.4): 57398, shortened(0.033209): 0.03321, shortened(12.3456): 12.35, shortened(0): 0, shortened(math.NaN()): 0, shortened(-5.55555): -5.556,
	} {
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestATargetIsMetOnItsSide(t *testing.T) {
	r := &report{figures: map[string]any{}}
	r.target("a", 0.5, atLeast, 0.5)
	r.target("b", 0.4, atLeast, 0.5)
	r.target("c", 61, atMost, 60)
	var said []string
	for _, row := range r.targets {
		said = append(said, strings.Join(row, " "))
	}
	if got := strings.Join(said, "; "); got != "a 0.5 at least 0.5 yes; b 0.4 at least 0.5 no; c 61 at most 60 no" || r.figures["c"] != 61.0 {
		t.Error(got, r.figures)
	}
}

func TestAFolderInMemoryIsRefused(t *testing.T) {
	const table = "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/my\\040disk xfs rw 0 0\n/dev/vdc / btrfs rw 0 0\n"
	for dir, want := range map[string]string{
		"/home/x": "btrfs (/dev/vdc)", "/tmp": "", "/tmp/x": "", "/tmpx": "btrfs (/dev/vdc)", "/tmp/my disk/state": "xfs (/dev/vdb)",
	} {
		got, err := diskOf(table, dir)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s is on %q, %v; want %q", dir, got, err, want)
		}
	}
}

func TestWhatProcSaysOfAProcess(t *testing.T) {
	m := memoryIn("Name:\tgateway\nVmRSS:\t   45056 kB\nRssAnon:\t   10240 kB\nRssFile:\t   34816 kB\n")
	if m != (memory{anon: 10, rss: 44}) {
		t.Errorf("the memory is %+v", m)
	}
	got, err := cpuIn("7 (a (strange) name) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 9 0 100 1000 50")
	if err != nil || got != 2*time.Second {
		t.Errorf("the processor time is %s, %v; want 2s", got, err)
	}
	if _, err := cpuIn("7 (cut) S 1"); err == nil {
		t.Error("a line that is cut is read")
	}
	if own, err := memoryOf(os.Getpid()); err != nil || own.rss <= own.anon || own.anon <= 0 {
		t.Errorf("our own memory is %+v, %v", own, err)
	}
}

func TestEveryBodyIsAsLongAsItSays(t *testing.T) {
	for _, p := range []post{webhookPost("c{c}"), webhookPost("conversation-{n}"), bubblesPost(false), bubblesPost(true)} {
		wire := strings.NewReplacer("{n}", strings.Repeat("1", 12), "{c}", strings.Repeat("1", 5), "{t}", strings.Repeat("1", 16)).Replace(p.body)
		if len(wire) != bodySize {
			t.Errorf("%d bytes, want %d: %s", len(wire), bodySize, wire)
		}
	}
}

func TestASinkFindsTheInstantInAnAnswer(t *testing.T) {
	body := strings.ReplaceAll(webhookPost("c{c}").body, "{t}", "1767225600000001")
	if at, ok := sentAt([]byte(body)); !ok || at.UnixMicro() != 1767225600000001 {
		t.Errorf("%v, %v", at, ok)
	}
	for _, bad := range []string{"", "sent at 12", "sent at yesterday, at noon"} {
		if at, ok := sentAt([]byte(bad)); ok {
			t.Errorf("%q is %v", bad, at)
		}
	}
}

func TestTheLastLineIsTheResult(t *testing.T) {
	if a, err := lastLine[answers]("a table\n{\"rps\": 1}\n{\"rps\": 2, \"statuses\": {\"200\": 3}}\n"); err != nil || a.Rate != 2 || a.Statuses["200"] != 3 {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := lastLine[answers]("no result"); err == nil {
		t.Error("what is no result is taken for one")
	}
}

func TestOnlyAWholeRunIsWritten(t *testing.T) {
	for _, c := range []struct {
		name string
		b    *bench
		want bool
	}{
		{"a whole run", &bench{}, true}, {"a quick one", &bench{Quick: true}, false}, {"a part", &bench{Only: "accept"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.b.Out = filepath.Join(t.TempDir(), "BENCH.md")
			r := &report{began: time.Now(), figures: map[string]any{}}
			r.table("A table", "key", "value").row("a", "1")
			r.figure("a", 1)
			if err := r.end(c.b); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(c.b.Out)
			if (err == nil) != c.want {
				t.Fatalf("written: %v", err)
			}
			if c.want && (!strings.Contains(string(text), "| key | value |\n|-----|-------|\n| a   | 1     |") || !strings.Contains(string(text), `"a":1`)) {
				t.Errorf("the file is\n%s", text)
			}
		})
	}
}
