package run

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/actors/journal"
	"holdfast/actors/kit"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

// call asks the run and waits for the result.
func (s *stage) call(op Op, within time.Duration) Result {
	s.t.Helper()
	answer, err := s.sys.Ask(s.t.Context(), s.self, Call{Op: op, Deadline: time.Now().Add(within)})
	if err != nil {
		s.t.Fatalf("calling the run: %v", err)
	}
	return answer.(Result)
}

func TestTheNetworkBeginsWithTheCursorOfTheJournal(t *testing.T) {
	cursors := make(chan string, 1)
	newStage(t, double{run: func(ctx context.Context, in channels.Inbox) error {
		cursors <- string(in.Cursor())
		<-ctx.Done()
		return nil
	}})
	if got := <-cursors; got != "c1" {
		t.Errorf("cursor %q, want c1", got)
	}
}

func TestLaw5_TakeReturnsAfterTheJournalsAnswerAndMovesTheCursor(t *testing.T) {
	cursors, took := make(chan string, 2), make(chan error, 1)
	body, claims := []byte(`{"n":1}`), []string{"a|message|"}
	s := newStageWith(t, double{run: func(ctx context.Context, in channels.Inbox) error {
		cursors <- string(in.Cursor())
		err := in.Take(ctx, []channels.Raw{{Form: "frame", ID: "a", Body: body, Claims: claims}}, []byte("c2"))
		cursors <- string(in.Cursor())
		took <- err
		<-ctx.Done()
		return nil
	}}, func(journal.Accept) any { return nil })
	open := s.journal.WaitIn(func(msg any) bool { _, is := msg.(journal.Accept); return is })
	want := journal.Accept{
		Account: "double:home", Cursor: []byte("c2"),
		Requests: []channels.Request{{Account: "double:home", Form: "frame", ID: "a", Body: []byte(`{"n":1}`), Claims: []string{"a|message|"}}},
	}
	body[0], claims[0] = 'X', "X" // the network may use its buffers again
	if diff := cmp.Diff(want, open.Msg); diff != "" {
		t.Errorf("accept (-want +got):\n%s", diff)
	}
	select {
	case err := <-took:
		t.Fatalf("Take returned %v before the journal answered", err)
	default:
	}
	s.journal.Perform(kit.Answer{To: open.From, Msg: journal.Accepted{Seqs: []uint64{1}}})
	if err := <-took; err != nil {
		t.Fatalf("take: %v", err)
	}
	if a, b := <-cursors, <-cursors; a != "c1" || b != "c2" {
		t.Errorf("cursors %q and %q, want c1 and c2", a, b)
	}
	if got := kittest.Wait[Took](s.parent); got.Items != 1 {
		t.Errorf("told %+v, want one item", got)
	}
}

func TestTakeGoesOnOfferingToAJournalThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, refusals := make(chan error, 1), 0
		newStageWith(t, double{run: func(ctx context.Context, in channels.Inbox) error {
			took <- in.Take(ctx, []channels.Raw{{ID: "a"}}, nil)
			<-ctx.Done()
			return nil
		}}, func(journal.Accept) any {
			if refusals++; refusals <= 3 {
				return journal.Accepted{Err: journal.ErrIntake}
			}
			return journal.Accepted{Seqs: []uint64{1}}
		})
		began := time.Now()
		if err := <-took; err != nil {
			t.Fatalf("take: %v", err)
		}
		if waited := time.Since(began); waited != 3*intakePause {
			t.Errorf("it took %s, want three pauses", waited)
		}
	})
}

