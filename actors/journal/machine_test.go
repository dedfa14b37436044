package journal

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

var (
	errTest = errors.New("no")
	plenty  = water{dir: "state", min: 64 << 20, free: 1 << 40, ballast: true}
	scarce  = water{dir: "state", min: 64 << 20, free: 1 << 20, low: true}
	reader  = kit.Named("lanes")
	alpha   = Queue{Arrivals, "a:1"}
)

// q is the n-th question of the tests.
func q(n uint64) kit.Return { return kit.ReturnTo(kit.Named("asker"), n) }

func asked(n uint64, msg any) kit.In { return kit.In{Msg: msg, From: q(n)} }

func answers(n uint64, msg any) kit.Effect { return kit.Answer{To: q(n), Msg: msg} }

// with is a machine that takes, changed by hand.
func with(change func(m *Machine)) Machine {
	m := newMachine(plenty)
	if change != nil {
		change(&m)
	}
	return m
}

// following is the machine after some inputs.
func following(m Machine, ins ...kit.In) Machine {
	for _, in := range ins {
		m, _ = Step(m, in)
	}
	return m
}

// one row: what a state does with an input. Change tells how the state differs afterwards; nil is not at all.
type row struct {
	name   string
	state  Machine
	in     kit.In
	change func(m *Machine)
	want   []kit.Effect
}

func check(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			was := render(r.state)
			got, effects := Step(r.state, r.in)
			if diff := kittest.Diff(r.want, effects); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
			if render(r.state) != was {
				t.Errorf("Step changed the state it was given:\n%s\n%s", was, render(r.state))
			}
			want := r.state
			if r.change != nil {
				r.change(&want)
			}
			if render(got) != render(want) {
				t.Errorf("state\n%s\nwant\n%s", render(got), render(want))
			}
		})
	}
}

func TestIntake(t *testing.T) {
	stale := plenty.wrote(bigBatch)
	accept := asked(1, Accept{Account: "a:1"})
	low := ErrIntake
	noteOf := func(free uint64, w water) kit.Effect {
		return kit.Note{Level: zerolog.WarnLevel, Text: "intake changed", Fields: []any{"accepting", !w.low, "free", free, "why", w.why()}}
	}
	dry, _ := stale.look(1 << 20)
	full, _ := stale.look(1)
	check(t, []row{
		{"the first turn begins to watch the disk and to sweep", with(nil), kit.In{Msg: began{}},
			func(m *Machine) { m.sweeping = true },
			[]kit.Effect{kit.After{Delay: pollFree, Msg: pollOver{}}, kit.After{Delay: sweepSoonest, Msg: sweepOver{}}}},
		{"what comes is written", with(nil), accept, nil, []kit.Effect{write{accept}}},
		{"nothing new is taken while the disk is nearly full", with(func(m *Machine) { m.water = scarce }), accept, nil,
			[]kit.Effect{answers(1, Accepted{Err: low})}},
		{"a step goes on while the disk is nearly full", with(func(m *Machine) { m.water = scarce }), asked(1, Commit{}), nil,
			[]kit.Effect{write{asked(1, Commit{})}}},
		{"after much was written the disk is looked at first", with(func(m *Machine) { m.water = stale }), accept, nil,
			[]kit.Effect{look{accept}}},
		{"there is room still", with(func(m *Machine) { m.water = stale }), kit.In{Msg: looked{free: 1 << 40, before: accept}},
			func(m *Machine) { m.water = plenty }, []kit.Effect{write{accept}}},
		{"the request that had the disk looked at is the first to be refused", with(func(m *Machine) { m.water = stale }),
			kit.In{Msg: looked{free: 1 << 20, before: accept}}, func(m *Machine) { m.water = dry; m.water.ballast = false },
			[]kit.Effect{dropBallast{}, noteOf(1<<20, dry), answers(1, Accepted{Err: low})}},
		{"a look that fails leaves the last answer", with(func(m *Machine) { m.water = stale }),
			kit.In{Msg: looked{err: errTest, before: accept}}, nil, append(unmeasured(errTest), write{accept})},
		{"a look beside the actor is followed by the next", with(nil), kit.In{Msg: kit.Done{Tag: freeJob{}, Msg: measured{1 << 40, true}}}, nil,
			[]kit.Effect{kit.After{Delay: pollFree, Msg: pollOver{}}}},
		{"a look that failed is followed by the next", with(nil), kit.In{Msg: kit.Done{Tag: freeJob{}, Err: errTest}}, nil,
			append(unmeasured(errTest), kit.After{Delay: pollFree, Msg: pollOver{}})},
		{"while nothing is taken the disk is looked at often", with(func(m *Machine) { m.water = stale }),
			kit.In{Msg: kit.Done{Tag: freeJob{}, Msg: measured{1, false}}}, func(m *Machine) { m.water = full; m.water.ballast = false },
			[]kit.Effect{noteOf(1, full), kit.After{Delay: pollFreeLow, Msg: pollOver{}}}},
		{"a ballast that is missing is made", with(func(m *Machine) { m.water.ballast = false }),
			kit.In{Msg: kit.Done{Tag: freeJob{}, Msg: measured{1 << 40, false}}}, nil,
			[]kit.Effect{kit.Do{Job: ballastJob{}, Tag: ballastJob{}}, kit.After{Delay: pollFree, Msg: pollOver{}}}},
		{"a ballast that was made is there", with(func(m *Machine) { m.water.ballast = false }),
			kit.In{Msg: kit.Done{Tag: ballastJob{}, Msg: true}}, func(m *Machine) { m.water.ballast = true }, nil},
		{"the timer has the disk looked at", with(nil), kit.In{Msg: pollOver{}}, nil, []kit.Effect{kit.Do{Job: freeJob{}, Tag: freeJob{}}}},
		{"what nobody knows is no input", with(nil), kit.In{Msg: 1}, nil, []kit.Effect{kit.Unknown{Msg: 1}}},
	})
}

