package kit_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

// door is an actor whose phase and snapshot are its last message; "hang" blocks until gate is closed.
func door(gate chan struct{}) kit.Spec {
	return kit.Def[string]{
		Kind:  "door",
		State: "closed",
		Step: func(s string, in kit.In) (string, []kit.Effect) {
			if in.Msg == "hang" {
				<-gate
				return s, nil
			}
			return in.Msg.(string), nil
		},
		Phase:    func(s string) string { return s },
		Snapshot: func(s string) any { return "snapshot of " + s },
	}.Spec()
}

func rowOf(t *testing.T, sys *kit.System, addr kit.Addr) kit.Row {
	t.Helper()
	for _, row := range sys.Table() {
		if row.Addr == addr {
			return row
		}
	}
	t.Fatalf("%s is not in the table", addr)
	return kit.Row{}
}

func TestTheTableShowsAnActorWithoutAskingIt(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, p *kittest.Probe) {
		gate := make(chan struct{})
		addr := p.Child("door", door(gate))
		want := kit.Row{Addr: addr, Kind: "door", Parent: p.Addr(), Phase: "closed", Snapshot: "snapshot of closed"}
		if diff := kittest.Diff(want, rowOf(t, sys, addr)); diff != "" {
			t.Errorf("before its first turn (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		sys.Tell(addr, "open")
		synctest.Wait()
		time.Sleep(time.Second)
		sys.Tell(addr, "open")
		synctest.Wait()
		time.Sleep(time.Second)
		want.Age, want.Phase, want.PhaseFor, want.Snapshot = 62*time.Second, "open", 2*time.Second, "snapshot of open"
		if diff := kittest.Diff(want, rowOf(t, sys, addr)); diff != "" {
			t.Errorf("after a change of phase (-want +got):\n%s", diff)
		}
		sys.Tell(addr, "hang")
		synctest.Wait()
		sys.Tell(addr, "waits")
		sys.Tell(addr, "waits too")
		time.Sleep(time.Hour)
		got := rowOf(t, sys, addr)
		if got.InHand != "string" || got.HandFor != time.Hour || got.Waiting != 2 {
			t.Errorf("a hung actor has %q in hand for %v and %d waiting, want string, 1h, 2", got.InHand, got.HandFor, got.Waiting)
		}
		close(gate)
		synctest.Wait()
		if got := rowOf(t, sys, addr); got.InHand != "" || got.Waiting != 0 || got.Phase != "waits too" {
			t.Errorf("after the hang: %+v", got)
		}
	})
}

func TestTheTableShowsWhatTheMachineSees(t *testing.T) {
	for _, c := range []struct {
		name  string
		input kit.Effect
		want  string
	}{
		{"a timer's message by its own type", kit.After{Msg: again{}}, "kit_test.again"},
		{"an answer as Answered", kit.Ask{To: kit.Named("nobody"), Within: time.Second}, "kit.Answered"},
		{"an end as Ended", kit.Spawn{Name: "short", What: kit.Def[int]{First: 1, Step: func(int, kit.In) (int, []kit.Effect) { panic("on purpose") }}.Spec()}, "kit.Ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
				gate := make(chan struct{})
				addr := start(t, sys, "hangs", kit.Def[int]{
					Step: func(n int, _ kit.In) (int, []kit.Effect) {
						if n == 0 {
							return 1, []kit.Effect{c.input}
						}
						<-gate
						return n, nil
					},
					Make: func(what any) kit.Spec { return what.(kit.Spec) },
				}.Spec())
				sys.Tell(addr, "go")
				synctest.Wait()
				if got := rowOf(t, sys, addr).InHand; got != c.want {
					t.Errorf("in hand %q, want %q", got, c.want)
				}
				close(gate)
			}, kittest.AllowPanic)
		})
	}
}

