package journal

import (
	"errors"
	"testing"
	"time"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
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

// TestTwoWaysOnFromOneStateDoNotMeet: what one way adds does not show in the other, however many came before.
func TestTwoWaysOnFromOneStateDoNotMeet(t *testing.T) {
	stops := with(func(m *Machine) { m.phase = closing })
	cases := []struct {
		name string
		from Machine
		more func(n uint64) kit.In
	}{
		{"orders of removed accounts", with(nil), func(n uint64) kit.In { return asked(n, Keep{}) }},
		{"who waits for the end", stops, func(n uint64) kit.In { return asked(n, Close{}) }},
		{"questions", with(nil), func(n uint64) kit.In { return asked(n, Stats{}) }},
		{"steps that wait for the disk", with(nil), func(n uint64) kit.In { return kit.In{Msg: staged{in: asked(n, Accept{})}} }},
		{"who waits for a request", with(nil), func(n uint64) kit.In {
			return kit.In{Msg: judged{judge{ask: Answers{Wait: 1}, from: q(n)}, Answer{State: Pending}}}
		}},
		{"subscribers", with(nil), func(n uint64) kit.In {
			return kit.In{Msg: found{ask: Subscribe{Channel: q(n).To().String(), To: reader, Kind: Kind(rune('a' + n))}}}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := c.from
			for n := range uint64(9) {
				one, _ := Step(s, c.more(n))
				shown := render(one)
				if other, _ := Step(s, c.more(n+10)); render(other) == shown || render(one) != shown {
					t.Fatalf("after %d, the two are\n%s\n%s", n, render(one), render(other))
				}
				s = one
			}
		})
	}
}

func TestTheEndOfATurn(t *testing.T) {
	take := asked(1, Take{Queue: alpha})
	lazy := kit.After{Delay: lazySync, Msg: lazyOver{}}
	waits := with(func(m *Machine) { m.syncs = m.syncs.rely(answers(1, Committed{})) })
	check(t, []row{
		{"nothing was written", with(nil), kit.In{Msg: sealed{}}, nil, []kit.Effect{apply{}}},
		{
			"somebody waits for the disk", waits,
			kit.In{Msg: sealed{wrote: true, size: 9}},
			func(m *Machine) { m.syncs, _ = m.syncs.begin(); m.water = m.water.wrote(9) },
			[]kit.Effect{apply{1}},
		},
		{
			"who comes while a sync is under way needs no timer", with(func(m *Machine) {
				m.syncs, _ = m.syncs.rely().begin()
				m.syncs = m.syncs.rely(answers(1, Committed{}))
			}),
			kit.In{Msg: sealed{wrote: true}},
			func(m *Machine) { m.syncs = m.syncs.wrote() },
			[]kit.Effect{apply{}},
		},
		{
			"nobody waits for what was written", with(nil),
			kit.In{Msg: sealed{wrote: true}},
			func(m *Machine) { m.syncs = m.syncs.wrote(); m.syncs.armed = true },
			[]kit.Effect{apply{}, lazy},
		},
		{"a question waits for the end of the turn", with(nil), take, func(m *Machine) { m.asked = m.asked.with(take) }, nil},
		{
			"questions see the steps of the turn", following(waits, take, asked(2, GetCursor{})),
			kit.In{Msg: sealed{wrote: true}},
			func(m *Machine) { m.syncs, _ = m.syncs.begin(); m.asked = chain[kit.In]{} },
			[]kit.Effect{apply{1}, give{q(1), Take{Queue: alpha}}, read{q(2), GetCursor{}}},
		},
		{"who has taken is woken again", with(func(m *Machine) {
			m.wakes, _ = m.wakes.subscribe(Subscribe{Kind: Arrivals, To: reader}, []Queue{alpha})
		}), kit.In{Msg: gave{alpha, reader}}, func(m *Machine) { m.wakes = m.wakes.took(alpha, reader) }, nil},
		{
			"a subscriber hears of what is pending", following(with(nil), kit.In{Msg: Subscribe{Kind: Arrivals, To: reader}}),
			kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{} },
			[]kit.Effect{apply{}, find{Subscribe{Kind: Arrivals, To: reader}}},
		},
		{
			"what is pending when somebody subscribes wakes", with(nil),
			kit.In{Msg: found{Subscribe{Kind: Arrivals, To: reader}, []Queue{alpha}}},
			func(m *Machine) {
				m.wakes, _ = m.wakes.subscribe(Subscribe{Kind: Arrivals, To: reader}, []Queue{alpha})
			},
			[]kit.Effect{kit.Tell{To: reader, Msg: Woken{alpha}}},
		},
		{
			"a long question is answered beside the actor", following(with(nil), asked(1, Verify{})),
			kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{}; m.beside = 1 },
			[]kit.Effect{apply{}, beside{q(1), Verify{}}},
		},
		{
			"long questions are bounded", following(with(func(m *Machine) { m.beside = maxBeside }), asked(1, Verify{})),
			kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{} },
			[]kit.Effect{apply{}, answers(1, Verified{Err: errBusy})},
		},
		{
			"the counters are asked for", following(with(nil), asked(1, Stats{})),
			kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{} },
			[]kit.Effect{apply{}, statsTo{q(1)}},
		},
		{
			"an attachment goes after the next sync", with(nil),
			kit.In{Msg: sealed{unheld: []string{"x"}}},
			func(m *Machine) { m.syncs = m.syncs.ride(removeBlobs{[]string{"x"}}); m.syncs.armed = true },
			[]kit.Effect{apply{}, lazy},
		},
		{
			"what will have to be forgotten has the sweeper come", with(nil),
			kit.In{Msg: sealed{ageing: true}},
			func(m *Machine) { m.sweeping = true },
			[]kit.Effect{apply{}, kit.After{Delay: sweepSoonest, Msg: sweepOver{}}},
		},
		{"the sweeper comes already", with(func(m *Machine) { m.sweeping = true }), kit.In{Msg: sealed{ageing: true}}, nil, []kit.Effect{apply{}}},
		{"the sweeper comes", with(nil), kit.In{Msg: sweepOver{}}, nil, []kit.Effect{sweep{}}},
		{
			"the sweeper comes back", with(nil),
			kit.In{Msg: swept{sweepOn}},
			func(m *Machine) { m.sweeping = true },
			[]kit.Effect{kit.After{Delay: sweepOn, Msg: sweepOver{}}},
		},
		{"the sweeper has nothing left", with(func(m *Machine) { m.sweeping = true }), kit.In{Msg: swept{}}, func(m *Machine) { m.sweeping = false }, nil},
	})
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
		{
			"nobody waits for ever", with(nil), of(long, pending), func(m *Machine) { m.waiters, _ = m.waiters.with(long.ask, q(1)) },
			[]kit.Effect{kit.After{Delay: longestWait, Msg: waitOver{1}}},
		},
		{"who does not want to wait does not", with(nil), of(now, pending), nil, []kit.Effect{answers(1, pending)}},
		{"who comes when too many wait does not", with(full), of(fresh, pending), nil, []kit.Effect{answers(1, pending)}},
		{"nobody begins to wait while it closes", with(func(m *Machine) { m.phase = closing }), of(fresh, pending), nil, []kit.Effect{answers(1, pending)}},
		{
			"a step that touched the request has it looked at", with(waits),
			kit.In{Msg: sealed{touched: map[uint64]bool{3: true}}},
			nil,
			[]kit.Effect{apply{}, judge{number: 1, ask: wait, from: q(1)}},
		},
		{"a step that touched another has not", with(waits), kit.In{Msg: sealed{touched: map[uint64]bool{4: true}}}, nil, []kit.Effect{apply{}}},
		{"it has ended", with(waits), of(judge{number: 1, ask: wait, from: q(1)}, ended), gone, []kit.Effect{answers(1, ended)}},
		{"it has not ended", with(waits), of(judge{number: 1, ask: wait, from: q(1)}, pending), nil, nil},
		{"who has been answered is not answered again", with(func(m *Machine) { waits(m); gone(m) }), of(judge{number: 1, ask: wait, from: q(1)}, ended), nil, nil},
		{
			"the deadline has come", following(with(waits), kit.In{Msg: waitOver{1}}),
			kit.In{Msg: sealed{}},
			func(m *Machine) { gone(m); m.asked = chain[kit.In]{} },
			[]kit.Effect{apply{}, judge{ask: wait, from: q(1), last: true}},
		},
		{
			"the deadline of one who has been answered", following(with(nil), kit.In{Msg: waitOver{1}}),
			kit.In{Msg: sealed{}},
			func(m *Machine) { m.asked = chain[kit.In]{} },
			[]kit.Effect{apply{}},
		},
		{"then it is told as it is", with(nil), of(judge{ask: wait, from: q(1), last: true}, pending), nil, []kit.Effect{answers(1, pending)}},
	})
}