func TestSteps(t *testing.T) {
	commit := asked(1, Commit{Account: "a:1"})
	forced := asked(1, Commit{Account: "a:1", Ops: []Op{SetState{}, Attempt{}}})
	listens := func(m *Machine) { m.wakes, _ = m.wakes.subscribe(Subscribe{Kind: Arrivals, To: reader}, nil) }
	told := func(m *Machine) { m.wakes, _ = m.wakes.came(alpha) }
	woken := kit.Tell{To: reader, Msg: Woken{alpha}}
	did := func(in kit.In) kit.In {
		return kit.In{Msg: staged{in: in, added: []uint64{7}, grown: []Queue{alpha}}}
	}
	holds := func(msg any) func(m *Machine) {
		return func(m *Machine) {
			m.commits++
			m.syncs = m.syncs.rely(answers(1, msg), wakeUp{alpha})
		}
	}
	check(t, []row{
		{"a step that was refused is answered", with(nil), kit.In{Msg: staged{in: commit, err: errTest}}, nil,
			[]kit.Effect{answers(1, Committed{Err: errTest})}},
		{"requests that cannot be meant are refused in their own words", with(nil), kit.In{Msg: staged{in: asked(1, Accept{}), err: errTest}}, nil,
			[]kit.Effect{answers(1, Accepted{Err: errTest})}},
		{"a step that relies on nothing is answered with the batch, and wakes", with(listens), did(commit),
			func(m *Machine) { m.commits++; told(m) },
			[]kit.Effect{answers(1, Committed{Added: []uint64{7}}), woken}},
		{"who has been woken and has not looked is not woken again", with(func(m *Machine) { listens(m); told(m) }), did(commit),
			func(m *Machine) { m.commits++ }, []kit.Effect{answers(1, Committed{Added: []uint64{7}})}},
		{"an attempt waits for the disk", with(listens), did(forced), holds(Committed{Added: []uint64{7}}), nil},
		{"requests wait for the disk", with(listens), did(asked(1, Accept{})), holds(Accepted{Seqs: []uint64{7}}), nil},
		{"what was asked to be synced waits for the disk", with(nil), did(asked(1, Commit{Sync: true})), holds(Committed{Added: []uint64{7}}), nil},
		{"an operator's orders wait for the disk", with(nil), did(asked(1, Resend{})), holds(Committed{Added: []uint64{7}}), nil},
		{"when the sync has ended, all of it is told", with(func(m *Machine) {
			listens(m)
			m.syncs, _ = m.syncs.rely(answers(1, Committed{}), wakeUp{alpha}, wakeUp{alpha}).begin()
		}), kit.In{Msg: kit.Done{Tag: syncTag{1}}}, func(m *Machine) { told(m); m.syncs, _ = m.syncs.ended(1) },
			[]kit.Effect{answers(1, Committed{}), woken}},
		{"a sync that fails is the end", with(func(m *Machine) { m.syncs, _ = m.syncs.rely(answers(1, Committed{})).begin() }),
			kit.In{Msg: kit.Done{Tag: syncTag{1}, Err: errTest}}, func(m *Machine) { m.phase = failed }, []kit.Effect{giveUp{errTest}}},
		{"a store that cannot go on is the end", with(nil), kit.In{Msg: broke{errTest}}, func(m *Machine) { m.phase = failed }, []kit.Effect{giveUp{errTest}}},
		{"what has been said already is not said again", with(nil), kit.In{Msg: broke{}}, func(m *Machine) { m.phase = failed }, nil},
		{"after the end nobody hears anything", with(func(m *Machine) { m.phase = failed }), asked(1, Stats{}), nil, nil},
	})
}