func TestLaw9_TakesOnTheirWayAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := make(chan error, 2*maxTakes)
		s := newStageWith(t, double{run: func(ctx context.Context, in channels.Inbox) error {
			for range 2 * maxTakes {
				go func() { errs <- in.Take(ctx, []channels.Raw{{ID: "a"}}, nil) }()
			}
			<-ctx.Done()
			return nil
		}}, func(journal.Accept) any { return nil })
		synctest.Wait()
		if got := s.status().Takes; got != maxTakes {
			t.Errorf("%d takes are under way, want %d", got, maxTakes)
		}
		s.sys.Tell(s.self, Fence{Cause: "test"})
		for range 2 * maxTakes {
			if err := <-errs; !errors.Is(err, channels.ErrGone) && !errors.Is(err, context.Canceled) {
				t.Errorf("take: %v, want gone", err)
			}
		}
	})
}

func TestATakeOfNothingAsksNobody(t *testing.T) {
	took := make(chan error, 1)
	s := newStage(t, double{run: func(ctx context.Context, in channels.Inbox) error {
		took <- in.Take(ctx, nil, nil)
		<-ctx.Done()
		return nil
	}})
	if err := <-took; err != nil {
		t.Errorf("take: %v", err)
	}
	if got := s.journal.Messages(); len(got) != 1 {
		t.Errorf("the journal was asked %#v, want only for the cursor", got)
	}
}

func TestATakeOfTooManyItemsIsRefused(t *testing.T) {
	took := make(chan error, 1)
	newStage(t, double{run: func(ctx context.Context, in channels.Inbox) error {
		took <- in.Take(ctx, make([]channels.Raw, MaxItems+1), nil)
		<-ctx.Done()
		return nil
	}})
	if err := <-took; err == nil || !strings.Contains(err.Error(), "hand them in by parts") {
		t.Errorf("take: %v, want that there are too many", err)
	}
}

func TestLaw8_AFencedRunTakesNothing(t *testing.T) {
	fenced, took := make(chan struct{}), make(chan error, 1)
	s := newStage(t, double{run: func(_ context.Context, in channels.Inbox) error {
		<-fenced // deaf to its context
		took <- in.Take(context.Background(), []channels.Raw{{ID: "late"}}, []byte("c9"))
		return nil
	}})
	s.up()
	s.sys.Tell(s.self, Fence{Cause: "test"})
	kittest.Wait[Fenced](s.parent)
	if !s.sys.Alive(s.self) || s.status().Phase != Abandoned {
		t.Errorf("the run is %+v, want it abandoned and there while its goroutine is", s.status())
	}
	close(fenced)
	if err := <-took; !errors.Is(err, channels.ErrGone) {
		t.Errorf("take: %v, want gone", err)
	}
	s.ended()
	for _, msg := range s.journal.Messages() {
		if _, accepts := msg.(journal.Accept); accepts {
			t.Error("the journal was given something by a fenced run")
		}
	}
}

func TestLaw8_TheResultComesAtTheDeadlineThoughTheNetworkIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newStage(t, double{send: func(context.Context, channels.Reply) (channels.Receipt, error) {
			<-release
			return channels.Receipt{ID: "late"}, nil
		}})
		s.up()
		began := time.Now()
		r := s.call(Send{}, 5*time.Second)
		if took := time.Since(began); took != 5*time.Second || channels.OutcomeOf(r.Err) != channels.Unknown || r.Err == nil {
			t.Errorf("after %s: %v; want an unknown outcome after 5s", took, r.Err)
		}
		if got := s.status(); got.Stuck != 1 {
			t.Errorf("status %+v, want one stuck goroutine", got)
		}
		s.sys.Tell(s.self, Drain{Cause: "test"})
		synctest.Wait()
		if !s.sys.Alive(s.self) {
			t.Error("the run is gone before its goroutine")
		}
		close(release)
		s.ended()
	})
}

func TestANetworkThatHeedsItsContextStillSaysWhatItKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, double{send: func(ctx context.Context, _ channels.Reply) (channels.Receipt, error) {
			<-ctx.Done()
			return channels.Receipt{}, &channels.Failure{Outcome: channels.NotSent, Err: errors.New("no route to the server")}
		}})
		s.up()
		if r := s.call(Send{}, 5*time.Second); channels.OutcomeOf(r.Err) != channels.NotSent {
			t.Errorf("%v, want what the network said", r.Err)
		}
	})
}

