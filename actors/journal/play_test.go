package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// player plays the shell, the store and all who ask, and checks each effect against what the journal promises.
type player struct {
	t       *testing.T
	r       *rand.Rand
	m       Machine
	shown   string    // m, as the step showed it that led to it
	now     time.Time // of the store; it can be set back
	staged  int       // steps that stand in a batch, numbered from 1
	ordered int       // of those, how many are in order
	durable int       // of those, how many are on the disk for certain
	covers  map[uint64]int
	closing bool
	shut    bool

	questions map[kit.Return]*question
	jobs      []kit.Do
	timers    []any
	later     []kit.Effect
	inOrder   bool

	made    map[Queue]int // how many items came, of those in order
	fresh   []Queue       // that came in this batch
	batch   claims
	store   claims
	truth   claims // what was promised, whatever the batch and the store say
	fate    map[uint64]State
	touched map[uint64]bool
	unheld  []string
	ageing  bool
	low     bool
	broken  bool
	subs    []listening
}

// question is one that somebody asked.
type question struct {
	msg  any
	step int // the step that it became, if it did
	said []any
}

func newPlayer(t *testing.T, seed uint64) *player {
	t.Helper()
	p := &player{
		t: t, r: rand.New(rand.NewPCG(seed, 1)), m: newMachine(plenty), now: time.Unix(1e9, 0), covers: map[uint64]int{},
		made: map[Queue]int{}, questions: map[kit.Return]*question{}, batch: claims{}, store: claims{}, truth: claims{}, fate: map[uint64]State{}, touched: map[uint64]bool{},
	}
	p.shown = render(p.m)
	p.step(kit.In{Msg: began{}})
	return p
}

// ask puts a question of somebody.
func (p *player) ask(who kit.Addr, msg any) {
	from := kit.ReturnTo(who, uint64(len(p.questions)))
	p.questions[from] = &question{msg: msg}
	p.step(kit.In{Msg: msg, From: from, Now: p.now})
}

// step is one input: the state that was given stays as it is, also when it is given twice.
func (p *player) step(in kit.In) {
	p.t.Helper()
	given, was := p.m, p.shown
	next, effects := Step(given, in)
	shown, said := render(next), fmt.Sprint(effects)
	for _, other := range []kit.In{{Msg: staged{in: kit.In{Msg: Rename{From: "a:1", To: "c:1"}}}}, {Msg: Close{}}, {Msg: Keep{}}, {Msg: Take{}}, {Msg: staged{in: kit.In{Msg: Resend{}}, grown: []Queue{alpha}}}} {
		branch, _ := Step(given, other)
		Step(branch, kit.In{Msg: sealed{wrote: true}})
	}
	again, same := Step(given, in)
	if render(given) != was || render(next) != shown || render(again) != shown || fmt.Sprint(same) != said {
		p.t.Fatalf("after %T, Step changed a state that it was given:\n%s\n%s\nor one that it gave:\n%s\n%s", in.Msg, was, render(given), shown, render(again))
	}
	p.m, p.shown = next, shown
	if p.m.beside > maxBeside {
		p.t.Fatalf("%d long questions are under way", p.m.beside)
	}
	if given.phase == failed && len(effects) > 0 {
		p.t.Fatalf("the journal cannot go on, and does %v", effects)
	}
	for _, e := range effects {
		p.perform(e)
	}
}

func (p *player) perform(e kit.Effect) {
	p.t.Helper()
	if _, is := e.(giveUp); is {
		p.broken, p.later = true, nil
	}
	if p.m.phase == failed {
		return
	}
	switch e := e.(type) {
	case write:
		p.write(e.in)
	case keepOnly:
		p.open()
		p.staged++
		p.questions[p.m.keeps[0].from].step = p.staged
		p.step(kit.In{Msg: kept{more: p.r.IntN(3) == 0}})
	case sweep:
		p.open()
		p.step(kit.In{Msg: swept{[]time.Duration{0, sweepOn, sweepLatest}[p.r.IntN(3)]}})
	case look:
		p.step(kit.In{Msg: looked{free: p.free(), err: p.maybe(), before: e.before}})
	case dropBallast:
	case apply:
		p.apply(e.sync)
	default:
		if p.inOrder {
			p.show(e)
		} else {
			p.later = append(p.later, e)
		}
	}
}

