package lanes

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"holdfast/actors/access"
	"holdfast/actors/agents"
	"holdfast/actors/agents/backend"
	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/run"
	"holdfast/channels"
)

// FuzzStep plays any order of arrivals, answers, time-outs, timers, failures, reloads and restarts. In every state the
// laws are checked; then everything becomes well, and everything must come to its end. The second list has the clock on
// the wall set wrong in between: an empty one leaves it right.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128}, []byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte("arrivals of a few conversations, with edits and reactions; answers come late or never; the journal fails"), []byte{})
	for seed := range 8 {
		list := make([]byte, 400)
		for i := range list {
			list[i] = byte((i*i*31 + i*(seed*7+3) + seed*91) >> 2)
		}
		f.Add(list, list[:100*(seed%2)])
	}
	f.Fuzz(func(t *testing.T, list, clock []byte) { walk(t, list[:min(len(list), 1500)], clock) })
}

// TestLaw6_RandomWalksLoseNothing is FuzzStep for every day: the walks are the same each time. The last ones are those
// that found something.
func TestLaw6_RandomWalksLoseNothing(t *testing.T) {
	walks := 60
	if testing.Short() {
		walks = 20
	}
	seeds := []uint64{1002, 1584, 11444}
	for seed := range walks {
		seeds = append(seeds, uint64(seed))
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			list := make([]byte, 50+r.IntN(800))
			for i := range list {
				list[i] = byte(r.UintN(256))
			}
			walk(t, list, nil)
		})
	}
}

func walk(t *testing.T, list, clock []byte) {
	t.Helper()
	w := newWorld(t)
	w.state.bounds = bounds{lanes: 2, unresolved: 1, lane: 3, stops: 1, page: 3}
	w.strict = true
	w.moody()
	w.older(home, "a")
	w.begin(nil)
	for i, b := range list {
		if len(clock) > 0 && i%8 == 0 {
			w.skew = skew(clock[i/8%len(clock)])
		}
		before := w.state
		shown := before.render()
		w.play(b)
		if before.render() != shown {
			t.Fatalf("Step changed the state it was given:\n%s\n%s", shown, before.render())
		}
	}
	w.cure()
}

// mood is what the others are like; play changes it.
type mood struct {
	agent, network, access int
}

// moody makes the others answer by their mood.
func (w *world) moody() {
	w.decide = func(a channels.Arrival) access.Decision {
		switch {
		case w.mood.access == 1:
			return access.Decision{Err: errors.New("not now")}
		case a.Sender.ID == "eve":
			return access.Decision{Outcome: access.Denied}
		case a.Sender.ID == "new":
			return access.Decision{Outcome: access.Paired, Reply: "code"}
		case a.Text == "aside":
			return access.Decision{Outcome: access.Unmentioned}
		}
		return access.Decision{Allow: true}
	}
	well := w.network
	w.network = func(account channels.Account, op run.Op) run.Result {
		switch w.mood.network {
		case 1:
			return run.Result{Err: &channels.Failure{Outcome: channels.NotSent, Err: errors.New("no run is up")}}
		case 2:
			return run.Result{Err: &channels.Failure{Outcome: channels.Rejected, Err: errors.New("no")}}
		case 3:
			return run.Result{Err: errors.New("what")}
		}
		r := well(account, op)
		if op, is := op.(run.Complete); is && op.Arrival.Conversation == "" {
			r.Arrival.Conversation = "a"
		}
		return r
	}
	w.agent = func(t backend.Turn) *agents.Turned {
		switch w.mood.agent {
		case 1:
			return &agents.Turned{Err: errors.New("busy")}
		case 2:
			return &agents.Turned{Err: errors.New("no"), Refused: true}
		case 3:
			return nil
		}
		return &agents.Turned{Answer: backend.Answer{Text: "re: " + t.Text}}
	}
}

