package journal

import (
	"testing"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/channels"
)

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
		{
			"the first turn begins to watch the disk and to sweep", with(nil),
			kit.In{Msg: began{}},
			func(m *Machine) { m.sweeping = true },
			[]kit.Effect{kit.After{Delay: pollFree, Msg: pollOver{}}, kit.After{Delay: sweepSoonest, Msg: sweepOver{}}},
		},
		{"what comes is written", with(nil), accept, nil, []kit.Effect{write{accept}}},
		{
			"nothing new is taken while the disk is nearly full", with(func(m *Machine) { m.water = scarce }), accept, nil,
			[]kit.Effect{answers(1, Accepted{Err: low})},
		},
		{
			"a step goes on while the disk is nearly full", with(func(m *Machine) { m.water = scarce }), asked(1, Commit{}), nil,
			[]kit.Effect{write{asked(1, Commit{})}},
		},
		{
			"after much was written the disk is looked at first", with(func(m *Machine) { m.water = stale }), accept, nil,
			[]kit.Effect{look{accept}},
		},
		{
			"there is room still", with(func(m *Machine) { m.water = stale }),
			kit.In{Msg: looked{free: 1 << 40, before: accept}},
			func(m *Machine) { m.water = plenty },
			[]kit.Effect{write{accept}},
		},
		{
			"the request that had the disk looked at is the first to be refused", with(func(m *Machine) { m.water = stale }),
			kit.In{Msg: looked{free: 1 << 20, before: accept}},
			func(m *Machine) { m.water = dry; m.water.ballast = false },
			[]kit.Effect{dropBallast{}, noteOf(1<<20, dry), answers(1, Accepted{Err: low})},
		},
		{
			"a look that fails leaves the last answer", with(func(m *Machine) { m.water = stale }),
			kit.In{Msg: looked{err: errTest, before: accept}},
			nil, append(unmeasured(errTest), write{accept}),
		},
		{
			"a look beside the actor is followed by the next", with(nil),
			kit.In{Msg: kit.Done{Tag: freeJob{}, Msg: measured{1 << 40, true}}},
			nil,
			[]kit.Effect{kit.After{Delay: pollFree, Msg: pollOver{}}},
		},
		{
			"a look that failed is followed by the next", with(nil),
			kit.In{Msg: kit.Done{Tag: freeJob{}, Err: errTest}},
			nil,
			append(unmeasured(errTest), kit.After{Delay: pollFree, Msg: pollOver{}}),
		},
		{
			"while nothing is taken the disk is looked at often", with(func(m *Machine) { m.water = stale }),
			kit.In{Msg: kit.Done{Tag: freeJob{}, Msg: measured{1, false}}},
			func(m *Machine) { m.water = full; m.water.ballast = false },
			[]kit.Effect{noteOf(1, full), kit.After{Delay: pollFreeLow, Msg: pollOver{}}},
		},
		{
			"a ballast that is missing is made", with(func(m *Machine) { m.water.ballast = false }),
			kit.In{Msg: kit.Done{Tag: freeJob{}, Msg: measured{1 << 40, false}}},
			nil,
			[]kit.Effect{kit.Do{Job: ballastJob{}, Tag: ballastJob{}}, kit.After{Delay: pollFree, Msg: pollOver{}}},
		},
		{
			"a ballast that was made is there", with(func(m *Machine) { m.water.ballast = false }),
			kit.In{Msg: kit.Done{Tag: ballastJob{}, Msg: true}},
			func(m *Machine) { m.water.ballast = true }, nil,
		},
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
		{
			"a step that was refused is answered", with(nil),
			kit.In{Msg: staged{in: commit, err: errTest}},
			nil,
			[]kit.Effect{answers(1, Committed{Err: errTest})},
		},
		{
			"requests that cannot be meant are refused in their own words", with(nil),
			kit.In{Msg: staged{in: asked(1, Accept{}), err: errTest}},
			nil,
			[]kit.Effect{answers(1, Accepted{Err: errTest})},
		},
		{
			"a step that relies on nothing is answered with the batch, and wakes", with(listens), did(commit),
			func(m *Machine) { m.commits++; told(m) },
			[]kit.Effect{answers(1, Committed{Added: []uint64{7}}), woken},
		},
		{
			"who has been woken and has not looked is not woken again", with(func(m *Machine) { listens(m); told(m) }), did(commit),
			func(m *Machine) { m.commits++ },
			[]kit.Effect{answers(1, Committed{Added: []uint64{7}})},
		},
		{"an attempt waits for the disk", with(listens), did(forced), holds(Committed{Added: []uint64{7}}), nil},
		{"requests wait for the disk", with(listens), did(asked(1, Accept{})), holds(Accepted{Seqs: []uint64{7}}), nil},
		{"what was asked to be synced waits for the disk", with(nil), did(asked(1, Commit{Sync: true})), holds(Committed{Added: []uint64{7}}), nil},
		{"an operator's orders wait for the disk", with(nil), did(asked(1, Resend{})), holds(Committed{Added: []uint64{7}}), nil},
		{
			"when the sync has ended, all of it is told", with(func(m *Machine) {
				listens(m)
				m.syncs, _ = m.syncs.rely(answers(1, Committed{}), wakeUp{alpha}, wakeUp{alpha}).begin()
			}),
			kit.In{Msg: kit.Done{Tag: syncTag{1}}},
			func(m *Machine) { told(m); m.syncs, _ = m.syncs.ended(1) },
			[]kit.Effect{answers(1, Committed{}), woken},
		},
		{
			"a sync that fails is the end", with(func(m *Machine) { m.syncs, _ = m.syncs.rely(answers(1, Committed{})).begin() }),
			kit.In{Msg: kit.Done{Tag: syncTag{1}, Err: errTest}},
			func(m *Machine) { m.phase = failed },
			[]kit.Effect{giveUp{errTest}},
		},
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
		{
			"the first begins at once", with(nil), asked(1, Keep{Accounts: []channels.Account{"a:1"}}), func(m *Machine) { m.keeps = []keeping{one} },
			[]kit.Effect{keepOnly{one.accounts}},
		},
		{
			"the second waits for the first", with(func(m *Machine) { m.keeps = []keeping{one} }), asked(2, Keep{}),
			func(m *Machine) { m.keeps = []keeping{one, two} }, nil,
		},
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
