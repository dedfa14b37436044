package journal

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// FuzzStep plays any order of questions, steps, ends of syncs and looks, timers (stale ones, too), full disks, clocks that are
// set back and failures. Every effect is checked against what the journal promises; then everything ends, and everybody
// must have been answered.
func FuzzStep(f *testing.F) {
	f.Add(uint64(1), []byte{0, 8, 152, 176, 32, 40, 48, 152, 176, 64, 72, 80, 88, 96, 104, 112, 120, 152, 176, 240})
	f.Add(uint64(2), []byte("requests of two accounts come while the disk is slow, somebody asks, and it closes"))
	f.Fuzz(func(t *testing.T, seed uint64, list []byte) { stroll(t, seed, list[:min(len(list), 1000)]) })
}

// TestLaw5_RandomWalksPromiseNothingTooEarly is FuzzStep for every day: the walks are the same each time.
func TestLaw5_RandomWalksPromiseNothingTooEarly(t *testing.T) {
	for seed := range uint64(80) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			list := make([]byte, 50+r.IntN(400))
			for i := range list {
				list[i] = byte(r.UintN(256))
			}
			stroll(t, seed, list)
		})
	}
}

func stroll(t *testing.T, seed uint64, list []byte) {
	t.Helper()
	p := newPlayer(t, seed)
	for _, b := range list {
		p.play(b>>3, int(b&7))
	}
	p.finish()
}

// play does one thing, told by five bits what and by three bits which.
func (p *player) play(what byte, which int) {
	p.t.Helper()
	account := accounts[which%2]
	switch {
	case what < 3:
		p.ask(anybody, Accept{Account: account})
	case what < 7:
		keep := []time.Duration{0, time.Minute, time.Hour}[which%3]
		p.ask(anybody, Commit{Account: account, Ops: []Op{AddArrival{Arrival: channels.Arrival{ID: fmt.Sprint(which)}, Keep: keep}}})
	case what == 7:
		p.ask(anybody, Commit{Account: account, Ops: []Op{End{Seq: uint64(which)}}, Sync: which > 5})
	case what == 8:
		p.ask(anybody, Commit{Account: account, Ops: []Op{Attempt{}}})
	case what == 9 && which == 7:
		p.ask(anybody, Rename{From: accounts[0], To: accounts[1], Revision: 2})
	case what == 9:
		p.ask(anybody, []any{Resend{}, Drop{}, Keep{Accounts: accounts[:which%3]}}[which%3])
	case what < 13:
		p.ask(append(readers, anybody)[p.r.IntN(4)], Take{Queue: Queue{[]Kind{Requests, Arrivals}[which%2], accounts[which/4]}})
	case what == 13:
		who := which % 3 // the third takes the place of the first
		p.step(kit.In{Msg: Subscribe{Kind: []Kind{Requests, Arrivals}[which/4], Channel: []string{"", "a", ""}[who], To: readers[who]}})
	case what < 16:
		p.ask(anybody, Answers{Request: uint64(which), Wait: time.Duration(15-what) * time.Minute})
	case what == 16:
		p.ask(anybody, []any{Stats{}, GetState{}, GetCursor{}, Ours{}}[which%4])
	case what == 17:
		p.ask(anybody, []any{Verify{}, List{}, Show{}}[which%3])
	case what < 23:
		p.seal()
	case what < 26:
		if len(p.jobs) > 0 {
			p.end(which%len(p.jobs), nil)
		}
	default:
		p.upset(what, which)
	}
}

// upset is what happens without anybody asking.
func (p *player) upset(what byte, which int) {
	p.t.Helper()
	switch what {
	case 26, 27:
		if len(p.timers) > 0 {
			p.fire(which % len(p.timers))
		}
	case 28:
		p.now = p.now.Add(time.Duration(which-3) * 20 * time.Minute)
		p.low = which == 7
		if which%2 == 0 {
			p.flush() // a big batch is put in order early
		}
	case 29:
		p.ageing = true
		if p.m.phase < closing {
			p.staged++
			p.unheld = append(p.unheld, strconv.Itoa(p.staged))
		}
	case 30:
		if p.r.IntN(30) == 0 {
			p.ask(anybody, Close{})
			p.closing = true
		}
	case 31:
		if len(p.jobs) == 0 {
			return
		}
		i := which % len(p.jobs)
		if _, sync := p.jobs[i].Tag.(syncTag); !sync || p.r.IntN(30) == 0 {
			p.end(i, errTest)
		}
	}
}

func (p *player) fire(i int) {
	p.t.Helper()
	msg := p.timers[i]
	p.timers = slices.Delete(slices.Clone(p.timers), i, i+1)
	p.step(kit.In{Msg: msg, Now: p.now})
}

