package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

var (
	testStart  = Start{Account: "double:home", Number: 7, Webhook: "http://gateway.example/hook", Settings: &common{overlaps: true}}
	testPlaces = Places{Self: kit.Named("channels/double/home/run.7"), Supervisor: kit.Named("channels/double"), Journal: kit.Named("journal")}
	noon       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	errNetwork = errors.New("connection reset")
	sealed     = kit.Tell{To: testPlaces.Supervisor, Msg: Sealed{Account: "double:home", Run: 7}}
)

// common are settings of a network on which two runs at once do no harm, or do.
type common struct {
	channels.Common
	overlaps bool
}

func (c *common) Overlaps() bool { return c.overlaps }

func asker(n uint64) kit.Return { return kit.ReturnTo(testPlaces.Supervisor, n) }

// in is one input of a test: a message, or a question if from is set.
func in(msg any, from ...kit.Return) kit.In {
	i := kit.In{Msg: msg, Now: noon}
	if len(from) > 0 {
		i.From = from[0]
	}
	return i
}

// after gives inputs to a new run and returns its state and the effects of the last one.
func after(t *testing.T, inputs ...kit.In) (State, []kit.Effect) {
	t.Helper()
	s := New(testStart, testPlaces)
	var effects []kit.Effect
	for _, one := range inputs {
		s, effects = Step(s, one)
	}
	return s, effects
}

// up is the way of a run to the point where the network's Run is under way.
func up() []kit.In {
	return []kit.In{
		in(Begin{}), in(kit.Answered{Tag: cursorRead{}, Msg: journal.Cursor{Value: []byte("c1")}}), in(Connected{}, asker(1)),
	}
}

