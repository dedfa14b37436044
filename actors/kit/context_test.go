package kit

import (
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// asking is the context of an actor that never runs, with one open question.
func asking(t *testing.T) (*Context, *time.Timer) {
	t.Helper()
	r := &row{addr: Named("asker"), box: newMailbox(false, func(In) {})}
	c := newContext(New(Options{Log: zerolog.Nop()}), r)
	c.ask(Ask{To: Named("nobody"), Within: time.Hour})
	for _, q := range c.pending {
		return c, q.deadline
	}
	t.Fatal("an open question is not pending")
	return nil, nil
}

func TestTheEndOfAQuestionEndsItsDeadline(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(c *Context)
	}{
		{"by its answer", func(c *Context) { c.open([]In{{Msg: reply{seq: 1}}}, time.Now()) }},
		{"by the end of the asker", (*Context).stopping},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, deadline := asking(t)
			c.end(x)
			if deadline.Stop() {
				t.Error("the timer was still running: it would keep the actor in memory until it fires")
			}
			if len(x.pending) != 0 {
				t.Errorf("%d questions are still pending", len(x.pending))
			}
		})
	}
}

func TestAnEndedChildIsForgotten(t *testing.T) {
	x, _ := asking(t)
	for _, child := range []string{"lane.1", "lane.2"} {
		x.children[Named(child)] = struct{}{}
	}
	x.open([]In{{Msg: Ended{Child: Named("lane.1")}}}, time.Now())
	if _, there := x.children[Named("lane.2")]; len(x.children) != 1 || !there {
		t.Errorf("children after the end of lane.1: %v, want lane.2 alone", x.children)
	}
}

func TestOfAnAnswerAndItsDeadlineInOneMailboxTheFirstCounts(t *testing.T) {
	answer, deadline := In{Msg: reply{seq: 1, msg: "in time"}}, In{Msg: expired{seq: 1}}
	for _, c := range []struct {
		name string
		ins  []In
		want Answered
	}{
		{"the answer came first", []In{answer, deadline, answer}, Answered{Msg: "in time"}},
		{"the deadline came first", []In{deadline, answer, deadline}, Answered{Err: ErrLate}},
	} {
		x, _ := asking(t)
		if got := x.open(c.ins, time.Now()); len(got) != 1 || got[0].Msg != c.want {
			t.Errorf("%s: the machine gets %v, want %v alone", c.name, got, c.want)
		}
	}
}

func TestASlotTakesTheFirstAnswerOnlyAndHoldsUpNobody(t *testing.T) {
	w := newSlot()
	first := w.ask()
	w.put(first, "first")
	w.put(first, "second")
	if got := <-w.ch; got != "first" {
		t.Errorf("the slot gave %v, want first", got)
	}
	w.put(first, "after it was read")
	w.put(0, "to nobody's question")
	if len(w.ch) != 0 {
		t.Error("a slot that was read took another answer")
	}
}

func TestASlotThatIsUsedAgainTakesNoAnswerToTheQuestionBefore(t *testing.T) {
	w := newSlot()
	first := w.ask()
	w.put(first, "first")
	<-w.ch
	second := w.ask()
	w.put(first, "first, once more")
	if len(w.ch) != 0 {
		t.Error("an answer to the question before was taken")
	}
	if w.put(second, "second"); len(w.ch) != 1 {
		t.Error("the answer to this question was not taken")
	}
}