func TestLaw9_APanicIsTheErrorOfItsCall(t *testing.T) {
	s := newStage(t, double{send: func(_ context.Context, r channels.Reply) (channels.Receipt, error) {
		if r.Seq == 1 {
			panic("nil map")
		}
		return channels.Receipt{ID: "ok"}, nil
	}})
	s.up()
	if r := s.call(Send{Reply: channels.Reply{Seq: 1}}, time.Second); r.Err == nil || channels.OutcomeOf(r.Err) != channels.Unknown || strings.Contains(r.Err.Error(), "\n") {
		t.Errorf("%v, want one line with an unknown outcome", r.Err)
	}
	if r := s.call(Send{Reply: channels.Reply{Seq: 2}}, time.Second); r.Err != nil || r.Receipt.ID != "ok" {
		t.Errorf("%+v, want that the run goes on", r)
	}
}

func TestLaw9_APanicOfTheNetworkEndsTheRunWithTheCause(t *testing.T) {
	for _, c := range []struct {
		name    string
		network channels.Channel
	}{
		{"in Run", double{run: func(context.Context, channels.Inbox) error { panic("nil map") }}},
		{"in Connect, by giving nothing", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, c.network)
			over := kittest.Wait[Over](s.parent)
			if over.Run != 7 || over.Refusal || !strings.Contains(over.Err, "the network's code: ") {
				t.Errorf("%+v, want the panic as a failure of run 7", over)
			}
			if ended := s.ended(); ended.Cause != "" {
				t.Errorf("the actor ended by %q, want that it stopped itself", ended.Cause)
			}
		})
	}
}

func TestADrainFinishesTheCallsAndThenTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		s := newStage(t, double{
			run: func(ctx context.Context, _ channels.Inbox) error {
				<-ctx.Done()
				order = append(order, "run")
				return ctx.Err()
			},
			send: func(context.Context, channels.Reply) (channels.Receipt, error) {
				time.Sleep(2 * time.Second)
				order = append(order, "send")
				return channels.Receipt{ID: "m1"}, nil
			},
		})
		s.up()
		s.parent.Perform(kit.Ask{To: s.self, Msg: Call{Op: Send{}, Deadline: time.Now().Add(time.Minute)}, Within: time.Hour, Tag: "first"})
		s.parent.Perform(kit.Tell{To: s.self, Msg: Drain{Cause: "test"}})
		s.parent.Perform(kit.Ask{To: s.self, Msg: Call{Op: Send{}, Deadline: time.Now().Add(time.Minute)}, Within: time.Hour, Tag: "second"})
		second := kittest.Wait(s.parent, func(m kit.Answered) bool { return m.Tag == "second" })
		if r := second.Msg.(Result); channels.OutcomeOf(r.Err) != channels.NotSent {
			t.Errorf("a call after the drain: %v, want that it was not sent", r.Err)
		}
		first := kittest.Wait(s.parent, func(m kit.Answered) bool { return m.Tag == "first" })
		if r := first.Msg.(Result); r.Receipt.ID != "m1" {
			t.Errorf("the call held: %+v, want its receipt", r)
		}
		s.ended()
		if diff := cmp.Diff([]string{"send", "run"}, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if over := kittest.Wait[Over](s.parent); over.Err != "" {
			t.Errorf("over %+v, want a clean end", over)
		}
	})
}