// open fails the test when something is taken after the end.
func (p *player) open() {
	p.t.Helper()
	if p.closing {
		p.t.Fatal("it closes, and takes something")
	}
}

func (p *player) free() uint64 {
	if p.low {
		return uint64(p.r.IntN(64 << 20))
	}
	return 1 << 40
}

func (p *player) maybe() error {
	if p.r.IntN(8) == 0 {
		return errTest
	}
	return nil
}

// write is the stage: a step is refused or done, items come, requests end, claims are decided.
func (p *player) write(in kit.In) {
	p.t.Helper()
	p.open()
	if _, is := in.Msg.(Accept); is && p.m.water.low {
		p.t.Fatal("a request was taken while the disk is nearly full")
	}
	if p.r.IntN(5) == 0 {
		p.step(kit.In{Msg: staged{in: in, err: errTest, grown: []Queue{alpha}}})
		return
	}
	p.staged++
	p.questions[in.From].step = p.staged
	var grown []Queue
	switch m := in.Msg.(type) {
	case Accept:
		grown = []Queue{{Requests, m.Account}}
	case Rename:
		for q, n := range p.made {
			if q.Account == m.From && n > 0 {
				grown = append(grown, Queue{q.Kind, m.To})
			}
		}
		slices.SortFunc(grown, compareQueues)
	case Commit:
		if p.m.former.owner(m.Account, 0) != m.Account {
			p.t.Fatalf("a step of %s was taken, which has another name", m.Account)
		}
		for _, op := range m.Ops {
			switch op := op.(type) {
			case AddArrival:
				if p.claim(op.Arrival.ID, op.Keep) {
					grown = append(grown, Queue{Arrivals, m.Account})
				}
			case End:
				p.fate[op.Seq] = Done
				p.touched[op.Seq] = true
			}
		}
	}
	p.fresh = append(p.fresh, grown...)
	p.step(kit.In{Msg: staged{in: in, added: []uint64{uint64(p.staged)}, grown: grown}})
}

// claim checks the decision against what was promised before.
func (p *player) claim(id string, keep time.Duration) bool {
	p.t.Helper()
	free, until := p.batch.decide([]byte(id), p.store[id], p.now, keep)
	if promised := p.truth[id] > p.now.UnixNano(); free == promised {
		p.t.Fatalf("claim %s is held until %d, it is %d: free %v", id, p.truth[id], p.now.UnixNano(), free)
	}
	if (until > p.now.UnixNano()) != (free && keep > 0) {
		p.t.Fatalf("claim %s, free %v, kept %v, is held until %d at %d", id, free, keep, until, p.now.UnixNano())
	}
	if until != 0 {
		p.batch[id], p.truth[id] = until, until
	}
	return free
}

// flush makes the batch readable.
func (p *player) flush() {
	for id, until := range p.batch {
		p.store[id] = until
	}
	p.batch = claims{}
}

// seal ends the turn.
func (p *player) seal() {
	p.t.Helper()
	if p.m.phase < shutting {
		f := sealed{wrote: p.staged > p.ordered, size: p.r.IntN(bigBatch), touched: p.touched, unheld: p.unheld, ageing: p.ageing}
		p.touched, p.unheld, p.ageing = map[uint64]bool{}, nil, false
		p.step(kit.In{Msg: f})
	} else {
		p.release()
	}
	if len(p.later) > 0 && !p.broken {
		p.t.Fatalf("the turn is over and %v was not done", p.later)
	}
	p.inOrder = false
	p.laws()
}

func (p *player) apply(sync uint64) {
	p.t.Helper()
	if p.shut {
		p.t.Fatal("a batch after the store was closed")
	}
	if p.r.IntN(300) == 0 {
		p.step(kit.In{Msg: broke{errTest}})
		return
	}
	p.ordered = p.staged
	for _, q := range p.fresh {
		p.made[q]++
	}
	p.fresh = nil
	p.flush()
	if sync != 0 {
		p.covers[sync] = p.staged
		p.jobs = append(p.jobs, kit.Do{Tag: syncTag{sync}})
	}
	p.release()
}

func (p *player) release() {
	p.inOrder = true
	for _, e := range p.later {
		p.show(e)
	}
	p.later = nil
}