func TestTheTableCountsABatchInHand(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		gate := make(chan struct{})
		addr := start(t, sys, "journal", kit.Batch("journal", true, nil, func(c *kit.Context, _ []kit.In) {
			c.Publish("busy", 1)
			<-gate
		}))
		sys.Tell(addr, 1)
		synctest.Wait()
		sys.Tell(addr, "two")
		sys.Tell(addr, 3)
		gate <- struct{}{}
		synctest.Wait()
		got := rowOf(t, sys, addr)
		if got.InHand != "2 inputs, first string" || got.Waiting != 0 || got.Phase != "busy" || got.Snapshot != 1 {
			t.Errorf("a batch in hand: %+v", got)
		}
		close(gate)
	})
}

func TestTheTableIsSortedByName(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		for _, name := range []string{"router", "journal", "methods"} {
			start(t, sys, name, deaf)
		}
		for range 100 { // the order of a map is another each time
			var names []string
			for _, row := range sys.Table() {
				names = append(names, row.Addr.String())
			}
			if got := strings.Join(names, " "); got != "journal methods probe router" {
				t.Fatalf("the table is %s", got)
			}
		}
	})
}

func TestASnapshotIsReadWithoutAsking(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		addr := start(t, sys, "door", door(nil))
		if got := sys.Snapshot(addr); got != "snapshot of closed" {
			t.Errorf("of a door: %v", got)
		}
		if got := sys.Snapshot(kit.Named("nobody")); got != nil {
			t.Errorf("of nobody: %v", got)
		}
		if got := sys.Snapshot(start(t, sys, "silent", deaf)); got != nil {
			t.Errorf("of one that publishes nothing: %v", got)
		}
	})
}

func TestWhoHearsOfAChangeFindsItPublished(t *testing.T) {
	world(t, func(t *testing.T, sys *kit.System, _ *kittest.Probe) {
		var published any
		addr := start(t, sys, "counter", kit.Def[int]{
			Step:     func(n int, _ kit.In) (int, []kit.Effect) { return n + 1, []kit.Effect{private{}} },
			Perform:  func(c *kit.Context, _ kit.Effect) { published = sys.Snapshot(c.Self()) },
			Snapshot: func(n int) any { return n },
		}.Spec())
		sys.Tell(addr, "count")
		synctest.Wait()
		if published != 1 {
			t.Fatalf("published while the effects of the first step are performed: %v, want 1", published)
		}
	})
}

func TestTheLogHasALineForWhatAPersonMustKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		sys := kit.New(kit.Options{Log: zerolog.New(&log)})
		addr := start(t, sys, "door", kit.Def[string]{
			Step: func(_ string, in kit.In) (string, []kit.Effect) {
				switch in.Msg {
				case "slow":
					time.Sleep(101 * time.Millisecond)
				case "unknown":
					return "open", []kit.Effect{kit.Unknown{Msg: in.Msg}}
				case "note":
					return "open", []kit.Effect{kit.Note{Level: zerolog.WarnLevel, Text: "a note", Fields: []any{"fails", 2}}}
				case "panic":
					panic("on purpose")
				}
				return "open", nil
			},
			Phase: func(s string) string { return s },
		}.Spec())
		for _, c := range []struct{ input, want string }{
			{"open", `{"level":"info","actor":"door","phase":"open","from":"","input":"string","message":"phase changed"}`},
			{"slow", `{"level":"warn","actor":"door","input":"string","took":101,"message":"slow turn"}`},
			{"unknown", `{"level":"debug","actor":"door","input":"string","message":"an input that fits nothing"}`},
			{"note", `{"level":"warn","actor":"door","fails":2,"message":"a note"}`},
			{"quick", ``},
		} {
			log.Reset()
			sys.Tell(addr, c.input)
			time.Sleep(time.Second)
			synctest.Wait()
			if got := strings.TrimSpace(log.String()); got != c.want {
				t.Errorf("after %s the log says\n%s\nwant\n%s", c.input, got, c.want)
			}
		}
		log.Reset()
		sys.Tell(addr, "panic")
		synctest.Wait()
		if got := log.String(); !strings.Contains(got, `"level":"error"`) || !strings.Contains(got, `"cause":"on purpose"`) ||
			!strings.Contains(got, "table_test.go") || strings.Count(got, "\n") != 1 {
			t.Errorf("after a panic the log says\n%s\nwant one line with its cause and its stack", got)
		}
	})
}
