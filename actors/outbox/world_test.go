package outbox

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/actors/supervisor"
	"holdfast/channels"
)

// world plays the journal, a network and time around one machine, and keeps the truth: what is on disk, what went out.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	now   time.Time
	state State

	todo  []kit.Effect // questions and timers under way, in any order
	disk  []channels.Reply
	ended map[uint64]journal.End
	out   map[uint64]int // how often each reply really went out
	order map[string][]uint64
	lies  bool // a find may fail, a send may end unknown
	deaf  bool // the network can find nothing out

	settles bool // somebody waits for what is under way
}

const home = channels.Account("net:home")

func newWorld(t *testing.T, seed uint64, replies, conversations int) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1_700_000_000, 0), lies: true,
		ended: map[uint64]journal.End{}, out: map[uint64]int{}, order: map[string][]uint64{},
	}
	for i := range replies {
		w.disk = append(w.disk, channels.Reply{
			Seq: uint64(i + 1), Account: home, Conversation: fmt.Sprintf("c%d", w.rng.IntN(conversations)),
			At: w.now, Text: fmt.Sprint("text ", i+1),
		})
	}
	w.boot()
	return w
}

// boot is a new life of the machine: what was in memory and under way is gone.
func (w *world) boot() {
	w.state, w.todo = State{Self: kit.Named("outbox"), Journal: kit.Named("journal")}, nil
	w.give(subscribe{})
	w.configure()
	w.give(journal.Woken{Queue: journal.Queue{Kind: journal.Replies, Account: home}})
}

func (w *world) configure() {
	w.give(Configure{Revision: 1, Accounts: map[channels.Account]Account{home: {
		Supervisor: kit.Named("channels/net"),
		Limits:     channels.Limits{Parallel: 2}, Chunk: 100, ChunkMode: "length",
	}}})
	w.give(supervisor.Connected{Account: home})
}

// leave takes the account away, waits until nothing is under way for it, and gives it back.
func (w *world) leave() {
	w.t.Helper()
	w.give(Configure{Revision: 1})
	w.give(journal.Woken{Queue: journal.Queue{Kind: journal.Replies, Account: home}})
	for range w.rng.IntN(3) {
		w.step()
	}
	if w.rng.IntN(2) == 0 {
		w.configure() // it is back before all has ended
		return
	}
	w.settles = true
	w.give(Settle{})
	for w.settles {
		if !w.step() {
			w.t.Fatal("whoever waits for the end of what is under way is never answered")
		}
	}
	if w.state.Accounts.Len() > 0 {
		w.t.Fatalf("of an account that is gone is left %+v", w.state.Accounts)
	}
	w.configure()
}

// settled: from now on nothing is written for an account that is gone.
func (w *world) settled() {
	w.t.Helper()
	w.settles = false
	for _, e := range w.todo {
		if ask, asks := e.(kit.Ask); asks {
			if _, takes := ask.Msg.(journal.Take); !takes {
				w.t.Fatalf("all is settled, and there is still %#v", ask.Msg)
			}
		}
	}
}

func (w *world) give(msg any) {
	given, before := w.state, w.state.render()
	next, effects := Step(given, kit.In{Msg: msg, Now: w.now})
	if after := given.render(); after != before {
		w.t.Fatalf("%T: Step changed the state that it was given from\n%s\nto\n%s", msg, before, after)
	}
	w.state = next
	for _, e := range effects {
		switch e := e.(type) {
		case kit.Ask, kit.After:
			w.todo = append(w.todo, e)
		case kit.Answer:
			if _, is := e.Msg.(Settled); is {
				w.settled()
			}
		case kit.Unknown:
			w.t.Fatalf("the machine does not know %T", e.Msg)
		}
	}
	w.check()
}

// step lets one thing that is under way happen.
func (w *world) step() bool {
	if len(w.todo) == 0 {
		return false
	}
	i := w.rng.IntN(len(w.todo))
	e := w.todo[i]
	w.todo = slices.Delete(w.todo, i, i+1)
	if w.lies && w.rng.IntN(20) == 0 {
		w.now = w.now.Add(-time.Duration(w.rng.IntN(7200)) * time.Second) // somebody sets the clock back
	}
	switch e := e.(type) {
	case kit.After:
		w.now = w.now.Add(e.Delay)
		w.give(e.Msg)
	case kit.Ask:
		msg, err := w.answer(e.Msg)
		w.give(kit.Answered{Tag: e.Tag, Msg: msg, Err: err})
	}
	return true
}

func (w *world) answer(msg any) (any, error) {
	switch m := msg.(type) {
	case journal.Take:
		return w.take(m), nil
	case journal.Commit:
		return w.commit(m), nil
	case journal.Ours:
		return journal.OursAre{}, nil
	case supervisor.Call:
		switch op := m.Op.(type) {
		case run.Send:
			return w.send(op.Reply)
		case run.Find:
			return w.find(op.Reply), nil
		}
	}
	w.t.Fatalf("nobody answers %T", msg)
	return nil, nil
}

func (w *world) take(m journal.Take) journal.Taken {
	got := journal.Taken{Queue: m.Queue, Last: m.After}
	for _, r := range w.disk {
		if _, over := w.ended[r.Seq]; over || r.Seq <= m.After || m.Conversation != "" && r.Conversation != m.Conversation {
			continue
		}
		if slices.Contains(m.Skip, r.Conversation) {
			got.Last = r.Seq
			continue
		}
		if len(got.Replies) == m.Max {
			got.More = true
			break
		}
		got.Last = r.Seq
		got.Replies = append(got.Replies, r)
	}
	return got
}