func TestOrdersOfRemovedAccountsAreWorkedOnOneByOne(t *testing.T) {
	one := keeping{map[channels.Account]bool{"a:1": true}, q(1)}
	two := keeping{map[channels.Account]bool{}, q(2)}
	again := kit.After{Delay: sweepOn, Msg: keepOn{}}
	check(t, []row{
		{"the first begins at once", with(nil), asked(1, Keep{Accounts: []channels.Account{"a:1"}}), func(m *Machine) { m.keeps = []keeping{one} },
			[]kit.Effect{keepOnly{one.accounts}}},
		{"the second waits for the first", with(func(m *Machine) { m.keeps = []keeping{one} }), asked(2, Keep{}),
			func(m *Machine) { m.keeps = []keeping{one, two} }, nil},
		{"there is more of the first", with(func(m *Machine) { m.keeps = []keeping{one, two} }), kit.In{Msg: kept{more: true}}, nil, []kit.Effect{again}},
		{"the first is done, the second goes on", with(func(m *Machine) { m.keeps = []keeping{one, two} }), kit.In{Msg: kept{}}, func(m *Machine) {
			m.keeps = []keeping{two}
			m.commits++
			m.syncs = m.syncs.rely(answers(1, Committed{}))
		}, []kit.Effect{again}},
		{"the timer takes up the first", with(func(m *Machine) { m.keeps = []keeping{two, one} }), kit.In{Msg: keepOn{}}, nil, []kit.Effect{keepOnly{two.accounts}}},
		{"a stale timer finds nothing", with(nil), kit.In{Msg: keepOn{}}, nil, nil},
	})
}