func (p *player) answered(to kit.Return, msg any) {
	p.t.Helper()
	asked := p.questions[to]
	if asked == nil {
		p.t.Fatalf("%T to nobody", msg)
	}
	if asked.said = append(asked.said, msg); len(asked.said) > 1 {
		p.t.Fatalf("%#v was answered twice: %v", asked.msg, asked.said)
	}
	var err error
	switch a := msg.(type) {
	case Accepted:
		err = a.Err
	case Committed:
		err = a.Err
	default:
		return
	}
	switch {
	case err != nil:
	case asked.step == 0 || asked.step > p.ordered:
		p.t.Fatalf("%T says that it is done, and it is not in order", asked.msg)
	case mustLast(asked.msg) && asked.step > p.durable:
		p.t.Fatalf("%T says that step %d is on the disk, where %d are", asked.msg, asked.step, p.durable)
	}
}

// mustLast tells whether the answer to a step promises that it is on the disk.
func mustLast(step any) bool {
	m, is := step.(Commit)
	return !is || m.Sync || len(m.Ops) > 0 && m.Ops[0] == Op(Attempt{})
}

// show performs what reads the store, and what goes out.
func (p *player) show(e kit.Effect) {
	p.t.Helper()
	switch e := e.(type) {
	case kit.Answer:
		p.answered(e.To, e.Msg)
	case kit.Tell:
		p.woken(e.To, e.Msg.(Woken).Queue)
	case kit.After:
		p.timers = append(p.timers, e.Msg)
	case kit.Do:
		p.begin(e)
	case kit.Note:
	case statsTo:
		p.answered(e.from, p.m.statistics(nil))
	default:
		if p.shut {
			p.t.Fatalf("%T after the store was closed", e)
		}
		p.read(e)
	}
}

func (p *player) read(e kit.Effect) {
	p.t.Helper()
	switch e := e.(type) {
	case read:
		p.answered(e.from, refusal(e.question, nil))
	case give:
		p.answered(e.from, Taken{})
		p.took(e.ask.Queue, e.from.To())
		p.step(kit.In{Msg: gave{e.ask.Queue, e.from.To()}})
	case beside:
		p.jobs = append(p.jobs, kit.Do{Tag: readTag(e)})
	case find:
		p.subscribed(e.ask)
	case judge:
		a := Answer{Known: true, State: p.fate[e.ask.Request]}
		if a.State == "" {
			a.State = Pending
		}
		p.step(kit.In{Msg: judged{judge: e, answer: a}})
	case removeBlobs:
		for _, hash := range e.hashes {
			if step, err := strconv.Atoi(hash); err != nil || step > p.durable {
				p.t.Fatalf("an attachment went whose end, step %s, may be lost: %d are on the disk", hash, p.durable)
			}
		}
	default:
		p.t.Fatalf("no arm for effect %T", e)
	}
}

// begin is work beside the actor.
func (p *player) begin(e kit.Do) {
	p.t.Helper()
	if e.Tag == any(closeJob{}) {
		if p.durable != p.staged || p.m.syncs.flying != 0 || slices.ContainsFunc(p.jobs, func(j kit.Do) bool { _, is := j.Tag.(readTag); return is }) {
			p.t.Fatalf("the store is closed with %d of %d steps on the disk and %v under way", p.durable, p.staged, p.jobs)
		}
		p.shut = true
	}
	p.jobs = append(p.jobs, e)
}

// end is the end of work beside the actor.
func (p *player) end(i int, err error) {
	p.t.Helper()
	job := p.jobs[i]
	p.jobs = slices.Delete(slices.Clone(p.jobs), i, i+1)
	d := kit.Done{Tag: job.Tag, Err: err}
	switch tag := job.Tag.(type) {
	case syncTag:
		if err == nil {
			p.durable = max(p.durable, p.covers[tag.number])
		}
	case freeJob:
		d.Msg = measured{p.free(), p.m.water.ballast}
	case ballastJob:
		d.Msg = err == nil
	case readTag:
		d.Msg = Listed{}
		if _, is := tag.question.(Verify); is {
			d.Msg = Verified{}
		}
	}
	if errors.Is(err, errTest) {
		d.Msg = nil
	}
	p.step(kit.In{Msg: d})
}

var (
	readers  = []kit.Addr{kit.Named("x"), kit.Named("y"), kit.Named("z")}
	anybody  = kit.Named("edge")
	accounts = []channels.Account{"a:1", "b:1"}
)