func (w *world) commit(m journal.Commit) journal.Committed {
	for _, op := range m.Ops {
		switch op := op.(type) {
		case journal.Attempt:
			if _, over := w.ended[op.Seq]; over {
				return journal.Committed{Err: journal.ErrEnded}
			}
			r := &w.disk[op.Seq-1]
			r.Attempt, r.FirstTry = op.Attempt, op.At
		case journal.End:
			if _, over := w.ended[op.Seq]; over {
				w.t.Fatalf("reply %d ends twice", op.Seq)
			}
			w.ended[op.Seq] = op
		}
	}
	return journal.Committed{}
}

func (w *world) send(r channels.Reply) (any, error) {
	if on := w.disk[r.Seq-1]; on.Attempt != r.Attempt || r.Attempt == 0 {
		w.t.Fatalf("reply %d is sent as attempt %d, on disk is %d: the attempt comes first (law 6)", r.Seq, r.Attempt, on.Attempt)
	}
	roll := w.rng.IntN(10)
	if !w.lies {
		roll = 9
	}
	switch roll {
	case 0:
		return run.Result{Err: &channels.Failure{Outcome: channels.NotSent, Err: errors.New("no route")}}, nil
	case 1:
		return run.Result{Err: &channels.Failure{Outcome: channels.Rejected, Err: errors.New("never")}}, nil
	case 2:
		return run.Result{Err: errors.New("cut before it left")}, nil
	case 3:
		w.went(r)
		return run.Result{Err: errors.New("cut after it left")}, nil
	case 4:
		w.went(r)
		return nil, kit.ErrLate
	}
	w.went(r)
	return run.Result{Receipt: channels.Receipt{ID: fmt.Sprint("p", r.Seq)}}, nil
}

func (w *world) went(r channels.Reply) {
	w.out[r.Seq]++
	w.order[r.Conversation] = append(w.order[r.Conversation], r.Seq)
}

func (w *world) find(r channels.Reply) run.Result {
	if w.deaf {
		return run.Result{Err: run.ErrNotOffered}
	}
	if w.lies && w.rng.IntN(4) == 0 {
		return run.Result{Err: errors.New("the server does not answer")}
	}
	if w.out[r.Seq] > 0 {
		return run.Result{Found: true, Receipt: channels.Receipt{ID: fmt.Sprint("p", r.Seq)}}
	}
	return run.Result{}
}

// check is what must hold in every state.
func (w *world) check() {
	a := w.state.Accounts.Of(home)
	if a.books.flight > 2 {
		w.t.Fatalf("%d in flight, the limit is 2", a.books.flight)
	}
	if a.books.held > window {
		w.t.Fatalf("%d held, the bound is %d", a.books.held, window)
	}
	if got, want := a.books.render(), a.counted().render(); got != want {
		w.t.Fatalf("the books say %s, the lanes %s", got, want)
	}
	for c, l := range a.lanes.All() {
		for i := 1; i < len(l.held); i++ {
			if l.held[i].Seq <= l.held[i-1].Seq {
				w.t.Fatalf("lane %s holds %d before %d", c, l.held[i-1].Seq, l.held[i].Seq)
			}
		}
	}
}

// counted are the books as they are when every lane is looked at.
func (a account) counted() books {
	var b books
	for c, l := range a.lanes.All() {
		b = b.changed(c, lane{}, l)
	}
	return b
}

func (b books) render() string {
	return fmt.Sprint(b.held, b.busy, b.flight, b.paused, maps.Collect(b.ready.All()), maps.Collect(b.full.All()))
}

// render shows all of a state that Step must not change.
func (s State) render() string {
	out := fmt.Sprintln(s.Count, s.Settles, s.Draining != nil)
	for id, a := range s.Accounts.All() {
		out += fmt.Sprintln(id, a.up, a.gone, a.after, a.taking, a.more, a.cause, a.books.render())
		for c, l := range a.lanes.All() {
			out += fmt.Sprintln(c, l)
		}
	}
	for n, p := range s.Posts.All() {
		out += fmt.Sprintln(n, p)
	}
	return out
}

// settle goes on without faults until nothing is under way.
func (w *world) settle() {
	w.lies = false
	for range 20_000 {
		if len(w.ended) == len(w.disk) || !w.step() {
			return
		}
	}
}

// verdict is what must hold in the end.
func (w *world) verdict() {
	for _, r := range w.disk {
		end, over := w.ended[r.Seq]
		switch {
		case !over:
			w.t.Errorf("reply %d never ends (law 6)", r.Seq)
		case w.out[r.Seq] > 1:
			w.t.Errorf("reply %d went out %d times", r.Seq, w.out[r.Seq])
		case end.State == journal.Done && w.out[r.Seq] != 1:
			w.t.Errorf("reply %d is done and never went out", r.Seq)
		case end.Outcome == "rejected" && w.out[r.Seq] > 0:
			w.t.Errorf("reply %d is rejected and went out", r.Seq)
		}
	}
	for c, seqs := range w.order {
		if !slices.IsSorted(seqs) {
			w.t.Errorf("conversation %s went out in the order %v", c, seqs)
		}
	}
}