func TestTheEndOfATurn(t *testing.T) {
	take := asked(1, Take{Queue: alpha})
	lazy := kit.After{Delay: lazySync, Msg: lazyOver{}}
	waits := with(func(m *Machine) { m.syncs = m.syncs.rely(answers(1, Committed{})) })
	check(t, []row{
		{"nothing was written", with(nil), kit.In{Msg: sealed{}}, nil, []kit.Effect{apply{}}},
		{"somebody waits for the disk", waits, kit.In{Msg: sealed{wrote: true, size: 9}},
			func(m *Machine) { m.syncs, _ = m.syncs.begin(); m.water = m.water.wrote(9) }, []kit.Effect{apply{1}}},
		{"nobody waits for what was written", with(nil), kit.In{Msg: sealed{wrote: true}},
			func(m *Machine) { m.syncs = m.syncs.wrote(); m.syncs.armed = true }, []kit.Effect{apply{}, lazy}},
		{"a question waits for the end of the turn", with(nil), take, func(m *Machine) { m.asked = m.asked.with(take) }, nil},
		{"questions see the steps of the turn", following(waits, take, asked(2, GetCursor{})), kit.In{Msg: sealed{wrote: true}},
			func(m *Machine) { m.syncs, _ = m.syncs.begin(); m.asked = chain[kit.In]{} },
			[]kit.Effect{apply{1}, give{q(1), Take{Queue: alpha}}, read{q(2), GetCursor{}}}},
		{"who has taken is woken again", with(func(m *Machine) {
			m.wakes, _ = m.wakes.subscribe(Subscribe{Kind: Arrivals, To: reader}, []Queue{alpha})
		}), kit.In{Msg: gave{alpha, reader}}, func(m *Machine) { m.wakes = m.wakes.took(alpha, reader) }, nil},
		{"a subscriber hears of what is pending", following(with(nil), kit.In{Msg: Subscribe{Kind: Arrivals, To: reader}}), kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{} }, []kit.Effect{apply{}, find{Subscribe{Kind: Arrivals, To: reader}}}},
		{"what is pending when somebody subscribes wakes", with(nil), kit.In{Msg: found{Subscribe{Kind: Arrivals, To: reader}, []Queue{alpha}}},
			func(m *Machine) {
				m.wakes, _ = m.wakes.subscribe(Subscribe{Kind: Arrivals, To: reader}, []Queue{alpha})
			},
			[]kit.Effect{kit.Tell{To: reader, Msg: Woken{alpha}}}},
		{"a long question is answered beside the actor", following(with(nil), asked(1, Verify{})), kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{}; m.beside = 1 }, []kit.Effect{apply{}, beside{q(1), Verify{}}}},
		{"long questions are bounded", following(with(func(m *Machine) { m.beside = maxBeside }), asked(1, Verify{})), kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{} }, []kit.Effect{apply{}, answers(1, Verified{Err: errBusy})}},
		{"the counters are asked for", following(with(nil), asked(1, Stats{})), kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{} }, []kit.Effect{apply{}, statsTo{q(1)}}},
		{"an attachment goes after the next sync", with(nil), kit.In{Msg: sealed{unheld: []string{"x"}}},
			func(m *Machine) { m.syncs = m.syncs.ride(removeBlobs{[]string{"x"}}); m.syncs.armed = true }, []kit.Effect{apply{}, lazy}},
		{"what will have to be forgotten has the sweeper come", with(nil), kit.In{Msg: sealed{ageing: true}},
			func(m *Machine) { m.sweeping = true }, []kit.Effect{apply{}, kit.After{Delay: sweepSoonest, Msg: sweepOver{}}}},
		{"the sweeper comes already", with(func(m *Machine) { m.sweeping = true }), kit.In{Msg: sealed{ageing: true}}, nil, []kit.Effect{apply{}}},
		{"the sweeper comes", with(nil), kit.In{Msg: sweepOver{}}, nil, []kit.Effect{sweep{}}},
		{"the sweeper comes back", with(nil), kit.In{Msg: swept{sweepOn}}, func(m *Machine) { m.sweeping = true },
			[]kit.Effect{kit.After{Delay: sweepOn, Msg: sweepOver{}}}},
		{"the sweeper has nothing left", with(func(m *Machine) { m.sweeping = true }), kit.In{Msg: swept{}}, func(m *Machine) { m.sweeping = false }, nil},
	})
}

