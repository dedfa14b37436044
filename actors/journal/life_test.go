package journal

import (
	"slices"
	"testing"

	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
)

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
		{
			"who waits for an order hears that it is over", with(func(m *Machine) { m.keeps = []keeping{{from: q(5)}} }), asked(1, Close{}),
			func(m *Machine) { closes(m); m.keeps = nil },
			[]kit.Effect{answers(5, Committed{Err: ErrIntake})},
		},
		{"a timer means nothing any more", with(closes), kit.In{Msg: sweepOver{}}, nil, nil},
		{"the end of a look means nothing any more", with(closes), kit.In{Msg: kit.Done{Tag: freeJob{}, Msg: measured{1, true}}}, nil, nil},
		{"the counters can be asked for to the end", with(closes), asked(2, Stats{}), nil, []kit.Effect{statsTo{q(2)}}},
		{"a second one waits as well", with(closes), asked(2, Close{}), func(m *Machine) { m.closers = append(m.closers, q(2)) }, nil},
		{"when all is quiet, the store is closed", with(closes), kit.In{Msg: sealed{}}, func(m *Machine) { m.phase = shutting }, shuts},
		{"a long question holds it up", with(func(m *Machine) { closes(m); m.beside = 1 }), kit.In{Msg: sealed{}}, nil, []kit.Effect{apply{}}},
		{"a sync holds it up", with(func(m *Machine) { closes(m); m.syncs, _ = m.syncs.rely().begin() }), kit.In{Msg: sealed{}}, nil, []kit.Effect{apply{}}},
		{
			"what nobody waits for is synced at once", with(closes),
			kit.In{Msg: sealed{wrote: true}},
			func(m *Machine) { m.syncs = m.syncs.wrote(); m.syncs.armed = true },
			[]kit.Effect{apply{}, kit.After{Msg: lazyOver{}}},
		},
		{
			"all who wait hear of the end", with(func(m *Machine) { closes(m); m.phase = shutting }),
			kit.In{Msg: kit.Done{Tag: closeJob{}, Err: errTest}},
			func(m *Machine) { m.phase, m.closers = closed, nil },
			[]kit.Effect{answers(1, Closed{Err: errTest})},
		},
		{"once it is closed there is nothing to wait for", with(func(m *Machine) { m.phase = closed }), asked(2, Close{}), nil, []kit.Effect{answers(2, Closed{})}},
	}))
}

func TestOthersSeeWhetherAndWhyNothingIsTaken(t *testing.T) {
	cases := []struct {
		name  string
		phase phase
		water water
		want  string
		why   string
	}{
		{"it takes", taking, plenty, "taking", ""},
		{"the disk is nearly full", taking, scarce, "low on disk", scarce.why()},
		{"it closes", closing, plenty, "closing", "the gateway is stopping"},
		{"a full disk does not hide that it closes", closing, scarce, "closing", "the gateway is stopping"},
		{"its store is being closed", shutting, plenty, "closing", "the gateway is stopping"},
		{"it is closed", closed, plenty, "closed", "the gateway is stopping"},
		{"it cannot go on", failed, plenty, "failed", "the journal cannot go on; the process ends"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := with(func(m *Machine) { m.phase, m.water = c.phase, c.water })
			s := m.statistics(nil)
			if got := m.phaseNow().String(); got != c.want || s.Why != c.why || s.Accepting != (c.why == "") {
				t.Errorf("%q, accepting %v: %q", got, s.Accepting, s.Why)
			}
		})
	}
}
