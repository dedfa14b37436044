package run

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/actors/journal"
	"holdfast/actors/kit/kittest"
	"holdfast/channels"
)

func TestATakeThatIsGivenUpWhileTheJournalTakesNothingIsOfferedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, offers := make(chan error, 1), 0
		newStageWith(t, double{run: func(ctx context.Context, in channels.Inbox) error {
			within, cancel := context.WithTimeout(ctx, intakePause/2)
			defer cancel()
			took <- in.Take(within, []channels.Raw{{ID: "a"}}, nil)
			<-ctx.Done()
			return nil
		}}, func(journal.Accept) any {
			offers++
			return journal.Accepted{Err: journal.ErrIntake}
		})
		if err := <-took; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("take: %v, want its deadline", err)
		}
		time.Sleep(intakePause)
		if offers != 1 {
			t.Errorf("it was offered %d times, want once", offers)
		}
	})
}

func TestATakeOfARunThatIsNoMoreIsGone(t *testing.T) {
	inboxes := make(chan channels.Inbox, 1)
	s := newStage(t, double{run: func(_ context.Context, in channels.Inbox) error {
		inboxes <- in
		return nil
	}})
	in := <-inboxes // kept longer than it is good for
	kittest.Wait[Over](s.parent)
	s.ended()
	if err := in.Take(t.Context(), []channels.Raw{{ID: "a"}}, nil); !errors.Is(err, channels.ErrGone) {
		t.Errorf("take: %v, want gone", err)
	}
}

// able is a network that can do all that a run may ask for.
type able struct{ double }

func (able) Find(_ context.Context, _ channels.Reply, claimed func(string) bool) (channels.Receipt, bool, error) {
	return channels.Receipt{ID: "found"}, claimed("mine") && !claimed("theirs"), nil
}

func (able) Complete(_ context.Context, a channels.Arrival, _ int) (channels.Arrival, error) {
	a.Text = "whole"
	return a, nil
}

func (able) Typing(context.Context, string, bool) error      { return errNetwork }
func (able) MarkRead(context.Context, string) error          { return errNetwork }
func (able) Resolve(context.Context, string) (string, error) { return "chat", nil }

func TestWhatANetworkCanDoItIsAskedFor(t *testing.T) {
	s := newStage(t, able{})
	s.up()
	for _, c := range []struct {
		op   Op
		want func(Result) bool
	}{
		{Find{Claimed: []string{"mine"}}, func(r Result) bool { return r.Found && r.Receipt.ID == "found" }},
		{Complete{}, func(r Result) bool { return r.Arrival.Text == "whole" }},
		{Typing{}, func(r Result) bool { return errors.Is(r.Err, errNetwork) }},
		{MarkRead{}, func(r Result) bool { return errors.Is(r.Err, errNetwork) }},
		{Resolve{}, func(r Result) bool { return r.Conversation == "chat" }},
	} {
		if r := s.call(c.op, time.Minute); !c.want(r) {
			t.Errorf("%s gave %+v", nameOf(c.op), r)
		}
	}
}
