package run

import (
	"errors"
	"slices"
	"testing"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

// steps gives inputs to a run of that kind and returns its state and the effects of the last one.
func steps(start Start, inputs ...kit.In) (State, []kit.Effect) {
	s := New(start, testPlaces)
	var effects []kit.Effect
	for _, one := range inputs {
		s, effects = Step(s, one)
	}
	return s, effects
}

func candidate() Start {
	start := testStart
	start.Candidate = true
	return start
}

func TestLaw8_WhatACandidateHandsInWaitsUntilItIsTheCurrentRun(t *testing.T) {
	s, effects := steps(candidate(), up()...)
	if told := kittest.Told[Opened](effects); len(told) != 1 || told[0].Run != 7 {
		t.Errorf("told %+v when Connect has returned, want Opened", told)
	}
	for n := range uint64(2) {
		s, effects = Step(s, in(Take{Requests: []channels.Request{{ID: "r"}}, Cursor: []byte{byte(n)}}, asker(10+n)))
		if told := kittest.Told[Holding](effects); n == 0 && (len(told) != 1 || told[0].Run != 7) || len(effects) != 1-int(n) {
			t.Fatalf("take %d of a candidate led to %#v, want nothing but the supervisor told, once", n, effects)
		}
	}
	s, effects = Step(s, in(Admit{}))
	asked := kittest.Asked[journal.Accept](effects)
	if len(asked) != 2 || asked[0].Msg.(journal.Accept).Cursor[0] != 0 {
		t.Fatalf("after the admission the journal is asked %#v, want both takes in their order", asked)
	}
	if s, effects = Step(s, in(Take{}, asker(12))); len(kittest.Asked[journal.Accept](effects)) != 1 || len(s.takes) != 3 {
		t.Errorf("a take after the admission led to %#v, want it to go to the journal", effects)
	}
}

func TestACandidateThatIsNotWantedLetsItsNetworkGo(t *testing.T) {
	for name, end := range map[string]any{"drained": Drain{Cause: "not published"}, "fenced": Fence{Cause: "late"}} {
		t.Run(name, func(t *testing.T) {
			s, effects := steps(candidate(), append(up(), in(Take{}, asker(10)), in(end))...)
			answers := kittest.Answers[Taken](effects)
			if len(answers) != 1 || !errors.Is(answers[0].Err, channels.ErrGone) {
				t.Errorf("the take that waited is answered %+v, want ErrGone", answers)
			}
			if _, effects = Step(s, in(Admit{})); len(kittest.Asked[journal.Accept](effects)) != 0 {
				t.Error("an admission after the end gives its take to the journal")
			}
		})
	}
}

// alone is a run of a network on which only one run may hold the connection.
func alone() Start {
	start := testStart
	start.Settings = &common{}
	return start
}

func TestWhatANetworkLeavesIsAskedForAfterTheLastCallAndTakeAndBeforeItsEnd(t *testing.T) {
	s, effects := steps(alone(), append(up(), send(time.Second, 2), in(Drain{}))...)
	kittest.None[kit.Do](t, effects)
	s, effects = Step(s, in(kit.Done{Tag: called{1}, Msg: Result{}}))
	if asked := kittest.One[kit.Do](t, effects); asked.Job != (Leave{}) || s.Phase != Draining {
		t.Fatalf("after the last call: %#v in phase %s, want the network asked what it leaves", asked, s.Phase)
	}
	kittest.None[Cancel](t, effects)
	s, effects = Step(s, in(kit.Done{Tag: exported{}, Msg: []byte("session 4")}))
	kittest.One[Cancel](t, effects)
	_, effects = Step(s, in(kit.Done{Tag: lived{}}))
	if over := kittest.Told[Over](effects); len(over) != 1 || string(over[0].Export) != "session 4" {
		t.Errorf("told %+v, want what the network leaves", over)
	}
}

func TestANetworkIsNotEndedWhileItSaysWhatItLeaves(t *testing.T) {
	s, effects := steps(alone(), append(up(), send(time.Second, 2), in(callDue{1}), in(Drain{}))...)
	kittest.One[kit.Do](t, effects) // the call that hangs has its answer: nobody waits for it
	if s, effects = Step(s, in(kit.Done{Tag: called{1}, Msg: Result{}})); len(effects) != 0 || s.Phase != Draining {
		t.Errorf("the end of a call that hung led to %#v in phase %s, want the network's word awaited", effects, s.Phase)
	}
}

func TestANetworkThatLeavesNothingEndsAllTheSame(t *testing.T) {
	for name, done := range map[string]kit.Done{
		"it panics":    {Tag: exported{}, Err: kit.ErrPanic},
		"it has none":  {Tag: exported{}, Msg: []byte(nil)},
		"it cannot":    {Tag: exported{}, Msg: []byte(nil), Err: errNetwork},
		"fenced first": {},
	} {
		t.Run(name, func(t *testing.T) {
			s, effects := steps(alone(), append(up(), in(Drain{}))...)
			kittest.One[kit.Do](t, effects)
			ends := []any{done, kit.Done{Tag: lived{}}}
			if done.Tag == nil {
				ends = []any{Fence{}, kit.Done{Tag: exported{}, Msg: []byte("late")}, kit.Done{Tag: lived{}}}
			}
			var all []kit.Effect
			for _, end := range ends {
				s, effects = Step(s, in(end))
				all = append(all, effects...)
			}
			if over := kittest.Told[Over](all); len(over) != 1 || over[0].Export != nil {
				t.Errorf("told %+v, want an end without anything left", over)
			}
			if _, noted := kittest.Find[kit.Note](all); noted != (done.Err != nil) && done.Tag != nil {
				t.Errorf("a line of log: %t, want one exactly for an error", noted)
			}
			kittest.One[kit.Stop](t, all)
		})
	}
}

func TestANetworkThatHasNotConnectedIsNotAskedWhatItLeaves(t *testing.T) {
	for n := range 2 {
		_, effects := steps(alone(), slices.Concat(up()[:n+1], []kit.In{in(Drain{})})...)
		kittest.None[kit.Do](t, effects)
		kittest.One[Cancel](t, effects)
	}
}