func TestAVerdictComesWithTheNumbersOfTheMachine(t *testing.T) {
	m := with(func(m *Machine) { m.beside, m.commits = 1, 5 })
	books := map[Queue]Counters{alpha: {Created: 1, Pending: 1}}
	got, effects := Step(m, kit.In{Msg: kit.Done{Tag: readTag{q(1), Verify{}}, Msg: Verified{Statistics: Statistics{Queues: books}, Faults: []string{"x"}}}})
	want := Statistics{Accepting: true, Free: plenty.free, Commits: 5, Queues: books}
	if diff := kittest.Diff([]kit.Effect{answers(1, Verified{Statistics: want, Faults: []string{"x"}})}, effects); diff != "" || got.beside != 0 {
		t.Errorf("%d beside: %s", got.beside, diff)
	}
	_, effects = Step(m, kit.In{Msg: kit.Done{Tag: readTag{q(1), List{}}, Err: errTest}})
	if diff := kittest.Diff([]kit.Effect{answers(1, Listed{Err: errTest})}, effects); diff != "" {
		t.Error(diff)
	}
}

func TestClosing(t *testing.T) {
	closes := func(m *Machine) { m.phase, m.closers = closing, []kit.Return{q(1)} }
	shuts := []kit.Effect{apply{}, kit.Do{Job: closeJob{}, Tag: closeJob{}}}
	waiting := with(func(m *Machine) { m.waiters, _ = m.waiters.with(Answers{Request: 3}, q(5)) })
	refused := []row{}
	for _, msg := range []any{
		Accept{}, Commit{}, Resend{}, Drop{}, Keep{}, Take{}, GetState{}, GetCursor{}, Ours{}, Answers{}, Verify{}, List{}, Show{},
	} {
		refused = append(refused, row{"a question is refused", with(closes), asked(2, msg), nil, []kit.Effect{answers(2, refusal(msg, ErrIntake))}})
	}
	check(t, slices.Concat(refused, []row{
		{"who waits for a request hears what is known", waiting, asked(1, Close{}), func(m *Machine) {
			closes(m)
			m.waiters, _, _ = m.waiters.without(1)
		}, []kit.Effect{judge{ask: Answers{Request: 3}, from: q(5), last: true}}},
		{"who waits for an order hears that it is over", with(func(m *Machine) { m.keeps = []keeping{{from: q(5)}} }), asked(1, Close{}),
			func(m *Machine) { closes(m); m.keeps = nil }, []kit.Effect{answers(5, Committed{Err: ErrIntake})}},
		{"a timer means nothing any more", with(closes), kit.In{Msg: sweepOver{}}, nil, nil},
		{"the end of a look means nothing any more", with(closes), kit.In{Msg: kit.Done{Tag: freeJob{}, Msg: measured{1, true}}}, nil, nil},
		{"the counters can be asked for to the end", with(closes), asked(2, Stats{}), nil, []kit.Effect{statsTo{q(2)}}},
		{"a second one waits as well", with(closes), asked(2, Close{}), func(m *Machine) { m.closers = append(m.closers, q(2)) }, nil},
		{"when all is quiet, the store is closed", with(closes), kit.In{Msg: sealed{}}, func(m *Machine) { m.phase = shutting }, shuts},
		{"a long question holds it up", with(func(m *Machine) { closes(m); m.beside = 1 }), kit.In{Msg: sealed{}}, nil, []kit.Effect{apply{}}},
		{"a sync holds it up", with(func(m *Machine) { closes(m); m.syncs, _ = m.syncs.rely().begin() }), kit.In{Msg: sealed{}}, nil, []kit.Effect{apply{}}},
		{"what nobody waits for is synced at once", with(closes), kit.In{Msg: sealed{wrote: true}},
			func(m *Machine) { m.syncs = m.syncs.wrote(); m.syncs.armed = true }, []kit.Effect{apply{}, kit.After{Msg: lazyOver{}}}},
		{"all who wait hear of the end", with(func(m *Machine) { closes(m); m.phase = shutting }), kit.In{Msg: kit.Done{Tag: closeJob{}, Err: errTest}},
			func(m *Machine) { m.phase, m.closers = closed, nil }, []kit.Effect{answers(1, Closed{Err: errTest})}},
		{"once it is closed there is nothing to wait for", with(func(m *Machine) { m.phase = closed }), asked(2, Close{}), nil, []kit.Effect{answers(2, Closed{})}},
	}))
}