// play does one thing, told by five bits what and by three bits which.
func (w *world) play(b byte) {
	w.t.Helper()
	what, which := int(b>>3), int(b&7)
	lines := []kit.Addr{others.Journal, others.Access, others.Agents, boss}
	switch {
	case what < 6:
		w.arrive(which, what)
	case what < 12:
		w.handle(lines[which%len(lines)])
	case what < 18:
		if len(w.answers) > 0 {
			w.deliver(which % len(w.answers))
		}
	case what < 21:
		if len(w.timers) > 0 {
			w.fire(which % len(w.timers))
		}
	default:
		w.upset(what, which)
	}
}

// upset makes something go wrong, or well again.
func (w *world) upset(what, which int) {
	w.t.Helper()
	switch {
	case what == 21: // the answer comes too late; what was asked has happened all the same
		if len(w.answers) > 0 {
			i := which % len(w.answers)
			w.answers[i] = kit.Answered{Tag: w.answers[i].Tag, Err: kit.ErrLate}
			w.deliver(i)
		}
	case what == 22:
		w.mood.agent = which % 4
	case what == 23:
		w.mood.network = which % 4
	case what == 24:
		w.mood.access = which % 2
		w.store.broken = nil
		if which > 5 {
			w.store.broken = errors.New("disk")
		}
	case what == 25:
		w.configure(func(c *Configure) {
			if which%4 == 3 {
				delete(c.Accounts, work)
			}
			bound("other", "b")(c)
			common(func(c *channels.Common) { c.CoalesceMs, c.DMHistoryLimit = which*100, &which })(c)
			c.Agents["other"] = Agent{History: which%2 == 0}
		})
	case what == 26:
		w.drop(which)
	case what == 27 && which == 0:
		w.restart(nil)
	case what == 27 && which == 1:
		w.drained = nil
		w.in(Drain{By: w.wall().Add(time.Second)})
		w.after(time.Second)
		if len(w.drained) != 1 || w.state.lanes.Len() != 0 {
			w.t.Fatalf("drained %+v with %d lanes", w.drained, w.state.lanes.Len())
		}
		w.restart(nil)
	case what == 28:
		for _, id := range slices.Sorted(maps.Keys(w.running))[:min(1, len(w.running))] {
			w.finish(id, agents.Turned{Answer: backend.Answer{Text: "slow"}})
		}
	default:
		w.settle()
	}
}

func (w *world) arrive(which, what int) {
	target := fmt.Sprint("m", max(1, int(w.store.seq)-which%3))
	conversation := string(rune('a' + (which+what)%6))
	w.message(conversation, []string{"hi", "aside", "/stop", "hi", "/new", "hi", "there", "/status"}[which], func(a *channels.Arrival) {
		a.Sender.ID = []string{"bob", "eve", "bob", "new", "bob", "bob"}[(which*5+what)%6]
		switch what {
		case 1:
			a.Account = work
		case 2:
			if a.Incomplete = true; which%2 == 0 {
				a.Conversation = ""
			}
		case 3:
			a.Kind, a.Target = channels.Amendment, target
		case 4:
			a.Kind, a.Target = []channels.ArrivalKind{channels.Retraction, channels.Reaction}[which%2], target
		case 5:
			a.Attachments = []channels.Attachment{{ID: a.ID, Name: "f"}}
		}
	})
}

// drop is an operator's: an arrival ends while a lane holds it.
func (w *world) drop(which int) {
	for seq := w.store.seq; seq > 0; seq-- {
		if it := w.store.items[seq]; it.end == nil {
			if which--; which < 0 {
				it.end = &journal.End{Seq: seq, State: journal.Dead, Outcome: "dropped"}
				return
			}
		}
	}
}

// render shows all of a state that Step must not change.
func (s State) render() string {
	out := fmt.Sprintln(s.number, s.turns, maps.Collect(s.waiting.All()), s.drain)
	for id, w := range s.windows.All() {
		out += fmt.Sprintln(id, w, maps.Collect(w.lanes.All()))
	}
	for it := s.lanes.Iterator(); !it.Done(); {
		p, l, _ := it.Next()
		out += fmt.Sprintln(p, *l)
	}
	return out
}