func send(within time.Duration, n uint64) kit.In {
	return in(Call{Op: Send{Reply: channels.Reply{Seq: n}}, Deadline: noon.Add(within)}, asker(n))
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		name  string
		given []kit.In
		input kit.In
		phase Phase
		want  []kit.Effect
	}{
		{
			"a run begins by asking for the cursor", nil, in(Begin{}), Starting,
			[]kit.Effect{kit.Ask{To: testPlaces.Journal, Msg: journal.GetCursor{Account: "double:home"}, Within: journalWithin, Tag: cursorRead{}}},
		},
		{
			"the network is begun with the cursor", up()[:1], up()[1], Starting,
			[]kit.Effect{kit.Do{Job: Live{Cursor: []byte("c1")}, Tag: lived{}}},
		},
		{
			"a cursor that cannot be read ends the run as a failure", up()[:1], in(kit.Answered{Tag: cursorRead{}, Err: kit.ErrLate}), Ending,
			[]kit.Effect{
				kit.Tell{To: testPlaces.Supervisor, Msg: Over{Account: "double:home", Run: 7, Err: "reading the cursor of double:home from the journal: no answer in time"}},
				kit.Stop{Child: testPlaces.Self},
			},
		},
		{
			"a drain before the cursor is known begins no network", up()[:1], in(Drain{Cause: "asked"}), Ending,
			[]kit.Effect{note(Drain{Cause: "asked"}), sealed, Cancel{}, kit.Stop{Child: testPlaces.Self}},
		},
		{
			"a connection that comes up after the drain is turned away", append(up()[:2], in(Drain{})), in(Connected{}, asker(1)), Ending,
			[]kit.Effect{kit.Answer{To: asker(1), Msg: GoOn{Err: channels.ErrGone}}},
		},
		{"a run that was the current one from its start tells of no opening", up()[:2], up()[2], Up, []kit.Effect{kit.Answer{To: asker(1), Msg: GoOn{}}}},
		{"the end of a call that is not held is nobody's", up(), in(kit.Done{Tag: called{9}, Msg: Result{}}), Up, nil},
		{"no call is cut short when a drain's patience ends after the last", append(up(), send(time.Second, 2), in(Drain{}), in(kit.Done{Tag: called{1}})), in(hurry{}), Ending, nil},
		{
			"a condition that is told already is not told again", append(up(), in(Report{channels.Condition{Link: channels.Connected}}, asker(2)),
				in(Report{channels.Condition{Link: channels.Connected}}, asker(3))), in(reportDue{}), Up, nil,
		},
		{
			"a call begins with its deadline", up(), send(10*time.Second, 2), Up,
			[]kit.Effect{
				kit.Do{Job: Perform{Op: Send{Reply: channels.Reply{Seq: 2}}, Until: noon.Add(10*time.Second - maxGrace)}, Tag: called{1}},
				kit.After{Delay: 10 * time.Second, Msg: callDue{1}, For: called{1}},
			},
		},
		{
			"a call's result goes to whoever asked", append(up(), send(time.Second, 2)), in(kit.Done{Tag: called{1}, Msg: Result{Receipt: channels.Receipt{ID: "m1"}}}), Up,
			[]kit.Effect{kit.Answer{To: asker(2), Msg: Result{Receipt: channels.Receipt{ID: "m1"}}}},
		},
		{"a result after the deadline is nobody's", append(up(), send(time.Second, 2), in(callDue{1})), in(kit.Done{Tag: called{1}, Msg: Result{}}), Up, nil},
		{"a deadline after the result changes nothing", append(up(), send(time.Second, 2), in(kit.Done{Tag: called{1}, Msg: Result{}})), in(callDue{1}), Up, nil},
		{
			"a draining run that holds nothing ends the network", up(), in(Drain{Cause: "asked"}), Ending,
			[]kit.Effect{note(Drain{Cause: "asked"}), sealed, Cancel{}},
		},
		{"the network is ended after the last call", append(up(), send(time.Second, 2), in(Drain{})), in(kit.Done{Tag: called{1}, Msg: Result{}}), Ending, []kit.Effect{
			kit.Answer{To: asker(2), Msg: Result{}}, Cancel{},
		}},
		{"the network is ended after the last take", append(up(), in(Take{}, asker(2)), in(Drain{})), in(kit.Answered{Tag: accepted{1}, Msg: journal.Accepted{}}), Ending, []kit.Effect{
			kit.Answer{To: asker(2), Msg: Taken{Number: 1}}, kit.Tell{To: testPlaces.Supervisor, Msg: Took{Account: "double:home", Run: 7}}, sealed, Cancel{},
		}},
		{
			"an end that was asked for is clean", append(up(), in(Drain{})), in(kit.Done{Tag: lived{}, Err: context.Canceled}), Ending,
			[]kit.Effect{kit.Tell{To: testPlaces.Supervisor, Msg: Over{Account: "double:home", Run: 7}}, kit.Stop{Child: testPlaces.Self}},
		},
		{
			"an end that was not asked for is a failure even without an error", up(), in(kit.Done{Tag: lived{}}), Ending,
			[]kit.Effect{
				kit.Tell{To: testPlaces.Supervisor, Msg: Over{Account: "double:home", Run: 7, Err: "the network's connection ended by itself and gave no reason"}},
				kit.Stop{Child: testPlaces.Self},
			},
		},
		{
			"a refusal says what the operator should do", up(), in(kit.Done{Tag: lived{}, Err: fmt.Errorf("login: %w", &channels.Refusal{Err: errNetwork, Do: "set the password"})}), Ending,
			[]kit.Effect{
				kit.Tell{To: testPlaces.Supervisor, Msg: Over{Account: "double:home", Run: 7, Err: "connection reset", Refusal: true, Do: "set the password"}},
				kit.Stop{Child: testPlaces.Self},
			},
		},
		{
			"the pause that a network asks for is passed on", up(), in(kit.Done{Tag: lived{}, Err: &channels.Failure{After: time.Minute, Err: errNetwork}}), Ending,
			[]kit.Effect{
				kit.Tell{To: testPlaces.Supervisor, Msg: Over{Account: "double:home", Run: 7, Err: "connection reset", After: time.Minute}}, kit.Stop{Child: testPlaces.Self},
			},
		},
		{
			"a network that ended leaves its calls their time", append(up(), send(time.Second, 2)), in(kit.Done{Tag: lived{}, Err: errNetwork}), Ending,
			[]kit.Effect{kit.Tell{To: testPlaces.Supervisor, Msg: Over{Account: "double:home", Run: 7, Err: "connection reset"}}},
		},
		{"the actor ends with the last goroutine", append(up(), send(time.Second, 2), in(callDue{1}), in(kit.Done{Tag: lived{}})), in(kit.Done{Tag: called{1}}), Ending, []kit.Effect{
			kit.Stop{Child: testPlaces.Self},
		}},
		{
			"a take is given to the journal with the cursor", up(), in(Take{Requests: []channels.Request{{ID: "a"}}, Cursor: []byte("c2")}, asker(2)), Up,
			[]kit.Effect{kit.Ask{
				To: testPlaces.Journal, Msg: journal.Accept{Account: "double:home", Requests: []channels.Request{{ID: "a"}}, Cursor: []byte("c2")},
				Within: journalWithin, Tag: accepted{1},
			}},
		},
		{"a draining run takes nothing more", append(up(), in(Drain{})), in(Take{}, asker(2)), Ending, []kit.Effect{kit.Answer{To: asker(2), Msg: Taken{Err: channels.ErrGone}}}},
		{"a fenced run takes nothing more", append(up(), in(Fence{})), in(Take{}, asker(2)), Abandoned, []kit.Effect{kit.Answer{To: asker(2), Msg: Taken{Err: channels.ErrGone}}}},
		{"the journal's answer after the fence is nobody's", append(up(), in(Take{}, asker(2)), in(Fence{})), in(kit.Answered{Tag: accepted{1}, Msg: journal.Accepted{}}), Abandoned, nil},
		{
			"a first report is told at once", up(), in(Report{channels.Condition{Link: channels.Connected}}, asker(2)), Up,
			[]kit.Effect{
				kit.Answer{To: asker(2), Msg: Heard{}},
				kit.Tell{To: testPlaces.Supervisor, Msg: Reported{Account: "double:home", Run: 7, Condition: channels.Condition{Link: channels.Connected}}},
			},
		},
		{
			"a second report right after it waits", append(up(), in(Report{channels.Condition{Link: channels.Connecting}}, asker(2))),
			in(Report{channels.Condition{Link: channels.Connected}}, asker(3)), Up,
			[]kit.Effect{kit.Answer{To: asker(3), Msg: Heard{}}, kit.After{Delay: reportEvery, Msg: reportDue{}}},
		},
		{
			"the last report counts", append(up(), in(Report{channels.Condition{Link: channels.Connecting}}, asker(2)), in(Report{channels.Condition{Link: channels.Waiting}}, asker(3)),
				in(Report{channels.Condition{Link: channels.Connected}}, asker(4))), in(reportDue{}), Up,
			[]kit.Effect{kit.Tell{To: testPlaces.Supervisor, Msg: Reported{Account: "double:home", Run: 7, Condition: channels.Condition{Link: channels.Connected}}}},
		},
		{
			"a fenced run reports nothing", append(up(), in(Fence{})), in(Report{channels.Condition{Link: channels.Connected}}, asker(2)), Abandoned,
			[]kit.Effect{kit.Answer{To: asker(2), Msg: Heard{}}},
		},
		{
			"a report that waits is not told after the fence",
			append(up(), in(Report{channels.Condition{Link: channels.Connecting}}, asker(2)), in(Report{channels.Condition{Link: channels.Connected}}, asker(3)), in(Fence{})),
			in(reportDue{}), Abandoned, nil,
		},
		{"a second drain changes nothing", append(up(), in(Drain{})), in(Drain{}), Ending, nil},
		{"a drain after the fence changes nothing", append(up(), in(Fence{})), in(Drain{}), Abandoned, nil},
		{"a second fence changes nothing", append(up(), in(Fence{})), in(Fence{}), Abandoned, nil},
		{
			"a fenced network that ends at last says so", append(up(), in(Fence{})), in(kit.Done{Tag: lived{}, Err: errNetwork}), Abandoned,
			[]kit.Effect{
				kit.Tell{To: testPlaces.Supervisor, Msg: Over{Account: "double:home", Run: 7, Err: "connection reset"}}, kit.Stop{Child: testPlaces.Self},
			},
		},
		{"a panic of the network is told as a bug", up(), in(kit.Done{Tag: lived{}, Err: kit.ErrPanic}), Ending, []kit.Effect{
			kit.Tell{To: testPlaces.Supervisor, Msg: Over{Account: "double:home", Run: 7, Err: "the network's code: panic", Bug: true}},
			kit.Stop{Child: testPlaces.Self},
		}},
		{"a draining run with calls says at once that it hands in nothing more", append(up(), send(time.Second, 2)), in(Drain{}), Draining, []kit.Effect{
			kit.Note{Level: zerolog.DebugLevel, Text: "draining", Fields: []any{"cause", "", "calls", 1, "takes", 0}}, sealed,
		}},
		{"an admission of a run that is the current one changes nothing", up(), in(Admit{}), Up, nil},
		{"another address is passed on", up(), in(Moved{"http://there"}), Up, []kit.Effect{Readdress{"http://there"}}},
		{"a nudge is passed on", up(), in(Nudge{}), Up, []kit.Effect{Poke{}}},
		{"a foreign message fits nothing", up(), in("hello"), Up, []kit.Effect{kit.Unknown{Msg: "hello"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := after(t, c.given...)
			got, effects := Step(s, c.input)
			if got.Phase != c.phase {
				t.Errorf("phase %q, want %q", got.Phase, c.phase)
			}
			if diff := kittest.Diff(c.want, effects); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
		})
	}
}

