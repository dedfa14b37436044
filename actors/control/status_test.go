package control

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/actors/agents"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/lanes"
	"holdfast/actors/outbox"
	"holdfast/actors/registry"
	"holdfast/actors/reload"
	"holdfast/actors/supervisor"
	"holdfast/channels"
	"holdfast/channels/screen"
	"holdfast/config"
)

// scene is a gateway as its actors show it; the zero changes make one that is well.
type scene struct {
	account  supervisor.Status
	path     *registry.Endpoint
	books    journal.Statistics
	listen   string
	agent    agents.Status
	lanes    lanes.Snapshot
	noLanes  bool // lanes are not up
	noBooks  bool // the journal is not up
	noTables bool // nothing is published
	hung     bool // an actor works on one message for ever
}

// well is an account that is connected, with its path in the table and work that flows.
func well(now time.Time) *scene {
	return &scene{
		account: supervisor.Status{
			Account: home, Phase: supervisor.Running, Since: now.Add(-time.Hour), Run: 7, Link: channels.Connected,
			Webhook: "http://gateway/hook?password=***", Facts: map[string]string{"server": "http://192.0.2.7:1234"},
		},
		path: endpoint("/hook", home),
		books: journal.Statistics{Accepting: true, Free: 5 << 20, Queues: map[journal.Queue]journal.Counters{
			{Kind: journal.Requests, Account: home}: {Created: 3, Done: 3},
			{Kind: journal.Replies, Account: home}:  {Created: 2, Done: 1, Pending: 1, Oldest: now.Add(-stuckAfter)},
			{Kind: journal.Replies, Account: "x:y"}: {Created: 1, Pending: 1, Oldest: now.Add(-time.Hour)},
		}},
		listen: "127.0.0.1:18789",
		agent:  agents.Status{Name: "default", Kind: "echo"},
		lanes:  lanes.Snapshot{Lanes: 1, Waiting: map[string]int{"default": 1, "other": 1}},
	}
}

func endpoint(path string, accounts ...channels.Account) *registry.Endpoint {
	s, err := screen.Compile([]channels.Route{{Account: accounts[0], Methods: []string{"POST"}, Auth: []channels.Auth{{Scheme: channels.SchemeNone}}}})
	if err != nil {
		panic(err)
	}
	return &registry.Endpoint{Path: path, Accounts: accounts, Screen: s, Counts: &registry.Counts{}}
}

// showing is an actor that publishes a snapshot and does nothing.
func showing(snapshot any) kit.Spec {
	return kit.Def[any]{
		Kind: "showing", State: snapshot, Step: func(s any, _ kit.In) (any, []kit.Effect) { return s, nil },
		Snapshot: func(s any) any { return s },
	}.Spec()
}

// look sets the scene up in a world of its own and looks at it.
func (s *scene) look(t *testing.T) Status {
	t.Helper()
	w := s.world(t)
	return w.Look(time.Now())
}