// finish lets everything end: then everybody has been answered, once.
func (p *player) finish() {
	p.t.Helper()
	p.settle()
	p.everybody()
	p.ask(anybody, Close{})
	p.closing = true
	p.settle()
	p.everybody()
	if p.m.phase != closed && !p.broken {
		p.t.Fatalf("it does not close: %s", render(p.m))
	}
}

func (p *player) everybody() {
	p.t.Helper()
	for _, asked := range p.questions {
		if len(asked.said) != 1 && !p.broken {
			p.t.Fatalf("%#v was answered %d times", asked.msg, len(asked.said))
		}
	}
}

// settle plays on until nothing is under way but the timers that always are.
func (p *player) settle() {
	p.t.Helper()
	for range 100 {
		p.seal()
		busy := len(p.jobs)
		for _, msg := range slices.Clone(p.timers) {
			switch msg.(type) {
			case pollOver, sweepOver:
			default:
				busy++
				p.fire(slices.Index(p.timers, msg))
			}
		}
		for len(p.jobs) > 0 {
			p.end(p.r.IntN(len(p.jobs)), nil)
		}
		if busy == 0 {
			return
		}
	}
	p.t.Fatalf("it does not come to rest: %s", render(p.m))
}

// listening is a subscriber as it sees itself.
type listening struct {
	sub    Subscribe
	seen   map[Queue]int
	own    map[Queue]int // Woken since it looked
	anyone map[Queue]int // Woken since anybody looked for it
}

func (l listening) wants(q Queue) bool {
	return l.sub.Kind == q.Kind && (l.sub.Channel == "" || l.sub.Channel == q.Account.Channel())
}

// subscribed has the queues found that have items.
func (p *player) subscribed(ask Subscribe) {
	p.t.Helper()
	p.subs = slices.DeleteFunc(p.subs, func(l listening) bool { return l.sub.Kind == ask.Kind && l.sub.Channel == ask.Channel })
	p.subs = append(p.subs, listening{ask, map[Queue]int{}, map[Queue]int{}, map[Queue]int{}})
	p.step(kit.In{Msg: found{ask: ask, pending: slices.SortedFunc(maps.Keys(p.made), compareQueues)}})
}

// woken is a Woken to somebody.
func (p *player) woken(to kit.Addr, q Queue) {
	p.t.Helper()
	i := slices.IndexFunc(p.subs, func(l listening) bool { return l.sub.To == to && l.wants(q) })
	if i < 0 {
		p.t.Fatalf("%s was woken for %v and did not ask for it", to, q)
	}
	if p.subs[i].anyone[q]++; p.subs[i].anyone[q] > 1 {
		p.t.Fatalf("%s was woken twice for %v", to, q)
	}
	p.subs[i].own[q]++
}

// took is a look at a queue, by a subscriber or by somebody else.
func (p *player) took(q Queue, by kit.Addr) {
	known := slices.ContainsFunc(p.subs, func(l listening) bool { return l.sub.To == by })
	for _, l := range p.subs {
		if l.sub.To == by {
			l.seen[q], l.own[q], l.anyone[q] = p.made[q], 0, 0
		} else if !known {
			l.anyone[q] = 0
		}
	}
}

// laws: at the end of a turn, whoever has not looked since an item came has been woken, or will be when the sync has ended.
func (p *player) laws() {
	p.t.Helper()
	if s := p.m.syncs; p.broken || p.m.phase == failed || s.flying != 0 || s.waiting.n > 0 {
		return
	}
	for _, l := range p.subs {
		for q, n := range p.made {
			if l.wants(q) && n > l.seen[q] && l.own[q] == 0 {
				p.t.Fatalf("%s has seen %d of the %d items of %v, and is not woken", l.sub.To, l.seen[q], n, q)
			}
		}
	}
}

// render shows all of a machine, as one who keeps it sees it.
func render(m Machine) string {
	out := fmt.Sprintln(m.phase, m.water, m.former, m.keeps, m.closers, m.beside, m.sweeping, m.commits, m.asked.all(), m.waiters.last)
	for _, s := range m.wakes.subs {
		out += fmt.Sprint(s.kind, s.channel, s.to)
		for it := s.told.Iterator(); !it.Done(); {
			q, _, _ := it.Next()
			out += fmt.Sprint(" ", q)
		}
	}
	for it := m.waiters.by.Iterator(); !it.Done(); {
		n, w, _ := it.Next()
		out += fmt.Sprintln(n, w)
	}
	s := m.syncs
	return out + fmt.Sprintln(s.flying, s.then, s.begun, s.waiting.all(), s.riding.all(), s.wanted, s.loose, s.armed)
}