func TestWaiting(t *testing.T) {
	wait := Answers{Request: 3, Wait: time.Minute}
	pending, ended := Answer{Known: true, State: Pending}, Answer{Known: true, State: Done}
	of := func(j judge, a Answer) kit.In { return kit.In{Msg: judged{judge: j, answer: a}} }
	fresh := judge{ask: wait, from: q(1)}
	waits := func(m *Machine) { m.waiters, _ = m.waiters.with(wait, q(1)) }
	gone := func(m *Machine) { m.waiters, _, _ = m.waiters.without(1) }
	full := func(m *Machine) {
		for range maxWaiting {
			m.waiters, _ = m.waiters.with(Answers{}, kit.Return{})
		}
	}
	long := judge{ask: Answers{Wait: 24 * time.Hour}, from: q(1)}
	now := judge{ask: Answers{Request: 3}, from: q(1)}
	check(t, []row{
		{"what has ended is told at once", with(nil), of(fresh, ended), nil, []kit.Effect{answers(1, ended)}},
		{"what has not ended is waited for", with(nil), of(fresh, pending), waits, []kit.Effect{kit.After{Delay: time.Minute, Msg: waitOver{1}}}},
		{"nobody waits for ever", with(nil), of(long, pending), func(m *Machine) { m.waiters, _ = m.waiters.with(long.ask, q(1)) },
			[]kit.Effect{kit.After{Delay: longestWait, Msg: waitOver{1}}}},
		{"who does not want to wait does not", with(nil), of(now, pending), nil, []kit.Effect{answers(1, pending)}},
		{"who comes when too many wait does not", with(full), of(fresh, pending), nil, []kit.Effect{answers(1, pending)}},
		{"nobody begins to wait while it closes", with(func(m *Machine) { m.phase = closing }), of(fresh, pending), nil, []kit.Effect{answers(1, pending)}},
		{"a step that touched the request has it looked at", with(waits), kit.In{Msg: sealed{touched: map[uint64]bool{3: true}}}, nil,
			[]kit.Effect{apply{}, judge{number: 1, ask: wait, from: q(1)}}},
		{"a step that touched another has not", with(waits), kit.In{Msg: sealed{touched: map[uint64]bool{4: true}}}, nil, []kit.Effect{apply{}}},
		{"it has ended", with(waits), of(judge{number: 1, ask: wait, from: q(1)}, ended), gone, []kit.Effect{answers(1, ended)}},
		{"it has not ended", with(waits), of(judge{number: 1, ask: wait, from: q(1)}, pending), nil, nil},
		{"who has been answered is not answered again", with(func(m *Machine) { waits(m); gone(m) }), of(judge{number: 1, ask: wait, from: q(1)}, ended), nil, nil},
		{"the deadline has come", following(with(waits), kit.In{Msg: waitOver{1}}), kit.In{Msg: sealed{}},
			func(m *Machine) { gone(m); m.asked = chain[kit.In]{} }, []kit.Effect{apply{}, judge{ask: wait, from: q(1), last: true}}},
		{"the deadline of one who has been answered", following(with(nil), kit.In{Msg: waitOver{1}}), kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{} }, []kit.Effect{apply{}}},
		{"then it is told as it is", with(nil), of(judge{ask: wait, from: q(1), last: true}, pending), nil, []kit.Effect{answers(1, pending)}},
	})
}