func (s *scene) world(t *testing.T) World {
	t.Helper()
	sys := kittest.New(t)
	start := func(name string, what kit.Spec) kit.Addr {
		at, err := sys.Start(name, what)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	w := World{System: sys, Live: &registry.Cell{}, Started: time.Now().Add(-90 * time.Second), Version: "1.2", Listen: func() string { return s.listen }}
	w.settings(t)
	at := start("registry", registry.Spec(w.Live))
	if !s.noTables {
		var paths []*registry.Endpoint
		if s.path != nil {
			paths = append(paths, s.path)
		}
		publish(t, sys, at, 3, registry.NewRoutes(paths), Methods(self)...)
	}
	if !s.noBooks {
		start("journal", showing(s.books))
	}
	start("channels/bluebubbles", showing(supervisor.Snapshot{Channel: "bluebubbles", Accounts: []supervisor.Status{s.account}}))
	start("agents", showing(agents.Snapshot{Agents: []agents.Status{s.agent}}))
	if !s.noLanes {
		start("lanes", showing(s.lanes))
	}
	start("outbox", showing(outbox.Snapshot{Accounts: []outbox.Status{{Account: home}}}))
	start("reload", showing(reload.Snapshot{Phase: "idle", Last: &reload.Report{Revision: 3, Units: map[string]reload.Verdict{}}}))
	if s.hung {
		gate := make(chan struct{})
		hung := start("hung", kit.Def[int]{Step: func(n int, _ kit.In) (int, []kit.Effect) { <-gate; return n, nil }}.Spec())
		sys.Tell(hung, "hang")
		t.Cleanup(func() { close(gate) })
	}
	return w
}

// publish makes tables live as the registry does it.
func publish(t testing.TB, sys *kit.System, at kit.Addr, revision uint64, routes registry.Routes, methods ...registry.Method) {
	t.Helper()
	for _, msg := range []any{registry.StageRoutes{Routes: routes}, registry.StageMethods{Methods: registry.NewMethods(methods)}, registry.Publish{Revision: revision}} {
		if _, err := sys.Ask(t.Context(), at, msg); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLaw10_WithoutAFaultNothingIsRed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *scene, now time.Time)
		health string // of the account
	}{
		{"connected", func(*scene, time.Time) {}, green},
		{"without a path of its own", func(s *scene, _ time.Time) { s.account.Webhook, s.path = "", nil }, green},
		{"its old path is held beside the new one", func(s *scene, now time.Time) { s.path.Accounts = append(s.path.Accounts, "bluebubbles:work") }, green},
		{"being leased after a restart", func(s *scene, now time.Time) {
			s.account.Phase, s.account.Since = supervisor.Leasing, now.Add(-settleWithin)
		}, green},
		{"draining for a restart", func(s *scene, now time.Time) {
			s.account.Phase, s.account.Since = supervisor.Draining, now.Add(-settleWithin)
		}, green},
		{"connecting after a restart", func(s *scene, now time.Time) {
			s.account.Link, s.account.Since = channels.Connecting, now.Add(-settleWithin)
		}, green},
		{"a run that has not said anything yet", func(s *scene, now time.Time) { s.account.Link, s.account.Since = "", now }, green},
		{"stopped by hand", func(s *scene, _ time.Time) { s.account.Phase, s.account.Stopped = supervisor.Off, true }, off},
		{"stopped by hand and still draining", func(s *scene, _ time.Time) { s.account.Phase, s.account.Stopped = supervisor.Draining, true }, off},
		{"disabled and still draining", func(s *scene, now time.Time) { s.account.Phase, s.account.Disabled = supervisor.Draining, true }, off},
		{"an agent will not answer some messages", func(s *scene, _ time.Time) {
			s.agent.Refusals, s.agent.LastErr = manyRefusals-1, "not that"
		}, green},
		{"an agent that failed, and nothing waits for it any more", func(s *scene, _ time.Time) {
			s.agent.Failures, s.agent.LastErr = 7, "no connection"
			s.lanes.Waiting = map[string]int{"other": 1}
		}, green},
		{"disabled, and so without a path", func(s *scene, _ time.Time) { s.account.Phase, s.account.Disabled, s.path = supervisor.Off, true, nil }, off},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := well(time.Now())
				c.change(s, time.Now())
				got := s.look(t)
				if got.Health != green || !got.Ready || len(got.Causes) > 0 || got.Accounts[0].Health != c.health || len(got.Accounts[0].Causes) > 0 {
					t.Errorf("the gateway is %s, %v; the account is %s, %v", got.Health, got.Causes, got.Accounts[0].Health, got.Accounts[0].Causes)
				}
			})
		})
	}
}