// note is the line that a drain of a run without calls writes.
func note(d Drain) kit.Note {
	_, effects := Step(New(testStart, testPlaces), in(d))
	n, _ := kittest.Find[kit.Note](effects)
	return n
}

func TestCallsAreRefusedWithAKnownOutcome(t *testing.T) {
	full := up()
	for n := range uint64(maxCalls) {
		full = append(full, send(time.Minute, 10+n))
	}
	for _, c := range []struct {
		name  string
		given []kit.In
		input kit.In
		after time.Duration
		why   string
	}{
		{"before the network is connected", up()[:2], send(time.Second, 2), startingAfter, "still connecting"},
		{"while the run drains", append(up(), in(Drain{})), send(time.Second, 2), startingAfter, "no more calls"},
		{"after the fence", append(up(), in(Fence{})), send(time.Second, 2), startingAfter, "no more calls"},
		{"when no time is left", up(), send(0, 2), 0, "deadline"},
		{"when as many as are allowed are under way", full, send(time.Second, 2), busyAfter, "64 calls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := after(t, c.given...)
			_, effects := Step(s, c.input)
			if len(effects) != 1 {
				t.Fatalf("effects %#v, want one answer", effects)
			}
			var failure *channels.Failure
			if r := kittest.Answers[Result](effects)[0]; !errors.As(r.Err, &failure) || failure.Outcome != channels.NotSent || failure.After != c.after ||
				!strings.Contains(failure.Error(), c.why) {
				t.Errorf("result %v, want not sent, after %s, because %s", r.Err, c.after, c.why)
			}
		})
	}
}

