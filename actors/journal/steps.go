package journal

import (
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
	"holdfast/channels"
)

// bigBatch is how many bytes end a batch, and make the free space worth another look.
const bigBatch = 4 << 20

// pollFree and pollFreeLow are the pauses between looks at the free space: usually, and while nothing is taken.
const (
	pollFree    = 10 * time.Second
	pollFreeLow = time.Second
)

// accept is the one step that is refused when the disk is nearly full.
func (m Machine) accept(in kit.In) (Machine, []kit.Effect) {
	if why := m.water.why(); why != "" {
		return m, answer(in.From, Accepted{Err: fmt.Errorf("%w: %s", ErrIntake, why)})
	}
	return m, []kit.Effect{write{in}}
}

// renamed is a step of somebody who may not know yet that the account has another name. What it brings is taken; how far it
// has looked is for the new name to say.
func (m Machine) renamed(a Accept) Accept {
	if owner := m.former.owner(a.Account, a.Revision); owner != a.Account {
		a.Account, a.Cursor = owner, nil
	}
	return a
}

// looked decides about an Accept that came when much had been written since the last look.
func (m Machine) looked(f looked) (Machine, []kit.Effect) {
	var effects []kit.Effect
	if f.err != nil {
		effects = unmeasured(f.err)
	} else {
		m, effects = m.measured(measured{f.free, m.water.ballast})
	}
	m, more := m.accept(f.before)
	return m, append(effects, more...)
}

// staged answers a step and wakes the readers of the queues that it made longer: when the batch is in order, or after the
// sync that the step relies on.
func (m Machine) staged(f staged) (Machine, []kit.Effect) {
	if f.err != nil {
		return m, answer(f.in.From, refusal(f.in.Msg, f.err))
	}
	m.commits++
	if r, is := f.in.Msg.(Rename); is {
		m.former, m.waiters = m.former.with(r), m.waiters.renamed(r)
	}
	effects := make([]kit.Effect, 1, 1+len(f.grown))
	effects[0] = kit.Answer{To: f.in.From, Msg: success(f)}
	for _, q := range f.grown {
		effects = append(effects, wakeUp{q})
	}
	if relies(f.in.Msg) {
		m.syncs = m.syncs.rely(effects...)
		return m, nil
	}
	return m.woken(effects)
}

func success(f staged) any {
	if _, is := f.in.Msg.(Accept); is {
		return Accepted{Seqs: f.added}
	}
	return Committed{Added: f.added}
}

// relies tells whether the step must be on the disk before it is answered.
func relies(step any) bool {
	m, is := step.(Commit)
	if !is || m.Sync {
		return true
	}
	return slices.ContainsFunc(m.Ops, func(op Op) bool {
		_, attempt := op.(Attempt)
		return attempt
	})
}

// keep begins to let the items of removed accounts die. One such order is worked on at a time.
func (m Machine) keep(order Keep, from kit.Return) (Machine, []kit.Effect) {
	accounts := make(map[channels.Account]bool, len(order.Accounts))
	for _, a := range order.Accounts {
		accounts[a] = true
	}
	m.former = m.former.present(func(a channels.Account) bool { return accounts[a] })
	m.keeps = append(slices.Clone(m.keeps), keeping{accounts: accounts, from: from})
	if len(m.keeps) > 1 {
		return m, nil
	}
	return m.keepOn()
}

func (m Machine) keepOn() (Machine, []kit.Effect) {
	if len(m.keeps) == 0 {
		return m, nil
	}
	return m, []kit.Effect{keepOnly{m.keeps[0].accounts}}
}

func (m Machine) kept(f kept) (Machine, []kit.Effect) {
	if !f.more {
		m.commits++
		m.syncs = m.syncs.rely(kit.Answer{To: m.keeps[0].from, Msg: Committed{}})
		m.keeps = m.keeps[1:]
	}
	if len(m.keeps) == 0 {
		return m, nil
	}
	return m, []kit.Effect{kit.After{Delay: sweepOn, Msg: keepOn{}}}
}

func (m Machine) swept(f swept) (Machine, []kit.Effect) {
	if m.sweeping = f.next > 0; !m.sweeping {
		return m, nil
	}
	return m, []kit.Effect{kit.After{Delay: f.next, Msg: sweepOver{}}}
}

func unmeasured(err error) []kit.Effect {
	return []kit.Effect{kit.Note{
		Level: zerolog.WarnLevel, Text: "the free space is not known; the last answer stands", Fields: []any{"error", err.Error()},
	}}
}

// measured takes in how much is free; the file system may have given the ballast without asking.
func (m Machine) measured(now measured) (Machine, []kit.Effect) {
	var effects []kit.Effect
	was := m.water.low
	m.water.ballast = now.ballast
	next, todo := m.water.look(now.free)
	m.water = next
	switch todo {
	case giveBallast:
		m.water.ballast = false
		effects = append(effects, dropBallast{})
	case makeBallast:
		effects = append(effects, kit.Do{Job: ballastJob{}, Tag: ballastJob{}})
	case leaveBallast:
	}
	if was != next.low {
		effects = append(effects, kit.Note{
			Level: zerolog.WarnLevel, Text: "intake changed",
			Fields: []any{"accepting", !next.low, "free", now.free, "why", next.why()},
		})
	}
	return m, effects
}

// polled is the end of a look at the free space beside the actor; the next one follows.
func (m Machine) polled(d kit.Done) (Machine, []kit.Effect) {
	if m.phase >= closing {
		return m, nil
	}
	var effects []kit.Effect
	if d.Err != nil {
		effects = unmeasured(d.Err)
	} else if now, is := d.Msg.(measured); is {
		m, effects = m.measured(now)
	}
	pause := pollFree
	if m.water.low {
		pause = pollFreeLow
	}
	return m, append(effects, kit.After{Delay: pause, Msg: pollOver{}})
}