// Each fault alone makes its account, or the gateway, red, and its cause is said.
func TestLaw10_EveryFaultIsRed(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(s *scene, now time.Time)
		account string // a cause of the account; empty: it is green
		gateway string // a cause of the gateway
		unready bool
	}{
		{"its path is not in the table", func(s *scene, _ time.Time) { s.path = nil }, "its path is not in the live table", "bluebubbles:home: its path is not in the live table", false},
		{"its path belongs to another", func(s *scene, _ time.Time) { s.path = endpoint("/hook", "bluebubbles:work") }, "its path is not in the live table", "", false},
		{"only its old path is there, for a while", func(s *scene, now time.Time) { s.path.Held = now.Add(time.Hour) }, "its path is not in the live table", "", false},
		{"it was refused", func(s *scene, _ time.Time) {
			s.account.Phase, s.account.Cause = supervisor.Refused, "wrong password; set it"
		}, "refused: wrong password; set it", "bluebubbles:home: refused: wrong password; set it", false},
		{"it failed", func(s *scene, _ time.Time) { s.account.Phase, s.account.Cause = supervisor.Failed, "a bug" }, "failed: a bug", "", false},
		{"it pauses after a failure", func(s *scene, now time.Time) {
			s.account.Phase, s.account.Since, s.account.Failures = supervisor.Pausing, now, 1
		}, "pausing", "", false},
		{"it is leased for too long", func(s *scene, now time.Time) {
			s.account.Phase, s.account.Since = supervisor.Leasing, now.Add(-settleWithin-1)
		}, "leasing", "", false},
		{"it drains for too long", func(s *scene, now time.Time) {
			s.account.Phase, s.account.Since = supervisor.Draining, now.Add(-settleWithin-1)
		}, "draining", "", false},
		{"it tries again after a failure", func(s *scene, now time.Time) {
			s.account.Phase, s.account.Since, s.account.Failures = supervisor.Leasing, now, 2
		}, "leasing", "", false},
		{"it connects for too long", func(s *scene, now time.Time) {
			s.account.Link, s.account.Since = channels.Connecting, now.Add(-settleWithin-1)
		}, "not connected (connecting)", "", false},
		{"its run never says anything", func(s *scene, now time.Time) { s.account.Link = "" }, "not connected (connecting)", "", false},
		{"its server does not answer", func(s *scene, now time.Time) {
			s.account.Link, s.account.Since, s.account.Cause = channels.Waiting, now, "no route to host"
		}, "not connected (waiting): no route to host", "", false},
		{"a run was given up and goes on", func(s *scene, _ time.Time) { s.account.Abandoned = []uint64{5, 6} }, "runs that were given up and have not ended: 2", "", false},
		{"a request waits", func(s *scene, now time.Time) { s.waits(journal.Requests, now) }, "the oldest request has been waiting for 1m1s", "", false},
		{"an arrival waits", func(s *scene, now time.Time) { s.waits(journal.Arrivals, now) }, "the oldest arrival has been waiting for 1m1s", "", false},
		{"a reply waits", func(s *scene, now time.Time) { s.waits(journal.Replies, now) }, "the oldest reply has been waiting for 1m1s", "", false},
		{
			"the journal refuses", func(s *scene, _ time.Time) { s.books.Accepting, s.books.Why = false, "the disk is nearly full" }, "nothing can be taken in: the disk is nearly full",
			"the journal takes nothing: the disk is nearly full", true,
		},
		{"the journal is not up", func(s *scene, _ time.Time) { s.noBooks = true }, "nothing can be taken in: the journal is not up", "the journal is not up", true},
		{"nothing is published", func(s *scene, _ time.Time) { s.noTables = true }, "its path is not in the live table", "no configuration is live yet", true},
		{"an agent fails, and a message waits for it", func(s *scene, _ time.Time) {
			s.agent.Failures, s.agent.LastErr = 2, "no connection"
		}, "", "agent default failed the last 2 turn(s): no connection", false},
		{"an agent fails, and what waits may be left out", func(s *scene, _ time.Time) {
			s.agent.Failures, s.agent.LastErr, s.lanes = 2, "no connection", lanes.Snapshot{LeftOut: true}
		}, "", "agent default failed the last 2 turn(s): no connection", false},
		{"an agent fails, and nobody knows what waits", func(s *scene, _ time.Time) {
			s.agent.Failures, s.agent.LastErr, s.noLanes = 2, "no connection", true
		}, "", "agent default failed the last 2 turn(s): no connection", false},
		{"an agent refuses whatever it is asked, so nothing waits", func(s *scene, _ time.Time) {
			s.agent.Failures, s.agent.Refusing, s.agent.LastErr, s.lanes = 1, true, "wrong key", lanes.Snapshot{}
		}, "", "agent default failed the last 1 turn(s): wrong key", false},
		{"an agent refuses one message after the other", func(s *scene, _ time.Time) {
			s.agent.Refusals, s.agent.LastErr, s.lanes = manyRefusals, "not that", lanes.Snapshot{}
		}, "", "agent default refused the last 3 messages: not that", false},
		{"an agent has no slot left", func(s *scene, _ time.Time) {
			s.agent.Stuck, s.agent.Hung, s.lanes = 4, true, lanes.Snapshot{}
		}, "", "agent default takes no turns: 4 call(s) do not end", false},
		{"an actor hangs", func(s *scene, _ time.Time) { s.hung = true }, "", "hung has worked on one message (string) for 1m1s", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := well(time.Now())
				c.change(s, time.Now())
				w, now := s.world(t), time.Now()
				synctest.Wait()
				if s.hung {
					time.Sleep(stuckAfter + time.Second)
				}
				got := w.Look(now)
				if got.Health != red || len(got.Causes) == 0 || got.Ready == c.unready {
					t.Errorf("the gateway is %s, ready %t, %v", got.Health, got.Ready, got.Causes)
				}
				if c.gateway != "" && !slices.Contains(got.Causes, c.gateway) {
					t.Errorf("the gateway's causes are %q, want %q", got.Causes, c.gateway)
				}
				a := got.Accounts[0]
				if c.account == "" && a.Health == green {
					return
				}
				if a.Health != red || !slices.Contains(a.Causes, c.account) {
					t.Errorf("the account is %s, %q, want %q", a.Health, a.Causes, c.account)
				}
			})
		})
	}
}

func (s *scene) waits(kind journal.Kind, now time.Time) {
	s.books.Queues[journal.Queue{Kind: kind, Account: home}] = journal.Counters{Created: 5, Pending: 1, Oldest: now.Add(-stuckAfter - time.Second)}
}

func TestTheStatusHoldsWhatTheActorsShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := well(time.Now())
		c := s.path.Counts
		c.Accepted.Store(4)
		c.Missed.Store(2)
		c.LastAccepted.Store(time.Now().UnixMilli())
		got := s.look(t)
		if got.Version != "1.2" || got.Uptime != config.Duration(90*time.Second) || got.Listen != s.listen || got.Revision != 3 {
			t.Errorf("got %+v", got)
		}
		if got.Journal != (JournalStatus{Accepting: true, FreeMB: 5}) || len(got.Queues) != 3 || got.Queues[0].Kind != journal.Replies || got.Queues[2].Account != "x:y" {
			t.Errorf("the journal is %+v, %+v", got.Journal, got.Queues)
		}
		if len(got.Agents) != 1 || got.Lanes.Lanes != 1 || len(got.Outbox) != 1 || got.LastReload.Revision != 3 {
			t.Errorf("got %+v", got)
		}
		a := got.Accounts[0]
		if !a.PathLive || a.Received != 4 || a.Missed != 2 || a.Webhooks.UnixMilli() != time.Now().UnixMilli() || a.Hint != "" || a.Run != 7 {
			t.Errorf("the account is %+v", a)
		}
		raw, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		fits(t, "status", raw)
	})
}

func TestAPathOnWhichNothingEverCameIsPointedOut(t *testing.T) {
	const never = "no webhook ever received"
	elsewhere := func(listen string) string {
		return never + "; the sender is at 192.0.2.7 and gateway.listen is " + listen + ", which only this machine reaches: " +
			"listen on an address that it can reach, or put a proxy in front and set gateway.publicUrl"
	}
	for _, c := range []struct {
		name   string
		change func(s *scene)
		want   string
	}{
		{"the sender is elsewhere, the listener is not", func(*scene) {}, elsewhere("127.0.0.1:18789")},
		{"the same over IPv6", func(s *scene) { s.listen = "[::1]:18789" }, elsewhere("[::1]:18789")},
		{"the listener is reached from everywhere", func(s *scene) { s.listen = "0.0.0.0:18789" }, never},
		{"the sender is here", func(s *scene) { s.account.Facts = map[string]string{"server": "http://127.0.0.1:1234"} }, never},
		{"the sender is here by name", func(s *scene) { s.account.Facts = map[string]string{"server": "http://localhost:1234"} }, never},
		{"nobody knows where the sender is", func(s *scene) { s.account.Facts = nil }, never},
		{"the sender's address is none", func(s *scene) { s.account.Facts = map[string]string{"server": "http://[:"} }, never},
		{"the listener's address is none", func(s *scene) { s.listen = "somewhere" }, never},
		{"something came since the start", func(s *scene) { s.path.Counts.LastAccepted.Store(1) }, ""},
		{"something came before the start", func(s *scene) {
			s.books.Queues[journal.Queue{Kind: journal.Requests, Account: home}] = journal.Counters{Created: 1, Done: 1}
		}, ""},
		{"the journal knows the account and no request of it", func(s *scene) {
			s.listen, s.books.Queues[journal.Queue{Kind: journal.Requests, Account: home}] = "", journal.Counters{}
		}, never},
		{"it has no path", func(s *scene) { s.account.Webhook = "" }, ""},
		{"it is stopped", func(s *scene) { s.account.Stopped = true }, elsewhere("127.0.0.1:18789")},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := well(time.Now())
				delete(s.books.Queues, journal.Queue{Kind: journal.Requests, Account: home})
				c.change(s)
				if got := s.look(t).Accounts[0].Hint; got != c.want {
					t.Errorf("the hint is %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestTheRoutesAreThoseOfTheLiveTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well(time.Now()).world(t)
		a, b, under := endpoint("/b", home), endpoint("/a", "x:y"), endpoint("/a", home)
		under.Under, b.Held = true, time.UnixMilli(99)
		a.Counts.Accepted.Store(1)
		a.Counts.Skipped.Store(2)
		a.Counts.Refused.Store(3)
		a.Counts.Missed.Store(4)
		a.Counts.LastAccepted.Store(5)
		publish(t, w.System, kit.Named("registry"), 4, registry.NewRoutes([]*registry.Endpoint{a, b, under}))
		var got []string
		for _, r := range w.routes(time.Now()) {
			got = append(got, fmt.Sprint(r.key(), r.Accounts, r.Methods, r.Accepted, r.Skipped, r.Refused, r.Missed, r.Last.UnixMilli() == 5, r.Held.UnixMilli() == 99))
		}
		want := []string{"/a[x:y] [POST] 0 0 0 0 false true", "/a/[bluebubbles:home] [POST] 0 0 0 0 false false", "/b[bluebubbles:home] [POST] 1 2 3 4 true false"}
		if !slices.Equal(got, want) {
			t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	})
}