func TestACallThatDoesNotEndIsCutShortBeforeTheFenceSoThatItsNetworkCanSayWhatItKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, double{
			run: func(ctx context.Context, _ channels.Inbox) error { <-ctx.Done(); return nil },
			send: func(ctx context.Context, _ channels.Reply) (channels.Receipt, error) {
				<-ctx.Done()
				return channels.Receipt{}, &channels.Failure{Outcome: channels.NotSent, Err: errNetwork}
			},
		})
		s.up()
		began := time.Now()
		s.parent.Perform(kit.Ask{To: s.self, Msg: Call{Op: Send{}, Deadline: began.Add(time.Hour)}, Within: 2 * time.Hour, Tag: "held"})
		s.parent.Perform(kit.Tell{To: s.self, Msg: Drain{Cause: "test", Within: 10 * time.Second}})
		answer := kittest.Wait(s.parent, func(m kit.Answered) bool { return m.Tag == "held" })
		if r := answer.Msg.(Result); channels.OutcomeOf(r.Err) != channels.NotSent {
			t.Errorf("the call says %v, want what the network knows", r.Err)
		}
		if took := time.Since(began); took >= 10*time.Second || took < 5*time.Second {
			t.Errorf("it was cut short after %s, want shortly before 10 s", took)
		}
		s.ended()
	})
}

func TestNudgesAreKeptForANetworkThatIsBusy(t *testing.T) {
	begin, nudged := make(chan struct{}), make(chan int, 1)
	s := newStage(t, double{run: func(ctx context.Context, in channels.Inbox) error {
		<-begin
		<-in.Nudge()
		select {
		case <-in.Nudge():
			nudged <- 2
		default:
			nudged <- 1
		}
		<-ctx.Done()
		return nil
	}})
	s.up()
	s.sys.Tell(s.self, Nudge{})
	s.sys.Tell(s.self, Nudge{})
	s.call(Typing{}, time.Second) // behind both in the mailbox
	close(begin)
	if got := <-nudged; got != 1 {
		t.Errorf("%d nudges, want that they become one", got)
	}
}

func TestTheNetworkIsToldWhereItsRouteIsReached(t *testing.T) {
	begin, addresses := make(chan struct{}), make(chan string, 2)
	s := newStage(t, double{run: func(ctx context.Context, in channels.Inbox) error {
		addresses <- in.Webhook()
		<-begin
		addresses <- in.Webhook()
		<-ctx.Done()
		return nil
	}})
	s.up()
	if got := <-addresses; got != testStart.Webhook || got == "" {
		t.Errorf("at the start it is %q, want %q", got, testStart.Webhook)
	}
	s.sys.Tell(s.self, Moved{Webhook: "http://moved.example/hook"})
	s.call(Typing{}, time.Second) // behind it in the mailbox
	close(begin)
	if got := <-addresses; got != "http://moved.example/hook" {
		t.Errorf("after the move it is %q", got)
	}
}

func TestAReportIsACopy(t *testing.T) {
	s := newStage(t, double{run: func(ctx context.Context, in channels.Inbox) error {
		facts := map[string]string{"privateApi": "on"}
		in.Report(channels.Condition{Link: channels.Connected, Facts: facts})
		facts["privateApi"] = "off"
		<-ctx.Done()
		return nil
	}})
	got := kittest.Wait[Reported](s.parent)
	s.sys.Tell(s.self, Drain{Cause: "test"})
	s.ended()
	if got.Condition.Facts["privateApi"] != "on" {
		t.Errorf("facts %v, want what was reported", got.Condition.Facts)
	}
}

func TestLaw9_ANetworkThatReportsInALoopFloodsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, double{run: func(ctx context.Context, in channels.Inbox) error {
			for range 1000 {
				in.Report(channels.Condition{Link: channels.Waiting, Facts: map[string]string{"at": time.Now().String()}})
				time.Sleep(time.Millisecond)
			}
			in.Report(channels.Condition{Link: channels.Connected})
			<-ctx.Done()
			return nil
		}})
		kittest.Wait(s.parent, func(m Reported) bool { return m.Condition.Link == channels.Connected })
		told := 0
		for _, msg := range s.parent.Messages() {
			if _, is := msg.(Reported); is {
				told++
			}
		}
		if most := int(time.Second/reportEvery) + 2; told > most {
			t.Errorf("%d reports in a second, want at most %d", told, most)
		}
	})
}