func TestLaw8_ADeadlineIsKeptWhateverTheNetworkDoes(t *testing.T) {
	s, effects := after(t, append(up(), send(time.Second, 2), in(callDue{1}))...)
	if r := kittest.Answers[Result](effects); len(r) != 1 || channels.OutcomeOf(r[0].Err) != channels.Unknown {
		t.Fatalf("answers %#v, want one with an unknown outcome", r)
	}
	if got := s.Status(); got.Stuck != 1 || !got.Calls[0].Stuck || got.Calls[0].Op != "send" {
		t.Errorf("status %+v, want the call shown as stuck", got)
	}
}

func TestLaw8_ARunWhoseCallsHangGivesItselfUp(t *testing.T) {
	inputs := up()
	for n := range uint64(maxStuck) {
		inputs = append(inputs, send(time.Second, 10+n))
	}
	for n := range uint64(maxStuck) {
		inputs = append(inputs, in(callDue{n + 1}))
	}
	s, effects := after(t, inputs...)
	if got := kittest.Told[Over](effects); len(got) != 1 || got[0].Err == "" {
		t.Errorf("told %+v, want one failure", got)
	}
	if _, cancels := kittest.Find[Cancel](effects); !cancels || s.Phase != Ending {
		t.Errorf("phase %q, cancelled %v; want the network to be ended", s.Phase, cancels)
	}
	if _, effects = Step(s, in(kit.Done{Tag: lived{}, Err: errNetwork})); len(effects) != 0 {
		t.Errorf("effects of the network's end: %#v, want none before the goroutines are gone", effects)
	}
}

