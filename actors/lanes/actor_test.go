package lanes

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// theatre is lanes on a real system, with probes for all the others.
type theatre struct {
	t     *testing.T
	sys   *kit.System
	addr  kit.Addr
	agent *kittest.Probe

	mu    sync.Mutex // the journal's probe and the test share the store
	store *store
}

func newTheatre(t *testing.T, change func(*Configure)) *theatre {
	t.Helper()
	th := &theatre{t: t, sys: kittest.New(t), store: newStore(t)}
	kittest.NewProbe(t, th.sys, others.Journal.String()).Answering(func(msg any) any {
		th.mu.Lock()
		defer th.mu.Unlock()
		return th.store.handle(msg)
	})
	kittest.NewProbe(t, th.sys, others.Access.String()).Answering(func(any) any { return access.Decision{Allow: true} })
	kittest.NewProbe(t, th.sys, boss.String()).Answering(func(any) any { return run.Result{} })
	th.agent = kittest.NewProbe(t, th.sys, others.Agents.String())
	addr, err := th.sys.Start(others.Self.String(), Spec(others))
	if err != nil {
		t.Fatal(err)
	}
	th.addr = addr
	c := settings()
	if change != nil {
		change(&c)
	}
	if _, err := th.sys.Ask(t.Context(), addr, c); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return th
}

func (th *theatre) message(text string) {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.store.add(channels.Arrival{Account: home, At: time.Now(), ID: text, Kind: channels.Message, Conversation: "c", Sender: channels.Sender{ID: "bob"}, Text: text})
	th.sys.Tell(th.addr, journal.Woken{Queue: journal.Queue{Kind: journal.Arrivals, Account: home}})
}

func (th *theatre) turns() []agents.Turn {
	var out []agents.Turn
	for _, msg := range th.agent.Messages() {
		if turn, is := msg.(agents.Turn); is {
			out = append(out, turn)
		}
	}
	return out
}

func TestTheWindowOfAMessageInPiecesIsKeptInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, common(func(c *channels.Common) { c.CoalesceMs = 500 }))
		th.agent.Answering(func(any) any { return agentsSay("yes") })
		th.message("one")
		time.Sleep(499 * time.Millisecond)
		th.message("two")
		synctest.Wait()
		if len(th.turns()) != 0 {
			t.Fatal("the turn began too soon")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := th.turns(); len(got) != 1 || got[0].Turn.Text != "one\ntwo" {
			t.Errorf("got %+v", got)
		}
		if got := th.sys.Snapshot(th.addr).(Snapshot); got.Lanes != 0 || got.Held != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestPausesGrowAndTheBlockedConversationIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, nil)
		th.agent.Answering(func(any) any { return agents.Turned{Err: context.DeadlineExceeded} })
		th.message("hi")
		time.Sleep(40 * time.Second)
		synctest.Wait()
		// Without jitter at 0, 1, 3, 7, 15 and 31 s; with the most of it at 0, 1.2, 3.6, 8.4, 18 and 37.2 s.
		if got := th.turns(); len(got) != 6 || !got[5].Turn.Repeated || got[5].Turn.ID != got[0].Turn.ID {
			t.Errorf("%d turns", len(got))
		}
		got := th.sys.Snapshot(th.addr).(Snapshot)
		if len(got.Blocked) != 1 || got.Blocked[0].Attempts != 6 || got.Oldest < 30*time.Second {
			t.Errorf("got %+v", got)
		}
	})
}

func TestADrainWaitsForTheTurnUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, nil)
		th.message("hi")
		asked := th.agent.WaitIn(func(msg any) bool { _, is := msg.(agents.Turn); return is })
		drain := kittest.NewProbe(t, th.sys, "reload")
		drain.Perform(kit.Ask{To: th.addr, Msg: Drain{By: time.Now().Add(time.Minute)}, Within: time.Hour})
		time.Sleep(time.Second)
		if len(drain.Messages()) != 0 {
			t.Fatal("drained before the turn ended")
		}
		th.agent.Perform(kit.Answer{To: asked.From, Msg: agentsSay("yes")})
		if got := kittest.Wait[kit.Answered](drain).Msg.(Drained); len(got.Left) != 0 {
			t.Errorf("got %+v", got)
		}
		th.mu.Lock()
		defer th.mu.Unlock()
		if len(th.store.replies) != 1 {
			t.Errorf("replies %+v", th.store.replies)
		}
	})
}

// house is lanes, access, agents and the journal as they are; only the channel's supervisor is a probe.
type house struct {
	t       *testing.T
	sys     *kit.System
	journal kit.Addr
	access  kit.Addr
	boss    *kittest.Probe
}

type says func(t backend.Turn) string

func (s says) Turn(_ context.Context, t backend.Turn) (backend.Answer, error) {
	return backend.Answer{Text: s(t)}, nil
}

