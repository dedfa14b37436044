package journal

import (
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"holdfast/actors/kit"
)

var errClosing = fmt.Errorf("%w: the gateway is stopping", ErrIntake)

// broke is the end: nobody who waits hears anything more.
func (m Machine) broke(err error) (Machine, []kit.Effect) {
	m.phase = failed
	if err == nil {
		return m, nil
	}
	return m, []kit.Effect{giveUp{err}}
}

// close refuses everything from now on. Whoever waits for a request hears what is known.
func (m Machine) close(from kit.Return) (Machine, []kit.Effect) {
	var effects []kit.Effect
	m.phase = closing
	m.closers = append(slices.Clone(m.closers), from)
	m.waiters, effects = m.waiters.over()
	for _, k := range m.keeps {
		effects = append(effects, answer(k.from, Committed{Err: errClosing})...)
	}
	m.keeps = nil
	return m, effects
}

// refuse: nothing is taken, and nothing is left without an answer.
func (m Machine) refuse(in kit.In) (Machine, []kit.Effect) {
	switch in.Msg.(type) {
	case Close:
		if m.phase == closed {
			return m, answer(in.From, Closed{})
		}
		m.closers = append(slices.Clone(m.closers), in.From)
		return m, nil
	case Stats:
		return m, []kit.Effect{statsTo{in.From}}
	}
	if said := refusal(in.Msg, errClosing); said != nil {
		return m, answer(in.From, said)
	}
	return m, nil
}

// rest is what follows when a turn is over: a timer for what nobody waits for, or the end when all is quiet.
func (m Machine) rest() (Machine, []kit.Effect) {
	var effects []kit.Effect
	switch {
	case m.phase != closing:
		m.syncs, effects = m.syncs.rest(lazySync)
	case m.beside > 0 || !m.syncs.quiet():
		m.syncs, effects = m.syncs.rest(0)
	default:
		m.phase = shutting
		effects = []kit.Effect{kit.Do{Job: closeJob{}, Tag: closeJob{}}}
	}
	return m, effects
}

// done is the end of a job.
func (m Machine) done(d kit.Done) (Machine, []kit.Effect) {
	var effects []kit.Effect
	switch tag := d.Tag.(type) {
	case syncTag:
		if d.Err != nil {
			return m.broke(d.Err)
		}
		m.syncs, effects = m.syncs.ended(tag.number)
		return m.woken(effects)
	case freeJob:
		return m.polled(d)
	case ballastJob:
		m.water.ballast, _ = d.Msg.(bool)
		if d.Err != nil {
			effects = append(effects, kit.Note{Level: zerolog.WarnLevel, Text: "no ballast for now", Fields: []any{"error", d.Err.Error()}})
		}
	case readTag:
		m.beside--
		return m, answer(tag.from, m.told(tag.question, d))
	case closeJob:
		m.phase = closed
		for _, from := range m.closers {
			effects = append(effects, answer(from, Closed{Err: d.Err})...)
		}
		m.closers = nil
	}
	return m, effects
}

// told is the answer to a long question.
func (m Machine) told(question any, d kit.Done) any {
	if d.Err != nil {
		return refusal(question, d.Err)
	}
	if v, is := d.Msg.(Verified); is {
		v.Statistics = m.statistics(v.Statistics.Queues)
		return v
	}
	return d.Msg
}

// refusal is the answer to a question that is not answered; nil for what is no question.
func refusal(question any, err error) any {
	switch question.(type) {
	case Accept:
		return Accepted{Err: err}
	case Commit, Resend, Drop, Rename, Keep:
		return Committed{Err: err}
	case Take:
		return Taken{Err: err}
	case GetState:
		return Values{Err: err}
	case GetCursor:
		return Cursor{Err: err}
	case Ours:
		return OursAre{Err: err}
	case Answers:
		return Answer{Err: err}
	case Verify:
		return Verified{Err: err}
	case List:
		return Listed{Err: err}
	case Show:
		return Shown{Err: err}
	}
	return nil
}