func TestACallThatHangsInADrainIsNoFurtherFault(t *testing.T) {
	inputs := up()
	for n := range uint64(maxStuck) {
		inputs = append(inputs, send(time.Second, 10+n))
	}
	inputs = append(inputs, in(Drain{}))
	for n := range uint64(maxStuck) {
		inputs = append(inputs, in(callDue{n + 1}))
	}
	if _, effects := after(t, inputs...); kittest.Told[Over](effects) != nil {
		t.Error("the run says that its network has ended while it drains")
	}
}

func TestACursorIsMovedByTheLastTakeOnly(t *testing.T) {
	b := newInbox(t.Context(), nil, testPlaces.Self, testStart)
	b.begin([]byte("c0"))
	b.advance(2, []byte("c2"))
	b.advance(1, []byte("c1")) // its goroutine was slower
	b.advance(3, nil)
	if got := string(b.Cursor()); got != "c2" {
		t.Errorf("cursor %q, want c2", got)
	}
}

func TestLaw8_AFenceAnswersEverybodyAtOnce(t *testing.T) {
	s, effects := after(t, append(up(), send(time.Second, 2), in(Take{}, asker(3)), send(time.Second, 4), in(callDue{3}), in(Fence{Cause: "late"}))...)
	if got := kittest.Told[Fenced](effects); len(got) != 1 || got[0].Run != 7 {
		t.Errorf("told %+v, want that run 7 is fenced", got)
	}
	if _, cut := kittest.Find[Cut](effects); !cut {
		t.Error("the contexts were not ended")
	}
	if got := kittest.Answers[Taken](effects); len(got) != 1 || !errors.Is(got[0].Err, channels.ErrGone) {
		t.Errorf("takes %+v, want one ErrGone", got)
	}
	if got := kittest.Answers[Result](effects); len(got) != 1 || channels.OutcomeOf(got[0].Err) != channels.Unknown {
		t.Errorf("results %+v, want one of unknown outcome", got)
	}
	kittest.None[kit.Stop](t, effects)
	if s.gone {
		t.Error("the actor is gone before its goroutines")
	}
}

func TestLaw5_WhatTheJournalDidNotSayIsNotBelieved(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer kit.Answered
	}{
		{"it is late", kit.Answered{Err: kit.ErrLate}},
		{"it refuses", kit.Answered{Msg: journal.Accepted{Err: journal.ErrIntake}}},
		{"it says something else", kit.Answered{Msg: "yes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.answer.Tag = accepted{1}
			_, effects := after(t, append(up(), in(Take{}, asker(2)), in(c.answer))...)
			if got := kittest.Answers[Taken](effects); len(got) != 1 || got[0].Err == nil || len(effects) != 1 {
				t.Errorf("a take led to %#v, want an error and nobody told", effects)
			}
			c.answer.Tag = cursorRead{}
			if s, _ := after(t, in(Begin{}), in(c.answer)); s.live || s.Phase != Ending {
				t.Errorf("a cursor that is not known led to phase %s, want that no network begins", s.Phase)
			}
		})
	}
}