func newHouse(t *testing.T, fs vfs.FS, agent backend.Agent, change ...func(*channels.Common)) *house {
	t.Helper()
	h := &house{t: t, sys: kittest.New(t)}
	store, err := journal.Open(journal.Options{
		Dir: "state", FS: fs, Log: zerolog.Nop(), Free: func(string) (uint64, error) { return 1 << 40, nil },
		OnFatal: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.boss = kittest.NewProbe(t, h.sys, boss.String()).Answering(func(msg any) any {
		if fetch, is := msg.(supervisor.Call).Op.(run.Fetch); is {
			fetch.Attachment.Gone = ""
			fetch.Attachment.Blob = strings.Repeat("ab", 32)
			return run.Result{Attachment: fetch.Attachment}
		}
		return run.Result{Err: run.ErrNotOffered}
	})
	h.journal = h.start("journal", journal.Spec(store))
	h.access = h.start("access", access.Spec(h.journal))
	brains := h.start("agents", agents.Spec())
	lanes := h.start("lanes", Spec(Others{Self: kit.Named("lanes"), Journal: h.journal, Access: h.access, Agents: brains}))
	c := settings()
	h.ask(brains, agents.Configure{Agents: []agents.Agent{{Name: "default", Agent: agent, Parallel: 2, Timeout: time.Minute}}})
	common := c.Accounts[home].Common
	for _, f := range change {
		f(&common)
	}
	h.ask(h.access, access.Configure{Accounts: map[channels.Account]channels.Common{home: common}})
	h.ask(lanes, c)
	return h
}

func (h *house) start(name string, what kit.Spec) kit.Addr {
	h.t.Helper()
	addr, err := h.sys.Start(name, what)
	if err != nil {
		h.t.Fatal(err)
	}
	return addr
}

func (h *house) ask(to kit.Addr, msg any) any {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), kittest.Patience)
	defer cancel()
	answer, err := h.sys.Ask(ctx, to, msg)
	if err != nil {
		h.t.Fatalf("%T: %v", msg, err)
	}
	return answer
}

func (h *house) arrive(id string, change func(*channels.Arrival)) {
	h.t.Helper()
	a := channels.Arrival{At: time.Now(), ID: id, Kind: channels.Message, Conversation: "c", Sender: channels.Sender{ID: "bob"}, Text: id}
	if change != nil {
		change(&a)
	}
	got := h.ask(h.journal, journal.Commit{Account: home, Ops: []journal.Op{journal.AddArrival{Arrival: a, Keep: time.Hour}}})
	if err := got.(journal.Committed).Err; err != nil {
		h.t.Fatal(err)
	}
}

// replies waits until so many replies are pending, and returns their texts.
func (h *house) replies(n int) []string {
	h.t.Helper()
	var out []string
	ok := kittest.Eventually(func() bool {
		taken := h.ask(h.journal, journal.Take{Queue: journal.Queue{Kind: journal.Replies, Account: home}, Max: 100}).(journal.Taken)
		out = nil
		for _, r := range taken.Replies {
			out = append(out, r.Text)
		}
		return len(out) >= n
	})
	if !ok {
		h.t.Fatalf("%d replies, want %d: %q", len(out), n, out)
	}
	return out
}

func TestAStrangerIsLetInAndThenAnswered(t *testing.T) {
	h := newHouse(t, vfs.NewMem(), says(func(t backend.Turn) string { return "re: " + t.Text }))
	h.arrive("hi", nil)
	invitation := h.replies(1)[0]
	code := invitation[strings.LastIndexByte(invitation, ' ')+1:]
	if got := h.ask(h.access, access.Approve{Code: code}).(access.Settled); got.Err != nil || got.Sender != "bob" {
		t.Fatalf("got %+v", got)
	}
	h.arrive("let me in", nil)
	if got := h.replies(2)[1]; got != "re: let me in" {
		t.Errorf("got %q", got)
	}
	h.arrive("with a file", func(a *channels.Arrival) { a.Attachments = []channels.Attachment{{ID: "f", Name: "f.png"}} })
	h.arrive("lost", func(a *channels.Arrival) { a.Conversation, a.Incomplete = "", true })
	h.replies(3)
	books := h.settled()
	if books.Done != 3 || books.Dead != 1 {
		t.Errorf("books %+v", books)
	}
	if got := h.sys.Snapshot(kit.Named("lanes")).(Snapshot); got.Lanes != 0 || got.Held != 0 {
		t.Errorf("lanes hold %+v", got)
	}
}

// settled waits until no arrival is pending and the lanes hold nothing, and returns the books of the arrivals.
func (h *house) settled() journal.Counters {
	h.t.Helper()
	var books journal.Verified
	ok := kittest.Eventually(func() bool {
		books = h.ask(h.journal, journal.Verify{}).(journal.Verified)
		return h.queue(books).Pending == 0 && h.sys.Snapshot(kit.Named("lanes")).(Snapshot).Lanes == 0
	})
	if !ok || len(books.Faults) != 0 {
		h.t.Errorf("books %+v, faults %q", h.queue(books), books.Faults)
	}
	return h.queue(books)
}

func (h *house) queue(books journal.Verified) journal.Counters {
	return books.Statistics.Queues[journal.Queue{Kind: journal.Arrivals, Account: home}]
}

func TestAThousandArrivalsEndOnceEach(t *testing.T) {
	h := newHouse(t, vfs.NewMem(), says(func(t backend.Turn) string { return t.Conversation }))
	h.arrive("hi", nil)
	invitation := h.replies(1)[0]
	h.ask(h.access, access.Approve{Code: invitation[strings.LastIndexByte(invitation, ' ')+1:]})
	const n = 1000
	for i := range n {
		h.arrive("m"+string(rune('a'+i%26))+time.Duration(i).String(), func(a *channels.Arrival) {
			a.Conversation = strings.Repeat("x", 1+i%300)
		})
	}
	if got := h.settled(); got.Done != n+1 || got.Outcomes[Answered] != n {
		t.Errorf("books %+v", got)
	}
}