// laws checks what holds in every state.
func (w *world) laws() {
	w.t.Helper()
	s := w.state
	held := map[uint64]place{}
	perAgent, waiting := map[string]int{}, map[string]int{}
	turns := 0
	for it := s.lanes.Iterator(); !it.Done(); {
		p, l, _ := it.Next()
		for _, seq := range l.seqs() {
			if other, twice := held[seq]; twice {
				w.t.Fatalf("arrival %d is held by %v and %v", seq, p, other)
			}
			held[seq] = p
			if _, booked := s.windows.Of(p.account).held.Get(seq); !booked {
				w.t.Fatalf("arrival %d is held by %v and not in the books", seq, p)
			}
		}
		if l.stage == asking {
			turns++
		}
		if agent := l.waitsFor(); agent != "" {
			waiting[agent]++
		}
		if p.seq == 0 {
			perAgent[string(p.account)+l.agent]++
		}
		if most := s.bounds.lane + s.bounds.stops + 1; l.holds() > most {
			w.t.Fatalf("lane %v holds %d", p, l.holds())
		}
		if !slices.IsSortedFunc(l.queue, func(a, b channels.Arrival) int { return int(a.Seq) - int(b.Seq) }) {
			w.t.Fatalf("lane %v is out of order", p)
		}
	}
	if turns != s.turns || !maps.Equal(waiting, maps.Collect(s.waiting.All())) {
		w.t.Fatalf("%d turns, %v wait; the books say %d and %v", turns, waiting, s.turns, s.waiting)
	}
	for key, n := range perAgent {
		if n > s.bounds.lanes {
			w.t.Fatalf("%s has %d lanes", key, n)
		}
	}
	for id, win := range s.windows.All() {
		if win.unresolved > s.bounds.unresolved {
			w.t.Fatalf("%s resolves %d", id, win.unresolved)
		}
	}
	for seq, it := range w.store.items {
		if it.end == nil {
			w.found(seq, it.arrival, held)
		}
	}
	w.expiries()
}

// found checks that a pending arrival is held or will be found again; see window.
func (w *world) found(seq uint64, a channels.Arrival, held map[uint64]place) {
	w.t.Helper()
	win, known := w.state.windows.Get(a.Account)
	if !known || win.removed || w.state.drain != nil {
		return // Configure looks again when the account comes back, the next start after a drain
	}
	if _, is := held[seq]; is || seq > win.after || win.low != 0 && win.low <= seq {
		return
	}
	if l, busy := w.state.lanes.Get(place{account: a.Account, conversation: a.Conversation}); busy && l.behind && l.from < seq {
		return
	}
	w.t.Fatalf("arrival %d of %q is lost: scanned up to %d, left out from %d", seq, a.Conversation, win.after, win.low)
}

// cure makes everything well: then everything comes to its end, every arrival exactly once.
func (w *world) cure() {
	w.t.Helper()
	w.mood, w.store.broken = mood{}, nil
	w.configure(nil)
	for range 60 {
		w.after(time.Minute)
		for _, id := range slices.Sorted(maps.Keys(w.running)) {
			w.finish(id, agents.Turned{Answer: backend.Answer{Text: "slow"}})
		}
		w.laws()
		if w.pending() == 0 && w.state.lanes.Len() == 0 {
			break
		}
	}
	for seq := range w.store.seq {
		if w.end(seq+1) == "pending" {
			w.t.Errorf("arrival %d is still pending: %+v", seq+1, w.store.items[seq+1].arrival)
		}
	}
	w.idle()
}

func (w *world) pending() int {
	n := 0
	for _, it := range w.store.items {
		if it.end == nil {
			n++
		}
	}
	return n
}
